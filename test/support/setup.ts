/**
 * Loaded before every test file: on a fresh clone, or after a dependency has changed, each of them
 * would fail by itself on a package that is not there. It also sets how long a test may take.
 */

import { setDefaultTimeout } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import packageJson from "../../package.json" with { type: "json" };

const NODE_MODULES = join(import.meta.dir, "..", "..", "node_modules");

function isInstalled([name, version]: readonly [string, string]): boolean {
  const path = join(NODE_MODULES, name, "package.json");
  return existsSync(path) && JSON.parse(readFileSync(path, "utf8")).version === version;
}

const missing = Object.entries({
  ...packageJson.dependencies,
  ...packageJson.devDependencies,
}).find((dependency) => !isInstalled(dependency));
if (missing !== undefined) {
  console.error(
    `${missing.join(" ")} is not installed. Run: bun run test (it installs, builds, and runs every test)`,
  );
  process.exit(1);
}

// Unit tests are quick, on a busy machine too; what needs Docker or a browser sets its own limit.
setDefaultTimeout(20_000);
