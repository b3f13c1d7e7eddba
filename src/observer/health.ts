/** Asks how a service is, in the way that its settings say. */

import { connect } from "node:net";
import { messageOf } from "../core/errors.ts";
import type { HealthAnswer, Service } from "../core/model.ts";
import type { Platform } from "../core/ports.ts";
import { exactSeconds } from "../text/time.ts";
import { healthcheck } from "./healthcheck.ts";

const PLATFORM_DEADLINE_MS = 5000;
const CONNECT_DEADLINE_MS = 3000;

/** @returns `undefined` for a service that has no health check */
export async function checkHealth(
  { name, health }: Pick<Service, "name" | "health">,
  platform: Pick<Platform, "inspect">,
): Promise<HealthAnswer | undefined> {
  if (health === "none") return undefined;
  if (health === "container") return askPlatform(name, platform);
  if ("tcp" in health) return takesConnections(health.tcp);
  return healthcheck(health.http);
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
    return { ok, message: `its runtime says: ${status}, health ${health}` };
  } catch (error) {
    return { ok: false, message: messageOf(error) };
  }
}

/** One connection, which is closed at once. */
function takesConnections({
  host,
  port,
}: {
  readonly host: string;
  readonly port: number;
}): Promise<HealthAnswer> {
  const { promise, resolve } = Promise.withResolvers<HealthAnswer>();
  const shown = `tcp://${host.includes(":") ? `[${host}]` : host}:${port}`;
  const fail = (why: string) => resolve({ ok: false, message: `${shown}: ${why}` });
  const late = () => fail(`no connection within ${exactSeconds(CONNECT_DEADLINE_MS)}`);
  const timer = setTimeout(late, CONNECT_DEADLINE_MS);
  const socket = connect({ host, port });
  socket.on("connect", () => resolve({ ok: true, message: `${shown}: takes connections` }));
  socket.on("error", (error) => fail(error.message));
  return promise.finally(() => {
    clearTimeout(timer);
    socket.destroy();
  });
}
