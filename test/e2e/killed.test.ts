/**
 * The observer is killed with SIGKILL at every boundary between two events of an incident, and started
 * again: the incident ends with the right verdict, nothing is done twice, and nothing is lost. The same
 * on simulated time is in src/incident/recovery.test.ts.
 */

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KILL_BOUNDARIES, type KillBoundary } from "../../src/observer/kill-hook.ts";
import type { JournalEntry } from "../../src/core/ports.ts";
import { foldIncidents, type IncidentRecord } from "../../src/core/incident-record.ts";
import type { Environment } from "../../src/platforms/run-command.ts";
import { sqliteJournal } from "../../src/journals/sqlite.ts";
import { runToEnd, sentinelBinary, startProcess } from "../support/binary.ts";
import {
  describeUnless,
  docker,
  STACK_IMAGES,
  uniqueName,
  whyNoDocker,
} from "../support/docker.ts";
import { freePort } from "../support/free-port.ts";
import { embeddedSettings, type Observing, startObserving } from "../support/observing.ts";
import { until } from "../support/supervise.ts";

setDefaultTimeout(240_000);

/** The machine has two cores, and each of them is an observer and a service. */
const AT_ONCE = 8;
const KILLED = 128 + 9;
/** What a target has at rest is far below, and with the fault far above. */
const FAULT = { kind: "memory", megabytes: 150, duration: 600 };
const MEMORY_THRESHOLD_BYTES = "150000000";
const ALERT = "HighMemory";

/** A service that is watched: how to, and how often it was restarted by an action. */
interface Patient extends AsyncDisposable {
  readonly env: Environment & { readonly TARGET_URL: string };
  restarts(lives: readonly Observing[]): number;
}

/** What is left of an incident in the middle of which Sentinel was killed. */
interface Aftermath {
  /** All that was kept when it was dead. */
  readonly kept: readonly JournalEntry[];
  /** All that was kept in the end. */
  readonly entries: readonly JournalEntry[];
  readonly incidents: readonly IncidentRecord[];
  readonly restarts: number;
}

const running = new Set<Promise<unknown>>();
const aftermaths: Aftermath[] = [];
let sentinel = "";

beforeAll(() => {
  sentinel = sentinelBinary();
});

afterAll(() => {
  const sum = (get: (aftermath: Aftermath) => number) =>
    aftermaths.reduce((total, one) => total + get(one), 0);
  const isClosed = ({ phase }: IncidentRecord) => phase === "closed";
  const incidents = sum((one) => one.incidents.filter(isClosed).length);
  const restarts = sum((one) => one.restarts);
  const most = Math.max(...aftermaths.map((one) => one.restarts));
  console.log(
    `killed ${aftermaths.length} times: ${incidents} incidents ended, ${restarts} restarts, at most ${most} for one incident`,
  );
});

async function killedAt(
  boundary: KillBoundary,
  startPatient: () => Promise<Patient>,
): Promise<Aftermath> {
  while (running.size >= AT_ONCE) await Promise.race(running);
  const story = killAndRestart(boundary, startPatient);
  const done = story.then(
    (aftermath) => aftermaths.push(aftermath),
    // Its own test fails with it.
    () => undefined,
  );
  running.add(done);
  return await story.finally(() => running.delete(done));
}

