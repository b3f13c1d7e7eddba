import { describe, expect, test } from "bun:test";
import { ask, askRange, load } from "../../../test/support/promql-series.ts";

const store = load(`
  up{host="srv-12.example",job="api"} 1
  up{host="db-3.example",job="web"} 1
`);

const at = { atMs: 0 };

describe("label_replace", () => {
  const cases: readonly (readonly [string, string, string, string])[] = [
    ["writes a group", "$1", "([a-z]+)-(\\d+).*", "srv"],
    ["by its number in braces", "${2}x", "([a-z]+)-(\\d+).*", "12x"],
    ["by its name", "$name", "(?P<name>[a-z]+)-.*", "srv"],
    ["or its name in braces", "${name}s", "(?P<name>[a-z]+)-.*", "srvs"],
    ["a sign that is doubled", "$$1", "(.*)", "$1"],
    ["a sign alone", "a$", ".*", "a$"],
    ["a brace that is not closed", "${1", "(.*)", "${1"],
    ["the whole match", "$0", "srv.*", "srv-12.example"],
  ];
  test.each(cases)("%s", (_name, replacement, pattern, expected) => {
    const call = `label_replace(up{job="api"}, "new", \`${replacement}\`, "host", \`${pattern}\`)`;
    expect(ask(store, call, at)).toEqual([
      `up{host="srv-12.example",job="api",new="${expected}"} 1`,
    ]);
  });

  const gone: readonly (readonly [string, string, string])[] = [
    ["a group that is not there", "$3", "(.*)"],
    ["a longer name than was meant", "$1x", "(.*)"],
    ["a pattern that matches a part only", "x", "srv"],
  ];
  test.each(gone)("writes nothing for %s", (_name, replacement, pattern) => {
    const call = `label_replace(up{job="api"}, "new", "${replacement}", "host", "${pattern}")`;
    expect(ask(store, call, at)).toEqual(['up{host="srv-12.example",job="api"} 1']);
  });

  test("removes a label by an empty value, and can write the name", () => {
    expect(ask(store, 'label_replace(up{job="api"}, "host", "", "", "")', at)).toEqual([
      'up{job="api"} 1',
    ]);
    expect(ask(store, 'label_replace(up{job="api"}, "__name__", "down", "", "")', at)).toEqual([
      'down{host="srv-12.example",job="api"} 1',
    ]);
  });

  const wrong: readonly (readonly [string, string])[] = [
    [
      'label_replace(up, "a", "b", "host", "(")',
      "invalid regular expression in label_replace(): (",
    ],
    [
      'label_replace(up, "", "b", "host", ".*")',
      "invalid destination label name in label_replace(): ",
    ],
    [
      'label_replace(label_replace(up, "host", "", "", ""), "job", "", "", "")',
      "vector cannot contain metrics with the same labelset",
    ],
  ];
  test.each(wrong)("%s is refused", (call, message) => {
    expect(() => ask(store, call, at)).toThrow(message);
  });
});

describe("label_join", () => {
  const cases: readonly (readonly [string, string])[] = [
    [
      'label_join(up{job="api"}, "new", "-", "job", "host")',
      'up{host="srv-12.example",job="api",new="api-srv-12.example"} 1',
    ],
    [
      'label_join(up{job="api"}, "new", ",", "job", "nope")',
      'up{host="srv-12.example",job="api",new="api,"} 1',
    ],
    ['label_join(up{job="api"}, "new", "-")', 'up{host="srv-12.example",job="api"} 1'],
    ['label_join(up{job="api"}, "host", "", "nope")', 'up{job="api"} 1'],
  ];
  test.each(cases)("%s", (call, expected) => {
    expect(ask(store, call, at)).toEqual([expected]);
  });

  test("refuses names that are none", () => {
    expect(() => ask(store, 'label_join(up, "", "", "job")', at)).toThrow(
      "invalid destination label name",
    );
    expect(() => ask(store, 'label_join(up, "a", "", "")', at)).toThrow(
      "invalid source label name",
    );
  });
});

describe("series that a range query would make one", () => {
  const relay = load(`
    first{job="api"} 1 1 stale
    second{job="api"} _ _ 2 2
  `);

  test.each([
    'label_replace({job="api"}, "__name__", "x", "", "")',
    'label_join({job="api"}, "__name__", "-", "job")',
    '-{job="api"}',
  ])("are refused though they never meet: %s", (expr) => {
    expect(() => askRange(relay, expr, [0, 30_000, 10_000])).toThrow("same labelset");
    expect(askRange(relay, expr, [20_000, 30_000, 10_000])).toHaveLength(1);
  });
});
