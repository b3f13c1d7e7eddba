import { expect, test } from "bun:test";
import { NEVER, service, START_MS } from "../../test/support/fixtures.ts";
import type { Labels } from "../core/model.ts";
import { startTable } from "./signal-table.ts";

function answering(...series: readonly Labels[]) {
  const samples = series.map((labels) => ({ labels, value: 1, timestampMs: START_MS }));
  return { query: async () => samples };
}

const shop = service({ name: "shop", job: "shop" });
const known = answering(
  { __name__: "http_requests_total", status: "200" },
  { __name__: "process_cpu_seconds_total" },
);

test("at the start it is told what each signal is read from, and why one is not judged", async () => {
  const [title = "", ...rows] = await startTable([shop], known, NEVER);
  expect(title).toStartWith("Signals of shop, by the convention http");
  expect(rows.join("\n")).toMatch(/CPU +process_cpu_seconds_total$/m);
  expect(rows.join("\n")).toMatch(/latency.* not judged: .*; it takes /m);
});

test("a service without metrics, and a source that is away, have no table", async () => {
  expect(await startTable([service({ job: undefined })], known, NEVER)).toEqual([]);
  const away = { query: () => Promise.reject(new Error("away")) };
  expect(await startTable([shop], away, NEVER)).toEqual([]);
});

test("of many services one line says where to look", async () => {
  const many = Array.from({ length: 6 }, (_, index) => ({ ...shop, name: `shop-${index}` }));
  expect(await startTable(many, known, NEVER)).toEqual([
    "of 6 services; sentinel check shows what each is read from",
  ]);
});
