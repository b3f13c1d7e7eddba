import { describe, expect, test } from "bun:test";
import { freePort } from "../../test/support/free-port.ts";
import { containerState } from "../../test/support/fixtures.ts";
import type { HealthCheck } from "../core/health.ts";
import type { ContainerState } from "../core/model.ts";
import { checkHealth } from "./health.ts";

/** Above what Linux lets any socket have (`net.core.somaxconn`). */
const MAX_QUEUED = 10_000;

const asked = (
  health: HealthCheck,
  inspect: () => Promise<ContainerState | undefined> = () => Promise.reject(new Error("not asked")),
) => checkHealth({ name: "shop", health }, { inspect });

test("a service without a health check is not asked", async () => {
  expect(await asked("none")).toBeUndefined();
});

test("an address of HTTP is asked for its status", async () => {
  await using server = Bun.serve({
    ...{ port: 0, hostname: "127.0.0.1" },
    fetch: ({ url }) => new Response(null, { status: url.endsWith("/health") ? 200 : 500 }),
  });
  const url = `http://127.0.0.1:${server.port}`;
  expect(await asked({ http: `${url}/health` })).toEqual({
    ok: true,
    message: `${url}/health: healthy (status 200)`,
  });
  expect(await asked({ http: `${url}/ready` })).toMatchObject({ ok: false });
});

const address = (host: string, port: number) =>
  `tcp://${host.includes(":") ? `[${host}]` : host}:${port}`;

describe("a port", () => {
  /** Says nothing, and notes when what connects to it has gone. */
  function listen(hostname: string) {
    const gone = Promise.withResolvers<void>();
    const server = Bun.listen({
      ...{ hostname, port: 0 },
      socket: { data: () => {}, close: () => gone.resolve() },
    });
    return { server, gone: gone.promise };
  }

  test("that takes a connection is well, and the connection is closed", async () => {
    const host = "127.0.0.1";
    const { server, gone } = listen(host);
    try {
      const { port } = server;
      expect(await asked({ tcp: address(host, port) })).toEqual({
        ok: true,
        message: `${address(host, port)}: takes connections`,
      });
      await gone;
    } finally {
      server.stop(true);
    }
  });

  test.each([
    ["127.0.0.1", "127.0.0.1"],
    ["localhost", "localhost"],
    ["::1", "[::1]"],
  ])("of %s on which nobody listens is not", async (host, shown) => {
    const port = freePort();
    const answer = await asked({ tcp: address(host, port) });
    expect(answer?.ok).toBe(false);
    expect(answer?.message).toStartWith(`tcp://${shown}:${port}: `);
    expect(answer?.message).toMatch(/: connect E[A-Z]+/);
  });

  test("of a host that nobody knows is not", async () => {
    const answer = await asked({ tcp: "tcp://nobody.invalid:1" });
    expect(answer?.ok).toBe(false);
    expect(answer?.message).toMatch(/^tcp:\/\/nobody\.invalid:1: \S/);
  });

  test("that does not answer is given up at the deadline", async () => {
    // Once nobody takes what has queued up, Linux leaves one who connects without an answer.
    const script = `const { port } = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
      require("node:fs").writeSync(1, String(port) + "\\n");
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);`;
    const child = Bun.spawn([process.execPath, "-e", script], { stderr: "inherit" });
    try {
      const { value } = await child.stdout.getReader().read();
      const tcp = address("127.0.0.1", Number(new TextDecoder().decode(value)));
      let answer = await asked({ tcp });
      for (let queued = 1; answer?.ok && queued < MAX_QUEUED; queued += 1)
        answer = await asked({ tcp });
      expect(answer).toEqual({
        ok: false,
        message: `${tcp}: no answer within 3 s`,
      });
    } finally {
      child.kill("SIGKILL");
      await child.exited;
    }
  }, 30_000);
});

describe("a container", () => {
  test.each<[string, Partial<ContainerState>, boolean]>([
    ["whose HEALTHCHECK passes", { health: "healthy" }, true],
    ["whose HEALTHCHECK fails", { health: "unhealthy" }, false],
    ["that starts", { health: "starting" }, false],
    ["without a HEALTHCHECK, that runs", { health: "none" }, true],
    ["without a HEALTHCHECK, that has ended", { health: "none", status: "exited" }, false],
  ])("%s", async (_, changes, ok) => {
    const state = containerState(changes);
    const said =
      state.health === "none"
        ? "; without a HEALTHCHECK no more is known"
        : `, health ${state.health}`;
    const message = `its runtime says: ${state.status}${said}`;
    expect(await asked("container", async () => state)).toEqual({ ok, message });
  });

  test("that does not exist", async () => {
    const message = "its container does not exist";
    expect(await asked("container", async () => undefined)).toEqual({ ok: false, message });
  });

  test("of which Docker does not tell", async () => {
    const message = "Docker does not answer";
    const inspect = () => Promise.reject(new Error(message));
    expect(await asked("container", inspect)).toEqual({ ok: false, message });
  });
});
