/**
 * The alerts of one service from poll to poll: what is told of them, which an incident is about, and what is
 * kept of them over a restart of Sentinel.
 */

import { createAlertMemory, saveAlerts, TAKEN_UP_BEFORE } from "../rules/alert-memory.ts";
import {
  isFiringOrUnknown,
  isHolding,
  isOfRule,
  isQuiet,
  type IsOfIncident,
  mostUrgent,
} from "../rules/alert-state.ts";
import { createAlertTracker } from "../rules/alert-tracking.ts";
import type { EmitEvent, IncidentFact, IntentEvent, WatchEvent } from "../core/events.ts";
import { createFlapCounter } from "../rules/flapping.ts";
import { createBlindSpots } from "./blind-spots.ts";
import { createSourceOutage } from "./source-outage.ts";
import type { Alert } from "../core/model.ts";
import type { Poll } from "../rules/monitor.ts";
import type { Policy, ServiceContext } from "./context.ts";

/** Label sets that join an incident at one poll and are named; the others are counted. */
const MAX_JOINED = 20;

/** An incident of the service, and which alerts it is about. */
export interface Incident {
  readonly id: string;
  readonly isOfIncident: IsOfIncident;
}

interface ServiceAlertsOptions {
  readonly policy: Pick<Policy, "service">;
  readonly serviceContext: Pick<ServiceContext, "recorder" | "clock" | "monitor">;
  readonly emit: EmitEvent;
}

export interface ServiceAlerts {
  /** Tells what a poll has shown: of the source, of the alerts, of the journal. */
  announce(poll: Poll): void;
  /**
   * Follows which alerts are taken up, which have resolved and which flap.
   *
   * @param resumed names of the alerts whose incident goes on after a restart of Sentinel
   */
  track(poll: Poll, resumed: ReadonlySet<string>): void;
  /** Tells that all is quiet, if it is: at once, and then now and again. */
  announceQuiet(poll: Poll): void;
  /** An incident went on: that all is quiet is told a while later. */
  delayQuiet(): void;
  /** The alert to take up next; one that only flickers holds up no other. */
  mostUrgent(
    poll: Poll,
    resumed: ReadonlySet<string>,
    but?: (alert: Alert) => boolean,
  ): Alert | undefined;
  /** From now on an incident is about them. */
  handle(alerts: readonly Alert[]): void;
  /** The incident is about the other label sets of its rule as well that fire now. */
  join(incident: Incident): void;
  /**
   * An incident has ended, or waits.
   *
   * @param isAgain its alerts may be taken up again; else they are a person's until they resolve
   */
  settle(incident: Incident, isAgain: boolean): void;
  emit(event: WatchEvent): void;
  /** Emits what is about an alert, unless the same was the last that was told of it. */
  emitOnce(alert: Alert, why: string, event: WatchEvent): void;
  emitOf(incident: Incident, fact: IncidentFact): void;
  /** As `IncidentContext.commit`; it is told only if it is kept. */
  commitOf(incident: Incident, intent: IntentEvent): Promise<boolean>;
}

export function createServiceAlerts(options: ServiceAlertsOptions): ServiceAlerts {
  return new AlertsOfService(options);
}

/** How often a person is told that all is quiet. */
const QUIET_EVERY_MS = 60_000;

export const isDown = ({ sourceDown }: Poll) => sourceDown !== undefined;

class AlertsOfService implements ServiceAlerts {
  readonly #service: string;
  readonly #serviceContext: ServiceAlertsOptions["serviceContext"];
  readonly #tell: EmitEvent;
  readonly #outage = createSourceOutage();
  readonly #blindSpots = createBlindSpots();
  readonly #tracker = createAlertTracker();
  readonly #memory;
  readonly #flaps;
  /** At once, so that a person sees that it works. */
  #quietToldMs = Number.NEGATIVE_INFINITY;

