import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { z } from "zod";
import { aliveProcess, TARGET_SETTINGS } from "../../test/support/target.ts";
import { BYTES_PER_MB } from "./faults/held-memory.ts";
import { createTarget } from "./server.ts";

interface Line {
  readonly event: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

/** Of a fault, in the answer that started it. */
const StartedFault = z.looseObject({ id: z.string() });
const idOf = ({ body }: Answer) => StartedFault.parse(body).id;

const TOKEN = { authorization: "Bearer s3cret" };
/** What a browser sends with a request that a page of another site makes. */
const CROSS_SITE = { origin: "https://evil.example", "sec-fetch-site": "cross-site" };

function startTarget(
  settings: Partial<typeof TARGET_SETTINGS> = {},
  cpuWorkerEntry = join(import.meta.dir, "cpu-worker.ts"),
) {
  const lines: Line[] = [];
  const target = createTarget(
    { ...TARGET_SETTINGS, maxActiveFaults: 3, ...settings },
    {
      emit: (_, event, fields) => lines.push({ event, fields }),
      ownProcess: aliveProcess,
      memory: {
        residentBytes: () => 0,
        allowedBytes: () => 100 * BYTES_PER_MB,
        hasOwnLimit: () => false,
      },
      cpuWorkerEntry,
    },
  );
  const send = async (method: string, path: string, init: RequestInit = {}): Promise<Answer> => {
    const request = new Request(`http://localhost:8000${path}`, { method, ...init });
    const response = await target.handle(request);
    const body: unknown = await response.json();
    return { status: response.status, headers: response.headers, body };
  };
  const post = (body: unknown, headers: Record<string, string> = {}) =>
    send("POST", "/faults", {
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });
  const metrics = async () => {
    return (await target.handle(new Request("http://localhost:8000/metrics"))).text();
  };
  return {
    ...target,
    send,
    post,
    metrics,
    lines,
    [Symbol.asyncDispose]: () => target.stopFaults(),
  };
}

describe("a fault over HTTP", () => {
  test("is started with 201, its place, its plan, and is told from then on", async () => {
    await using target = startTarget();
    const started = await target.post({ kind: "ready", duration: 30, seed: 7 });
    expect(started.status).toBe(201);
    const id = idOf(started);
    expect(id).toMatch(/^ready-[0-9a-f]{8}$/);
    expect(started.headers.get("location")).toBe(`/faults/${id}`);
    expect(started.body).toMatchObject({
      kind: "ready",
      state: "active",
      plan: { duration: 30 },
      seed: 7,
      requested: 1,
      measured: null,
      effect_ratio: null,
    });
    expect((await target.send("GET", "/ready")).status).toBe(503);
    const told = await target.send("GET", `/faults/${id}`);
    expect(told).toMatchObject({
      status: 200,
      body: { id, state: "active", measured: 1, effect_ratio: 1 },
    });
    const list = await target.send("GET", "/faults");
    expect(list).toMatchObject({ status: 200, body: { active: [{ id }], recent: [] } });
  });

  test("is ended by DELETE, as often as one likes", async () => {
    await using target = startTarget();
    const id = idOf(await target.post({ kind: "health" }));
    for (let time = 1; time <= 3; time += 1) {
      expect(await target.send("DELETE", `/faults/${id}`)).toMatchObject({
        status: 200,
        body: { id, state: "cancelled", reason: "deleted", remaining_s: 0 },
      });
    }
    expect((await target.send("GET", "/health")).status).toBe(200);
    expect(target.lines.filter(({ event }) => event === "fault_ended")).toHaveLength(1);
    expect(await target.send("GET", "/faults")).toMatchObject({
      body: { active: [], recent: [{ id }] },
    });
  });

  test.each(["GET", "DELETE"])("that is not there is a 404 to %s", async (method) => {
    await using target = startTarget();
    for (const id of ["cpu-00000000", "%ZZ", "%00", "x".repeat(3_000), "__proto__"]) {
      const { status, body } = await target.send(method, `/faults/${id}`);
      expect({ status, body }).toMatchObject({ status: 404, body: { field: "id" } });
      expect(JSON.stringify(body).length).toBeLessThan(200);
    }
  });

  test("past the limit is a 429 that says when the next one ends, and starts nothing", async () => {
    await using target = startTarget({ maxActiveFaults: 2 });
    await target.post({ kind: "health", duration: 40 });
    await target.post({ kind: "ready", duration: 20 });
    const refused = await target.post({ kind: "latency" });
    expect(refused).toMatchObject({ status: 429, body: { error: "too_many_faults" } });
    expect(Number(refused.headers.get("retry-after"))).toBeWithin(19, 21);
    expect(target.activeFaults()).toBe(2);
    // The header is for a fault as well.
    const header = { headers: { "x-sentinel-fault": "status=503" } };
    expect((await target.send("GET", "/api/items", header)).status).toBe(429);
  });

  test("that cannot be applied is a 500, and counts as failed", async () => {
    await using target = startTarget({}, join(import.meta.dir, "no-such-worker.ts"));
    const answer = await target.post({ kind: "cpu", duration: 5 });
    expect(answer).toMatchObject({ status: 500, body: { error: "fault_failed" } });
    expect(await target.send("GET", "/faults")).toMatchObject({
      body: { active: [], recent: [{ kind: "cpu", state: "failed" }] },
    });
    const metrics = await target.metrics();
    expect(metrics).toContain('sentinel_faults_ended_total{kind="cpu",outcome="failed"} 1\n');
    expect(metrics).toContain('sentinel_fault_active{kind="cpu"} 0\n');
  });

  test("is counted while it is active and when it has ended", async () => {
    await using target = startTarget();
    expect(await target.metrics()).toContain('sentinel_faults_started_total{kind="hang"} 0\n');
    const id = idOf(await target.post({ kind: "hang" }));
    const during = await target.metrics();
    expect(during).toContain('sentinel_fault_active{kind="hang"} 1\n');
    expect(during).toContain('sentinel_faults_started_total{kind="hang"} 1\n');
    await target.send("DELETE", `/faults/${id}`);
    const after = await target.metrics();
    expect(after).toContain('sentinel_fault_active{kind="hang"} 0\n');
    expect(after).toContain('sentinel_faults_ended_total{kind="hang",outcome="cancelled"} 1\n');
  });

  test("that hits what is left by the fault API is got rid of by DELETE", async () => {
    await using target = startTarget();
    const id = idOf(await target.post({ kind: "errors", routes: ["/faults", "/faults/*"] }));
    expect((await target.send("GET", "/faults")).status).toBe(500);
    expect((await target.send("GET", `/faults/${id}`)).status).toBe(500);
    expect((await target.send("DELETE", `/faults/${id}`)).status).toBe(200);
    expect((await target.send("GET", "/faults")).status).toBe(200);
  });
});

describe("DELETE /faults", () => {
  test("ends all that are active, and tells which", async () => {
    await using target = startTarget();
    const ids = [
      idOf(await target.post({ kind: "health" })),
      idOf(await target.post({ kind: "latency" })),
    ];
    const { status, body } = await target.send("DELETE", "/faults");
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { ended: ids.toReversed().map((id) => ({ id, state: "cancelled" })) },
    });
    expect(target.activeFaults()).toBe(0);
    expect(await target.send("DELETE", "/faults")).toMatchObject({
      status: 200,
      body: { ended: [] },
    });
  });

