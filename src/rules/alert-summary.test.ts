import { describe, expect, test } from "bun:test";
import { alert, rule } from "../../test/support/fixtures.ts";
import { humanize1024, renderSummary, significant } from "./alert-summary.ts";

function summary(template: string, value: number | undefined = 1.9, labels = {}): string {
  return renderSummary(
    alert({ rule: rule({ annotations: { summary: template } }), value, labels }),
  );
}

describe("templates", () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ["the value", "{{ $value }} cores", "1.9 cores"],
    ["without spaces", "{{$value}}", "1.9"],
    ["with trimming marks", "{{- $value -}}", "1.9"],
    ["humanized", "{{ $value | humanize }}", "1.9"],
    ["as a share", "{{ $value | humanizePercentage }}", "190%"],
    ["as a duration", "{{ $value | humanizeDuration }}", "1.9s"],
    ["as bytes", "{{ $value | humanize1024 }}B", "1.9B"],
    ["a label", "on {{ $labels.instance }}", "on a:1"],
    ["a label that is not there", "on {{ $labels.zone }}.", "on ."],
    ["a label named as a method", "on {{ $labels.constructor }}.", "on ."],
    ["several", "{{ $value }} {{ $value }}", "1.9 1.9"],
    [
      "a query, which is not run for a text",
      "{{ query `x` }}",
      '<error expanding template: Sentinel runs no queries for texts, such as "x">',
    ],
    ["no template", "plain", "plain"],
  ];
  test.each(cases)("%s", (_, template, expected) => {
    expect(summary(template, 1.9, { instance: "a:1" })).toBe(expected);
  });

  test("a value that is missing is said to be", () => {
    const of = rule({ annotations: { summary: "{{ $value }} cores" } });
    expect(renderSummary(alert({ rule: of, value: undefined }))).toBe("an unknown number cores");
  });

  test("what a label holds is no template", () => {
    expect(summary("{{ $labels.a }}", 1, { a: "{{ $value }} $& $1" })).toBe("{{ $value }} $& $1");
  });

  test("without a summary the description speaks, without both the expression", () => {
    const description = rule({ annotations: { description: "hot" } });
    expect(renderSummary(alert({ rule: description }))).toBe("hot");
    expect(renderSummary(alert({ rule: rule({ annotations: {} }) }))).toBe("cpu > 0.5");
  });
});

test.each([
  [0, "0 "],
  [1023, "1020 "],
  [1024, "1 Ki"],
  [1024 ** 2 - 1, "1020 Ki"],
  [1024 ** 2, "1 Mi"],
  [50_542_000, "48.2 Mi"],
  [524_288_000, "500 Mi"],
  [1024 ** 5, "1020 Ti"],
  [-5, "-5 "],
] as const)("%d bytes are %s", (bytes, text) => {
  expect(humanize1024(bytes)).toBe(text);
});

test.each([
  [0, "0"],
  [1.994, "1.99"],
  [1.996, "2"],
  [0.012345, "0.0123"],
  [123_456, "123000"],
  [-1.5, "-1.5"],
] as const)("%d is shown as %s", (value, text) => {
  expect(significant(value)).toBe(text);
});
