/**
 * PURE: a log folded into templates, as Drain does it: lines that differ in numbers and names alone are one.
 *
 * @see https://jiemingzhu.github.io/pub/pjhe_icws2017.pdf He et al., "Drain: An Online Log Parsing Approach
 *   with Fixed Depth Tree", ICWS 2017
 */

import type { LogDigest, LogLine, LogTemplate, LogTopic } from "../../core/evidence.ts";
import { maskText } from "../../text/redact.ts";
import { parseJson } from "../../text/json.ts";
import { hideKeys, withoutGroundTruth } from "../evidence.ts";

const WILDCARD = "<*>";

/** What follows in a line tells no further kinds apart. */
const MAX_TOKENS = 40;
const MAX_TEMPLATE_LENGTH = 400;
/** Of the words that two lines of one kind have in common. */
const MIN_SIMILARITY = 0.6;
/** Of the lines of one length and one first word: what a line is compared with is bounded. */
const MAX_KINDS_PER_BUCKET = 30;
const MAX_KINDS = 600;

/** How many kinds of each topic are kept. */
const KEPT = { error: 24, life: 10, other: 12 } as const satisfies Record<LogTopic, number>;
const TOPICS = ["error", "life", "other"] as const satisfies readonly LogTopic[];

/**
 * The lines by kind: errors first, then starts and ends, then the rest; within each the most frequent
 * first. What an injected fault says of itself is not read, and what is kept is masked.
 *
 * @param lines oldest first
 */
export function foldLog(lines: readonly LogLine[]): LogDigest {
  const texts = hideKeys(lines.map(({ text }) => text));
  const buckets = new Map<string, Kind[]>();
  const kinds: Kind[] = [];
  let unfolded = 0;
  let read = 0;
  lines.forEach(({ atMs }, index) => {
    const text = texts[index] ?? "";
    if (text.trim() === "" || withoutGroundTruth([text]).length === 0) return;
    read += 1;
    const fields = fieldsOf(text);
    const tokens = tokensOf(fields === undefined ? text : wordsOfFields(fields));
    const topic = topicOf(text, fields);
    const key = `${topic} ${tokens.length} ${tokens[0] ?? ""}`;
    const bucket = buckets.get(key) ?? [];
    const kind = mostSimilar(bucket, tokens);
    if (kind !== undefined) return kind.add(tokens, atMs);
    if (bucket.length >= MAX_KINDS_PER_BUCKET || kinds.length >= MAX_KINDS) {
      unfolded += 1;
      return;
    }
    const added = new Kind(topic, tokens, { text, atMs });
    bucket.push(added);
    kinds.push(added);
    buckets.set(key, bucket);
  });
  const templates = TOPICS.flatMap((topic) =>
    kinds
      .filter((kind) => kind.topic === topic)
      .toSorted((a, b) => b.count - a.count)
      .slice(0, KEPT[topic]),
  );
  const kept = templates.reduce((sum, { count }) => sum + count, 0);
  const times = lines.flatMap(({ atMs }) => (atMs === undefined ? [] : [atMs]));
  return {
    lineCount: read,
    fromMs: times[0],
    toMs: times.at(-1),
    templates: templates.map((kind) => kind.told()),
    leftOut: { kinds: kinds.length - templates.length, lines: read - kept },
    ...volumeOf(times),
    ...(unfolded > 0 && { unfolded }),
  };
}

const SLICES = 30;
/** Fewer lines, or a shorter span, say nothing of how many there are in a time. */
const MIN_LINES = 30;
const MIN_SPAN_MS = 3000;

function volumeOf(times: readonly number[]): Pick<LogDigest, "volume"> {
  const [fromMs = 0] = times;
  const spanMs = (times.at(-1) ?? 0) - fromMs;
  if (times.length < MIN_LINES || !(spanMs >= MIN_SPAN_MS)) return {};
  const counts = Array.from({ length: SLICES }, () => 0);
  for (const atMs of times) {
    const slice = Math.min(Math.floor(((atMs - fromMs) / spanMs) * SLICES), SLICES - 1);
    counts[slice] = (counts[slice] ?? 0) + 1;
  }
  return { volume: { sliceMs: spanMs / SLICES, counts } };
}

/** One kind of lines, as it grows. */
class Kind {
  readonly topic: LogTopic;
  readonly #example: string;
  tokens: readonly string[];
  count = 1;
  #firstMs: number | undefined;
  #lastMs: number | undefined;

  constructor(topic: LogTopic, tokens: readonly string[], { text, atMs }: LogLine) {
    this.topic = topic;
    this.tokens = tokens;
    this.#example = text;
    this.#firstMs = atMs;
    this.#lastMs = atMs;
  }

