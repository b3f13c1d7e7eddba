/** The mutation run itself: which changes it makes, that it tells a good suite from a weak one, and its lists. */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readlinkSync } from "node:fs";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { apply, type Change, changesOf, lineOf, told } from "./changes.ts";
import { EQUIVALENT } from "./equivalent.ts";
import { patternChanges } from "./patterns.ts";
import { type Copy, copyProject, isNoticed, sample, unchangedMs, wellTyped } from "./run.ts";
import { SUITES } from "./suites.ts";

const PROJECT = join(import.meta.dir, "..", "..");
const never = new AbortController().signal;

/** Every change to a text, told as in the list of survivors. */
function changesTold(code: string): string[] {
  return changesOf(code).flatMap((changes) => changes.map((change) => told(code, change)));
}

describe("what is changed", () => {
  const CASES: Readonly<Record<string, { code: string; changes: readonly string[] }>> = {
    "a comparison loses its boundary and is turned round": {
      code: "f(a < b);",
      changes: ["f(a < b); → ;", "< → <=", "< → >="],
    },
    "a condition of two loses one of them": {
      code: "const x = a && !b;",
      changes: ["a && !b → a", "a && !b → !b", "!b → b"],
    },
    "an if always holds, and never": {
      code: "if (a) b = 1;",
      changes: ["a → true", "a → false", "b = 1; → ;", "1 → 2", "1 → 0"],
    },
    "a long number is doubled and halved": {
      code: "const x = 60_000;",
      changes: ["60_000 → 120000", "60_000 → 30000"],
    },
    "a list loses each of its elements": {
      code: 'const x = ["a", "b"];',
      changes: ['"a", → ', '"b" → '],
    },
    "arguments change places, and the last is dropped": {
      code: "const x = f(a, b);",
      changes: ["a, b → b, a", ", b → "],
    },
    "a method that has no other is dropped alone": {
      code: "const x = a.toString();",
      changes: ["a.toString() → a"],
    },
    "nobody waits for a promise": {
      code: "async () => { const x = await f; };",
      changes: ["async () => { const x = await f; }; → ;", "await f → f"],
    },
    "a word becomes none, or another word of the file": {
      code: 'const x = f("high"); type T = "low";',
      changes: ['f("high") → f', '"high" → ""', '"high" → "low"'].slice(1),
    },
    "a failure is not caught, and what follows is not done": {
      code: "try { f } finally { g }",
      changes: ["try { f } finally { g } → { f }", "f → ;", "g → ;"],
    },
    "a part of a text is left out": {
      code: "const x = `${a} of b`;",
      changes: ["${a} → "],
    },
    "a regular expression loses a flag, a bound, a choice": {
      code: "const x = /^a+|b{2}/i;",
      changes: [
        "/^a+|b{2}/i → /a+|b{2}/i",
        "/^a+|b{2}/i → /^a|b{2}/i",
        "/^a+|b{2}/i → /^a+|b{3}/i",
        "/^a+|b{2}/i → /b{2}/i",
        "/^a+|b{2}/i → /^a+/i",
        "/^a+|b{2}/i → /^a+|b{2}/",
      ],
    },
    "types, imports and the names of properties are left alone": {
      code: 'import { a } from "b"; type A = "x" | 1; interface B { c: 2 } const d = e as "f";',
      changes: [],
    },
  };
  test.each(Object.entries(CASES))("%s", (_, { code, changes }) => {
    expect(changesTold(code)).toEqual([...changes]);
  });

  test("a group in a regular expression loses a choice with its bar, and a look around", () => {
    expect(patternChanges("(?:ab|c)(?!d)")).toEqual(["(?:ab|c)", "(?:c)(?!d)", "(?:ab)(?!d)"]);
  });

  test("a change is made where it was found, and nowhere else", () => {
    const code = "f(1);\n  g(1);\n";
    const last = changesOf(code).at(-1)?.[0];
    if (last === undefined) throw new Error("there is no change");
    expect(apply(code, last)).toBe("f(1);\n  g(0);\n");
    expect(lineOf(code, last)).toEqual({ number: 2, text: "g(1);" });
  });

  test("a sample is the same again with the same seed, another with another, and in order", () => {
    const all = Array.from({ length: 100 }, (_, index) => index);
    expect(sample(all, 10, 1)).toEqual(sample(all, 10, 1));
    expect(sample(all, 10, 1)).not.toEqual(sample(all, 10, 2));
    expect(sample(all, 10, 1)).toEqual(sample(all, 10, 1).toSorted((a, b) => a - b));
    expect(sample(all, 10, 1)).toHaveLength(10);
    expect(sample(all, 100, 1)).toEqual(all);
  });
});

