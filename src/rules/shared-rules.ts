/** Rules of files, evaluated once for all services: each label set that holds is an alert of its own. */

import { restoreAlerts, type SavedAlert } from "./alert-memory.ts";
import { alertLabels, atRest, carryOver, detect, mostGapMs } from "./alert-state.ts";
import { evaluateRule, narrow, type RuleResult } from "./evaluation.ts";
import type { Alert, Evaluation, Rule } from "../core/model.ts";
import { isOwnedBy, ownerOfAlert, type ServiceDirectory } from "./ownership.ts";
import { messageOf } from "../core/errors.ts";
import type { Clock, SignalSource } from "../core/ports.ts";
import { greatestByService } from "./greatest-by-service.ts";
import { isAlerting, type RecordingRule, type RuleGroup } from "./files/group.ts";

/** An alert that belongs to no service, and why: it is told, and never acted upon. */
interface UnownedAlert {
  readonly alert: Alert;
  readonly reason: string;
}

/** How the rules of files stand. */
export interface SharedPoll {
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
  /** What the expression of a rule that was asked for afresh said of that service's series. */
  evaluationFor(rule: Rule, service: string): Evaluation | undefined;
}

export interface SharedPollOptions {
  /** Rules that are evaluated now, and waited for, such as before an action. */
  readonly fresh?: (rule: Rule) => boolean;
}

export interface SharedRules {
  readonly groups: readonly RuleGroup[];
  /** Their alerting rules. */
  readonly rules: readonly Rule[];
  readonly lastPoll: SharedPoll | undefined;
  /**
   * How the rules stand; it begins an evaluation of all of them once a poll interval, whoever asks. So
   * many as are asked for at once are waited for; more are evaluated at their own pace, so that a long
   * file holds up no service.
   */
  poll(options?: SharedPollOptions): Promise<SharedPoll>;
}

export interface SharedRulesOptions {
  readonly groups: readonly RuleGroup[];
  /** Writes what a recording rule gives; without it those are left to whoever else evaluates them. */
  readonly record?: (rule: RecordingRule, group: RuleGroup) => Promise<void>;
  /** Asked at each evaluation: containers with the label come and go. */
  readonly directory: () => ServiceDirectory;
  readonly pollIntervalMs: number;
  /** Aborted when Sentinel ends. Not a service's own: what one asked for serves the others as well. */
  readonly signal: AbortSignal;
  /** States of before a restart of Sentinel, of all services, with which the first evaluation begins. */
  readonly restored?: readonly SavedAlert[];
  /** Told of each evaluation of all rules. */
  onPoll?(poll: SharedPoll): void;
  /** Told when a recording rule fails that worked before, or fails for another reason. */
  onRecordingFailed?(rule: RecordingRule, why: string): void;
}

/** Services poll at intervals that are not quite the same: one that is a little early asks for no second. */
const REUSED_SHARE = 0.9;
/** Rules asked for at the same time; after each so many, whatever else waits gets its turn. */
export const RULES_AT_ONCE = 20;

const NOT_EVALUATED = "it has not been evaluated for a while: there are many rules of files";

/** What is known of one rule. */
interface RuleState {
  /** When it was asked for, if it was; an answer to an earlier question changes nothing. */
  readonly askedAtMs: number | undefined;
  readonly alerts: readonly Alert[];
  /** The greatest value of each service's series. */
  readonly greatest: ReadonlyMap<string, number>;
  /** All that it said; only of one that was asked for afresh, since it is much for many services. */
  readonly evaluation: Evaluation | undefined;
}

export function createSharedRules(
  options: SharedRulesOptions,
  source: SignalSource,
  clock: Clock,
): SharedRules {
  return new RulesOfFiles(options, source, clock);
}

class RulesOfFiles implements SharedRules {
  readonly groups: readonly RuleGroup[];
  readonly rules: readonly Rule[];
  readonly #groupOf: ReadonlyMap<Rule, RuleGroup>;
  /** When each was last evaluated. */
  readonly #groupAskedAtMs = new Map<RuleGroup, number>();
  /** Why each recording rule failed when it was last evaluated. */
  readonly #failures = new Map<RecordingRule, string>();
  lastPoll: SharedPoll | undefined;
  readonly #options: SharedRulesOptions;
  readonly #source: SignalSource;
  readonly #clock: Clock;
  readonly #states: Map<Rule, RuleState>;
  /** When the last evaluation of all rules began. */
  #begunAtMs: number | undefined;
  #running: Promise<void> | undefined;

