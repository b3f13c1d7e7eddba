/** What a Prometheus-compatible API answers, read within bounds on what it costs. */

import { z } from "zod";
import { type ErrorCode, SentinelError } from "../../core/errors.ts";
import { parseJson } from "../../text/json.ts";
import type { Labels, Point, Sample, Series } from "../../core/model.ts";
import { JsonCost } from "../../text/json-cost.ts";
import { unpacked } from "../body.ts";
import { Turns } from "../turns.ts";

/** The server, as messages call it. */
export interface Server {
  /** Without credentials. */
  readonly origin: string;
  readonly deadlineMs: number;
}

/**
 * A rule that holds for more label sets than this says nothing that a person could act on. Past any of
 * these the answer is not read on. 1.5 million values are parsed in some 100 ms.
 */
const BOUNDS = {
  maxBytes: 16 * 1024 * 1024,
  maxRows: 50_000,
  maxNodes: 1_500_000,
  maxNames: 20_000,
  maxDepth: 32,
} as const;

/** Labels of one row. Prometheus recommends ten at most; some have forty. */
const MAX_LABELS = 256;
const MAX_LABEL_CHARACTERS = 16 * 1024;

/** All rules are asked at once: an answer past it is asked for again, when no other such one is read. */
const LARGE_BYTES = 512 * 1024;

/** No float takes more. */
const MAX_VALUE_CHARACTERS = 64;

const ROWS_BETWEEN_LOOKS = 256;

/** How much of an untrusted text a message repeats. */
export const MAX_QUOTED = 300;

/** @see https://prometheus.io/docs/prometheus/latest/querying/api/#format-overview */
const CODES: ReadonlyMap<string, ErrorCode> = new Map([
  // The server works and refuses the query itself: another query may well succeed.
  ["bad_data", "source_rejected"],
  ["execution", "source_rejected"],
  ["timeout", "source_timeout"],
]);

/**
 * The engine's own remarks on how an expression is written. Any other warning says that a part of the
 * data could not be had (a remote read, a store of Thanos): what is absent there may well be there.
 */
const ABOUT_EXPRESSION = /^PromQL (warning|info):/;

const answerSchema = z.discriminatedUnion("status", [
  z.object({
    status: z.literal("success"),
    data: z.unknown(),
    warnings: z.array(z.string()).nullish(),
    /** VictoriaMetrics says it so, without a warning. */
    isPartial: z.unknown().optional(),
  }),
  z.object({ status: z.literal("error"), errorType: z.string(), error: z.string() }),
]);

