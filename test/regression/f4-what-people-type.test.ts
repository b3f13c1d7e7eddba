/** F4: what is typed wrong gets one short line that says what to write, and exit code 2. */

import { beforeAll, describe, expect, test } from "bun:test";
import { tmpdir } from "node:os";
import { runToEnd, sentinelBinary, startProcess } from "../support/binary.ts";

let sentinel = "";
beforeAll(() => {
  sentinel = sentinelBinary();
}, 120_000);

const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  runToEnd([sentinel, ...args], { env, cwd: tmpdir() });

test("F4: sentinel target is sentinel --role=target", async () => {
  await using target = startProcess([sentinel, "target"], { env: { PORT: "0" } });
  const { url } = await target.event(({ event }) => event === "target_started");
  expect((await fetch(`${String(url)}/health`)).status).toBe(200);
});

describe("F4: one line, short enough to be read, and exit 2", () => {
  test.each<[string, string]>([
    [
      "",
      "a role or a command is missing. Write sentinel target, sentinel observer, sentinel demo, or a command. sentinel --help lists all there is.",
    ],
    [
      "targt",
      "unknown command 'targt' (Did you mean target?). sentinel --help lists all there is.",
    ],
    [
      "observr",
      "unknown command 'observr' (Did you mean observer?). sentinel --help lists all there is.",
    ],
    [
      "target --role=observer",
      "target and --role=observer are two roles. Write sentinel target or sentinel observer.",
    ],
    [
      "target observer",
      "too many arguments for 'target'. Expected 0 arguments but got 1: observer. sentinel --help lists its options.",
    ],
    ["observer --fault=cpu", "--fault and --keep belong to --role=demo."],
    [
      "demo --fault=cup",
      "option '--fault <name>' argument 'cup' is invalid. Allowed choices are cpu, latency, errors, memory, killed. sentinel --help lists its options.",
    ],
    ["demo --config x.yaml", "--config does not belong to --role=demo."],
    ["observer --config /nowhere.yaml", "/nowhere.yaml is not there."],
    [
      "check --nope",
      "unknown option '--nope' (Did you mean --role?). Options of check: --prompt, --help.",
    ],
    [
      "approve",
      "missing required argument 'request'. sentinel approve --help says how it is written.",
    ],
    ["healthcheck localhost:9", '"localhost:9" is no http URL. Write http://localhost:9.'],
    [
      "healthcheck localhost:8000/health",
      '"localhost:8000/health" is no http URL. Write http://localhost:8000/health.',
    ],
    [
      "healthcheck ftp://me:hunter2@x/",
      '"ftp://me:[masked]@x/" is no http URL. Write an address such as http://127.0.0.1:8000/health.',
    ],
  ])("sentinel %s", async (typed, said) => {
    const { exitCode, stdout, stderr } = await run(typed.split(" ").filter(Boolean));
    expect({ exitCode, stdout, stderr }).toEqual({
      exitCode: 2,
      stdout: "",
      stderr: `sentinel: ${said}\n`,
    });
  });
});

describe("F4: a journal in a folder that is not there", () => {
  const JOURNAL = "/nonexistent/x.db";
  test("check names the folder, and no error of the system", async () => {
    const { stdout } = await run(["check"], { JOURNAL, PROMETHEUS_URL: "embedded" });
    expect(stdout).toMatch(
      /^failed +journal +the journal \/nonexistent\/x\.db cannot be there: the folder \/nonexistent does not exist\. Make the folder, or set JOURNAL to another path\.$/m,
    );
    expect(stdout).not.toContain("ENOENT");
  });

  test("the observer says the same, and ends", async () => {
    const { exitCode, stderr } = await run(["observer"], { JOURNAL });
    expect(stderr).toBe(
      "sentinel: the journal /nonexistent/x.db cannot be there: the folder /nonexistent does not exist. Make the folder, or set JOURNAL to another path.\n",
    );
    expect(exitCode).toBe(1);
  });
});
