/** Podman with a store of a test's own: its service on a socket, and its command as `docker`. */

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { addProgram, answers, end, ownFolder, run, type TestEngine, untilUp } from "./engine.ts";

/** The limits of Podman's own are above what a container on a shared machine may ask for. */
const RUN_OPTIONS = [
  "--network",
  "none",
  "--ulimit",
  "nofile=1024:1024",
  "--ulimit",
  "nproc=1024:1024",
];

/** Why there is none; `undefined` if there is. */
export function whyNoPodman(): string | undefined {
  if (Bun.which("podman") === null) return "`podman` is not on the PATH";
  return process.getuid?.() === 0 ? undefined : "only root may start it with a store of its own";
}

/**
 * How it is reached: its socket by the `docker` command, its socket by its own command as `docker`, or
 * without a socket by its own command alone.
 */
export type PodmanWay = "docker by its socket" | "its command by its socket" | "its command alone";

export async function startPodman(way: PodmanWay): Promise<TestEngine> {
  await using resources = new AsyncDisposableStack();
  const folder = resources.use(await ownFolder("podman")).path;
  const file = (name: string) => join(folder, name);
  const store = ["--root", file("root"), "--runroot", file("run")];
  await mkdir(file("bin"));
  const PATH = `${file("bin")}:${process.env.PATH}`;
  if (way !== "docker by its socket") {
    // With a socket its command takes no store: that is the service's.
    const own = way === "its command alone" ? `${store.join(" ")} ` : "";
    await addProgram(file("bin"), "docker", `exec podman ${own}"$@"`);
  }
  const env =
    way === "its command alone" ? { PATH } : { PATH, DOCKER_HOST: `unix://${file("podman.sock")}` };
  if (way !== "its command alone") {
    const log = file("log");
    const service = ["system", "service", "--time=0", `unix://${file("podman.sock")}`];
    const child = Bun.spawn(["podman", ...store, ...service], {
      stdin: "ignore",
      stdout: Bun.file(log),
      stderr: Bun.file(log),
    });
    resources.defer(() => end(child));
    await untilUp(() => answers({ ...env, CONTAINER_HOST: env.DOCKER_HOST }), log);
  }
  resources.defer(async () => {
    await run(["podman", ...store, "rm", "--all", "--force", "--time", "0"]);
  });
  const owned = resources.move();
  return {
    env,
    runOptions: RUN_OPTIONS,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
