import { expect, setDefaultTimeout, test } from "bun:test";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sqliteJournal } from "../../src/journals/sqlite.ts";
import { ownContainers, until } from "../support/containers.ts";
import { BUN_IMAGE, describeUnless, docker, whyNoDocker } from "../support/docker.ts";
import { freshJournal } from "../support/fresh-journal.ts";
import { type Observing, startObserving } from "../support/observing.ts";
import { startAnswering } from "../support/prometheus-answers.ts";

setDefaultTimeout(300_000);

const KILLS = 100;
const SEED = 20_250_101;

/** Each start of it is a line of its log. */
const RUNS = "echo started; trap 'exit 0' TERM; while :; do sleep 0.2; done";

/** A Prometheus by which the service burns CPU for ever, since before the first question. */
function endlesslySick() {
  return startAnswering((query) => {
    if (query.includes("process_cpu_seconds_total")) return 1.9;
    if (query.includes("timestamp(")) return 0.1;
    return query.startsWith("up{") && !query.includes("==") ? 1 : undefined;
  });
}

/** The same numbers each time, from 0 to 1. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}

function isFiring(alert: unknown, name: string): boolean {
  return Bun.deepMatch({ name, state: "firing" }, alert);
}

const missing = await whyNoDocker([BUN_IMAGE]);

describeUnless(missing, "D10: Sentinel is started again and again", () => {
  async function sick(rules: Readonly<Record<string, string>> = {}) {
    const own = ownContainers();
    const prometheus = endlesslySick();
    const name = await own.run("endlessly-sick", RUNS);
    const journal = freshJournal();
    const env = {
      PROMETHEUS_URL: prometheus.url,
      TARGET_URL: prometheus.url,
      TARGET_CONTAINER: name,
      TARGET_JOB: "sick",
      JOURNAL: journal,
      POLL_INTERVAL: "0.2",
      RATE_WINDOW: "1s",
      STABILIZE_SECONDS: "2",
      ...rules,
    };
    return {
      start: () => startObserving({ env }),
      /** The first start is not Sentinel's. */
      restarts: async () => (await docker("logs", name)).split("\n").length - 1,
      async entries() {
        const opened = sqliteJournal(journal, { mode: "reader" });
        const entries = await opened.readAfter(0);
        await opened.close();
        return entries;
      },
      async [Symbol.asyncDispose]() {
        prometheus[Symbol.dispose]();
        await own[Symbol.asyncDispose]();
      },
    };
  }

  async function kill(observer: Observing): Promise<void> {
    observer.kill("SIGKILL");
    await observer.exited;
  }

  test("D10: killed 100 times during one firing, it acts as often as on one firing", async () => {
    await using service = await sick();
    const next = numbers(SEED);
    for (let kills = 0; kills < KILLS; kills += 1) {
      const observer = service.start();
      await Bun.sleep(50 + next() * 900);
      // Half of them while its incident is open, the others after the verdict.
      if (kills === KILLS / 2) await observer.incident("HighCpu");
      await kill(observer);
    }
    await using last = service.start();
    const told = await last.event(
      ({ event, reason }) => event === "left_alone" && String(reason).includes("before Sentinel"),
    );
    expect(told).toMatchObject({ alert: { name: "HighCpu" } });
    await Bun.sleep(3000);
    const entries = await service.entries();
    const count = (type: string) => entries.filter((entry) => entry.type === type).length;
    console.log(
      `D10: ${KILLS} kills, seed ${SEED}: ${await service.restarts()} restarts, ${count("incident_opened")} incidents, ${count("incident_resumed")} times resumed, ${count("diagnosed")} diagnoses`,
    );
    expect(await service.restarts()).toBe(1);
    expect(count("incident_opened")).toBe(1);
    expect(count("incident_closed")).toBe(1);
  });

  test("D10: with restarts every 3 s, `for: 8s` fires", async () => {
    // Its series have no labels of their own, so the rule says whose they are.
    const labels = { severity: "high", job: "sick" };
    const rule = { alert: "Hot", expr: "process_cpu_seconds_total > 1", for: "8s", labels };
    const RULES_FILE = join(tmpdir(), `sentinel-for-${crypto.randomUUID()}.yml`);
    await Bun.write(RULES_FILE, JSON.stringify({ groups: [{ name: "g", rules: [rule] }] }));
    await using service = await sick({ RULES_FILE, CPU_THRESHOLD: "5" });
    for (let lives = 0; lives < 3; lives += 1) {
      const observer = service.start();
      await observer.event(({ event }) => event === "alert_changed");
      await Bun.sleep(2500);
      await kill(observer);
    }
    await using last = service.start();
    // In whichever life its 8 s were over.
    await last.event(({ event, alert }) => event === "alert_changed" && isFiring(alert, "Hot"));
    // Taken up in that life or in one before.
    const opened = async () =>
      (await service.entries()).filter(({ type }) => type === "incident_opened");
    await until("the incident", async () => (await opened()).length > 0);
    expect(await opened()).toHaveLength(1);
    await rm(RULES_FILE);
  });
});