  test("tells of more than are remembered", async () => {
    await using target = startTarget({ maxActiveFaults: 80 });
    for (let started = 0; started < 80; started += 1) await target.post({ kind: "ready" });
    const { status, body } = await target.send("DELETE", "/faults");
    expect(status).toBe(200);
    expect(z.object({ ended: z.array(StartedFault) }).parse(body).ended).toHaveLength(80);
    expect(target.activeFaults()).toBe(0);
  });

  test("gives back what /stress/memory has leaked", async () => {
    await using target = startTarget();
    const leak = () => target.send("GET", "/stress/memory?megabytes=2");
    expect(await leak()).toMatchObject({ body: { total_leaked_mb: 2 } });
    expect(await leak()).toMatchObject({ body: { total_leaked_mb: 4 } });
    await target.send("DELETE", "/faults");
    expect(await leak()).toMatchObject({ body: { total_leaked_mb: 2 } });
  });

  test("answers whoever waits for a fault with 503", async () => {
    await using target = startTarget();
    const waiting = target.send("GET", "/stress/latency?min_delay=60&max_delay=60");
    const byHeader = target.send("GET", "/api/items", {
      headers: { "x-sentinel-fault": "latency=60" },
    });
    while (target.activeFaults() < 2) await Bun.sleep(1);
    await target.send("DELETE", "/faults");
    expect(await waiting).toMatchObject({ status: 503, body: { error: "fault_ended" } });
    expect(await byHeader).toMatchObject({ status: 503, body: { error: "fault_ended" } });
  });
});

/** What starts a fault. */
const STARTS: readonly (readonly [string, string, RequestInit])[] = [
  ["POST", "/faults", {}],
  ["GET", "/stress/latency?min_delay=0&max_delay=0", {}],
  ["GET", "/stress/cpu?duration=0.1", {}],
  ["GET", "/stress/memory?megabytes=1", {}],
  ["GET", "/stress/crash", {}],
  ["GET", "/api/items", { headers: { "x-sentinel-fault": "status=418" } }],
];

function started({ headers }: RequestInit, more: Record<string, string>): RequestInit {
  return { headers: { "content-type": "application/json", ...more, ...Object(headers) } };
}

const withBody = (method: string, init: RequestInit): RequestInit => {
  return method === "POST" ? { ...init, body: '{"kind":"ready"}' } : init;
};

