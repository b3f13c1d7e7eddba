import { describe, expect, test } from "bun:test";
import { PATTERN, pathMatcher } from "./route-patterns.ts";

describe("a route pattern", () => {
  test.each<[string, string, string, string]>([
    ["literal segments take that path alone", "/api/items", "/api/items", "/api/itemsx"],
    ["literal segments take nothing below", "/api/items", "/api/items", "/api/items/1"],
    ["a star at the end takes what follows", "/api/*", "/api/items/1", "/api"],
    ["a star at the end needs something", "/api/*", "/api/x", "/api/"],
    ["a star in the middle takes one segment", "/api/*/1", "/api/items/1", "/api/items/x/1"],
    ["a star in the middle takes no empty segment", "/api/*/1", "/api/a/1", "/api//1"],
    ["a parameter takes one segment", "/api/items/:id", "/api/items/7", "/api/items"],
    ["a parameter takes no more than one", "/api/items/:id", "/api/items/7", "/api/items/7/x"],
    ["a dot is a dot", "/a.b", "/a.b", "/axb"],
    ["case counts", "/Api", "/Api", "/api"],
    ["the first segment may be open", "/*", "/anything/at/all", "/"],
  ])("%s: %s", (_, pattern, hit, nearMiss) => {
    const matches = pathMatcher([pattern]);
    expect({ hit: matches(hit), nearMiss: matches(nearMiss) }).toEqual({
      hit: true,
      nearMiss: false,
    });
  });

  test("of several, one is enough", () => {
    const matches = pathMatcher(["/a", "/b/*"]);
    expect(["/a", "/b/c", "/c"].map(matches)).toEqual([true, true, false]);
  });
});

const SPARED = [
  "/",
  "/health",
  "/ready",
  "/metrics",
  "/faults",
  "/faults/cpu-1",
  "/openapi/json",
  "/stress/cpu",
];

describe("probes, metrics and the fault API", () => {
  test.each(SPARED)("%s is spared from all that does not name it", (path) => {
    expect(pathMatcher()(path)).toBe(false);
    expect(pathMatcher(["/*"])(path)).toBe(false);
    expect(pathMatcher(["/:any", "/:any/*", "/*/*"])(path)).toBe(false);
  });

  test.each<[string, string]>([
    ["/health", "/health"],
    ["/stress/*", "/stress/cpu"],
    ["/faults/:id", "/faults/cpu-1"],
    ["/", "/"],
  ])("%s names %s", (pattern, path) => {
    expect(pathMatcher([pattern])(path)).toBe(true);
  });

  test("what only begins like them is ordinary traffic", () => {
    const ordinary = ["/healthy", "/faultsx/1", "/metrics.txt", "/api/health"];
    expect(ordinary.map(pathMatcher())).toEqual(ordinary.map(() => true));
  });
});

describe("the form of a pattern", () => {
  test.each(["/", "/*", "/api/*", "/api/:id/x", "/a-b_c.d~e", "/%41", "/a/*/b/*"])(
    "%s is one",
    (text) => {
      expect(PATTERN.test(text)).toBe(true);
    },
  );

  test.each([
    ["nothing", ""],
    ["no slash in front", "api/*"],
    ["a slash at the end", "/api/"],
    ["an empty segment", "/a//b"],
    ["a star within a segment", "/api*"],
    ["two stars", "/**"],
    ["a parameter without a name", "/:"],
    ["a parameter within a segment", "/a:b"],
    ["a query", "/api?x=1"],
    ["a line break", "/api\n"],
    ["a whole URL", "http://localhost/api"],
  ])("%s is none", (_, text) => {
    expect(PATTERN.test(text)).toBe(false);
  });

  test.each([
    ["letters", "/" + "a".repeat(100_000) + "!?"],
    ["segments", "/a".repeat(50_000) + "?"],
    ["parameters", "/:a".repeat(30_000) + "?"],
    ["stars", "/*".repeat(50_000) + "*"],
    ["colons", "/" + ":".repeat(100_000)],
  ])("takes linear time on many %s", (_, text) => {
    const fromMs = performance.now();
    expect(PATTERN.test(text)).toBe(false);
    expect(performance.now() - fromMs).toBeLessThan(5000);
  });

  test("a path of many segments is matched in linear time as well", () => {
    const matches = pathMatcher(["/*".repeat(100)]);
    const fromMs = performance.now();
    expect(matches("/a".repeat(2_000))).toBe(true);
    expect(matches("/a".repeat(99))).toBe(false);
    expect(performance.now() - fromMs).toBeLessThan(5000);
  });
});
