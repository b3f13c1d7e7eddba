/** F8: `bun test` where nothing is installed says in one line what to run. */

import { expect, test } from "bun:test";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import packageJson from "../../package.json" with { type: "json" };
import { PROJECT, runToEnd } from "../support/binary.ts";

const TEST = 'import { test } from "bun:test";\nimport "fast-check";\ntest("runs", () => {});\n';

/** A clone with two test files, and with those packages installed. */
function cloneWith(packages: readonly string[]): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), "sentinel-clone-"));
  for (const file of ["package.json", "bunfig.toml", "test/support/setup.ts"])
    cpSync(join(PROJECT, file), join(path, file));
  for (const name of ["a", "b"]) writeFileSync(join(path, `test/${name}.test.ts`), TEST);
  for (const name of packages) {
    mkdirSync(join(path, "node_modules", name, ".."), { recursive: true });
    symlinkSync(join(PROJECT, "node_modules", name), join(path, "node_modules", name));
  }
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

const ALL = Object.keys({ ...packageJson.dependencies, ...packageJson.devDependencies });

test.each([
  ["nothing is installed", [], ALL[0]],
  ["one package is missing", ALL.slice(0, -1), ALL.at(-1)],
])("F8: where %s, one line says what to run", async (_, packages, named = "") => {
  using clone = cloneWith(packages);
  const { exitCode, stderr } = await runToEnd([process.execPath, "test"], { cwd: clone.path });
  const said = stderr.split("\n").filter((line) => !/^$|\.test\.ts:$/.test(line));
  expect(said).toEqual([expect.stringMatching(/ is not installed\. Run: bun run test /)]);
  expect(said[0]).toStartWith(named);
  expect(exitCode).toBe(1);
});

test("F8: where all is installed, the tests run", async () => {
  using clone = cloneWith(ALL);
  const { exitCode, stderr } = await runToEnd([process.execPath, "test"], { cwd: clone.path });
  expect(stderr).toContain("2 pass");
  expect(exitCode).toBe(0);
});
