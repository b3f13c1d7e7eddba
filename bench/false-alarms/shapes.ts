/** Healthy services, each of which does what services do and nobody wants to be woken for. */

import { type Moment, normal } from "./moment.ts";

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;
const MB = 1024 * 1024;

/** What its owner has set for it: above what it takes on a busy day. */
export interface Limits {
  readonly cpuCores: number;
  readonly latencyS: number;
  readonly memoryBytes: number;
}

export interface Shape {
  readonly name: string;
  readonly limits: Limits;
  /** @returns how it is at a time since the start of the week; asked in the order of time */
  begin(random: () => number): (atMs: number) => Moment;
}

const LIMITS: Limits = { cpuCores: 0.5, latencyS: 2, memoryBytes: 500 * MB };

const CALM: Moment = {
  requestsPerS: 20,
  errorShare: 0.0002,
  medianS: 0.06,
  sigma: 0.6,
  cpuCores: 0.12,
  residentBytes: 180 * MB,
  startedAtMs: -DAY_MS,
  isUp: true,
};

/** Traffic by the hour of the day and the day of the week; about 1 on average. */
function season(atMs: number): number {
  const hour = (atMs % DAY_MS) / HOUR_MS;
  const isWeekend = Math.floor(atMs / DAY_MS) % 7 >= 5;
  return (1 + 0.8 * Math.sin(((hour - 9) / 24) * 2 * Math.PI)) * (isWeekend ? 0.5 : 1.1);
}

/** So much traffic, with what it costs. */
function under(load: number, random: () => number): Moment {
  const noise = Math.exp(0.1 * normal(random));
  return {
    ...CALM,
    requestsPerS: CALM.requestsPerS * load * noise,
    cpuCores: 0.02 + 0.1 * load * noise,
    medianS: CALM.medianS * (1 + 0.3 * load) * noise,
    residentBytes: CALM.residentBytes + (30 * load + 4 * normal(random)) * MB,
  };
}

/** Spans that begin by chance, so many a day, and take from `leastMs` up to `mostMs`. */
function spans(aDay: number, [leastMs, mostMs]: readonly [number, number], random: () => number) {
  let endsAtMs = -1;
  let beganAtMs = 0;
  let nextMs = (-Math.log(1 - random()) * DAY_MS) / aDay;
  return (atMs: number): { readonly beganAtMs: number; readonly endsAtMs: number } | undefined => {
    if (atMs >= nextMs) {
      beganAtMs = nextMs;
      endsAtMs = nextMs + leastMs + random() * (mostMs - leastMs);
      nextMs = endsAtMs + (-Math.log(1 - random()) * DAY_MS) / aDay;
    }
    return atMs < endsAtMs ? { beganAtMs, endsAtMs } : undefined;
  };
}

export const SHAPES: readonly Shape[] = [
  {
    name: "season",
    limits: LIMITS,
    begin: (random) => (atMs) => under(season(atMs), random),
  },
  {
    name: "growth",
    limits: LIMITS,
    begin: (random) => (atMs) => under(season(atMs) * (0.7 + (1.1 * atMs) / (7 * DAY_MS)), random),
  },
  {
    name: "bursts",
    limits: { ...LIMITS, cpuCores: 1 },
    begin(random) {
      const burst = spans(6, [MINUTE_MS, 10 * MINUTE_MS], random);
      return (atMs) => under(season(atMs) * (burst(atMs) ? 4 : 1), random);
    },
  },
  {
    name: "batch jobs",
    limits: { ...LIMITS, cpuCores: 1.2 },
    begin(random) {
      return (atMs) => {
        const calm = under(season(atMs), random);
        const sinceMs = (atMs % DAY_MS) - 2 * HOUR_MS;
        if (sinceMs < 0 || sinceMs > 40 * MINUTE_MS) return calm;
        // It reads what it works on, and drops it at the end.
        const share = Math.min(1, sinceMs / (20 * MINUTE_MS));
        const residentBytes = calm.residentBytes + 150 * MB * share;
        return { ...calm, cpuCores: 0.95, residentBytes };
      };
    },
  },
  {
    name: "deploys",
    limits: LIMITS,
    begin(random) {
      const deploy = spans(3, [3000, 20_000], random);
      let startedAtMs = -DAY_MS;
      return (atMs) => {
        const now = deploy(atMs);
        if (now !== undefined) {
          startedAtMs = now.endsAtMs;
          return { ...CALM, startedAtMs, requestsPerS: 0, isUp: false };
        }
        const ageMs = atMs - startedAtMs;
        const calm = under(season(atMs), random);
        // Cold caches at first, which fill.
        const isCold = ageMs < MINUTE_MS;
        const filled = 1 - Math.exp(-ageMs / (12 * MINUTE_MS));
        return {
          ...calm,
          startedAtMs,
          medianS: calm.medianS * (isCold ? 4 : 1),
          errorShare: isCold ? 0.01 : calm.errorShare,
          residentBytes: 90 * MB + 260 * MB * filled + 3 * normal(random) * MB,
        };
      };
    },
  },
  {
    name: "idle",
    limits: LIMITS,
    begin: (random) => () => ({
      ...under(0.1, random),
      requestsPerS: 0.01,
      errorShare: 0.0005,
      sigma: 1,
    }),
  },
  {
    name: "quiet at night",
    limits: LIMITS,
    begin: (random) => (atMs) => {
      const hour = (atMs % DAY_MS) / HOUR_MS;
      const day = under(season(atMs), random);
      return hour < 6 ? { ...day, requestsPerS: random() < 0.01 ? 0.05 : 0 } : day;
    },
  },
  {
    name: "noisy neighbours",
    limits: LIMITS,
    begin(random) {
      const noisy = spans(4, [5 * MINUTE_MS, 20 * MINUTE_MS], random);
      return (atMs) => {
        const calm = under(season(atMs), random);
        return noisy(atMs) ? { ...calm, medianS: calm.medianS * 3, sigma: 0.8 } : calm;
      };
    },
  },
  {
    name: "missing scrapes",
    limits: LIMITS,
    begin(random) {
      const gap = spans(10, [MINUTE_MS, 4 * MINUTE_MS], random);
      return (atMs) => ({
        ...under(season(atMs), random),
        isMissed: gap(atMs) !== undefined || random() < 0.03,
      });
    },
  },
  {
    name: "sawtooth memory",
    limits: LIMITS,
    begin(random) {
      let bytes = 200 * MB;
      let perStep = 6 * MB;
      return (atMs) => {
        bytes += perStep * (0.7 + 0.6 * random());
        if (bytes > 420 * MB) {
          bytes = 200 * MB;
          perStep = (3 + 8 * random()) * MB;
        }
        return { ...under(season(atMs), random), residentBytes: bytes };
      };
    },
  },
  {
    name: "cache that fills",
    limits: LIMITS,
    begin: (random) => (atMs) => ({
      ...under(season(atMs), random),
      residentBytes: (150 + 250 * (1 - Math.exp(-atMs / (1.5 * DAY_MS))) + 2 * normal(random)) * MB,
    }),
  },
];
