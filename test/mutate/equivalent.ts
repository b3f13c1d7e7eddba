/**
 * Changes that no test can notice, because the program does the same with them, each with the reason. A
 * change that makes a difference does not belong here, however small: it needs a test.
 */

import { type Change, lineOf, told } from "./changes.ts";

export interface Equivalent {
  /** The line on which the change begins, without its indentation. */
  readonly line: string;
  /** As a run prints it. */
  readonly change: string;
  readonly why: string;
}

const MEASURED = "what is left is measured more or less often, and the same is forgotten";

const NO_PAUSE = "the other side of the maximum is at least 0";

const ONLY_WORK = "what is skipped holds no credential, so looking at it only takes longer";

export const EQUIVALENT: Readonly<Record<string, readonly Equivalent[]>> = {
  "src/allowlist.ts": [
    {
      line: "return offeredActions(allowlist).find(({ spellings }) => spellings.includes(text));",
      change: "find → findLast",
      why: "no spelling is that of two actions, which a test holds",
    },
  ],
  "src/text/redact.ts": [
    { line: "const SHORTEST = 8;", change: "8 → 7", why: ONLY_WORK },
    {
      line: "if (text.length < SHORTEST) return text;",
      change: "text.length < SHORTEST → false",
      why: ONLY_WORK,
    },
    {
      line: "return BETWEEN_WORDS.test(marked) ? replaceAll(NAMED_OR_PLACED, marked) : marked;",
      change:
        "BETWEEN_WORDS.test(marked) ? replaceAll(NAMED_OR_PLACED, marked) : marked → replaceAll(NAMED_OR_PLACED, marked)",
      why: ONLY_WORK,
    },
    {
      line: "return BETWEEN_WORDS.test(marked) ? replaceAll(NAMED_OR_PLACED, marked) : marked;",
      change: "BETWEEN_WORDS.test(marked) → BETWEEN_WORDS",
      why: ONLY_WORK,
    },
  ],
  "src/decision/decision.ts": [
    {
      line: "const later = permitted.slice(permitted.indexOf(action) + 1);",
      change: "1 → 0",
      why: "the action itself is spent here, and passed over",
    },
  ],
  "src/rules/alert-state.ts": [
    {
      line: "fingerprints.set(labels, text);",
      change: "fingerprints.set(labels, text); → ;",
      why: "a fingerprint that is not kept is made again",
    },
    ...["0 → -1", "3 → 4"].map((change) => ({
      line: "const SEVERITY_ORDER = { critical: 0, high: 1, medium: 2, low: 3 } as const;",
      change,
      why: "the order stays the same",
    })),
    ...["0 → 1", "0 → -1"].map((change) => ({
      line: "(a.firingAtMs ?? 0) - (b.firingAtMs ?? 0),",
      change,
      why: "what fires has a time since when",
    })),
  ],
  "src/decision/limits.ts": [
    {
      line: "this.#pausedUntilMs.get(service) ?? 0,",
      change: "0 → -1",
      why: NO_PAUSE,
    },
    {
      line: "this.#exempt.has(service) ? 0 : (this.#pausedUntilMs.get(ALL) ?? 0),",
      change: "0 → -1",
      why: NO_PAUSE,
    },
    {
      line: "return ACTION_IDS.find((id) => id === record?.action?.id);",
      change: "find → findLast",
      why: "no id is twice in the list",
    },
    {
      line: "...this.#acts.filter((act) => atMs - act.atMs < HOUR_MS),",
      change: "this.#acts.filter((act) => atMs - act.atMs < HOUR_MS) → this.#acts",
      why: "what is old is left out again where it is counted; here it only costs memory",
    },
    {
      line: "...this.#acts.filter((act) => atMs - act.atMs < HOUR_MS),",
      change: "< → <=",
      why: "what is old is left out again where it is counted; here it only costs memory",
    },
  ],
  "src/incident/service-loop.ts": [
    {
      line: 'export const GONE = "the service is gone";',
      change: '"the service is gone" → ""',
      why: "it is compared with itself alone, and shown to nobody",
    },
  ],
  "src/incident/source-outage.ts": ["0 → 1", "0 → -1"].map((change) => ({
    line: "let answersInRow = 0;",
    change,
    why: "it is only looked at after an outage, at whose beginning it is 0",
  })),
  "src/platforms/run-command.ts": [
    ...['stdin: "ignore", →', 'stdout: "pipe", →'].map((change) => ({
      line: change.replace(" →", ""),
      change: `${change} `,
      why: "it is what Bun does by itself",
    })),
    ...["0 → 1", "0 → -1"].map((change) => ({
      line: "while (count < 3 && ((bytes[count] ?? 0) & 0xc0) === 0x80) count += 1;",
      change,
      why: "what is past the end is no continuation, as none of these numbers is",
    })),
  ],
  "src/journals/sqlite.ts": [
    { line: "#lastSeq = 0;", change: "0 → -1", why: "no entry has a number below 1" },
    {
      line: "file.sawEntry(entries.at(-1)?.seq ?? 0);",
      change: "0 → -1",
      why: "no entry has a number below 1",
    },
    ...[
      'if (this.#isClosed) throw new SentinelError("journal", `the journal ${file} is closed`);',
      'return new SentinelError("journal", `the journal ${file} was removed`, {',
      'return new SentinelError("journal", `there is no journal ${file} yet`, {',
      'return new SentinelError("journal", `the journal ${file} was replaced by another`, {',
    ].map((line) => ({
      line,
      change: '"journal" → "journal_unavailable"',
      why: "journalError gives it the code of the moment, a start or a use",
    })),
    {
      line: "if (!/^SQLITE_(BUSY|FULL)/.test(codeOf(error))) this.#disconnect();",
      change: "/^SQLITE_(BUSY|FULL)/ → /SQLITE_(BUSY|FULL)/",
      why: "every code of SQLite begins so",
    },
    {
      line: "if (open.synchronous !== synchronous) open.db.run(`PRAGMA synchronous = ${synchronous}`);",
      change: "open.synchronous !== synchronous → true",
      why: "the same level is set once more",
    },
    {
      line: "open.synchronous = synchronous;",
      change: "open.synchronous = synchronous; → ;",
      why: "the same level is set once more",
    },
    {
      line: 'return typeof value === "object" && value !== null ? { ...value } : {};',
      change: 'typeof value === "object" && value !== null → (typeof value === "object")',
      why: "null spread into an object is an empty one",
    },
  ],
  "src/journals/sqlite-prune.ts": [
    ...[
      "oldestMs >= limits.beforeMs && usedBytes(db) <= limits.maxBytes → false",
      ">= → >",
      "<= → <",
    ].map((change) => ({
      line: "if (oldestMs >= limits.beforeMs && usedBytes(db) <= limits.maxBytes) return;",
      change,
      why: "what goes on from here finds nothing to forget",
    })),
    {
      line: "const rest = units.filter(({ last_ms: lastMs }) => lastMs >= beforeMs);",
      change: "units.filter(({ last_ms: lastMs }) => lastMs >= beforeMs) → units",
      why: "what is gone is deleted once more, and what is left is measured again",
    },
    { line: "let charactersToDrop = 0;", change: "0 → -1", why: MEASURED },
    { line: "if (charactersToDrop <= 0) {", change: "charactersToDrop <= 0 → true", why: MEASURED },
    { line: "if (charactersToDrop <= 0) {", change: "0 → 1", why: MEASURED },
    {
      line: "charactersToDrop = excess / 2;",
      change: "charactersToDrop = excess / 2; → ;",
      why: MEASURED,
    },
    { line: "charactersToDrop = excess / 2;", change: "2 → 3", why: MEASURED },
  ],
  "src/journals/sqlite-file.ts": [
    {
      line: "const HEADER_BYTES = 100;",
      change: "100 → 200",
      why: "the smallest database has 512 bytes",
    },
    {
      line: 'header.length === HEADER_BYTES && header.toString("latin1", 0, MAGIC.length) === MAGIC;',
      change: "0 → -1",
      why: "a start before the first byte is the first byte",
    },
    {
      line: "return header.subarray(0, readSync(file, header, 0, HEADER_BYTES, 0));",
      change: "0 → -1",
      why: "a file that was just opened stands at its start",
    },
    {
      line: "const newer = version > SCHEMA_VERSION;",
      change: "> → >=",
      why: "the same version has returned before",
    },
    {
      line: 'if (mode === "observer") createPrivateFile(path);',
      change: 'mode === "observer" → true',
      why: "whoever else opens it has seen that it is there",
    },
    {
      line: "const db = new Database(path, isReader ? { readonly: true } : { readwrite: true });",
      change: "readwrite: true → ",
      why: "it is what Bun does by itself",
    },
    ...["fill(db);", 'db.run("PRAGMA journal_mode = WAL");'].map((what) => ({
      line: `if (mode === "observer") ${what}`,
      change: 'mode === "observer" → true',
      why: "an observer has done it before, and once more changes nothing",
    })),
    {
      line: 'if (numberOf(db, "SELECT count(*) AS value FROM sqlite_schema") > 0) return;',
      change: "0 → 1",
      why: "the schema is written whole or not at all",
    },
  ],
};

/** Why the program does the same with the change; `undefined` if nothing says that it does. */
export function whyEquivalent(file: string, code: string, change: Change): string | undefined {
  const { text } = lineOf(code, change);
  const saying = told(code, change);
  return EQUIVALENT[file]?.find((known) => known.line === text && known.change === saying)?.why;
}
