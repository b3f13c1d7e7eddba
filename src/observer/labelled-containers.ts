/** Services that a platform finds by itself, such as by a label: watched from when each is found to when it is gone. */

import { defaultActions, type PlatformName } from "../allowlist.ts";
import type { Service } from "../core/model.ts";
import { GONE } from "../incident/service-loop.ts";
import type { EmbeddedSource } from "../signals/embedded/embedded.ts";
import { createPlatformNotices } from "./platform-notices.ts";
import { systemClock } from "./system-clock.ts";

interface LabelledOptions {
  readonly own: Pick<EmbeddedSource, "platforms">;
  readonly pollIntervalMs: number;
  /** The time between the starts of two service loops. */
  readonly apartMs: number;
  /** Watched in any case, with the label or without. */
  readonly configured: readonly Service[];
  /** Watches one until the signal aborts, with `GONE` when there is no such container any more. */
  watch(service: Service, signal: AbortSignal): Promise<void>;
  /** Called for a service that is no longer watched. */
  forget(service: string): void;
  say(topic: string, text: string): void;
}

/** Watches them until the signal aborts. */
export async function watchLabelled(options: LabelledOptions, signal: AbortSignal): Promise<void> {
  await new LabelledContainers(options).run(signal);
}

interface Running {
  readonly stop: AbortController;
  readonly done: Promise<void>;
}

class LabelledContainers {
  readonly #options: LabelledOptions;
  /** By the container's name. */
  readonly #running = new Map<string, Running>();

  constructor(options: LabelledOptions) {
    this.#options = options;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { own, pollIntervalMs, configured, say } = this.#options;
    const isConfigured = new Set(configured.map(({ name }) => name));
    const notices = new Map(
      own
        .platforms()
        .map(({ platform: topic }) => [topic, createPlatformNotices((text) => say(topic, text))]),
    );
    while (!signal.aborted) {
      const found = new Map<string, PlatformName>();
      for (const state of own.platforms()) {
        notices.get(state.platform)?.(state);
        for (const name of state.found)
          if (!isConfigured.has(name)) found.set(name, state.platform);
      }
      for (const [name, platform] of found) await this.#begin(foundService(name, platform), signal);
      for (const name of this.#running.keys()) if (!found.has(name)) await this.#end(name);
      await systemClock.sleep(pollIntervalMs, signal);
    }
    await Promise.all([...this.#running.values()].map(({ done }) => done));
  }

  async #begin(service: Service, signal: AbortSignal): Promise<void> {
    const { name } = service;
    const { apartMs, watch, say } = this.#options;
    if (this.#running.has(name)) return;
    await systemClock.sleep(apartMs, signal);
    const stop = new AbortController();
    const done = watch(service, AbortSignal.any([signal, stop.signal]));
    this.#running.set(name, { stop, done });
    say("watching", `${name} as well, for its label`);
  }

  async #end(name: string): Promise<void> {
    const { forget, say } = this.#options;
    const running = this.#running.get(name);
    running?.stop.abort(GONE);
    await running?.done;
    this.#running.delete(name);
    forget(name);
    say("watching", `${name} no longer: it is gone`);
  }
}

function foundService(name: string, platform: PlatformName): Service {
  const actions = defaultActions(platform);
  return { name, job: undefined, health: "container", platform, actions };
}
