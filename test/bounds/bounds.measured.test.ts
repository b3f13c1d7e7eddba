/**
 * Costly and hostile inputs against the running executable, one after the other. During each its health is
 * answered at once, no poll is late, memory stays, and the next honest question is answered.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Observing, startObserving } from "../support/observing.ts";
import type { Costly } from "./costly.ts";
import { PAGES } from "./pages.ts";
import { QUERIES, SERIES } from "./queries.ts";
import { residentMb, type Watching, watchHealth } from "./watching.ts";

const MAX_HEALTH_MS = 250;
const MAX_GROWN_MB = 150;
const MAX_LATE_MS = 1000;
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
let honestScrapedAtMs = performance.now();
let lateMs = 0;

const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  idleTimeout: 0,
  fetch({ url }) {
    const { pathname } = new URL(url);
    if (pathname === "/hostile") return hostile?.() ?? new Response("h 1\n");
    if (pathname === "/honest") {
      // Between two scrapes is one interval.
      const nowMs = performance.now();
      lateMs = Math.max(lateMs, nowMs - honestScrapedAtMs - 1000);
      honestScrapedAtMs = nowMs;
    }
    return new Response(HONEST);
  },
});

let observer: Observing;
let watching: Watching;
let api = "";
let restMb = 0;
const figures: { name: string; healthMs: number; grownMb: number; lateMs: number; took: number }[] =
  [];

beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), "sentinel-bounds-"));
  writeFileSync(join(folder, "sentinel.yaml"), SERVICES.replaceAll("URL", server.url.origin));
  observer = startObserving({ cwd: folder });
  api = ((await observer.notice("series")).split(", ")[0] ?? "").trim();
  watching = watchHealth(api.replace("/api/v1", ""), observer.pid);
  await honestAnswer();
  await Bun.sleep(2000);
  restMb = residentMb(observer.pid);
});

afterAll(async () => {
  await watching[Symbol.asyncDispose]();
  await observer[Symbol.asyncDispose]();
  await server.stop(true);
  const worst = (by: (one: (typeof figures)[number]) => number) =>
    figures.toSorted((a, b) => by(b) - by(a)).slice(0, 3);
  const show = (what: string, by: (one: (typeof figures)[number]) => number) =>
    worst(by).map((one) => `  ${what.padEnd(28)}${by(one).toFixed(0).padStart(6)}  ${one.name}`);
  console.log(
    [
      `${figures.length} inputs; at rest ${restMb.toFixed(0)} MB. The worst:`,
      ...show("health answered after, ms", (one) => one.healthMs),
      ...show("memory grown by, MB", (one) => one.grownMb),
      ...show("scrape late by, ms", (one) => one.lateMs),
      ...show("answered after, ms", (one) => one.took),
    ].join("\n"),
  );
});

/** How many of the honest target's series there are: once, or after a while. */
async function honestAnswer(): Promise<void> {
  const untilMs = performance.now() + 10_000;
  for (;;) {
    const found = await observer.query("count(m)").catch((error: unknown) => String(error));
    if (typeof found !== "string" && found[0]?.value === 4000) return;
    if (performance.now() > untilMs) throw new Error(`no honest answer: ${JSON.stringify(found)}`);
    await Bun.sleep(50);
  }
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
  await watching.worst();
  lateMs = 0;
  const beforeMb = residentMb(observer.pid);
  const startedMs = performance.now();
  if (input.page === undefined)
    await Promise.all(Array.from({ length: input.atOnce ?? 1 }, () => send(input)));
  else {
    hostile = input.page;
    await Bun.sleep(PAGE_MS);
    hostile = undefined;
  }
  const took = performance.now() - startedMs;
  await honestAnswer();
  const { slowestMs: healthMs, mostMb } = await watching.worst();
  const grownMb = Math.max(0, mostMb - Math.min(beforeMb, mostMb));
  figures.push({ name: input.name, healthMs, grownMb, lateMs, took });
  expect(healthMs).toBeLessThan(MAX_HEALTH_MS);
  expect(grownMb).toBeLessThan(MAX_GROWN_MB);
  expect(lateMs).toBeLessThan(MAX_LATE_MS);
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

test("memory falls back, and nothing was done or ended", async () => {
  const untilMs = performance.now() + 30_000;
  while (residentMb(observer.pid) > restMb + MAX_GROWN_MB && performance.now() < untilMs)
    await Bun.sleep(200);
  expect(residentMb(observer.pid)).toBeLessThan(restMb + MAX_GROWN_MB);
  expect(observer.stdout()).not.toContain("action_started");
  await watching[Symbol.asyncDispose]();
  observer.kill("SIGTERM");
  expect(await observer.exited).toBe(0);
}, 60_000);
