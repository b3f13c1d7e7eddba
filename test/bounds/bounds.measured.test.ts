/**
 * Costly and hostile questions and pages against the running executable, one after the other. During each
 * its health is answered at once, no poll is late, memory stays, and the next honest question is answered.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Observing, startObserving } from "../support/observing.ts";
import type { Costly } from "./costly.ts";
import { PAGES } from "./pages.ts";
import { QUERIES, SERIES } from "./queries.ts";
import { createTable, endsWell, eventually, Pulse, type Table } from "./table.ts";

/** In this time a page of a target is scraped twice. */
const PAGE_MS = 2200;
const GIVEN_UP_MS = 20_000;

/** Series that queries have to do with: 4,000, each with a value of its own. */
const HONEST = Array.from({ length: 4000 }, (_, i) => `m{v="${"ab".repeat(20)}${i}"} ${i}\n`).join(
  "",
);

const SERVICES = `services:
  - { name: bounds-honest, job: honest, health: URL/health }
scrape:
  - { job: honest, url: URL/honest }
  - { job: hostile, url: URL/hostile }
`;

let hostile: (() => Response) | undefined;
/** Of the honest target's scrapes. */
const pulse = new Pulse(1000);

const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  idleTimeout: 0,
  fetch({ url }) {
    const { pathname } = new URL(url);
    if (pathname === "/hostile") return hostile?.() ?? new Response("h 1\n");
    if (pathname === "/honest") pulse.beat();
    return new Response(HONEST);
  },
});

let observer: Observing;
let table: Table;
let api = "";

beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), "sentinel-bounds-"));
  writeFileSync(join(folder, "sentinel.yaml"), SERVICES.replaceAll("URL", server.url.origin));
  observer = startObserving({ cwd: folder });
  api = ((await observer.notice("series")).split(", ")[0] ?? "").trim();
  const honest = () => eventually("the count of the honest target's series", isHonest);
  table = await createTable({ pid: observer.pid, url: api.replace("/api/v1", ""), pulse, honest });
});

afterAll(async () => {
  await table[Symbol.asyncDispose]();
  await observer[Symbol.asyncDispose]();
  await server.stop(true);
});

async function isHonest(): Promise<unknown> {
  const found = await observer.query("count(m)");
  return found[0]?.value === 4000 || found;
}

async function send({ ask, url = "" }: Costly): Promise<void> {
  const signal = AbortSignal.timeout(GIVEN_UP_MS);
  const response =
    ask === undefined
      ? await fetch(`${api}/${url}`, { signal })
      : await fetch(`${api}/${ask.path}`, {
          method: "POST",
          body: new URLSearchParams(ask.form),
          signal,
        });
  await response.arrayBuffer();
  // Whatever it is, it is an answer of the API's.
  expect([200, 400, 404, 422, 503]).toContain(response.status);
}

async function meet(input: Costly): Promise<void> {
  // What it takes this process to make a page is not the observer's delay.
  input.page?.();
  await table.meet(input.name, async () => {
    if (input.page === undefined) {
      await Promise.all(Array.from({ length: input.atOnce ?? 1 }, () => send(input)));
      return;
    }
    hostile = input.page;
    await Bun.sleep(PAGE_MS);
    hostile = undefined;
  });
}

const named = (inputs: readonly Costly[]) => inputs.map((input) => [input.name, input] as const);

describe("a query", () => {
  test.each(named(QUERIES))("%s", (_, input) => meet(input), GIVEN_UP_MS);
});

describe("series and rules", () => {
  test.each(named(SERIES))("%s", (_, input) => meet(input), GIVEN_UP_MS * 5);
});

describe("a page", () => {
  test.each(named(PAGES))("%s", (_, input) => meet(input), GIVEN_UP_MS);
});

test("memory falls back, and nothing was done or ended", () => endsWell(table, observer), 60_000);
