/** Numbers for people, as Prometheus' templates write them. */

import { formatG } from "../../text/go-number.ts";
import { TemplateError } from "./lexer.ts";
import { printedTime } from "./values.ts";

const LARGE = ["k", "M", "G", "T", "P", "E", "Z", "Y"];
const BINARY = ["ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"];
const SMALL = ["m", "u", "n", "p", "f", "a", "z", "y"];
const DIGITS = 4;
/** Go holds times in nanoseconds. */
const MAX_SECONDS = 2 ** 63 / 1e9;

/** Such as `1.234k`, or `12m` for 0.012. */
export function humanize(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return formatG(value, DIGITS);
  if (Math.abs(value) >= 1) return scaled(value, LARGE, 1000);
  return small(value);
}

/** Such as `1.5Mi`. */
export function humanize1024(value: number): string {
  if (Math.abs(value) <= 1 || !Number.isFinite(value)) return formatG(value, DIGITS);
  return scaled(value, BINARY, 1024);
}

/** Such as `1h 2m 3s`, or `12ms`. */
export function humanizeDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return formatG(seconds, DIGITS);
  if (seconds === 0) return `${formatG(seconds, DIGITS)}s`;
  if (Math.abs(seconds) < 1) return `${small(seconds)}s`;
  const sign = seconds < 0 ? "-" : "";
  const whole = Math.trunc(Math.abs(seconds));
  const [s, m] = [whole % 60, Math.trunc(whole / 60) % 60];
  const [h, d] = [Math.trunc(whole / 3600) % 24, Math.trunc(whole / 86_400)];
  if (d !== 0) return `${sign}${d}d ${h}h ${m}m ${s}s`;
  if (h !== 0) return `${sign}${h}h ${m}m ${s}s`;
  if (m !== 0) return `${sign}${m}m ${s}s`;
  return `${sign}${formatG(Math.abs(seconds), DIGITS)}s`;
}

export function humanizePercentage(ratio: number): string {
  return `${formatG(ratio * 100, DIGITS)}%`;
}

/** Such as `2024-02-29 00:00:00 +0000 UTC`. */
export function humanizeTimestamp(seconds: number): string {
  if (!Number.isFinite(seconds)) return formatG(seconds, DIGITS);
  return printedTime(timeOf(seconds));
}

/** In ms. @throws TemplateError on what is none to Go */
export function timeOf(seconds: number): number {
  if (Math.abs(seconds) < MAX_SECONDS) return Math.trunc(seconds * 1000);
  throw new TemplateError(`${formatG(seconds)} cannot be a time`);
}

function scaled(value: number, units: readonly string[], base: number): string {
  let unit = "";
  let left = value;
  for (const next of units) {
    if (Math.abs(left) < base) break;
    unit = next;
    left /= base;
  }
  return formatG(left, DIGITS) + unit;
}

function small(value: number): string {
  let unit = "";
  let left = value;
  for (const next of SMALL) {
    if (Math.abs(left) >= 1) break;
    unit = next;
    left *= 1000;
  }
  return formatG(left, DIGITS) + unit;
}
