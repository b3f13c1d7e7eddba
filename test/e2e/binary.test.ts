/** The compiled executable: both roles, workers, exit codes and signals. */

import { beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import packageJson from "../../package.json" with { type: "json" };
import {
  PROJECT,
  type RunningProcess,
  runToEnd,
  sentinelBinary,
  startProcess,
} from "../support/binary.ts";
import { freshJournal } from "../support/fresh-journal.ts";

const BUILD_TIMEOUT_MS = 120_000;
/** What the issue of a clean end is measured against; the machine may be busy. */
const STOP_WITHIN_MS = 2000;

let sentinel = "";
beforeAll(() => {
  sentinel = sentinelBinary();
}, BUILD_TIMEOUT_MS);

async function startTarget(
  executable = sentinel,
): Promise<{ target: RunningProcess; url: string }> {
  const target = startProcess([executable, "--role=target"], { env: { PORT: "0" } });
  const { url } = await target.event(({ event }) => event === "target_started");
  return { target, url: String(url) };
}

/** An observer without anything to observe: nothing listens on that port. */
function startObserver(env: Readonly<Record<string, string>> = {}): RunningProcess {
  return startProcess([sentinel, "--role=observer"], {
    env: {
      PROMETHEUS_URL: "http://127.0.0.1:9",
      OBSERVER_PORT: "0",
      POLL_INTERVAL: "0.2",
      JOURNAL: freshJournal(),
      ...env,
    },
    cwd: tmpdir(),
  });
}

describe("wrong usage ends with 2, one line, and what would have been right", () => {
  test.each<[string, string[], string]>([
    [
      "no role and no command",
      [],
      "Write sentinel target, sentinel observer, sentinel demo, or a command.",
    ],
    ["an unknown role", ["--role=nope"], "target, observer"],
    ["a role without a value", ["--role"], "--role"],
    ["an unknown option", ["--rol=target"], "(Did you mean --role?)"],
    ["an unknown option of a command", ["check", "--nope"], "--nope"],
    ["an unknown command", ["chekc"], "chekc"],
    ["an argument too many", ["rules", "extra"], "extra"],
    ["a settings file that is not there", ["rules", "--config", "/nowhere.yaml"], "/nowhere.yaml"],
  ])("%s", async (_, args, named) => {
    const { exitCode, stdout, stderr } = await runToEnd([sentinel, ...args]);
    expect(stderr).toContain(named);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
  });

  test.each<[string, Record<string, string>]>([
    ["PORT", { PORT: "eighty" }],
    ["PORT", { PORT: "65536" }],
    ["MAX_ACTIVE_FAULTS", { MAX_ACTIVE_FAULTS: "0" }],
  ])("%s: %o stops the target", async (key, env) => {
    const { exitCode, stderr } = await runToEnd([sentinel, "--role=target"], { env });
    expect(stderr).toMatch(new RegExp(`^sentinel: ${key} in the environment must be .+ such as`));
    expect(exitCode).toBe(2);
  });

  test.each<[string, Record<string, string>]>([
    ["POLL_INTERVAL", { POLL_INTERVAL: "fast" }],
    ["AUTONOMY", { AUTONOMY: "full" }],
    ["TARGET_CONTAINER", { TARGET_CONTAINER: "--privileged" }],
  ])("%s: %o stops the observer", async (key, env) => {
    const { exitCode, stderr } = await runToEnd([sentinel, "--role=observer"], { env });
    expect(stderr).toMatch(new RegExp(`^sentinel: ${key} in the environment or .env must be `));
    expect(exitCode).toBe(2);
  });
});

test("--version and --help end with 0", async () => {
  const version = await runToEnd([sentinel, "--version"]);
  expect(version).toEqual({ exitCode: 0, stdout: `${packageJson.version}\n`, stderr: "" });
  const help = await runToEnd([sentinel, "--help"]);
  expect(help.exitCode).toBe(0);
  for (const word of ["--role", "target", "observer", "check", "rules", "healthcheck"])
    expect(help.stdout).toContain(word);
});

test("neither .env nor bunfig.toml of the working folder is run or read by the runtime", async () => {
  const folder = await mkdtemp(join(tmpdir(), "sentinel-cwd-"));
  try {
    await writeFile(join(folder, ".env"), "PORT=eighty\n");
    await writeFile(join(folder, "bunfig.toml"), 'preload = ["./evil.ts"]\n');
    await writeFile(join(folder, "evil.ts"), 'console.log("preloaded");\n');
    const { exitCode, stdout } = await runToEnd([sentinel, "--version"], { cwd: folder });
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: `${packageJson.version}\n` });
    await using target = startProcess([sentinel, "--role=target"], {
      env: { PORT: "0" },
      cwd: folder,
    });
    await target.event(({ event }) => event === "target_started");
  } finally {
    await rm(folder, { recursive: true });
  }
});

