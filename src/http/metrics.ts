/** What the observer exports of itself for Prometheus: so that a dead observer can be alerted on. */

import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { ACTION_IDS } from "../allowlist.ts";
import { DIAGNOSIS_FAILURES } from "../core/errors.ts";
import type { ToldEvent } from "../core/events.ts";
import {
  ACT_REASONS,
  type Alert,
  type AlertState,
  type Closing,
  type Decision,
  DECISION_REASONS,
  type Outcome,
  VERDICTS,
} from "../core/model.ts";
import { coverageOf } from "../rules/coverage.ts";
import type { Poll } from "../rules/monitor.ts";
import type { SharedRules } from "../rules/shared-rules.ts";
import { TOKEN_REFUSALS, type TokenRefusal } from "../core/token-gate.ts";
import { exportProcess, type ProcessFigures } from "./process-metrics.ts";
import type { WatchedService } from "./readiness.ts";

/** What the metrics are about. Every label has its values from these and from closed lists. */
interface MetricsSources {
  readonly version: string;
  /** Names of all that may be asked for a diagnosis. */
  readonly diagnosers: readonly string[];
  watched(): readonly WatchedService[];
  /** The rules of files, which are evaluated once for all services. */
  readonly sharedRules: Pick<SharedRules, "rules" | "lastPoll">;
  process(): ProcessFigures;
}

export interface ObserverMetrics {
  /** Counts what has happened. */
  observe(event: ToldEvent): void;
  /** Counts a poll that has come to its end, whatever it was for. */
  polled(poll: Pick<Poll, "sourceDown">, durationMs: number): void;
  /** Counts a request that was refused for its token. */
  refused(reason: TokenRefusal): void;
  /** Text format 0.0.4. */
  render(): Promise<string>;
  readonly contentType: string;
}

const POLL_BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const DETECTION_BUCKETS_S = [1, 2.5, 5, 10, 15, 20, 30, 45, 60, 120, 300, 600];
const DIAGNOSIS_BUCKETS_S = [0.01, 0.1, 0.5, 1, 2.5, 5, 10, 15, 20, 30, 60];

const POLL_OUTCOMES = ["ok", "source_down"] as const;
const STATES = ["pending", "firing", "no_data"] as const satisfies readonly AlertState[];
const ENDS = [...VERDICTS, "held", "skipped", "cancelled"] as const;
const OUTCOMES = Object.keys({
  succeeded: true,
  failed: true,
  timed_out: true,
  cancelled: true,
  not_started: true,
} satisfies Record<Outcome["kind"], true>);

/** The alert of an incident that was opened under rules that are no longer in force. */
const UNKNOWN_ALERT = "unknown";
/** The reason of a failure that is not on the list, as in the incident itself. */
const OTHER_FAILURE = "unavailable";

