/** Rules of files, evaluated once for all services: each label set that holds is an alert of its own. */

import { restoreAlerts, type SavedAlert } from "./alert-memory.ts";
import { alertLabels, atRest, carryOver, detect, mostGapMs } from "./detection.ts";
import { evaluateRule, narrow, type Reading, type RuleResult } from "./evaluation.ts";
import type { Alert, Evaluation, Rule } from "./model.ts";
import { isOwnedBy, type Owner, ownerOfAlert, type ServiceDirectory } from "./ownership.ts";
import type { Clock, SignalSource } from "./ports.ts";

/** An alert that belongs to no service, and why: it is told, and never acted upon. */
export interface UnownedAlert {
  readonly alert: Alert;
  readonly reason: string;
}

/** What one evaluation of all rules of files gave. */
export interface SharedPoll {
  /** When it began. */
  readonly atMs: number;
  /** Why the source gave no answer; `undefined` if it did. */
  readonly sourceDown: string | undefined;
  /** For each rule one alert for each label set that is pending or firing, or else one at rest. */
  readonly alerts: readonly Alert[];
  /** Pending or firing ones that are nobody's. */
  readonly unowned: readonly UnownedAlert[];
  /** The service's own, of those that are pending or firing, or fired and have no data. */
  alertsOf(service: string): readonly Alert[];
  /** Rules at rest, with the greatest of what was measured of that service's series. */
  restingFor(service: string): readonly Alert[];
  /** What a rule's expression said of that service's series. */
  evaluationFor(rule: Rule, service: string): Evaluation | undefined;
}

export interface SharedRules {
  readonly rules: readonly Rule[];
  readonly lastPoll: SharedPoll | undefined;
  /** An evaluation that is not older than a poll interval; with `isFresh`, one that begins now. */
  poll(options?: { readonly isFresh?: boolean }): Promise<SharedPoll>;
}

export interface SharedRulesOptions {
  readonly rules: readonly Rule[];
  /** Asked at each evaluation: containers with the label come and go. */
  readonly directory: () => ServiceDirectory;
  readonly pollIntervalMs: number;
  /** Aborted when Sentinel ends. Not a service's own: what one asked for serves the others as well. */
  readonly signal: AbortSignal;
  /** States of before a restart of Sentinel, of all services, with which the first evaluation begins. */
  readonly restored?: readonly SavedAlert[];
  /** Told of each evaluation. */
  onPoll?(poll: SharedPoll): void;
}

/** Services poll at intervals that are not quite the same: one that is a little early asks for no second. */
const REUSED_SHARE = 0.9;
/** Rules asked for at the same time; after each so many, whatever else waits gets its turn. */
const RULES_AT_ONCE = 20;
/** Of one evaluation: a loop that waits longer for its rules would look as if it stood still. */
const MAX_DURATION_MS = 4000;

export function createSharedRules(
  { rules, directory, pollIntervalMs, signal, onPoll, restored = [] }: SharedRulesOptions,
  source: SignalSource,
  clock: Clock,
): SharedRules {
  let lastPoll: SharedPoll | undefined;
  let running: Promise<SharedPoll> | undefined;

  const evaluateAll = async (): Promise<SharedPoll> => {
    const atMs = clock.nowMs();
    const results: RuleResult[] = [];
    let sourceDown: string | undefined;
    for (let index = 0; index < rules.length && sourceDown === undefined; index += RULES_AT_ONCE) {
      if (index > 0) await clock.sleep(0, signal);
      if (clock.nowMs() - atMs > MAX_DURATION_MS) {
        sourceDown = `the source took longer than ${MAX_DURATION_MS / 1000} s for ${index} of ${rules.length} rules`;
        break;
      }
      const some = rules.slice(index, index + RULES_AT_ONCE);
      const answered = await Promise.all(some.map((rule) => evaluateRule(rule, source, signal)));
      results.push(...answered);
      // One that fails is not waited for again and again.
      sourceDown = answered.find((result) => result.sourceDown !== undefined)?.sourceDown;
    }
    const before = carryOver(
      lastPoll?.alerts ?? restoreAlerts(restored, rules),
      atMs - (lastPoll?.atMs ?? atMs),
      mostGapMs(pollIntervalMs),
    );
    return sharedPoll(
      { atMs, before, readings: readingsOf(rules, results, sourceDown), sourceDown },
      directory(),
    );
  };

  const evaluateNow = async (): Promise<SharedPoll> => {
    const poll = await evaluateAll();
    // One that was cut short says nothing of what it did not ask for.
    if (signal.aborted) return poll;
    lastPoll = poll;
    onPoll?.(poll);
    return poll;
  };

  return {
    rules,
    get lastPoll() {
      return lastPoll;
    },
    async poll({ isFresh = false } = {}) {
      // Two evaluations at once would each count from the same states before.
      if (running !== undefined) {
        const underway = await running;
        if (!isFresh) return underway;
      }
      const ageMs = lastPoll === undefined ? Infinity : clock.nowMs() - lastPoll.atMs;
      const isRecent = ageMs < REUSED_SHARE * pollIntervalMs;
      if (lastPoll !== undefined && isRecent && !isFresh) return lastPoll;
      running ??= evaluateNow().finally(() => (running = undefined));
      return await running;
    },
  };
}

