import { describe, expect, test } from "bun:test";
import { alert, rule, SERVICE_NAME, START_MS } from "../../test/support/fixtures.ts";
import { createTeller } from "../../test/support/teller.ts";
import { toLogLine } from "./event-line.ts";
import type { IncidentEvent, WatchEvent } from "../core/events.ts";
import type { Closing } from "../core/model.ts";

const stamp = { atMs: START_MS, service: SERVICE_NAME };

function closed(closing: Partial<Closing>) {
  const times = { detectedAfterMs: 1, actedAfterMs: 2, healedAfterMs: undefined };
  const whole: Closing = { result: "acted", verdict: undefined, ...times, ...closing };
  return { type: "incident_closed", closing: whole } as const;
}

describe("an alert in a log line", () => {
  test("is told by what identifies it, by how much, and since when", () => {
    const event: WatchEvent = { type: "alert_changed", alert: alert(), from: "pending" };
    expect(toLogLine({ ...event, ...stamp })).toEqual({
      level: "warning",
      event: "alert_changed",
      fields: {
        from: "pending",
        service: SERVICE_NAME,
        alert: {
          name: "HighCpu",
          state: "firing",
          severity: "high",
          value: 1.9,
          threshold: 0.5,
          labels: { alertname: "HighCpu", service: SERVICE_NAME, severity: "high" },
          summary: "CPU use is 1.9 cores",
          active_at: "2025-01-01T12:00:00.000Z",
          firing_at: "2025-01-01T12:00:00.000Z",
          no_data_reason: undefined,
        },
      },
    });
  });

  test("that has no data says why, and has neither a time nor a summary", () => {
    const missing = alert({
      state: "no_data",
      value: undefined,
      activeAtMs: undefined,
      firingAtMs: undefined,
      noDataReason: "there are no samples",
    });
    const line = toLogLine({ type: "quiet", alerts: [missing], ...stamp });
    expect(line.level).toBe("info");
    expect(JSON.parse(JSON.stringify(line.fields))).toEqual({
      service: SERVICE_NAME,
      alerts: [
        {
          name: "HighCpu",
          state: "no_data",
          severity: "high",
          threshold: 0.5,
          labels: missing.labels,
          no_data_reason: "there are no samples",
        },
      ],
    });
  });
});

test("what only the readers of an event need is in no log line", async () => {
  const told = await createTeller();
  const opened: IncidentEvent = { type: "incident_opened", alert: alert(), onsetMs: undefined };
  const event = await told({ ...opened, ...stamp, incident: "x" });
  expect(event.record?.phase).toBe("investigating");
  expect(toLogLine(event)).toEqual(toLogLine({ ...opened, ...stamp, incident: "x" }));
  expect(Object.keys(toLogLine(event).fields).toSorted()).toEqual([
    "alert",
    "incident",
    "onset",
    "service",
  ]);
});

test("credentials are masked in a log line", () => {
  const labels = { token: "abc", path: "/x?password=abcdef" };
  const event: WatchEvent = { type: "alert_changed", alert: alert({ labels }), from: "pending" };
  expect(toLogLine({ ...event, ...stamp }).fields).toMatchObject({
    alert: { labels: { token: "[masked]", path: "/x?password=[masked]" } },
  });
});

test.each<[string, WatchEvent | IncidentEvent]>([
  ["info", { type: "source_back" }],
  ["warning", { type: "source_down", reason: "gone" }],
  ["info", { type: "alert_changed", alert: alert({ state: "inactive" }), from: "firing" }],
  ["info", { type: "alert_changed", alert: alert({ state: "pending" }), from: "inactive" }],
  ["warning", { type: "alert_changed", alert: alert(), from: "inactive" }],
  ["warning", { type: "incident_opened", alert: alert({ rule: rule() }), onsetMs: undefined }],
  ["info", closed({ verdict: { kind: "healed", reason: "" } })],
  ["error", closed({ verdict: { kind: "not_healed", reason: "" } })],
  ["error", closed({ verdict: { kind: "unknown", reason: "" } })],
  ["warning", closed({ result: "held" })],
  ["info", closed({ result: "skipped" })],
])("the level is %s for %j", (level, event) => {
  const line = toLogLine(Object.assign({ incident: "x", ...stamp }, event));
  expect(line.level as string).toBe(level);
});
