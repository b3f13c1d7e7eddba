/** Asks how a service is, in the way that its settings say. */

import { messageOf } from "../core/errors.ts";
import type { HealthAnswer, Service } from "../core/model.ts";
import type { Platform } from "../core/ports.ts";
import { probe } from "../signals/probes/probes.ts";

const PLATFORM_DEADLINE_MS = 5000;
const PROBE_DEADLINE_MS = 3000;

/** @returns `undefined` for a service that has no health check */
export async function checkHealth(
  { name, health }: Pick<Service, "name" | "health">,
  platform: Pick<Platform, "inspect">,
): Promise<HealthAnswer | undefined> {
  if (health === "none") return undefined;
  if (health === "container") return askPlatform(name, platform);
  const { ok, message } = await probe(health, { deadlineMs: PROBE_DEADLINE_MS });
  return { ok, message };
}

/** What a container's own HEALTHCHECK says. */
async function askPlatform(
  name: string,
  platform: Pick<Platform, "inspect">,
): Promise<HealthAnswer> {
  try {
    const state = await platform.inspect(name, AbortSignal.timeout(PLATFORM_DEADLINE_MS));
    if (state === undefined) return { ok: false, message: "its container does not exist" };
    const { health, status } = state;
    // Without a HEALTHCHECK there is nothing but that it runs.
    const ok = health === "none" ? status === "running" : health === "healthy";
    const said =
      health === "none" ? "; without a HEALTHCHECK no more is known" : `, health ${health}`;
    return { ok, message: `its runtime says: ${status}${said}` };
  } catch (error) {
    return { ok: false, message: messageOf(error) };
  }
}
