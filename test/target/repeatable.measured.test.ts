/** The same seed, the same requests, the same outcomes: in another process as well. */

import { beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { sentinelBinary } from "../support/binary.ts";
import { type FaultBody, startTarget } from "./target.ts";

setDefaultTimeout(60_000);

beforeAll(() => void sentinelBinary());

const REQUESTS = 1000;
/** Above what an answer that nothing delays takes on a busy machine. */
const DELAY_MS = 400;
/** Who has no answer yet has been seen by the target; the next one may be sent. */
const NEXT_AFTER_MS = 100;

/** What became of a request: its status, late or not; or that it hung. */
type Outcome = `${"at once" | "late"}: ${number}` | "hung";

const FAULTS = [
  { kind: "errors", status: 503, probability: 0.3 },
  { kind: "latency", min: DELAY_MS / 1000, max: DELAY_MS / 1000, share: 0.04 },
  { kind: "hang", share: 0.02 },
] as const satisfies readonly FaultBody[];

/** Sends the requests one after the other to a target of its own, with all faults from that seed. */
async function outcomesOf(seed: number): Promise<readonly Outcome[]> {
  await using target = await startTarget();
  for (const fault of FAULTS) await target.post({ ...fault, seed: seed + FAULTS.indexOf(fault) });
  const hangOver = new AbortController();
  const outcomeOf = async (): Promise<Outcome> => {
    const fromMs = performance.now();
    try {
      const { status } = await target.get("/api/items", { signal: hangOver.signal });
      return `${performance.now() - fromMs < DELAY_MS - 1 ? "at once" : "late"}: ${status}`;
    } catch (error) {
      if (!hangOver.signal.aborted) throw error;
      return "hung";
    }
  };
  const outcomes: Promise<Outcome>[] = [];
  while (outcomes.length < REQUESTS) {
    const outcome = outcomeOf();
    outcomes.push(outcome);
    await Promise.race([outcome, Bun.sleep(NEXT_AFTER_MS)]);
  }
  await Bun.sleep(3 * DELAY_MS);
  hangOver.abort();
  return Promise.all(outcomes);
}

describe("1,000 requests under errors, latency and hang", () => {
  test("have the same outcomes from the same seed, and others from another", async () => {
    const [first, again, other] = await Promise.all([2026, 2026, 4052].map(outcomesOf));
    const kinds = new Set(first);
    expect([...kinds].sort()).toEqual([
      "at once: 200",
      "at once: 503",
      "hung",
      "late: 200",
      "late: 503",
    ]);
    expect(again).toEqual(first ?? []);
    const different = first?.filter((outcome, index) => outcome !== other?.[index]).length ?? 0;
    // Two draws that know nothing of each other differ in about half of the requests.
    expect(different / REQUESTS).toBeGreaterThan(0.3);
  });

  test("a seed that nobody chose is told, and repeats what it did", async () => {
    const statuses = async (body: FaultBody) => {
      await using target = await startTarget();
      const { seed } = await target.post(body);
      const seen: number[] = [];
      while (seen.length < 200) seen.push((await target.get("/api/items")).status);
      return { seed, seen };
    };
    const errors = { kind: "errors", probability: 0.5 };
    const { seed, seen } = await statuses(errors);
    expect((await statuses({ ...errors, seed })).seen).toEqual(seen);
    expect((await statuses(errors)).seen).not.toEqual(seen);
  });
});