  constructor({ policy, serviceContext, emit }: ServiceAlertsOptions) {
    const { recorder } = serviceContext;
    const service = policy.service.name;
    this.#service = service;
    this.#serviceContext = serviceContext;
    this.#tell = emit;
    this.#memory = createAlertMemory(recorder.savedAlerts.get(service));
    this.#flaps = createFlapCounter(
      ({ labels }, nowMs) => recorder.limitTracker.flapping({ service, labels }, nowMs),
      (id, event) => this.emitOf({ id, isOfIncident: isOfRule(event.alert) }, event),
    );
  }

  announce(poll: Poll): void {
    const ofSource = this.#outage.polled(poll.sourceDown);
    if (ofSource !== undefined) this.emit(ofSource);
    if (!isDown(poll)) {
      for (const change of this.#tracker.changesTo(poll.alerts)) this.emit(change);
      for (const change of this.#blindSpots.polled(poll, this.#nowMs)) this.emit(change);
    }
    const ofJournal = this.#serviceContext.recorder.takeNews();
    // It concerns all services, and no one of them.
    if (ofJournal !== undefined) this.#tell({ ...ofJournal, atMs: this.#nowMs, service: "" });
  }

  track({ alerts }: Poll, resumed: ReadonlySet<string>): void {
    this.#recall(alerts, resumed);
    this.#tracker.forgetResolved(alerts);
    this.#flaps.endQuiet(this.#nowMs);
    this.#remember();
  }

  /** What was taken up before a restart of Sentinel stays taken up. */
  #recall(alerts: readonly Alert[], resumed: ReadonlySet<string>): void {
    for (const alert of this.#memory.handledOf(alerts)) {
      if (this.#tracker.isHandled(alert)) continue;
      this.#tracker.handle([alert]);
      if (!resumed.has(alert.rule.alert))
        this.emit({ type: "left_alone", alert, reason: TAKEN_UP_BEFORE });
    }
  }

  /** Keeps over a restart of Sentinel which alerts are taken up. */
  #remember(): void {
    const saved = saveAlerts(this.#lastAlerts, this.#tracker.isHandled, this.#nowMs);
    if (!this.#memory.isDue(saved)) return;
    this.#serviceContext.recorder.saveAlerts(this.#service, saved);
    this.#memory.saved(saved);
  }

  announceQuiet(poll: Poll): void {
    const isDue = this.#nowMs - this.#quietToldMs >= QUIET_EVERY_MS;
    if (!isDue || this.#outage.isTold || !isQuiet(poll.alerts)) return;
    this.emit({ type: "quiet", alerts: [...poll.alerts, ...poll.atRest()] });
    this.delayQuiet();
  }

  delayQuiet(): void {
    this.#quietToldMs = this.#nowMs;
  }

  mostUrgent(
    { alerts }: Poll,
    resumed: ReadonlySet<string>,
    but: (alert: Alert) => boolean = () => false,
  ): Alert | undefined {
    const isNew = (alert: Alert) =>
      !this.#tracker.isHandled(alert) && !resumed.has(alert.rule.alert);
    const isFlap = (alert: Alert) => isHolding(alert) && this.#flaps.isFlap(alert, this.#nowMs);
    return mostUrgent(alerts.filter((alert) => isNew(alert) && !isFlap(alert) && !but(alert)));
  }

  handle(alerts: readonly Alert[]): void {
    this.#tracker.handle(alerts);
  }

  join(incident: Incident): void {
    const alerts = this.#tracker.unhandledOf(this.#lastAlerts, incident.isOfIncident);
    if (alerts.length === 0) return;
    this.#tracker.handle(alerts);
    const joined = { alerts: alerts.slice(0, MAX_JOINED), count: alerts.length };
    this.emitOf(incident, { type: "alerts_joined", ...joined });
  }

  settle({ isOfIncident }: Incident, isAgain: boolean): void {
    const alerts = this.#lastAlerts.filter(isOfIncident);
    if (isAgain) this.#tracker.release(alerts);
    else this.#tracker.handle(alerts.filter(isFiringOrUnknown));
    this.#remember();
  }

  emit(event: WatchEvent): void {
    const stamped = { ...event, atMs: this.#nowMs, service: this.#service };
    this.#serviceContext.recorder.record(stamped);
    this.#tell(stamped);
  }

  emitOnce(alert: Alert, why: string, event: WatchEvent): void {
    if (this.#tracker.isNewReason(alert, why)) this.emit(event);
  }

  emitOf(incident: Incident, fact: IncidentFact): void {
    if (fact.type === "incident_closed") this.join(incident);
    const stamped = { ...fact, ...this.#stampOf(incident) };
    this.#serviceContext.recorder.record(stamped);
    // Recorded after the incident and what has joined it, so that neither is taken up again after a restart.
    this.#remember();
    this.#tell(stamped);
    if (fact.type === "incident_opened") this.join(incident);
  }

  async commitOf(incident: Incident, intent: IntentEvent): Promise<boolean> {
    const stamped = { ...intent, ...this.#stampOf(incident) };
    if (!(await this.#serviceContext.recorder.commit(stamped))) return false;
    this.#tell(stamped);
    return true;
  }

  #stampOf({ id: incident }: Incident) {
    return { atMs: this.#nowMs, service: this.#service, incident };
  }

  get #lastAlerts(): readonly Alert[] {
    return this.#serviceContext.monitor.lastPoll?.alerts ?? [];
  }

  get #nowMs(): number {
    return this.#serviceContext.clock.nowMs();
  }
}
