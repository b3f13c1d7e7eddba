/** The valid word that a person most likely meant. */

/** The nearest of the words by edit distance; `undefined` if none is near. */
export function nearest(word: string, words: readonly string[]): string | undefined {
  const mostDistance = Math.max(2, word.length / 3);
  const ranked = words
    // No distance is below the difference in length: an endless word costs nothing.
    .filter((candidate) => Math.abs(candidate.length - word.length) <= mostDistance)
    .map((candidate) => ({ candidate, distance: editDistance(word, candidate) }))
    .toSorted((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best && best.distance <= mostDistance ? best.candidate : undefined;
}

/**
 * In how many letters two words differ: left out, too many, wrong, or swapped with the next one.
 * Levenshtein's distance with adjacent transpositions (optimal string alignment), row by row.
 */
export function editDistance(a: string, b: string): number {
  let beforePrevious: readonly number[] = [];
  let previous: readonly number[] = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const cost = a[row - 1] === b[column - 1] ? 0 : 1;
      const isSwap = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      current.push(
        Math.min(
          (previous[column] ?? 0) + 1,
          (current[column - 1] ?? 0) + 1,
          (previous[column - 1] ?? 0) + cost,
          isSwap ? (beforePrevious[column - 2] ?? Infinity) + 1 : Infinity,
        ),
      );
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[b.length] ?? 0;
}