  constructor(options: SharedRulesOptions, source: SignalSource, clock: Clock) {
    const { groups, restored = [] } = options;
    this.groups = groups;
    this.rules = groups.flatMap(({ rules }) => rules.filter(isAlerting));
    this.#groupOf = new Map(
      groups.flatMap((group) => group.rules.filter(isAlerting).map((rule) => [rule, group])),
    );
    this.#options = options;
    this.#source = source;
    this.#clock = clock;
    this.#states = initialStates(this.rules, restored);
  }

  async poll({ fresh }: SharedPollOptions = {}): Promise<SharedPoll> {
    const nowMs = this.#clock.nowMs();
    const reusedMs = REUSED_SHARE * this.#options.pollIntervalMs;
    const isDue = this.#begunAtMs === undefined || nowMs - this.#begunAtMs >= reusedMs;
    if (isDue && this.#running === undefined) {
      this.#begunAtMs = nowMs;
      this.#running = this.#evaluateAll().finally(() => (this.#running = undefined));
    }
    if (this.rules.length <= RULES_AT_ONCE) await this.#running;
    if (fresh !== undefined) await this.#evaluate(this.rules.filter(fresh), true);
    if (this.lastPoll === undefined) this.#publish(undefined);
    return this.lastPoll ?? NOTHING;
  }

  async #evaluateAll(): Promise<void> {
    const due = this.groups.filter((group) => this.#isDue(group));
    // What no group's recordings come between is asked for together.
    let waiting: Rule[] = [];
    for (const group of due) {
      this.#groupAskedAtMs.set(group, this.#clock.nowMs());
      for (const rule of group.rules) {
        if (isAlerting(rule)) {
          waiting.push(rule);
          continue;
        }
        if (this.#options.record === undefined) continue;
        if (waiting.length > 0 && !(await this.#evaluate(waiting, false))) return;
        waiting = [];
        await this.#record(rule, group);
      }
    }
    if (!(await this.#evaluate(waiting, false))) return;
    if (this.lastPoll !== undefined && !this.#options.signal.aborted)
      this.#options.onPoll?.(this.lastPoll);
  }

  /** Polls are not quite as far apart as intervals are long. */
  #isDue(group: RuleGroup): boolean {
    const askedAtMs = this.#groupAskedAtMs.get(group);
    if (group.intervalMs === undefined || askedAtMs === undefined) return true;
    const earlyMs = (1 - REUSED_SHARE) * this.#options.pollIntervalMs;
    return this.#clock.nowMs() - askedAtMs >= group.intervalMs - earlyMs;
  }

  async #record(rule: RecordingRule, group: RuleGroup): Promise<void> {
    try {
      await this.#options.record?.(rule, group);
      this.#failures.delete(rule);
    } catch (error) {
      const why = messageOf(error);
      if (this.#failures.get(rule) !== why) this.#options.onRecordingFailed?.(rule, why);
      this.#failures.set(rule, why);
    }
  }

  /** @returns false if the source gave no answer, or Sentinel ends */
  async #evaluate(some: readonly Rule[], isFresh: boolean): Promise<boolean> {
    const { signal } = this.#options;
    for (let index = 0; index < some.length; index += RULES_AT_ONCE) {
      if (index > 0) await this.#clock.sleep(0, signal);
      const askedAtMs = this.#clock.nowMs();
      const results = await Promise.all(
        some
          .slice(index, index + RULES_AT_ONCE)
          .map((rule) => evaluateRule(rule, this.#source, signal, this.#groupOf.get(rule))),
      );
      // One that was cut short says nothing of what it did not ask for.
      if (signal.aborted) return false;
      const down = results.find(({ sourceDown }) => sourceDown !== undefined)?.sourceDown;
      if (down !== undefined) this.#takeDown(down);
      else for (const result of results) this.#take(result, askedAtMs, isFresh);
      this.#publish(down);
      if (down !== undefined) return false;
    }
    if (some.length === 0) this.#publish(undefined);
    return true;
  }

  #take({ rule, evaluation }: RuleResult, askedAtMs: number, isFresh: boolean): void {
    const before = this.#states.get(rule) ?? NOT_ASKED;
    const gapMs = askedAtMs - (before.askedAtMs ?? askedAtMs);
    if (gapMs < 0) return;
    const previous = carryOver(before.alerts, gapMs, this.#mostGapMs(rule));
    this.#states.set(rule, {
      askedAtMs,
      alerts: detect(previous, [{ rule, evaluation }], askedAtMs),
      greatest: greatestByService(rule, evaluation, this.#options.directory()),
      evaluation: isFresh ? evaluation : undefined,
    });
  }

  /** A source that fails one question is not believed in the others, nor asked on. */
  #takeDown(reason: string): void {
    const atMs = this.#clock.nowMs();
    for (const rule of this.rules) {
      const evaluation: Evaluation = { kind: "no_data", reason };
      this.#take({ rule, evaluation, sourceDown: reason }, atMs, true);
    }
  }

  #mostGapMs(rule: Rule): number {
    const { pollIntervalMs } = this.#options;
    return mostGapMs(Math.max(pollIntervalMs, this.#groupOf.get(rule)?.intervalMs ?? 0));
  }

  #publish(sourceDown: string | undefined): void {
    this.lastPoll = sharedPoll(this.rules, this.#states, {
      atMs: this.#clock.nowMs(),
      sourceDown,
      directory: this.#options.directory(),
      maxAgeMs: (rule) => this.#mostGapMs(rule),
    });
  }
}

const NOTHING: SharedPoll = {
  atMs: 0,
  sourceDown: undefined,
  alerts: [],
  unowned: [],
  alertsOf: () => [],
  restingFor: () => [],
  evaluationFor: () => undefined,
};

const NOT_ASKED: RuleState = {
  askedAtMs: undefined,
  alerts: [],
  greatest: new Map(),
  evaluation: undefined,
};

function initialStates(rules: readonly Rule[], restored: readonly SavedAlert[]) {
  const before = Map.groupBy(restoreAlerts(restored, rules), ({ rule }) => rule);
  return new Map(
    rules.map((rule): [Rule, RuleState] => [
      rule,
      { ...NOT_ASKED, alerts: before.get(rule) ?? [] },
    ]),
  );
}

/** Its alerts while nothing shows how they are: those that fired are neither resolved nor seen to hold. */
function unknownAlerts(rule: Rule, { alerts }: RuleState): readonly Alert[] {
  const fired = alerts.filter(({ firingAtMs }) => firingAtMs !== undefined);
  if (fired.length === 0) return [atRest(rule, { kind: "no_data", reason: NOT_EVALUATED })];
  return fired.map((alert) => ({ ...alert, state: "no_data", noDataReason: NOT_EVALUATED }));
}

interface Publishing {
  readonly atMs: number;
  readonly sourceDown: string | undefined;
  readonly directory: ServiceDirectory;
  /** What was asked longer ago is no longer believed. */
  readonly maxAgeMs: (rule: Rule) => number;
}

function sharedPoll(
  rules: readonly Rule[],
  states: ReadonlyMap<Rule, RuleState>,
  { atMs, sourceDown, directory, maxAgeMs }: Publishing,
): SharedPoll {
  // As they are now: an evaluation that follows replaces them in the map, and not in this poll.
  const known = rules.map((rule) => {
    const state = states.get(rule) ?? NOT_ASKED;
    const isKnown = state.askedAtMs !== undefined && atMs - state.askedAtMs <= maxAgeMs(rule);
    return { rule, state: isKnown ? state : { ...state, alerts: unknownAlerts(rule, state) } };
  });
  const owned = new Map<string, Alert[]>();
  const unowned: UnownedAlert[] = [];
  const alerts = known.flatMap(({ state }) => state.alerts);
  for (const alert of alerts) {
    if (!isInEffect(alert)) continue;
    const owner = ownerOfAlert(alert, directory);
    if (owner.kind === "service") owned.getOrInsert(owner.name, []).push(alert);
    else if (alert.state !== "no_data") unowned.push({ alert, reason: owner.reason });
  }
  return {
    atMs,
    sourceDown,
    alerts,
    unowned,
    alertsOf: (service) => owned.get(service) ?? [],
    restingFor(service) {
      const active = new Set(owned.get(service)?.map(({ rule }) => rule));
      return known.flatMap(({ rule, state }) => {
        const value = state.greatest.get(service);
        if (active.has(rule) || (value === undefined && !isStatedFor(rule, service, directory)))
          return [];
        const missing = state.alerts.find((alert) => alert.state === "no_data");
        return missing ?? atRest(rule, { kind: "inactive", value, measured: undefined });
      });
    },
    evaluationFor(rule, service) {
      const evaluation = known.find((one) => one.rule === rule)?.state.evaluation;
      if (evaluation === undefined) return undefined;
      return narrow(evaluation, (labels) =>
        isOwnedBy(directory.ownerOf(alertLabels(rule, labels)), service),
      );
    },
  };
}

/** Pending or firing, or fired and without data since: not one that stands for a rule at rest. */
function isInEffect({ activeAtMs, firingAtMs }: Alert): boolean {
  return activeAtMs !== undefined || firingAtMs !== undefined;
}

/** Whether the rule's own labels say whose it is, whatever its series are. */
function isStatedFor(rule: Rule, service: string, directory: ServiceDirectory): boolean {
  return isOwnedBy(directory.ownerOf(alertLabels(rule, {})), service);
}
