/** Who may import whom in `src`: what a file imports, and which of it its place allows. */

import { posix } from "node:path";

interface Room {
  /** A folder of `src`, or a file in it. */
  readonly name: string;
  /** Rooms below this one, or single files of them, that it imports. */
  readonly imports?: readonly string[];
  readonly packages?: readonly string[];
}

/** Every room above the drivers but the target, which the observer knows by its signals alone. */
const DECIDING = ["report", "incident", "decision", "diagnosis", "config", "rules"];
const DRIVERS = ["diagnosers", "signals", "platforms", "journals"];
const BASE = ["text", "core", "allowlist.ts"];

/**
 * The rooms of `src`, from top to bottom: a room imports only from rooms that stand below it, of those
 * only what is listed, and only the listed packages.
 */
export const ROOMS: readonly Room[] = [
  {
    // One entry for the executable: its workers and its guardian come through it as well.
    name: "main.ts",
    imports: [
      ...["target.ts", "observer.ts", "demo.ts", "cli", "log.ts"],
      ...["config/config.ts", "config/environment.ts", "text/did-you-mean.ts"],
      ...["core/abort.ts", "core/errors.ts"],
      ...["target/cpu-worker.ts", "observer/watchdog/worker.ts", "http/query-thread/worker.ts"],
      ...["platforms/process/guardian.ts", "demo/faults.ts", "load/plan.ts"],
      "observer/healthcheck.ts",
    ],
    packages: ["commander", "node:worker_threads"],
  },
  { name: "target.ts", imports: ["target", "log.ts", "core/errors.ts"], packages: ["node:*"] },
  {
    name: "target",
    // Pure, and of no signal: second copies would be worse than this one way across.
    imports: ["text/did-you-mean.ts", "text/url.ts", "core/abort.ts", "core/token-gate.ts"],
    packages: ["elysia", "@elysiajs/openapi", "prom-client", "zod", "node:*", "bun", "bun:*"],
  },
  {
    name: "cli",
    imports: ["load", "observer", "log.ts", ...DECIDING, ...DRIVERS, ...BASE],
    packages: ["node:*", "yaml", "zod"],
  },
  { name: "load", imports: ["text", "core"], packages: ["node:perf_hooks"] },
  {
    name: "demo.ts",
    imports: ["demo", "observer", "log.ts", ...DECIDING, ...DRIVERS, ...BASE],
    packages: ["node:*"],
  },
  { name: "demo", imports: ["log.ts", "rules", ...BASE] },
  {
    name: "observer.ts",
    imports: ["observer", "log.ts", "http", ...DECIDING, ...DRIVERS, ...BASE],
    packages: ["node:*"],
  },
  {
    name: "observer",
    imports: ["log.ts", "http", ...DECIDING, ...DRIVERS, ...BASE],
    packages: ["node:*", "bun:ffi"],
  },
  { name: "log.ts", packages: ["node:fs"] },
  {
    name: "http",
    imports: ["decision", "rules", "promql", ...BASE],
    packages: [
      ...["elysia", "prom-client", "zod"],
      ...["node:os", "node:timers/promises", "node:worker_threads"],
    ],
  },
  { name: "report", imports: ["decision", "diagnosis", "rules", ...BASE] },
  { name: "incident", imports: ["decision", "diagnosis", "rules", ...BASE] },
  { name: "decision", imports: ["diagnosis", "rules", ...BASE], packages: ["zod"] },
  {
    name: "diagnosers",
    imports: ["diagnosis", ...BASE],
    packages: ["@google/genai", "@google/genai/web", "openai", "cockatiel", "zod"],
  },
  { name: "diagnosis", imports: ["rules", ...BASE], packages: ["zod"] },
  {
    name: "config",
    imports: ["rules", ...BASE],
    packages: ["zod", "yaml", "node:*", "package.json"],
  },
  { name: "rules", imports: ["promql", ...BASE], packages: ["zod"] },
  {
    name: "signals",
    imports: ["promql", ...BASE],
    packages: ["zod", "node:*", "bun", "bun:*"],
  },
  { name: "platforms", imports: BASE, packages: ["zod", "node:*", "bun", "bun:*"] },
  { name: "journals", imports: BASE, packages: ["zod", "node:*", "bun", "bun:*"] },
  {
    name: "promql",
    imports: ["core"],
    packages: ["@prometheus-io/lezer-promql", "@lezer/common", "re2js"],
  },
  { name: "text", imports: ["core"], packages: ["zod"] },
  { name: "core", imports: ["allowlist.ts"], packages: ["zod"] },
  { name: "allowlist.ts" },
];

/** The rooms without input, output, clock and randomness. */
export const PURE_ROOMS = [
  ...["report", "incident", "decision", "diagnosis", "rules"],
  ...["promql", "text", "core", "allowlist.ts"],
];

const FOR_TESTS = ["bun", "bun:*", "node:*", "fast-check"];

/** A room starts processes by what is there for that, and by nothing else. */
const NOBODY = ["node:child_process"];

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
  "src/http/query-thread/host.ts": "(computed) new Worker(workerEntry",
  "src/observer/watchdog/watchdog.ts": "(computed) new Worker(workerEntry",
};

/** Why this import is an error; `undefined` if it is none. */
export function whyNot(file: string, imported: string): string | undefined {
  const tested = file.replace(/\.test\.ts$/, ".ts");
  const isTest = tested !== file;
  const room = ROOMS.find(({ name }) => isIn(tested, name));
  if (room === undefined) return `${file} is in no room`;
  if (COMPUTED[file] === imported) return undefined;
  const refusal = `${file} must not import ${imported}`;
  if (imported.endsWith(".test.ts")) return refusal;
  const places = [room.name, ...(room.imports ?? [])];
  if (places.some((place) => isIn(imported, place))) return undefined;
  // A test may import what its file may, and what tests are made of.
  if (isTest && imported.startsWith("test/")) return undefined;
  const packages = [...(room.packages ?? []), ...(isTest ? FOR_TESTS : [])];
  const isListed = packages.some((listed) => isPackage(imported, listed));
  return isListed && !NOBODY.includes(imported) ? undefined : refusal;
}

/** The rooms that a room lists although they do not stand below it. */
export function notBelow({ name, imports = [] }: Room): readonly string[] {
  const below = ROOMS.slice(ROOMS.findIndex((room) => room.name === name) + 1);
  return imports.filter((place) => !below.some((room) => isIn(`src/${place}`, room.name)));
}

/** The circles among files that import each other, each once. @param imports by the file that imports */
export function circles(imports: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const done = new Set<string>();
  const found: string[] = [];
  const follow = (file: string, path: readonly string[]) => {
    const start = path.indexOf(file);
    if (start >= 0) found.push([...path.slice(start), file].join(" > "));
    if (start >= 0 || done.has(file)) return;
    for (const imported of imports.get(file) ?? []) follow(imported, [...path, file]);
    done.add(file);
  };
  for (const file of imports.keys()) follow(file, []);
  return found;
}

/** @param place a room, or a file of one */
function isIn(path: string, place: string): boolean {
  return path === `src/${place}` || path.startsWith(`src/${place}/`);
}

function isPackage(imported: string, listed: string): boolean {
  return listed.endsWith("*") ? imported.startsWith(listed.slice(0, -1)) : imported === listed;
}
