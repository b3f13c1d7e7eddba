import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BUN_IMAGE, describeUnless, docker, uniqueName, whyNoDocker } from "../support/docker.ts";
import { freePort } from "../support/free-port.ts";
import { expectRestarted, type Observing, startObserving } from "../support/observing.ts";
import { whyNo } from "../support/servers/daemons.ts";

setDefaultTimeout(120_000);

const missing = whyNo("redis") ?? (await whyNoDocker([BUN_IMAGE]));

/** The real one of this machine, with its libraries. */
async function runRedis(port: number): Promise<string & AsyncDisposable> {
  const name = uniqueName("a3-redis");
  const own = [
    "--publish",
    `127.0.0.1:${port}:6379`,
    "--volume",
    "/usr:/usr:ro",
    "--stop-timeout",
    "1",
  ];
  const program = ["--entrypoint", "/usr/bin/redis-server", BUN_IMAGE];
  const options = ["--bind", "0.0.0.0", "--protected-mode", "no", "--save", ""];
  await docker("run", "--detach", "--name", name, ...own, ...program, ...options);
  return Object.assign(name, {
    async [Symbol.asyncDispose]() {
      await docker("rm", "--force", "--volumes", name);
    },
  });
}

function observe(services: readonly unknown[]): Observing {
  const cwd = mkdtempSync(join(tmpdir(), "sentinel-a3-"));
  writeFileSync(join(cwd, "sentinel.yaml"), JSON.stringify({ services }));
  return startObserving({ cwd });
}

async function expectHealed(observer: Observing, name: string): Promise<void> {
  const closed = await observer.event(({ event }) => event === "incident_closed", 60_000);
  const { incident: id } = closed;
  // Of a container that has ended, its engine may say so before its probe does.
  expect(String(id)).toMatch(/-(ProbeFailing|ContainerDown)-/);
  expectRestarted(
    observer.events().filter(({ incident }) => incident === id),
    name,
  );
}

describeUnless(
  missing,
  "A3: Redis, whose metrics are of its exporter, which goes on answering",
  () => {
    test.each([
      ["killed", ["kill"]],
      ["hung", ["kill", "--signal", "STOP"]],
    ])("A3: %s: it is healed, in one incident", async (_, command) => {
      await using exporter = Bun.serve({
        ...{ hostname: "127.0.0.1", port: 0 },
        fetch: () => new Response("process_cpu_seconds_total 1\n"),
      });
      const port = freePort();
      await using redis = await runRedis(port);
      const name = String(redis);
      await using observer = observe([
        {
          name,
          health: `redis://127.0.0.1:${port}`,
          metrics: `http://127.0.0.1:${exporter.port}/metrics`,
        },
      ]);
      await observer.event(({ event }) => event === "quiet");
      await docker(...command, name);
      await expectHealed(observer, name);
      const opened = observer.events().filter(({ event }) => event === "incident_opened");
      expect(opened).toHaveLength(1);
      const [success] = await observer.query("probe_success");
      expect(success?.metric).toMatchObject({ sentinel_service: name });
    });

    test("A3: stopped by somebody: it is left alone, with a word", async () => {
      const port = freePort();
      await using redis = await runRedis(port);
      const name = String(redis);
      await using observer = observe([{ name, health: `redis://127.0.0.1:${port}` }]);
      await observer.event(({ event }) => event === "quiet");
      await docker("stop", name);
      const told = await observer.event(({ event }) => event === "left_alone");
      expect(told["reason"]).toMatch(/somebody stopped it|exit code 0/);
      await observer.event(
        ({ event, level, alert }) =>
          event === "alert_changed" &&
          level === "warning" &&
          JSON.stringify(alert).includes("ProbeFailing"),
      );
      expect(observer.events()).not.toContainEqual(
        expect.objectContaining({ event: "incident_opened" }),
      );
    });
  },
);
