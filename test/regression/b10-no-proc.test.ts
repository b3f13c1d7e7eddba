/** `/proc` that is hidden from a running process: what is read there has no value, and all else goes on. */

import { expect, test } from "bun:test";
import { existsSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Environment } from "../../src/platforms/run-command.ts";
import { sentinelBinary, startProcess } from "../support/binary.ts";
import { describeUnless } from "../support/docker.ts";
import { freePort } from "../support/free-port.ts";
import { embeddedSettings } from "../support/observing.ts";

const canMount = Bun.spawnSync(["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/proc"]).success;
const missing = canMount ? undefined : "`unshare -rm` may not mount anything here";

/** The program, in a mount namespace of its own in which `/proc` is covered once the file exists. */
function startCoverable(role: "observer" | "target", env: Environment) {
  const folder = mkdtempSync(join(tmpdir(), "sentinel-b10-"));
  const ask = join(folder, "cover");
  const done = join(folder, "covered");
  const script = `(while ! [ -e ${ask} ]; do sleep 0.05; done; mount -t tmpfs none /proc; : > ${done}) & exec "$@"`;
  const argv = ["unshare", "-rm", "sh", "-c", script, "sh", sentinelBinary(), `--role=${role}`];
  const started = startProcess(argv, { cwd: folder, env });
  return {
    ...started,
    async cover() {
      writeFileSync(ask, "");
      while (!existsSync(done)) await Bun.sleep(20);
    },
  };
}

async function answerOf(url: string): Promise<string> {
  for (let attempt = 0; ; attempt += 1) {
    const answer = await fetch(url).catch((error: unknown) => error);
    if (answer instanceof Response && answer.ok) return await answer.text();
    if (attempt === 100) throw new Error(`${url} does not answer: ${String(answer)}`);
    await Bun.sleep(50);
  }
}

describeUnless(missing, "without /proc", () => {
  test("B10: an observer goes on without /proc", async () => {
    const port = String(await freePort());
    const url = `http://127.0.0.1:${port}`;
    const env = { ...embeddedSettings(), OBSERVER_PORT: port, POLL_INTERVAL: "0.2" };
    await using observer = startCoverable("observer", env);
    const before = await answerOf(`${url}/metrics`);
    expect(before).toContain("\nprocess_resident_memory_bytes ");
    expect(before).toContain("\nprocess_open_fds ");
    await observer.cover();

    const after = await answerOf(`${url}/metrics`);
    expect(after).toContain("\nprocess_cpu_seconds_total ");
    expect(after).not.toContain("\nprocess_resident_memory_bytes ");
    expect(after).not.toContain("\nprocess_open_fds ");
    // Evaluated by a worker, which starts only now.
    expect(await answerOf(`${url}/api/v1/query?query=up`)).toContain('"success"');
    expect(await answerOf(`${url}/health`)).toContain("ok");
    observer.kill("SIGTERM");
    expect(await observer.exited).toBe(0);
  });

  test("B10: a target goes on without /proc", async () => {
    const port = String(await freePort());
    const url = `http://127.0.0.1:${port}`;
    await using target = startCoverable("target", { PORT: port });
    expect(await answerOf(`${url}/metrics`)).toContain("\nprocess_open_fds ");
    await target.cover();
    const after = await answerOf(`${url}/metrics`);
    expect(after).toContain("\nprocess_cpu_seconds_total ");
    expect(after).not.toContain("\nprocess_open_fds ");
    target.kill("SIGTERM");
    expect(await target.exited).toBe(0);
  });
});
