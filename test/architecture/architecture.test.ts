/** The layout's rules, held against every file of `src`; and each rule against what it must catch. */

import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Glob } from "bun";
import { CODE_RULES, MAX_LINES, violations } from "./code.ts";
import timings from "../timings.json" with { type: "json" };
import { circles, importsOf, notBelow, ROOMS, whyNot } from "./imports.ts";

const ROOT = join(import.meta.dir, "..", "..");
const files = [...new Glob("src/**/*.{ts,tsx,js,mjs}").scanSync(ROOT)].toSorted();
const codes = await Promise.all(files.map((file) => Bun.file(join(ROOT, file)).text()));
const sources = files.map((file, index) => ({ file, code: codes[index] ?? "" }));

test("a room imports only from rooms that stand below it", () => {
  expect(ROOMS.flatMap(notBelow)).toEqual([]);
});

test("every room is there", () => {
  const missing = ROOMS.filter(
    ({ name }) => !files.some((file) => file === `src/${name}` || file.startsWith(`src/${name}/`)),
  );
  expect(missing).toEqual([]);
});

test("every file of src imports only what its room allows", () => {
  const refused = sources.flatMap(({ file, code }) =>
    importsOf(file, code).flatMap((imported) => whyNot(file, imported) ?? []),
  );
  expect(refused).toEqual([]);
});

test("no files of src import each other in a circle", () => {
  const imports = new Map(sources.map(({ file, code }) => [file, importsOf(file, code)]));
  expect(circles(imports)).toEqual([]);
});

test("a circle is seen, however long it is", () => {
  const imports = new Map([
    ["a", ["b", "c"]],
    ["b", ["d"]],
    ["c", ["d"]],
    ["d", ["e"]],
    ["e", ["b", "elsewhere"]],
  ]);
  expect(circles(imports)).toEqual(["b > d > e > b"]);
});

test("no file of src says what it may not", () => {
  const production = sources.filter(({ file }) => !file.endsWith(".test.ts"));
  expect(production.flatMap(({ file, code }) => violations(file, code))).toEqual([]);
});

test("every test file whose duration is kept is there", () => {
  const missing = Object.keys(timings.files).filter((file) => !existsSync(join(ROOT, file)));
  expect(missing).toEqual([]);
});

test("no test forgets to wait for what it expects of a promise", async () => {
  const tests = [...new Glob("{src,test}/**/*.ts").scanSync(ROOT)];
  const forgotten = await Promise.all(
    tests.map(async (file) => {
      const lines = (await Bun.file(join(ROOT, file)).text()).split("\n");
      return lines.filter((line) => /^\s*expect\(.*\)\.(rejects|resolves)\b/.test(line));
    }),
  );
  expect(forgotten.flat()).toEqual([]);
});

test("there is something to hold the rules against", () => {
  expect(files).toContain("src/main.ts");
  expect(files).toContain("src/core/model.ts");
  expect(files.length).toBeGreaterThan(40);
});

