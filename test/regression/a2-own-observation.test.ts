import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sentinelBinary, startProcess } from "../support/binary.ts";
import { startObserving } from "../support/observing.ts";

/** Nothing listens there. */
const NO_ENGINE = "unix:///nonexistent/docker.sock";

test("A2: what Sentinel itself observes is no scraped target, which a user's up == 0 is about", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sentinel-a2-"));
  const rule = {
    alert: "AnyDown",
    expr: "up == 0",
    labels: { severity: "critical" },
    annotations: { sentinel_actions: "docker-restart" },
  };
  writeFileSync(
    join(folder, "rules.yml"),
    JSON.stringify({ groups: [{ name: "own", rules: [rule] }] }),
  );
  await using target = startProcess([sentinelBinary(), "--role=target"], { env: { PORT: "0" } });
  const { url } = await target.event(({ event }) => event === "target_started");
  await using observer = startObserving({
    cwd: folder,
    env: { TARGET_URL: String(url), RULES_FILE: "rules.yml", DOCKER_HOST: NO_ENGINE },
  });
  await observer.event(({ event }) => event === "quiet");
  // Sentinel has looked, and found nobody: its own word of that has a name of its own.
  expect(await observer.query('sentinel_up{job="docker"}')).toMatchObject([{ value: 0 }]);
  expect(await observer.query("up")).toMatchObject([
    { metric: { job: "sentinel-target-api" }, value: 1 },
  ]);
  const names = (await observer.query('{job="docker"}')).map(({ metric }) => metric["__name__"]);
  expect(names.filter((name) => name?.startsWith("sentinel_") !== true)).toEqual([]);
  const fired = observer
    .events()
    .filter((event) => Bun.deepMatch({ alert: { name: "AnyDown", state: "firing" } }, event));
  expect(fired).toEqual([]);
  rmSync(folder, { recursive: true });
});