/** All series of closed label sets exist from the start, so that `rate()` sees the first of each. */
export function createObserverMetrics(sources: MetricsSources): ObserverMetrics {
  const registry = new Registry();
  const registers = [registry];
  const polled = countPolls(registers);
  showAlerts(sources, registers);
  const counts = [
    countIncidents(sources, registers),
    countDiagnoses(sources, registers),
    countActions(registers),
    countDecisions(registers),
  ];
  const refused = countRefusals(registers);
  showBuild(sources, registers);
  exportProcess(registry, sources.process);

  return {
    observe(event) {
      for (const count of counts) count(event);
    },
    polled,
    refused,
    render: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

/** Counts what it is about, of all that happens. */
type CountEvent = ObserverMetrics["observe"];
type Registers = Registry[];

function countPolls(registers: Registers): ObserverMetrics["polled"] {
  const polls = new Counter({
    name: "sentinel_polls_total",
    help: "Polls of one service each, by whether the source of signals answered.",
    labelNames: ["outcome"],
    registers,
  });
  for (const outcome of POLL_OUTCOMES) polls.inc({ outcome }, 0);
  const pollDuration = new Histogram({
    name: "sentinel_poll_duration_seconds",
    help: "Time to evaluate all rules of one service once.",
    buckets: POLL_BUCKETS_S,
    registers,
  });
  return ({ sourceDown }, durationMs) => {
    polls.inc({ outcome: sourceDown === undefined ? "ok" : "source_down" });
    pollDuration.observe(inSeconds(durationMs));
  };
}

/** When services were polled, and how their alerts stand. */
function showAlerts(sources: MetricsSources, registers: Registers): void {
  new Gauge({
    name: "sentinel_last_poll_timestamp_seconds",
    help: "When the service that has waited longest was last polled, Unix time; 0 if never.",
    registers,
    collect() {
      const times = sources.watched().map(({ monitor }) => monitor.lastPoll?.atMs ?? 0);
      // Without services there is no time to report, and that is no failure.
      if (times.length === 0) this.remove();
      else this.set(times.reduce((oldest, time) => Math.min(oldest, time)) / 1000);
    },
  });
  new Gauge({
    name: "sentinel_alerts",
    help: "Alerts that are in that state now, by the rule's name.",
    labelNames: ["alertname", "state"],
    registers,
    collect() {
      this.reset();
      for (const alertname of alertnamesOf(sources))
        for (const state of STATES) this.set({ alertname, state }, 0);
      const count = (alerts: readonly Alert[]) => {
        for (const { rule, state } of alerts)
          if (state !== "inactive") this.inc({ alertname: rule.alert, state });
      };
      for (const { monitor } of sources.watched())
        count(monitor.lastPoll?.alerts.filter(({ rule }) => rule.service !== undefined) ?? []);
      count(sources.sharedRules.lastPoll?.alerts ?? []);
    },
  });
  new Gauge({
    name: "sentinel_unjudged_signals",
    help: "Alerts of that service, by name, for which there is no data.",
    labelNames: ["service"],
    registers,
    collect() {
      this.reset();
      for (const { service, monitor } of sources.watched()) {
        const { unjudged } = coverageOf(monitor.lastPoll?.alerts ?? []);
        this.set({ service: service.name }, unjudged.length);
      }
    },
  });
  new Gauge({
    name: "sentinel_unowned_alerts",
    help: "Alerts that are pending or firing and belong to no watched service: nothing is done about them.",
    registers,
    collect() {
      this.set(sources.sharedRules.lastPoll?.unowned.length ?? 0);
    },
  });
}

function countIncidents(sources: MetricsSources, registers: Registers): CountEvent {
  const incidents = new Counter({
    name: "sentinel_incidents_total",
    help: "Incidents that have ended, by the verdict, or by why there is none.",
    labelNames: ["alertname", "verdict"],
    registers,
    collect() {
      // Containers with the label come and go, and their rules with them.
      for (const alertname of alertnamesOf(sources))
        for (const verdict of ENDS) incidents.inc({ alertname, verdict }, 0);
    },
  });
  const detectionDelay = new Histogram({
    name: "sentinel_detection_delay_seconds",
    help: "From when the signal began to rise, as far as its history tells, to the incident.",
    buckets: DETECTION_BUCKETS_S,
    registers,
  });
  return (event) => {
    if (event.type !== "incident_closed") return;
    // The name of a rule that is gone is not a label of the metric any more.
    const name = alertnamesOf(sources).find((one) => one === event.record?.alert.name);
    incidents.inc({ alertname: name ?? UNKNOWN_ALERT, verdict: endOf(event.closing) });
    const { detectedAfterMs } = event.closing;
    if (detectedAfterMs !== undefined) detectionDelay.observe(inSeconds(detectedAfterMs));
  };
}

/** The rules that are in force now, by name. */
function alertnamesOf({ watched, sharedRules }: MetricsSources): readonly string[] {
  const own = watched().flatMap(({ monitor }) => monitor.rules.map(({ alert }) => alert));
  return [...new Set([...own, ...sharedRules.rules.map(({ alert }) => alert)])];
}

function countDiagnoses(sources: MetricsSources, registers: Registers): CountEvent {
  const diagnosisDuration = new Histogram({
    name: "sentinel_diagnosis_duration_seconds",
    help: "Time until a diagnoser answered, or was given up.",
    labelNames: ["diagnoser"],
    buckets: DIAGNOSIS_BUCKETS_S,
    registers,
  });
  const diagnosisFailures = new Counter({
    name: "sentinel_diagnosis_failures_total",
    help: "Diagnosers asked that gave no usable answer, by why.",
    labelNames: ["diagnoser", "reason"],
    registers,
  });
  for (const diagnoser of sources.diagnosers) {
    diagnosisDuration.zero({ diagnoser });
    for (const reason of DIAGNOSIS_FAILURES) diagnosisFailures.inc({ diagnoser, reason }, 0);
  }
  return (event) => {
    if (event.type !== "diagnosed" && event.type !== "diagnosis_failed") return;
    const { diagnoser } = event;
    diagnosisDuration.observe({ diagnoser }, inSeconds(event.durationMs));
    if (event.type === "diagnosed") return;
    const reason = DIAGNOSIS_FAILURES.find((one) => one === event.reason) ?? OTHER_FAILURE;
    diagnosisFailures.inc({ diagnoser, reason });
  };
}

function countActions(registers: Registers): CountEvent {
  const actions = new Counter({
    name: "sentinel_actions_total",
    help: "Actions run, by what became of the command.",
    labelNames: ["action", "outcome"],
    registers,
  });
  for (const action of ACTION_IDS)
    for (const outcome of OUTCOMES) actions.inc({ action, outcome }, 0);
  return (event) => {
    if (event.type !== "action_finished") return;
    const action = ACTION_IDS.find((id) => id === event.record?.action?.id);
    if (action !== undefined) actions.inc({ action, outcome: event.outcome.kind });
  };
}

function countRefusals(registers: Registers): ObserverMetrics["refused"] {
  const refusals = new Counter({
    name: "sentinel_token_refusals_total",
    help: "Requests refused for their token: none, a wrong one, or too many wrong ones before.",
    labelNames: ["reason"],
    registers,
  });
  for (const reason of TOKEN_REFUSALS) refusals.inc({ reason }, 0);
  return (reason) => refusals.inc({ reason });
}

function countDecisions(registers: Registers): CountEvent {
  const decisions = new Counter({
    name: "sentinel_decisions_total",
    help: "Whether Sentinel acted by itself, and why or why not.",
    labelNames: ["decision", "reason"],
    registers,
  });
  for (const reason of DECISION_REASONS)
    for (const decision of decisionsFor(reason)) decisions.inc({ decision, reason }, 0);
  return (event) => {
    if (event.type === "decided")
      decisions.inc({ decision: event.decision.kind, reason: event.decision.reason });
  };
}

function showBuild({ version }: MetricsSources, registers: Registers): void {
  new Gauge({
    name: "sentinel_build_info",
    help: "Always 1; the version of Sentinel and of Bun as labels.",
    labelNames: ["version", "bun_version"],
    registers,
  }).set({ version: version, bun_version: Bun.version }, 1);
}

function decisionsFor(reason: Decision["reason"]): readonly Decision["kind"][] {
  return ACT_REASONS.some((one) => one === reason) ? ["act"] : ["ask", "skip"];
}

function endOf({ result, verdict }: Closing): (typeof ENDS)[number] {
  return result === "acted" ? (verdict?.kind ?? "unknown") : result;
}

/** A clock that was put back in between may not take time away again. */
function inSeconds(durationMs: number): number {
  return Math.max(durationMs, 0) / 1000;
}
