import { expect, test } from "bun:test";
import type { Poll } from "../core/monitor.ts";
import { type WatchedService, whyNotReady } from "./readiness.ts";

const INTERVAL_MS = 5000;
const NOW_MS = 1_000_000;

/** Polled just now, and answered so long ago. */
function watched(name: string, answeredAgoMs?: number, sourceDown?: string): WatchedService {
  const lastPoll: Poll = {
    atMs: NOW_MS,
    sourceDown,
    alerts: [],
    atRest: () => [],
    evaluationOf: () => undefined,
  };
  const answeredAtMs = answeredAgoMs === undefined ? undefined : NOW_MS - answeredAgoMs;
  return { service: { name }, monitor: { rules: [], lastPoll, answeredAtMs } };
}

const UNREAD: WatchedService = {
  service: { name: "api" },
  monitor: { rules: [], lastPoll: undefined, answeredAtMs: undefined },
};

test.each<[string, WatchedService[], string | undefined]>([
  ["before the first poll", [UNREAD], "api has not been read yet"],
  [
    "after a first poll that failed",
    [watched("api", undefined, "it refuses")],
    "api has not been read yet: it refuses",
  ],
  ["after a poll that was answered", [watched("api", 0)], undefined],
  ["while a failure is short", [watched("api", 6000, "it refuses")], undefined],
  ["five intervals after the last answer", [watched("api", 25_000)], undefined],
  ["later than that", [watched("api", 25_001)], "api was last read 25 s ago"],
  [
    "later than that, since the source is down",
    [watched("api", 40_000, "it refuses")],
    "api was last read 40 s ago: it refuses",
  ],
  [
    "if one of two services is not read",
    [watched("web", 0), watched("api", 40_000)],
    "api was last read 40 s ago",
  ],
  ["with nothing to watch", [], undefined],
  ["after the clock was put back", [watched("api", -60_000)], undefined],
])("%s", (_, services, reason) => {
  expect(whyNotReady(services, { nowMs: NOW_MS, intervalMs: INTERVAL_MS })).toBe(reason);
});
