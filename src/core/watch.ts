/** The loop over one service: poll, tell what changed, take up what fires. */

import { fingerprint, mostUrgent } from "./detection.ts";
import type { ApprovalAnswer, EmitEvent, IncidentEvent, WatchEvent } from "./events.ts";
import {
  actOnApproval,
  APPROVAL_MS,
  close,
  handleIncident,
  type IncidentEnd,
  type Waiting,
} from "./incident.ts";
import { inspect } from "./investigation.ts";
import { isReopened } from "./ledger.ts";
import type { Alert, ContainerState } from "./model.ts";
import type { Poll } from "./monitor.ts";
import { resume, type Unfinished } from "./recovery.ts";
import type { Context, Policy, World } from "./world.ts";

export interface WatchOptions {
  readonly policy: Policy;
  readonly world: World;
  readonly emit: EmitEvent;
}

/** How often a person is told that all is quiet. */
const QUIET_EVERY_MS = 60_000;

/** A source is back once it has answered so many polls in a row: one that comes and goes is told once. */
const BACK_AFTER_POLLS = 3;

/**
 * Polls until the signal aborts. One incident at a time is worked on; any number waits for a person. One
 * for each time that an alert fires.
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
  const contextOf = (incident: string): Context => ({
    policy,
    world,
    incident,
    emit(event: IncidentEvent) {
      const stamped = { ...event, atMs: clock.nowMs(), service, incident };
      const isKept = book.keep(stamped);
      // An intent that could not be kept is not acted upon, so it is not told either.
      if (isKept || event.type !== "action_started") options.emit(stamped);
      return isKept;
    },
  });

  let before: readonly Alert[] = [];
  let sourceIsDown = false;
  let isDownTold = false;
  let answersInRow = 0;
  let journalIsDown = false;
  // At once, so that a person sees that it works, and then now and again.
  let quietToldMs = Number.NEGATIVE_INFINITY;
  // Alerts already taken up, or told to be left alone, and why: forgotten once they stop firing.
  const handled = new Set<string>();
  const told = new Map<string, string>();
  const unfinished = new Map<string, Unfinished>(
    book.takeUnfinished(service).map((record) => [record.id, { record, isTold: false }]),
  );
  const waiting = new Map<string, Waiting>();

  while (!signal.aborted) {
    const startedMs = clock.nowMs();
    const poll = await monitor.poll(signal);
    if (signal.aborted) return;
    book.refresh();
    tellTroubles(poll);
    if (!sourceIsDown) forgetResolved(poll);

    const isBusy =
      (await resumeOne(poll)) || (await answerOne(poll)) || (await takeUpMostUrgent(poll));
    if (isBusy) {
      quietToldMs = clock.nowMs();
      continue;
    }
    if (isQuiet(poll.alerts) && !isDownTold && clock.nowMs() - quietToldMs >= QUIET_EVERY_MS) {
      emit({ type: "quiet", alerts: poll.alerts });
      quietToldMs = clock.nowMs();
    }
    // A clock that was put back may not put off the next poll.
    const tookMs = Math.max(clock.nowMs() - startedMs, 0);
    await clock.sleep(Math.max(policy.pollIntervalMs - tookMs, 0), signal);
  }

  function tellTroubles(poll: Poll): void {
    const isDown = poll.sourceDown !== undefined;
    answersInRow = isDown ? 0 : answersInRow + 1;
    if (isDown && !isDownTold) emit({ type: "source_down", reason: poll.sourceDown ?? "" });
    isDownTold ||= isDown;
    if (isDownTold && answersInRow >= BACK_AFTER_POLLS) {
      emit({ type: "source_back" });
      isDownTold = false;
    }
    if (!isDown) for (const change of changes(before, poll.alerts)) emit(change);
    sourceIsDown = isDown;
    if (!isDown) before = poll.alerts;
    const { trouble } = book;
    if (trouble !== undefined && !journalIsDown) emit({ type: "journal_down", reason: trouble });
    if (trouble === undefined && journalIsDown) emit({ type: "journal_back" });
    journalIsDown = trouble !== undefined;
  }

  /** Missing data is no end: the same firing taken up again would act twice on one fault. */
  function forgetResolved(poll: Poll): void {
    for (const key of new Set([...handled, ...told.keys()])) {
      if (isFiringOrUnknown(key, poll)) continue;
      handled.delete(key);
      told.delete(key);
    }
  }

  /** What a restart cut short. @returns whether time has passed with it */
  async function resumeOne(poll: Poll): Promise<boolean> {
    if (sourceIsDown) return false;
    for (const [incident, one] of unfinished) {
      const context = contextOf(incident);
      if (!one.isTold) context.emit({ type: "incident_resumed", phase: one.record.phase });
      one.isTold = true;
      const end = await resume(one, poll, context, signal);
      if (end === "later") continue;
      unfinished.delete(incident);
      settle(end, { incident, key: keyOfName(one.record.alert.name, poll) });
      return end.kind === "closed";
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
      const context = contextOf(incident);
      context.emit({ type: "approval_answered", request, answer });
      if (answer === "approved") {
        const end = await actOnApproval(one, context, signal);
        settle(end, { incident, key: identity(findings.alert) });
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
    if (!sourceIsDown && !isFiringOrUnknown(identity(findings.alert), poll)) return "withdrawn";
    // Further away than it can be, after a clock was put back: no longer bound to its time.
    const leftMs = expiresAtMs - clock.nowMs();
    if (leftMs <= 0 || leftMs > APPROVAL_MS) return "expired";
    return book.ledger.answerTo(request);
  }

  async function takeUpMostUrgent(poll: Poll): Promise<boolean> {
    const resumed = new Set([...unfinished.values()].map(({ record }) => record.alert.name));
    const urgent = mostUrgent(
      poll.alerts.filter(
        (alert) => !handled.has(identity(alert)) && !resumed.has(alert.rule.alert),
      ),
    );
    if (urgent === undefined || (await isLeftAlone(urgent))) return false;
    const key = identity(urgent);
    handled.add(key);
    const incident = incidentId(clock.nowMs(), urgent.rule.alert, service);
    const fired = { alert: urgent, poll };
    settle(await handleIncident(fired, contextOf(incident), signal), { incident, key });
    return true;
  }

  /** Told once for each reason. */
  async function isLeftAlone(alert: Alert): Promise<boolean> {
    const nowMs = clock.nowMs();
    const about = { service, alert: alert.rule.alert };
    const { coolsUntilMs, pausedUntilMs, isPaused } = book.ledger.restraint(about, nowMs);
    const key = identity(alert);
    const tellOnce = (why: string, event: WatchEvent) => {
      if (told.get(key) !== why) emit(event);
      told.set(key, why);
      return true;
    };
    if (isPaused) {
      const end = Number.isFinite(pausedUntilMs) ? ` until ${clockTime(pausedUntilMs)}` : "";
      const reason = `paused by a person${end}; sentinel resume ends it`;
      return tellOnce("paused", { type: "left_alone", alert, reason });
    }
    if (nowMs < coolsUntilMs)
      return tellOnce("cooling", { type: "cooling_down", alert, untilMs: coolsUntilMs });
    const container = await inspect(service, world.runtime, signal);
    if (container.kind === "missing") return false;
    const reason = whyNotJudged(container.value, { alert, windowMs: monitor.windowMs, nowMs });
    if (reason === undefined) return false;
    return tellOnce(reason, { type: "left_alone", alert, reason });
  }

  function settle(
    end: IncidentEnd,
    { incident, key }: { readonly incident: string; readonly key: string | undefined },
  ): void {
    if (end.kind === "waiting") waiting.set(incident, end.waiting);
    else if (end.closing.madeWorse) emit({ type: "automation_ended" });
    if (key === undefined) return;
    // What was not judged is taken up again, and what had resolved when it comes back.
    const { reason } = end.kind === "closed" ? end.closing : {};
    if (isReopened(reason) || reason === "alert_resolved") handled.delete(key);
    else handled.add(key);
  }
}

/** Rates look back on the whole window: one that was restarted since the alert began is not seen yet. */
function whyNotJudged(
  { status, health, startedAtMs, startPeriodMs }: ContainerState,
  {
    alert,
    windowMs,
    nowMs,
  }: { readonly alert: Alert; readonly windowMs: number; readonly nowMs: number },
): string | undefined {
  // What somebody wants to stand still, or is being backed up.
  if (status === "paused") return "its container is paused; docker unpause lets it go on";
  if (status !== "running") return undefined;
  const ageMs = startedAtMs === undefined ? Infinity : nowMs - startedAtMs;
  // Below 0 the clock was put back, and says nothing of its age.
  const unseenMs = ageMs < nowMs - (alert.activeAtMs ?? nowMs) ? windowMs : 0;
  const isYoung = ageMs >= 0 && ageMs < Math.max(startPeriodMs, unseenMs);
  return health === "starting" || isYoung ? "its container is still starting" : undefined;
}

function isFiringOrUnknown(key: string, { alerts }: Poll): boolean {
  return alerts.some(
    (alert) => identity(alert) === key && (alert.state === "firing" || alert.state === "no_data"),
  );
}

/** One rule, whatever its label sets: a service with three instances is restarted once. */
function identity({ rule }: Alert): string {
  return `${rule.alert}\n${rule.expr}`;
}

function keyOfName(name: string, { alerts }: Poll): string | undefined {
  const alert = alerts.find(({ rule, state }) => rule.alert === name && state === "firing");
  return alert && identity(alert);
}

/** Sorts by time, says at a glance which alert it was, and is no other service's. */
function incidentId(nowMs: number, alert: string, service: string): string {
  const stamp = new Date(nowMs).toISOString().replaceAll(/[-:]/g, "").slice(0, 15);
  return `${stamp}-${alert}-${digest(service)}`;
}

/** Four hexadecimal digits (FNV-1a, folded). */
function digest(text: string): string {
  let hash = 0x811c9dc5;
  for (const character of text) {
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  }
  return ((hash ^ (hash >>> 16)) & 0xffff).toString(16).padStart(4, "0");
}

function clockTime(atMs: number): string {
  return new Date(atMs).toTimeString().slice(0, 5);
}

function isQuiet(alerts: readonly Alert[]): boolean {
  // One that fired and has no data is not quiet: nothing has shown that it ended.
  return alerts.every(({ state, firingAtMs }) => state !== "pending" && firingAtMs === undefined);
}

function changes(before: readonly Alert[], after: readonly Alert[]): WatchEvent[] {
  const states = new Map(before.map((alert) => [key(alert), alert.state]));
  const current = new Set(after.map(key));
  const changed = after.flatMap((alert): WatchEvent[] => {
    const from = states.get(key(alert)) ?? "inactive";
    return from === alert.state ? [] : [{ type: "alert_changed", alert, from }];
  });
  // A label set that no longer holds leaves no alert behind.
  const ended = before
    .filter((alert) => !current.has(key(alert)) && alert.state !== "inactive")
    .filter((alert) => alert.state !== "no_data")
    .map((alert): WatchEvent => {
      const now = { ...alert, state: "inactive" as const };
      return { type: "alert_changed", alert: now, from: alert.state };
    });
  return [...changed, ...ended];
}

function key({ rule, labels }: Alert): string {
  return `${rule.expr}\n${fingerprint(labels)}`;
}
