/** Which services Compose can act on alone, and what a person reads of those on which it cannot. */

import type { Service } from "../core/model.ts";
import type { ServiceContext } from "../incident/context.ts";
import type { ComposeLookup } from "../platforms/docker/compose-lookup.ts";

/** How many services one notice names. */
const MAX_NAMES = 5;

/** Names of the containers that Compose may have made. */
export function composedNames(services: readonly Service[]): readonly string[] {
  return services.filter(({ usesCompose }) => usesCompose).map(({ name }) => name);
}

/** The same lookup, which says why a service can't be acted on alone: once for each reason. */
export function tellingLookup(lookup: ComposeLookup, say: (text: string) => void): ComposeLookup {
  const reported = new Map<string, string>();
  return {
    async find(names, signal) {
      const found = await lookup.find(names, signal);
      if (signal.aborted) return found;
      const news = new Map<string, string[]>();
      for (const [name, seen] of found) {
        const reason = seen.kind === "found" ? undefined : seen.reason;
        if (reason === undefined) reported.delete(name);
        if (reason === undefined || reported.get(name) === reason) continue;
        reported.set(name, reason);
        news.getOrInsert(reason, []).push(name);
      }
      for (const [reason, about] of news) say(notOffered(about, reason));
      return found;
    },
  };
}

function notOffered(names: readonly string[], reason: string): string {
  const more = names.length - MAX_NAMES;
  const shown = names.slice(0, MAX_NAMES).join(", ") + (more > 0 ? ` and ${more} more` : "");
  return `${shown}: compose-service-restart and compose-service-up are not offered: ${reason}`;
}

/** The lookup of one service, as an incident needs it. */
export function findOne(lookup: ComposeLookup): NonNullable<ServiceContext["findComposeService"]> {
  return async (service, signal) => {
    const found = (await lookup.find([service], signal)).get(service);
    return found ?? { kind: "unreadable", reason: "it was not looked for" };
  };
}
