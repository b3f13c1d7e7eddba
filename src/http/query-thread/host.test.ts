import { expect, test } from "bun:test";
import { join } from "node:path";
import { filledStore } from "../../../test/prometheus-api/dataset.ts";
import { DATA_END_MS, DATA_START_MS, dataset } from "../../../test/promql/dataset.ts";
import { EXPRESSIONS } from "../../../test/promql/expressions.ts";
import { API_BOUNDS } from "../prometheus-api/api.ts";
import type { Asked } from "../prometheus-api/endpoint.ts";
import { evaluate } from "../prometheus-api/evaluated.ts";
import { createQueryThread } from "./host.ts";

test("the thread has all samples that an expression needs", async () => {
  const store = filledStore(dataset());
  const bounds = { ...API_BOUNDS, maxEvaluationMs: 20_000 };
  const workerEntry = join(import.meta.dir, "worker.ts");
  await using thread = createQueryThread({ store, bounds, workerEntry });
  const start = String(DATA_START_MS / 1000 + 600);
  const end = String(DATA_END_MS / 1000);
  for (const query of EXPRESSIONS) {
    const asked: Asked = {
      path: "query_range",
      parameters: Object.entries({ query, start, end, step: "97" }),
      nowMs: DATA_END_MS,
    };
    const here = evaluate(asked, store, bounds);
    const there = await thread.ask(asked);
    const text = typeof there.body === "string" ? there.body : new TextDecoder().decode(there.body);
    expect([query, there.status, text]).toEqual([query, here.status, String(here.body)]);
  }
}, 120_000);
