/** One incident as Markdown, to read in a terminal or to send to somebody. Pure. */

import { isoTime, span } from "../text/time.ts";
import { REASON_TEXT } from "../decision/decision.ts";
import { standing } from "./incident-table.ts";
import { markdownCode, markdownText } from "../text/markdown.ts";
import { describeDeath } from "../diagnosis/playbook/consult.ts";
import type { JournalEntry } from "../core/ports.ts";
import type { IncidentRecord } from "../core/incident-record.ts";
import { readEvent, type Recorded, type RecordedEvent } from "../core/journal-entry.ts";

const MAX_LENGTH = 600;
const OUTPUT_LINES = 5;
/** Lines shown of what was written before a death; the last mostly say why. */
const DEATH_LINES = 8;
/**
 * @param entries of the whole journal, in order
 * @returns lines
 */
export function renderIncidentPage(
  record: IncidentRecord,
  entries: readonly JournalEntry[],
): string[] {
  const { alert, openedAtMs, onsetMs } = record;
  const summary = alert.summary === undefined ? "" : `: ${text(alert.summary)}`;
  return [
    `# Incident ${text(record.id)}`,
    "",
    `- Service: ${text(record.service)}`,
    `- Alert: ${text(alert.name)} (${alert.severity})${summary}`,
    `- Found: ${utc(openedAtMs)}${onsetMs === undefined ? "" : `, ${span(openedAtMs - onsetMs)} after it began`}`,
    `- State: ${stateOf(record)}`,
    ...(record.flaps > 0 ? [`- Flaps: it has come back ${times(record.flaps)} since`] : []),
    ...diagnosisOf(record),
    "",
    "## Timeline",
    "",
    "| UTC | after | what |",
    "| --- | ---: | --- |",
    ...entries
      .filter((entry) => belongsTo(record, entry))
      .map(
        (entry) =>
          `| ${utc(entry.atMs).slice(11, 19)} | ${span(entry.atMs - openedAtMs)} | ${describe(entry)} |`,
      ),
  ];
}

function times(count: number): string {
  return count === 1 ? "once" : `${count} times`;
}

function stateOf(record: IncidentRecord): string {
  const { closing, closedAtMs, openedAtMs } = record;
  const state = standing(record);
  if (closing === undefined || closedAtMs === undefined) return `open, ${state}`;
  const why = closing.verdict?.reason ?? (closing.reason && reasonText(closing.reason));
  return `${state}${why === undefined ? "" : `: ${text(why)}`}, after ${span(closedAtMs - openedAtMs)}`;
}

function diagnosisOf({ diagnosis }: IncidentRecord): string[] {
  if (diagnosis === undefined) return [];
  const { diagnoser, rootCause, confidence, evidence = [] } = diagnosis;
  return [
    "",
    "## Diagnosis",
    "",
    // 0 stands for a model that gives no confidence.
    `${text(rootCause)} (${text(diagnoser)}${confidence === 0 ? "" : `, ${percent(confidence)} sure`})`,
    ...(evidence.length > 0 ? ["", ...evidence.map((fact) => `- ${text(fact)}`)] : []),
  ];
}

function proposal({ action, refusedAction }: Recorded<"diagnosed">["diagnosis"]): string {
  const asked = refusedAction === undefined ? "" : `; it asked for "${text(refusedAction)}"`;
  return `${text(action)}${asked}`;
}

/** A person may answer a request without knowing of which incident it is. */
function belongsTo({ id, service, request }: IncidentRecord, entry: JournalEntry): boolean {
  if (entry.service !== service) return false;
  if (entry.type === "approval_given") return entry.fields["request"] === request?.id;
  return entry.incident === id;
}

function describe(entry: JournalEntry): string {
  const read = readEvent(entry);
  return read === undefined ? text(entry.type.replaceAll("_", " ")) : describeEvent(read);
}

