import { describe, expect, test } from "bun:test";
import { NEVER } from "../../../test/support/fixtures.ts";
import { SentinelError } from "../../core/errors.ts";
import type { Labels } from "../../core/model.ts";
import { followConventions } from "./follow.ts";

const PROCESS: Labels = { __name__: "process_cpu_seconds_total" };
const REQUESTS: Labels = { __name__: "http_requests_total", status: "200" };
const DURATIONS: Labels = { __name__: "http_request_duration_seconds_bucket" };
const SECOND_MS = 1000;

/** A source with those series, which may be changed, and what it was asked. */
function followed({ isEmbedded = false, convention = undefined as string | undefined } = {}) {
  const source = { series: [] as readonly Labels[], isAway: false, asked: 0 };
  const follower = followConventions(
    { job: "shop", convention },
    {
      async query(expr) {
        expect(expr).toContain('job="shop"');
        source.asked += 1;
        if (source.isAway) throw new SentinelError("source_unreachable", "away");
        return source.series.map((labels) => ({ labels, value: 1, timestampMs: 0 }));
      },
    },
    { isEmbedded },
  );
  const refresh = (atSeconds: number) => follower.refresh(atSeconds * SECOND_MS, NEVER);
  const errors = () => {
    const reading = follower.signals?.errorRatio;
    return reading?.kind === "readable" ? reading.readFrom : reading?.why;
  };
  return { source, follower, refresh, errors };
}

describe("what a service's metrics are called", () => {
  test("is not known before the first of its series", async () => {
    const { follower, refresh } = followed();
    expect(await refresh(0)).toBe(false);
    expect(follower.signals).toBeUndefined();
  });

  test("is asked again every 10 s until there are requests, then every 5 minutes", async () => {
    const { source, refresh, errors } = followed();
    source.series = [PROCESS];
    expect(await refresh(0)).toBe(true);
    expect(await refresh(9.9)).toBe(false);
    source.series = [PROCESS, REQUESTS, DURATIONS];
    expect(await refresh(10)).toBe(true);
    expect(errors()).toBe('http_requests_total{status=~"5.."}');
    expect(await refresh(309)).toBe(false);
    expect(await refresh(310)).toBe(true);
    expect(source.asked).toBe(3);
  });

  test("is looked up at each poll until then, where the series are Sentinel's own", async () => {
    const { source, refresh } = followed({ isEmbedded: true });
    source.series = [PROCESS];
    for (const at of [0, 1, 2]) expect(await refresh(at)).toBe(true);
    source.series = [REQUESTS, DURATIONS];
    expect(await refresh(3)).toBe(true);
    expect(await refresh(4)).toBe(false);
  });

  test("stays known while the service has just started, or the source is away", async () => {
    const { source, refresh, errors, follower } = followed();
    source.series = [PROCESS, REQUESTS];
    await refresh(0);
    source.series = [PROCESS];
    expect(await refresh(10)).toBe(true);
    expect(errors()).toBe('http_requests_total{status=~"5.."}');
    source.series = [];
    expect(await refresh(20)).toBe(false);
    source.isAway = true;
    expect(await refresh(30)).toBe(false);
    expect(follower.signals?.cpuCores.kind).toBe("readable");
    expect(errors()).toBe('http_requests_total{status=~"5.."}');
  });

  test("is another after a deploy, and an exporter takes the process away", async () => {
    const { source, refresh, errors, follower } = followed();
    source.series = [PROCESS, REQUESTS];
    await refresh(0);
    source.series = [
      { __name__: "gin_requests_total", code: "200" },
      PROCESS,
      { __name__: "redis_up" },
    ];
    await refresh(10);
    expect(errors()).toBe('gin_requests_total{code=~"5.."}');
    expect(follower.signals?.cpuCores.kind).toBe("unreadable");
  });

  test("is the one that is set", async () => {
    const { source, refresh, errors } = followed({ convention: "gin" });
    source.series = [REQUESTS, DURATIONS];
    await refresh(0);
    expect(errors()).toBe("its convention is set to gin, of which it has no series");
  });
});