async function killAndRestart(
  boundary: KillBoundary,
  startPatient: () => Promise<Patient>,
): Promise<Aftermath> {
  const folder = await mkdtemp(join(tmpdir(), "sentinel-killed-"));
  await using patient = await startPatient();
  const journalPath = join(folder, "sentinel.db");
  const env: Environment = {
    ...patient.env,
    JOURNAL: journalPath,
    MEMORY_THRESHOLD_BYTES,
    // Eight containers that are started again at once take their time.
    STABILIZE_SECONDS: "10",
    AUTONOMY: boundary.startsWith("approval_") ? "approve" : "auto",
    // A model that does not answer, for the boundary after its failure.
    LM_STUDIO_URL: `http://127.0.0.1:${freePort()}/api/v1/chat`,
    LOCAL_MODELS: "nobody",
  };
  const approve = async () => {
    const { entries } = await readJournal(journalPath);
    const asked = entries.find(({ type }) => type === "approval_requested")?.fields["request"];
    const command = [sentinel, "approve", String(asked)];
    const { exitCode, stderr } = await runToEnd(command, { env: embeddedSettings(env) });
    if (exitCode !== 0) throw new Error(stderr);
  };
  try {
    await using first = startObserving({ env: { ...env, TEST_KILL_AFTER: boundary } });
    await until("the service", () => isUp(patient.env.TARGET_URL));
    const method = { method: "POST", headers: { "content-type": "application/json" } };
    const url = `${patient.env.TARGET_URL}/faults`;
    const { status } = await fetch(url, { ...method, body: JSON.stringify(FAULT) });
    expect(status).toBe(201);
    if (boundary === "approval_answered") {
      await first.event(({ event }) => event === "approval_requested");
      await approve();
    }
    expect(await first.exited).toBe(KILLED);
    const { entries: kept } = await readJournal(journalPath);

    // A person may answer while nobody watches.
    if (boundary === "approval_requested") await approve();
    await using second = startObserving({ env });
    await second.notice("journal");
    if (boundary !== "incident_closed") await second.incident(ALERT);
    await polls(second, 4);
    const restarts = patient.restarts([first, second]);
    return { kept, ...(await readJournal(journalPath)), restarts };
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function readJournal(path: string): Promise<Pick<Aftermath, "entries" | "incidents">> {
  const journal = sqliteJournal(path, { mode: "reader" });
  try {
    const entries = await journal.readAfter(0);
    // On a busy machine a scrape may be late, and another alert has an incident of its own.
    const incidents = foldIncidents(entries).filter(({ alert }) => alert.name === ALERT);
    const ids = new Set(incidents.map(({ id }) => id));
    return { entries: entries.filter(({ incident }) => ids.has(incident ?? "")), incidents };
  } finally {
    await journal.close();
  }
}

async function isUp(url: string): Promise<boolean> {
  const answer = await fetch(`${url}/health`).catch(() => undefined);
  return answer?.ok === true;
}

/** So many more, in which whatever is to happen twice would. */
async function polls(observer: Observing, count: number): Promise<void> {
  const scrapes = async () =>
    (await observer.query("max(count_over_time(up[10m]))"))[0]?.value ?? 0;
  const before = await scrapes();
  await until(`${count} polls`, async () => (await scrapes()) >= before + count);
}

function count(entries: readonly JournalEntry[], type: string): number {
  return entries.filter((entry) => entry.type === type).length;
}

/** What holds wherever it was killed, and whatever became of it. */
function expectNothingLost(boundary: KillBoundary, { kept, entries, incidents }: Aftermath): void {
  // It died there, and nothing came in between.
  expect(kept.at(-1)?.type).toBe(boundary === "action_running" ? "action_started" : boundary);
  // Only added to.
  expect(entries.slice(0, kept.length)).toEqual([...kept]);
  expect(incidents).toHaveLength(1);
  expect(count(entries, "incident_opened")).toBe(1);
  expect(count(entries, "incident_closed")).toBe(1);
  expect(count(entries, "incident_resumed")).toBe(boundary === "incident_closed" ? 0 : 1);
  // No intent is left of which nobody knows what became.
  expect(count(entries, "action_started")).toBe(count(entries, "action_finished"));
}

describeUnless(await whyNoDocker(STACK_IMAGES), "on Docker, killed at", () => {
  /** Its restart takes that long, for it does not end when it is asked to. */
  async function startContainer(stopTimeoutS = 1): Promise<Patient> {
    const container = uniqueName("killed");
    const port = freePort();
    const [, image = ""] = STACK_IMAGES;
    const sinceS = Math.floor(Date.now() / 1000);
    const restarts = startProcess(
      ["docker", "events", "--since", String(sinceS), "--format", "restart"].concat(
        ...["container=" + container, "event=restart"].map((filter) => ["--filter", filter]),
      ),
    );
    const how = ["run", "--detach", "--init", "--name", container];
    const stop = ["--stop-signal", "SIGURG", "--stop-timeout", String(stopTimeoutS)];
    const file = ["--volume", `${sentinel}:/sentinel:ro`, "--entrypoint", "/sentinel"];
    const where = [
      "--publish",
      `127.0.0.1:${port}:8000`,
      "--env",
      "HOST=0.0.0.0",
      "--env",
      "FAULT_TOKEN=none",
    ];
    await docker(...how, ...stop, ...file, ...where, image, "--role=target");
    const TARGET_URL = `http://127.0.0.1:${port}`;
    return {
      env: { TARGET_URL, TARGET_CONTAINER: container },
      restarts: () =>
        restarts
          .stdout()
          .split("\n")
          .filter((line) => line === "restart").length,
      async [Symbol.asyncDispose]() {
        await restarts[Symbol.asyncDispose]();
        await docker("rm", "--force", container);
      },
    };
  }

  test.concurrent.each(KILL_BOUNDARIES)("%s: one restart, and it is healed", async (boundary) => {
    const aftermath = await killedAt(boundary, () => startContainer());
    expectNothingLost(boundary, aftermath);
    const { entries, incidents, restarts } = aftermath;
    expect(restarts).toBe(1);
    expect(incidents[0]?.closing).toMatchObject({ result: "acted", verdict: { kind: "healed" } });
    expect(incidents[0]?.outcome).toMatchObject({ kind: "succeeded" });
    // Killed before the command was run, it is known only afterwards that it was not: it is meant anew.
    expect(count(entries, "action_started")).toBe(boundary === "action_started" ? 2 : 1);
  });

  test.concurrent("action_running, and it takes 35 s to stop: it is waited for", async () => {
    const aftermath = await killedAt("action_running", () => startContainer(35));
    expectNothingLost("action_running", aftermath);
    const { entries, incidents, restarts } = aftermath;
    expect(restarts).toBe(1);
    expect(incidents[0]?.closing).toMatchObject({ result: "acted", verdict: { kind: "healed" } });
    expect(count(entries, "action_started")).toBe(1);
  });
});

describe("on the supervisor, killed at", () => {
  async function startSupervised(): Promise<Patient> {
    const port = freePort();
    return {
      env: {
        SUPERVISE: `'${sentinel}' --role=target`,
        PORT: String(port),
        TARGET_URL: `http://127.0.0.1:${port}`,
      },
      // It is stopped by an action alone; what ends with Sentinel has nobody who says so.
      restarts: (lives) =>
        lives
          .flatMap((life) => life.events())
          .filter(({ topic, text }) => topic === "command" && /^it is stopped/.test(String(text)))
          .length,
      async [Symbol.asyncDispose]() {},
    };
  }

  /** The service ends with Sentinel, and starts with it: that cures it, and leaves nothing to do. */
  const CURED = { result: "skipped", reason: "alert_resolved" };
  const HEALED = { result: "acted", verdict: { kind: "healed" } };
  const ENDS: Readonly<
    Record<KillBoundary, readonly [restarts: readonly number[], closing: object]>
  > = {
    incident_opened: [[0], CURED],
    evidence_collected: [[0], CURED],
    diagnosis_failed: [[0], CURED],
    diagnosed: [[0], CURED],
    decided: [[0], CURED],
    approval_requested: [[0], CURED],
    approval_answered: [[0], CURED],
    action_started: [[0], HEALED],
    // It may be about to stop, or stopped already.
    action_running: [[0, 1], HEALED],
    action_finished: [[1], HEALED],
    verification_started: [[1], HEALED],
    incident_closed: [[1], HEALED],
  };

  test.concurrent.each(KILL_BOUNDARIES)("%s: its own restart is the cure", async (boundary) => {
    const aftermath = await killedAt(boundary, startSupervised);
    expectNothingLost(boundary, aftermath);
    const { entries, incidents, restarts } = aftermath;
    const [expected, closing] = ENDS[boundary];
    expect(expected).toContain(restarts);
    expect(incidents[0]?.closing).toMatchObject(closing);
    expect(count(entries, "action_started")).toBeLessThanOrEqual(1);
  });
});
