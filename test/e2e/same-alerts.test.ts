/** One service with faults, and two observers of it: one on a real Prometheus, one that scrapes itself. */

import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { z } from "zod";
import {
  type Event,
  type RunningProcess,
  sentinelBinary,
  startProcess,
} from "../support/binary.ts";
import { describeUnless } from "../support/docker.ts";
import { type Observing, startObserving } from "../support/observing.ts";
import { startRealPrometheus, whyNoPrometheus } from "../support/prometheus.ts";
import { type Load, startLoad } from "./stack.ts";

setDefaultTimeout(180_000);

const JOB = "sentinel-target-api";
/** A blocked machine puts a scrape off; the source must not matter for what fires in the end. */
const FIRES_WITHIN_MS = 45_000;

/** Low, for a machine with little to spare. */
const THRESHOLDS = {
  CPU_THRESHOLD: "0.2",
  LATENCY_THRESHOLD: "0.3",
  MEMORY_THRESHOLD_BYTES: "200000000",
};

const changeSchema = z.object({
  event: z.literal("alert_changed"),
  from: z.string(),
  alert: z.object({
    name: z.string(),
    state: z.string(),
    severity: z.string(),
    threshold: z.number().optional(),
    labels: z.record(z.string(), z.string()),
  }),
});

describeUnless(whyNoPrometheus(), "a Prometheus and Sentinel's own scraping", () => {
  let target: RunningProcess;
  let url = "";
  let prometheus: Awaited<ReturnType<typeof startRealPrometheus>>;
  let observers: readonly Observing[] = [];
  let users: Load;

  beforeAll(async () => {
    target = startProcess([sentinelBinary(), "--role=target"], { env: { PORT: "0" } });
    url = String((await target.event(({ event }) => event === "target_started"))["url"]);
    // Without ordinary requests nothing would show that errors and waiting are over.
    users = startLoad(`${url}/api/items`, { users: 1, pauseMs: 100 });
    prometheus = await startRealPrometheus({ job: JOB, url, intervalMs: 1000 });
    const env = { TARGET_URL: url, AUTONOMY: "observe", ...THRESHOLDS };
    observers = [prometheus.url, "embedded"].map((PROMETHEUS_URL) =>
      startObserving({ env: { ...env, PROMETHEUS_URL } }),
    );
    await both((one) => one.event(({ event }) => event === "quiet"));
  });

  afterAll(async () => {
    await users?.stop();
    await both((one) => one[Symbol.asyncDispose]());
    await prometheus?.[Symbol.asyncDispose]();
    await target?.[Symbol.asyncDispose]();
  });

  async function both(work: (observer: Observing) => PromiseLike<unknown>): Promise<void> {
    await Promise.all(observers.map(work));
  }

  function fires(name: string) {
    return both((one) => one.event(isChange({ name, state: "firing" }), FIRES_WITHIN_MS));
  }

  function resolves(name: string) {
    const resolved = isChange({ name, state: "inactive", from: "firing" });
    return both((one) => one.event(resolved, FIRES_WITHIN_MS));
  }

  test("the same faults fire the same alerts, with the same labels, and resolve them", async () => {
    const crashing = startLoad(`${url}/stress/crash`, { users: 2, pauseMs: 100 });
    await fires("HighErrorRatio");
    await crashing.stop();

    const path = "/stress/latency?min_delay=0.5&max_delay=0.6";
    const slow = startLoad(url + path, { users: 4, pauseMs: 0 });
    await fires("HighLatency");
    await slow.stop();

    const burn = fetch(`${url}/stress/cpu?duration=8`);
    await fires("HighCpu");
    expect((await burn).status).toBe(200);
    await resolves("HighErrorRatio");
    await resolves("HighLatency");
    await resolves("HighCpu");

    expect((await fetch(`${url}/stress/memory?megabytes=250`)).status).toBe(200);
    await fires("HighMemory");

    target.kill("SIGKILL");
    await fires("TargetDown");

    const [ofPrometheus = [], ofSentinel] = observers.map((one) => fired(one.events()));
    expect(ofSentinel).toEqual(ofPrometheus);
    expect(ofPrometheus.map(({ name }) => name)).toEqual([
      "HighCpu",
      "HighErrorRatio",
      "HighLatency",
      "HighMemory",
      "TargetDown",
    ]);
  });
});

interface Change {
  readonly name: string;
  readonly state: string;
  readonly from?: string;
}

function isChange({ name, state, from }: Change): (event: Event) => boolean {
  return (event) => {
    const { data } = changeSchema.safeParse(event);
    if (data === undefined || (from ?? data.from) !== data.from) return false;
    return data.alert.name === name && data.alert.state === state;
  };
}

/** Every alert that ever fired, once, by name; but for what Sentinel asks by itself, from whichever source. */
function fired(events: readonly Event[]): readonly z.output<typeof changeSchema>["alert"][] {
  const changes = events.flatMap((event) => changeSchema.safeParse(event).data ?? []);
  const firing = changes
    .map(({ alert }) => alert)
    .filter(({ name, state }) => state === "firing" && name !== "ProbeFailing");
  const byName = new Map(firing.map((alert) => [alert.name, alert]));
  return [...byName.values()].sort((a, b) => a.name.localeCompare(b.name));
}
