/**
 * Values as JSON that leaves the process: keys in snake_case with their unit, times as ISO 8601 has
 * them, durations in seconds. docs/json.md has the rule for those who read it.
 */

import { isoTime } from "./time.ts";

/** Names of labels and annotations belong to somebody else, and stay as they are. */
const FOREIGN_KEYS = ["labels", "annotations", "joined"];

/** A point in time; every other `Ms` is a duration. */
const TIME_KEY = /(?:^at|At|[uU]ntil|^onset)Ms$/;

/**
 * The same object with other keys: `openedAtMs: 0` is `opened_at: "1970-01-01T00:00:00.000Z"`, and
 * `durationMs: 1500` is `duration_s: 1.5`.
 *
 * @param fields of plain objects, arrays and primitives
 */
export function snakeFields(fields: object): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(fields).map(snakeEntry));
}

function snakeEntry([key, value]: readonly [string, unknown]): readonly [string, unknown] {
  if (FOREIGN_KEYS.includes(key)) return [key, value];
  const isMs = key.endsWith("Ms") && (value === undefined || typeof value === "number");
  if (!isMs) return [snake(key), snakeValue(value)];
  const name = snake(key.slice(0, -"Ms".length));
  return TIME_KEY.test(key) ? [name, isoTime(value)] : [`${name}_s`, value && value / 1000];
}

function snakeValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(snakeValue);
  return typeof value === "object" && value !== null ? snakeFields(value) : value;
}

function snake(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
