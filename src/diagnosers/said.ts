/** What a model said, read out of its server's answer, whichever dialect that has. Pure. */

import { z } from "zod";
import { type Asked, type ModelAnswer, readAnswer } from "../diagnosis/model-answer.ts";
import { DiagnosisError } from "../core/errors.ts";
import type { Diagnosis } from "../core/model.ts";
import { malformed } from "./failures.ts";

/** An answer's text and thoughts, and why they may not be all. */
export interface Said extends ModelAnswer {
  readonly thoughts: string;
  /** The server cut it at the limit of tokens. */
  readonly isCut: boolean;
  /** The model, or a filter behind it, would not answer. */
  readonly isDeclined: boolean;
}

/** A text, or parts of which each may be a text, a thought or a refusal. */
const partsOrText = z.union([z.string(), z.array(z.unknown())]);

/** A message with the fields in which DeepSeek, vLLM, llama.cpp, OpenRouter and Ollama put thoughts. */
const message = z.object({
  content: partsOrText.nullish(),
  refusal: z.string().nullish(),
  reasoning_content: z.string().nullish(),
  reasoning: z.string().nullish(),
  thinking: z.string().nullish(),
  // Where a gateway makes a schema into a tool that the model has to call.
  tool_calls: z
    .array(z.object({ function: z.object({ arguments: z.string() }) }))
    .nullish()
    .catch(undefined),
});

/** `text` is what completions that are no chat have. */
const choice = z.object({
  finish_reason: z.string().nullish(),
  message: message.optional(),
  text: z.string().optional(),
});

/** A part of a message, or an item of the output of OpenAI's Responses and of LM Studio's own chat. */
const part = z.object({
  type: z.string().optional(),
  text: z.string().optional(),
  refusal: z.string().optional(),
  content: partsOrText.nullish(),
  thinking: partsOrText.nullish(),
});

const answers = z.union([
  z.object({ choices: z.array(choice) }),
  z.object({
    output: partsOrText,
    incomplete_details: z.object({ reason: z.string() }).nullish(),
  }),
  // LM Studio's chat before 0.4, Ollama's own API, and gateways of one's own.
  z.object({ response: z.string() }),
  z.object({ message: z.union([z.string(), message]) }),
]);

/** Parts within parts within an item: deeper nests no dialect. */
const MAX_DEPTH = 4;

/** `undefined` for an answer in none of the known forms. */
export function saidIn(answer: unknown): Said | undefined {
  const read = answers.safeParse(answer).data;
  if (read === undefined) return undefined;
  if ("response" in read) return said({ text: read.response });
  if ("message" in read)
    return typeof read.message === "string"
      ? said({ text: read.message })
      : ofMessage(read.message);
  if ("output" in read) {
    const isCut = read.incomplete_details?.reason === "max_output_tokens";
    return said({ ...ofParts(read.output), isCut });
  }
  const [first] = read.choices;
  const finish = first?.finish_reason ?? "";
  const whole = first?.message ? ofMessage(first.message) : said({ text: first?.text ?? "" });
  return {
    ...whole,
    isCut: finish === "length",
    isDeclined: whole.isDeclined || finish === "content_filter",
  };
}

function ofMessage(given: z.infer<typeof message>): Said {
  const { text, thoughts, isDeclined } = ofParts(given.content ?? "");
  const called = (given.tool_calls ?? []).map((call) => call.function.arguments);
  const apart = [given.reasoning_content, given.reasoning, given.thinking].find(Boolean) ?? "";
  return said({
    text: text.trim() === "" ? joined(called) : text,
    thoughts: [thoughts, apart].filter(Boolean).join("\n"),
    isDeclined: isDeclined || Boolean(given.refusal),
  });
}

function ofParts(parts: string | readonly unknown[], depth = 0): Said {
  if (typeof parts === "string") return said({ text: parts });
  if (depth >= MAX_DEPTH) return said({});
  const all = parts.map((each) =>
    typeof each === "string" ? said({ text: each }) : ofPart(each, depth),
  );
  return said({
    text: joined(all.map(({ text }) => text)),
    thoughts: joined(all.map(({ thoughts }) => thoughts)),
    isDeclined: all.some(({ isDeclined }) => isDeclined),
  });
}

function ofPart(given: unknown, depth: number): Said {
  const read = part.safeParse(given).data;
  if (read === undefined) return said({});
  const inner = ofParts(read.content ?? read.thinking ?? read.text ?? "", depth + 1);
  const isThought = /reason|think/.test(read.type ?? "");
  if (isThought) return said({ thoughts: joined([inner.thoughts, inner.text]) });
  // A call of a tool has texts as well, and none of them is the model's answer.
  if (/tool|function/.test(read.type ?? "")) return said({});
  return { ...inner, isDeclined: inner.isDeclined || Boolean(read.refusal) };
}

function joined(texts: readonly string[]): string {
  return texts.filter((text) => text !== "").join("\n");
}

function said(given: Partial<Said>): Said {
  return { text: "", thoughts: "", isCut: false, isDeclined: false, ...given };
}

/**
 * The diagnosis in what was said.
 *
 * @param who as named in messages
 * @throws DiagnosisError
 */
export function diagnosisIn(given: Said, asked: Asked, who: string): Diagnosis {
  if (given.isDeclined && given.text.trim() === "")
    throw new DiagnosisError("empty_answer", `${who} declined to answer`);
  try {
    return readAnswer(given, asked);
  } catch (thrown) {
    if (!(thrown instanceof DiagnosisError)) throw thrown;
    // Tried before, as a model may go on with blanks behind a whole answer.
    if (given.isCut) throw malformed(who, "an answer cut at the limit of tokens");
    if (thrown.reason !== "empty_answer") throw thrown;
    throw new DiagnosisError("empty_answer", `${who} gave an empty answer`);
  }
}
