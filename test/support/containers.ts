/** Containers of a test's own, of the image that whoever builds the project has, and an observer that heals them. */

import { BUN_IMAGE, docker, uniqueName } from "./docker.ts";
import { freePort } from "./free-port.ts";
import { type Observing, startObserving } from "./observing.ts";
import type { Environment } from "../../src/platforms/run-command.ts";

export interface Containers extends AsyncDisposable {
  /** Of this test alone: no container of anybody else is restarted. */
  readonly label: string;
  /** Starts one that wears the label, and gives its name. @param script for `sh -c` */
  run(what: string, script: string, ...options: readonly string[]): Promise<string>;
  /** An observer that watches them, and no service of its settings. */
  observe(env?: Environment): Observing;
}

/** All of it is removed at the end. */
export function ownContainers(): Containers {
  const label = `sentinel.heal=${crypto.randomUUID()}`;
  const names: string[] = [];
  return {
    label,
    async run(what, script, ...options) {
      const name = uniqueName(what);
      names.push(name);
      const own = ["--label", label, "--network", "none", "--entrypoint", "sh"];
      await docker("run", "--detach", "--name", name, ...own, ...options, BUN_IMAGE, "-c", script);
      return name;
    },
    observe(env = {}) {
      const TARGET_URL = `http://127.0.0.1:${freePort()}`;
      // Of the settings there is always a service: its container does not exist, and nothing is done to it.
      const nobody = { TARGET_URL, TARGET_CONTAINER: "sentinel-test-nobody" };
      return startObserving({ env: { ...nobody, HEAL_LABEL: label, ...env } });
    },
    async [Symbol.asyncDispose]() {
      if (names.length > 0) await docker("rm", "--force", "--volumes", ...names);
    },
  };
}

/** When its last run began, as its engine has it: another one means that it was started again. */
export function startedAt(name: string): Promise<string> {
  return docker("inspect", "--format", "{{.State.StartedAt}}", name);
}

/** How often its engine has started it again by itself: a restart by anybody else sets it back. */
export async function engineRestarts(name: string): Promise<number> {
  return Number(await docker("inspect", "--format", "{{.RestartCount}}", name));
}

const PATIENCE_MS = 120_000;
const LOOK_MS = 300;

/** Resolves when its engine has started it again so many times. */
export function untilRestarted(name: string, times: number): Promise<void> {
  return until(`restart ${times} of ${name}`, async () => (await engineRestarts(name)) >= times);
}

/** Resolves when it is so; with the patience that an engine needs. */
export async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const untilMs = performance.now() + PATIENCE_MS;
  while (!(await isSo())) {
    if (performance.now() > untilMs) throw new Error(`waited in vain for ${what}`);
    await Bun.sleep(LOOK_MS);
  }
}
