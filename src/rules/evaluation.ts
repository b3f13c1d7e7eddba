/** What one rule's expression says at one poll. Missing data is a state of its own. */

import { comparisons } from "../promql/binary.ts";
import { messageOf, SentinelError } from "../core/errors.ts";
import type { Evaluation, Labels, Rule, RuleSignal, Sample } from "../core/model.ts";
import type { SignalSource } from "../core/ports.ts";

/** One rule and what its expression said at this poll. */
export interface Reading {
  readonly rule: Rule;
  readonly evaluation: Evaluation;
}

export interface RuleResult extends Reading {
  /** Why the source gave no answer at all; `undefined` if it did, or if it refused this rule alone. */
  readonly sourceDown: string | undefined;
}

/** Label sets of one rule. More are more than a person can look at, and cost every poll. */
export const MAX_LABEL_SETS = 50_000;

const NO_SAMPLES = "there are no samples";

interface HowToEvaluate {
  /** So long before the source's present. Default: 0. */
  readonly queryOffsetMs?: number;
  /** A rule that holds for more label sets is refused; 0 is without a limit. */
  readonly limit?: number;
}

/** Asks for one rule, and for what it measures. Never throws. */
export async function evaluateRule(
  rule: Rule,
  source: Pick<SignalSource, "query">,
  signal: AbortSignal,
  { queryOffsetMs = 0, limit = 0 }: HowToEvaluate = {},
): Promise<RuleResult> {
  const { unreadable } = rule;
  if (unreadable !== undefined)
    return { rule, evaluation: { kind: "no_data", reason: unreadable }, sourceDown: undefined };
  const query = (expr: string) => source.query(expr, signal, queryOffsetMs);
  try {
    const { active, measured } = await ask(rule, query);
    const evaluation =
      limit > 0 && active.length > limit
        ? pastLimit(active.length, limit)
        : evaluate(active, measured, rule.whenMissing);
    return { rule, evaluation, sourceDown: undefined };
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

/** As in Prometheus, where such a rule has no alerts at all. */
function pastLimit(count: number, limit: number): Evaluation {
  const reason = `it holds for ${count} label sets, and the limit of its group is ${limit}`;
  return { kind: "no_data", reason, isRejected: true };
}

async function ask(
  { expr, signal: compared }: Rule,
  query: (expr: string) => Promise<readonly Sample[]>,
) {
  if (compared?.isWhole) {
    const measured = await query(compared.expr);
    return { active: measured.filter(holds(compared)), measured };
  }
  const [active, measured] = await Promise.all([query(expr), compared && query(compared.expr)]);
  return { active, measured };
}

function holds({ operator, threshold }: RuleSignal): (sample: Sample) => boolean {
  const compare = Object.entries(comparisons).find(([known]) => known === operator)?.[1];
  return ({ value }) => compare?.(value, threshold) ?? false;
}

/**
 * What the answers to a rule's two queries mean.
 *
 * @param active the result of the whole expression: the rule holds for each of its samples
 * @param measured the result of the compared side alone; `undefined` if the rule has none
 * @param whenMissing what it means that nothing was measured
 */
export function evaluate(
  active: readonly Sample[],
  measured: readonly Sample[] | undefined,
  whenMissing = NO_SAMPLES,
): Evaluation {
  const finite = active.filter(({ value }) => Number.isFinite(value));
  if (finite.length > MAX_LABEL_SETS)
    return {
      kind: "no_data",
      reason: `it holds for ${finite.length} label sets, and ${MAX_LABEL_SETS} are the most: aggregate it with sum by (...)`,
      isRejected: true,
    };
  if (finite.length > 0) return { kind: "active", samples: finite, measured: known(measured) };
  const notFinite = active[0];
  if (notFinite !== undefined)
    return { kind: "no_data", reason: `the value is ${notFinite.value}, not a number to act on` };
  return inactive(measured, whenMissing);
}

function inactive(measured: readonly Sample[] | undefined, whenMissing = NO_SAMPLES): Evaluation {
  // A rule that compares nothing, such as absent(...), is quiet when it is empty.
  if (measured === undefined) return { kind: "inactive", value: undefined, measured };
  if (measured.length === 0) return { kind: "no_data", reason: whenMissing };
  const finite = known(measured) ?? [];
  if (finite.length === 0)
    return {
      kind: "no_data",
      reason: `the value is ${measured[0]?.value}: nothing was measured`,
      isIdle: true,
    };
  const value = finite.reduce((most, sample) => Math.max(most, sample.value), -Infinity);
  return { kind: "inactive", value, measured: finite };
}

function known(measured: readonly Sample[] | undefined): readonly Sample[] | undefined {
  return measured?.filter(({ value }) => Number.isFinite(value));
}

/** The same of some series alone, such as those of one service. */
export function narrow(evaluation: Evaluation, isWanted: (labels: Labels) => boolean): Evaluation {
  if (evaluation.kind === "no_data") return evaluation;
  const pick = (samples: readonly Sample[] | undefined) =>
    samples?.filter(({ labels }) => isWanted(labels));
  if (evaluation.kind === "active") {
    const samples = pick(evaluation.samples) ?? [];
    if (samples.length > 0) return { kind: "active", samples, measured: pick(evaluation.measured) };
  }
  return inactive(pick(evaluation.measured));
}
