import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BUN_IMAGE, describeUnless, docker, whyNoDocker } from "../support/docker.ts";
import { OUTAGE, startObserving } from "../support/observing.ts";
import { startRealPrometheus, whyNoPrometheus } from "../support/prometheus.ts";
import { leak, startTargetFleet, type TargetFleet } from "../support/target-fleet.ts";

setDefaultTimeout(300_000);

// Ten leaks of four would be the third of some, which is no longer Sentinel's to cure by itself.
const SERVICES = 5;
const REPETITIONS = 10;
const SCRAPE_MS = 1000;
const INCIDENT_DEADLINE_MS = 60_000;

/** As people write them: without a word on whose series they are about. */
const RULES = {
  groups: [
    {
      name: "own",
      rules: [
        {
          alert: "HighMemory",
          expr: "process_resident_memory_bytes > 150e6",
          for: "2s",
          labels: { severity: "high" },
          annotations: { sentinel_actions: "docker-restart" },
        },
        {
          alert: "TargetDown",
          expr: "up == 0",
          for: "1s",
          labels: { severity: "critical" },
          annotations: { sentinel_actions: "docker-restart" },
        },
        // Ten restarts within minutes are meant here.
        {
          alert: "CrashLoop",
          expr: "changes(process_start_time_seconds[10m]) > 100",
          labels: { severity: "critical" },
        },
      ],
    },
  ],
};

const missing = (await whyNoDocker([BUN_IMAGE])) ?? whyNoPrometheus();

type Source = (fleet: TargetFleet) => Promise<AsyncDisposable & { readonly url: string }>;

const SOURCES: readonly (readonly [string, Source])[] = [
  // A job of its own for each.
  ["embedded", async () => ({ url: "embedded", async [Symbol.asyncDispose]() {} })],
  // One job for all: what tells them apart is the instance.
  [
    "a real Prometheus",
    ({ members }) =>
      startRealPrometheus({
        job: "fleet",
        url: members.map(({ url }) => url),
        intervalMs: SCRAPE_MS,
      }),
  ],
];

/** One fleet, and an observer that watches it by one source of signals. */
async function startWatched(startSource: Source, resources: AsyncDisposableStack) {
  const folder = mkdtempSync(join(tmpdir(), "sentinel-a1-"));
  resources.defer(() => rmSync(folder, { recursive: true }));
  const fleet = resources.use(await startTargetFleet("a1", SERVICES));
  const source = resources.use(await startSource(fleet));
  const services = fleet.members.map(({ name, url }) => ({
    name,
    ...(source.url === "embedded" ? {} : { job: "fleet" }),
    health: `${url}/health`,
    actions: ["docker-restart"],
  }));
  writeFileSync(join(folder, "rules.yml"), JSON.stringify(RULES));
  const file = join(folder, "sentinel.yaml");
  writeFileSync(file, JSON.stringify({ services, rule_files: ["rules.yml"] }));
  const env = {
    PROMETHEUS_URL: source.url,
    RATE_WINDOW: "4s",
    ACTIONS_PER_SERVICE: "1000",
    ACTIONS_IN_ALL: "1000",
  };
  const observer = resources.use(startObserving({ cwd: folder, env }));
  for (const { name } of fleet.members)
    await observer.event(({ event, service }) => event === "quiet" && service === name);
  return { fleet, observer };
}

type Watched = Awaited<ReturnType<typeof startWatched>>;

/** @returns who was restarted while one was sick, by the engine's word */
async function restartedWhile(
  { fleet, observer }: Watched,
  { name, alerts }: { readonly name: string; readonly alerts: readonly string[] },
  makeSick: () => Promise<unknown>,
) {
  const before = await fleet.startTimes();
  const known = new Set(observer.events().map(({ incident }) => incident));
  await makeSick();
  const closed = await observer.event(
    ({ event, incident, service }) =>
      event === "incident_closed" &&
      !known.has(incident) &&
      service === name &&
      alerts.some((alert) => String(incident).includes(alert)),
    INCIDENT_DEADLINE_MS,
  );
  const after = await fleet.startTimes();
  const restarted = fleet.members.filter((_, index) => before[index] !== after[index]);
  return { closing: closed["closing"], restarted: restarted.map((member) => member.name) };
}

const HEALED = { result: "acted", verdict: { kind: "healed" } };

async function leakAndKill(watched: Watched): Promise<void> {
  const { fleet, observer } = watched;
  for (let repetition = 0; repetition < REPETITIONS; repetition += 1) {
    const sick = fleet.members[repetition % SERVICES];
    if (sick === undefined) throw new Error("there is no such service");
    const leaking = { name: sick.name, alerts: ["HighMemory"] };
    const told = await restartedWhile(watched, leaking, () => leak(sick, 200));
    expect(told.restarted).toEqual([sick.name]);
    expect(told.closing).toMatchObject(HEALED);
  }
  for (const { name } of fleet.members) {
    const killed = { name, alerts: OUTAGE };
    const told = await restartedWhile(watched, killed, () => docker("kill", name));
    expect(told.restarted).toEqual([name]);
    expect(told.closing).toMatchObject(HEALED);
  }
  const acted = observer.events().filter(({ event }) => event === "action_started");
  expect(acted).toHaveLength(REPETITIONS + SERVICES);
  for (const { service, argv } of acted) expect(argv).toEqual(["docker", "restart", service]);
}

describeUnless(missing, `A1: the sickness of one of ${SERVICES} services`, () => {
  const resources = new AsyncDisposableStack();
  const watched = new Map<string, Watched>();
  beforeAll(async () => {
    for (const [where, startSource] of SOURCES)
      watched.set(where, await startWatched(startSource, resources));
  });
  afterAll(() => resources.disposeAsync());

  test.concurrent.each(SOURCES.map(([where]) => where))(
    `A1: %s: ${REPETITIONS} leaks and ${SERVICES} kills, each restarts the sick one alone and heals it`,
    async (where) => {
      const own = watched.get(where);
      if (own === undefined) throw new Error("it has not started");
      await leakAndKill(own);
    },
  );
});