describe("the target", () => {
  test("serves on 127.0.0.1 unless told otherwise, and logs one JSON object a line", async () => {
    const { target, url } = await startTarget();
    await using _ = target;
    expect(url).toStartWith("http://127.0.0.1:");
    expect(await (await fetch(`${url}/health`)).json()).toEqual({ status: "ok" });
    expect(await (await fetch(`${url}/metrics`)).text()).toContain("process_start_time_seconds ");
    const logged = await target.event(({ event, path }) => {
      return event === "request_processed" && path === "/health";
    });
    expect(logged).toMatchObject({ level: "info", method: "GET", status: 200 });
    expect(Number.isNaN(Date.parse(String(logged["timestamp"])))).toBe(false);
  });

  test("burns every core in workers of the executable, and goes on answering", async () => {
    const { target, url } = await startTarget();
    await using _ = target;
    const burn = fetch(`${url}/stress/cpu?duration=1`);
    await target.event(({ event }) => event === "cpu_stress_started");
    expect((await fetch(`${url}/health`)).status).toBe(200);
    const answer = await (await burn).json();
    expect(answer).toMatchObject({ workers: availableParallelism() });
    expect(answer.primes_found).toBeGreaterThan(1000);
  });

  test("healthcheck tells a living target from a dead one by its exit code", async () => {
    const { target, url } = await startTarget();
    const alive = await runToEnd([sentinel, "healthcheck", `${url}/health`]);
    expect(alive.exitCode).toBe(0);
    const byPort = await runToEnd([sentinel, "healthcheck"], {
      env: { PORT: new URL(url).port },
    });
    expect(byPort.exitCode).toBe(0);
    await target[Symbol.asyncDispose]();
    const dead = await runToEnd([sentinel, "healthcheck", `${url}/health`]);
    expect(dead.exitCode).toBe(1);
    expect(dead.stderr).toContain(url);
  });

  test("a port that is taken is exit 1 and one line", async () => {
    const { target, url } = await startTarget();
    await using _ = target;
    const second = await runToEnd([sentinel, "--role=target"], {
      env: { PORT: new URL(url).port },
    });
    expect(second.exitCode).toBe(1);
    expect(second.stderr).toMatch(/^sentinel: cannot listen on .+ the port is taken\. .*PORT/);
  });

  test.each<NodeJS.Signals>(["SIGTERM", "SIGINT"])(
    "%s ends it with 0, its faults too, while every core is burning",
    async (signal) => {
      const { target, url } = await startTarget();
      await using _ = target;
      const burn = fetch(`${url}/stress/cpu?duration=60`);
      await target.event(({ event }) => event === "cpu_stress_started");
      const fromMs = performance.now();
      target.kill(signal);
      expect((await burn).status).toBe(503);
      expect(await target.exited).toBe(0);
      expect(performance.now() - fromMs).toBeLessThan(2 * STOP_WITHIN_MS);
      expect(target.events().at(-1)).toMatchObject({ event: "target_stopped" });
      expect(target.stderr()).toBe("");
    },
  );
});

describe("the observer", () => {
  test.each<NodeJS.Signals>(["SIGTERM", "SIGINT"])(
    "%s ends it with 0, and it says so",
    async (signal) => {
      await using observer = startObserver();
      await observer.event(({ event }) => event === "source_down");
      const fromMs = performance.now();
      observer.kill(signal);
      expect(await observer.exited).toBe(0);
      expect(performance.now() - fromMs).toBeLessThan(STOP_WITHIN_MS);
      expect(observer.events().at(-1)).toMatchObject({ event: "notice", text: "Stopped." });
      expect(observer.stderr()).toBe("");
    },
  );

  test("an unreachable Prometheus is told once, and is neither healthy nor an alert", async () => {
    await using observer = startObserver();
    await observer.event(({ event }) => event === "source_down");
    await Bun.sleep(1000);
    observer.kill("SIGTERM");
    await observer.exited;
    const names = observer.events().map(({ event }) => event);
    expect(names.filter((name) => name === "source_down")).toHaveLength(1);
    expect(names).not.toContain("alert_changed");
    expect(names).not.toContain("quiet");
    expect(names).not.toContain("incident_opened");
  });

  test("LOG_FORMAT=text is for people", async () => {
    await using observer = startObserver({ LOG_FORMAT: "text", LOCAL_MODELS: "none" });
    while (!observer.stdout().includes("Signals are missing")) await Bun.sleep(20);
    expect(observer.stdout()).toContain(
      `Sentinel ${packageJson.version} watches sentinel-target-api`,
    );
    expect(observer.stdout()).toContain("sent out    nothing");
    expect(observer.events()).toEqual([]);
  });
});

test(
  "a plain bun build --compile of the one entrypoint works as well, workers included",
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "sentinel-plain-"));
    try {
      const executable = join(folder, "sentinel");
      const build = ["build", "--compile", "src/main.ts", "--outfile", executable];
      const built = await runToEnd([process.execPath, ...build], { cwd: PROJECT });
      expect({ exitCode: built.exitCode, stderr: built.stderr }).toEqual({
        exitCode: 0,
        stderr: "",
      });
      const { target, url } = await startTarget(executable);
      await using _ = target;
      const answer = await (await fetch(`${url}/stress/cpu?duration=0.3`)).json();
      expect(answer.primes_found).toBeGreaterThan(100);
    } finally {
      await rm(folder, { recursive: true });
    }
  },
  BUILD_TIMEOUT_MS,
);
