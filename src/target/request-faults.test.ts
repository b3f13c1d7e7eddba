import { describe, expect, test } from "bun:test";
import { createFaults } from "./faults.ts";
import { HttpError } from "./http-error.ts";
import { sufferHeader } from "./request-faults.ts";

const staying = new AbortController().signal;

function registry() {
  return createFaults({ maxActive: 2, nowMs: () => 0, random: () => 0, emit: () => {} });
}

async function refusalOf(header: string, faults = registry()): Promise<HttpError> {
  try {
    await sufferHeader(header, faults, staying);
  } catch (error) {
    if (error instanceof HttpError) return error;
    throw error;
  }
  throw new Error(`${header} did nothing`);
}

describe("X-Sentinel-Fault", () => {
  test("latency delays the request, as a fault of its own", async () => {
    const faults = registry();
    const fromMs = performance.now();
    await sufferHeader("latency=0.03", faults, staying);
    expect(performance.now() - fromMs).toBeGreaterThanOrEqual(29);
    const [fault] = faults.list().recent;
    expect(fault).toMatchObject({
      kind: "latency",
      state: "completed",
      plan: { min: 0.03, max: 0.03, requests: 1 },
      requested: 0.03,
    });
    expect(fault?.measured).toBeWithin(0.029, 2);
  });

  test.each([400, 503, 599])("status=%d is the answer, and a fault of its own", async (status) => {
    const faults = registry();
    expect(await refusalOf(`status=${status}`, faults)).toMatchObject({ status, code: "injected" });
    expect(faults.list().recent).toMatchObject([{ kind: "errors", effect_ratio: 1 }]);
  });

  test("both are late first, in either order and with blanks", async () => {
    for (const header of ["latency=0.02,status=503", " status=503 , latency=0.02 "]) {
      const faults = registry();
      expect(await refusalOf(header, faults)).toMatchObject({ status: 503 });
      expect(faults.list().recent.map(({ kind }) => kind)).toEqual(["errors", "latency"]);
    }
  });

  test("latency=0 is a fault that takes no time", async () => {
    const faults = registry();
    await sufferHeader("latency=0", faults, staying);
    expect(faults.counts("latency").ended.completed).toBe(1);
  });

  test.each([
    ["nothing", ""],
    ["a name alone", "latency"],
    ["no value", "latency="],
    ["a delay above 120 s", "latency=120.001"],
    ["a negative delay", "latency=-1"],
    ["an exponent", "latency=1e1"],
    ["not a number", "latency=NaN"],
    ["a unit", "latency=2s"],
    ["a status below 400", "status=399"],
    ["a status above 599", "status=600"],
    ["a fraction of a status", "status=500.5"],
    ["an endless number", `status=${"5".repeat(500)}`],
    ["another name", "delay=1"],
    ["a name of the prototype", "__proto__=1"],
    ["a name in another case", "Latency=1"],
    ["a name twice", "latency=0.01,latency=0.01"],
    ["a status twice", "status=500,status=500"],
    ["a comma too many", "latency=0.01,"],
    ["a semicolon", "latency=0.01;status=500"],
  ])("with %s is refused before anything happens", async (_, header) => {
    const faults = registry();
    const refusal = await refusalOf(header, faults);
    expect({ status: refusal.status, field: refusal.details.field }).toEqual({
      status: 422,
      field: "x-sentinel-fault",
    });
    expect(refusal.message.length).toBeLessThan(250);
    expect(faults.list()).toEqual({ active: [], recent: [] });
  });

  test("an endless list is refused in linear time", async () => {
    const fromMs = performance.now();
    await refusalOf(`${" ".repeat(50_000)}latency=1${" ".repeat(50_000)}x`);
    await refusalOf("latency=1,".repeat(20_000));
    expect(performance.now() - fromMs).toBeLessThan(5000);
  });

  test("ends with its client, or from outside", async () => {
    const faults = registry();
    const client = new AbortController();
    const left = sufferHeader("latency=60,status=503", faults, client.signal);
    const ended = sufferHeader("latency=60,status=503", faults, staying);
    client.abort();
    expect(await Promise.allSettled([left])).toMatchObject([{ reason: { reason: "client_gone" } }]);
    await faults.endAll();
    expect(await Promise.allSettled([ended])).toMatchObject([{ reason: { reason: "deleted" } }]);
    expect(faults.counts("errors").started).toBe(0);
  });
});
