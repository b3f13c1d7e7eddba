/** Events as lines for a person, in the order in which they happen. */

import { REASON_TEXT } from "../decision/decision.ts";
import { maskCredentials } from "../diagnosis/evidence.ts";
import { isToldFlap } from "../rules/flapping.ts";
import type { SentinelEvent, ToldEvent } from "../core/events.ts";
import { coverageOf } from "../rules/coverage.ts";
import type { IncidentRecord } from "../core/incident-record.ts";
import { SERVICE_LABEL } from "../core/given-series.ts";
import type {
  Alert,
  AlertState,
  ApprovalAnswer,
  Closing,
  ContainerState,
  Decision,
  Diagnosis,
  Observation,
  Outcome,
} from "../core/model.ts";
import { renderFlaps, renderLife } from "./terminal-container.ts";
import { clockTime, isoTime, seconds } from "../text/time.ts";
import { clean, field } from "./terminal-text.ts";
import { humanize1024, renderSummary, significant } from "../rules/alert-summary.ts";

const RULE_WIDTH = 72;

/**
 * What to print for one event; nothing for those that a person need not see. Whatever came from
 * outside has its credentials masked and its control characters made visible, so that no log line or
 * model writes to a terminal.
 */
export function renderEvent(event: SentinelEvent): string[] {
  const time = clockTime(event.atMs);
  const { service } = event;
  // An event about a rule of a file belongs to no single service.
  const whose = service === "" ? "rules of files" : service;
  switch (event.type) {
    case "source_down":
      return [`${time}  Signals are missing: ${clean(event.reason)}. Nothing is judged or done.`];
    case "source_back":
      return [`${time}  Signals are back.`];
    case "alert_changed":
      return renderChange(event.alert, event.from).map(
        (text) => `${time}  ${whose}: ${clean(text)}`,
      );
    case "more_alerts_changed":
      return [
        `${time}  ${whose}: ${clean(event.alertname)}: ${event.count} more label sets ${STATE_TEXT[event.state]}`,
      ];
    case "alert_unowned":
      return [
        `${time}  ${clean(event.alert.rule.alert)} fires and belongs to no service: ${clean(`${renderSummary(event.alert)}; ${event.reason}`)}. Nothing is done; the label ${SERVICE_LABEL} says whose it is.`,
      ];
    case "cooling_down":
      return [
        `${time}  ${service}: ${clean(event.alert.rule.alert)} fires during the cooldown, which ends at ${clockTime(event.untilMs)}`,
      ];
    case "left_alone":
      return [
        `${time}  ${service}: ${clean(event.alert.rule.alert)} is left alone: ${clean(event.reason)}`,
      ];
    case "automation_ended":
      return [
        `${time}  ${service}: the action made things worse, so every further one waits for a person; sentinel resume ${service} ends that.`,
      ];
    case "journal_down":
      return [
        `${time}  ${sentence(clean(event.reason))} Nothing is done until the journal can be written.`,
      ];
    case "journal_back":
      return [`${time}  The journal can be written again.`];
    case "signal_lost":
      return [
        `${time}  ${service}: ${clean(event.alertname)} cannot be judged: ${clean(event.reason)}`,
      ];
    case "signal_back":
      return [`${time}  ${service}: ${clean(event.alertname)} can be judged again`];
    case "quiet":
      return [`${time}  ${service}: ${clean(renderQuiet(event.alerts))}`];
    default:
      return renderIncidentEvent(event);
  }
}

type OfIncident = Extract<SentinelEvent, { readonly incident: string }>;

