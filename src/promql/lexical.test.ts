import { describe, expect, test } from "bun:test";
import { parseNumber, unquote } from "./lexical.ts";

describe("a number", () => {
  const cases: readonly (readonly [string, number | undefined])[] = [
    ["0", 0],
    ["1e3", 1000],
    ["1E-3", 0.001],
    [".5", 0.5],
    ["1_000", 1000],
    ["0x1F", 31],
    ["010", 8],
    ["08", 8],
    ["0.5", 0.5],
    ["1e308", 1e308],
    ["1e309", undefined],
    ["Inf", Number.POSITIVE_INFINITY],
    ["nan", Number.NaN],
    ["1m", 60],
    ["1h30m", 5400],
    ["5ms", 0.005],
    ["1y2w", 365 * 86_400 + 14 * 86_400],
    ["292y", 292 * 365 * 86_400],
    ["293y", undefined],
    ["1m1h", undefined],
    ["five", undefined],
  ];
  test.each(cases)("%s is %p", (text, value) => {
    expect(parseNumber(text)).toEqual(value as number);
  });
});

describe("a string literal", () => {
  const cases: readonly (readonly [string, string])[] = [
    [`"plain"`, "plain"],
    [`'it"s'`, 'it"s'],
    [`"it's"`, "it's"],
    [String.raw`'it\'s'`, "it's"],
    ["`raw\\n`", "raw\\n"],
    [String.raw`"\a\b\f\n\r\t\v\\"`, "\x07\b\f\n\r\t\v\\"],
    [String.raw`"\x41\101é\U0001F600"`, "AAé😀"],
    [String.raw`"\xc3\xa9"`, "é"],
    [`"\uFEFFmark"`, "\uFEFFmark"],
    ["``", ""],
  ];
  test.each(cases)("%s", (literal, text) => {
    expect(unquote(literal)).toEqual({ text });
  });

  const broken: readonly (readonly [string, string])[] = [
    [`"open`, "unterminated string"],
    [`"`, "unterminated string"],
    [String.raw`"\q"`, "unknown escape sequence \\q"],
    [String.raw`"\'"`, "unknown escape sequence \\'"],
    [String.raw`'\"'`, 'unknown escape sequence \\"'],
    [String.raw`"\x4"`, "unknown escape sequence \\x"],
    [String.raw`"\400"`, "unknown escape sequence \\4"],
    [String.raw`"\ud800"`, "unknown escape sequence \\u"],
    [String.raw`"\U00110000"`, "unknown escape sequence \\U"],
    [String.raw`"\xff"`, "its bytes are not UTF-8"],
  ];
  test.each(broken)("%s is refused", (literal, problem) => {
    expect(unquote(literal)).toEqual({ problem });
  });
});
