/** The loop over one service: poll, tell what changed, take up what fires. */

import { createAlertMemory, saveAlerts, TAKEN_UP_BEFORE } from "../rules/alert-memory.ts";
import { type AlertsByKey, boundedChanges, changes } from "../rules/alert-changes.ts";
import {
  alertKey,
  fingerprint,
  isFiringOrUnknown,
  isHolding,
  mostUrgent,
  isNamed,
  isOfRule,
  isQuiet,
  type IsOfIncident,
} from "../rules/alert-state.ts";
import type { ApprovalAnswer, EmitEvent, IncidentEvent, WatchEvent } from "../core/events.ts";
import {
  actOnApproval,
  actOnDiagnosis,
  close,
  handleIncident,
  type IncidentEnd,
  type Postponed,
  type Waiting,
} from "./incident.ts";
import { createFlapCounter } from "../rules/flapping.ts";
import { incidentId } from "./id.ts";
import { whyLeftAlone } from "./suppressed.ts";
import { isTakenUpAgain } from "../decision/limits.ts";
import type { Alert } from "../core/model.ts";
import type { Poll } from "../rules/monitor.ts";
import { MAX_JOINED } from "../core/incident-record.ts";
import { closeGone, isInFlight, resume, type Unfinished } from "./recovery.ts";
import type { Context, Policy, World } from "./context.ts";

export interface WatchOptions {
  readonly policy: Policy;
  readonly world: World;
  readonly emit: EmitEvent;
}

/** Why a service is not watched any more when it is gone for good: what waits for it ends with it. */
export const GONE = "the service is gone";

/** How often a person is told that all is quiet. */
const QUIET_EVERY_MS = 60_000;

/** A source is back once it has answered so many polls in a row: one that comes and goes is told once. */
const BACK_AFTER_POLLS = 3;

const isDown = ({ sourceDown }: Poll) => sourceDown !== undefined;

/**
 * Polls until the signal aborts. One incident at a time is worked on; any number waits for a person. One
 * for each time that an alert fires; label sets of the same rule that fire while it is open join it.
 *
 * @param signal aborted with `GONE` when there is no such service any more; else what waits is taken up
 *   again at the next start
 */
