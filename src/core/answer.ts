/** Reads what a model wrote: one JSON object, checked against a schema and the allowlist. */

import { z } from "zod";
import {
  ACTION_IDS,
  type ActionId,
  type Allowlist,
  matchAction,
  offeredActions,
} from "../allowlist.ts";
import { DiagnosisError } from "./errors.ts";
import { type Diagnosis, FAULT_CLASSES, SEVERITIES, type Severity } from "./model.ts";

/** Longest answer that is looked at, in UTF-16 units. A diagnosis takes about 1,000. */
export const MAX_ANSWER_LENGTH = 64 * 1024;

const MAX_ROOT_CAUSE_LENGTH = 2000;
const MAX_EVIDENCE_ITEMS = 10;
const MAX_EVIDENCE_LENGTH = 500;
const MAX_QUOTE_LENGTH = 100;

/** Brace positions tried before an answer counts as unreadable; keeps the search linear. */
const MAX_OBJECT_STARTS = 64;

const askedAnswer = z.strictObject({
  root_cause: z.string().describe("The most likely cause, in one to three sentences."),
  severity: z.enum(SEVERITIES),
  fault_class: z.enum(FAULT_CLASSES),
  confidence: z.number().min(0).max(1).describe("0 to 1: how sure you are of the root cause."),
  action: z
    .enum([...ACTION_IDS, "none"])
    .describe("The id of the one action to take, or none if no action offered can cure it."),
  evidence: z.array(z.string()).describe("What in the evidence supports it, one fact each."),
});

/**
 * The JSON schema that a model is asked to follow, in the subset that Gemini and OpenAI's strict
 * mode share: every property required, no further ones.
 *
 * @param allowlist its ids are the values offered for `action`, beside `none`
 */
export function answerSchema(allowlist: Allowlist): Record<string, unknown> {
  const offered = offeredActions(allowlist).map(({ id }) => id);
  const { $schema: _, ...schema } = z.toJSONSchema(
    askedAnswer.extend({
      action: z.enum([...offered, "none"]).describe(askedAnswer.shape.action.description ?? ""),
    }),
  );
  return schema;
}

const anySeverity = z
  .string()
  .transform((text) => text.trim().toLowerCase())
  .pipe(z.enum(SEVERITIES));

const rootCause = z
  .string()
  .transform((text) => printable(oneLine(text), MAX_ROOT_CAUSE_LENGTH))
  .pipe(z.string().min(1));

/**
 * What is accepted is wider than what is asked for: a model without structured output may leave
 * out or misspell what gates nothing (`fault_class`, `evidence`). A confidence outside 0 to 1 is
 * refused, not clamped: nobody knows whether 90 meant 0.9, and the next diagnoser can be asked.
 */
const currentAnswer = z.object({
  root_cause: rootCause,
  severity: anySeverity,
  fault_class: z
    .string()
    .transform((text) => text.trim().toLowerCase())
    .pipe(z.enum(FAULT_CLASSES))
    .catch("unknown"),
  confidence: z.number().min(0).max(1),
  action: z.string(),
  evidence: z
    .array(z.string())
    .default([])
    .transform((items) =>
      items
        .slice(0, MAX_EVIDENCE_ITEMS)
        .map((item) => printable(oneLine(item), MAX_EVIDENCE_LENGTH)),
    ),
});

const olderAnswer = z.object({
  root_cause: rootCause,
  severity: anySeverity,
  remediation_step: z.string(),
});

/**
 * Reads a model's answer, in today's shape or the older one (`root_cause`, `severity`,
 * `remediation_step`). Prose or a code fence around exactly one JSON object is tolerated.
 * The older shape states no confidence and no fault class: they are read as 0 and `unknown`.
 *
 * @throws DiagnosisError `empty_answer`, `malformed_answer`, `answer_too_large`, or
 *   `action_not_allowed` if what it wants to run is not, byte for byte, in the allowlist
 */
export function readAnswer(text: string, allowlist: Allowlist): Diagnosis {
  if (text.length > MAX_ANSWER_LENGTH)
    throw new DiagnosisError(
      "answer_too_large",
      `the answer is ${text.length} characters long; at most ${MAX_ANSWER_LENGTH} are read`,
    );
  if (text.trim() === "") throw new DiagnosisError("empty_answer", "the answer is empty");

  const answer = oneObject(withoutThoughts(text));
  const [current, older] = ["action" in answer, "remediation_step" in answer];
  if (current && older) throw malformed("it names both an action and a remediation_step");
  return older ? readOlder(answer, allowlist) : readCurrent(answer, allowlist);
}

