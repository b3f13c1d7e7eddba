/** What the days throw at Sentinel, by a seed. */

import { randomFrom } from "../promql/random.ts";

export interface Chance {
  /** Whether something of that probability happens. */
  happens(probability: number): boolean;
  between(least: number, most: number): number;
  /** A time until the next of what happens that often on average; never more than 6 times that. */
  until(averageMs: number): number;
  oneOf<T>(values: readonly [T, ...T[]]): T;
}

export function chanceOf(seed: number): Chance {
  const random = randomFrom(seed);
  return {
    happens: (probability) => random() < probability,
    between: (least, most) => Math.round(least + random() * (most - least)),
    until: (averageMs) => Math.round(averageMs * Math.min(-Math.log(1 - random()), 6)),
    oneOf: (values) => values[Math.floor(random() * values.length)] ?? values[0],
  };
}
