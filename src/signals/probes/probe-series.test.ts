import { expect, test } from "bun:test";
import { freePort } from "../../../test/support/free-port.ts";
import { describeUnless } from "../../../test/support/docker.ts";
import { selfSigned, whyNoOpenssl } from "../../../test/support/servers/certificate.ts";
import type { GivenSample, ServiceSeries } from "../../core/given-series.ts";
import { probeSeries } from "./probe-series.ts";

const DEADLINE_MS = 10_000;
const never = new AbortController().signal;

/** By name, and without how long it took, which no test can know. */
function valuesOf(samples: readonly GivenSample[] = []): Readonly<Record<string, number>> {
  const [duration = -1] = samples.flatMap(({ name, value }) =>
    name === "probe_duration_seconds" ? [value] : [],
  );
  expect(duration).toBeGreaterThanOrEqual(0);
  const others = samples.filter(({ name }) => name !== "probe_duration_seconds");
  return Object.fromEntries(others.map(({ name, value }) => [name, value]));
}

function byService(told: readonly ServiceSeries[]) {
  return Object.fromEntries(told.map(({ service, samples }) => [service, valuesOf(samples)]));
}

test("each service that has an address is asked once", async () => {
  let asked = 0;
  await using server = Bun.serve({
    ...{ hostname: "127.0.0.1", port: 0 },
    fetch: ({ url }) => {
      asked += 1;
      return new Response("", { status: url.endsWith("/well") ? 204 : 503 });
    },
  });
  const at = `http://127.0.0.1:${server.port}`;
  const services = [
    { name: "well", health: { http: `${at}/well` } },
    { name: "sick", health: { http: `${at}/sick` } },
    { name: "open", health: { tcp: `tcp://127.0.0.1:${server.port}` } },
    { name: "gone", health: { tcp: `tcp://127.0.0.1:${freePort()}` } },
    { name: "contained", health: "container" },
    { name: "unasked", health: "none" },
  ] as const;
  const told = await probeSeries({ services, deadlineMs: DEADLINE_MS }, never);
  expect(byService(told)).toEqual({
    well: { probe_success: 1, probe_http_status_code: 204 },
    sick: { probe_success: 0, probe_http_status_code: 503 },
    open: { probe_success: 1 },
    gone: { probe_success: 0 },
  });
  expect(asked).toBe(2);
});

test("services that hang hold up no other, and the scrape no longer than it may take", async () => {
  await using hung = Bun.serve({
    ...{ hostname: "127.0.0.1", port: 0, idleTimeout: 0 },
    fetch: () => new Promise<Response>(() => {}),
  });
  await using well = Bun.serve({
    ...{ hostname: "127.0.0.1", port: 0 },
    fetch: () => new Response(),
  });
  const hanging = Array.from({ length: 90 }, (_, index) => ({
    name: `hung-${index}`,
    health: { http: `http://127.0.0.1:${hung.port}/` },
  }));
  const services = [
    ...hanging,
    { name: "well", health: { http: `http://127.0.0.1:${well.port}/` } },
  ];
  const startedMs = performance.now();
  const told = await probeSeries({ services, deadlineMs: 1000 }, never);
  expect(performance.now() - startedMs).toBeLessThan(5000);
  const values = byService(told);
  expect(values["well"]).toEqual({ probe_success: 1, probe_http_status_code: 200 });
  expect(values["hung-0"]).toEqual({ probe_success: 0 });
  expect(Object.keys(values)).toHaveLength(91);
});

test("one for which there is no time left says nothing, and is not called sick", async () => {
  await using hung = Bun.serve({
    ...{ hostname: "127.0.0.1", port: 0, idleTimeout: 0 },
    fetch: () => new Promise<Response>(() => {}),
  });
  const services = Array.from({ length: 150 }, (_, index) => ({
    name: `s${index}`,
    health: { http: `http://127.0.0.1:${hung.port}/` },
  }));
  const told = await probeSeries({ services, deadlineMs: 500 }, never);
  expect(told).toHaveLength(100);
});

test("nothing is told once it is aborted", async () => {
  const stop = new AbortController();
  stop.abort();
  const services = [{ name: "a", health: { tcp: `tcp://127.0.0.1:${freePort()}` } }];
  expect(await probeSeries({ services, deadlineMs: 1000 }, stop.signal)).toEqual([]);
});

describeUnless(whyNoOpenssl(), "by TLS", () => {
  test("when the certificate ends is told in seconds, of one that is not trusted as well", async () => {
    const certificate = selfSigned("127.0.0.1", { days: 5 });
    await using server = Bun.serve({
      ...{ hostname: "127.0.0.1", port: 0, tls: certificate },
      fetch: () => new Response(),
    });
    const health = { http: `https://127.0.0.1:${server.port}/` };
    const question = { services: [{ name: "a", health }], deadlineMs: DEADLINE_MS };
    const [told] = await probeSeries(question, never);
    const { probe_success, probe_ssl_earliest_cert_expiry = 0 } = valuesOf(told?.samples);
    expect(probe_success).toBe(0);
    const days = (probe_ssl_earliest_cert_expiry - Date.now() / 1000) / 86_400;
    expect(days).toBeGreaterThan(4);
    expect(days).toBeLessThan(6);
  });
});
