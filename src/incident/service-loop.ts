/** The loop over one service: poll, announce what changed, go on with what is open, take up what fires. */

import { isOfCause } from "../rules/outage.ts";
import {
  fingerprint,
  isFiringOrUnknown,
  isNamed,
  isOfRule,
  type IsOfIncident,
} from "../rules/alert-state.ts";
import type { EmitEvent } from "../core/events.ts";
import {
  actOnApproval,
  actOnDiagnosis,
  close,
  type Findings,
  handleIncident,
  type IncidentEnd,
  type Postponed,
  type Waiting,
} from "./incident.ts";
import { CONTAINER_DOWN_ALERT } from "../rules/rules.ts";
import { giveTurn } from "../core/turn.ts";
import { incidentId } from "./id.ts";
import { answerTo, endOfRefused } from "./pending-approval.ts";
import {
  createServiceAlerts,
  type Incident,
  isDown,
  type ServiceAlerts,
} from "./service-alerts.ts";
import { whySuppressed } from "./suppressed.ts";
import { isTakenUpAgain } from "../decision/limits.ts";
import type { Alert, ApprovalAnswer } from "../core/model.ts";
import type { Poll } from "../rules/monitor.ts";
import { closeGone, isInFlight, resume, type Unfinished } from "./recovery.ts";
import type { IncidentContext, Policy, ServiceContext } from "./context.ts";

interface ServiceLoopOptions {
  readonly policy: Policy;
  readonly serviceContext: ServiceContext;
  readonly emit: EmitEvent;
}

interface ServiceLoop {
  /**
   * Polls until the signal aborts. One incident at a time is worked on; any number waits for a person. One
   * for each time that an alert fires; label sets of the same rule that fire while it is open join it.
   *
   * @param signal aborted with `GONE` when there is no such service any more; else what waits is taken up
   *   again at the next start
   */
  run(signal: AbortSignal): Promise<void>;
}

/** Takes what the journal has of the service; to be run once. */
export function createServiceLoop(options: ServiceLoopOptions): ServiceLoop {
  return new Loop(options);
}

/** Why a service is not watched any more when it is gone for good: what waits for it ends with it. */
export const GONE = "the service is gone";

class Loop implements ServiceLoop {
  readonly #options: ServiceLoopOptions;
  readonly #alerts: ServiceAlerts;
  /** Incidents that a restart of Sentinel cut short, by id. */
  readonly #unfinished: Map<string, Unfinished>;
  /** Incidents that wait for a person, by id. */
  readonly #waiting = new Map<string, Waiting>();
  /** Incidents whose action waits for the journal, by id. */
  readonly #postponed = new Map<string, Postponed>();
  /** The turn to act, held until it is known what became of a command of before the restart. */
  #turn: Disposable | undefined;

  constructor(options: ServiceLoopOptions) {
    const { policy, serviceContext } = options;
    this.#options = options;
    this.#alerts = createServiceAlerts(options);
    const records = serviceContext.recorder.takeUnfinished(policy.service.name);
    this.#unfinished = new Map(records.map((record) => [record.id, { record, isTold: false }]));
  }

