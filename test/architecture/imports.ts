/** Who may import whom in `src`: what a file imports, and which of it its place allows. */

import { posix } from "node:path";

const PURE = ["zod", "@prometheus-io/lezer-promql", "@lezer/common", "re2js"];
const PLATFORM = ["bun", "bun:*", "node:*"];
const FOR_TESTS = ["bun:test", "fast-check", "test/*"];

/** `folder/*` is all below it; `!` takes out again. */
const CORE = ["src/core/*", "src/promql/*", "src/allowlist.ts"];
const DRIVER = [...CORE, ...PLATFORM, "zod", "!node:child_process"];
/** What picks the drivers: everything but the target, of which the observer knows by signals alone. */
const COMPOSES = ["src/*", ...PURE, ...PLATFORM, "yaml", "!src/target/*", "!src/target.ts"];
const NOT_MAIN = ["!src/main.ts", "!node:child_process"];

interface Layer {
  /** The files that it is about; of several that fit, the first counts. */
  readonly files: readonly string[];
  readonly imports: readonly string[];
}

const LAYERS: readonly Layer[] = [
  { files: ["src/core/*", "src/promql/*", "src/allowlist.ts"], imports: [...CORE, ...PURE] },
  { files: ["src/docker/*"], imports: [...DRIVER, "src/docker/*"] },
  // Containers are asked for at the engine, and so is what is done to them.
  { files: ["src/signals/*"], imports: [...DRIVER, "src/signals/*", "src/docker/*"] },
  {
    files: ["src/diagnosers/*"],
    imports: [
      ...[...DRIVER, "src/diagnosers/*"],
      ...["@google/genai", "@google/genai/web", "openai", "cockatiel"],
    ],
  },
  { files: ["src/executors/*"], imports: [...DRIVER, "src/executors/*"] },
  { files: ["src/journals/*"], imports: [...DRIVER, "src/journals/*"] },
  { files: ["src/notifiers/*"], imports: [...DRIVER, "src/notifiers/*"] },
  {
    files: ["src/dashboard/*"],
    imports: [...CORE, "src/dashboard/*", "elysia", "prom-client", "zod"],
  },
  {
    files: ["src/target/*"],
    imports: [
      ...["src/target/*", "elysia", "@elysiajs/openapi", "prom-client", "zod"],
      // Pure, about words alone; second copies would be worse than this one way across.
      ...["src/core/nearest.ts", "src/core/token-gate.ts", "src/core/address.ts"],
      ...[...PLATFORM, "!node:child_process"],
    ],
  },
  {
    files: ["src/target.ts"],
    imports: ["src/target/*", "src/config.ts", "src/log.ts", "src/core/errors.ts", "node:*"],
  },
  {
    files: ["src/config.ts", "src/config-*"],
    imports: [...CORE, "src/config.ts", "src/config-*", "zod", "yaml", "node:*", "package.json"],
  },
  {
    // The other thread of what the dashboard serves.
    files: ["src/query-thread/*"],
    imports: [
      ...[...CORE, "src/dashboard/*", "src/query-thread/*"],
      ...["node:worker_threads", "node:timers/promises", "node:os"],
    ],
  },
  { files: ["src/log.ts"], imports: ["node:fs"] },
  { files: ["src/system-clock.ts"], imports: ["src/core/*"] },
  { files: ["src/collect-garbage.ts"], imports: [] },
  {
    files: ["src/watchdog/*"],
    imports: ["src/watchdog/*", "src/core/*", "src/log.ts", "node:worker_threads", "bun:ffi"],
  },
  {
    files: ["src/load.ts", "src/load/*"],
    imports: ["src/core/*", "src/load/*", "src/log.ts", "node:perf_hooks"],
  },
  { files: ["src/incidents.ts"], imports: ["src/core/*", "src/journals/*"] },
  { files: ["src/healthcheck.ts"], imports: ["src/core/*", "node:http", "node:https"] },
  {
    files: [
      ...[
        "observer",
        "observe",
        "docker-notices",
        "compose-notices",
        "vitals",
        "own-process",
        "cured-deaths",
        "drivers",
        "rules-in-force",
        "scrape-ages",
      ].map((name) => `src/${name}.ts`),
      ...[
        "src/demo.ts",
        "src/demo/*",
        "src/check.ts",
        "src/check-prompt.ts",
        "src/check-models.ts",
      ],
      ...["src/operate.ts", "src/init.ts"],
    ],
    imports: [...COMPOSES, ...NOT_MAIN],
  },
  {
    // One entry for the executable: its workers come through it as well.
    files: ["src/main.ts"],
    imports: [
      ...["target", "observer", "demo", "check", "check-prompt", "init", "healthcheck"].map(
        (n) => `src/${n}.ts`,
      ),
      ...["src/load.ts", "src/incidents.ts", "src/operate.ts"],
      ...[
        "src/config.ts",
        "src/config-environment.ts",
        "src/log.ts",
        "src/core/errors.ts",
        "src/core/nearest.ts",
      ],
      ...[
        "src/target/cpu-worker.ts",
        "src/watchdog/worker.ts",
        "src/query-thread/worker.ts",
        "src/executors/guardian.ts",
        "src/demo/faults.ts",
        "src/load/plan.ts",
      ],
      ...["commander", "node:worker_threads"],
    ],
  },
];

