/** PURE: whether a process that died is started again, and when. */

export interface RestartPolicy {
  /** Before the first restart; doubled by each death that follows soon. */
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
  /** A process that ran this long was well: the delay starts again at its minimum. */
  readonly stableMs: number;
  /** This many deaths within the time are a crash loop: it is given up. */
  readonly maxDeaths: number;
  readonly withinMs: number;
}

/** A process that dies at once is given up after 7.5 s, at its fifth death. */
export const DEFAULT_RESTART_POLICY: RestartPolicy = {
  minDelayMs: 500,
  maxDelayMs: 30_000,
  stableMs: 10_000,
  maxDeaths: 5,
  withinMs: 60_000,
};

export interface Death {
  readonly atMs: number;
  /** How long it had run. */
  readonly ranMs: number;
}

type AfterDeath =
  | { readonly kind: "restart"; readonly inMs: number }
  | { readonly kind: "give_up"; readonly deaths: number };

/**
 * What follows on the last of these deaths.
 *
 * @param deaths oldest first, whoever started it after each; the last one is now
 */
export function afterDeath(deaths: readonly Death[], policy: RestartPolicy): AfterDeath {
  const { minDelayMs, maxDelayMs, stableMs, maxDeaths, withinMs } = policy;
  const nowMs = deaths.at(-1)?.atMs ?? 0;
  const recent = deaths.filter(({ atMs }) => nowMs - atMs <= withinMs);
  if (recent.length >= maxDeaths) return { kind: "give_up", deaths: recent.length };
  const lastWell = deaths.findLastIndex(({ ranMs }) => ranMs >= stableMs);
  const inRow = deaths.length - Math.max(lastWell, 0);
  return { kind: "restart", inMs: Math.min(minDelayMs * 2 ** (inRow - 1), maxDelayMs) };
}
