/** For each signal of a service what it is read from, or why it cannot be judged. Pure. */

import type { Service } from "../../core/model.ts";
import { type Signal, SIGNALS, type Span } from "./convention.ts";
import type { ServiceReading } from "./find.ts";

export type JudgedSignal =
  | { readonly signal: Signal; readonly readFrom: string; readonly expr: string }
  | { readonly signal: Signal; readonly why: string; readonly whatWouldChangeIt: string };

/**
 * One for each of `SIGNALS`, in their order.
 *
 * @param reading of the service's series; `undefined` if none that is known has been seen
 */
export function judgeSignals(
  { job }: Pick<Service, "job">,
  reading: ServiceReading | undefined,
  span: Span,
): readonly JudgedSignal[] {
  return SIGNALS.map((signal): JudgedSignal => {
    if (job === undefined) return { signal, ...WITHOUT_METRICS };
    if (reading === undefined)
      return {
        signal,
        why: `no known metric of job ${job} has been seen`,
        whatWouldChangeIt: `a scrape of job ${job} that succeeds`,
      };
    const read = reading.signals[signal];
    if (read.kind === "unreadable")
      return { signal, why: read.why, whatWouldChangeIt: read.whatWouldChangeIt };
    const expr = read.expr(`job=${JSON.stringify(job)}`, span);
    return { signal, readFrom: read.readFrom, expr };
  });
}

const WITHOUT_METRICS = {
  why: "it has no metrics of its own",
  whatWouldChangeIt: "a job of its own, whose metrics are scraped",
} as const;
