/** The fields of the journal's entries, read strictly. */

import { z } from "zod";
import { readFaultClass } from "./fault-class.ts";
import {
  APPROVAL_ANSWERS,
  type Closing,
  ORCHESTRATORS,
  type Outcome,
  SEVERITIES,
  VERDICTS,
} from "./model.ts";
import type { JournalEntry } from "./ports.ts";

// What gates a step is a closed list, and a missing entry does not compile; what is only shown is text,
// so that an entry of a newer Sentinel with a reason of its own is not lost to this one.
const CLOSING_RESULTS = {
  acted: "acted",
  held: "held",
  skipped: "skipped",
  cancelled: "cancelled",
} as const satisfies { readonly [Result in Closing["result"]]: Result };
const OUTCOME_KINDS = {
  succeeded: "succeeded",
  failed: "failed",
  timed_out: "timed_out",
  cancelled: "cancelled",
  not_started: "not_started",
} as const satisfies { readonly [Kind in Outcome["kind"]]: Kind };

const time = z.number();
const duration = z.number();
const argv = z.array(z.string()).readonly();

const alert = z.object({
  name: z.string(),
  state: z.string().optional(),
  severity: z.enum(SEVERITIES),
  labels: z.record(z.string(), z.string()).readonly(),
  summary: z.string().optional(),
});

const diagnosis = z.object({
  rootCause: z.string(),
  severity: z.string().optional(),
  // Older journals have former names.
  faultClass: z
    .string()
    .transform((text) => readFaultClass(text) ?? "unknown")
    .optional(),
  confidence: z.number(),
  action: z.string(),
  refusedAction: z.string().optional(),
  evidence: z.array(z.string()).readonly().optional(),
});

const decision = z.object({
  kind: z.enum(["act", "ask", "skip"]),
  action: z.string().optional(),
  reason: z.string(),
});

const outcome = z.object({
  kind: z.enum(OUTCOME_KINDS),
  argv: argv.optional(),
  exitCode: z.number().optional(),
  output: z.string(),
  durationMs: duration,
});

/** How older journals say that a container does not exist; any other text was a failure to ask. */
const ABSENT_BEFORE = "Docker has no container of that name";

/** What an action is compared with: is it still the container that was diagnosed? */
const container = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("found"),
    value: z.object({
      status: z.string(),
      health: z.string(),
      exitCode: z.number(),
      oomKilled: z.boolean(),
      restartCount: z.number(),
      startedAtMs: time.optional(),
      finishedAtMs: time.optional(),
      wasStopped: z.boolean().optional(),
      startPeriodMs: z.number(),
      orchestrator: z.enum(ORCHESTRATORS).optional(),
      checks: z.array(z.object({ exitCode: z.number(), output: z.string() })).optional(),
      containerId: z.string(),
      image: z.string(),
    }),
  }),
  z.object({ kind: z.literal("absent"), reason: z.string() }),
  z.object({ kind: z.literal("unreadable"), reason: z.string() }),
  // Older journals have one kind for both, and the sentence shows which of them it was.
  z.object({ kind: z.literal("missing"), reason: z.string() }).transform(({ reason }) => ({
    kind: reason === ABSENT_BEFORE ? ("absent" as const) : ("unreadable" as const),
    reason,
  })),
]);

/** What is shown of an unwanted end. */
const death = z.object({
  atMs: time,
  exitCode: z.number(),
  oomKilled: z.boolean(),
  ranMs: duration.optional(),
  lines: z.array(z.string()).readonly(),
});

const closing = z.object({
  result: z.enum(CLOSING_RESULTS),
  reason: z.string().optional(),
  verdict: z.object({ kind: z.enum(VERDICTS), reason: z.string() }).optional(),
  madeWorse: z.literal(true).optional(),
  detectedAfterMs: duration.optional(),
  actedAfterMs: duration.optional(),
  healedAfterMs: duration.optional(),
});

const event = z.discriminatedUnion("type", [
  z.object({ type: z.literal("incident_opened"), alert, onsetMs: time.optional() }),
  z.object({ type: z.literal("alerts_joined"), alerts: z.array(alert), count: z.number() }),
  z.object({
    type: z.literal("evidence_collected"),
    container,
    restartLoop: z.object({ restarts: z.number(), isGivenUp: z.boolean() }).optional(),
    deaths: z.array(death).optional(),
    health: z.object({ ok: z.boolean() }).optional(),
  }),
  z.object({
    type: z.literal("diagnosis_failed"),
    diagnoser: z.string(),
    reason: z.string(),
    message: z.string(),
    durationMs: duration,
  }),
  z.object({
    type: z.literal("diagnosed"),
    diagnoser: z.string(),
    diagnosis,
    durationMs: duration,
    tokens: z.number().optional(),
  }),
  z.object({ type: z.literal("decided"), decision, argv: argv.optional() }),
  z.object({
    type: z.literal("approval_requested"),
    request: z.string(),
    action: z.string(),
    argv,
    expiresAtMs: time,
  }),
  z.object({
    type: z.literal("approval_answered"),
    request: z.string(),
    answer: z.enum(APPROVAL_ANSWERS),
  }),
  z.object({ type: z.literal("action_started"), action: z.string(), argv }),
  z.object({ type: z.literal("action_finished"), outcome }),
  z.object({ type: z.literal("verification_started"), verdictInMs: duration }),
  z.object({ type: z.literal("incident_resumed"), phase: z.string() }),
  z.object({ type: z.literal("incident_closed"), closing }),
  z.object({
    type: z.literal("alert_flapped"),
    alert,
    times: z.number(),
    isOver: z.literal(true).optional(),
  }),
  // It is outside of incidents, so that it is not forgotten with one.
  z.object({ type: z.literal("automation_ended") }),
  z.object({ type: z.literal("alert_changed"), alert, from: z.string() }),
  // What people say, through a process of their own. `by` is who, as far as that is known.
  z.object({ type: z.literal("paused"), until_ms: time.optional(), by: z.string() }),
  z.object({ type: z.literal("resumed"), by: z.string() }),
  z.object({
    type: z.literal("approval_given"),
    request: z.string(),
    answer: z.enum(["approved", "denied"]),
    by: z.string(),
  }),
]);

/** An entry of which every field is known to be what it should be. */
export type RecordedEvent = z.infer<typeof event>;

/** `undefined` for a type that is not known here, or that lacks what it needs. */
export function readEvent(entry: JournalEntry): RecordedEvent | undefined {
  return event.safeParse({ ...entry.fields, type: entry.type }).data;
}

/** The fields of one type of event, without the type. */
export type Recorded<Type extends RecordedEvent["type"]> = Omit<
  Extract<RecordedEvent, { type: Type }>,
  "type"
>;
