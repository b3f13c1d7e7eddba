/**
 * Containers that know nothing of Sentinel: it takes Docker's word for how they are, restarts those
 * that ask for it by their label, and touches no other.
 */

import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RunningProcess, runToEnd, sentinelBinary, startProcess } from "../support/binary.ts";
import { BUN_IMAGE, describeUnless, docker, uniqueName, whyNoDocker } from "../support/docker.ts";
import { freePort } from "../support/free-port.ts";
import { embeddedSettings, type Observing, startObserving } from "../support/observing.ts";
import { until } from "../support/supervise.ts";

setDefaultTimeout(180_000);

/** Of this run alone: no container of anybody else is restarted. */
const LABEL = `sentinel.heal=${crypto.randomUUID()}`;

/** It runs, and ends at once when it is told to. Its health is a file's absence. */
const SERVICE = "trap 'exit 0' TERM; rm -f /tmp/broken; while :; do sleep 0.2; done";
/** A restart does not cure it. */
const SICK_SERVICE = "trap 'exit 0' TERM; touch /tmp/broken; while :; do sleep 0.2; done";

const SERIES = [
  "container_up",
  "container_healthy",
  "container_restarts_total",
  "container_restarting",
  "container_oom_killed",
  "container_start_time_seconds",
  "container_memory_working_set_bytes",
  "container_cpu_usage_seconds_total",
];

const missing = await whyNoDocker([BUN_IMAGE]);

describeUnless(missing, "containers by their label", () => {
  const names: string[] = [];
  let target: RunningProcess;
  let observer: Observing;

  beforeAll(async () => {
    target = startProcess([sentinelBinary(), "--role=target"], { env: { PORT: "0" } });
    const { url } = await target.event(({ event }) => event === "target_started");
    observer = startObserving({
      env: { TARGET_URL: String(url), TARGET_CONTAINER: "elsewhere", HEAL_LABEL: LABEL },
    });
    await observer.event(({ event }) => event === "quiet");
  });

  afterAll(async () => {
    await observer?.[Symbol.asyncDispose]();
    await target?.[Symbol.asyncDispose]();
    if (names.length > 0) await docker("rm", "--force", ...names);
  });

  /** Resolves when it runs. */
  async function startContainer(
    what: string,
    { script = SERVICE, labels = [LABEL] }: { script?: string; labels?: readonly string[] } = {},
  ): Promise<string> {
    const name = uniqueName(what);
    names.push(name);
    const health = ["--health-cmd", "test ! -f /tmp/broken", "--health-interval", "1s"];
    const labelled = labels.flatMap((label) => ["--label", label]);
    const run = ["run", "--detach", "--name", name, "--entrypoint", "sh", "--network", "none"];
    await docker(...run, ...labelled, ...health, "--health-retries", "1", BUN_IMAGE, "-c", script);
    return name;
  }

  function startedAt(name: string): Promise<string> {
    return docker("inspect", "--format", "{{.State.StartedAt}}", name);
  }

  async function isUnhealthy(name: string): Promise<boolean> {
    return (await docker("inspect", "--format", "{{.State.Health.Status}}", name)) === "unhealthy";
  }

  async function valueOf(series: string, name: string): Promise<number | undefined> {
    return (await observer.query(`${series}{container="${name}"}`))[0]?.value;
  }

  /** So many looks at Docker from now on. */
  async function looks(count: number): Promise<void> {
    const seen = async () => {
      const [answer] = await observer.query('count_over_time(sentinel_up{job="docker"}[10m])');
      return answer?.value ?? 0;
    };
    const before = await seen();
    await until(`${count} looks at Docker`, async () => (await seen()) >= before + count);
  }

  test.concurrent(
    "a labelled one is taken up, told of in eight series, healed by docker restart, and let go",
    async () => {
      const name = await startContainer("labelled");
      await observer.notice("watching", new RegExp(`^${name} as well`));
      for (const series of SERIES)
        await until(series, async () => (await valueOf(series, name)) !== undefined);
      await until("its health", async () => (await valueOf("container_healthy", name)) === 1);

      await docker("exec", name, "touch", "/tmp/broken");
      const events = await observer.incident("ContainerUnhealthy", name);
      expect(events).toContainEqual(
        expect.objectContaining({
          event: "action_finished",
          outcome: expect.objectContaining({
            kind: "succeeded",
            argv: ["docker", "restart", name],
          }),
        }),
      );
      expect(events.at(-1)).toMatchObject({
        closing: { result: "acted", verdict: { kind: "healed" } },
      });

      await docker("rm", "--force", name);
      names.splice(names.indexOf(name), 1);
      await observer.notice("watching", new RegExp(`^${name} no longer`));
      await until("the end of its series", async () => {
        return (await valueOf("container_up", name)) === undefined;
      });
    },
  );

  test.concurrent(
    "one without the label, or with another value of it, is never touched, however unhealthy",
    async () => {
      const script = SICK_SERVICE;
      const others = [
        await startContainer("plain", { script, labels: [] }),
        await startContainer("declined", { script, labels: ["sentinel.heal=false"] }),
      ];
      for (const name of others) await until("its failure", () => isUnhealthy(name));
      const before = await Promise.all(others.map(startedAt));
      await looks(3);
      expect(await Promise.all(others.map(startedAt))).toEqual(before);
      for (const name of others) expect(observer.stdout()).not.toContain(name);
      expect(
        (await observer.query("container_up")).map(({ metric }) => metric["container"]),
      ).toEqual(expect.not.arrayContaining(others));
    },
  );

  test.concurrent(
    "one that a restart does not cure is restarted once, and left to a person",
    async () => {
      const name = await startContainer("sick", { script: SICK_SERVICE });
      const closed = (await observer.incident("ContainerUnhealthy", name)).at(-1);
      expect(closed).toMatchObject({ closing: { result: "acted" } });
      expect(closed).toMatchObject({
        level: "error",
        closing: { verdict: { kind: expect.stringMatching(/^(not_healed|unknown)$/) } },
      });
      const after = await startedAt(name);
      await looks(3);
      expect(await isUnhealthy(name)).toBe(true);
      expect(await startedAt(name)).toBe(after);
    },
  );

  test.concurrent("one that somebody stopped is not started", async () => {
    const name = await startContainer("stopped");
    await observer.notice("watching", new RegExp(`^${name} as well`));
    // Docker calls it unhealthy from now on, too.
    await docker("stop", name);
    await until("its stop", async () => (await valueOf("container_up", name)) === 0);
    await looks(3);
    expect(await docker("inspect", "--format", "{{.State.Status}}", name)).toBe("exited");
    const opened = observer.events().filter(({ event }) => event === "incident_opened");
    expect(opened.map(({ service }) => service)).not.toContain(name);
  });
});