/**
 * What a file imports, in any way that TypeScript has: static, dynamic, re-exported, types only, a
 * worker. Paths count from the root of the repository; a package is its specifier.
 *
 * The transpiler finds what runs, whatever its form, and leaves out types; the patterns find those
 * in the form that `bun fmt` gives them. A match too many, such as in a comment, errs on the safe
 * side.
 *
 * @returns for an import that is computed, `(computed)` and its text: no rule allows it
 */
export function importsOf(file: string, code: string): string[] {
  const transpiler = new Bun.Transpiler({ loader: "ts" });
  const specifiers = [
    ...transpiler.scanImports(code).map(({ path }) => path),
    ...[...code.matchAll(STATEMENT)].map(([, specifier]) => specifier ?? ""),
    ...[...code.matchAll(CALL)].flatMap(([call, , literal]) => literal ?? `(computed) ${call}`),
  ];
  const paths = specifiers.map((specifier) =>
    specifier.startsWith(".") ? posix.join(posix.dirname(file), specifier) : specifier,
  );
  return [...new Set(paths)].toSorted();
}

const STATEMENT = /^\s*(?:import|export)\s(?:[^;"'`]*?\sfrom\s)?\s*["']([^"'\n]+)["']/gm;

const CALL =
  /\b(?:import|require|import\.meta\.resolve|new\s+Worker)\(\s*(?:new\s+URL\(\s*)?(?:(["'])([^"'\n]+)\1|[^\s),]+)/g;

/** Where a worker's file can only be known when it runs: the executable itself, or the source. */
const COMPUTED: Readonly<Record<string, string>> = {
  "src/target/faults/cpu.ts": "(computed) new Worker(workerEntry",
  "src/query-thread/host.ts": "(computed) new Worker(workerEntry",
  "src/watchdog/watchdog.ts": "(computed) new Worker(workerEntry",
};

/** Why this import is an error; `undefined` if it is none. */
export function whyNot(file: string, imported: string): string | undefined {
  const refusal = `${file} must not import ${imported}`;
  const tested = file.replace(/\.test\.ts$/, ".ts");
  const isTest = tested !== file;
  const layer = LAYERS.find(({ files }) => matches(files, tested));
  if (layer === undefined) return `${file} has no place in the layout`;
  if (imported.endsWith(".test.ts")) return refusal;
  // A test may import what its file may, the file itself, and what tests are made of.
  const allowed = isTest ? [...layer.imports, ...FOR_TESTS, ...PLATFORM, tested] : layer.imports;
  return matches(allowed, imported) || COMPUTED[file] === imported ? undefined : refusal;
}

function matches(patterns: readonly string[], path: string): boolean {
  const fits = (pattern: string) =>
    pattern.endsWith("*") ? path.startsWith(pattern.slice(0, -1)) : path === pattern;
  const isRefused = patterns.some((pattern) => pattern[0] === "!" && fits(pattern.slice(1)));
  return patterns.some(fits) && !isRefused;
}