describe("a page of another site", () => {
  test.each(STARTS)("cannot start a fault by %s %s", async (method, path, init) => {
    await using target = startTarget();
    const answer = await target.send(method, path, withBody(method, started(init, CROSS_SITE)));
    expect(answer).toMatchObject({ status: 403, body: { error: "cross_site" } });
    expect(target.lines.map(({ event }) => event)).toEqual(["request_processed"]);
  });

  // As Chromium sends them: a fetch, a fetch without CORS, a form, an image, a page on another port.
  test.each<[string, Record<string, string>]>([
    [
      "a fetch",
      { origin: "https://evil.example", "sec-fetch-site": "cross-site", "sec-fetch-mode": "cors" },
    ],
    [
      "a fetch without CORS, which sends plain text",
      {
        origin: "https://evil.example",
        "sec-fetch-site": "cross-site",
        "sec-fetch-mode": "no-cors",
        "content-type": "text/plain;charset=UTF-8",
      },
    ],
    [
      "a form",
      {
        origin: "https://evil.example",
        "sec-fetch-site": "cross-site",
        "sec-fetch-mode": "navigate",
        "sec-fetch-dest": "document",
        "content-type": "application/x-www-form-urlencoded",
      },
    ],
    ["a sandboxed frame", { origin: "null", "sec-fetch-site": "cross-site" }],
    [
      "another port of this host",
      { origin: "http://localhost:3000", "sec-fetch-site": "same-site" },
    ],
    ["a browser without fetch metadata", { origin: "https://evil.example" }],
  ])("cannot start one by %s", async (_, headers) => {
    await using target = startTarget();
    const answer = await target.post({ kind: "ready" }, { host: "localhost:8000", ...headers });
    expect(answer.status).toBe(403);
    expect(target.activeFaults()).toBe(0);
  });

  test("cannot end one either", async () => {
    await using target = startTarget();
    const id = idOf(await target.post({ kind: "ready" }));
    for (const path of ["/faults", `/faults/${id}`]) {
      expect((await target.send("DELETE", path, { headers: CROSS_SITE })).status).toBe(403);
    }
    expect(target.activeFaults()).toBe(1);
  });

  test("the target's own page may", async () => {
    await using target = startTarget();
    const own = {
      host: "localhost:8000",
      origin: "http://localhost:8000",
      "sec-fetch-site": "same-origin",
    };
    expect((await target.post({ kind: "ready" }, own)).status).toBe(201);
  });
});

describe("FAULT_TOKEN", () => {
  test.each(STARTS)("is needed for %s %s", async (method, path, init) => {
    await using target = startTarget({ faultToken: "s3cret" });
    for (const wrong of [{}, { authorization: "Bearer other" }]) {
      const answer = await target.send(method, path, withBody(method, started(init, wrong)));
      expect(answer).toMatchObject({ status: 401, body: { field: "authorization" } });
      expect(answer.headers.get("www-authenticate")).toStartWith("Bearer");
    }
    expect(target.lines.filter(({ event }) => event === "fault_started")).toEqual([]);
    const right = await target.send(method, path, withBody(method, started(init, TOKEN)));
    expect([200, 201, 418, 500]).toContain(right.status);
    expect(target.lines.filter(({ event }) => event === "fault_started")).toHaveLength(1);
  });

  test("is not needed to look, or to end what was started", async () => {
    await using target = startTarget({ faultToken: "s3cret" });
    const id = idOf(await target.post({ kind: "ready" }, TOKEN));
    expect((await target.send("GET", "/faults")).status).toBe(200);
    expect((await target.send("GET", `/faults/${id}`)).status).toBe(200);
    expect((await target.send("DELETE", `/faults/${id}`)).status).toBe(200);
    expect((await target.send("DELETE", "/faults")).status).toBe(200);
  });
});

describe("TARGET_FAULTS=off", () => {
  test.each(STARTS)("leaves nothing of %s %s", async (method, path, init) => {
    await using target = startTarget({ faultsAllowed: false });
    const answer = await target.send(method, path, withBody(method, started(init, {})));
    // The header is that of an ordinary request, and is ignored.
    expect(answer.status).toBe(path === "/api/items" ? 200 : 404);
    expect(target.activeFaults()).toBe(0);
    expect(target.lines.map(({ event }) => event)).toEqual(["request_processed"]);
  });

  test("serves the rest, and does not speak of faults", async () => {
    await using target = startTarget({ faultsAllowed: false });
    for (const method of ["GET", "DELETE"]) {
      expect((await target.send(method, "/faults")).status).toBe(404);
      expect((await target.send(method, "/faults/x")).status).toBe(404);
    }
    for (const path of ["/health", "/ready", "/api/items"]) {
      expect((await target.send("GET", path)).status).toBe(200);
    }
    expect(JSON.stringify((await target.send("GET", "/")).body)).not.toMatch(/fault|stress/);
  });
});