function renderIncidentEvent(event: OfIncident): string[] {
  const { service } = event;
  switch (event.type) {
    case "incident_opened":
      return [
        "",
        heading(`Incident ${event.incident} on ${service}`),
        ...field("Fired", `${describeAlert(event.alert)}`),
        ...field("Since", since(event.onsetMs, event.atMs)),
      ];
    case "alerts_joined":
      return field("Also", describeJoined(event.alerts, event.count));
    case "evidence_collected":
      return [
        ...field("State", renderContainer(event.container)),
        ...renderLife(event),
        ...field("Health", event.health?.message ?? "it has no health check"),
        ...field(
          "Evidence",
          `${count(event.logLines, "log line")}, ${count(event.historyPoints, "earlier value")}`,
        ),
      ];
    case "diagnosis_failed":
      return field("No answer", `${event.diagnoser}: ${event.message}`);
    case "diagnosed": {
      const { rootCause, severity, confidence, faultClass, evidence } = event.diagnosis;
      return [
        ...field("Diagnosed", `by ${event.diagnoser} in ${seconds(event.durationMs)}`),
        ...field("Root cause", rootCause),
        ...evidence.slice(0, 5).flatMap((fact) => field("", `- ${fact}`)),
        ...field("Severity", `${severity} (${faultClass}${sureness(confidence)})`),
        ...field("Proposes", renderProposal(event.diagnosis)),
      ];
    }
    case "decided":
      return field("Decision", renderDecision(event.decision, event.argv));
    case "action_started":
      return [...field("Action", event.action), ...field("Command", event.argv.join(" "))];
    case "action_finished":
      return renderOutcome(event.outcome);
    case "approval_requested":
      return field(
        "Waits",
        `for a person until ${clockTime(event.expiresAtMs)}: sentinel approve ${event.request}, or sentinel deny ${event.request}`,
      );
    case "approval_answered":
      return field("Answer", `${event.request} ${ANSWER_TEXT[event.answer]}`);
    case "alert_flapped":
      return [`${clockTime(event.atMs)}  ${service}: ${clean(renderFlaps(event))}`];
    case "incident_resumed":
      return [
        "",
        heading(`Incident ${event.incident} on ${service} is taken up again`),
        ...field("Was", event.phase),
      ];
    case "verification_started":
      return field("Verifying", `the verdict is due in ${seconds(event.verdictInMs)}`);
    case "incident_closed":
      return [...renderClosing(event.closing), "─".repeat(RULE_WIDTH), ""];
  }
}

/** The report of an observer, event by event: of several incidents at once, each line says whose it is. */
export function reportEvent(event: ToldEvent): string[] {
  if (event.type === "alert_flapped")
    return event.isOver || isToldFlap(event.times) ? renderEvent(event) : [];
  // Each change of an alert that flaps is counted, and the count is shown less and less often.
  if (event.isFlapping) return [];
  if (!("incident" in event)) return renderEvent(event);
  const whose = event.othersOpen > 0 ? `${event.service} ` : "";
  const why = event.type === "incident_closed" ? whyNothingRan(event.closing, event.record) : [];
  return [...why, ...renderEvent(event)].map((line) => (line === "" ? line : whose + line));
}

/** The reason of the decision, or of a person's answer, is not repeated. */
function whyNothingRan({ reason }: Closing, record: IncidentRecord | undefined): string[] {
  if (reason === undefined || reason === record?.saidReason) return [];
  return field("Ended", `nothing was run: ${REASON_TEXT[reason]}`);
}

function renderChange(alert: Alert, from: Alert["state"]): string[] {
  const { rule, state } = alert;
  if (state === "firing") return [`${rule.alert} is firing: ${renderSummary(alert)}`];
  if (state === "pending") return [`${rule.alert} is pending: ${renderSummary(alert)}`];
  const why = alert.noDataReason ?? "";
  if (alert.isRejected)
    return [`${rule.alert} is not watched, since its expression is refused: ${why}`];
  // A signal at rest that loses its data is shown among the quiet ones; the log has every change.
  if (state === "no_data" && from === "inactive") return [];
  if (state === "no_data") return [`${rule.alert} was ${from} and has no data: ${why}`];
  if (from === "no_data") return [];
  return [`${rule.alert} has ${from === "firing" ? "resolved" : "gone quiet"}`];
}

const STATE_TEXT = {
  inactive: "have resolved",
  pending: "are pending",
  firing: "are firing",
  no_data: "have no data",
} as const satisfies Record<AlertState, string>;

function describeJoined(alerts: readonly Alert[], joined: number): string {
  const [first] = alerts;
  const which = first === undefined ? "" : `, such as ${renderSummary(first)}`;
  return `${count(joined, "label set")} of the same rule${which}`;
}

/** What fired and by how much. */
function describeAlert(alert: Alert): string {
  const { rule, value } = alert;
  const threshold = rule.signal?.threshold;
  const ratio =
    value !== undefined && threshold !== undefined && threshold > 0
      ? `, ${significant(value / threshold)} times the threshold of ${threshold}`
      : "";
  return `${rule.alert} (${rule.severity}): ${renderSummary(alert)}${ratio}`;
}

function since(onsetMs: number | undefined, atMs: number): string {
  if (onsetMs === undefined) return "not known";
  return `about ${clockTime(onsetMs)}, ${seconds(atMs - onsetMs)} before it was found`;
}

function renderContainer(container: Observation<ContainerState>): string {
  if (container.kind !== "found") return container.reason;
  const { status, health, exitCode, oomKilled, restartCount, startedAtMs } = container.value;
  const started = isoTime(startedAtMs) ?? "never";
  const killed = oomKilled ? ", killed for lack of memory" : "";
  const exited = status === "running" ? "" : `, exit code ${exitCode}`;
  return `${status}, health ${health}${exited}${killed}, ${restartCount} restarts, started ${started}`;
}

