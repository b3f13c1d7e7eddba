/** Answers that come late: every matching request, or a share of them. */

import { invalid } from "../parameters.ts";
import { pathMatcher } from "../route-patterns.ts";
import { defineKind, routes, share, within } from "./kind.ts";

/** Uniform in [min, max]. @param random in [0, 1) */
export function pickDelayMs(minMs: number, maxMs: number, random: () => number): number {
  return minMs + (maxMs - minMs) * random();
}

/** What half, 90 % and 99 % of the delays are at most; one unit, in ascending order. */
interface LatencyProfile {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
}

/**
 * The delay at a quantile: straight lines from half of p50 (no service answers in no time) through the three
 * points, the last one going on above p99.
 *
 * @param quantile in [0, 1)
 */
export function delayAt({ p50, p90, p99 }: LatencyProfile, quantile: number): number {
  const line = (from: number, to: number, low: number, high: number) =>
    low + ((quantile - from) / (to - from)) * (high - low);
  if (quantile < 0.5) return line(0, 0.5, p50 / 2, p50);
  if (quantile < 0.9) return line(0.5, 0.9, p50, p90);
  return line(0.9, 0.99, p90, p99);
}

const GOLDEN_RATIO = (Math.sqrt(5) - 1) / 2;

/**
 * Numbers that fill [0, 1) evenly however few there are (Weyl's sequence), so that a profile is kept from
 * the first dozen requests on, and not only in the long run.
 *
 * @param start in [0, 1)
 */
export function spreadEvenly(start: number): () => number {
  let nth = 0;
  return () => (start + nth++ * GOLDEN_RATIO) % 1;
}

const MAX_DELAY_S = 120;
const DEFAULT_MIN_S = 1;
const DEFAULT_MAX_S = 5;
/** Delays that the measured median is taken from, the newest. */
const KEPT_DELAYS = 1000;

const delaySeconds = () => within(0, MAX_DELAY_S, "s").optional();

export const latency = defineKind({
  kind: "latency",
  summary: "Delays ordinary requests: evenly between two bounds, or by a profile of quantiles.",
  example: { p50: 0.1, p90: 0.5, p99: 2, routes: ["/api/*"], share: 1, duration: 60 },
  parameters: () => ({
    min: delaySeconds(),
    max: delaySeconds(),
    p50: delaySeconds(),
    p90: delaySeconds(),
    p99: delaySeconds(),
    routes: routes(),
    share: share(),
  }),
  order({ routes, share, ...delays }, { traffic }) {
    const { chosen, delayS } = distribution(delays);
    return {
      requested: delayS(0.5),
      unit: "s (median)",
      chosen,
      async inject({ signal, random, applied, measureBy }) {
        const tookMs: number[] = [];
        const quantile = spreadEvenly(random());
        measureBy(() => median(tookMs));
        const rule = {
          matches: pathMatcher(routes),
          decide() {
            if (random() >= share) return undefined;
            const delayMs = delayS(quantile()) * 1000;
            const onOver = (ms: number) => {
              tookMs.push(ms);
              if (tookMs.length > KEPT_DELAYS) tookMs.shift();
            };
            return { kind: "delay", delayMs, onOver } as const;
          },
        };
        applied();
        await traffic.apply(rule, signal);
      },
    };
  },
});

type Delays = { readonly [Name in "min" | "max" | "p50" | "p90" | "p99"]?: number | undefined };

interface Distribution {
  readonly chosen: Readonly<Record<string, number>>;
  /** @param quantile in [0, 1) */
  readonly delayS: (quantile: number) => number;
}

function distribution({ min, max, p50, p90, p99 }: Delays): Distribution {
  if (p50 === undefined && p90 === undefined && p99 === undefined) {
    const low = min ?? Math.min(DEFAULT_MIN_S, max ?? DEFAULT_MIN_S);
    const high = max ?? Math.max(DEFAULT_MAX_S, low);
    if (low > high) throw invalid("min", `min (${low} s) is above max (${high} s)`);
    return {
      chosen: { min: low, max: high },
      delayS: (quantile) => low + (high - low) * quantile,
    };
  }
  if (min !== undefined || max !== undefined) {
    throw invalid(min === undefined ? "max" : "min", "give min and max, or p50, p90 and p99");
  }
  for (const [name, value] of Object.entries({ p50, p90, p99 })) {
    if (value === undefined) throw invalid(name, `${name} is missing: give p50, p90 and p99`);
  }
  const profile = { p50: p50 ?? 0, p90: p90 ?? 0, p99: p99 ?? 0 };
  if (profile.p50 > profile.p90) throw invalid("p90", "p90 is below p50");
  if (profile.p90 > profile.p99) throw invalid("p99", "p99 is below p90");
  return { chosen: profile, delayS: (quantile) => delayAt(profile, quantile) };
}

function median(valuesMs: readonly number[]): number | undefined {
  const middle = valuesMs.toSorted((a, b) => a - b)[Math.floor(valuesMs.length / 2)];
  return middle === undefined ? undefined : middle / 1000;
}
