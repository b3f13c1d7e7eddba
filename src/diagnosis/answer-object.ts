/** Finds the one JSON object that a model wrote, whatever it wrapped it in. Pure. */

import { z } from "zod";
import { parseJson } from "../text/json.ts";

/** Brace positions tried before an answer counts as unreadable; keeps the search linear. */
const MAX_OBJECT_STARTS = 64;

/** What is asked for has two levels; to write out what is nested by the thousand takes a second. */
const MAX_DEPTH = 64;

type FoundObject =
  | {
      readonly kind: "object";
      readonly object: Readonly<Record<string, unknown>>;
      /** Nothing but the end of a code fence stands behind it. */
      readonly endsText: boolean;
    }
  /** There is no object, and nothing that began as one. */
  | { readonly kind: "prose" }
  | { readonly kind: "unreadable"; readonly why: string };

const record = z.record(z.string(), z.unknown());

/**
 * The one object that names a root cause, or the only object there is. Prose and a code fence around it
 * are passed over; trailing commas, raw line breaks in texts and a cut behind its last whole member are
 * forgiven.
 *
 * @param text without thoughts, which hold drafts
 */
export function findObject(text: string): FoundObject {
  // Some gateways encode the answer a second time.
  const inner = text.trimStart().startsWith('"') ? parseJson(text) : undefined;
  const answer = typeof inner === "string" ? inner : text;
  const search = objectsIn(answer);
  if (typeof search === "string") return { kind: "unreadable", why: search };
  const answers = search.flatMap((found) => answerOf(found) ?? []);
  const [only, ...others] = distinct(answers.length > 0 ? answers : search);
  if (only === undefined) return { kind: "prose" };
  if (others.length > 0) return { kind: "unreadable", why: "it holds more than one JSON object" };
  const { object, end } = only;
  return { kind: "object", object, endsText: /^[\s`]*$/.test(answer.slice(end)) };
}

interface Found {
  readonly object: Readonly<Record<string, unknown>>;
  /** Where it ends in the text. */
  readonly end: number;
}

/** The object itself, or the one object within it: some models wrap their answer under a name. */
function answerOf(found: Found): Found | undefined {
  if ("root_cause" in found.object) return found;
  const values = Object.values(found.object);
  const inner = values.length === 1 ? record.safeParse(values[0]).data : undefined;
  return inner !== undefined && "root_cause" in inner ? { ...found, object: inner } : undefined;
}

/** The same object twice is one; the last of them counts, for where it ends. */
function distinct(found: readonly Found[]): readonly Found[] {
  return [...new Map(found.map((each) => [JSON.stringify(each.object), each])).values()];
}

/** Every outermost object of a text in its order, or why it can't be read. */
function objectsIn(text: string): readonly Found[] | string {
  const found: Found[] = [];
  let start = text.indexOf("{");
  for (let tries = 0; start >= 0; tries++) {
    if (tries >= MAX_OBJECT_STARTS) return "it holds too many braces";
    const { end, lastComma, isTooDeep } = extentOf(text, start);
    if (isTooDeep) return "it holds too many braces";
    const object = end === undefined ? undefined : parseObject(text.slice(start, end));
    if (end !== undefined && object !== undefined) {
      found.push({ object, end });
      start = text.indexOf("{", end);
      continue;
    }
    // A brace in prose is passed over. A brace and a quote began an object that then broke off:
    // what stands inside it must not be taken for the answer.
    if (/^\{\s*"/.test(text.slice(start, start + 100))) {
      const whole = end === undefined && lastComma !== undefined;
      const rest = whole ? parseObject(`${text.slice(start, lastComma)}}`) : undefined;
      if (rest === undefined || !isComplete(rest)) return "its JSON is broken or cut";
      return [...found, { object: rest, end: text.length }];
    }
    start = text.indexOf("{", start + 1);
  }
  return found;
}

/** What an answer has to say before it may break off: what comes later gates nothing. */
function isComplete(object: Readonly<Record<string, unknown>>): boolean {
  return "root_cause" in object && ("action" in object || "remediation_step" in object);
}

interface Extent {
  /** Behind its last brace; `undefined` if it has none. */
  readonly end: number | undefined;
  /** Where its last whole member ends. */
  readonly lastComma: number | undefined;
  readonly isTooDeep: boolean;
}

/** How far the object goes that begins at `start`, by its brackets. */
function extentOf(text: string, start: number): Extent {
  let depth = 0;
  let inString = false;
  let lastComma: number | undefined;
  for (let at = start; at < text.length; at++) {
    const char = text[at];
    if (inString) {
      if (char === "\\") at++;
      else if (char === '"') inString = false;
    } else if (char === '"') inString = true;
    else if (char === "{" || char === "[") {
      if (++depth > MAX_DEPTH) return { end: undefined, lastComma, isTooDeep: true };
    } else if (char === "," && depth === 1) lastComma = at;
    else if ((char === "}" || char === "]") && --depth === 0)
      return { end: at + 1, lastComma, isTooDeep: false };
  }
  return { end: undefined, lastComma, isTooDeep: false };
}

function parseObject(json: string): Readonly<Record<string, unknown>> | undefined {
  return record.safeParse(parseJson(json) ?? parseJson(mended(json))).data;
}

const IN_STRING = /"(?:[^"\\]|\\[\s\S])*"?/g;

/** What small models get wrong and what can mean but one thing: nothing is guessed, added or closed. */
function mended(json: string): string {
  let mendedText = "";
  let from = 0;
  for (const match of json.matchAll(IN_STRING)) {
    mendedText += withoutTrailingCommas(json.slice(from, match.index)) + mendedString(match[0]);
    from = match.index + match[0].length;
  }
  return mendedText + withoutTrailingCommas(json.slice(from));
}

function withoutTrailingCommas(between: string): string {
  return between.replaceAll(/,(\s*[}\]])/g, "$1");
}

/** A raw line break or tab becomes an escape, and an escape that JSON does not have its character. */
function mendedString(text: string): string {
  return text
    .replaceAll(/\\([^"\\/bfnrtu])/g, "$1")
    .replaceAll(/[\0-\x1f]/g, (char) => JSON.stringify(char).slice(1, -1));
}