  async run(signal: AbortSignal): Promise<void> {
    const { policy, serviceContext } = this.#options;
    const { clock, monitor, recorder } = serviceContext;
    if (this.#isCommandInFlight()) this.#turn = await serviceContext.actionLock.acquire(signal);
    while (!signal.aborted) {
      const startedMs = clock.nowMs();
      const poll = await monitor.poll(signal);
      await recorder.refresh();
      if (signal.aborted) break;
      const many = poll.alerts.length;
      await giveTurn(many, clock, signal);
      this.#alerts.announce(poll);
      await giveTurn(many, clock, signal);
      if (!isDown(poll)) this.#alerts.track(poll, this.#resumedNames());
      await giveTurn(many, clock, signal);
      if (await this.#goOn(poll, signal)) {
        this.#alerts.delayQuiet();
        continue;
      }
      this.#alerts.announceQuiet(poll);
      const tookMs = clock.nowMs() - startedMs;
      await clock.sleep(Math.max(policy.pollIntervalMs - tookMs, 0), signal);
    }
    this.#turn?.[Symbol.dispose]();
    if (signal.reason === GONE) this.#closeAll();
  }

  /**
   * Goes on with one incident, the first that can; a new one comes last. Nothing but what a restart cut short
   * goes on while a command of before it may still run.
   *
   * @returns whether one went on, with which time may have passed
   */
  async #goOn(poll: Poll, signal: AbortSignal): Promise<boolean> {
    if (await this.#resumeOne(poll, signal)) return true;
    if (this.#isCommandInFlight()) return false;
    return (
      (await this.#answerOne(poll, signal)) ||
      (await this.#actOnPostponed(poll, signal)) ||
      this.#takeUpMostUrgent(poll, signal)
    );
  }

  /** What a restart cut short. @returns as `#goOn` */
  async #resumeOne(poll: Poll, signal: AbortSignal): Promise<boolean> {
    if (isDown(poll)) return false;
    for (const [id, one] of this.#unfinished) {
      if (this.#isCommandInFlight() && !isInFlight(one)) continue;
      const incident = { id, isOfIncident: isNamed(one.record.alert.name) };
      const end = await this.#resume(one, { poll, incident }, signal);
      if (end === "later") continue;
      this.#unfinished.delete(id);
      this.#settle(end, incident);
      return true;
    }
    return false;
  }

  async #resume(
    one: Unfinished,
    { poll, incident }: { readonly poll: Poll; readonly incident: Incident },
    signal: AbortSignal,
  ): Promise<IncidentEnd | "later"> {
    const { alert, phase } = one.record;
    const isItsAlert = ({ labels }: Alert) => fingerprint(labels) === fingerprint(alert.labels);
    this.#alerts.handle(poll.alerts.filter(isItsAlert));
    const context = this.#contextOf(incident);
    if (!one.isTold) context.emit({ type: "incident_resumed", alertname: alert.name, phase });
    one.isTold = true;
    const wasInFlight = isInFlight(one);
    const end = await resume(one, poll, context, signal);
    if (!wasInFlight || isInFlight(one)) return end;
    // What became of the command is known now: others may have their turn to act, and this one goes on.
    this.#turn?.[Symbol.dispose]();
    return resume(one, poll, context, signal);
  }

  /** What a person has answered, or the time, or the end of the alert. @returns as `#goOn` */
  async #answerOne(poll: Poll, signal: AbortSignal): Promise<boolean> {
    for (const [id, one] of this.#waiting) {
      const { findings, request } = one;
      const answer = this.#answerTo(one, poll);
      if (answer === undefined) continue;
      this.#waiting.delete(id);
      const incident = incidentOf(id, findings);
      const context = this.#contextOf(incident);
      context.emit({ type: "approval_answered", request, answer });
      if (answer === "approved") {
        this.#settle(await actOnApproval(one, context, signal), incident);
        return true;
      }
      close(endOfRefused(answer), findings, context);
    }
    return false;
  }

  #answerTo({ findings, request, expiresAtMs }: Waiting, poll: Poll): ApprovalAnswer | undefined {
    const { policy, serviceContext } = this.#options;
    const { recorder, clock } = serviceContext;
    const isAlertOpen = isOpen(poll, isOfRule(findings.alert));
    const given = recorder.limitTracker.answerTo({ service: policy.service.name, request });
    const isUncertain = isDown(poll) || recorder.trouble !== undefined;
    return answerTo({ isAlertOpen, expiresAtMs, given, isUncertain }, clock.nowMs());
  }

  /** What was decided, and could not be written down. @returns as `#goOn` */
  async #actOnPostponed(poll: Poll, signal: AbortSignal): Promise<boolean> {
    if (isDown(poll)) return false;
    for (const [id, one] of this.#postponed) {
      const { findings } = one;
      const incident = incidentOf(id, findings);
      const context = this.#contextOf(incident);
      if (!isOpen(poll, incident.isOfIncident)) {
        this.#postponed.delete(id);
        close({ result: "skipped", reason: "alert_resolved" }, findings, context);
        continue;
      }
      const isJournalDown = this.#options.serviceContext.recorder.trouble !== undefined;
      if (isJournalDown || (await this.#isSuppressed(findings.alert, signal))) continue;
      this.#postponed.delete(id);
      this.#settle(await actOnDiagnosis(one, context, signal), incident);
      return true;
    }
    return false;
  }

  /** The alert to take up now. That a container has ended, and nobody misses it, holds up no other alert. */
  async #findUrgent(poll: Poll, signal: AbortSignal): Promise<Alert | undefined> {
    const resumed = this.#resumedNames();
    const isDownAlert = ({ rule }: Alert) => rule.alert === CONTAINER_DOWN_ALERT;
    const first = this.#alerts.mostUrgent(poll, resumed);
    if (first === undefined || !(await this.#isSuppressed(first, signal))) return first;
    if (!isDownAlert(first)) return undefined;
    const next = this.#alerts.mostUrgent(poll, resumed, isDownAlert);
    return next !== undefined && (await this.#isSuppressed(next, signal)) ? undefined : next;
  }

  /** A new incident. @returns as `#goOn` */
  async #takeUpMostUrgent(poll: Poll, signal: AbortSignal): Promise<boolean> {
    const { policy, serviceContext } = this.#options;
    const { clock } = serviceContext;
    for (const { incident } of this.#held()) this.#alerts.join(incident);
    const alert = await this.#findUrgent(poll, signal);
    if (alert === undefined) return false;
    this.#alerts.handle([alert]);
    const id = incidentId(clock.toWall(clock.nowMs()), alert.rule.alert, policy.service.name);
    const incident = incidentOf(id, { alert });
    const end = await handleIncident({ alert, poll }, this.#contextOf(incident), signal);
    this.#settle(end, incident);
    return true;
  }

  /** Told once for each reason. */
  async #isSuppressed(alert: Alert, signal: AbortSignal): Promise<boolean> {
    const found = await whySuppressed(alert, this.#options, signal);
    if (found !== undefined) this.#alerts.emitOnce(alert, found.why, found.event);
    return found !== undefined;
  }

  /** What follows on a step of an incident: it waits now, or has ended. */
  #settle(end: IncidentEnd, incident: Incident): void {
    if (end.kind === "waiting") this.#waiting.set(incident.id, end.waiting);
    if (end.kind === "postponed") this.#postpone(end.postponed, incident);
    if (end.kind !== "closed") this.#alerts.join(incident);
    else if (end.closing.madeWorse) this.#alerts.emit({ type: "automation_ended" });
    const { reason } = end.kind === "closed" ? end.closing : {};
    // What was not judged is taken up again, and what had resolved when it comes back.
    this.#alerts.settle(incident, isTakenUpAgain(reason));
  }

  #postpone(postponed: Postponed, { id }: Incident): void {
    this.#postponed.set(id, postponed);
    const { alert } = postponed.findings;
    const reason = "the journal cannot be written; what was decided waits until it can";
    this.#alerts.emitOnce(alert, reason, { type: "left_alone", alert, reason });
  }

  /** The service is gone, and with it what waited for it. */
  #closeAll(): void {
    const end = { result: "skipped", reason: "container_replaced" } as const;
    for (const { incident, findings } of this.#held())
      close(end, findings, this.#contextOf(incident));
    for (const [id, { record }] of this.#unfinished)
      closeGone(record, this.#contextOf({ id, isOfIncident: isNamed(record.alert.name) }));
  }

  #contextOf(incident: Incident): IncidentContext {
    const { policy, serviceContext } = this.#options;
    const emit: IncidentContext["emit"] = (fact) => this.#alerts.emitOf(incident, fact);
    const commit: IncidentContext["commit"] = (intent) => this.#alerts.commitOf(incident, intent);
    return { policy, serviceContext, incident: incident.id, emit, commit };
  }

  /** A command of before the restart may still be at work. */
  #isCommandInFlight(): boolean {
    return [...this.#unfinished.values()].some(isInFlight);
  }

  /** The alerts whose incident a restart cut short: after it their name is all that is known of their rule. */
  #resumedNames(): ReadonlySet<string> {
    return new Set([...this.#unfinished.values()].map(({ record }) => record.alert.name));
  }

  /** What waits, for a person or for the journal. */
  #held(): readonly { readonly incident: Incident; readonly findings: Findings }[] {
    const held = [...this.#waiting, ...this.#postponed];
    return held.map(([id, { findings }]) => ({ incident: incidentOf(id, findings), findings }));
  }
}

function incidentOf(id: string, { alert }: Pick<Findings, "alert">): Incident {
  return { id, isOfIncident: isOfCause(alert) };
}

/** Whether an alert of the incident fires, or nothing shows that it ended. */
function isOpen({ alerts }: Poll, isOfIncident: IsOfIncident): boolean {
  return alerts.filter(isOfIncident).some(isFiringOrUnknown);
}
