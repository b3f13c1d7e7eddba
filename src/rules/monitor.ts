/** One service's rules, evaluated poll by poll, and its share of what the rules of files say. */

import { giveTurn } from "../core/turn.ts";
import { restoreAlerts, type SavedAlert } from "./alert-memory.ts";
import { carryOver, detect, mostGapMs } from "./alert-state.ts";
import { evaluateRule, type Reading, type RuleResult } from "./evaluation.ts";
import type { Alert, Evaluation, Rule } from "../core/model.ts";
import type { Clock, SignalSource } from "../core/ports.ts";
import type { SharedPoll, SharedPollOptions, SharedRules } from "./shared-rules.ts";

export interface Poll {
  readonly atMs: number;
  /** Why the source gave no answer; `undefined` if it did. */
  readonly sourceDown: string | undefined;
  /**
   * The service's: of each rule made for it one for each label set that is pending or firing, or else
   * one at rest; of rules of files those that are pending or firing, or fired and have no data.
   */
  readonly alerts: readonly Alert[];
  /** Rules of files at rest, as far as something was measured of the service's series. */
  atRest(): readonly Alert[];
  /** What a rule's expression said of the service's series. */
  evaluationOf(rule: Rule): Evaluation | undefined;
}

export interface MonitorOptions {
  /** The rules made for the service, with that range in their rates. Called again when the range becomes known. */
  rulesFor(windowMs: number): readonly Rule[];
  /** Looks again at what series the service has, if it is time to. @returns whether it looked */
  findSignals?(nowMs: number, signal: AbortSignal): Promise<boolean>;
  /** The range to use; `undefined` while it is not known, such as before the first scrape. */
  findWindowMs(signal: AbortSignal): Promise<number | undefined>;
  /** The range until then. */
  readonly fallbackWindowMs: number;
  /** How far apart polls are. Default: 5 s. */
  readonly pollIntervalMs?: number;
  /** Told of each poll, whoever asked for it, and how long it took. */
  onPoll?(poll: Poll, durationMs: number): void;
  /** States of before a restart of Sentinel, with which the first poll begins. */
  readonly restored?: readonly SavedAlert[];
  /** Where rules on Sentinel's own series are evaluated. Default: on the source, which has them as well. */
  readonly own?: SignalSource;
  /** The rules of files, and whose share of them it is. */
  readonly shared?: { readonly rules: SharedRules; readonly service: string };
}

export interface Monitor {
  /** The range in force. */
  readonly windowMs: number;
  /** The rules made for the service that are in force. */
  readonly rules: readonly Rule[];
  /** What the last poll gave; `undefined` before the first. */
  readonly lastPoll: Poll | undefined;
  /** When a poll was last answered by the source; `undefined` if none has been. */
  readonly answeredAtMs: number | undefined;
  /** The rule of that name, its own or one of a file. */
  ruleNamed(alertname: string): Rule | undefined;
  /**
   * Evaluates all rules once. A failing source makes every rule's data missing; it does not throw.
   *
   * @param options which rules of files are evaluated now as well, and not taken as they last were
   */
  poll(signal: AbortSignal, options?: SharedPollOptions): Promise<Poll>;
}

const DEFAULT_POLL_INTERVAL_MS = 5000;

export function createMonitor(
  options: MonitorOptions,
  source: SignalSource,
  clock: Clock,
): Monitor {
  const { pollIntervalMs = DEFAULT_POLL_INTERVAL_MS, shared, own = source } = options;
  const inForce = new RulesInForce(options);
  let lastPoll: Poll | undefined;
  let answeredAtMs: number | undefined;

  return {
    get windowMs() {
      return inForce.windowMs;
    },
    get rules() {
      return inForce.rules;
    },
    get lastPoll() {
      return lastPoll;
    },
    get answeredAtMs() {
      return answeredAtMs;
    },
    ruleNamed: (alertname) =>
      [...inForce.rules, ...(shared?.rules.rules ?? [])].find(({ alert }) => alert === alertname),

    async poll(signal, pollOptions) {
      const fromMs = clock.nowMs();
      await inForce.settle(fromMs, signal);
      const { rules } = inForce;
      const [ofFiles, results] = await Promise.all([
        shared?.rules.poll(pollOptions),
        Promise.all(
          rules.map((rule) => evaluateRule(rule, rule.on === "own" ? own : source, signal)),
        ),
      ]);
      const sourceDown =
        ofFiles?.sourceDown ??
        results.find(({ rule, sourceDown: why }) => rule.on !== "own" && why)?.sourceDown;
      const readings = readingsOf(results, sourceDown);
      await giveTurn(inForce.alerts.length, clock, signal);
      const atMs = clock.nowMs();
      const gapMs = atMs - (lastPoll?.atMs ?? atMs);
      const lastAlerts =
        lastPoll === undefined ? restoreAlerts(options.restored ?? [], rules) : inForce.alerts;
      const before = carryOver(lastAlerts, gapMs, mostGapMs(pollIntervalMs));
      inForce.alerts = detect(before, readings, atMs);
      const evaluations = new Map(readings.map(({ rule, evaluation }) => [rule, evaluation]));
      const share = shareOf(ofFiles, { service: shared?.service ?? "", sourceDown });
      const poll: Poll = {
        atMs,
        sourceDown,
        alerts: [...inForce.alerts, ...share.alerts],
        atRest: share.atRest,
        evaluationOf: (rule) => evaluations.get(rule) ?? share.evaluationOf(rule),
      };
      lastPoll = poll;
      if (sourceDown === undefined) answeredAtMs = atMs;
      options.onPoll?.(poll, atMs - fromMs);
      return poll;
    },
  };
}

