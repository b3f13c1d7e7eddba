/** F3: what a supervised command writes is seen, and a death that its restart cures is an incident. */

import { beforeAll, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { healthcheck } from "../../src/observer/healthcheck.ts";
import { runToEnd, sentinelBinary, startProcess } from "../support/binary.ts";
import { freePort } from "../support/free-port.ts";
import { embeddedSettings, startObserving } from "../support/observing.ts";
import { until } from "../support/supervise.ts";

let sentinel = "";
beforeAll(() => {
  sentinel = sentinelBinary();
}, 120_000);

const SECRET = "hunter2-hunter2-hunter2";

/** A command that dies once, and then is a service; what it writes says so. */
function dyingOnce(port: number): Disposable & { readonly env: Readonly<Record<string, string>> } {
  const folder = mkdtempSync(join(tmpdir(), "sentinel-f3-"));
  const script = join(folder, "service");
  writeFileSync(
    script,
    `#!/bin/sh
if [ ! -e ${folder}/died ]; then
  touch ${folder}/died
  echo "starting up"
  env | cut -c 1-30
  echo "panic: password=${SECRET}" >&2
  exit 3
fi
echo "second run"
exec env PORT=${port} HOST=127.0.0.1 ${sentinel} target
`,
  );
  chmodSync(script, 0o755);
  return {
    env: { SUPERVISE: script, TARGET_URL: `http://127.0.0.1:${port}`, TARGET_CONTAINER: "shop" },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  };
}

test("F3: its lines go to standard error with its name, and its death is an incident", async () => {
  using command = dyingOnce(freePort());
  const secrets = {
    OPERATOR_TOKEN: SECRET,
    GEMINI_API_KEY: SECRET,
    LM_STUDIO_URL: `http://me:${SECRET}@127.0.0.1:9`,
    KEPT: "this one",
  };
  const JOURNAL = join(mkdtempSync(join(tmpdir(), "sentinel-f3-journal-")), "sentinel.db");
  await using observer = startObserving({ env: { ...command.env, ...secrets, JOURNAL } });
  await until("the first lines", () => observer.stderr().includes("shop | second run\n"));
  const seen = observer.stderr().split("\n");
  expect(seen).toContain("shop | starting up");
  expect(seen).toContain(`shop | panic: password=${SECRET}`);
  // The command's own words are its owner's; Sentinel's secrets are not passed to it.
  expect(seen).toContain("shop | KEPT=this one");
  for (const name of ["OPERATOR_TOKEN", "GEMINI_API_KEY", "LM_STUDIO_URL"])
    expect(observer.stderr()).not.toContain(name);
  expect(observer.stdout()).not.toContain("second run");

  const [opened, evidence, closed] = await observer.incident("ProcessDied", "shop");
  expect(opened).toMatchObject({
    event: "incident_opened",
    alert: { summary: expect.stringMatching(/^died with exit code 3 after \d+(\.\d)? s$/) },
  });
  const deaths = JSON.stringify(evidence?.["deaths"]);
  expect(deaths).toContain("starting up");
  expect(deaths).not.toContain("second run");
  expect(JSON.stringify([opened, evidence, closed])).not.toContain(SECRET);
  expect(closed).toMatchObject({ closing: { verdict: { kind: "healed" } } });

  const listed = await runToEnd([sentinel, "incidents"], { env: { JOURNAL }, cwd: "/" });
  expect(listed.stdout).toMatch(/ProcessDied .* healed/);
  const id = String(closed?.["incident"]);
  const page = await runToEnd([sentinel, "incidents", id], { env: { JOURNAL }, cwd: "/" });
  expect(page.stdout).toContain("panic: password=");
  expect(page.stdout).not.toContain(SECRET);
}, 60_000);

test("F3: SUPERVISE_OUTPUT=off keeps them to itself", async () => {
  using command = dyingOnce(freePort());
  await using observer = startObserving({ env: { ...command.env, SUPERVISE_OUTPUT: "off" } });
  await until("the second run", async () =>
    /started again/.test(await observer.notice("command", /again/)),
  );
  await observer.notice("command", /it runs as process/);
  expect(observer.stderr()).toBe("");
}, 30_000);

test.each([
  ["that is read", []],
  ["that nobody reads", ["bash", "-c", 'exec "$0" "$@" 2> >(exec sleep 60)']],
])(
  "F3: a flood of output %s holds up neither the command nor the observer",
  async (_, wrapper) => {
    const port = freePort();
    const env = embeddedSettings({
      SUPERVISE: `sh -c 'yes this is a line of a flood & exec env PORT=${port} ${sentinel} target'`,
      TARGET_URL: `http://127.0.0.1:${port}`,
    });
    const argv = [...wrapper, sentinel, "observer"];
    await using observer = startProcess(argv, { env, cwd: "/" });
    const notice = await observer.event(({ topic }) => topic === "health");
    const url = String(notice["text"]).split("/ready")[0] ?? "";
    await until(
      "the command",
      async () => (await healthcheck(`http://127.0.0.1:${port}/health`)).ok,
    );
    let worstMs = 0;
    for (let at = 0; at < 20; at += 1) {
      const fromMs = performance.now();
      expect((await fetch(`${url}/health`)).status).toBe(200);
      worstMs = Math.max(worstMs, performance.now() - fromMs);
      await Bun.sleep(50);
    }
    expect(worstMs).toBeLessThan(1000);
    expect((await healthcheck(`http://127.0.0.1:${port}/health`)).ok).toBe(true);
    expect(observer.stderr().includes("bytes left out")).toBe(wrapper.length === 0);
  },
  60_000,
);
