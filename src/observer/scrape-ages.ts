/** How old the newest scrapes are, asked when somebody wants to know whether the observer is ready. */

import type { SignalSource } from "../core/ports.ts";
import type { ScrapeAges } from "../http/readiness.ts";

const DEADLINE_MS = 2000;

/** Two queries, however many services there are. @returns `undefined` if the source gives no answer */
export async function readScrapeAges({
  source,
  own,
}: Record<"source" | "own", SignalSource>): Promise<ScrapeAges | undefined> {
  const signal = AbortSignal.timeout(DEADLINE_MS);
  const agesBy = async (asked: SignalSource, label: string, series: string) => {
    const samples = await asked.query(`time() - max by (${label}) (timestamp(${series}))`, signal);
    return new Map(samples.map(({ labels, value }) => [labels[label] ?? "", value * 1000]));
  };
  try {
    const [ofJobs, ofContainers] = await Promise.all([
      agesBy(source, "job", "up"),
      agesBy(own, "container", "container_up"),
    ]);
    return { ofJobs, ofContainers };
  } catch {
    // Each poll asks the same source, and says why it gives no answer.
    return undefined;
  }
}