describe("who may import whom", () => {
  test.each([
    ["src/decision/decision.ts", "node:fs"],
    ["src/decision/decision.ts", "bun"],
    ["src/decision/decision.ts", "src/log.ts"],
    ["src/decision/decision.ts", "src/config/config.ts"],
    ["src/rules/rules.ts", "yaml"],
    ["src/rules/rules.ts", "@prometheus-io/lezer-promql"],
    ["src/rules/rules.ts", "src/signals/prometheus/prometheus.ts"],
    ["src/rules/rules.ts", "src/rules/rules.test.ts"],
    ["src/promql/parse.ts", "prom-client"],
    ["src/promql/parse.ts", "test/support/fixtures.ts"],
    ["src/allowlist.ts", "node:path"],
    ["src/allowlist.ts", "src/core/model.ts"],
    ["src/text/redact.ts", "src/rules/rules.ts"],
    ["src/journals/sqlite.ts", "src/platforms/run-command.ts"],
    ["src/http/server.ts", "src/observer/observe.ts"],
    ["src/signals/prometheus/prometheus.ts", "src/platforms/docker/docker.ts"],
    ["src/signals/prometheus/prometheus.ts", "src/config/config.ts"],
    ["src/signals/prometheus/prometheus.ts", "openai"],
    ["src/diagnosers/gemini.ts", "src/signals/prometheus/prometheus.ts"],
    ["src/diagnosers/gemini.ts", "src/observer/healthcheck.ts"],
    ["src/platforms/docker/docker.ts", "node:child_process"],
    ["src/platforms/docker/docker.ts", "src/target/faults.ts"],
    ["src/http/server.ts", "src/config/config.ts"],
    ["src/http/server.ts", "src/target/server.ts"],
    ["src/target/server.ts", "src/core/errors.ts"],
    ["src/target/server.ts", "src/log.ts"],
    ["src/target.ts", "src/observer.ts"],
    ["src/target.ts", "src/config/config.ts"],
    ["src/config/config.ts", "src/observer.ts"],
    ["src/config/config.ts", "src/log.ts"],
    ["src/log.ts", "src/config/config.ts"],
    ["src/observer.ts", "src/target.ts"],
    ["src/observer.ts", "src/target/metrics.ts"],
    ["src/demo.ts", "src/target.ts"],
    ["src/cli/check.ts", "src/main.ts"],
    ["src/main.ts", "src/incident/incident.ts"],
    ["src/main.ts", "src/signals/prometheus/prometheus.ts"],
    ["src/main.ts", "src/target/server.ts"],
    ["src/utils.ts", "src/log.ts"],
    ["src/decision/decision.ts", "lodash"],
    ["src/decision/decision.ts", "src/allowlist.test.ts"],
    ["src/decision/decision.ts", "bun:test"],
    ["src/decision/decision.ts", "zod-extras"],
    ["src/decision/decision.test.ts", "src/signals/prometheus/prometheus.ts"],
    ["src/target/faults/cpu.ts", "(computed) import(workerEntry"],
    ["src/target/faults/memory.ts", "(computed) new Worker(workerEntry"],
  ])("%s may not import %s", (file, imported) => {
    expect(whyNot(file, imported)).toStartWith(file);
  });

  test.each([
    ["src/decision/decision.ts", "src/allowlist.ts"],
    ["src/decision/decision.ts", "zod"],
    ["src/rules/rules.ts", "src/promql/parse.ts"],
    ["src/promql/parse.ts", "@prometheus-io/lezer-promql"],
    ["src/promql/parse.ts", "re2js"],
    ["src/promql/parse.ts", "@lezer/common"],
    ["src/signals/embedded/embedded.ts", "src/promql/parse.ts"],
    ["src/signals/embedded/embedded.ts", "src/signals/embedded/scraper.ts"],
    ["src/diagnosers/openai.ts", "openai"],
    ["src/platforms/docker/docker.ts", "node:fs"],
    ["src/journals/sqlite.ts", "bun:sqlite"],
    ["src/http/server.ts", "elysia"],
    ["src/target/faults/cpu.ts", "src/target/cpu-worker.ts"],
    ["src/target/faults/cpu.ts", "(computed) new Worker(workerEntry"],
    ["src/target.ts", "src/log.ts"],
    ["src/config/config.ts", "yaml"],
    ["src/observer.ts", "src/signals/prometheus/prometheus.ts"],
    ["src/observer.ts", "src/config/config.ts"],
    ["src/demo.ts", "src/platforms/process/supervisor.ts"],
    ["src/main.ts", "commander"],
    ["src/main.ts", "src/target/cpu-worker.ts"],
    ["src/decision/decision.test.ts", "test/support/fixtures.ts"],
    ["src/decision/decision.test.ts", "bun:test"],
    ["src/decision/decision.test.ts", "node:fs"],
    ["src/log.test.ts", "src/log.ts"],
  ])("%s may import %s", (file, imported) => {
    expect(whyNot(file, imported)).toBeUndefined();
  });
});

describe("an import is seen whatever its form", () => {
  test.each([
    ['import { b } from "./b.ts";\nb();', "src/core/b.ts"],
    ['import type { B } from "../log.ts";', "src/log.ts"],
    ['import { type B } from "./b.ts";', "src/core/b.ts"],
    ['import {\n  type A,\n  type B,\n} from "./b.ts";', "src/core/b.ts"],
    ['import type * as b from "./b.ts";', "src/core/b.ts"],
    ['import "./b.ts";', "src/core/b.ts"],
    ['export { b } from "./b.ts";', "src/core/b.ts"],
    ['export * from "./b.ts";', "src/core/b.ts"],
    ['export type { B } from "./b.ts";', "src/core/b.ts"],
    ['import b from "./b.json" with { type: "json" };\nb();', "src/core/b.json"],
    ['const { b } = await import("./b.ts");', "src/core/b.ts"],
    ['type B = import("./b.ts").B;', "src/core/b.ts"],
    ['const b = require("./b.ts");', "src/core/b.ts"],
    ['new Worker("./b.ts");', "src/core/b.ts"],
    ['new Worker(new URL("./b.ts", import.meta.url));', "src/core/b.ts"],
    ['import.meta.resolve("./b.ts");', "src/core/b.ts"],
    ['import { readFileSync } from "node:fs";\nreadFileSync("");', "node:fs"],
    ["await import(name);", "(computed) import(name"],
    ["await import(`./${name}.ts`);", "(computed) import(`./${name}.ts`"],
    ["new Worker(entry, { smol: true });", "(computed) new Worker(entry"],
  ])("%j", (code, imported) => {
    expect(importsOf("src/core/a.ts", code)).toEqual([imported]);
  });

  test.each([
    "const important = from(imports);",
    "export const from = 1;",
    'export const text = "./b.ts";',
    "const path = import.meta.dir;",
    "/** To import from it is an error. */",
  ])("%j imports nothing", (code) => {
    expect(importsOf("src/core/a.ts", code)).toEqual([]);
  });
});

