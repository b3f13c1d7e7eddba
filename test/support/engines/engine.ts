/** Real engines for tests, each reached as somebody reaches one, and what their containers are made of. */

import { chmod, cp, mkdir, mkdtemp, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Environment, lastLine, runCommand } from "../../../src/platforms/run-command.ts";

const COMMAND_DEADLINE_MS = 60_000;
const START_DEADLINE_MS = 20_000;

/** A socket's path has at most 107 bytes, and engines add some of their own. */
const FOLDERS = "/tmp/sentinel-";

export interface TestEngine extends AsyncDisposable {
  /** As its user sets them: DOCKER_HOST and the like, and a PATH if the command is a special one. */
  readonly env: Environment;
  /** What `docker run` needs on it. */
  readonly runOptions: readonly string[];
}

/** A folder that is removed with whatever is left in it, mounts of engines included. */
export async function ownFolder(
  what: string,
): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(`${FOLDERS}${what}-`);
  return {
    path,
    async [Symbol.asyncDispose]() {
      const mounts = await Bun.file("/proc/mounts").text();
      const own = mounts.split("\n").flatMap((line) => line.split(" ")[1] ?? []);
      for (const mount of own
        .filter((one) => one.startsWith(`${path}/`))
        .toSorted()
        .toReversed())
        await run(["umount", "-l", mount]);
      await rm(path, { recursive: true, force: true });
    },
  };
}

/** Writes a program into the folder, from which it is found before any other of that name. */
export async function addProgram(folder: string, name: string, script: string): Promise<void> {
  await Bun.write(join(folder, name), `#!/bin/sh\n${script}\n`);
  await chmod(join(folder, name), 0o755);
}

/** @returns standard output, trimmed. @throws Error with the command's own words if it fails */
export async function run(argv: readonly string[], env: Environment = {}): Promise<string> {
  const options = { env: { ...process.env, ...env }, deadlineMs: COMMAND_DEADLINE_MS };
  const result = await runCommand(argv, options, new AbortController().signal);
  if (result.kind !== "succeeded")
    throw new Error(`${argv.join(" ")}: ${lastLine(result.output) || result.kind}`);
  return result.stdout.trim();
}

/** @throws Error with the end of the log if it does not come up in time */
export async function untilUp(isUp: () => Promise<boolean>, log: string): Promise<void> {
  const untilMs = performance.now() + START_DEADLINE_MS;
  while (!(await isUp())) {
    if (performance.now() > untilMs) {
      const file = Bun.file(log);
      throw new Error(
        `it did not start:\n${(await file.exists()) ? (await file.text()).slice(-2000) : ""}`,
      );
    }
    await Bun.sleep(50);
  }
}

/** Whether the `docker` command gets an answer from the engine. */
export async function answers(env: Environment): Promise<boolean> {
  return run(["docker", "version", "--format", "{{.Server.Version}}"], env).then(
    () => true,
    () => false,
  );
}

/** Ends a process that a test has started, and waits until it is gone. */
export async function end(child: Bun.Subprocess): Promise<void> {
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 15_000);
  await child.exited;
  clearTimeout(timer);
}

/** The programs of the smallest image that a container can live in. */
const PROGRAMS = ["/bin/sh", "/bin/sleep", "/bin/rm"];

/**
 * An archive for `docker import`: a shell of this machine, `sleep`, `rm` and their libraries, 3 MB. No
 * engine has to pull anything, and a new one has it in a moment.
 *
 * @param folder where it is made
 * @returns its path
 */
export async function shellImage(folder: string): Promise<string> {
  const root = join(folder, "root");
  await mkdir(join(root, "tmp"), { recursive: true });
  for (const program of PROGRAMS) {
    const linked = await run(["ldd", program]);
    const libraries = linked.match(/\/\S+/g) ?? [];
    for (const file of [program, ...libraries]) {
      await mkdir(join(root, dirname(file)), { recursive: true });
      await cp(file, join(root, file), { dereference: true });
    }
  }
  const archive = join(folder, "shell.tar");
  await run(["tar", "-C", root, "-cf", archive, "."]);
  return archive;
}