describeUnless(missing, "without an engine", () => {
  test("where DOCKER_HOST in .env says: told once, and nothing is done", async () => {
    const folder = await mkdtemp(join(tmpdir(), "sentinel-containers-"));
    const engine = `127.0.0.1:${freePort()}`;
    await writeFile(join(folder, ".env"), `DOCKER_HOST=tcp://${engine}\n`);
    const TARGET_URL = `http://127.0.0.1:${freePort()}`;
    const options = { env: { DOCKER_HOST: undefined, TARGET_URL }, cwd: folder };
    try {
      await using observer = startObserving(options);
      expect(await observer.notice("docker")).toBe(`tcp://${engine}`);
      expect(await observer.notice("docker", /no answer/)).toBe(
        `no answer from the Docker engine at tcp://${engine} (ECONNREFUSED); start the engine, or set DOCKER_HOST to where it listens`,
      );
      // Its service is down, too: what became of it is not known, so it is left to a person.
      const events = await observer.incident("TargetDown");
      expect(events).toContainEqual(
        expect.objectContaining({
          event: "evidence_collected",
          container: { kind: "unreadable", reason: expect.stringContaining(engine) },
        }),
      );
      expect(events.at(-1)).toMatchObject({ closing: { result: "held" } });
      expect(observer.events().filter(({ topic }) => topic === "docker")).toHaveLength(2);

      const { env } = options;
      const checked = await runToEnd([sentinelBinary(), "check"], {
        ...options,
        env: embeddedSettings(env),
      });
      expect(checked.stdout).toMatch(new RegExp(`^failed +docker +.*${engine}`, "m"));
      expect(checked.stdout).toMatch(/^ok +signals +0 of 2 targets answer; .*docker: no answer/m);
      expect(checked.exitCode).toBe(1);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
