import { expect, test } from "bun:test";
import { sortByLabels } from "./values.ts";

test("labels are compared name by name and value by value, in the order of names", () => {
  const inOrder: readonly Readonly<Record<string, string>>[] = [
    {},
    { a: "1" },
    { a: "1", b: "1" },
    { a: "1", b: "2" },
    // Before any `c`, whatever its value.
    { a: "1", c: "0" },
    { a: "10" },
    { a: "2" },
    { b: "0" },
  ];
  const shuffled = [5, 2, 7, 0, 3, 6, 1, 4].map((index) => ({ labels: inOrder[index] ?? {} }));
  expect(sortByLabels(shuffled).map(({ labels }) => labels)).toEqual([...inOrder]);
  // Not the order in which an object happens to hold them.
  const [first] = sortByLabels([{ labels: { b: "0", a: "2" } }, { labels: { b: "1", a: "1" } }]);
  expect(first?.labels).toEqual({ a: "1", b: "1" });
});
