import { describe, expect, test } from "bun:test";
import { RE2JS } from "re2js";
import { compilePattern, patternCost } from "./pattern.ts";

const program = (pattern: string) => RE2JS.compile(pattern).programSize();

describe("the cost is about that of the program, and never far below", () => {
  test.each([
    "a",
    "a.*b",
    "(a|b|cd)*",
    "a{30}",
    "a{2,30}",
    "a{20,}",
    "(a{10}){20}",
    "((ab|cd){5}e){7}",
    "[a-z]{40}",
    "[]a]{40}",
    "[^]a]{40}",
    "[[:alpha:]{]{40}",
    "\\p{L}{100}",
    "\\{3}x",
    "a{b}c{,5}",
    "(?:a?b?){50}",
    "(?i)abc{9}",
    "a\\(b{6}\\)",
    "x*y+z?",
    "\\Qa{9}\\E",
    "()".repeat(20),
  ])("%s", (pattern) => {
    expect(patternCost(pattern) * 2 + 8).toBeGreaterThanOrEqual(program(pattern));
  });

  test("an alternative for each of a thousand hosts is no dear one", () => {
    const hosts = Array.from({ length: 1000 }, (_, index) => `10\\.0\\.${index % 256}\\.7`);
    expect(() => compilePattern(hosts.join("|"))).not.toThrow();
  });
});

describe("a dear one is refused before it is compiled", () => {
  test.each([
    ["a class of Unicode, repeated", "\\p{L}{500}".repeat(1600)],
    ["the same, folded", `(?i)${"\\p{L}".repeat(3000)}`],
    ["a group in a group", "((a{30}){30}){30}"],
    ["a choice of lengths", "(.{1,1000}){1,25}"],
    ["a repetition of a repetition", "a{1000}{1000}{1000}{1000}{1000}"],
    ["nested past all reason", `${"(".repeat(900)}a${"){9}".repeat(900)}`],
    ["classes with names", "[\\p{L}\\p{N}]".repeat(300)],
  ])("%s", (_, pattern) => {
    const startedMs = performance.now();
    expect(() => compilePattern(pattern)).toThrow("the regular expression is too large");
    expect(performance.now() - startedMs).toBeLessThan(5000);
  });
});

test("the dearest that is permitted is compiled in a moment", () => {
  for (const pattern of [".".repeat(15_000), `(?i)${"\\pL".repeat(390)}`, "(a?){999}".repeat(4)]) {
    const startedMs = performance.now();
    compilePattern(pattern);
    expect(performance.now() - startedMs).toBeLessThan(5000);
  }
});
