/** Events as the journal keeps them, and as log lines for a machine. */

import { isoTime } from "../text/time.ts";
import { maskFields } from "../text/redact.ts";
import { snakeFields } from "../text/snake-json.ts";
import type { Circumstances, SentinelEvent } from "../core/events.ts";
import type { Alert, Closing } from "../core/model.ts";
import { renderSummary } from "../rules/alert-summary.ts";

interface LogLine {
  readonly level: "info" | "warning" | "error";
  /** The event's type. */
  readonly event: SentinelEvent["type"];
  readonly fields: Readonly<Record<string, unknown>>;
}

/** One event as one line of the log, in the form of docs/json.md. */
export function toLogLine(told: SentinelEvent & Partial<Circumstances>): LogLine {
  return { level: levelOf(told), event: told.type, fields: snakeFields(eventFields(told)) };
}

/**
 * What an event says, as the journal keeps it: credentials masked, an alert by what identifies it and
 * not with its whole rule, and without what only the event's readers need.
 */
export function eventFields(
  told: SentinelEvent & Partial<Circumstances>,
): Readonly<Record<string, unknown>> {
  const { record: _, othersOpen: __, isFlapping: ___, ...event } = told;
  const { type: ____, atMs: _____, ...fields } = event;
  const alerts = {
    ...("alert" in event ? { alert: alertFields(event.alert) } : {}),
    ...("alerts" in event ? { alerts: event.alerts.map(alertFields) } : {}),
  };
  return maskFields({ ...fields, ...alerts });
}

function alertFields(alert: Alert) {
  const { rule, labels, state, value, activeAtMs, firingAtMs, noDataReason } = alert;
  const isTold = state === "pending" || state === "firing";
  return {
    name: rule.alert,
    state,
    severity: rule.severity,
    value,
    threshold: rule.signal?.threshold,
    labels,
    ...(isTold ? { summary: renderSummary(alert) } : {}),
    active_at: isoTime(activeAtMs),
    firing_at: isoTime(firingAtMs),
    no_data_reason: noDataReason,
  };
}

function levelOf(event: SentinelEvent): LogLine["level"] {
  switch (event.type) {
    case "source_down":
    case "signal_lost":
    case "journal_down":
    case "automation_ended":
    case "approval_requested":
    case "incident_opened":
    case "diagnosis_failed":
    case "cooling_down":
      return "warning";
    case "alert_changed":
      return event.alert.state === "firing" ? "warning" : "info";
    case "action_finished":
      return event.outcome.kind === "succeeded" ? "info" : "error";
    case "incident_closed":
      return closingLevel(event.closing);
    default:
      return "info";
  }
}

/** What waits for a person, or was not proven, must not be lost among the rest. */
function closingLevel({ result, verdict }: Closing): LogLine["level"] {
  if (verdict !== undefined) return verdict.kind === "healed" ? "info" : "error";
  return result === "held" ? "warning" : "info";
}
