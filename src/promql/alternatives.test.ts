import { RE2JS } from "re2js";
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { textsOf } from "./alternatives.ts";

describe("the texts that a pattern matches", () => {
  const cases: readonly (readonly [string, readonly string[] | undefined])[] = [
    ["", [""]],
    ["a", ["a"]],
    ["a|b|", ["a", "b", ""]],
    ["(a|b)_(sum|count)", ["a_sum", "a_count", "b_sum", "b_count"]],
    ["x(_sum)?", ["x", "x_sum"]],
    ["(a(b|c)?|d)e|f", ["ae", "abe", "ace", "de", "f"]],
    ["()", [""]],
    ["((a))", ["a"]],
    // What means more than itself is left to the regular expression.
    ["a.b", undefined],
    ["a?", undefined],
    ["(a)??", undefined],
    ["(a)?*", undefined],
    ["(?i:a)", undefined],
    ["(a", undefined],
    ["a)", undefined],
    ["a\\|b", undefined],
    ["[ab]", undefined],
    ["^a$", undefined],
    ["a{2}", undefined],
  ];
  test.each(cases)("%j", (pattern, expected) => {
    const texts = textsOf(pattern);
    expect(texts && [...texts].toSorted()).toEqual(expected && [...expected].toSorted());
  });

  test("are not listed where they are very many", () => {
    expect(textsOf("(a|b)".repeat(10))?.size).toBe(1024);
    expect(textsOf("(a|b)".repeat(11))).toBeUndefined();
  });

  test("are those that RE2 matches", () => {
    const letters = fc.constantFrom("a", "b", "|", "(", ")", "?", "_");
    const pattern = fc.array(letters, { maxLength: 12 }).map((all) => all.join(""));
    fc.assert(
      fc.property(pattern, fc.array(letters, { maxLength: 4 }), (written, other) => {
        const texts = textsOf(written);
        if (texts === undefined) return;
        const expression = RE2JS.compile(written);
        for (const text of texts) expect(expression.testExact(text)).toBe(true);
        const text = other.join("");
        expect(expression.testExact(text)).toBe(texts.has(text));
      }),
      { numRuns: 2000 },
    );
  });
});
