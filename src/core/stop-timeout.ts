/** How long a container has between being told to stop and being killed. */

/** What a container has to stop, unless it was given another time. */
export const STOP_TIMEOUT_MS = 10_000;
/** However long it was given: an action holds up those of all other services. */
export const MAX_STOP_TIMEOUT_MS = 10 * 60_000;