/** A confidence of 0 stands for a model that gives none. */
function sureness(confidence: number): string {
  return confidence === 0 ? "" : `, ${Math.round(confidence * 100)} % sure`;
}

function renderProposal({ action, refusedAction }: Diagnosis): string {
  return refusedAction === undefined
    ? action
    : `${action}: it asked for "${refusedAction}", which is not on the list of actions`;
}

function renderDecision(decision: Decision, argv: readonly string[] | undefined): string {
  const why = REASON_TEXT[decision.reason];
  if (decision.kind === "act") return `act: ${why}`;
  const command = argv ? ` It would run: ${argv.join(" ")}` : "";
  if (decision.kind === "ask") return `left to a person: ${why}.${command}`;
  return `nothing is run: ${why}.${command}`;
}

function renderOutcome({ kind, exitCode, durationMs, output }: Outcome): string[] {
  const exit = exitCode === undefined ? "" : `, exit code ${exitCode}`;
  const words = { timed_out: "ran out of time", not_started: "could not be started" };
  const what = kind === "timed_out" || kind === "not_started" ? words[kind] : kind;
  const lines = field("Result", `${what}${exit}, in ${seconds(durationMs)}`);
  if (kind === "succeeded") return lines;
  const said = maskCredentials(output.trim().split("\n"))
    .slice(-5)
    .filter((line) => line !== "");
  return [...lines, ...said.flatMap((line) => field("", line))];
}

const ANSWER_TEXT = {
  approved: "was approved",
  denied: "was denied: nothing is run",
  expired: "was not answered in time: nothing is run",
  withdrawn: "is not needed any more: the alert has resolved",
} satisfies Record<ApprovalAnswer, string>;

const LEFT_TO_A_PERSON =
  "left to a person: Sentinel runs nothing more until the alert has resolved";

function renderClosing(closing: Closing): string[] {
  const { result, verdict, detectedAfterMs, actedAfterMs, healedAfterMs } = closing;
  if (result === "cancelled")
    return field("Ended", "cancelled: Sentinel was told to stop before there was a verdict");
  const words = { healed: "HEALED", not_healed: "NOT HEALED", unknown: "UNKNOWN" } as const;
  const times = [
    detectedAfterMs === undefined ? "" : `found after ${seconds(detectedAfterMs)}`,
    actedAfterMs === undefined ? "" : `acted after ${seconds(actedAfterMs)}`,
    healedAfterMs === undefined ? "" : `proven healed after ${seconds(healedAfterMs)}`,
  ].filter((part) => part !== "");
  return [
    ...(verdict ? field("Verdict", `${words[verdict.kind]}: ${verdict.reason}`) : []),
    ...(times.length > 0 ? field("Timing", times.join(", ")) : []),
    ...(verdict && verdict.kind !== "healed" ? field("Next", LEFT_TO_A_PERSON) : []),
  ];
}

function renderQuiet(alerts: readonly Alert[]): string {
  // Silence without data shows nothing about health.
  const { judged, unjudged } = coverageOf(alerts);
  const names = unjudged.map(({ alertname }) => alertname).join(", ");
  if (judged.length === 0) return `nothing is known: no data for ${names}`;
  const rest = unjudged.length === 0 ? "" : `; ${unjudged.length} not judged (${names})`;
  return `all quiet: ${judged.map(reading).join(", ")}${rest}`;
}

/** One signal in the line that says that all is quiet. */
function reading({ rule, state, value }: Alert): string {
  if (state === "no_data") return `${rule.alert} idle`;
  // `up == 0` is a yes or no: its value says nothing that its silence does not.
  const isMeasured = value !== undefined && rule.signal?.operator !== "==";
  return isMeasured ? `${rule.alert} ${compact(value)}` : `${rule.alert} no`;
}

/** A number of bytes in the units that one reads bytes in. */
function compact(value: number): string {
  return value >= 1024 ** 2 ? `${humanize1024(value)}B` : significant(value);
}

/** The text with a capital and a full stop. */
function sentence(text: string): string {
  const capital = text.charAt(0).toUpperCase() + text.slice(1);
  return capital.endsWith(".") ? capital : `${capital}.`;
}

function count(many: number, noun: string): string {
  return `${many} ${noun}${many === 1 ? "" : "s"}`;
}

function heading(text: string): string {
  const title = `── ${clean(text)} `;
  return title + "─".repeat(Math.max(RULE_WIDTH - title.length, 2));
}
