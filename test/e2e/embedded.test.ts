/** The observer that needs nothing but itself: it scrapes, and runs the service, from the executable. */

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Environment } from "../../src/platforms/run-command.ts";
import { type RunningProcess, runToEnd, sentinelBinary, startProcess } from "../support/binary.ts";
import { startLoad } from "./stack.ts";
import { freePort } from "../support/free-port.ts";
import { embeddedSettings, type Observing, startObserving } from "../support/observing.ts";
import { descendants, gone, until } from "../support/supervise.ts";

setDefaultTimeout(120_000);

/** What is promised of a stop, and what a busy machine may add. */
const STOPPED_WITHIN_MS = 3000 + 2000;

let sentinel = "";
let folder = "";
beforeAll(async () => {
  sentinel = sentinelBinary();
  folder = await mkdtemp(join(tmpdir(), "sentinel-embedded-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** The target as the supervised service, on a port of its own. */
function supervised(): Environment & { readonly TARGET_URL: string } {
  const port = freePort();
  return {
    SUPERVISE: `'${sentinel}' --role=target`,
    PORT: String(port),
    TARGET_URL: `http://127.0.0.1:${port}`,
  };
}

async function isUp(observer: Observing): Promise<boolean> {
  const up = await observer.query("up");
  return up.length > 0 && up.every(({ value }) => value === 1);
}

describe("a supervised service", () => {
  test("a burst of errors is found, restarted away by the supervisor, and proven healed", async () => {
    const env = supervised();
    await using observer = startObserving({ env });
    await until("the first scrape", () => isUp(observer));
    const users = startLoad(`${env.TARGET_URL}/stress/crash`, { users: 2, pauseMs: 50 });
    await observer.event(({ event }) => event === "incident_opened");
    await users.stop();
    const events = await observer.incident("HighErrorRatio");
    expect(events).toContainEqual(
      expect.objectContaining({
        event: "action_finished",
        outcome: expect.objectContaining({
          kind: "succeeded",
          argv: ["supervisor", "restart"],
        }),
      }),
    );
    expect(events.at(-1)).toMatchObject({
      event: "incident_closed",
      closing: { result: "acted", verdict: { kind: "healed" } },
    });
  });

  test("killed from outside, it is started again by the supervisor itself, which says so", async () => {
    const env = supervised();
    await using observer = startObserving({ env });
    await until("the first scrape", () => isUp(observer));
    const pid = Number((await observer.notice("command", /it runs/)).split(" ").at(-1));
    process.kill(pid, "SIGKILL");
    await observer.notice("command", /^it ended by itself \(SIGKILL\)/);
    await observer.notice("command", /^it is started again in 0.5 s$/);
    await observer.notice("command", new RegExp(`^it runs as process (?!${pid}$)`));
    await until("its answer", async () => {
      const answer = await fetch(`${env.TARGET_URL}/health`).catch(() => undefined);
      return answer?.ok === true;
    });
  });

  test("that takes its time to start is not taken for one that is down", async () => {
    const slowly = `sh -c 'sleep 4; exec "${sentinel}" --role=target'`;
    const env = { ...supervised(), SUPERVISE: slowly, STABILIZE_SECONDS: "30" };
    await using observer = startObserving({ env });
    await observer.event(({ event }) => event === "quiet");
    expect(await isUp(observer)).toBe(true);
    const told = observer.stdout();
    expect(told).not.toContain('"state":"pending"');
    expect(told).not.toContain('"state":"firing"');
    expect(told).not.toContain("incident_opened");
  });

  test("that dies again and again is given up, which is said, and left to a person", async () => {
    const TARGET_URL = `http://127.0.0.1:${freePort()}`;
    await using observer = startObserving({ env: { SUPERVISE: "sh -c 'exit 3'", TARGET_URL } });
    await observer.notice("command", /^it died 5 times within 60 s, and is not started again$/);
    const closed = (await observer.incident("TargetDown")).at(-1);
    expect(closed).toMatchObject({ closing: { verdict: { kind: "not_healed" } } });
    const starts = () =>
      observer.events().filter(({ text }) => String(text).startsWith("it runs")).length;
    const before = starts();
    const scrapes = async () => (await observer.query("count_over_time(up[5m])"))[0]?.value ?? 0;
    const scrapesBefore = await scrapes();
    await until("more scrapes", async () => (await scrapes()) > scrapesBefore + 3);
    expect(starts()).toBe(before);
  });
});

describe("its end", () => {
  test("SIGTERM ends it and the service with 0, and it says so", async () => {
    await using observer = startObserving({ env: supervised() });
    await until("the first scrape", () => isUp(observer));
    const children = await descendants(observer.pid);
    expect(children.length).toBeGreaterThanOrEqual(2);
    const fromMs = performance.now();
    observer.kill("SIGTERM");
    expect(await observer.exited).toBe(0);
    expect(performance.now() - fromMs).toBeLessThan(STOPPED_WITHIN_MS);
    expect(observer.events().at(-1)).toMatchObject({ event: "notice", text: "Stopped." });
    await gone(children);
  });

  test("SIGKILL leaves neither the guardian, nor the service, nor the service's own children", async () => {
    const env = supervised();
    const SUPERVISE = `sh -c '"$0" --role=target & sleep 60 & wait' '${sentinel}'`;
    await using observer = startObserving({ env: { ...env, SUPERVISE } });
    await until("the first scrape", () => isUp(observer));
    // Guardian, shell, target and sleep.
    const children = await descendants(observer.pid);
    expect(children.length).toBeGreaterThanOrEqual(4);
    observer.kill("SIGKILL");
    await gone(children);
  });

  test("nor does SIGKILL of the demo", async () => {
    await using demo = startProcess([sentinel, "--role=demo", "--fault=cpu"]);
    await until("the fault", () => demo.stdout().includes("1/1"));
    const children = await descendants(demo.pid);
    expect(children.length).toBeGreaterThanOrEqual(2);
    demo.kill("SIGKILL");
    await gone(children);
  });
});

describe("what it cannot start with", () => {
  const SERVICES = "services: [{ name: api, health: 'http://127.0.0.1:1/health' }]\n";

  test.each<[string, Environment, string, string]>([
    ["a shell's operator in SUPERVISE", { SUPERVISE: "api && other" }, "", "SUPERVISE: &"],
    ["SUPERVISE and services in the file", { SUPERVISE: "api" }, SERVICES, "TARGET_CONTAINER"],
    [
      "a job named as Docker's own",
      { SCRAPE_TARGETS: "docker=http://127.0.0.1:1/m" },
      "",
      "docker",
    ],
    ["one target twice", { SCRAPE_TARGETS: twice("http://127.0.0.1:1/metrics") }, "", "job"],
  ])("%s is exit 2 and one line", async (_, env, file, named) => {
    const options = { env: embeddedSettings(env), cwd: await folderWith(file) };
    const { exitCode, stdout, stderr } = await runToEnd([sentinel, "--role=observer"], options);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(stderr).toContain(named);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
  });

  test("a taken port of the API is exit 1, one line that names OBSERVER_PORT, and no start", async () => {
    using taken = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    const env = { ...supervised(), OBSERVER_PORT: String(taken.port) };
    await using observer = startObserving({ env });
    expect(await observer.exited).toBe(1);
    expect(observer.stderr().trim().split("\n")).toHaveLength(1);
    expect(observer.stderr()).toContain("OBSERVER_PORT");
    expect(observer.events().filter(({ topic }) => topic === "command")).toEqual([]);
  });

  test("a mistake in a rule is exit 2, one line that names it, and no start", async () => {
    const cwd = await folderWith("rule_files: [own.yml]");
    const rule = { alert: "Own", expr: "up ==" };
    await writeFile(
      join(cwd, "own.yml"),
      JSON.stringify({ groups: [{ name: "own", rules: [rule] }] }),
    );
    await using observer = startObserving({ env: supervised(), cwd });
    expect(await observer.exited).toBe(2);
    expect(observer.stderr().trim().split("\n")).toHaveLength(1);
    expect(observer.stderr()).toContain("alert Own");
    expect(observer.events().filter(({ topic }) => topic === "command")).toEqual([]);
  });

  function twice(url: string): string {
    return `api=${url},api=${url}`;
  }
});

describe("what it scrapes", () => {
  test.each<[string, (url: string, dead: string) => { env?: Environment; file?: string }]>([
    [
      "SCRAPE_TARGETS",
      (url, dead) => ({
        env: { SCRAPE_TARGETS: `api=${url}/metrics,dead=${dead},again=${url}/metrics` },
      }),
    ],
    [
      "scrape in sentinel.yaml",
      (url, dead) => {
        const targets = { api: `${url}/metrics`, dead, again: `${url}/metrics` };
        const scrape = Object.entries(targets).map(([job, url]) => ({ job, url }));
        return { file: JSON.stringify({ scrape }) };
      },
    ],
  ])("a dead target of %s is told of, and stops none of the others", async (_, configure) => {
    await using target = startProcess([sentinel, "--role=target"], { env: { PORT: "0" } });
    const url = await listening(target);
    const { env = {}, file = "" } = configure(url, `http://127.0.0.1:${freePort()}/metrics`);
    const options = {
      env: { TARGET_URL: url, TARGET_JOB: "api", ...env },
      cwd: await folderWith(file),
    };
    await using observer = startObserving(options);
    const ofMine = '{job!="docker"}';
    await until("some scrapes", async () => {
      return (await observer.query(`count_over_time(up${ofMine}[5m]) >= 3`)).length === 3;
    });
    const up = await observer.query(`up${ofMine}`);
    const jobs = Object.fromEntries(up.map(({ metric, value }) => [metric["job"], value]));
    expect(jobs).toEqual({ api: 1, dead: 0, again: 1 });
    expect(observer.events().map(({ event }) => event)).not.toContain("incident_opened");

    const { exitCode, stdout } = await runToEnd([sentinel, "check"], {
      env: embeddedSettings({ ...options.env, SUPERVISE: "true" }),
      cwd: options.cwd,
    });
    expect(stdout).toMatch(/^ok +signals +2 of 3 targets answer; dead: cannot be reached /m);
    expect(stdout).toMatch(/^ok +job of sentinel-target-api +api is scraped$/m);
    expect(exitCode).toBe(0);
  });
});

test("check with a command that does not run yet: a line on each, and that the observer starts it", async () => {
  const env = embeddedSettings(supervised());
  const { exitCode, stdout } = await runToEnd([sentinel, "check"], { env, cwd: "/" });
  expect(stdout).toMatch(/^ok +command /m);
  expect(stdout).toMatch(/^ok +signals +0 of 1 targets answer; /m);
  expect(stdout).toMatch(/^missing +job of .*ECONNREFUSED.*; the observer starts it/m);
  expect(stdout).toMatch(/^missing +health of .*ECONNREFUSED.*; the observer starts it/m);
  expect(stdout).not.toContain("docker");
  expect(exitCode).toBe(0);
});

/** Where a target that was started on any free port answers. */
async function listening(target: RunningProcess): Promise<string> {
  const { url } = await target.event(({ event }) => event === "target_started");
  return String(url);
}

/** A working folder with that settings file. */
async function folderWith(settingsFile: string): Promise<string> {
  const own = await mkdtemp(join(folder, "run-"));
  await writeFile(join(own, "sentinel.yaml"), settingsFile);
  return own;
}
