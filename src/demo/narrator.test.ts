import { describe, expect, test } from "bun:test";
import { wrap } from "./narrator.ts";

describe("a line", () => {
  test.each<[string, string, number, string[]]>([
    ["that fits is left alone", "   one two", 10, ["   one two"]],
    ["one too wide is broken between words", "   one two", 9, ["   one", "   two"]],
    [
      "with a label goes on below its text",
      "  found   after two seconds",
      20,
      ["  found   after two", "      seconds"],
    ],
    [
      "with a label goes on below its text, where there is room",
      "  found   after two seconds of it",
      31,
      ["  found   after two seconds of", "          it"],
    ],
    ["of one long word is not broken", "  0123456789", 8, ["  0123456789"]],
  ])("%s", (_, line, columns, expected) => {
    expect(wrap(line, columns)).toEqual(expected);
  });
});
