import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { sentinelBinary } from "../support/binary.ts";
import { BUN_IMAGE, describeUnless, docker, uniqueName, whyNoDocker } from "../support/docker.ts";
import { freePort } from "../support/free-port.ts";
import { embeddedSettings } from "../support/observing.ts";

setDefaultTimeout(120_000);

const missing = await whyNoDocker([BUN_IMAGE]);

const serving = (answer: string) => [
  "bun",
  "-e",
  `process.on("SIGTERM", () => process.exit(0)); ${answer}`,
];
const HTTP = serving(`Bun.serve({ port: 8080, fetch: ({ url, method }) => {
  const { pathname } = new URL(url);
  if (method !== "GET") process.exit(1);
  if (pathname === "/metrics") return new Response("# TYPE served counter\\nserved 1\\nleft{a=\\"b\\"} 2\\n");
  return new Response("", { status: pathname === "/healthz" ? 200 : 404 });
} });`);
const REDIS = serving(
  `Bun.listen({ hostname: "0.0.0.0", port: 6379, socket: { data: (socket) => { socket.write("+PONG\\r\\n"); } } });`,
);
const SILENT = serving(
  `Bun.listen({ hostname: "0.0.0.0", port: 5672, socket: { data: (socket) => { socket.end(); } } });`,
);

interface Run {
  readonly exitCode: number;
  readonly output: string;
  readonly error: string;
}

async function sentinel(cwd: string, ...args: readonly string[]): Promise<Run> {
  const env = { PATH: process.env["PATH"] ?? "", ...embeddedSettings() };
  const child = Bun.spawn([sentinelBinary(), ...args], { cwd, env, stderr: "pipe" });
  const [output, error] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { exitCode: await child.exited, output, error };
}

