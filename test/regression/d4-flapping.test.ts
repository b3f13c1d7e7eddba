import { expect, setDefaultTimeout, test } from "bun:test";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runToEnd, sentinelBinary } from "../support/binary.ts";
import { freshJournal } from "../support/fresh-journal.ts";
import { startObserving } from "../support/observing.ts";
import { startAnswering } from "../support/prometheus-answers.ts";

setDefaultTimeout(120_000);

const FLIP_MS = 2000;

test("D4: a rule that flips every 2 s is one incident with one diagnosis, and says how often", async () => {
  using prometheus = startAnswering((query) => {
    if (!query.includes("queue_length")) return undefined;
    return Math.floor(Date.now() / FLIP_MS) % 2 === 0 ? 9 : 1;
  });
  const RULES_FILE = join(tmpdir(), `sentinel-flips-${crypto.randomUUID()}.yml`);
  const labels = { severity: "high", job: "flips" };
  const rule = { alert: "Flips", expr: "queue_length > 5", labels };
  await Bun.write(RULES_FILE, JSON.stringify({ groups: [{ name: "g", rules: [rule] }] }));
  const JOURNAL = freshJournal();
  const env = {
    PROMETHEUS_URL: prometheus.url,
    TARGET_URL: prometheus.url,
    TARGET_JOB: "flips",
    RATE_WINDOW: "4s",
    POLL_INTERVAL: "0.5",
    RULES_FILE,
    JOURNAL,
  };
  await using observer = startObserving({ env });
  const flapped = await observer.event(
    ({ event, times }) => event === "alert_flapped" && Number(times) === 8,
    90_000,
  );
  const count = (type: string) => observer.events().filter(({ event }) => event === type).length;
  expect(count("incident_opened")).toBe(1);
  expect(count("diagnosed")).toBe(1);

  const { incident } = flapped;
  const shown = await runToEnd([sentinelBinary(), "incidents", String(incident)], {
    env: { JOURNAL },
  });
  expect(shown.stdout).toContain("- Flaps: it has come back 8 times since");
  await rm(RULES_FILE);
});
