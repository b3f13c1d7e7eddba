/**
 * What a Prometheus may answer: costly and hostile answers to the running executable, which polls it. The
 * next honest answer is taken for what it is, and no poll is later than the answer that it waited for.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Observing, startObserving } from "../support/observing.ts";
import { json, list } from "./bodies.ts";
import { PROMETHEUS_ANSWERS, type PrometheusInput } from "./prometheus-answers.ts";
import { createTable, endsWell, eventually, Pulse, type Table } from "./table.ts";

/** In this time it is asked twice and more. */
const ANSWER_MS = 1200;
const GIVEN_UP_MS = 60_000;

const SETTINGS = `services:
  - { name: bounds-honest, job: honest, health: URL/health }
rule_files: [rules.yaml]
`;

/** It never fires: how many label sets are pending tells what the last answer was. */
const RULES = `groups:
  - name: bounds
    rules:
      - { alert: Honest, expr: honest == 1, for: 1h, labels: { severity: low } }
`;

let rows = 1;
let hostile: (() => Response) | undefined;
let hostiles = 0;
const pulse = new Pulse(500);

const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  idleTimeout: 0,
  fetch({ url }) {
    const { pathname, searchParams } = new URL(url);
    if (pathname === "/health") return new Response("ok");
    if (searchParams.get("query")?.startsWith("honest") === true) pulse.beat();
    if (hostile !== undefined) {
      hostiles += 1;
      return hostile();
    }
    if (pathname.endsWith("/targets")) return answer({ activeTargets: [] });
    const isHonest = searchParams.get("query")?.startsWith("honest") === true;
    const item = (i: number) => ({ metric: { i: `${i}` }, value: [1, "1"] });
    return answer({ resultType: "vector", result: JSON.parse(list(isHonest ? rows : 0, item)) });
  },
});

const answer = (data: object) => json(JSON.stringify({ status: "success", data }));

let observer: Observing;
let table: Table;
let url = "";

beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), "sentinel-bounds-"));
  writeFileSync(join(folder, "sentinel.yaml"), SETTINGS.replaceAll("URL", server.url.origin));
  writeFileSync(join(folder, "rules.yaml"), RULES);
  const env = { PROMETHEUS_URL: server.url.origin, POLL_INTERVAL: "0.5", LOCAL_MODELS: "none" };
  observer = startObserving({ cwd: folder, env });
  url = ((await observer.notice("health")).split("/ready")[0] ?? "").trim();
  table = await createTable({ pid: observer.pid, url, pulse, honest });
});

afterAll(async () => {
  await table[Symbol.asyncDispose]();
  await observer[Symbol.asyncDispose]();
  await server.stop(true);
});

const honest = () => eventually(`${rows} alerts that are pending`, isHonest);

async function isHonest(): Promise<unknown> {
  const page = await (await fetch(`${url}/metrics`)).text();
  const found = /^sentinel_alerts\{alertname="Honest",state="pending"\} (\d+)$/m.exec(page)?.[1];
  return found === `${rows}` || found;
}

async function meet({ name, answer: made, isSlow = false }: PrometheusInput): Promise<void> {
  // What it takes this process to make an answer is not the observer's delay.
  made();
  await table.meet(name, async () => {
    rows += 1;
    const before = hostiles;
    hostile = made;
    await Bun.sleep(ANSWER_MS);
    hostile = undefined;
    expect(hostiles).toBeGreaterThan(before);
    if (!isSlow) return;
    await eventually("the end of the wait", isHonest);
    pulse.restart();
    pulse.worst();
  });
}

describe("an answer", () => {
  test.each(PROMETHEUS_ANSWERS.map((one) => [one.name, one] as const))(
    "%s",
    (_, input) => meet(input),
    GIVEN_UP_MS,
  );
});

test("memory falls back, and nothing was done or ended", () => endsWell(table, observer), 60_000);
