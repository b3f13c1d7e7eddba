/** The whole of it on an engine: the executable finds a sick container by its label, and heals it. */

import { expect } from "bun:test";
import { runToEnd, sentinelBinary } from "../binary.ts";
import { uniqueName } from "../docker.ts";
import { freePort } from "../free-port.ts";
import { embeddedSettings, startObserving } from "../observing.ts";
import { until } from "../supervise.ts";
import type { Environment } from "../../../src/platforms/run-command.ts";
import { ownFolder, run, shellImage, type TestEngine } from "./engine.ts";

const SCRIPT = "trap 'exit 0' TERM; rm -f /tmp/broken; while :; do sleep 0.1; done";

export interface Healing {
  /** What `check` says of Docker. */
  readonly checked: string;
  /** What the first lines say of it. */
  readonly said: string;
}

export interface HealingOptions {
  /** By hand, where nothing else runs the HEALTHCHECK: Podman leaves it to systemd. */
  readonly isChecked?: boolean;
  /** Sentinel's own way to the engine, if it is another than the test's. */
  readonly sentinel?: Environment;
}

/** Breaks a container, and expects that the executable restarts it and finds it healed. */
export async function healsOn(
  engine: TestEngine,
  { isChecked = false, sentinel = {} }: HealingOptions = {},
): Promise<Healing> {
  await using resources = new AsyncDisposableStack();
  const folder = resources.use(await ownFolder("healing")).path;
  const { DOCKER_HOST } = engine.env;
  const env = { ...engine.env, ...(DOCKER_HOST && { CONTAINER_HOST: DOCKER_HOST }) };
  const docker = (...args: readonly string[]) => run(["docker", ...args], env);
  const name = uniqueName("heal");
  const image = `${name}:1`;
  await docker("import", await shellImage(folder), image);
  resources.defer(async () => {
    await docker("rmi", "--force", image);
  });
  const label = `sentinel.heal=${name}`;
  const health = [
    ...["--health-cmd", "test ! -f /tmp/broken", "--health-retries", "1"],
    ...["--health-interval", isChecked ? "disable" : "1s"],
  ];
  const own = ["--name", name, "--label", label, "--stop-timeout", "10", ...engine.runOptions];
  await docker("run", "--detach", ...own, ...health, image, "sh", "-c", SCRIPT);
  resources.defer(async () => {
    await docker("rm", "--force", name);
  });

  const settings = {
    ...engine.env,
    ...sentinel,
    HEAL_LABEL: label,
    TARGET_URL: `http://127.0.0.1:${freePort()}`,
    TARGET_CONTAINER: "sentinel-test-nobody",
    // Longer than the answers of an engine behind ssh take on a busy machine.
    POLL_INTERVAL: "2",
  };
  const checked = await runToEnd([sentinelBinary(), "check"], {
    cwd: folder,
    env: embeddedSettings(settings),
  });
  await using observer = startObserving({ cwd: folder, env: settings });
  const said = await observer.notice("docker");
  await observer.notice("watching", new RegExp(`^${name} as well`));
  const checks = new AbortController();
  const checkHealth = async () => {
    while (!checks.signal.aborted) {
      // It fails while the service is sick, which is what it is for.
      await docker("healthcheck", "run", name).catch(() => "");
      await Bun.sleep(500);
    }
  };
  const checking = isChecked ? checkHealth() : undefined;
  // What still asks the engine when it ends would leave its mounts behind.
  resources.defer(async () => {
    checks.abort();
    await checking;
  });
  await until("its health", async () => {
    const found = await observer.query(`container_healthy{container="${name}"}`);
    return found[0]?.value === 1;
  });
  await docker("exec", name, "sh", "-c", ": > /tmp/broken");
  const events = await observer.incident("ContainerUnhealthy", name);
  expect(events.at(-1)).toMatchObject({
    closing: { result: "acted", verdict: { kind: "healed" } },
  });
  return {
    checked: /^\w+ +docker +.*$/m.exec(checked.stdout)?.[0].replace(/ +/g, " ") ?? "",
    said,
  };
}
