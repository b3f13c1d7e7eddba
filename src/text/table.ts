/** Columns of text for a terminal. */

const GAP = "  ";

/**
 * The first row over a rule, and the others under it.
 *
 * @param textColumns these are set to the left, and numbers to the right
 */
export function align(
  rows: readonly (readonly string[])[],
  textColumns: readonly number[] = [0],
): string[] {
  const [titles = []] = rows;
  const widths = titles.map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  const lines = rows.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return textColumns.includes(column) ? cell.padEnd(width) : cell.padStart(width);
      })
      .join(GAP)
      .trimEnd(),
  );
  const rule = widths.map((width) => "─".repeat(width)).join(GAP);
  return [...lines.slice(0, 1), rule, ...lines.slice(1)];
}