function describeEvent(read: RecordedEvent): string {
  switch (read.type) {
    case "incident_opened":
      return `${text(read.alert.name)} fires${read.alert.summary === undefined ? "" : `: ${text(read.alert.summary)}`}`;
    case "alerts_joined":
      return `${read.count} more label sets of the same rule fire`;
    case "evidence_collected": {
      const { container } = read;
      const state = container.kind === "found" ? container.value.status : container.reason;
      const { deaths = [], restartLoop } = read;
      const health =
        read.health === undefined
          ? "no health check"
          : `health ${read.health.ok ? "answers" : "fails"}`;
      const loop = restartLoop ? `, restarted ${restartLoop.restarts} times by its engine` : "";
      const ends = deaths.map(
        (death) =>
          `; died at ${utc(death.atMs).slice(11, 19)} with ${describeDeath({ ranMs: undefined, ...death })}${death.lines.length > 0 ? `: ${text(death.lines.slice(-DEATH_LINES).join(" / "))}` : ""}`,
      );
      return `evidence: container ${text(state)}, ${health}${loop}${ends.join("")}`;
    }
    case "diagnosis_failed":
      return `no answer from ${text(read.diagnoser)} in ${span(read.durationMs)}: ${text(read.message)}`;
    case "diagnosed": {
      const tokens = read.tokens === undefined ? "" : `, ${read.tokens} tokens`;
      return `diagnosed by ${text(read.diagnoser)} in ${span(read.durationMs)}${tokens}; proposes ${proposal(read.diagnosis)}`;
    }
    case "decided": {
      const { kind, action, reason } = read.decision;
      return `decision: ${kind}${action === undefined ? "" : ` ${text(action)}`} (${text(reasonText(reason))})`;
    }
    case "approval_requested":
      return `asks for ${text(read.action)} as ${text(read.request)}, until ${utc(read.expiresAtMs).slice(11, 19)}: ${code(read.argv)}`;
    case "approval_given":
      return `${read.answer} by ${text(read.by)}`;
    case "approval_answered":
      return `the request is ${read.answer}`;
    case "action_started":
      return `runs ${text(read.action)}: ${code(read.argv)}`;
    case "action_finished": {
      const { kind, exitCode, durationMs, output } = read.outcome;
      const exit = exitCode === undefined ? "" : `, exit ${exitCode}`;
      const said = output.trim().split("\n").slice(-OUTPUT_LINES).join("\n");
      const quoted = kind === "succeeded" || said === "" ? "" : `: ${text(said)}`;
      return `the command ${kind.replace("_", " ")}${exit}, in ${span(durationMs)}${quoted}`;
    }
    case "verification_started":
      return `the verdict is due in ${span(read.verdictInMs)}`;
    case "alert_flapped":
      return `the alert has come back ${times(read.times)} since the end${read.isOver ? ", and is quiet now" : ""}`;
    case "incident_resumed":
      return `taken up again after a restart, while ${text(read.phase)}`;
    case "incident_closed": {
      const { result, verdict, reason } = read.closing;
      const why = verdict ? `: ${verdict.kind.replace("_", " ")}, ${text(verdict.reason)}` : "";
      return `ends, ${result}${why}${reason === undefined ? "" : ` (${text(reasonText(reason))})`}`;
    }
    case "alert_changed":
    case "automation_ended":
    case "paused":
    case "resumed":
      return read.type.replaceAll("_", " ");
  }
}

/** A newer Sentinel may have reasons of its own. */
function reasonText(reason: string): string {
  return Object.entries(REASON_TEXT).find(([known]) => known === reason)?.[1] ?? reason;
}

function text(words: string): string {
  return markdownText(words, MAX_LENGTH);
}

function code(argv: readonly string[]): string {
  return markdownCode(argv.join(" "), MAX_LENGTH);
}

function utc(atMs: number): string {
  return isoTime(atMs)?.replace("T", " ").slice(0, 19) ?? "at no time there is";
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