function readCurrent(answer: object, allowlist: Allowlist): Diagnosis {
  const read = parse(currentAnswer, answer);
  return {
    rootCause: read.root_cause,
    severity: read.severity,
    faultClass: read.fault_class,
    confidence: read.confidence,
    action: allowedAction(read.action, allowlist),
    evidence: read.evidence,
  };
}

function readOlder(answer: object, allowlist: Allowlist): Diagnosis {
  const read = parse(olderAnswer, answer);
  const severity: Severity = read.severity;
  return {
    rootCause: read.root_cause,
    severity,
    faultClass: "unknown",
    confidence: 0,
    action: allowedAction(read.remediation_step, allowlist),
    evidence: [],
  };
}

function allowedAction(text: string, allowlist: Allowlist): ActionId | "none" {
  if (text === "none") return "none";
  const action = matchAction(allowlist, text);
  if (action === undefined)
    throw new DiagnosisError(
      "action_not_allowed",
      `it asked for "${printable(text, MAX_QUOTE_LENGTH)}", which is not in the allowlist`,
    );
  return action.id;
}

function parse<T>(schema: z.ZodType<T>, answer: object): T {
  const result = schema.safeParse(answer);
  if (result.success) return result.data;
  // Zod's messages name fields and expected types, never the values that were found.
  const issue = result.error.issues[0];
  throw malformed(`${issue?.path.join(".") || "answer"}: ${issue?.message ?? "wrong shape"}`);
}

function malformed(why: string): DiagnosisError {
  return new DiagnosisError("malformed_answer", `the answer can't be read: ${printable(why, 200)}`);
}

/** A model breaks its sentences into lines as it likes; a report does not. */
function oneLine(text: string): string {
  return text.trim().replace(/\s+/g, " ");
}

/** Local reasoning models put their thoughts, with drafts of the answer, in front of it. */
function withoutThoughts(text: string): string {
  const opened = /^\s*<think>/.exec(text);
  const end = opened ? text.indexOf("</think>") : -1;
  return end < 0 ? text : text.slice(end + "</think>".length);
}

/** The one JSON object in a text. The same object twice is one; two different ones are none. */
function oneObject(text: string): object {
  const found = new Map<string, object>();
  let start = text.indexOf("{");
  for (let tries = 0; start >= 0; tries++) {
    if (tries >= MAX_OBJECT_STARTS) throw malformed("it holds too many braces");
    const end = objectEnd(text, start);
    const object = end === undefined ? undefined : parseObject(text.slice(start, end));
    if (end !== undefined && object !== undefined) {
      found.set(JSON.stringify(object), object);
      start = text.indexOf("{", end);
      continue;
    }
    // A brace in prose is passed over. A brace and a quote began an object that then broke off:
    // what stands inside it must not be taken for the answer.
    if (/^\{\s*"/.test(text.slice(start, start + 100)))
      throw malformed("its JSON is broken or cut");
    start = text.indexOf("{", start + 1);
  }
  const [object, ...others] = found.values();
  if (object === undefined) throw malformed("it holds no JSON object");
  if (others.length > 0) throw malformed("it holds more than one JSON object");
  return object;
}

/** Where the object that begins at `start` ends, by its braces; `undefined` if it does not. */
function objectEnd(text: string, start: number): number | undefined {
  let depth = 0;
  let inString = false;
  for (let at = start; at < text.length; at++) {
    const char = text[at];
    if (inString) {
      if (char === "\\") at++;
      else if (char === '"') inString = false;
    } else if (char === '"') inString = true;
    else if (char === "{") depth++;
    else if (char === "}" && --depth === 0) return at + 1;
  }
  return undefined;
}

function parseObject(json: string): object | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    // Not JSON is an expected outcome of looking for it in prose.
    return undefined;
  }
}

/**
 * A stranger's text as one bounded line: control, format and line-separating characters and lone
 * surrogates become visible escapes, so that it can't move a terminal's cursor, end a line or
 * reverse what is read.
 *
 * @param maxLength in UTF-16 units, the cut mark `…` included
 */
export function printable(text: string, maxLength: number): string {
  const line = text
    .slice(0, maxLength + 1)
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, (char) => ESCAPES[char] ?? codePoint(char));
  if (line.length <= maxLength) return line;
  // Not through the middle of a surrogate pair.
  return `${line.slice(0, maxLength - 1).replace(/[\uD800-\uDBFF]$/, "")}…`;
}

const ESCAPES: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": " " };

function codePoint(char: string): string {
  return `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`;
}
