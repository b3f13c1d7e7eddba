/**
 * What holds Sentinel back: what it did and what came of it, and what people said. A fold of the journal's
 * entries, so that it is the same after a restart. Pure.
 */

import { ACTION_IDS, type ActionId } from "../allowlist.ts";
import { createFlaps, type Flaps } from "../rules/flapping.ts";
import type { DecisionReason } from "../core/model.ts";
import type { IncidentRecord, IncidentStep } from "../core/incident-record.ts";
import type { Recorded } from "../core/journal-entry.ts";

export interface Limits {
  /** How long a service is left alone after an incident with an action. */
  readonly cooldownMs: number;
  /** Actions within an hour, for one service and for all of them. */
  readonly mostPerService: number;
  readonly mostInAll: number;
}

/** The limits that hold for one alert of one service at one moment. */
export interface LimitState {
  readonly coolsUntilMs: number;
  /** Until when a person has paused it; Infinity without an end. */
  readonly pausedUntilMs: number;
  readonly isPaused: boolean;
  /** An action made things worse, and no person has said since that Sentinel may go on. */
  readonly automationEnded: boolean;
  readonly isServiceBudgetSpent: boolean;
  readonly isTotalBudgetSpent: boolean;
  /** Actions that have healed this alert for a moment only, and too often to be tried again. */
  readonly ineffectiveActions: ReadonlySet<ActionId>;
}

/** All its times are of one clock that never jumps. */
export interface LimitTracker {
  /** Counts one entry, in the order of the journal. */
  apply(step: IncidentStep): void;
  limitState(about: AlertOfService, nowMs: number): LimitState;
  /** The incident to which an alert comes back, if it does. */
  flapping: Flaps["of"];
  /** What a person answered to a request of that service; `undefined` while nobody has. */
  answerTo(asked: RequestOfService): "approved" | "denied" | undefined;
  /** A copy as of now, which goes on by itself. */
  copy(): LimitTracker;
}

interface AlertOfService {
  readonly service: string;
  readonly alert: string;
}

interface RequestOfService {
  readonly service: string;
  readonly request: string;
}

/** Stands for all services where the name of one is expected. */
const ALL = "";

export const HOUR_MS = 3_600_000;
/** An alert that comes back within this time after it was healed was not cured. */
export const RECURRENCE_MS = 30 * 60_000;
/** The number of recurrences after which the same action is not tried again. */
const MAX_RECURRENCES = 2;

const REOPENED: readonly DecisionReason[] = [
  "data_missing",
  "container_replaced",
  "container_unknown",
  "paused",
];

/** The least time after which an alert that was not judged is taken up again. */
const REOPENED_AFTER_MS = 30_000;

/** Whether an incident ended without having been judged: its alert is taken up again, after the cooldown. */
export function isReopened(reason: string | undefined): boolean {
  return REOPENED.some((one) => one === reason);
}

/** Whether the alert of an incident that ended so is taken up again: if it goes on, or when it comes back. */
export function isTakenUpAgain(reason: string | undefined): boolean {
  return isReopened(reason) || reason === "alert_resolved";
}

/** One action, as it counts towards the budgets. */
interface Act {
  readonly atMs: number;
  readonly service: string;
  readonly incident: string;
  /** What became of the command was not seen: it counts, whatever is found out later. */
  readonly wasCutOff?: true;
}

/** How one alert of one service was healed, and whether it lasted. */
interface Chain {
  healedAtMs: number;
  action: ActionId | undefined;
  readonly recurrences: Map<ActionId, number>;
}

export function createLimitTracker(limits: Limits): LimitTracker {
  return new JournalLimits(limits);
}

class JournalLimits implements LimitTracker {
  readonly #limits: Limits;
  readonly #flaps: Flaps;
  #chains = new Map<string, Chain>();
  #coolsUntilMs = new Map<string, number>();
  #pausedUntilMs = new Map<string, number>();
  /** Services that a person has resumed since all of them were paused. */
  #exempt = new Set<string>();
  #automationEnded = new Set<string>();
  #answers = new Map<string, "approved" | "denied">();
  #acts: readonly Act[] = [];
  readonly flapping: Flaps["of"];

  constructor(limits: Limits, flaps = createFlaps()) {
    this.#limits = limits;
    this.#flaps = flaps;
    this.flapping = flaps.of;
  }

