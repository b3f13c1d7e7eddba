/** A target in a container of its own. */

import { sentinelBinary } from "../support/binary.ts";
import { BUN_IMAGE, docker, uniqueName } from "../support/docker.ts";
import { freePort } from "../support/free-port.ts";
import { until } from "../support/supervise.ts";
import { clientOf, type TargetClient } from "./target.ts";

export interface ContainedTarget extends TargetClient, AsyncDisposable {
  /** Of the container. */
  readonly name: string;
  /** Of its first process, as this machine counts: the target, or its init. */
  readonly pid: number;
  /** Resolves with how Docker says that it ended. */
  stopped(): Promise<{ readonly exitCode: number; readonly oomKilled: boolean }>;
}

/**
 * The executable as process 1 of a container, unless an option says otherwise. Needs `BUN_IMAGE`.
 *
 * @param options of `docker run`, such as `--init`
 */
export async function startContained(...options: readonly string[]): Promise<ContainedTarget> {
  const name = uniqueName("faults");
  const port = freePort();
  const published = [
    "--publish",
    `127.0.0.1:${port}:8000`,
    "--env",
    "HOST=0.0.0.0",
    "--env",
    "FAULT_TOKEN=none",
  ];
  const mounted = ["--volume", `${sentinelBinary()}:/sentinel:ro`, "--entrypoint", "/sentinel"];
  const run = ["run", "--detach", "--name", name, ...published, ...mounted, ...options];
  await docker(...run, BUN_IMAGE, "--role=target");
  const inspect = (format: string) => docker("inspect", "--format", format, name);
  const client = clientOf(`http://127.0.0.1:${port}`);
  await until(`the first answer of ${name}`, async () => {
    const answer = await client.get("/health").catch(() => undefined);
    return answer?.ok === true;
  });
  return {
    ...client,
    name,
    pid: Number(await inspect("{{.State.Pid}}")),
    async stopped() {
      const isOver = async () => (await inspect("{{.State.Status}}")) === "exited";
      await until(`the end of ${name}`, isOver);
      const state = await inspect("{{.State.ExitCode}} {{.State.OOMKilled}}");
      const [exitCode, oomKilled] = state.split(" ");
      return { exitCode: Number(exitCode), oomKilled: oomKilled === "true" };
    },
    async [Symbol.asyncDispose]() {
      await docker("rm", "--force", name);
    },
  };
}
