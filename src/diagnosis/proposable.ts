/** What a diagnosis is to choose from, of all that a service is offered. */

import {
  type ActionId,
  type AllowedAction,
  type Allowlist,
  type Effect,
  EFFECTS,
  offeredActions,
} from "../allowlist.ts";

/**
 * What has that effect and may be run without a person. Where nothing may, a person decides, and what has
 * it on this service alone is there, or else all that has it.
 *
 * @param unattended ids that may be run without a person
 * @returns narrowest first
 */
export function actionsFor(
  effect: Effect,
  allowlist: Allowlist,
  unattended: readonly ActionId[],
): readonly AllowedAction[] {
  const able = offeredActions(allowlist).filter(({ effects }) => effects.includes(effect));
  const tiers = [
    able.filter(({ id }) => unattended.includes(id)),
    able.filter((action) => !action.touchesOthers),
  ];
  return tiers.find((tier) => tier.length > 0) ?? able;
}

/** What a diagnosis is to choose from: all of `actionsFor` each effect, narrowest first. */
export function proposableActions(
  allowlist: Allowlist,
  unattended: readonly ActionId[],
): readonly AllowedAction[] {
  const proposable = new Set(
    EFFECTS.flatMap((effect) => actionsFor(effect, allowlist, unattended)),
  );
  return offeredActions(allowlist).filter((action) => proposable.has(action));
}
