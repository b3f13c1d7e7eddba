/** What a person is told of the metrics of a service: which signals are read from what, and which cannot be judged. */

import type { Service } from "../core/model.ts";
import type { SignalSource } from "../core/ports.ts";
import type { Signal } from "../rules/conventions/convention.ts";
import type { ServiceReading } from "../rules/conventions/find.ts";
import { findSignals } from "../rules/conventions/follow.ts";
import { type JudgedSignal, judgeSignals } from "../rules/conventions/judge.ts";

const SHOWN = {
  requestRate: "requests",
  errorRatio: "errors",
  latency: "latency",
  inFlight: "in flight",
  cpuCores: "CPU",
  memoryBytes: "memory",
  startTime: "started",
  liveness: "up",
} satisfies Record<Signal, string>;

/** No expression is shown, so that any will do. */
const SPAN = { window: "1m", quantile: 0.9 };

/** The topic of the lines at the start. */
export const SIGNAL_TABLE = "measured";

/** More tables than these are no help at the start. */
const MOST_TABLES = 5;

/**
 * What each service's signals are read from, as lines for the start. What is not known yet, or cannot be
 * asked, is told by the loops that follow.
 */
export async function startTable(
  services: readonly Service[],
  source: Pick<SignalSource, "query">,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const measured = services.filter(({ job }) => job !== undefined);
  if (measured.length > MOST_TABLES)
    return [`of ${measured.length} services; sentinel check shows what each is read from`];
  const tables = measured.map((service) =>
    describeSignals(service, source, signal).catch(() => []),
  );
  return (await Promise.all(tables)).flat();
}

/**
 * A small table for one service; its first line says by which conventions.
 *
 * @throws SentinelError `source_*` if the source gives no answer
 */
export async function describeSignals(
  service: Service,
  source: Pick<SignalSource, "query">,
  signal: AbortSignal,
): Promise<string[]> {
  const reading =
    service.job === undefined ? undefined : await findSignals(service, source, signal);
  const judged = judgeSignals(service, reading, SPAN);
  // What is alike is said once.
  const byText = Map.groupBy(judged, describe);
  const rows = [...byText].map(([text, alike]) => ({
    names: alike.map((one) => SHOWN[one.signal]).join(", "),
    text,
  }));
  const width = Math.max(...rows.map(({ names }) => names.length));
  const lines = rows.map(({ names, text }) => `  ${names.padEnd(width)}  ${text}`);
  return [titleOf(service, reading), ...lines];
}

function titleOf({ name, convention }: Service, reading: ServiceReading | undefined): string {
  const [best, ...others] = reading?.conventions ?? [];
  if (best === undefined) return `Signals of ${name}:`;
  const used = convention ?? best;
  const rest = [best, ...others].filter((one) => one !== used);
  const fits = rest.length === 0 ? "" : `; it also follows ${rest.join(", ")}`;
  return `Signals of ${name}, by the convention ${used}${fits}:`;
}

function describe(judged: JudgedSignal): string {
  if ("readFrom" in judged) return judged.readFrom;
  return `not judged: ${judged.why}; it takes ${judged.whatWouldChangeIt}`;
}