/** The rules made for the service, and their alerts, which go on when the rules measure in another way. */
class RulesInForce {
  readonly #options: MonitorOptions;
  #isWindowKnown = false;
  windowMs: number;
  rules: readonly Rule[];
  alerts: readonly Alert[] = [];

  constructor(options: MonitorOptions) {
    this.#options = options;
    this.windowMs = options.fallbackWindowMs;
    this.rules = options.rulesFor(this.windowMs);
  }

  async settle(nowMs: number, signal: AbortSignal): Promise<void> {
    const { findWindowMs, findSignals, rulesFor } = this.#options;
    const foundMs = this.#isWindowKnown ? undefined : await findWindowMs(signal);
    this.#isWindowKnown ||= foundMs !== undefined;
    const isOther = foundMs !== undefined && foundMs !== this.windowMs;
    if (isOther) this.windowMs = foundMs;
    // An incident rests on the rule that began it.
    const looked = !this.alerts.some(isUnderWay) && (await findSignals?.(nowMs, signal)) === true;
    if (isOther || looked) this.#replace(rulesFor(this.windowMs));
  }

  #replace(next: readonly Rule[]): void {
    if (areSameRules(this.rules, next)) return;
    this.rules = next;
    const named = this.alerts.map((alert) => ({ ...alert, name: alert.rule.alert }));
    this.alerts = restoreAlerts(named, next);
  }
}

function isUnderWay({ state, firingAtMs }: Alert): boolean {
  return state === "pending" || state === "firing" || firingAtMs !== undefined;
}

function areSameRules(some: readonly Rule[], others: readonly Rule[]): boolean {
  const text = (rules: readonly Rule[]) =>
    JSON.stringify(rules.map(({ alert, expr, unreadable }) => [alert, expr, unreadable]));
  return text(some) === text(others);
}

/** A source that fails half of the questions is not believed in the other half; Sentinel's own series are. */
function readingsOf(
  results: readonly RuleResult[],
  sourceDown: string | undefined,
): readonly Reading[] {
  return results.map(({ rule, evaluation }) => {
    const isBelieved = sourceDown === undefined || rule.on === "own";
    return { rule, evaluation: isBelieved ? evaluation : { kind: "no_data", reason: sourceDown } };
  });
}

/** A service's part of what the rules of files say. Nothing is known of it while the source is down. */
function shareOf(
  ofFiles: SharedPoll | undefined,
  { service, sourceDown }: { readonly service: string; readonly sourceDown: string | undefined },
): Pick<Poll, "alerts" | "atRest" | "evaluationOf"> {
  if (ofFiles === undefined) return { alerts: [], atRest: () => [], evaluationOf: () => undefined };
  if (sourceDown === undefined)
    return {
      alerts: ofFiles.alertsOf(service),
      atRest: () => ofFiles.restingFor(service),
      evaluationOf: (rule) => ofFiles.evaluationFor(rule, service),
    };
  const fired = ofFiles.alertsOf(service).filter(({ firingAtMs }) => firingAtMs !== undefined);
  return {
    alerts: fired.map((alert) => ({ ...alert, state: "no_data", noDataReason: sourceDown })),
    atRest: () => ofFiles.restingFor(service),
    evaluationOf: (rule) =>
      ofFiles.evaluationFor(rule, service) && { kind: "no_data", reason: sourceDown },
  };
}
