/** Reads what a model wrote: one JSON object, checked against a schema and the allowlist. */

import { printable } from "../text/printable.ts";
import { z } from "zod";
import {
  ACTION_IDS,
  type ActionId,
  type Allowlist,
  matchAction,
  offeredActions,
} from "../allowlist.ts";
import { findObject } from "./answer-object.ts";
import { splitThoughts } from "./answer-thoughts.ts";
import { DiagnosisError } from "../core/errors.ts";
import { FAULT_CLASSES, type FaultClass, readFaultClass } from "../core/fault-class.ts";
import { type Diagnosis, SEVERITIES, type Severity } from "../core/model.ts";

/** Longest answer that is looked at, in UTF-16 units. A diagnosis takes about 1,000. */
export const MAX_ANSWER_LENGTH = 64 * 1024;

const MAX_ROOT_CAUSE_LENGTH = 2000;
const MAX_EVIDENCE_ITEMS = 10;
const MAX_EVIDENCE_LENGTH = 500;
const MAX_QUOTE_LENGTH = 100;

/** What is asked for is shorter than what is read: a grammar stops in the middle of a sentence. */
const ASKED_ROOT_CAUSE_LENGTH = 800;
const ASKED_EVIDENCE_ITEMS = 5;
const ASKED_EVIDENCE_LENGTH = 300;

// A grammar bounds an integer by its range and a text by its length; a `number` and a text without a
// length it does not bound: llama.cpp's wrote 751, and texts without an end.
const askedAnswer = z.strictObject({
  root_cause: z
    .string()
    .max(ASKED_ROOT_CAUSE_LENGTH)
    .describe("The most likely cause, in one to three sentences."),
  severity: z.enum(SEVERITIES),
  fault_class: z
    .enum(FAULT_CLASSES)
    .describe("What kind of fault it is; unknown if the evidence does not tell."),
  confidence: z
    .int()
    .min(0)
    .max(100)
    .describe("0 to 100, in percent: how sure you are of the root cause."),
  action: z
    .enum([...ACTION_IDS, "none"])
    .describe("The id of the one action to take, or none to leave it to a person."),
  evidence: z
    .array(z.string().max(ASKED_EVIDENCE_LENGTH))
    .max(ASKED_EVIDENCE_ITEMS)
    .describe("What in the evidence supports it, one fact each."),
});

/**
 * The JSON schema that a model is asked to follow: every property required, no further ones, and each
 * value bounded. OpenAI's strict mode and Gemini know no `maxLength`.
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

/** What came from a model, in whatever form its server has. */
export interface ModelAnswer {
  readonly text: string;
  /** What its server set apart as thoughts. */
  readonly thoughts?: string;
}

/** What an answer is held against. */
export interface Asked {
  readonly allowlist: Allowlist;
  /** Its severity stands in for one that nobody can read. */
  readonly evidence: { readonly severity: Severity };
}

/**
 * Reads a model's answer, in today's shape or the older one (`root_cause`, `severity`,
 * `remediation_step`), or a plain sentence that asks for a person.
 *
 * An answer counts by its root cause. What gates nothing is read as far as it can be, and never costs
 * the diagnosis. Where the answer names no action that is, byte for byte, in the allowlist, the action is
 * `none`, and what it named instead is kept to be shown: who asked for something else, or for a
 * person, was not asking for what the next diagnoser would choose.
 *
 * @throws DiagnosisError `empty_answer`, `malformed_answer` or `answer_too_large`
 */
export function readAnswer({ text, thoughts = "" }: ModelAnswer, asked: Asked): Diagnosis {
  if (text.length > MAX_ANSWER_LENGTH)
    throw new DiagnosisError(
      "answer_too_large",
      `the answer is ${text.length} characters long; at most ${MAX_ANSWER_LENGTH} are read`,
    );
  const split = splitThoughts(text);
  if (split.answer !== "") return readText(split.answer, asked);
  // A grammar may have put the answer among the thoughts: what they end in, and no draft within them.
  const inThoughts = findObject([thoughts, split.thoughts].join("\n").slice(-MAX_ANSWER_LENGTH));
  if (inThoughts.kind === "object" && inThoughts.endsText)
    return diagnosisOf(inThoughts.object, asked);
  if (text.trim() === "") throw new DiagnosisError("empty_answer", "the answer is empty");
  throw malformed("it holds nothing but thoughts");
}

function readText(text: string, asked: Asked): Diagnosis {
  const found = findObject(text);
  if (found.kind === "object") return diagnosisOf(found.object, asked);
  if (found.kind === "unreadable") throw malformed(found.why);
  if (!ASKS_FOR_A_PERSON.test(text)) throw malformed("it holds no JSON object");
  return diagnosisOf({ root_cause: text }, asked);
}

