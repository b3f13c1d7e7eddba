/**
 * What comes from an engine, from a container's log, and from a model: costly and hostile answers to the
 * running executable, each while it watches an honest target and a container that is well.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeUnless } from "../support/docker.ts";
import { type Observing, startObserving } from "../support/observing.ts";
import { json } from "./bodies.ts";
import { type Engine, startEngine, WELL } from "./engine.ts";
import { ENGINE_ANSWERS, type EngineInput } from "./engine-answers.ts";
import { LOGS } from "./logs.ts";
import { completion, MODEL_ANSWERS } from "./model-answers.ts";
import { NAMES } from "./names.ts";
import { createTable, endsWell, eventually, Pulse, type Table } from "./table.ts";

const GIVEN_UP_MS = 60_000;
/** What an engine begins to answer is read within this, or it is as bad as no answer. */
const ANSWER_MS = 1200;

const SETTINGS = `services:
  - { name: ${WELL}, job: honest, health: URL/health }
scrape:
  - { job: honest, url: URL/metrics }
rule_files: [rules.yaml]
`;

/** Each input that needs an incident has a label set of its own that fires. */
const RULES = `groups:
  - name: bounds
    rules:
      - alert: Sick
        expr: sick > 0
        labels: { severity: high, service: ${WELL} }
        annotations: { sentinel_actions: docker-restart }
`;

const GOOD = json(completion(JSON.stringify({ root_cause: "It is slow.", action: "none" })));

let sick = "";
let model: (() => Response) | undefined;
let modelsAsked = 0;
/** Of the honest target's scrapes. */
const pulse = new Pulse(500);

const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  idleTimeout: 0,
  fetch({ url, method }) {
    if (method === "POST") {
      modelsAsked += 1;
      return model?.() ?? GOOD.clone();
    }
    if (!url.endsWith("/metrics")) return new Response("ok");
    pulse.beat();
    return new Response(sick === "" ? "m 1\n" : `m 1\nsick{input="${sick}"} 1\n`);
  },
});

let engine: Engine;
let observer: Observing;
let table: Table;

beforeAll(async () => {
  engine = await startEngine();
  const folder = mkdtempSync(join(tmpdir(), "sentinel-bounds-"));
  writeFileSync(join(folder, "sentinel.yaml"), SETTINGS.replaceAll("URL", server.url.origin));
  writeFileSync(join(folder, "rules.yaml"), RULES);
  observer = startObserving({
    cwd: folder,
    env: {
      POLL_INTERVAL: "0.5",
      DOCKER_HOST: engine.host,
      HEAL_LABEL: "sentinel.bounds=1",
      AUTONOMY: "observe",
      LM_STUDIO_URL: `${server.url.origin}/v1/chat/completions`,
      LOCAL_MODELS: "bounds",
      MODEL_CALLS_PER_HOUR: "10000",
      MODEL_TOKENS_PER_HOUR: "1000000000",
    },
  });
  const url = ((await observer.notice("series")).split("/api/v1")[0] ?? "").trim();
  table = await createTable({ pid: observer.pid, url, pulse, honest });
});

afterAll(async () => {
  await table[Symbol.asyncDispose]();
  await observer[Symbol.asyncDispose]();
  await engine[Symbol.asyncDispose]();
  await server.stop(true);
});

/** The well container is read anew, and so is what the honest target has. */
const honest = () => eventually("what the well container uses", isHonest);

async function isHonest(): Promise<unknown> {
  const found = await observer.query(`container_memory_working_set_bytes and on () m == 1`);
  return (
    found.some(
      ({ metric, value }) => metric["container"] === WELL && value === engine.memoryBytes,
    ) || found
  );
}

async function meetLook({ name, answer }: EngineInput): Promise<void> {
  // What it takes this process to make an answer is not the observer's delay.
  answer("/containers/json");
  answer("/containers/a/json");
  answer("/containers/a/stats");
  await table.meet(name, async () => {
    engine.memoryBytes += 1;
    const before = engine.insteads;
    engine.instead = answer;
    await eventually("a look at the engine", async () => engine.insteads > before);
    const untilMs = performance.now() + ANSWER_MS;
    while (performance.now() < untilMs && (await isHonest().catch(String)) !== true)
      await Bun.sleep(20);
    engine.instead = undefined;
  });
}

let incidents = 0;

/** From an alert that fires to the end of its incident. */
async function incident(): Promise<void> {
  incidents += 1;
  const input = `${incidents}`;
  const from = observer.stdout().length;
  sick = input;
  const tell = () => observer.stdout().slice(from);
  await eventually("the end of the incident", async () => /"event":"incident_closed"/.test(tell()));
  sick = "";
  expect(tell()).toContain(`"input":"${input}"`);
}

describe("an engine's answer", () => {
  test.each(ENGINE_ANSWERS.map((one) => [one.name, one] as const))(
    "%s",
    (_, input) => meetLook(input),
    GIVEN_UP_MS,
  );
});

describe("names", () => {
  test.each(NAMES.map((one) => [one.name, one] as const))(
    "%s",
    (_, input) => meetLook(input),
    GIVEN_UP_MS,
  );
});

/** A log is read with the command, which asks this engine like any other. */
const whyNoCommand = Bun.which("docker") === null ? "docker is not on the PATH" : undefined;

describeUnless(whyNoCommand, "a container's log", () => {
  test.each(LOGS.map((one) => [one.name, one.log] as const))(
    "%s",
    async (name, log) => {
      log();
      await table.meet(name, async () => {
        const before = engine.insteads;
        engine.instead = (path) => {
          if (path.endsWith("/logs")) return log();
          return undefined;
        };
        await incident();
        engine.instead = undefined;
        expect(engine.insteads).toBeGreaterThan(before);
      });
    },
    GIVEN_UP_MS,
  );
});

describe("a model's answer", () => {
  test.each(MODEL_ANSWERS.map((one) => [one.name, one.answer] as const))(
    "%s",
    async (name, answer) => {
      answer();
      await table.meet(name, async () => {
        const before = modelsAsked;
        model = answer;
        await incident();
        model = undefined;
        expect(modelsAsked).toBeGreaterThan(before);
      });
    },
    GIVEN_UP_MS,
  );
});

test("memory falls back, and nothing was done or ended", () => endsWell(table, observer), 60_000);
