/**
 * Load on one path from raw sockets: a client that costs less than the server it measures.
 *
 * Both share a few cores; `fetch` would take most of them.
 */

import type { Socket } from "bun";

const PROBE = "/health";
const OK = "HTTP/1.1 200";

export interface LoadResult {
  readonly requestsPerS: number;
}

/** Closed loop on keep-alive connections, one request at a time on each. Throws on any answer but 200. */
export async function measureThroughput(
  port: number,
  connections: number,
  { durationMs, path = PROBE }: { readonly durationMs: number; readonly path?: string },
): Promise<LoadResult> {
  // All answers are as long as the first: the same headers, a date of fixed length, the same body.
  const request = get(path);
  const answerBytes = await lengthOfAnswer(port, request);
  const { promise: failed, reject } = Promise.withResolvers<never>();
  let answers = 0;
  const handler = {
    open(socket: Socket<{ bytes: number }>) {
      socket.write(request);
    },
    data(socket: Socket<{ bytes: number }>, chunk: Buffer) {
      if (socket.data.bytes === 0 && chunk.toString("latin1", 0, OK.length) !== OK) {
        reject(new Error(`unexpected answer: ${chunk.toString("latin1", 0, 60)}`));
      }
      socket.data.bytes += chunk.length;
      if (socket.data.bytes < answerBytes) return;
      socket.data.bytes = 0;
      answers += 1;
      socket.write(request);
    },
    error: (_: unknown, error: Error) => reject(error),
  };
  const sockets = await Promise.all(
    Array.from({ length: connections }, () =>
      Bun.connect({ hostname: "127.0.0.1", port, data: { bytes: 0 }, socket: handler }),
    ),
  );
  try {
    const startMs = performance.now();
    const before = answers;
    await Promise.race([Bun.sleep(durationMs), failed]);
    return { requestsPerS: ((answers - before) / (performance.now() - startMs)) * 1000 };
  } finally {
    for (const socket of sockets) socket.end();
  }
}

/**
 * Asks at a fixed rate, whatever the answers take, on one connection.
 *
 * @returns ms from when each request was due to its answer, sorted
 */
export async function measureLatencies(
  port: number,
  ratePerS: number,
  durationMs: number,
): Promise<readonly number[]> {
  const dueAtMs: number[] = [];
  const latenciesMs: number[] = [];
  const request = get(PROBE);
  const answerBytes = await lengthOfAnswer(port, request);
  let bytes = 0;
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      data(_, chunk) {
        bytes += chunk.length;
        for (; bytes >= answerBytes; bytes -= answerBytes) {
          const dueAt = dueAtMs.shift();
          if (dueAt !== undefined) latenciesMs.push(performance.now() - dueAt);
        }
      },
    },
  });
  const startMs = performance.now();
  const total = Math.floor((durationMs / 1000) * ratePerS);
  for (let sent = 0; sent < total; sent += 1) {
    const dueMs = startMs + (sent * 1000) / ratePerS;
    await Bun.sleep(Math.max(0, dueMs - performance.now()));
    // A timer may fire a little early; a late one counts as the server's delay.
    dueAtMs.push(Math.min(dueMs, performance.now()));
    socket.write(request);
  }
  await Bun.sleep(500);
  socket.end();
  if (dueAtMs.length > 0) throw new Error(`${dueAtMs.length} probes were never answered`);
  return latenciesMs.sort((a, b) => a - b);
}

/**
 * Asks until there is a 200.
 *
 * @returns the time on `performance.now()`'s clock at which its first bytes were here
 */
export async function waitForOk(port: number, deadlineMs: number, path = PROBE): Promise<number> {
  const endMs = performance.now() + deadlineMs;
  while (performance.now() < endMs) {
    const answer = await firstAnswer(port, get(path));
    if (answer?.startsWith(OK) === true) return performance.now();
    await Bun.sleep(0.5);
  }
  throw new Error(`no 200 from port ${port} within ${deadlineMs} ms`);
}

function get(path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`;
}

async function lengthOfAnswer(port: number, request: string): Promise<number> {
  const answer = await firstAnswer(port, request);
  if (answer === undefined) throw new Error(`nothing answers on port ${port}`);
  return answer.length;
}

async function firstAnswer(port: number, request: string): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  try {
    const socket = await Bun.connect({
      hostname: "127.0.0.1",
      port,
      socket: {
        open: (opened) => void opened.write(request),
        data: (_, chunk) => resolve(chunk.toString("latin1")),
        close: () => resolve(undefined),
      },
    });
    const answer = await promise;
    socket.end();
    return answer;
  } catch {
    // Refused: nothing listens yet.
    return undefined;
  }
}
