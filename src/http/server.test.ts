import { describe, expect, test } from "bun:test";
import { apiAlone } from "../../test/prometheus-api/dataset.ts";
import { alert, rule, service, START_MS } from "../../test/support/fixtures.ts";
import { SentinelError } from "../core/errors.ts";
import { type DashboardSources, serveDashboard } from "./server.ts";

function start(port = 0, changes: Partial<DashboardSources> = {}) {
  const dashboard = serveDashboard({ ...apiAlone(), ...changes }, port);
  return { ...dashboard, [Symbol.asyncDispose]: () => dashboard.close() };
}

function streamOf(pieces: readonly string[]): ReadableStream<Uint8Array> {
  const left = [...pieces];
  return new ReadableStream({
    pull(controller) {
      const piece = left.shift();
      if (piece === undefined) controller.close();
      else controller.enqueue(Buffer.from(piece));
    },
  });
}

const QUERY = "/api/v1/query?query=1&time=1";

describe("the server", () => {
  test("is healthy while it answers, and ready or not with the reason", async () => {
    let reason: string | undefined = "api has not been read yet";
    await using server = start(0, { whyNotReady: () => Promise.resolve(reason) });
    const ask = async (path: string) => {
      const response = await fetch(server.url + path, { proxy: false });
      return [response.status, await response.json()];
    };
    expect(await ask("/ready")).toEqual([503, { status: "not_ready", reason }]);
    expect(await ask("/health")).toEqual([200, { status: "ok" }]);
    reason = undefined;
    expect(await ask("/ready")).toEqual([200, { status: "ready" }]);
  });

  test("has no Prometheus' API without series, and says so by its start page", async () => {
    const { api, ...own } = apiAlone();
    const dashboard = serveDashboard(own, 0);
    await using _ = { [Symbol.asyncDispose]: () => dashboard.close() };
    const query = await fetch(dashboard.url + QUERY, { proxy: false });
    expect(query.status).toBe(404);
    const page = await fetch(dashboard.url, { proxy: false });
    expect(await page.json()).toEqual({ service: "sentinel-observer", version: api?.version });
    expect((await fetch(`${dashboard.url}/metrics`, { proxy: false })).status).toBe(200);
  });

  test("tells of each service what is judged, by what, and what is not", async () => {
    const cpu = alert({ state: "inactive", value: 0.1 });
    const missing = { state: "no_data", noDataReason: "password=hunter22 is refused" } as const;
    const poll = {
      ...{ atMs: START_MS, sourceDown: undefined, evaluationOf: () => undefined },
      alerts: [cpu, alert({ rule: rule({ alert: "HighMemory" }), ...missing })],
      atRest: () => [],
    };
    const monitor = { rules: [], windowMs: 1, lastPoll: poll, answeredAtMs: START_MS };
    await using server = start(0, { watched: () => [{ service: service(), monitor }] });
    const response = await fetch(`${server.url}/api/services`, { proxy: false });
    const text = await response.text();
    expect(text).not.toContain("hunter22");
    expect(JSON.parse(text)).toMatchObject({
      services: [
        {
          name: service().name,
          signals: [
            {
              ...{ alertname: "HighCpu", state: "inactive", value: 0.1 },
              ...{ operator: ">", threshold: 0.5, expr: "cpu" },
            },
            { alertname: "HighMemory", state: "no_data", reason: expect.any(String) },
          ],
        },
      ],
    });
  });

  test("answers on this machine alone", async () => {
    await using server = start();
    expect(new URL(server.url).hostname).toBe("127.0.0.1");
    const response = await fetch(server.url + QUERY, { proxy: false });
    expect(response.status).toBe(200);
    // Linux has all of 127.0.0.0/8 on its loopback: a server on every address would answer here.
    const elsewhere = server.url.replace("127.0.0.1", "127.0.0.2");
    const refused = await fetch(elsewhere, { proxy: false }).catch(() => undefined);
    expect(refused).toBeUndefined();
  });

  test.each([
    [{ host: "evil.example" }, 403],
    [{ host: "localhost" }, 200],
    [{ "sec-fetch-site": "cross-site" }, 403],
    [{ "sec-fetch-site": "same-origin" }, 200],
    // A proxy such as Grafana's sends on what the browser said of Grafana's own page.
    [{ "sec-fetch-site": "same-origin", origin: "https://grafana.example" }, 200],
  ])("%j: %d", async (headers, expected) => {
    await using server = start();
    for (const path of ["/", "/ready", "/metrics", QUERY]) {
      const response = await fetch(server.url + path, { headers, proxy: false });
      expect(response.status).toBe(expected);
      if (expected === 403)
        expect(await response.json()).toMatchObject({ status: "error", errorType: "forbidden" });
    }
  });

  test.each(["at once", "in pieces of unknown number"])("does not read 10 MB, %s", async (how) => {
    await using server = start();
    const pieces = Array.from({ length: 1000 }, () => "x".repeat(10_000));
    const response = await fetch(`${server.url}/api/v1/query`, {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: how === "at once" ? pieces.join("") : streamOf(pieces),
      proxy: false,
    });
    expect(response.status).toBe(413);
    expect((await fetch(server.url + QUERY, { proxy: false })).status).toBe(200);
  });

  test("tells nothing of its code", async () => {
    await using server = start();
    for (const path of ["/nosuch", "/api", "/api/v1", "/api/v1/%", "/%ff", "/api/v1/../../etc"]) {
      const response = await fetch(server.url + path, { proxy: false });
      expect(response.status).toBe(404);
      expect(await response.text()).not.toMatch(/\.ts|\bat \w|node_modules/);
    }
  });

  test("says which setting to change when its port is taken", async () => {
    await using server = start();
    const port = Number(new URL(server.url).port);
    let thrown: unknown;
    try {
      serveDashboard(apiAlone(), port);
    } catch (error) {
      thrown = error;
    }
    if (!(thrown instanceof SentinelError)) throw thrown;
    expect(thrown.code).toBe("listen");
    expect(thrown.message).toBe(`cannot listen on 127.0.0.1:${port}: the port is taken`);
    expect(thrown.hint).toBe(
      "Set OBSERVER_PORT to a free port; two observers on one machine need two.",
    );
  });

  test("lets go of its port when it is closed", async () => {
    const first = start();
    await first.close();
    await using second = start(Number(new URL(first.url).port));
    expect((await fetch(second.url + QUERY, { proxy: false })).status).toBe(200);
  });
});