describe("what is noticed", () => {
  let copy: Copy;
  beforeAll(async () => {
    copy = await copyProject(PROJECT);
    await writeFile(join(copy.folder, "src/core/least.ts"), LEAST);
    await writeFile(join(copy.folder, "src/core/least.test.ts"), LEAST_TEST);
  });
  afterAll(() => copy[Symbol.asyncDispose]());

  const file = "src/core/least.ts";
  const suites = ["src/core/least.test.ts"];
  const LEAST = `export function least(values: readonly number[]): number | undefined {
  let found: number | undefined;
  for (const value of values) if (found === undefined || value < found) found = value;
  return found;
}

export function untilEven(from: number): number {
  let at = from;
  while (at % 2 !== 0) at += 1;
  return at;
}
`;
  const LEAST_TEST = `import { expect, test } from "bun:test";
import { least, untilEven } from "./least.ts";

test("the least of three", () => expect(least([2, 1, 3])).toBe(1));
test("the next even number", () => expect(untilEven(3)).toBe(4));
`;

  async function changed(from: string, by: string): Promise<Change> {
    const all = await wellTyped(copy, file, changesOf(LEAST));
    const found = all.find((change) => told(LEAST, change) === `${from} → ${by}`);
    if (found === undefined) throw new Error(`no change ${from} → ${by}`);
    return found;
  }

  const CASES: readonly [name: string, from: string, by: string, noticed: boolean, ms: number][] = [
    ["a comparison turned round fails the suite", "<", ">=", true, 60_000],
    ["a boundary that no test asks about survives", "<", "<=", false, 60_000],
    ["a change that never ends is noticed at its deadline", "at += 1;", ";", true, 3000],
  ];
  test.each(CASES)(
    "%s",
    async (_, from, by, noticed, deadlineMs) => {
      const trial = { file, change: await changed(from, by), suites, deadlineMs };
      expect(await isNoticed(copy, trial, never)).toBe(noticed);
      expect(await Bun.file(join(copy.folder, file)).text()).toBe(LEAST);
    },
    120_000,
  );

  test("a change that has not the right type is none", async () => {
    const all = await wellTyped(copy, file, changesOf(LEAST));
    const tellAll = all.map((change) => told(LEAST, change));
    // Without its own condition, found may be undefined where it is compared.
    expect(changesTold(LEAST)).toContain("found === undefined || value < found → (value < found)");
    expect(tellAll).not.toContain("found === undefined || value < found → (value < found)");
    expect(tellAll).toContain("found === undefined || value < found → (found === undefined)");
  });

  test("a change after which the file cannot be read is none, and hides no other", async () => {
    const [first] = changesOf(LEAST).flat();
    if (first === undefined) throw new Error("there is no change");
    const places = [[{ ...first, by: "(" }], [{ from: 0, to: 0, by: 'const x: 1 = "";' }], [first]];
    expect(await wellTyped(copy, file, places)).toEqual([first]);
  });

  test("a suite that fails without a change is an error, and not a good score", async () => {
    const failing = "src/core/failing.test.ts";
    await writeFile(
      join(copy.folder, failing),
      'import { test } from "bun:test";\ntest("x", () => { throw new Error("as it is"); });\n',
    );
    await expect(unchangedMs(copy, [failing], never)).rejects.toThrow("as it is");
  });
});

/** Those that work in a folder or below it, also when it is gone. */
function processesIn(folder: string): string[] {
  return readdirSync("/proc").filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readlinkSync(`/proc/${pid}/cwd`).startsWith(folder);
    } catch {
      // Ended meanwhile.
      return false;
    }
  });
}

describe("bun run mutate", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "sentinel-mutate-test-"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  /** With a folder of its own for the copy. */
  const start = (...args: readonly string[]) =>
    Bun.spawn(["bun", "test/mutate/mutate.ts", ...args], {
      cwd: PROJECT,
      env: { ...process.env, TMPDIR: folder },
      stdout: "pipe",
      stderr: "ignore",
    });

  test("ends with 0 where the changes are noticed, and leaves no copy", async () => {
    const child = start("src/incident/verification.ts", "--most=20");
    const output = await new Response(child.stdout).text();
    expect(output).toContain("src/incident/verification.ts: 20 changes");
    expect(output).toMatch(/^ok {4}src\/incident\/verification\.ts +\d+ of 20 noticed/m);
    expect(await child.exited).toBe(0);
    expect(await readdir(folder)).toEqual([]);
  }, 120_000);

  test("ends with 1 after fewer than 20 changes, which say nothing", async () => {
    const child = start("src/incident/verification.ts", "--most=3");
    expect(await new Response(child.stdout).text()).toContain("MISS  src/incident/verification.ts");
    expect(await child.exited).toBe(1);
  }, 120_000);

  test.each(["SIGINT", "SIGTERM"] as const)(
    "leaves neither a copy nor a process after %s",
    async (signal) => {
      const child = start("src/incident/verification.ts");
      const { value } = await child.stdout.getReader().read();
      expect(new TextDecoder().decode(value)).toContain("src/incident/verification.ts: ");
      child.kill(signal);
      expect(await child.exited).toBe(1);
      expect(await readdir(folder)).toEqual([]);
      expect(processesIn(folder)).toEqual([]);
    },
    120_000,
  );
});

describe("the lists of the mutation run", () => {
  test.each(Object.entries(SUITES))("%s and its suites exist", (file, suites) => {
    expect([file, ...suites].filter((path) => !existsSync(join(PROJECT, path)))).toEqual([]);
  });

  test.each(Object.entries(EQUIVALENT))(
    "each change of %s that makes no difference is one that is made",
    async (file, listed) => {
      const code = await Bun.file(join(PROJECT, file)).text();
      const made = changesOf(code).flatMap((changes) =>
        changes.map((change) => `${lineOf(code, change).text}: ${told(code, change)}`),
      );
      const stale = listed.filter(({ line, change }) => !made.includes(`${line}: ${change}`));
      expect(stale).toEqual([]);
    },
  );
});
