/** Values as JSON that leaves the process: keys in snake_case with their unit, times as ISO 8601 has them. */

import { isoTime } from "./time.ts";

/** Names of metrics, labels and annotations belong to somebody else, and stay as they are. */
const FOREIGN_KEYS = ["labels", "annotations"];

/** A point in time; every other `Ms` is a duration. */
const TIME_KEY = /(?:^at|At|[uU]ntil|^onset)Ms$/;

/**
 * The same value with other keys: `openedAtMs: 0` is `opened_at: "1970-01-01T00:00:00.000Z"`, and
 * `durationMs: 1500` is `duration_s: 1.5`.
 *
 * @param value of plain objects, arrays and primitives
 */
export function snakeJson(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(snakeJson);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      if (FOREIGN_KEYS.includes(key)) return [key, inner];
      if (typeof inner !== "number" || !key.endsWith("Ms")) return [snake(key), snakeJson(inner)];
      const name = snake(key.slice(0, -"Ms".length));
      return TIME_KEY.test(key) ? [name, isoTime(inner)] : [`${name}_s`, inner / 1000];
    }),
  );
}

function snake(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
