/** What a rule permits, of what a service is offered. */

import {
  type ActionId,
  type Allowlist,
  type Effect,
  EFFECTS,
  offeredActions,
  type Permit,
} from "../allowlist.ts";
import type { Service } from "../core/model.ts";

/** The annotation that lists, separated by commas, what an alert may lead to: effects, or ids. */
export const PERMITS_ANNOTATION = "sentinel_actions";

/** For an alert about a process that runs. */
export const CURES: readonly Effect[] = ["restart"];

/** For an alert about one that may not run, or not exist. */
export const REVIVALS: readonly Effect[] = ["restart", "create", "start"];

interface Offer {
  readonly service: Pick<Service, "actions">;
  readonly allowlist: Allowlist;
}

/**
 * The ids that a rule permits on one service. An id stands for itself, offered or not. An effect stands for
 * what has it on the service's platform; what acts on other services as well is for a service alone that
 * names it.
 *
 * @returns in order of preference: the narrowest of each that is permitted, then the next of each
 */
export function permittedActions(
  permits: readonly Permit[],
  { service, allowlist }: Offer,
): readonly ActionId[] {
  const able = offeredActions(allowlist).filter(
    ({ id, touchesOthers }) => !touchesOthers || service.actions.includes(id),
  );
  const queues = permits.map((permit) =>
    isEffect(permit)
      ? able.filter(({ effects }) => effects.includes(permit)).map(({ id }) => id)
      : [permit],
  );
  const permitted = new Set<ActionId>();
  for (let isLeft = true; isLeft;) {
    isLeft = false;
    for (const queue of queues) {
      const next = queue.find((id) => !permitted.has(id));
      if (next === undefined) continue;
      permitted.add(next);
      isLeft = true;
    }
  }
  return [...permitted];
}

function isEffect(permit: Permit): permit is Effect {
  return EFFECTS.some((effect) => effect === permit);
}