/** As Go writes a float: nothing else is a value, least of all the empty text. */
const VALUE = /^([+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?Inf|NaN)$/i;

const resultSchema = z.object({ resultType: z.string(), result: z.unknown() });

type Result =
  | { readonly resultType: "scalar"; readonly point: Point }
  | { readonly resultType: "vector"; readonly samples: readonly Sample[] }
  | { readonly resultType: "matrix"; readonly series: readonly Series[] }
  | { readonly resultType: "string" };

export interface Answer {
  readonly data: unknown;
  readonly isLarge: boolean;
}

/**
 * What is answered; `undefined` for what is large and must not be now.
 *
 * @param mayBeLarge whether no other large answer is read now
 * @throws SentinelError with a `source_*` code
 */
export async function readAnswer(
  response: Response,
  server: Server,
  { mayBeLarge }: { readonly mayBeLarge: boolean },
): Promise<Answer | undefined> {
  const { ok, status } = response;
  const bytes = await readBounded(response, server, mayBeLarge ? Infinity : LARGE_BYTES);
  if (bytes === undefined) return undefined;
  const text = new TextDecoder().decode(bytes);
  const answer = answerSchema.safeParse(parseJson(text));
  if (status === 401 || status === 403)
    throw new SentinelError(
      "source_bad_answer",
      `${server.origin} answered with status ${status}`,
      {
        hint: "Set PROMETHEUS_TOKEN, or put the user and the password into PROMETHEUS_URL: http://user:password@host:9090.",
      },
    );
  if (!answer.success || ok !== (answer.data.status === "success"))
    throw badAnswer(server, `status ${status} and no answer in Prometheus' form`);
  if (answer.data.status === "success") {
    const { data, warnings, isPartial = false } = answer.data;
    const partial = warnings?.find((warning) => !ABOUT_EXPRESSION.test(warning));
    if (partial !== undefined)
      throw badAnswer(server, `a part of the data only: ${quoted(partial)}`);
    if (isPartial !== false) throw badAnswer(server, "a part of the data only: isPartial is set");
    return { data, isLarge: bytes.length > LARGE_BYTES };
  }
  const { errorType, error } = answer.data;
  throw new SentinelError(
    CODES.get(errorType) ?? "source_bad_answer",
    `${server.origin} answered ${status} ${errorType}: ${quoted(error)}`,
  );
}

/** Counted while it arrives, so that what is too much is never parsed, and never held at once. */
async function readBounded(
  response: Response,
  server: Server,
  maxBytes: number,
): Promise<Uint8Array | undefined> {
  const cost = new JsonCost(BOUNDS);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of unpacked(response) ?? []) {
    const excess = cost.add(chunk);
    // Rows are an answer to this query; without any it is none to anything.
    if (excess !== undefined && cost.rows > 0) throw tooMuch(server, excess);
    if (excess !== undefined) throw badAnswer(server, excess);
    bytes += chunk.length;
    if (bytes > maxBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function tooMuch({ origin }: Server, excess: string): SentinelError {
  return new SentinelError("source_rejected", `${origin} answered with ${excess}`, {
    hint: "Aggregate in the expression, or select less.",
  });
}

/** The `data` of a query, read in turns. @throws SentinelError with a `source_*` code */
export async function readResult(data: unknown, server: Server): Promise<Result> {
  const { resultType, result } = parse(resultSchema, data, server);
  switch (resultType) {
    case "scalar":
      return { resultType, point: readPoint(result, server, () => "result") };
    case "string":
      return { resultType };
    case "vector": {
      const samples: Sample[] = [];
      await eachRow(result, server, (row, at) => {
        const labels = readLabels(row["metric"], server, at);
        const value = row["value"];
        // A native histogram has `histogram` instead: it is not a number, so it is left out.
        if (value === undefined) return;
        const { timestampMs, value: number } = readPoint(value, server, () => `${at()}.value`);
        samples.push({ labels, value: number, timestampMs });
      });
      return { resultType, samples };
    }
    case "matrix": {
      const series: Series[] = [];
      await eachRow(result, server, (row, at) => {
        const values = listOf(row["values"] ?? [], server, () => `${at()}.values`);
        const points = values.map((point, index) =>
          readPoint(point, server, () => `${at()}.values.${index}`),
        );
        series.push({ labels: readLabels(row["metric"], server, at), points });
      });
      return { resultType, series };
    }
    default:
      throw badAnswer(server, `a result of the type ${JSON.stringify(quoted(resultType))}`);
  }
}

type Fields = Readonly<Record<string, unknown>>;
/** Where something stands in the answer; made only for a message. */
type Place = () => string;

/** By hand: zod takes ten times as long, and there may be 50,000 rows at each poll. */
async function eachRow(
  result: unknown,
  server: Server,
  read: (row: Fields, at: Place) => void,
): Promise<void> {
  const rows = listOf(result, server, () => "result");
  const turns = new Turns();
  for (let index = 0; index < rows.length; index += 1) {
    if (index % ROWS_BETWEEN_LOOKS === 0) await turns.pause();
    const row = rows[index];
    const at = () => `result.${index}`;
    if (!isFields(row)) throw notRead(server, at(), "an object");
    read(row, at);
  }
}

function listOf(value: unknown, server: Server, at: Place): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw notRead(server, at(), "a list");
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function readLabels(metric: unknown, server: Server, at: Place): Labels {
  if (isFields(metric) && areLabels(metric, server, at)) return metric;
  throw notRead(server, `${at()}.metric`, "an object");
}

/** What JSON gives is taken as it is, once each of its values is known to be a text within its bounds. */
function areLabels(metric: Fields, server: Server, at: Place): metric is Labels {
  const names = Object.keys(metric);
  if (names.length > MAX_LABELS)
    throw tooMuch(server, `${names.length} labels on one series, more than ${MAX_LABELS}`);
  for (const name of names) {
    const value = metric[name];
    if (typeof value !== "string")
      throw notRead(server, `${at()}.metric.${quoted(name)}`, "a text");
    if (name.length + value.length > MAX_LABEL_CHARACTERS)
      throw tooMuch(server, `a label of more than ${MAX_LABEL_CHARACTERS} characters`);
  }
  return true;
}

/** [seconds, "value"]; the value may be NaN, +Inf or -Inf. */
function readPoint(point: unknown, server: Server, at: Place): Point {
  const parts = listOf(point, server, at);
  const [seconds, text] = parts;
  if (typeof seconds !== "number") throw notRead(server, `${at()}.0`, "a number of seconds");
  if (typeof text !== "string" || text.length > MAX_VALUE_CHARACTERS || !VALUE.test(text))
    throw notRead(server, `${at()}.1`, "a number as a text");
  if (parts.length > 2) throw notRead(server, at(), "a time and a value");
  const value = Number(text);
  return {
    timestampMs: Math.round(seconds * 1000),
    value: Number.isNaN(value) ? Number(text.replace(/inf$/i, "Infinity")) : value,
  };
}

function notRead(server: Server, at: string, expected: string): SentinelError {
  return badAnswer(server, `${at}: Invalid input: expected ${expected}`);
}

function quoted(text: string): string {
  // The beginning of a text may be what a person needs; all of it may be millions of characters.
  const beginning = text.slice(0, 10 * MAX_QUOTED);
  return beginning.replaceAll(/[\s\p{Cc}]+/gu, " ").slice(0, MAX_QUOTED);
}

export function parse<T>(schema: z.ZodType<T>, data: unknown, server: Server): T {
  const parsed = schema.safeParse(data);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw badAnswer(server, `${issue?.path.join(".") || "data"}: ${issue?.message ?? "not read"}`);
}

export function badAnswer({ origin }: Server, what: string): SentinelError {
  return new SentinelError("source_bad_answer", `${origin} answered with ${what}`, {
    hint: "Check that PROMETHEUS_URL is that of a Prometheus.",
  });
}
