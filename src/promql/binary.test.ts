import { describe, expect, test } from "bun:test";
import { ask, load } from "../../test/support/promql-series.ts";

const store = load(`
  up{job="api",instance="a"} 1
  up{job="api",instance="b"} 0
  up{job="web",instance="a"} 1
  info{job="api",version="1.2",team="red"} 1
  info{job="web",version="1.3"} 1
  two{l="a"} 4
  two{l="b"} -4
  other{l="b"} 2
  other{l="c"} 3
  twin{l="a",n="1"} 1
  twin{l="a",n="2"} 1
  odd{l="n"} NaN
  odd{l="i"} Inf
`);

const at = { atMs: 0 };

describe("an operator", () => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ["two * 2", ['{l="a"} 8', '{l="b"} -8']],
    ["2 - two", ['{l="a"} -2', '{l="b"} 6']],
    ["two / 0", ['{l="a"} Infinity', '{l="b"} -Infinity']],
    ["two % 3", ['{l="a"} 1', '{l="b"} -1']],
    ["two % 0", ['{l="a"} NaN', '{l="b"} NaN']],
    ["two ^ 0.5", ['{l="a"} 2', '{l="b"} NaN']],
    ["vector(1) ^ NaN", ["{} 1"]],
    ["vector(-1) ^ Inf", ["{} 1"]],
    ["two atan2 0", [`{l="a"} ${Math.PI / 2}`, `{l="b"} ${-Math.PI / 2}`]],
    ["-two", ['{l="a"} -4', '{l="b"} 4']],
    ["+two", ['two{l="a"} 4', 'two{l="b"} -4']],
    ["two > 0", ['two{l="a"} 4']],
    ["0 < two", ['two{l="a"} 4']],
    ["two > bool 0", ['{l="a"} 1', '{l="b"} 0']],
    ["0 > bool two", ['{l="a"} 0', '{l="b"} 1']],
    ["two == 4", ['two{l="a"} 4']],
    ["odd == odd", ['odd{l="i"} Infinity']],
    ["odd != odd", ['odd{l="n"} NaN']],
    ["odd < 1", []],
    ["two + other", ['{l="b"} -2']],
    ["two < other", ['two{l="b"} -4']],
    ["two < bool other", ['{l="b"} 1']],
    ["two + nothing", []],
    ["two + ignoring(l) group_left sum(other)", ['{l="a"} 9', '{l="b"} 1']],
    ["sum(other) - on() group_right two", ['{l="a"} 1', '{l="b"} 9']],
    ["up{instance='a'} + on(job) info", ['{job="api"} 2', '{job="web"} 2']],
    ["up{instance='a'} >= on(job) info", ['{job="api"} 1', '{job="web"} 1']],
    [
      "up{instance='a'} >= ignoring(instance, version, team) info",
      ['up{job="api"} 1', 'up{job="web"} 1'],
    ],
    [
      "up * on(job) group_left(version, team) info",
      [
        '{instance="a",job="api",team="red",version="1.2"} 1',
        '{instance="b",job="api",team="red",version="1.2"} 0',
        '{instance="a",job="web",version="1.3"} 1',
      ],
    ],
    ["info > on(job) group_right(version) up", ['up{instance="b",job="api",version="1.2"} 1']],
    ["up{job='web'} + on(job) group_left(__name__) info", ['info{instance="a",job="web"} 2']],
    ["up{job='web'} == bool on(job) group_left(__name__) info", ['{instance="a",job="web"} 1']],
    ["two and other", ['two{l="b"} -4']],
    ["two or other", ['two{l="a"} 4', 'two{l="b"} -4', 'other{l="c"} 3']],
    ["two unless other", ['two{l="a"} 4']],
    ["two and on() nothing", []],
    ["two unless on() vector(1)", []],
    ["nothing or two", ['two{l="a"} 4', 'two{l="b"} -4']],
    [
      "up and on(job) info{team='red'}",
      ['up{instance="a",job="api"} 1', 'up{instance="b",job="api"} 0'],
    ],
    [
      "up unless ignoring(instance, version, team) info{team='red'}",
      ['up{instance="a",job="web"} 1'],
    ],
    ["sum(nothing) or vector(0)", ["{} 0"]],
  ];
  test.each(cases)("%s", (expression, expected) => {
    expect(ask(store, expression, at)).toEqual(expected);
  });

  const wrong: readonly (readonly [string, string])[] = [
    [
      "two + ignoring(n) twin",
      'found duplicate series for the match group {l="a"} on the right hand-side of the operation: [{__name__="twin", l="a", n="2"}, {__name__="twin", l="a", n="1"}];many-to-many matching not allowed: matching labels must be unique on one side',
    ],
    [
      "twin + ignoring(n) group_right two",
      'found duplicate series for the match group {l="a"} on the left hand-side',
    ],
    [
      "twin + ignoring(n) two",
      "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)",
    ],
    [
      "twin * on(l) group_left(n) two",
      "multiple matches for labels: grouping labels must ensure unique matches",
    ],
    [
      '{__name__=~"two|other",l="b"} + on(__name__) {__name__=~"two|other",l="b"}',
      "vector cannot contain metrics with the same labelset",
    ],
    ['{__name__=~"two|other"} * 2', "vector cannot contain metrics with the same labelset"],
    ['-{__name__=~"two|other"}', "vector cannot contain metrics with the same labelset"],
    ['abs({__name__=~"two|other"})', "vector cannot contain metrics with the same labelset"],
  ];
  test.each(wrong)("%s is refused", (expression, message) => {
    expect(() => ask(store, expression, at)).toThrow(message);
  });
});
