/** Runs the suites beside a file with one change after the other, in a copy of the project. */

import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Alternatives, apply, type Change, isReadable } from "./changes.ts";

/** What a change may break without being a mistake: whoever makes it would delete what is left unused. */
const LENIENT = [
  "--noUnusedLocals=false",
  "--noUnusedParameters=false",
  "--noImplicitReturns=false",
  "--noFallthroughCasesInSwitch=false",
];

/** A change may make the suites run forever, which counts as noticed. */
const DEADLINE_FACTOR = 5;
const LEAST_DEADLINE_MS = 20_000;
/** Suites that take longer without a change are not beside the file. */
const UNCHANGED_DEADLINE_MS = 180_000;

/** A copy of the project, in which a file may be changed without anybody seeing it. */
export interface Copy extends AsyncDisposable {
  readonly folder: string;
}

/** What is copied, and what is only pointed at. */
const COPIED = ["src", "test", "bench", "package.json", "tsconfig.json", "bunfig.toml"];
const LINKED = ["node_modules", "sentinel", "compose.yaml", "prometheus.yml"];

export async function copyProject(project: string): Promise<Copy> {
  const folder = await mkdtemp(join(tmpdir(), "sentinel-mutate-"));
  for (const name of COPIED) await cp(join(project, name), join(folder, name), { recursive: true });
  for (const name of LINKED) await symlink(join(project, name), join(folder, name));
  // What a suite that is ended leaves behind goes with the copy.
  await mkdir(join(folder, "tmp"));
  return {
    folder,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Of each place the first change that has the right type; a place without one is left out. */
export async function wellTyped(
  { folder }: Copy,
  file: string,
  places: readonly Alternatives[],
): Promise<Change[]> {
  const code = await Bun.file(join(folder, file)).text();
  const nameOf = (place: number, index: number) =>
    file.replace(/\.ts$/, `-change-${place}-${index}.ts`);
  // One file that cannot be read at all would keep the checker from looking at the types of the others.
  const readable = places.map((changes) =>
    changes.filter((change) => isReadable(apply(code, change))),
  );
  const names = readable.flatMap((changes, place) =>
    changes.map((change, index) => ({ name: nameOf(place, index), change })),
  );
  try {
    for (const { name, change } of names) await writeFile(join(folder, name), apply(code, change));
    const wrong = await filesWithErrors(
      folder,
      names.map(({ name }) => name),
    );
    return readable.flatMap((changes, place) => {
      const right = changes.find((_, index) => !wrong.has(nameOf(place, index)));
      return right === undefined ? [] : [right];
    });
  } finally {
    for (const { name } of names) await rm(join(folder, name), { force: true });
  }
}

async function filesWithErrors(folder: string, files: readonly string[]): Promise<Set<string>> {
  const command = ["bun", "check", "--no-script", "--no-pretty", "--all", ...LENIENT, ...files];
  const child = Bun.spawn(command, { cwd: folder, stdout: "pipe", stderr: "pipe" });
  const said =
    (await new Response(child.stdout).text()) + (await new Response(child.stderr).text());
  await child.exited;
  return new Set([...said.matchAll(/^(\S+)\(\d+,\d+\): error /gm)].map(([, file]) => file ?? ""));
}

/** How long the suites take when nothing is changed. @throws when one of them fails already */
export async function unchangedMs(
  { folder }: Copy,
  suites: readonly string[],
  abort: AbortSignal,
): Promise<number> {
  const startMs = performance.now();
  const deadline = AbortSignal.timeout(UNCHANGED_DEADLINE_MS);
  const { passed, said } = await run(folder, suites, AbortSignal.any([abort, deadline]));
  if (!passed) throw new Error(`the suites fail without a change:\n${said.slice(-2000)}`);
  return performance.now() - startMs;
}

/** What is tried on a file: the change, the suites that should notice it, and until when. */
export interface Trial {
  readonly file: string;
  readonly change: Change;
  readonly suites: readonly string[];
  readonly deadlineMs: number;
}

/** Of suites that take so long without a change. */
export function deadlineOf(usualMs: number): number {
  return Math.max(LEAST_DEADLINE_MS, DEADLINE_FACTOR * usualMs);
}

/** Whether a suite fails, or does not end, with the change. */
export async function isNoticed(
  { folder }: Copy,
  { file, change, suites, deadlineMs }: Trial,
  abort: AbortSignal,
): Promise<boolean> {
  const path = join(folder, file);
  const code = await Bun.file(path).text();
  await writeFile(path, apply(code, change));
  try {
    const deadline = AbortSignal.timeout(deadlineMs);
    return !(await run(folder, suites, AbortSignal.any([abort, deadline]))).passed;
  } finally {
    await writeFile(path, code);
  }
}

/** Ends, with all that the suites have started, when it is aborted. */
async function run(
  folder: string,
  suites: readonly string[],
  abort: AbortSignal,
): Promise<{ passed: boolean; said: string }> {
  const child = Bun.spawn(["bun", "test", "--bail", ...suites.map((suite) => `./${suite}`)], {
    cwd: folder,
    env: { ...process.env, TMPDIR: join(folder, "tmp"), CI: undefined },
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
    detached: true,
  });
  const end = () => endGroup(child.pid);
  abort.addEventListener("abort", end);
  try {
    const [said, code] = await Promise.all([new Response(child.stderr).text(), child.exited]);
    return { passed: code === 0, said };
  } finally {
    abort.removeEventListener("abort", end);
    end();
  }
}

function endGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

/** So many of them, the same ones in each run with the same seed, in the order of the file. */
export function sample<T>(all: readonly T[], most: number, seed: number): readonly T[] {
  if (all.length <= most) return all;
  let state = seed;
  const ranked = all.map((one, index) => {
    // A linear congruential generator: which ones are chosen only has to be repeatable.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return { one, index, rank: state };
  });
  const chosen = ranked.toSorted((a, b) => a.rank - b.rank).slice(0, most);
  return chosen.toSorted((a, b) => a.index - b.index).map(({ one }) => one);
}