/** A source that fails half of the questions is not believed in the other half. */
function readingsOf(
  rules: readonly Rule[],
  results: readonly RuleResult[],
  sourceDown: string | undefined,
): readonly Reading[] {
  if (sourceDown === undefined) return results;
  return rules.map((rule) => ({ rule, evaluation: { kind: "no_data", reason: sourceDown } }));
}

interface Evaluated {
  readonly atMs: number;
  readonly before: readonly Alert[];
  readonly readings: readonly Reading[];
  readonly sourceDown: string | undefined;
}

function sharedPoll(
  { atMs, before, readings, sourceDown }: Evaluated,
  directory: ServiceDirectory,
): SharedPoll {
  const alerts = detect(before, readings, atMs);
  const owned = new Map<string, Alert[]>();
  const unowned: UnownedAlert[] = [];
  for (const alert of alerts) {
    if (alert.state === "inactive" || !isInEffect(alert)) continue;
    const owner = ownerOfAlert(alert, directory);
    if (owner.kind === "service") owned.getOrInsert(owner.name, []).push(alert);
    else if (alert.state !== "no_data") unowned.push({ alert, reason: owner.reason });
  }
  const evaluations = new Map(readings.map(({ rule, evaluation }) => [rule, evaluation]));
  let greatest: ReadonlyMap<Rule, ReadonlyMap<string, number>> | undefined;

  return {
    atMs,
    sourceDown,
    alerts,
    unowned,
    alertsOf: (service) => owned.get(service) ?? [],
    restingFor(service) {
      // Only now: most polls are asked for alerts alone.
      greatest ??= greatestByService(evaluations, directory);
      const values = greatest;
      const active = new Set(owned.get(service)?.map(({ rule }) => rule));
      return readings.flatMap(({ rule, evaluation }) => {
        const value = values.get(rule)?.get(service);
        if (active.has(rule) || (value === undefined && !isStatedFor(rule, service, directory)))
          return [];
        return [atRest(rule, evaluation.kind === "no_data" ? evaluation : resting(value))];
      });
    },
    evaluationFor(rule, service) {
      const evaluation = evaluations.get(rule);
      if (evaluation === undefined) return undefined;
      return narrow(evaluation, (labels) =>
        isOwnedBy(directory.ownerOf(labels, rule.labels), service),
      );
    },
  };
}

/** Pending or firing, or fired and without data since: not one that stands for a rule at rest. */
function isInEffect({ activeAtMs, firingAtMs }: Alert): boolean {
  return activeAtMs !== undefined || firingAtMs !== undefined;
}

function resting(value: number | undefined): Evaluation {
  return { kind: "inactive", value, measured: undefined };
}

/** Whether the rule's own labels say whose it is, whatever its series are. */
function isStatedFor(rule: Rule, service: string, directory: ServiceDirectory): boolean {
  return isOwnedBy(directory.ownerOf(alertLabels(rule, {})), service);
}

function greatestByService(
  evaluations: ReadonlyMap<Rule, Evaluation>,
  directory: ServiceDirectory,
): ReadonlyMap<Rule, ReadonlyMap<string, number>> {
  const all = new Map<Rule, Map<string, number>>();
  for (const [rule, evaluation] of evaluations) {
    const values = new Map<string, number>();
    const measured = evaluation.kind === "no_data" ? undefined : evaluation.measured;
    for (const { labels, value } of measured ?? []) {
      const owner: Owner = directory.ownerOf(labels, rule.labels);
      if (owner.kind === "nobody") continue;
      values.set(owner.name, Math.max(values.get(owner.name) ?? -Infinity, value));
    }
    all.set(rule, values);
  }
  return all;
}