export async function watch(options: WatchOptions, signal: AbortSignal): Promise<void> {
  const { policy, world } = options;
  const { clock, monitor, book } = world;
  const service = policy.service.name;
  const emit = (event: WatchEvent) => {
    const stamped = { ...event, atMs: clock.nowMs(), service };
    book.keep(stamped);
    options.emit(stamped);
  };
  const contextOf = (incident: string, isOfIncident: IsOfIncident): Context => ({
    policy,
    world,
    incident,
    emit(event: IncidentEvent) {
      if (event.type === "incident_closed") join(incident, isOfIncident);
      const stamped = { ...event, atMs: clock.nowMs(), service, incident };
      const isKept = book.keep(stamped);
      // Now the journal has the incident, and what has joined it: neither is taken up again after a restart.
      remember();
      // An intent that could not be kept is not acted upon, so it is not told either.
      if (isKept || event.type !== "action_started") options.emit(stamped);
      if (event.type === "incident_opened") join(incident, isOfIncident);
      return isKept;
    },
  });

  let before: AlertsByKey = new Map();
  let isDownTold = false;
  let answersInRow = 0;
  // At once, so that a person sees that it works, and then now and again.
  let quietToldMs = Number.NEGATIVE_INFINITY;
  // Label sets already taken up, or told to be left alone, and why: forgotten once they stop firing.
  const handled = new Set<string>();
  const told = new Map<string, string>();
  const flaps = createFlapCounter(
    (alert, nowMs) => book.ledger.flapping({ service, labels: alert.labels }, nowMs),
    (incident, event) => contextOf(incident, isOfRule(event.alert)).emit(event),
  );
  const memory = createAlertMemory(book.savedAlerts.get(service));
  const unfinished = new Map<string, Unfinished>(
    book.takeUnfinished(service).map((record) => [record.id, { record, isTold: false }]),
  );
  /** What waits for a person, and what for the journal. */
  const waiting = new Map<string, Waiting>();
  const postponed = new Map<string, Postponed>();
  const held = () => [...waiting, ...postponed];
  // A command of before the restart is the one that is in flight, until it is known what became of it.
  const turn = isActing() ? await world.actionLock.acquire(signal) : undefined;

  while (!signal.aborted) {
    const startedMs = clock.nowMs();
    const poll = await monitor.poll(signal);
    if (signal.aborted) break;
    book.refresh();
    tellTroubles(poll);
    if (!isDown(poll)) {
      recall(poll);
      forgetResolved(poll);
      flaps.endQuiet(clock.nowMs());
      remember();
    }

    const isBusy =
      (await resumeOne(poll)) ||
      (!isActing() &&
        ((await answerOne(poll)) ||
          (await actOnPostponed(poll)) ||
          (await takeUpMostUrgent(poll))));
    if (isBusy) {
      quietToldMs = clock.nowMs();
      continue;
    }
    if (isQuiet(poll.alerts) && !isDownTold && clock.nowMs() - quietToldMs >= QUIET_EVERY_MS) {
      emit({ type: "quiet", alerts: [...poll.alerts, ...poll.atRest()] });
      quietToldMs = clock.nowMs();
    }
    const tookMs = clock.nowMs() - startedMs;
    await clock.sleep(Math.max(policy.pollIntervalMs - tookMs, 0), signal);
  }
  turn?.[Symbol.dispose]();
  if (signal.reason === GONE) closeAll();

  function closeAll(): void {
    const end = { result: "skipped", reason: "container_replaced" } as const;
    for (const [incident, { findings }] of held())
      close(end, findings, contextOf(incident, isOfRule(findings.alert)));
    for (const [incident, { record }] of unfinished)
      closeGone(record, contextOf(incident, isNamed(record.alert.name)));
  }

  function tellTroubles(poll: Poll): void {
    const { sourceDown } = poll;
    answersInRow = isDown(poll) ? 0 : answersInRow + 1;
    if (sourceDown !== undefined && !isDownTold) emit({ type: "source_down", reason: sourceDown });
    isDownTold ||= isDown(poll);
    if (isDownTold && answersInRow >= BACK_AFTER_POLLS) {
      emit({ type: "source_back" });
      isDownTold = false;
    }
    if (!isDown(poll)) {
      const after = new Map(poll.alerts.map((alert) => [alertKey(alert), alert]));
      for (const change of boundedChanges(changes(before, after), handled)) emit(change);
      before = after;
    }
    const news = book.takeNews();
    // It concerns all services, and no one of them.
    if (news !== undefined) options.emit({ ...news, atMs: clock.nowMs(), service: "" });
  }

  /** What was taken up before a restart of Sentinel. */
  function recall({ alerts }: Poll): void {
    for (const alert of memory.handledOf(alerts)) {
      if (handled.has(alertKey(alert))) continue;
      handled.add(alertKey(alert));
      const { alert: name } = alert.rule;
      if (![...unfinished.values()].some(({ record }) => record.alert.name === name))
        emit({ type: "left_alone", alert, reason: TAKEN_UP_BEFORE });
    }
  }

  /** Kept over a restart of Sentinel. */
  function remember(): void {
    const isHandled = (alert: Alert) => handled.has(alertKey(alert));
    const saved = saveAlerts(monitor.lastPoll?.alerts ?? [], isHandled, clock.nowMs());
    if (memory.isDue(saved) && book.saveAlerts(service, saved)) memory.saved(saved);
  }

  /** Missing data is no end: the same firing taken up again would act twice on one fault. */
  function forgetResolved({ alerts }: Poll): void {
    const goOn = new Set(alerts.filter(isFiringOrUnknown).map(alertKey));
    for (const key of new Set([...handled, ...told.keys()])) {
      if (goOn.has(key)) continue;
      handled.delete(key);
      told.delete(key);
    }
  }

  /** Label sets of the incident's rule that fire now, and that no incident is about. */
  function join(incident: string, isOfIncident: IsOfIncident): void {
    const alerts = (monitor.lastPoll?.alerts ?? []).filter(
      (alert) => isHolding(alert) && isOfIncident(alert) && !handled.has(alertKey(alert)),
    );
    if (alerts.length === 0) return;
    for (const alert of alerts) handled.add(alertKey(alert));
    contextOf(incident, isOfIncident).emit({
      type: "alerts_joined",
      alerts: alerts.slice(0, MAX_JOINED),
      count: alerts.length,
    });
  }

  /** A command of before the restart may still be at work. */
  function isActing(): boolean {
    return [...unfinished.values()].some(isInFlight);
  }

  /** What a restart cut short. @returns whether one went on, with which time may have passed */
  async function resumeOne(poll: Poll): Promise<boolean> {
    if (isDown(poll)) return false;
    for (const [incident, one] of unfinished) {
      if (isActing() && !isInFlight(one)) continue;
      const { name, labels } = one.record.alert;
      const isOfIncident = isNamed(name);
      for (const alert of poll.alerts)
        if (fingerprint(alert.labels) === fingerprint(labels)) handled.add(alertKey(alert));
      const context = contextOf(incident, isOfIncident);
      if (!one.isTold) {
        const { phase } = one.record;
        context.emit({ type: "incident_resumed", alertname: name, phase });
      }
      one.isTold = true;
      const wasInFlight = isInFlight(one);
      let end = await resume(one, poll, context, signal);
      if (wasInFlight && !isInFlight(one)) {
        // It is known now, so that others may have their turn to act, and this one goes on.
        turn?.[Symbol.dispose]();
        end = await resume(one, poll, context, signal);
      }
      if (end === "later") continue;
      unfinished.delete(incident);
      settle(end, { incident, isOfIncident });
      return true;
    }
    return false;
  }

  /** What was decided, and could not be written down. @returns whether time has passed with it */
  async function actOnPostponed(poll: Poll): Promise<boolean> {
    if (isDown(poll)) return false;
    for (const [incident, one] of postponed) {
      const isOfIncident = isOfRule(one.findings.alert);
      const context = contextOf(incident, isOfIncident);
      if (!poll.alerts.filter(isOfIncident).some(isFiringOrUnknown)) {
        postponed.delete(incident);
        close({ result: "skipped", reason: "alert_resolved" }, one.findings, context);
        continue;
      }
      if (book.trouble !== undefined || (await isLeftAlone(one.findings.alert))) continue;
      postponed.delete(incident);
      settle(await actOnDiagnosis(one, context, signal), { incident, isOfIncident });
      return true;
    }
    return false;
  }

  /** What people have said, or time has answered for them. @returns whether time has passed with it */
  async function answerOne(poll: Poll): Promise<boolean> {
    for (const [incident, one] of waiting) {
      const { findings, request } = one;
      const answer = answerTo(one, poll);
      if (answer === undefined) continue;
      waiting.delete(incident);
      const isOfIncident = isOfRule(findings.alert);
      const context = contextOf(incident, isOfIncident);
      context.emit({ type: "approval_answered", request, answer });
      if (answer === "approved") {
        const end = await actOnApproval(one, context, signal);
        settle(end, { incident, isOfIncident });
        return true;
      }
      const reason = answer === "withdrawn" ? "alert_resolved" : answer;
      const result = answer === "withdrawn" ? "skipped" : "held";
      close({ result, reason }, findings, context);
    }
    return false;
  }

  function answerTo(
    { findings, request, expiresAtMs }: Waiting,
    poll: Poll,
  ): ApprovalAnswer | undefined {
    const goesOn = poll.alerts.filter(isOfRule(findings.alert)).some(isFiringOrUnknown);
    if (!goesOn) return "withdrawn";
    if (clock.nowMs() >= expiresAtMs) return "expired";
    const answer = book.ledger.answerTo({ service, request });
    // Whether it is still called for cannot be told now, or it cannot be written down; in a moment it may.
    const isUncertain = isDown(poll) || book.trouble !== undefined;
    return answer === "approved" && isUncertain ? undefined : answer;
  }

  async function takeUpMostUrgent(poll: Poll): Promise<boolean> {
    for (const [incident, { findings }] of held()) join(incident, isOfRule(findings.alert));
    const resumed = new Set([...unfinished.values()].map(({ record }) => record.alert.name));
    const isNew = (alert: Alert) => !handled.has(alertKey(alert)) && !resumed.has(alert.rule.alert);
    // One that only flickers holds up no other.
    const isFlap = (alert: Alert) => isHolding(alert) && flaps.isFlap(alert, clock.nowMs());
    const urgent = mostUrgent(poll.alerts.filter((alert) => isNew(alert) && !isFlap(alert)));
    if (urgent === undefined || (await isLeftAlone(urgent))) return false;
    handled.add(alertKey(urgent));
    const incident = incidentId(clock.toWall(clock.nowMs()), urgent.rule.alert, service);
    const isOfIncident = isOfRule(urgent);
    const context = contextOf(incident, isOfIncident);
    const end = await handleIncident({ alert: urgent, poll }, context, signal);
    settle(end, { incident, isOfIncident });
    return true;
  }

  /** Told once for each reason. */
  async function isLeftAlone(alert: Alert): Promise<boolean> {
    const found = await whyLeftAlone(alert, { policy, world }, signal);
    if (found !== undefined) tellOnce(alert, found.why, found.event);
    return found !== undefined;
  }

  function tellOnce(alert: Alert, why: string, event: WatchEvent): void {
    const key = alertKey(alert);
    if (told.get(key) !== why) emit(event);
    told.set(key, why);
  }

  function settle(
    end: IncidentEnd,
    { incident, isOfIncident }: { readonly incident: string; readonly isOfIncident: IsOfIncident },
  ): void {
    if (end.kind === "waiting") waiting.set(incident, end.waiting);
    if (end.kind === "postponed") {
      postponed.set(incident, end.postponed);
      const { alert } = end.postponed.findings;
      const reason = "the journal cannot be written; what was decided waits until it can";
      tellOnce(alert, reason, { type: "left_alone", alert, reason });
    }
    if (end.kind !== "closed") join(incident, isOfIncident);
    else if (end.closing.madeWorse) emit({ type: "automation_ended" });
    // What was not judged is taken up again, and what had resolved when it comes back.
    const { reason } = end.kind === "closed" ? end.closing : {};
    for (const alert of (monitor.lastPoll?.alerts ?? []).filter(isOfIncident))
      if (isTakenUpAgain(reason)) handled.delete(alertKey(alert));
      else if (isFiringOrUnknown(alert)) handled.add(alertKey(alert));
    remember();
  }
}
