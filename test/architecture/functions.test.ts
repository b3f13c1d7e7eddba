/** No function of `src` is longer than a screen or two; and the measure, against what it must see. */

import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { Glob } from "bun";
import { functionsOf } from "./functions.ts";

const MAX_LINES = 80;

/** Functions that may be longer, as `file name`, each with the reason. There is none. */
const EXCEPTIONS: Readonly<Record<string, string>> = {};

const ROOT = join(import.meta.dir, "..", "..");
const files = [...new Glob("src/**/*.{ts,tsx}").scanSync(ROOT)]
  .filter((file) => !/\.test\.tsx?$/.test(file))
  .toSorted();
const codes = await Promise.all(files.map((file) => Bun.file(join(ROOT, file)).text()));
const measured = files.flatMap((file, index) =>
  functionsOf(codes[index] ?? "").map((one) => ({ file, ...one })),
);

test(`no function of src has more than ${MAX_LINES} lines`, () => {
  const long = measured
    .filter(({ file, name, lines }) => lines > MAX_LINES && !(`${file} ${name}` in EXCEPTIONS))
    .map(({ file, line, name, lines }) => `${file}:${line} ${name}: ${lines} lines`);
  expect(long).toEqual([]);
});

test("every exception is still one", () => {
  const long = measured.filter(({ lines }) => lines > MAX_LINES);
  const names = new Set(long.map(({ file, name }) => `${file} ${name}`));
  expect(Object.keys(EXCEPTIONS).filter((exception) => !names.has(exception))).toEqual([]);
});

test("there is something to measure", () => {
  expect(files).toContain("src/main.ts");
  expect(measured.length).toBeGreaterThan(1000);
});

describe("a function is seen whatever its form", () => {
  test.each([
    ["function f() {\n\n}", "f", 3],
    ["export default function () {\n}", "", 2],
    ["export async function* f(\n  a: number,\n): AsyncGenerator<number> {\n  yield a;\n}", "f", 5],
    ["const f = () => {\n};", "f", 2],
    ["const f = (a: string) =>\n  g(\n    a,\n  );", "f", 4],
    ["const f = function () {\n};", "f", 2],
    ["const o = {\n  f() {\n  },\n};", "f", 2],
    ["const o = {\n  f: () => {\n  },\n};", "f", 2],
    ["const o = {\n  get f() {\n    return 1;\n  },\n};", "f", 3],
    ['const o = {\n  "f"() {\n  },\n};', "", 2],
    ["class C {\n  f() {\n  }\n}", "f", 2],
    ["class C {\n  constructor() {\n  }\n}", "constructor", 2],
    ["class C {\n  #f() {\n  }\n}", "#f", 2],
    ["class C {\n  readonly f = () => {\n  };\n}", "f", 2],
    ["class C {\n  static {\n    g(() => {\n    });\n  }\n}", "", 2],
    ["g(() => {\n});", "", 2],
  ])("%j", (code, name, lines) => {
    expect(functionsOf(code)).toMatchObject([{ name, lines }]);
  });

  test("the inner ones of a function count for it, and each for itself", () => {
    const code = "function f() {\n  const g = () => {\n  };\n}\n";
    expect(functionsOf(code)).toEqual([
      { name: "f", line: 1, lines: 4 },
      { name: "g", line: 2, lines: 2 },
    ]);
  });

  test.each([
    "class C {\n  a = 1;\n\n  b = 2;\n}",
    "type F = (\n  a: number,\n) => void;",
    "interface I {\n  f(\n    a: number,\n  ): void;\n}",
    "declare function f(\n  a: number,\n): void;",
    "const table = {\n  a: 1,\n};",
  ])("%j is none", (code) => {
    expect(functionsOf(code)).toEqual([]);
  });
});