  copy(): LimitTracker {
    const copy = new JournalLimits(this.#limits, this.#flaps.copy());
    for (const [key, chain] of this.#chains)
      copy.#chains.set(key, { ...chain, recurrences: new Map(chain.recurrences) });
    copy.#coolsUntilMs = new Map(this.#coolsUntilMs);
    copy.#pausedUntilMs = new Map(this.#pausedUntilMs);
    copy.#exempt = new Set(this.#exempt);
    copy.#automationEnded = new Set(this.#automationEnded);
    copy.#answers = new Map(this.#answers);
    copy.#acts = this.#acts;
    return copy;
  }

  apply({ entry, event, record }: IncidentStep): void {
    const { incident = "", service, atMs } = entry;
    switch (event.type) {
      case "incident_opened": {
        const chain = this.#chains.get(key(service, event.alert.name));
        if (chain !== undefined) this.#countRecurrence(chain, atMs);
        break;
      }
      case "action_started":
        this.#acts = [
          ...this.#acts.filter((act) => atMs - act.atMs < HOUR_MS),
          { atMs, service, incident },
        ];
        break;
      case "action_finished": {
        if (event.outcome.kind !== "not_started") break;
        const last = this.#acts.findLastIndex(
          (act) => act.incident === incident && act.service === service,
        );
        this.#acts = this.#acts.filter(({ wasCutOff }, index) => index !== last || wasCutOff);
        break;
      }
      case "incident_resumed":
        this.#acts = this.#acts.map((act) =>
          act.incident === incident && act.service === service ? { ...act, wasCutOff: true } : act,
        );
        break;
      case "alert_flapped":
        this.#flaps.count(entry, event);
        break;
      case "incident_closed":
        this.#close({ entry, record }, event.closing);
        break;
      case "automation_ended":
        this.#automationEnded.add(service);
        break;
      case "paused":
        this.#pause(service, event.until_ms ?? Infinity);
        break;
      case "resumed":
        this.#resume(service);
        break;
      case "approval_requested":
        // A request that is made again after a restart is a new one: an earlier answer does not count.
        this.#answers.delete(key(service, event.request));
        break;
      case "approval_given":
        // The first answer counts.
        this.#answers.getOrInsert(key(service, event.request), event.answer);
        break;
    }
  }

  /** A healing that did not last: counted once for each time. */
  #countRecurrence(chain: Chain, atMs: number): void {
    if (atMs - chain.healedAtMs > RECURRENCE_MS) chain.recurrences.clear();
    else if (chain.action !== undefined) {
      const times = chain.recurrences.get(chain.action) ?? 0;
      chain.recurrences.set(chain.action, times + 1);
    }
    chain.action = undefined;
  }

  #close(
    { entry, record }: Pick<IncidentStep, "entry" | "record">,
    { result, reason, verdict, madeWorse }: Recorded<"incident_closed">["closing"],
  ): void {
    const { service, atMs } = entry;
    const action = actionOf(record);
    const isOver = verdict?.kind === "healed" || result === "cancelled" || isReopened(reason);
    if (record !== undefined) this.#flaps.close(record, isOver);
    // The cooldown holds also if Sentinel was stopped before the verdict.
    if (result === "acted" || action !== undefined)
      this.#coolsUntilMs.set(service, atMs + this.#limits.cooldownMs);
    // It is not taken up at each poll, whatever the cooldown, as each time costs a diagnosis.
    else if (isReopened(reason))
      this.#coolsUntilMs.set(service, atMs + Math.max(this.#limits.cooldownMs, REOPENED_AFTER_MS));
    // `automation_ended` follows, unless Sentinel is killed between the two.
    if (madeWorse === true) this.#automationEnded.add(service);
    if (verdict?.kind !== "healed" || record === undefined || action === undefined) return;
    const chain = this.#chains.getOrInsert(key(service, record.alert.name), {
      healedAtMs: atMs,
      action: undefined,
      recurrences: new Map(),
    });
    chain.healedAtMs = atMs;
    chain.action = action;
  }

  #pause(service: string, untilMs: number): void {
    this.#pausedUntilMs.set(service, untilMs);
    if (service === ALL) this.#exempt.clear();
  }

  #resume(service: string): void {
    if (service === ALL) {
      this.#pausedUntilMs.clear();
      this.#automationEnded.clear();
    } else {
      this.#pausedUntilMs.delete(service);
      this.#automationEnded.delete(service);
      this.#exempt.add(service);
    }
  }

  limitState({ service, alert }: AlertOfService, nowMs: number): LimitState {
    const recent = this.#acts.filter(({ atMs }) => nowMs - atMs < HOUR_MS);
    const recurrences = this.#chains.get(key(service, alert))?.recurrences ?? new Map();
    const times = [...recurrences].filter(([, count]) => count >= MAX_RECURRENCES);
    const untilMs = Math.max(
      this.#pausedUntilMs.get(service) ?? 0,
      this.#exempt.has(service) ? 0 : (this.#pausedUntilMs.get(ALL) ?? 0),
    );
    return {
      coolsUntilMs: this.#coolsUntilMs.get(service) ?? 0,
      pausedUntilMs: untilMs,
      isPaused: nowMs < untilMs,
      automationEnded: this.#automationEnded.has(service),
      isServiceBudgetSpent:
        recent.filter((act) => act.service === service).length >= this.#limits.mostPerService,
      isTotalBudgetSpent: recent.length >= this.#limits.mostInAll,
      ineffectiveActions: new Set(times.map(([action]) => action)),
    };
  }

  answerTo({ service, request }: RequestOfService): "approved" | "denied" | undefined {
    return this.#answers.get(key(service, request));
  }
}

/** The action last begun, if it is one that is known here. */
function actionOf(record: IncidentRecord | undefined): ActionId | undefined {
  return ACTION_IDS.find((id) => id === record?.action?.id);
}

/** Two services may have alerts, incidents and requests of the same name. */
function key(service: string, name: string): string {
  return `${service}\n${name}`;
}