  add(tokens: readonly string[], atMs: number | undefined): void {
    this.tokens = this.tokens.map((token, index) => (token === tokens[index] ? token : WILDCARD));
    this.count += 1;
    this.#firstMs ??= atMs;
    this.#lastMs = atMs ?? this.#lastMs;
  }

  told(): LogTemplate {
    return {
      topic: this.topic,
      text: maskText(this.tokens.join(" ")).slice(0, MAX_TEMPLATE_LENGTH),
      count: this.count,
      firstMs: this.#firstMs,
      lastMs: this.#lastMs,
      example: maskText(this.#example),
    };
  }
}

function mostSimilar(bucket: readonly Kind[], tokens: readonly string[]): Kind | undefined {
  let best: Kind | undefined;
  let bestShare = 0;
  for (const kind of bucket) {
    const same = kind.tokens.filter((token, index) => token === tokens[index]).length;
    const share = tokens.length === 0 ? 1 : same / tokens.length;
    if (share > bestShare) [best, bestShare] = [kind, share];
  }
  return bestShare >= MIN_SIMILARITY ? best : undefined;
}

/** A line is looked at as far as it has words to tell it from others. */
function tokensOf(text: string): string[] {
  return text
    .slice(0, MAX_TEMPLATE_LENGTH * 2)
    .split(/\s+/, MAX_TOKENS + 1)
    .filter((word) => word !== "")
    .slice(0, MAX_TOKENS)
    .map((word) => (/\d/.test(word) ? wildcardOf(word) : word));
}

/** What stands around a number stays where it is a name: `status=500` is not `status=200`. */
function wildcardOf(word: string): string {
  const [, name = "", value = ""] = /^([A-Za-z_.-]{1,40}[=:])(.*)$/s.exec(word) ?? [];
  if (name === "") return WILDCARD;
  return /^[1-5]\d\d$/.test(value) ? word : name + WILDCARD;
}

/** Of a line that is a JSON object: its names and values, one level deep. */
function fieldsOf(text: string): ReadonlyMap<string, string> | undefined {
  if (!text.startsWith("{")) return undefined;
  const value = parseJson(text);
  if (typeof value !== "object" || value === null) return undefined;
  return new Map(
    Object.entries(value).map(([name, field]) => [
      name,
      typeof field === "string" ? field : (JSON.stringify(field) ?? ""),
    ]),
  );
}

/** Each line has its own. */
const TIME_NAMES = /^(?:time|ts|timestamp|@timestamp|datetime|date|pid|hostname|v)$/i;

function wordsOfFields(fields: ReadonlyMap<string, string>): string {
  return [...fields]
    .filter(([name]) => !TIME_NAMES.test(name))
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");
}

const ERROR_LEVELS = /^(?:e|err|error|fatal|f|crit|critical|alert|emerg|panic|severe|[56]0)$/i;

/** Words of an error, in whatever language a program is written. */
const ERROR_WORDS =
  /\b(?:error|fatal|panic|critical|severe|exception|traceback|segmentation|segfault|core dumped|abort(?:ed|ing)?|fail(?:ed|ure|s|ing)?|refused|unreachable|time[d ]?-? ?out|denied|exhausted|exceeded|cannot|can't|could not|unable|invalid|missing|no such|not found|too many|no space|read-only|out of memory|killed|reset by peer|broken pipe|rejected|overloaded|deadlock|E(?:CONN\w+|NOSPC|MFILE|NFILE|ROFS|NOTFOUND|AI_AGAIN|HOSTUNREACH|NETUNREACH|TIMEDOUT|PIPE|ACCES|PERM|NOENT|IO|DQUOT))\b/i;
const ERROR_NAMES = /[a-z](?:Error|Exception)\b/;
const SERVER_ERROR = /(?:\bstatus[=:"' ]{1,4}|" )5\d\d\b/i;
const LIFE_WORDS =
  /\b(?:start(?:ed|ing|up)?|listening|ready|boot(?:ed|ing)?|shut(?:ting)? ?down|stopp(?:ed|ing)|exit(?:ed|ing|s)?|terminat(?:ed|ing)|restart(?:ed|ing)?|SIG(?:TERM|INT|HUP|KILL)|version|reload(?:ed|ing)?|migrat(?:ed|ing|ion))\b/i;

/** What a line is about, by its level where it has one, else by its words. */
function topicOf(text: string, fields: ReadonlyMap<string, string> | undefined): LogTopic {
  const level = fields?.get("level") ?? fields?.get("severity") ?? fields?.get("lvl");
  if (level !== undefined && ERROR_LEVELS.test(level)) return "error";
  if (Number(fields?.get("status")) >= 500) return "error";
  const words = text.slice(0, MAX_TEMPLATE_LENGTH * 2);
  if (ERROR_WORDS.test(words) || ERROR_NAMES.test(words) || SERVER_ERROR.test(words))
    return "error";
  return LIFE_WORDS.test(words) ? "life" : "other";
}
