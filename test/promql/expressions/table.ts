/** How a table of expressions is written. */

/** Each pattern with each value in place of `$`. */
export function fill(patterns: readonly string[], values: readonly string[]): string[] {
  return patterns.flatMap((pattern) => values.map((value) => pattern.replaceAll("$", () => value)));
}

/** The expressions of a table, one a line. */
export function lines(table: string): string[] {
  return table
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}
