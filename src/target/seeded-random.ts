/** Randomness that can be repeated. */

/**
 * The same numbers for the same seed, on every machine: mulberry32. Good enough to pick requests, not for
 * secrets.
 *
 * @param seed a whole number from 0 to 2^32 - 1
 * @returns in [0, 1)
 * @see https://github.com/bryc/code/blob/master/jshash/PRNGs.md#mulberry32
 */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
