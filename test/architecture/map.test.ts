/** ARCHITECTURE.md is the map of what stands: every room, in its order, and no file that is not there. */

import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ROOMS } from "./imports.ts";

const ROOT = join(import.meta.dir, "..", "..");
const map = await Bun.file(join(ROOT, "ARCHITECTURE.md")).text();
const DOCUMENTS = ["ARCHITECTURE.md", "CONTRIBUTING.md", "docs/glossary.md"];

test("the map names every room, from top to bottom", () => {
  const named = [...map.matchAll(/^\| `([\w.-]+)\/?` +\|/gm)].map(([, name]) => name);
  expect(named).toEqual(ROOMS.map(({ name }) => name));
});

test.each(DOCUMENTS)("every file that %s names is there", async (document) => {
  const text = await Bun.file(join(ROOT, document)).text();
  const paths = [
    ...text.matchAll(/`((?:src|test|bench|docs|\.ci)\/[\w./-]+|[\w.]+\.(?:md|json))`/g),
  ];
  const missing = paths
    .map(([, path]) => path ?? "")
    .filter((path) => !existsSync(join(ROOT, path)));
  expect(paths.length).toBeGreaterThan(0);
  expect(missing).toEqual([]);
});
