/** The target's log events. `target/` knows no logger: it is handed one function. */

export type EventLevel = "info" | "warning" | "error";

/** Writes one event. It must not throw and is on the path of every request, so it should be cheap. */
export type EmitEvent = (
  level: EventLevel,
  event: string,
  fields: Readonly<Record<string, unknown>>,
) => void;
