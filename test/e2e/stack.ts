/**
 * The project's own compose.yaml on a real engine, with names and ports of its own so that it can
 * run beside one that is in use. All else in it is what users get.
 */

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { z } from "zod";
import { PROJECT, runToEnd } from "../support/binary.ts";
import { docker, uniqueName } from "../support/docker.ts";
import { freePort } from "../support/free-port.ts";

export interface Stack extends AsyncDisposable {
  /** The target's container. */
  readonly container: string;
  readonly prometheusContainer: string;
  readonly image: string;
  readonly composeFile: string;
  /** For files of the test; gone with the stack. */
  readonly folder: string;
  readonly targetUrl: string;
  readonly prometheusUrl: string;
  /** The PromQL value, or `undefined` for no sample. */
  query(expr: string): Promise<number | undefined>;
}

const composeSchema = z.looseObject({
  services: z.object({
    target: z.looseObject({ container_name: z.string(), image: z.string(), build: z.string() }),
    prometheus: z.looseObject({ volumes: z.array(z.string()) }),
  }),
});

const answerSchema = z.object({
  data: z.object({ result: z.array(z.object({ value: z.tuple([z.number(), z.string()]) })) }),
});

/** Builds and starts target and Prometheus; ready when the target has been scraped. */
export async function startStack(): Promise<Stack> {
  const container = uniqueName("e2e");
  const folder = await mkdtemp(join(tmpdir(), "sentinel-e2e-"));
  const composeFile = join(folder, "compose.yaml");
  const [targetPort, prometheusPort] = [freePort(), freePort()];
  const source = composeSchema.parse(parse(await readFile(join(PROJECT, "compose.yaml"), "utf8")));
  const { target, prometheus } = source.services;
  const configured = {
    ...source,
    name: container,
    services: {
      target: {
        ...target,
        build: PROJECT,
        image: container,
        container_name: container,
        ports: [`127.0.0.1:${targetPort}:8000`],
      },
      prometheus: {
        ...prometheus,
        container_name: `${container}-prometheus`,
        ports: [`127.0.0.1:${prometheusPort}:9090`],
        volumes: prometheus.volumes.map((volume) => volume.replace(/^\.\//, `${PROJECT}/`)),
      },
    },
  };
  await writeFile(composeFile, stringify(configured));
  const prometheusUrl = `http://127.0.0.1:${prometheusPort}`;
  const stack: Stack = {
    container,
    prometheusContainer: `${container}-prometheus`,
    image: container,
    composeFile,
    folder,
    targetUrl: `http://127.0.0.1:${targetPort}`,
    prometheusUrl,
    async query(expr) {
      const url = `${prometheusUrl}/api/v1/query?query=${encodeURIComponent(expr)}`;
      const { data } = answerSchema.parse(await (await fetch(url)).json());
      const text = data.result[0]?.value[1];
      return text === undefined ? undefined : Number(text);
    },
    async [Symbol.asyncDispose]() {
      await docker("compose", "-f", composeFile, "down", "--volumes", "--timeout", "2");
      await docker("image", "rm", container);
      await rm(folder, { recursive: true });
    },
  };
  const up = ["docker", "compose", "-f", composeFile, "up", "--build", "--detach", "--wait"];
  const { exitCode, stderr } = await runToEnd(up);
  if (exitCode !== 0) {
    await stack[Symbol.asyncDispose]();
    throw new Error(`docker compose up failed:\n${stderr.slice(-3000)}`);
  }
  await until(async () => (await stack.query('up{job="sentinel-target-api"}')) === 1);
  return stack;
}

/** Waits for a condition of the outside world. */
export async function until(
  holds: () => Promise<boolean> | boolean,
  deadlineMs = 30_000,
): Promise<void> {
  const untilMs = performance.now() + deadlineMs;
  while (!(await holds())) {
    if (performance.now() > untilMs) throw new Error(`not within ${deadlineMs / 1000} s: ${holds}`);
    await Bun.sleep(100);
  }
}

export interface Load {
  stop(): Promise<void>;
}

/**
 * Requests one path again and again, as that many users at once, until stopped or until the service
 * no longer answers `users` times in a row. Bounded in time.
 */
export function startLoad(
  url: string,
  { users, pauseMs }: { readonly users: number; readonly pauseMs: number },
): Load {
  const stopping = new AbortController();
  const deadline = AbortSignal.any([stopping.signal, AbortSignal.timeout(300_000)]);
  const use = async () => {
    while (!deadline.aborted) {
      await fetch(url, { signal: deadline })
        .then((response) => response.arrayBuffer())
        // A service under a fault refuses and resets: its users come again.
        .catch(() => undefined);
      await Bun.sleep(pauseMs);
    }
  };
  const done = Promise.all(Array.from({ length: users }, use));
  return {
    async stop() {
      stopping.abort();
      await done;
    },
  };
}
