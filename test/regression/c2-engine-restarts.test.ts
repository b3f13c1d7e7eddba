import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import {
  type Containers,
  engineRestarts,
  ownContainers,
  untilRestarted,
} from "../support/containers.ts";
import { BUN_IMAGE, describeUnless, docker, whyNoDocker } from "../support/docker.ts";
import { freePort } from "../support/free-port.ts";
import { type Observing, startObserving } from "../support/observing.ts";
import { startRealPrometheus, whyNoPrometheus } from "../support/prometheus.ts";

setDefaultTimeout(120_000);

const COMPLAINT = "invalid configuration: DATABASE_URL is not set";
const DIES_AT_BOOT = `echo 'connecting'; echo '${COMPLAINT}' >&2; exit 1`;

const missing = await whyNoDocker([BUN_IMAGE]);

/** The incident's evidence and its end, the first that a person is asked about. */
async function crashLoop(observer: Observing, name: string) {
  const closed = await observer.event(
    ({ event, service, decision }) =>
      event === "decided" && service === name && isCrashLoop(decision),
    60_000,
  );
  const ofIncident = observer.events().filter(({ incident }) => incident === closed["incident"]);
  return ofIncident.find(({ event }) => event === "evidence_collected");
}

function isCrashLoop(decision: unknown): boolean {
  return Bun.deepMatch({ kind: "ask", reason: "crash_loop" }, decision);
}

/** A restart by Sentinel would set its engine's count back. */
async function expectUntouched(observer: Observing, name: string, restarts = 4): Promise<void> {
  expect(await engineRestarts(name)).toBeGreaterThanOrEqual(restarts);
  const acted = observer.events().filter(({ event }) => event === "action_started");
  expect(acted.filter(({ service }) => service === name)).toEqual([]);
}

describeUnless(missing, "C2: a container that its engine restarts by itself", () => {
  let own: Containers;
  let observer: Observing;
  let boot: string;
  let check: string;
  let givenUp: string;
  let oom: string;

  // They have been at it for a while when Sentinel begins.
  beforeAll(async () => {
    own = ownContainers();
    const always = ["--restart", "always"];
    const fails = ["--health-cmd", "echo refused; exit 1", "--health-interval", "1s"];
    // It keeps a line without an end in memory.
    const eats = "echo loading; exec tail /dev/zero";
    check = await own.run("check", "sleep 3; exit 3", ...always, ...fails, "--health-retries", "1");
    boot = await own.run("boot", DIES_AT_BOOT, ...always);
    oom = await own.run("oom", eats, ...always, "--memory", "24m");
    givenUp = await own.run("given-up", DIES_AT_BOOT, "--restart", "on-failure:2");
    for (const name of [boot, oom, check]) await untilRestarted(name, 4);
    await untilRestarted(givenUp, 2);
    observer = own.observe();
  });
  afterAll(async () => {
    await observer?.[Symbol.asyncDispose]();
    await own?.[Symbol.asyncDispose]();
  });

  test.concurrent("C2: dies at boot: a person is asked, and shown the last lines", async () => {
    expect(await crashLoop(observer, boot)).toMatchObject({
      deaths: expect.arrayContaining([
        expect.objectContaining({ exit_code: 1, lines: expect.arrayContaining([COMPLAINT]) }),
      ]),
    });
    await expectUntouched(observer, boot);
  });

  test.concurrent("C2: ends by itself while its HEALTHCHECK fails", async () => {
    expect(await crashLoop(observer, check)).toMatchObject({
      deaths: expect.arrayContaining([expect.objectContaining({ exit_code: 3 })]),
    });
    await expectUntouched(observer, check);
  });

  test.concurrent("C2: killed for lack of memory again and again", async () => {
    expect(await crashLoop(observer, oom)).toMatchObject({
      deaths: expect.arrayContaining([expect.objectContaining({ oom_killed: true })]),
    });
    await expectUntouched(observer, oom);
  });

  test.concurrent("C2: its engine has given it up: it stays down", async () => {
    expect(await crashLoop(observer, givenUp)).toMatchObject({
      restart_loop: { restarts: 2, is_given_up: true },
    });
    await expectUntouched(observer, givenUp, 2);
    expect(await docker("inspect", "--format", "{{.State.Status}}", givenUp)).toBe("exited");
  });
});

describeUnless(missing ?? whyNoPrometheus(), "C2: with a real Prometheus", () => {
  test("C2: which has no series of the engine", async () => {
    await using own = ownContainers();
    // It has been at it for a while when Sentinel begins, as after an update of Sentinel.
    const name = await own.run("behind-prometheus", DIES_AT_BOOT, "--restart", "always");
    const url = `http://127.0.0.1:${freePort()}`;
    await using prometheus = await startRealPrometheus({ job: name, url, intervalMs: 1000 });
    await untilRestarted(name, 6);
    await using observer = startObserving({
      env: {
        PROMETHEUS_URL: prometheus.url,
        TARGET_CONTAINER: name,
        TARGET_JOB: name,
        TARGET_URL: url,
      },
    });
    expect(await crashLoop(observer, name)).toMatchObject({
      // Of the deaths: the container itself may just be running again.
      deaths: expect.arrayContaining([
        expect.objectContaining({ exit_code: 1, lines: expect.arrayContaining([COMPLAINT]) }),
      ]),
    });
    await expectUntouched(observer, name);
  });
});
