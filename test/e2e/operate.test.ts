/** What people say to a running observer, from the compiled executable: `approve`, `deny`, `pause`, `resume`. */

import { beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sqliteJournal } from "../../src/journals/sqlite.ts";
import { runToEnd, sentinelBinary } from "../support/binary.ts";
import { freePort } from "../support/free-port.ts";
import { entriesOf, healed } from "../support/incident-entries.ts";
import { startObserving } from "../support/observing.ts";

setDefaultTimeout(120_000);

let sentinel = "";
beforeAll(() => {
  sentinel = sentinelBinary();
});

const SERVICE = "sentinel-target-api";
const ID = "20250101T120000-HighCpu-d1a9";

/** A folder of its own, as one in which an observer works. */
async function workingFolder() {
  const path = await mkdtemp(join(tmpdir(), "sentinel-operate-"));
  const run = (args: readonly string[], env = {}) =>
    runToEnd([sentinel, ...args], { cwd: path, env });
  return { path, run, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

/** With a journal in which one request waits, unless it has expired. */
async function folderThatWaits(expiresAtMs = Date.now() + 600_000) {
  const folder = await workingFolder();
  const asked = {
    type: "approval_requested",
    request: ID,
    action: "docker-restart",
    argv: ["docker", "restart", SERVICE],
    expiresAtMs,
  } as const;
  const path = join(folder.path, "sentinel.db");
  const journal = sqliteJournal(path, { mode: "observer" });
  for (const entry of entriesOf([...healed().slice(0, 3), asked], { id: ID }))
    await journal.commit(entry);
  await journal.close();
  /** What was added since. */
  const said = async () => {
    const reader = sqliteJournal(path, { mode: "reader" });
    const entries = await reader.readAfter(4);
    await reader.close();
    return entries;
  };
  return { ...folder, said };
}

describe("without an observer", () => {
  test("what is said is in the journal when the command has ended, by whom and to what", async () => {
    await using folder = await folderThatWaits();
    const { exitCode, stdout, stderr } = await folder.run(["approve", "20250101"]);
    expect(stdout).toStartWith(`approved: the observer runs \`docker restart ${SERVICE}\``);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    await folder.run(["pause", SERVICE, "--for", "2h"]);
    await folder.run(["resume"]);
    expect(await folder.said()).toMatchObject([
      {
        type: "approval_given",
        service: SERVICE,
        incident: ID,
        fields: { request: ID, answer: "approved", by: expect.stringMatching(/./) },
      },
      { type: "paused", service: SERVICE, fields: { until_ms: expect.any(Number) } },
      { type: "resumed", service: "" },
    ]);
  });

  test("the first answer counts: a second is refused", async () => {
    await using folder = await folderThatWaits();
    expect((await folder.run(["deny", ID])).stdout).toContain("is not run");
    const { exitCode, stderr } = await folder.run(["approve", ID]);
    expect(stderr).toContain(`${ID} does not wait for an answer any more`);
    expect(exitCode).toBe(2);
    expect(await folder.said()).toHaveLength(1);
  });

  test("a request that has expired is none", async () => {
    await using folder = await folderThatWaits(Date.now() - 1);
    const { exitCode, stderr } = await folder.run(["approve", ID]);
    expect(stderr).toContain("does not wait for an answer any more");
    expect({ exitCode, said: await folder.said() }).toEqual({ exitCode: 2, said: [] });
  });

  test.each<[string[], Record<string, string>, number, string]>([
    [["approve", "20250101T120000-HighCpu-d1aa"], {}, 2, `Did you mean ${ID}?`],
    [["approve"], {}, 2, "missing required argument 'request'"],
    [["deny", ID, ID], {}, 2, "too many arguments"],
    [["pause", "sentinel-target-ap"], { SUPERVISE: "true" }, 2, `Did you mean ${SERVICE}?`],
    [["resume", "a b"], {}, 2, "is not the name of a service"],
    [["pause", "--for", "2"], {}, 2, "Write a duration such as"],
    [["pause", "--for", "31d"], {}, 2, "up to 30d"],
    [["pause", "--fro", "2h"], {}, 2, "(Did you mean --for?)"],
    [["pause", "--for"], {}, 2, "argument missing"],
    [["approve", ID], { JOURNAL: "elsewhere.db" }, 1, "there is no journal"],
    [["approve", ID], { JOURNAL: "." }, 1, "is not a file"],
    [["aprove", ID], {}, 2, "Did you mean approve?"],
  ])("%j with %j is exit %i, one line, and nothing written", async (args, env, code, words) => {
    await using folder = await folderThatWaits();
    const { exitCode, stdout, stderr } = await folder.run(args, env);
    expect(stderr).toContain(words);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect({ exitCode, stdout }).toEqual({ exitCode: code, stdout: "" });
    expect(await folder.said()).toEqual([]);
  });
});

describe("with an observer that waits", () => {
  const TOKEN = "sesame-sesame-sesame";

  /** It supervises a target that burns a core, and asks what it may do. */
  async function askingObserver() {
    const folder = await workingFolder();
    const port = freePort();
    const observer = startObserving({
      cwd: folder.path,
      env: {
        JOURNAL: "sentinel.db",
        SUPERVISE: `${sentinel} --role=target`,
        PORT: String(port),
        TARGET_URL: `http://127.0.0.1:${port}`,
        CPU_THRESHOLD: "0.2",
        AUTONOMY: "approve",
        OPERATOR_TOKEN: TOKEN,
      },
    });
    const health = await observer.notice("health");
    const origin = new URL(health.split(" ")[0] ?? "").origin;
    await observer.event(({ event }) => event === "quiet");
    const response = await fetch(`http://127.0.0.1:${port}/faults`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ kind: "cpu", duration: 120 }),
      proxy: false,
    });
    expect(response.status).toBe(201);
    const asked = await observer.event(({ event }) => event === "approval_requested");
    const run = (args: readonly string[]) =>
      folder.run(args, { SUPERVISE: `${sentinel} --role=target` });
    return {
      observer,
      request: String(asked["request"]),
      run,
      async post(path: string) {
        const headers = { authorization: `Bearer ${TOKEN}` };
        const answer = await fetch(origin + path, { method: "POST", headers, proxy: false });
        return { status: answer.status, body: await answer.json() };
      },
      closed: () => observer.event(({ event }) => event === "incident_closed"),
      async [Symbol.asyncDispose]() {
        await observer[Symbol.asyncDispose]();
        await folder[Symbol.asyncDispose]();
      },
    };
  }

  test("approved from another terminal it is run, and proven", async () => {
    await using asking = await askingObserver();
    const { exitCode } = await asking.run(["approve", asking.request]);
    expect(exitCode).toBe(0);
    const { closing } = await asking.closed();
    expect(closing).toMatchObject({ result: "acted", verdict: { kind: "healed" } });
    const starts = asking.observer.events().filter(({ event }) => event === "action_started");
    expect(starts).toHaveLength(1);
  });

  test("denied over HTTP it is not run, and cannot be approved any more", async () => {
    await using asking = await askingObserver();
    const path = `/approvals/${asking.request}`;
    expect(await asking.post(`${path}/deny`)).toMatchObject({ status: 200 });
    const { closing } = await asking.closed();
    expect(closing).toMatchObject({ result: "held", reason: "denied" });
    expect(await asking.post(`${path}/approve`)).toMatchObject({ status: 422 });
    const types = asking.observer.events().map(({ event }) => event);
    expect(types).not.toContain("action_started");
  });

  test("paused from another terminal nothing is run, whoever approves it", async () => {
    await using asking = await askingObserver();
    await asking.run(["pause"]);
    await asking.post(`/approvals/${asking.request}/approve`);
    const { closing } = await asking.closed();
    expect(closing).toMatchObject({ result: "skipped", reason: "paused" });
    await asking.observer.event(({ event }) => event === "left_alone");
    await asking.post("/resume");
    // And then it asks again.
    await asking.observer.event(
      ({ event, request }) => event === "approval_requested" && request !== asking.request,
    );
    const types = asking.observer.events().map(({ event }) => event);
    expect(types).not.toContain("action_started");
  });
});
