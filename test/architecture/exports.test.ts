/** An export is for another file of `src`: what no other uses is the file's own, or dead. */

import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { Glob } from "bun";
import { exportsOf, EXPORTED_FOR_TESTS, unusedExports, usesOf } from "./exports.ts";

const ROOT = join(import.meta.dir, "..", "..");

async function read(pattern: string): Promise<{ file: string; code: string }[]> {
  const files = [...new Glob(pattern).scanSync(ROOT)].toSorted();
  const read = files.map(async (file) => ({ file, code: await Bun.file(join(ROOT, file)).text() }));
  return await Promise.all(read);
}

const isTest = ({ file }: { file: string }) => /^(test|bench)\/|\.test\.ts$/.test(file);
const files = await read("{src,test,bench}/**/*.ts");
const unused = unusedExports(files.filter((file) => !isTest(file)));
const listed = EXPORTED_FOR_TESTS.flatMap(({ exports }) => exports.map((name) => `src/${name}`));
// To parse every test takes seconds; those that do not say one of the names import none of them.
const names = listed.map((name) => name.replace(/.* /, ""));
const tests = files.filter(isTest).filter(({ code }) => names.some((name) => code.includes(name)));
const tested = new Set(tests.flatMap(({ file, code }) => usesOf(file, code)));

test("no export of src that no other file of src uses, but for what tests need", () => {
  expect(unused.filter((name) => !listed.includes(name))).toEqual([]);
});

test("what is exported for tests alone is used by a test, and by nothing else", () => {
  const wanted = listed.filter((name) => unused.includes(name) && tested.has(name));
  expect(listed).toEqual(wanted);
});

describe("an export is seen whatever its form", () => {
  test.each([
    ["export const a = 1, b = 2;", ["a", "b"]],
    ["export const { a, b: [c] } = d;", ["a", "c"]],
    ["export function a() {}", ["a"]],
    ["export async function* a() {}", ["a"]],
    ["export class A {}", ["A"]],
    ["export interface A {}", ["A"]],
    ["export type A = 1;", ["A"]],
    ["export default 1;", ["default"]],
    ["const a = 1;\nexport { a, a as b };", ["a", "b"]],
    ['export { a as b, type C } from "./b.ts";', ["b", "C"]],
    ['export type { A } from "./b.ts";', ["A"]],
    ["const a = 1;", []],
    ['import { a } from "./b.ts";', []],
  ])("%s", (code, names) => {
    expect(exportsOf(code)).toEqual(names);
  });
});

describe("a use is seen whatever its form", () => {
  test.each([
    ['import { a, type B, c as d } from "./b.ts";', ["a", "B", "c"]],
    ['import type { A } from "./b.ts";', ["A"]],
    ['import a from "./b.ts";', ["default"]],
    ['import * as a from "./b.ts";', ["*"]],
    ['import "./b.ts";', []],
    ['export { a as b, type C } from "./b.ts";', ["a", "C"]],
    ['export * from "./b.ts";', ["*"]],
    ['export * as b from "./b.ts";', ["*"]],
    ['type B = import("./b.ts").B;', ["*"]],
    ['const { a, b: c } = await import("./b.ts");', ["a", "b"]],
    ['const { a, ...b } = await import("./b.ts");', ["a", "*"]],
    ['const b = await import("./b.ts");', ["*"]],
    ['if (a) await import("./b.ts");', []],
    ['import("./b.ts").then(({ a }) => a());', ["a"]],
    ['import("./b.ts").then(use);', ["*"]],
    ['use(await import("./b.ts"));', ["*"]],
    ['import { a } from "b";', []],
  ])("%s", (code, names) => {
    expect(usesOf("src/core/a.ts", code)).toEqual(names.map((name) => `src/core/b.ts: ${name}`));
  });
});

test("an export that only its own file or nobody uses is told of, with its file", () => {
  const sources = [
    { file: "src/a.ts", code: "export const a = 1;\nexport const b = a;" },
    { file: "src/b.ts", code: 'import { b } from "./a.ts";\nexport default b;' },
    { file: "src/c.ts", code: "export const all = 1;" },
    { file: "src/d.ts", code: 'import * as c from "./c.ts";\nc.all;' },
  ];
  expect(unusedExports(sources)).toEqual(["src/a.ts: a", "src/b.ts: default"]);
});
