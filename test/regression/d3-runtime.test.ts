import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BUN_IMAGE, describeUnless, docker, uniqueName, whyNoDocker } from "../support/docker.ts";
import { type Observing, startObserving } from "../support/observing.ts";
import { startPrometheus } from "../support/servers/prometheus.ts";

setDefaultTimeout(120_000);

const KINDS = {
  // So little that it gets all of it on a busy machine as well.
  burning: { limits: ["--cpus", "0.02"], script: "while :; do :; done" },
  holding: {
    limits: ["--memory", "64m", "--memory-swap", "64m"],
    script: "head -c 62000000 /dev/zero | tail -c 62000000 | (sleep 600; cat)",
  },
  idle: { limits: [], script: "sleep 600" },
} as const;

async function runContainers() {
  const names = { burning: "", holding: "", idle: "" };
  for (const kind of ["burning", "holding", "idle"] as const) {
    const name = uniqueName(`d3-${kind}`);
    names[kind] = name;
    const { limits, script } = KINDS[kind];
    const own = ["--network", "none", "--stop-timeout", "1", "--entrypoint", "sh"];
    await docker("run", "--detach", "--name", name, ...own, ...limits, BUN_IMAGE, "-c", script);
  }
  return {
    names,
    async [Symbol.asyncDispose]() {
      await docker("rm", "--force", ...Object.values(names));
    },
  };
}

function observe(names: readonly string[], env: Readonly<Record<string, string>>): Observing {
  const cwd = mkdtempSync(join(tmpdir(), "sentinel-d3-"));
  const services = names.map((name) => ({ name, metrics: "none", actions: [] }));
  writeFileSync(join(cwd, "sentinel.yaml"), JSON.stringify({ services }));
  return startObserving({ cwd, env });
}

describeUnless(await whyNoDocker([BUN_IMAGE]), "D3: containers without metrics", () => {
  test.each(["embedded", "a Prometheus that knows nothing of them"])(
    "D3: one that burns its CPU and one that holds its memory are found, by %s",
    async (source) => {
      await using server = startPrometheus({ query: { resultType: "vector", result: [] } });
      const env = source === "embedded" ? {} : { PROMETHEUS_URL: server.url };
      await using containers = await runContainers();
      const { burning, holding, idle } = containers.names;
      await using observer = observe([burning, holding, idle], env);
      for (const [alert, name] of [
        ["ContainerHighCpu", burning],
        ["ContainerHighMemory", holding],
      ] as const) {
        const opened = await observer.event(
          ({ event, service }) => event === "incident_opened" && service === name,
          60_000,
        );
        expect(opened).toMatchObject({
          alert: { name: alert, labels: { kind: "limit", sentinel_service: name } },
        });
      }
      expect(observer.events()).not.toContainEqual(
        expect.objectContaining({ event: "incident_opened", service: idle }),
      );
    },
  );
});
