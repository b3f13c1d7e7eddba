/** Is a Docker engine there? What needs one says why it was skipped; with CI=true it must run. */

import { describe, test } from "bun:test";
import { messageOf } from "../../src/core/errors.ts";
import { reachDocker } from "../../src/platforms/docker/docker.ts";
import { childEnvironment, lastLine, runCommand } from "../../src/platforms/run-command.ts";

/** In which the project's own image is built: whoever can build that has this. */
export const BUN_IMAGE = "oven/bun:1.4.5";

/** What `docker compose up` builds on and runs; the second is what the target runs on. */
export const STACK_IMAGES: readonly string[] = [
  BUN_IMAGE,
  "gcr.io/distroless/base-nossl-debian12:nonroot",
  "prom/prometheus:v3.5.3",
];

const ENGINE_DEADLINE_MS = 10_000;
const PULL_DEADLINE_MS = 180_000;
const COMMAND_DEADLINE_MS = 120_000;

/** Why tests cannot use a real engine, Compose and these images; `undefined` if they can. */
export async function whyNoDocker(images: readonly string[] = []): Promise<string | undefined> {
  try {
    await reachDocker(AbortSignal.timeout(ENGINE_DEADLINE_MS));
    await docker("compose", "version");
    for (const image of images) await needImage(image);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

/**
 * A `describe` that is skipped, visibly, if there is a reason; with CI=true it fails instead.
 *
 * @param missing as from `whyNoDocker` or `whyNoPrometheus`
 */
export function describeUnless(missing: string | undefined, name: string, body: () => void): void {
  if (missing === undefined) return describe(name, body);
  if (process.env["CI"] === "true") {
    test(`${name}: what it needs is there`, () => {
      throw new Error(missing);
    });
    return;
  }
  console.warn(`skipped: ${name}: ${missing}`);
  describe.skip(`${name} (skipped: ${missing})`, body);
}

/**
 * Runs the `docker` command of this machine, for a test's own set-up and cleaning up.
 *
 * @returns standard output, trimmed
 * @throws Error with the command's own words if it fails
 */
export async function docker(...args: readonly string[]): Promise<string> {
  const options = { env: childEnvironment(), deadlineMs: COMMAND_DEADLINE_MS };
  const result = await runCommand(["docker", ...args], options, new AbortController().signal);
  if (result.kind !== "succeeded")
    throw new Error(`docker ${args.join(" ")}: ${lastLine(result.output) || result.kind}`);
  return result.stdout.trim();
}

/** A name that no other run uses. */
export function uniqueName(what: string): string {
  return `sentinel-test-${what}-${crypto.randomUUID().slice(0, 8)}`;
}

async function needImage(image: string): Promise<void> {
  const never = new AbortController().signal;
  const inspect = ["docker", "image", "inspect", image];
  const found = await runCommand(inspect, { deadlineMs: ENGINE_DEADLINE_MS }, never);
  if (found.kind === "succeeded") return;
  const pull = ["docker", "pull", "--quiet", image];
  const pulled = await runCommand(pull, { deadlineMs: PULL_DEADLINE_MS }, never);
  if (pulled.kind !== "succeeded")
    throw new Error(`${image} cannot be pulled: ${lastLine(pulled.output) || pulled.kind}`);
}