describeUnless(missing, "sentinel init", () => {
  const name = uniqueName("init");
  const folder = mkdtempSync(join(tmpdir(), `${name}-`));
  const composeFile = join(folder, "compose.yaml");
  const container = (service: string) => `${name}-${service}-1`;
  const ports = { web: freePort(), cache: freePort(), queue: freePort() };
  const publish = (key: keyof typeof ports, port: number) => ({
    ports: [`127.0.0.1:${ports[key]}:${port}`],
  });
  const services = {
    web: { command: HTTP, ...publish("web", 8080) },
    cache: {
      command: REDIS,
      environment: { PASSWORD: "s3cret-s3cret" },
      ...publish("cache", 6379),
    },
    queue: { command: SILENT, ...publish("queue", 5672) },
    worker: {
      ...{ command: HTTP, expose: [8080] },
      healthcheck: { test: ["CMD", "true"], interval: "1s" },
    },
    task: { command: SILENT, labels: { "com.docker.swarm.task.id": "abc" } },
    watcher: { command: ["bun", "-e", "setInterval(() => {}, 1e6)", "sentinel", "observer"] },
    ended: { command: ["true"] },
  };
  const compose = (...args: readonly string[]) => docker("compose", "-f", composeFile, ...args);

  beforeAll(async () => {
    const limits = { image: BUN_IMAGE, init: true, stop_grace_period: "1s" };
    const kept = Object.entries(services).map(([key, own]) => [key, { ...limits, ...own }]);
    writeFileSync(composeFile, stringify({ name, services: Object.fromEntries(kept) }));
    await compose("up", "--detach");
    for (const port of Object.values(ports)) await untilAnswered(port);
  });
  afterAll(async () => {
    await compose("down", "--volumes", "--timeout", "1");
  });

  async function untilAnswered(port: number): Promise<void> {
    for (let tries = 0; tries < 200; tries += 1) {
      const socket = Bun.connect({
        ...{ hostname: "127.0.0.1", port },
        socket: { data() {}, close() {} },
      });
      const isThere = await socket.then(
        (one) => (one.end(), true),
        () => false,
      );
      if (isThere) break;
      await Bun.sleep(100);
    }
    // The engine's proxy takes connections before the server does.
    await Bun.sleep(500);
  }

  test("writes what runs, once; and check finds all of it well", async () => {
    const cwd = mkdtempSync(join(tmpdir(), `${name}-`));
    const first = await sentinel(cwd, "init", "--compose", composeFile);
    expect(first.error).toBe("");
    expect(first.exitCode).toBe(0);
    expect(readdirSync(cwd)).toEqual(["sentinel.yaml"]);
    const text = readFileSync(join(cwd, "sentinel.yaml"), "utf8");
    expect(parse(text)).toEqual({
      services: [
        {
          name: container("cache"),
          health: `redis://127.0.0.1:${ports.cache}`,
          metrics: "none",
        },
        {
          name: container("queue"),
          health: `tcp://127.0.0.1:${ports.queue}`,
          metrics: "none",
        },
        {
          name: container("web"),
          health: `http://127.0.0.1:${ports.web}/healthz`,
          metrics: `http://127.0.0.1:${ports.web}/metrics`,
        },
        { name: container("worker"), health: "container", metrics: "none" },
      ],
    });
    expect(text).toContain(`metrics: http://127.0.0.1:${ports.web}/metrics # 2 series`);
    expect(text).toContain("/metrics answers on port 8080, which is not published");
    expect(text + first.output).not.toContain("s3cret");
    expect(first.output).toContain(`Left out: ${container("task")}, Swarm runs it`);
    expect(first.output).toContain(`Left out: ${container("watcher")}, it is Sentinel itself`);
    expect(first.output).toContain(`Left out: ${container("ended")}, it does not run (exited)`);
    expect(first.output).toContain("sentinel check");

    const second = await sentinel(cwd, "init", "--compose", composeFile);
    expect(second.exitCode).toBe(2);
    expect(second.error).toBe(
      `sentinel: ${join(cwd, "sentinel.yaml")} is already there, and is left as it is. Move it away, or call sentinel init in another folder.\n`,
    );
    expect(readFileSync(join(cwd, "sentinel.yaml"), "utf8")).toBe(text);

    const checked = await sentinel(cwd, "check");
    expect(checked.output).toContain("The observer can work.");
    const missed = checked.output.split("\n").filter((line) => /^(missing|failed)/.test(line));
    expect(missed.filter((line) => line.includes(name))).toEqual([]);
  });

  test.each([
    [["--compose", "gone.yaml"], "the Compose file gone.yaml is not there."],
    [["--compose", "empty.yaml"], "no container of the Compose project init-empty runs"],
    [["--compose", "broken.yaml"], "broken.yaml: "],
  ])("%p is one clear line, and writes nothing", async (args, message) => {
    const cwd = mkdtempSync(join(tmpdir(), `${name}-`));
    const nothing = { name: "init-empty", services: { a: { image: BUN_IMAGE } } };
    writeFileSync(join(cwd, "empty.yaml"), stringify(nothing));
    writeFileSync(join(cwd, "broken.yaml"), "services: [");
    const { exitCode, error } = await sentinel(cwd, "init", ...args);
    expect(exitCode).toBe(2);
    expect(error).toStartWith(`sentinel: ${message}`);
    expect(error.trimEnd().split("\n")).toHaveLength(1);
    expect(readdirSync(cwd)).not.toContain("sentinel.yaml");
  });

  test("an engine that is not there is one clear line", async () => {
    const cwd = mkdtempSync(join(tmpdir(), `${name}-`));
    writeFileSync(join(cwd, ".env"), "DOCKER_HOST=unix:///nowhere/docker.sock\n");
    const { exitCode, error } = await sentinel(cwd, "init");
    expect(exitCode).toBe(2);
    expect(error).toStartWith("sentinel: Docker at unix:///nowhere/docker.sock: ");
    expect(error).toContain("set DOCKER_HOST to where it listens");
  });
});
