import { describe, expect, test } from "bun:test";
import { nearest } from "./did-you-mean.ts";

const words = ["services", "scrape", "rule_files", "name", "job"];

describe("the word that was meant", () => {
  const cases: readonly (readonly [string, string, string | undefined])[] = [
    ["itself", "scrape", "scrape"],
    ["one letter too few", "service", "services"],
    ["one letter wrong", "scrapf", "scrape"],
    ["two letters swapped", "srcape", "scrape"],
    ["another separator", "rule-files", "rule_files"],
    ["a third of a long word off", "rulefils", "rule_files"],
    ["two letters off in a short one", "nama1", "name"],
    ["three letters off in a short one", "nxyz", undefined],
    ["nothing like any", "temperature", undefined],
  ];
  test.each(cases)("%s", (_, word, expected) => {
    expect(nearest(word, words)).toBe(expected);
  });

  test("is none of none, and the first of equals", () => {
    expect(nearest("name", [])).toBeUndefined();
    expect(nearest("bat", ["cat", "hat"])).toBe("cat");
  });

  test("of an endless word is none, at once", () => {
    const fromMs = performance.now();
    expect(nearest("n".repeat(10_000_000), words)).toBeUndefined();
    expect(performance.now() - fromMs).toBeLessThan(5000);
  });
});
