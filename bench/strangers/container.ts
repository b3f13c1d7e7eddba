/** One stranger in a container of its own, beside its exporter, with light traffic while it lives. */

import { freePort } from "../report.ts";
import type { Exchange, Stranger } from "./catalogue.ts";
import { docker, LABEL } from "./docker.ts";
import { BREAKING, CPU_LIMIT, type Fault } from "./faults.ts";
import { imageOf } from "./images.ts";

const ANSWER_WITHIN_MS = 2000;
const START_DEADLINE_MS = 60_000;
const ASK_AGAIN_AFTER_MS = 250;
const TRAFFIC_EVERY_MS = 500;
const MB = 1024 * 1024;

export interface StrangerContainer extends AsyncDisposable {
  /** Of the container, and so of the service. */
  readonly name: string;
  readonly stranger: Stranger;
  /** Its entry of sentinel.yaml: no more than a user would write. */
  readonly entry: Readonly<Record<string, string>>;
  /** Whether a client is answered now, within 2 s. */
  answers(): Promise<boolean>;
  /** @returns when it began, by `performance.now()` */
  break(fault: Fault): Promise<number>;
  /** When its present run began, as the engine has it. */
  startedAt(): Promise<string>;
}

/** Started, answering, and asked twice a second from now on; its exporter and it share a network. */
export async function startStranger(stranger: Stranger, name: string): Promise<StrangerContainer> {
  await using cleanup = new AsyncDisposableStack();
  const { image, port, env = {}, memoryMb, metrics } = stranger;
  const exporter = typeof metrics === "object" ? metrics : undefined;
  if (exporter !== undefined) {
    await docker("network", "create", "--label", LABEL, name);
    cleanup.defer(async () => void (await docker("network", "rm", name)));
  }
  const run = async (called: string, args: readonly string[]) => {
    const network = exporter === undefined ? [] : ["--network", name];
    cleanup.defer(async () => void (await docker("rm", "--force", "--volumes", called)));
    await docker("run", "--detach", "--name", called, "--label", LABEL, ...network, ...args);
  };
  const published = freePort();
  const limits = ["--cpus", String(CPU_LIMIT), "--memory", `${memoryMb}m`];
  await run(name, [...limits, ...publish(published, port), ...withEnv(env), imageOf(image)]);
  const exporterPort = exporter === undefined ? undefined : freePort();
  if (exporter !== undefined && exporterPort !== undefined)
    await run(`${name}-exporter`, [
      ...publish(exporterPort, exporter.port),
      ...withEnv(exporter.env?.(name) ?? {}),
      imageOf(exporter.image),
      ...exporter.command(name),
    ]);
  const answers = () => isAnswered(published, stranger.exchange);
  await waitUntil(`${name} answers`, answers);
  if (exporterPort !== undefined)
    await waitUntil(`the exporter of ${name} answers`, () => hasPage(exporterPort));
  const traffic = setInterval(() => void answers(), TRAFFIC_EVERY_MS);
  cleanup.defer(() => clearInterval(traffic));
  const owned = cleanup.move();
  return {
    name,
    stranger,
    entry: entryOf(stranger, { name, published, metricsPort: exporterPort ?? published }),
    answers,
    break: (fault) => breakContainer(name, stranger, fault),
    startedAt: () => docker("inspect", "--format", "{{.State.StartedAt}}", name),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function publish(published: number, port: number): readonly string[] {
  return ["--publish", `127.0.0.1:${published}:${port}`];
}

function withEnv(env: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(env).flatMap(([key, value]) => ["--env", `${key}=${value}`]);
}

interface Addresses {
  readonly name: string;
  readonly published: number;
  readonly metricsPort: number;
}

function entryOf(
  { health, metrics }: Stranger,
  { name, published, metricsPort }: Addresses,
): StrangerContainer["entry"] {
  return {
    name,
    ...(health === undefined ? {} : { health: `${health}://127.0.0.1:${published}` }),
    ...(metrics === undefined ? {} : { metrics: `http://127.0.0.1:${metricsPort}/metrics` }),
  };
}

async function breakContainer(name: string, stranger: Stranger, fault: Fault): Promise<number> {
  const script = BREAKING[fault].script(stranger, await usedMb(name));
  const beganAtMs = performance.now();
  await docker("exec", "--detach", "--user", "root", name, "sh", "-c", script);
  return beganAtMs;
}

/** As the engine counts it: without the cache that the kernel can take back. */
async function usedMb(name: string): Promise<number> {
  const text = await docker("stats", "--no-stream", "--format", "{{.MemUsage}}", name);
  const [, amount, unit] = /^([\d.]+)([KMG]?i?B) \//.exec(text) ?? [];
  const bytes = { B: 1, KiB: 1024, MiB: MB, GiB: 1024 * MB }[unit ?? ""];
  if (bytes === undefined) throw new Error(`docker stats of ${name} says ${text}`);
  return (Number(amount) * bytes) / MB;
}

async function waitUntil(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const untilMs = performance.now() + START_DEADLINE_MS;
  while (!(await isSo())) {
    if (performance.now() > untilMs) throw new Error(`${what}: not within a minute`);
    await Bun.sleep(ASK_AGAIN_AFTER_MS);
  }
}

async function hasPage(port: number): Promise<boolean> {
  const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
  const response = await fetch(`http://127.0.0.1:${port}/metrics`, { signal }).catch(() => null);
  return response?.ok === true;
}

/** By a connection of its own. Whatever goes wrong is no answer. */
async function isAnswered(port: number, { send, expects }: Exchange): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), ANSWER_WITHIN_MS);
  let answer = "";
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      open: (opened) => void opened.write(send),
      data(_, bytes) {
        answer += bytes.toString("latin1");
        if (expects.test(answer)) resolve(true);
      },
      close: () => resolve(false),
      error: () => resolve(false),
      connectError: () => resolve(false),
    },
  }).catch(() => undefined);
  try {
    return socket !== undefined && (await promise);
  } finally {
    clearTimeout(timer);
    socket?.terminate();
  }
}
