/** What may be run on a service in one incident. */

import { allowlistFor } from "../allowlist.ts";
import type { IncidentContext } from "./context.ts";

/**
 * The same context with the actions of now: its container may be another than at the last incident, and
 * belong to another Compose project. It is called before anything of the incident is read, and what it
 * settles holds to the end.
 */
export async function settleActions(
  context: IncidentContext,
  signal: AbortSignal,
): Promise<IncidentContext> {
  const { policy, serviceContext } = context;
  const { name, platform } = policy.service;
  if (serviceContext.findComposeService === undefined || !policy.service.usesCompose)
    return context;
  const found = await serviceContext.findComposeService(name, signal);
  const compose = found.kind === "found" ? found.value : undefined;
  const usesCompose = serviceContext.hasComposeFile?.() ?? true;
  const allowlist = allowlistFor(name, { platform, usesCompose, compose });
  return { ...context, policy: { ...policy, allowlist } };
}
