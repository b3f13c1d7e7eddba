import { describe, expect, test } from "bun:test";
import { createMatcher } from "./matchers.ts";
import type { MatchOperator } from "./series.ts";

describe("a matcher", () => {
  const cases: readonly (readonly [MatchOperator, string, string, boolean])[] = [
    ["=", "api", "api", true],
    ["=", "api", "apis", false],
    ["=", "", "", true],
    ["!=", "api", "", true],
    ["!=", "api", "api", false],
    ["=~", "5..", "500", true],
    ["=~", "5..", "1500", false],
    ["=~", "5..", "5000", false],
    ["=~", "a|b", "b", true],
    ["=~", "a|b", "ab", false],
    ["=~", "a|", "", true],
    ["=~", "/api/v1", "/api/v1", true],
    ["=~", "/api/v1", "/api/v12", false],
    ["=~", "a.c", "a\nc", true],
    ["=~", "(?i)api", "API", true],
    ["=~", "\\Qa.b", "a.b", true],
    ["=~", "\\Qa.b", "axb", false],
    ["=~", ".*", "", true],
    ["=~", ".+", "", false],
    ["!~", "5..", "500", false],
    ["!~", "5..", "200", true],
    ["!~", "a|b", "c", true],
  ];
  test.each(cases)('%s"%s" on "%s" is %p', (operator, value, text, expected) => {
    expect(createMatcher("label", operator, value).matches(text)).toBe(expected);
  });

  test("takes time linear in the text, whatever the pattern", () => {
    const startMs = performance.now();
    expect(createMatcher("label", "=~", "(a+)+b").matches("a".repeat(10_000))).toBe(false);
    expect(performance.now() - startMs).toBeLessThan(2000);
  });

  test.each(["(", "a)(b", "a)|(b", "(?=a)", "\\1", "[z-a]"])("%s is no pattern", (pattern) => {
    expect(() => createMatcher("label", "=~", pattern)).toThrow("error parsing regexp");
  });
});
