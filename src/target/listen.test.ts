/** What only shows on a real socket. */

import { describe, expect, test } from "bun:test";
import { listen } from "./listen.ts";
import { createTarget } from "./server.ts";
import { TARGET_SETTINGS, aliveProcess } from "../../test/support/target.ts";

function startTarget(idleTimeoutS?: number) {
  const events: string[] = [];
  const target = createTarget(TARGET_SETTINGS, {
    emit: (_, event) => events.push(event),
    ownProcess: aliveProcess,
  });
  const listening = listen(target, { host: "127.0.0.1", port: 0 }, idleTimeoutS);
  const port = Number(new URL(listening.url).port);
  const dispose = async () => {
    await Promise.all([target.stopFaults(), listening.close()]);
  };
  return { ...target, ...listening, port, events, [Symbol.asyncDispose]: dispose };
}

/** Sends bytes as they are and gives what comes back until the other side closes or 1 s has passed. */
async function sendRaw(port: number, bytes: string): Promise<string> {
  let answer = "";
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      data: (_, chunk) => void (answer += chunk.toString("latin1")),
      close: () => resolve(),
      error: () => resolve(),
    },
  });
  socket.write(bytes);
  await Promise.race([closed, Bun.sleep(1_000)]);
  socket.end();
  return answer;
}

async function eventually(condition: () => boolean): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < 5_000; waitedMs += 10) {
    if (condition()) return true;
    await Bun.sleep(10);
  }
  return false;
}

describe("on a socket", () => {
  test("a connection that is dropped ends its fault", async () => {
    await using target = startTarget();
    const client = new AbortController();
    const answer = fetch(`${target.url}/stress/latency?min_delay=60&max_delay=60`, {
      signal: client.signal,
    }).catch(() => "dropped");
    expect(await eventually(() => target.activeFaults() === 1)).toBe(true);
    client.abort();
    expect(await answer).toBe("dropped");
    expect(await eventually(() => target.activeFaults() === 0)).toBe(true);
    expect(await eventually(() => target.events.includes("latency_stress_cancelled"))).toBe(true);
  });

  test("closing answers who waits for a fault, within 2 s", async () => {
    await using target = startTarget();
    const waiting = fetch(`${target.url}/stress/latency?min_delay=60&max_delay=60`);
    expect(await eventually(() => target.activeFaults() === 1)).toBe(true);
    const fromMs = performance.now();
    await Promise.all([target.stopFaults(), target.close()]);
    expect(performance.now() - fromMs).toBeLessThan(10_000);
    expect((await waiting).status).toBe(503);
    await expect(fetch(`${target.url}/health`)).rejects.toThrow();
  });

  test("closing does not wait for a client that never finishes its request", async () => {
    await using target = startTarget();
    const stuck = sendRaw(target.port, "GET /health HTTP/1.1\r\nHost: a\r\nX-");
    await Bun.sleep(50);
    const fromMs = performance.now();
    await target.close();
    expect(performance.now() - fromMs).toBeLessThan(10_000);
    await stuck;
  });

  test("a fault may take longer than a connection may idle, and then it idles no longer", async () => {
    await using target = startTarget(1);
    const { promise: closed, resolve } = Promise.withResolvers<string>();
    let answer = "";
    const socket = await Bun.connect({
      hostname: "127.0.0.1",
      port: target.port,
      socket: {
        data: (_, chunk) => void (answer += chunk.toString("latin1")),
        close: () => resolve("closed"),
      },
    });
    // Bun looks for idle connections every 4 s.
    socket.write("GET /stress/latency?min_delay=6&max_delay=6 HTTP/1.1\r\nHost: a\r\n\r\n");
    await Bun.sleep(6_500);
    expect(answer).toStartWith("HTTP/1.1 200");
    expect(await Promise.race([closed, Bun.sleep(9_000)])).toBe("closed");
  }, 20_000);

  test("a port that is taken is an error, not shared", async () => {
    await using target = startTarget();
    const other = createTarget(TARGET_SETTINGS, { emit: () => {}, ownProcess: aliveProcess });
    expect(() => listen(other, { host: "127.0.0.1", port: target.port })).toThrow();
  });

  const hostile = [
    [
      "a body past 64 kB",
      `POST /health HTTP/1.1\r\nHost: a\r\nContent-Length: 65537\r\n\r\n`,
      "413",
    ],
    [
      "headers past all sense",
      `GET /health HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(100_000)}\r\n\r\n`,
      "431",
    ],
    ["nonsense", "\x00\x01\x02\r\n\r\n", "400"],
    ["a path with a line break in it", "GET /%0d%0aX:%20y HTTP/1.1\r\nHost: a\r\n\r\n", "404"],
    ["two hosts' worth of URL", "GET http://evil.example/health HTTP/1.1\r\nHost: a\r\n\r\n", ""],
  ] as const;
  test.each(hostile)("%s does no harm", async (_, bytes, status) => {
    await using target = startTarget();
    const answer = await sendRaw(target.port, bytes);
    if (status !== "") expect(answer).toStartWith(`HTTP/1.1 ${status}`);
    expect(answer).not.toContain("\r\nX: y");
    expect((await fetch(`${target.url}/health`)).status).toBe(200);
  });
});
