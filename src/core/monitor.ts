/** One service's rules, evaluated poll by poll against a source of signals. */

import { detect, evaluate, type Reading } from "./detection.ts";
import { messageOf, SentinelError } from "./errors.ts";
import type { Alert, Evaluation, Rule } from "./model.ts";
import type { Clock, SignalSource } from "./ports.ts";

export interface Poll {
  readonly atMs: number;
  /** Why the source gave no answer; `undefined` if it did. */
  readonly sourceDown: string | undefined;
  readonly alerts: readonly Alert[];
  readonly evaluations: ReadonlyMap<Rule, Evaluation>;
}

export interface MonitorOptions {
  /** The service's rules with that range in their rates. Called again when the range becomes known. */
  rulesFor(windowMs: number): readonly Rule[];
  /** The range to use; `undefined` while it is not known, such as before the first scrape. */
  findWindowMs(signal: AbortSignal): Promise<number | undefined>;
  /** The range until then. */
  readonly fallbackWindowMs: number;
  /** How far apart polls are. Default: 5 s. */
  readonly pollIntervalMs?: number;
  /** Told of each poll, whoever asked for it, and how long it took. */
  onPoll?(poll: Poll, durationMs: number): void;
}

export interface Monitor {
  /** The range in force. */
  readonly windowMs: number;
  /** The rules in force. */
  readonly rules: readonly Rule[];
  /** What the last poll gave; `undefined` before the first. */
  readonly lastPoll: Poll | undefined;
  /** When a poll was last answered by the source; `undefined` if none has been. */
  readonly answeredAtMs: number | undefined;
  /** Evaluates all rules once. A failing source makes every rule's data missing; it does not throw. */
  poll(signal: AbortSignal): Promise<Poll>;
}

/** A model, or an action of another service, holds up a poll for as long as this. */
const MOST_BETWEEN_POLLS_MS = 120_000;

export function createMonitor(
  options: MonitorOptions,
  source: SignalSource,
  clock: Clock,
): Monitor {
  let lastPoll: Poll | undefined;
  let answeredAtMs: number | undefined;
  let windowMs = options.fallbackWindowMs;
  let isWindowKnown = false;
  let rules = options.rulesFor(windowMs);
  const mostGapMs = Math.max(MOST_BETWEEN_POLLS_MS, 3 * (options.pollIntervalMs ?? 0));

  /**
   * The alerts as of the last poll. After a time in which nobody looked, for the clock was set or the
   * machine slept, nothing has been seen to hold all along: what was pending starts anew.
   */
  const alertsBefore = (nowMs: number): readonly Alert[] => {
    if (lastPoll === undefined) return [];
    const gapMs = nowMs - lastPoll.atMs;
    if (gapMs >= 0 && gapMs <= mostGapMs) return lastPoll.alerts;
    return lastPoll.alerts.filter(({ state }) => state !== "pending");
  };

  const settleWindow = async (signal: AbortSignal) => {
    const found = await options.findWindowMs(signal);
    if (found === undefined) return;
    isWindowKnown = true;
    if (found === windowMs) return;
    windowMs = found;
    rules = options.rulesFor(windowMs);
  };

  return {
    get windowMs() {
      return windowMs;
    },
    get rules() {
      return rules;
    },
    get lastPoll() {
      return lastPoll;
    },
    get answeredAtMs() {
      return answeredAtMs;
    },
    async poll(signal) {
      const fromMs = clock.nowMs();
      if (!isWindowKnown) await settleWindow(signal);
      const results = await Promise.all(rules.map((rule) => readRule(rule, source, signal)));
      const sourceDown = results.find(({ sourceDown }) => sourceDown !== undefined)?.sourceDown;
      // A source that fails half of the questions is not believed in the other half.
      const readings: Reading[] = results.map(({ rule, evaluation }) => ({
        rule,
        evaluation: sourceDown === undefined ? evaluation : { kind: "no_data", reason: sourceDown },
      }));
      const atMs = clock.nowMs();
      const alerts = detect(alertsBefore(atMs), readings, atMs);
      const evaluations = new Map(readings.map(({ rule, evaluation }) => [rule, evaluation]));
      const poll: Poll = { atMs, sourceDown, alerts, evaluations };
      lastPoll = poll;
      if (sourceDown === undefined) answeredAtMs = atMs;
      options.onPoll?.(poll, atMs - fromMs);
      return poll;
    },
  };
}

interface RuleResult extends Reading {
  readonly sourceDown: string | undefined;
}

async function readRule(
  rule: Rule,
  source: SignalSource,
  signal: AbortSignal,
): Promise<RuleResult> {
  try {
    const [active, measured] = await Promise.all([
      source.query(rule.expr, signal),
      rule.signal && source.query(rule.signal.expr, signal),
    ]);
    return { rule, evaluation: evaluate(active, measured), sourceDown: undefined };
  } catch (error) {
    const reason = messageOf(error);
    // The source works and refuses this one expression; the others may well be fine.
    const rejected = error instanceof SentinelError && error.code === "source_rejected";
    return {
      rule,
      evaluation: { kind: "no_data", reason, ...(rejected ? { isRejected: rejected } : {}) },
      sourceDown: rejected ? undefined : reason,
    };
  }
}