/** Text that each rule must catch, and near-misses that it must not, in `src/core/` unless it says. */
const CASES = {
  "no clock": {
    caught: ["Date.now()", "new Date()", "new Date;", "performance.now()", "Date()"],
    allowed: [
      "new Date(timeMs).toISOString()",
      "Date.parse(text)",
      "Date.UTC(2025)",
      "// Date.now()",
    ],
  },
  "no randomness": {
    caught: ["Math.random()", "crypto.randomUUID()"],
    allowed: ["Math.round(1)", "/** Not Math.random(). */"],
  },
  "no input or output": {
    caught: [
      "fetch(url)",
      "process.cwd()",
      "Bun.file(x)",
      "setTimeout(f, 1)",
      "globalThis.x",
      "import.meta.dir",
    ],
    allowed: ["prefetch(url)", "subprocess.x", "const process = 1;", "clock.sleep(1, signal)"],
  },
  "only main.ts exits and handles signals": {
    file: "src/observer.ts",
    caught: ["process.exit(1)", 'process.on("SIGTERM", stop)', "process.exitCode = 1;"],
    allowed: ["child.exitCode", "process.kill(-pid)", "server.on(x)"],
  },
  "only config/ reads the environment": {
    file: "src/observer.ts",
    caught: ["observerSettings(process.env)", 'Bun.env["A"]'],
    allowed: ["settings.env", "sources.env[key]"],
  },
  "nobody reads one key past config/": {
    file: "src/platforms/run-command.ts",
    caught: ['process.env["PATH"]', "process.env.PATH", "process.env?.PATH"],
    allowed: ["from: Environment = process.env)", "options.env.PATH"],
  },
  "only log.ts writes output": {
    file: "src/main.ts",
    caught: [
      "console.log(1)",
      "process.stdout.write(text)",
      "Bun.write(Bun.stdout, text)",
      "writeSync(1, x)",
    ],
    allowed: ["print(text)", "process.stdout.isTTY", "consoles.x"],
  },
  "no shell, and processes only in platforms/": {
    file: "src/demo.ts",
    caught: ["Bun.$`ls`", "Bun.spawn(argv)", "Bun.spawnSync(argv)", "shell: true"],
    allowed: ["runCommand(argv)", "subshells: 1"],
  },
  "no any": {
    caught: [
      "a: any,",
      "a as any)",
      "Promise<any>",
      "const b: any[] = [];",
      "a | any;",
      "f(x: any)",
    ],
    allowed: [
      '"because: any-one"',
      "const many: Company = 1;",
      "Promise.any(x)",
      "AbortSignal.any([a, b])",
      "{ any: 1 }",
    ],
  },
  "no silenced checker": {
    caught: ["// @ts-ignore", "// @ts-expect-error: it is", "// @ts-nocheck"],
    allowed: ["// checked by ts"],
  },
  "no `!` for what may be undefined": {
    caught: ["const a = b[0]!;", "a!.b", "f(a!)", "a()!.b", "return a!"],
    allowed: ["a !== b", "!a.b", "if (!a) return;", 'print("Done!")', "a != b"],
  },
  "no empty catch": {
    caught: ["} catch {}", "try { a(); } catch (e) { }"],
    allowed: ["} catch {", "promise.catch(() => {})"],
  },
} satisfies Record<
  string,
  {
    readonly file?: string;
    readonly caught: readonly string[];
    readonly allowed: readonly string[];
  }
>;

describe("what the code may not say", () => {
  test("every rule has its cases", () => {
    expect(Object.keys(CASES)).toEqual(CODE_RULES.map(({ name }) => name));
  });

  describe.each(Object.entries(CASES))("%s", (name, cases) => {
    const file = "file" in cases ? cases.file : "src/core/a.ts";
    const isCaught = (line: string) =>
      violations(file, line).some((text) => text.startsWith(`${file}:1: ${name}: `));

    test.each([...cases.caught])("catches %s", (line) => expect(isCaught(line)).toBe(true));
    test.each([...cases.allowed])("lets %s be", (line) => expect(isCaught(line)).toBe(false));
  });

  test.each([
    ["src/config/config.ts", "Date.now()"],
    ["src/main.ts", "process.exit(observerSettings(process.env))"],
    ["src/log.ts", "writeSync(1, bytes)"],
    ["src/platforms/run-command.ts", "Bun.spawn(argv)"],
  ])("%s may say %s", (file, line) => {
    expect(violations(file, line)).toEqual([]);
  });

  test("a file has at most so many lines", () => {
    const lines = (count: number) => "a();\n".repeat(count);
    expect(violations("src/observer.ts", lines(MAX_LINES))).toEqual([]);
    expect(violations("src/observer.ts", lines(MAX_LINES + 1))).toHaveLength(1);
  });
});