/**
 * Words of a sentence that wants a person to look, or nothing to be done. They err on that side: it is
 * better that a person looks in vain than that something is done over their head.
 */
const ASKS_FOR_A_PERSON =
  /\b(?:people|(?:person|human|operator|engineer|administrator|developer)s?|someone|somebody|manual(?:ly)?|on-?call|escalate[ds]?|(?:not|\w+n['’]t) (?:be )?restart(?:ed|ing)?|no (?:automat\w+ )?action)\b/i;

function diagnosisOf(answer: Readonly<Record<string, unknown>>, asked: Asked): Diagnosis {
  const rootCause = printable(oneLine(wordsOf(answer["root_cause"])), MAX_ROOT_CAUSE_LENGTH);
  if (rootCause === "") throw malformed("it names no root_cause");
  return {
    rootCause,
    severity: wordOf(answer["severity"], SEVERITIES) ?? asked.evidence.severity,
    faultClass: faultClassOf(answer["fault_class"]),
    confidence: confidenceOf(answer["confidence"]),
    ...chosenAction([answer["action"], answer["remediation_step"]], asked.allowlist),
    evidence: factsOf(answer["evidence"]),
  };
}

/** Ways to say that nothing is to be run. */
const NOTHING = /^\s*(?:none|null|nothing|no action|n\/a|-)?\s*\.?\s*$/i;

/**
 * The one permitted id that the answer names, in either of its fields; else `none`, and what it named.
 * Nothing is read out of a list or a sentence.
 */
function chosenAction(
  named: readonly unknown[],
  allowlist: Allowlist,
): Pick<Diagnosis, "action" | "refusedAction"> {
  const texts = named
    .filter((value) => value !== undefined && value !== null)
    .map((value) => (typeof value === "string" ? value : (JSON.stringify(value) ?? "")));
  const ids = new Set<ActionId>(texts.flatMap((text) => matchAction(allowlist, text)?.id ?? []));
  const others = texts.filter((text) => !NOTHING.test(text) && !matchAction(allowlist, text));
  const [id] = ids;
  const isPlain = ids.size === 1 && texts.every((text) => matchAction(allowlist, text));
  if (id !== undefined && isPlain) return { action: id };
  const refused = others[0] ?? (ids.size > 0 ? texts.join(" and ") : undefined);
  if (refused === undefined) return { action: "none" };
  return { action: "none", refusedAction: printable(oneLine(refused), MAX_QUOTE_LENGTH) };
}

function wordOf<Word extends string>(value: unknown, words: readonly Word[]): Word | undefined {
  const text = typeof value === "string" ? value.trim().toLowerCase() : undefined;
  return words.find((word) => word === text);
}

function faultClassOf(value: unknown): FaultClass {
  return (typeof value === "string" ? readFaultClass(value) : undefined) ?? "unknown";
}

const CONFIDENCE_WORDS: Readonly<Record<string, number>> = { high: 0.9, medium: 0.5, low: 0.2 };

/**
 * From 0 to 1. Percent are asked for, and a share is what most models write by themselves: up to 1 it is
 * one, since nobody means one percent. 0 for what says nothing.
 */
function confidenceOf(value: unknown): number {
  const text = typeof value === "string" ? value.trim().toLowerCase() : "";
  const number = typeof value === "number" ? value : Number(text.replace(/\s*%$/, "") || NaN);
  if (number >= 0 && number <= 1 && !text.endsWith("%")) return number;
  if (number >= 0 && number <= 100) return number / 100;
  return (Object.hasOwn(CONFIDENCE_WORDS, text) ? CONFIDENCE_WORDS[text] : undefined) ?? 0;
}

function factsOf(value: unknown): readonly string[] {
  const items: readonly unknown[] = Array.isArray(value) ? value : [value];
  return items
    .slice(0, MAX_EVIDENCE_ITEMS)
    .map((item) => printable(oneLine(wordsOf(item)), MAX_EVIDENCE_LENGTH))
    .filter((item) => item !== "");
}

/** The words of a value that should have been a text, one level deep. */
function wordsOf(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (typeof value !== "object" || value === null) return "";
  return Object.values(value)
    .filter((part) => ["string", "number", "boolean"].includes(typeof part))
    .join(": ");
}

function malformed(why: string): DiagnosisError {
  return new DiagnosisError("malformed_answer", `the answer can't be read: ${printable(why, 200)}`);
}

/** A model breaks its sentences into lines as it likes; a report does not. */
function oneLine(text: string): string {
  return text.trim().replace(/\s+/g, " ");
}
