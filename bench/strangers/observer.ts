/** The compiled observer as a user starts it, and what it tells of each service, with the time. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { waitForOk } from "../http-load.ts";
import { freePort } from "../report.ts";

export const POLL_INTERVAL_S = 5;
const START_DEADLINE_MS = 30_000;

const lineSchema = z.looseObject({
  event: z.string(),
  service: z.string().optional(),
  incident: z.string().optional(),
  alert: z.looseObject({ name: z.string(), state: z.string() }).optional(),
  action: z.string().optional(),
  closing: z
    .looseObject({
      result: z.string(),
      reason: z.string().optional(),
      verdict: z.looseObject({ kind: z.string() }).optional(),
    })
    .optional(),
});

/** A line of its log, when it came. */
export interface Told extends z.output<typeof lineSchema> {
  /** By `performance.now()`. */
  readonly atMs: number;
}

export interface Observer extends AsyncDisposable {
  /** All so far, in order. */
  readonly told: readonly Told[];
  /** Its log as it was written. */
  log(): string;
}

/**
 * Ready, with the entries given as its `sentinel.yaml`, and all settings at their defaults but what keeps
 * it off the rest of this machine.
 *
 * @param folder of its own
 */
export async function startObserver(
  sentinel: string,
  folder: string,
  services: readonly Readonly<Record<string, string>>[],
): Promise<Observer> {
  // Each JSON text is one of YAML as well.
  writeFileSync(join(folder, "sentinel.yaml"), JSON.stringify({ services }));
  const port = freePort();
  const child = Bun.spawn([sentinel, "--role=observer"], {
    cwd: folder,
    env: {
      PATH: process.env["PATH"],
      HOME: process.env["HOME"],
      DOCKER_HOST: process.env["DOCKER_HOST"],
      PROMETHEUS_URL: "embedded",
      POLL_INTERVAL: String(POLL_INTERVAL_S),
      OBSERVER_PORT: String(port),
      LOCAL_MODELS: "none",
      LOG_FORMAT: "json",
      HEAL_LABEL: `sentinel.strangers=${crypto.randomUUID()}`,
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const told: Told[] = [];
  const lines: string[] = [];
  const reading = readLines(child.stdout, (line) => {
    lines.push(line);
    const read = lineSchema.safeParse(parseObject(line));
    if (read.success) told.push({ ...read.data, atMs: performance.now() });
  });
  try {
    await waitForOk(port, START_DEADLINE_MS, "/ready");
  } catch (error) {
    child.kill();
    throw error;
  }
  return {
    told,
    log: () => lines.join("\n"),
    async [Symbol.asyncDispose]() {
      child.kill();
      await child.exited;
      await reading;
    },
  };
}

function parseObject(line: string): unknown {
  return line.startsWith("{") ? JSON.parse(line) : undefined;
}

async function readLines(
  stream: ReadableStream<Uint8Array>,
  take: (line: string) => void,
): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    lines.forEach(take);
  }
}
