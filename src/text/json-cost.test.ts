import { expect, test } from "bun:test";
import { JsonCost } from "./json-cost.ts";

const BOUNDS = { maxBytes: 1000, maxRows: 2, maxNodes: 20, maxNames: 3, maxDepth: 5 };

/** In pieces of one byte: what a text costs does not depend on how it arrives. */
function excessOf(text: string, pieceBytes: number): string | undefined {
  const cost = new JsonCost(BOUNDS);
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    const excess = cost.add(bytes.subarray(at, at + pieceBytes));
    if (excess !== undefined) return excess;
  }
  return undefined;
}

test.each([
  ["as many names as may be", '{"a":1,"b":1,"c":1}', undefined],
  ["one name more", '{"a":1,"b":1,"c":1,"d":1}', "more than 3 different names"],
  ["the same names again and again", '[{"a":1,"b":1},{"a":1,"b":1}]', undefined],
  ["names within texts, which are none", '{"a":"b:c:d:e:f:{,,,[[[[[["}', undefined],
  ["an escaped quote, and a backslash at the end", '{"a\\"":"[[[[[[\\\\"}', undefined],
  ["as deep as may be", "[[[[[]]]]]", undefined],
  ["deeper", "[[[[[[", "lists within lists, 5 deep and deeper"],
  ["as many values as may be", `[${",".repeat(19)}]`, undefined],
  ["one more", `[${",".repeat(20)}]`, "more than 20 values"],
  ["as many rows as may be", '{"data":{"result":[{},{}]}}', undefined],
  ["a row more", '{"data":{"result":[{},{},{}]}}', "more than 2 rows"],
  ["too many bytes", " ".repeat(1001), "more than 1000 bytes"],
])("%s", (_, text, excess) => {
  for (const pieceBytes of [1, 7, 2000]) expect(excessOf(text, pieceBytes)).toBe(excess);
});
