/** Events as log lines for a machine, in the order in which they happen. */

import { isoTime } from "../text/time.ts";
import { maskFields } from "../text/redact.ts";
import type { Circumstances, SentinelEvent } from "../core/events.ts";
import type { Alert, Closing } from "../core/model.ts";
import { renderSummary } from "../rules/alert-summary.ts";

interface EventLine {
  readonly level: "info" | "warning" | "error";
  /** The event's type. */
  readonly event: SentinelEvent["type"];
  readonly fields: Readonly<Record<string, unknown>>;
}

/**
 * One event as one line, credentials masked. An alert is told by what identifies it, not with its
 * whole rule, and what only its readers need is left out.
 */
export function toEventLine(told: SentinelEvent & Partial<Circumstances>): EventLine {
  const { record: _, othersOpen: __, isFlapping: ___, ...event } = told;
  const { type, atMs: ____, ...fields } = event;
  const alerts = {
    ...("alert" in event ? { alert: alertFields(event.alert) } : {}),
    ...("alerts" in event ? { alerts: event.alerts.map(alertFields) } : {}),
  };
  return { level: levelOf(event), event: type, fields: maskFields({ ...fields, ...alerts }) };
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

function levelOf(event: SentinelEvent): EventLine["level"] {
  switch (event.type) {
    case "source_down":
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
function closingLevel({ result, verdict }: Closing): EventLine["level"] {
  if (verdict !== undefined) return verdict.kind === "healed" ? "info" : "error";
  return result === "held" ? "warning" : "info";
}
