/** What the built-in rules permit. */

import { type ActionId, touchesOthers } from "../allowlist.ts";
import type { Service } from "../core/model.ts";

/** What cures a process that runs; narrowest first. */
const RESTARTS: readonly ActionId[] = [
  "docker-restart",
  "compose-service-restart",
  "compose-restart",
  "supervisor-restart",
];

/** What brings back one that does not. */
const REVIVALS: readonly ActionId[] = [
  "docker-restart",
  "compose-service-up",
  "compose-up",
  "compose-service-restart",
  "compose-restart",
  "supervisor-restart",
  "supervisor-start",
];

/** For an alert about a process that runs, as the annotation lists it. */
export function permittedRestarts(service: Service): string {
  return permitted(RESTARTS, service);
}

/** For an alert about one that may not. */
export function permittedRevivals(service: Service): string {
  return permitted(REVIVALS, service);
}

/** What acts on other services as well is for a service alone that names it. */
function permitted(ids: readonly ActionId[], { actions }: Service): string {
  return ids.filter((id) => !touchesOthers(id) || actions.includes(id)).join(", ");
}
