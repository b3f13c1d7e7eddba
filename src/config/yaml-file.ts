/** YAML with its lines, so that a mistake in it can be pointed at. */

import {
  Document,
  isAlias,
  isCollection,
  isMap,
  isNode,
  isScalar,
  LineCounter,
  parseAllDocuments,
  parseDocument,
  type SchemaOptions,
} from "yaml";
import { messageOf, SentinelError } from "../core/errors.ts";

/** Deeper than anybody nests settings; the parser is recursive, and takes seconds for 100,000. */
const MAX_DEPTH = 100;
const MAX_ALIASES = 100;

export interface YamlFile {
  readonly value: unknown;
  /** The file's path and the line of what stands there; of what is missing, that of what should have it. */
  at(path: readonly PropertyKey[]): string;
  /** Whether the scalar there stands in quotes, and so is a text whatever it looks like. */
  isQuoted(path: readonly PropertyKey[]): boolean;
}

interface YamlOptions {
  /**
   * As Prometheus reads its rule files: the first document of several, with merge keys, and each scalar as
   * the text that stands there, unless it is nothing at all.
   */
  readonly asTexts?: boolean;
}

/** @throws SentinelError `configuration`, naming the file and, if it is known, the line */
export function readYaml(
  text: string,
  path: string,
  { asTexts = false }: YamlOptions = {},
): YamlFile {
  const deep = lineTooDeep(text);
  if (deep !== undefined) throw notYaml(`${path}:${deep}: it is nested ${MAX_DEPTH} deep and more`);
  const lineCounter = new LineCounter();
  // Without its warnings, which it would print itself.
  const options = { logLevel: "error", lineCounter } as const;
  const document = asTexts
    ? firstOf(parseAllDocuments(text, { ...options, ...TEXTS }))
    : parseDocument(text, options);
  const [error] = document.errors;
  if (error !== undefined) {
    const line = error.linePos?.[0].line ?? 1;
    const [what = ""] = error.message.split("\n");
    const said =
      error.code === "MULTIPLE_DOCS"
        ? "a second document begins here; only one is read"
        : what.replace(/ at line \d+.*$|:$/, "");
    throw notYaml(`${path}:${line}: ${said}`, error);
  }
  try {
    return {
      value: document.toJS({ maxAliasCount: MAX_ALIASES }),
      isQuoted: (place) => {
        const node: unknown = document.getIn(place, true);
        return isScalar(node) && String(node.type).startsWith("QUOTE");
      },
      at: (place) => `${path}:${lineCounter.linePos(offsetOf(document.contents, place)).line}`,
    };
  } catch (cause) {
    throw notYaml(`${path}: ${messageOf(cause)}`, cause);
  }
}

const TEXTS: SchemaOptions = { schema: "failsafe", customTags: ["null"], merge: true };

/** An empty text has no document at all. */
function firstOf(documents: ReturnType<typeof parseAllDocuments>): Document.Parsed | Document {
  return documents[0] ?? new Document(null);
}

/** Where the last part of the place begins that is in the file; a key of a map is where it is written. */
function offsetOf(root: unknown, place: readonly PropertyKey[]): number {
  let node = root;
  let offset = isNode(root) ? (root.range?.[0] ?? 0) : 0;
  for (const key of place) {
    // What an alias stands for is written elsewhere: it is the alias that is pointed at.
    if (isAlias(node) || !isCollection(node)) break;
    const pair = isMap(node)
      ? node.items.find((one) => isNode(one.key) && String(one.key) === String(key))
      : undefined;
    const value: unknown = pair === undefined ? node.get(key, true) : pair.value;
    const shown = pair === undefined ? value : pair.key;
    if (!isNode(shown)) break;
    offset = shown.range?.[0] ?? offset;
    node = value;
  }
  return offset;
}

/** The line at which brackets, or the dashes of one line, pass the depth; quotes are not told apart. */
function lineTooDeep(text: string): number | undefined {
  let depth = 0;
  for (const [index, line] of text.split("\n").entries()) {
    const dashes = /^\s*((?:[-?] +)+)/.exec(line)?.[1]?.match(/[-?]/g)?.length ?? 0;
    let inLine = 0;
    for (const char of line) {
      if (char === "[" || char === "{") inLine += 1;
      else if (char === "]" || char === "}") inLine -= 1;
      if (depth + inLine > MAX_DEPTH) return index + 1;
    }
    depth = Math.max(depth + inLine, 0);
    if (dashes > MAX_DEPTH) return index + 1;
  }
  return undefined;
}

function notYaml(message: string, cause?: unknown): SentinelError {
  return new SentinelError("configuration", message, { hint: "It must be YAML.", cause });
}
