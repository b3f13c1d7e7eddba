/** What may be run on a service in one incident. */

import { allowlistFor } from "../allowlist.ts";
import type { Context } from "./context.ts";

/**
 * The same context with the actions of now: its container may be another than at the last incident, and
 * belong to another Compose project. It is called before anything of the incident is read, and what it
 * settles holds to the end.
 */
export async function settleActions(context: Context, signal: AbortSignal): Promise<Context> {
  const { policy, world } = context;
  const { name, platform } = policy.service;
  if (world.findComposeService === undefined || !policy.service.usesCompose) return context;
  const found = await world.findComposeService(name, signal);
  const compose = found.kind === "found" ? found.value : undefined;
  const usesCompose = world.hasComposeFile?.() ?? true;
  const allowlist = allowlistFor(name, { platform, usesCompose, compose });
  return { ...context, policy: { ...policy, allowlist } };
}
