/** STAND-IN until the journal is merged. */
import { z } from "zod";
import { ACTION_IDS, type ActionId } from "../allowlist.ts";
import type { ContainerState, Finding, Outcome } from "./model.ts";
import type { JournalEntry } from "./ports.ts";

export interface IncidentRecord {
  readonly id: string;
  readonly service: string;
  readonly alert: { readonly name: string };
  readonly openedAtMs: number;
  readonly onsetMs: number | undefined;
  readonly phase: "investigating" | "waiting" | "acting" | "verifying" | "closed";
  readonly decision?: { readonly action: ActionId | undefined; readonly argv: readonly string[] };
  readonly request?: { readonly id: string; readonly expiresAtMs: number };
  readonly intentAtMs?: number;
  readonly outcome?: Outcome;
  readonly outcomeAtMs?: number;
  readonly container?: Finding<ContainerState>;
  readonly wasHealthy?: boolean;
}

export function foldIncidents(entries: readonly JournalEntry[]): readonly IncidentRecord[] {
  const records = new Map<string, IncidentRecord>();
  for (const { incident, service, atMs, type, fields } of entries) {
    if (incident === undefined) continue;
    const f: any = fields;
    const r = records.get(incident);
    if (type === "incident_opened")
      records.set(incident, {
        id: incident,
        service,
        alert: { name: f.alert.name },
        openedAtMs: atMs,
        onsetMs: f.onsetMs,
        phase: "investigating",
      });
    if (r === undefined) continue;
    const set = (c: Partial<IncidentRecord>) => records.set(incident, { ...r, ...c });
    if (type === "evidence_collected") set({ container: f.container, wasHealthy: f.health.ok });
    if (type === "decided") set({ decision: { action: f.decision.action, argv: f.argv ?? [] } });
    if (type === "approval_requested")
      set({ phase: "waiting", request: { id: f.request, expiresAtMs: f.expiresAtMs } });
    if (type === "approval_answered" && f.answer === "approved") set({ phase: "waiting" });
    if (type === "action_started") set({ phase: "acting", intentAtMs: atMs });
    if (type === "action_finished")
      set({
        phase: f.outcome.kind === "not_started" ? "investigating" : "verifying",
        outcome: f.outcome,
        outcomeAtMs: atMs,
      });
    if (type === "incident_closed") set({ phase: "closed" });
  }
  return [...records.values()];
}
void z;
void ACTION_IDS;
