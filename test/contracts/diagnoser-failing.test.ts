/**
 * What holds for every Diagnoser when its server fails, through the real SDKs: what may pass is tried
 * again within the deadline, and no more is taken than the budget allows. Waits are simulated, but
 * where a test says otherwise.
 */

import { describe, expect, test } from "bun:test";
import { systemClock } from "../../src/observer/system-clock.ts";
import { Budget } from "../../src/diagnosers/budget.ts";
import { behindCircuits, Circuit, OPEN_MS } from "../../src/diagnosers/circuit.ts";
import { simulatedClock } from "../support/fixtures.ts";
import { startGeminiServer } from "../support/servers/gemini.ts";
import { startLmStudioServer } from "../support/servers/lmstudio.ts";
import type { ModelBehaviour, ModelServer } from "../support/servers/model.ts";
import { startOpenAIServer } from "../support/servers/openai.ts";
import { diagnose, drivers, KEY, LONG_MS, message, outcome, request } from "./diagnosis.ts";

const lowest = () => 0;
const highest = () => 1 - Number.EPSILON;

interface Failing {
  readonly answers: readonly ModelBehaviour[];
  readonly retryAfter?: string;
  readonly expected: string;
  readonly requests: number;
  /** Waited altogether, with the lowest and the highest of the dice. */
  readonly waitsMs: readonly [number, number];
}

const NO_WAIT = [0, 0] as const;
const FAILING: Readonly<Record<string, Failing>> = {
  "429, then an answer": {
    answers: ["rate_limited", "good"],
    expected: "diagnosis",
    requests: 2,
    waitsMs: [250, 500],
  },
  "429 that asks for 2 s, then an answer": {
    answers: ["rate_limited", "good"],
    retryAfter: "2",
    expected: "diagnosis",
    requests: 2,
    waitsMs: [2000, 2250],
  },
  "500 twice, then an answer": {
    answers: ["server_error", "server_error", "good"],
    expected: "diagnosis",
    requests: 3,
    waitsMs: [750, 1500],
  },
  "500 for ever": {
    answers: ["server_error", "server_error", "server_error", "good"],
    expected: "unavailable",
    requests: 3,
    waitsMs: [750, 1500],
  },
  "429, then 500, then an answer that is none": {
    answers: ["rate_limited", "server_error", "prose_only"],
    expected: "malformed_answer",
    requests: 3,
    waitsMs: [750, 1500],
  },
  "429 that asks for more than the deadline leaves": {
    answers: ["rate_limited", "good"],
    retryAfter: "4",
    expected: "rate_limited",
    requests: 1,
    waitsMs: NO_WAIT,
  },
  "429 twice, of which the second wait does not fit": {
    answers: ["rate_limited", "rate_limited", "good"],
    retryAfter: "2",
    expected: "rate_limited",
    requests: 2,
    waitsMs: [2000, 2250],
  },
  "a refused key": {
    answers: ["unauthorized"],
    expected: "unauthorized",
    requests: 1,
    waitsMs: NO_WAIT,
  },
  "an unknown model": {
    answers: ["rejected"],
    expected: "rejected",
    requests: 1,
    waitsMs: NO_WAIT,
  },
  "an answer that is none": {
    answers: ["prose_only"],
    expected: "malformed_answer",
    requests: 1,
    waitsMs: NO_WAIT,
  },
  "an answer that breaks off": {
    answers: ["disconnect"],
    expected: "unavailable",
    requests: 1,
    waitsMs: NO_WAIT,
  },
};

const starts = {
  gemini: (tokens) => startGeminiServer({ behaviour: "good", tokens }),
  openai: (tokens) => startOpenAIServer({ behaviour: "good", tokens }),
  lmstudio: (tokens) => startLmStudioServer({ behaviour: "good", tokens }),
} satisfies Record<keyof typeof drivers, (tokens: string | null) => ModelServer<string>>;

/** By the fixtures of the servers. */
const TOKENS = { gemini: 1320, openai: 1020, lmstudio: 1020 };

describe.each(Object.entries(drivers))("%s", (name, driver) => {
  const tokens = TOKENS[name as keyof typeof TOKENS];

  test.each(Object.entries(FAILING))("%s", async (_, failing) => {
    for (const [index, random] of [lowest, highest].entries()) {
      await using server = driver.start("good");
      server.next.push(...failing.answers);
      server.retryAfter = failing.retryAfter;
      const clock = simulatedClock();
      const reach = { url: server.url, apiKey: KEY, deadlineMs: LONG_MS };
      const result = await diagnose(driver.create({ ...reach, retry: { clock, random } }));
      expect(outcome(result)).toBe(failing.expected);
      expect(server.requests).toHaveLength(failing.requests);
      expect(clock.elapsedMs).toBeCloseTo(failing.waitsMs[index] ?? NaN, 3);
    }
  });

  test("slow after a failure: the one deadline holds for both", async () => {
    await using server = driver.start("stall");
    server.next.push("server_error");
    const retry = { clock: systemClock, random: lowest };
    const reach = { url: server.url, apiKey: KEY, deadlineMs: 500 };
    const result = await diagnose(driver.create({ ...reach, retry }));
    expect(message(result)).toBe(`no answer from ${new URL(server.url).host} within 0.5 s`);
    expect(server.requests).toHaveLength(2);
  });

  test("a dead server is named, and not tried again: nobody starts within a second", async () => {
    const server = driver.start("good");
    await server[Symbol.asyncDispose]();
    const clock = simulatedClock();
    const reach = { url: server.url, apiKey: KEY, deadlineMs: LONG_MS };
    const diagnoser = driver.create({ ...reach, retry: { clock, random: lowest } });
    const { host } = new URL(server.url);
    expect(diagnoser.server).toBe(host);
    expect(await diagnose(diagnoser)).toMatchObject({ reason: "unreachable", server: host });
    expect(clock.elapsedMs).toBe(0);
  });

  test("a name that does not resolve may resolve a moment later", async () => {
    const clock = simulatedClock();
    const reach = { url: "http://nobody.invalid:8080", apiKey: KEY, deadlineMs: LONG_MS };
    const result = await diagnose(driver.create({ ...reach, retry: { clock, random: lowest } }));
    expect(result).toMatchObject({ reason: "unreachable", server: "nobody.invalid:8080" });
    expect(clock.elapsedMs).toBe(750);
  });

  test("the caller's cancel ends a wait at once", async () => {
    await using server = driver.start("rate_limited");
    server.retryAfter = "3";
    const caller = new AbortController();
    let sleeping = 0;
    const retry = {
      random: lowest,
      clock: {
        ...systemClock,
        async sleep(durationMs: number, signal: AbortSignal) {
          sleeping += 1;
          setTimeout(() => caller.abort(), 50);
          await systemClock.sleep(durationMs, signal);
          sleeping -= 1;
        },
      },
    };
    const budget = new Budget({ callsPerHour: 2, tokensPerHour: 1 }, systemClock);
    const startedMs = performance.now();
    const reach = { url: server.url, apiKey: KEY, deadlineMs: LONG_MS, budget };
    const result = await diagnose(driver.create({ ...reach, retry }), caller.signal);
    expect(message(result)).toContain("cancelled");
    expect(performance.now() - startedMs).toBeLessThan(2000);
    await Bun.sleep(0);
    // The wait is over too, and nothing was sent after it.
    expect(sleeping).toBe(0);
    expect(server.requests).toHaveLength(1);
    expect(budget.refusal()).toBeUndefined();
  });

  test("a diagnosis tells its tokens", async () => {
    await using server = driver.start("good");
    const reach = { url: server.url, apiKey: KEY, deadlineMs: LONG_MS };
    expect(await diagnose(driver.create(reach))).toMatchObject({ tokens });
  });

  test("a request is a call, also one that is tried again", async () => {
    await using server = driver.start("server_error");
    const clock = simulatedClock();
    const budget = new Budget({ callsPerHour: 2, tokensPerHour: 1_000_000 }, clock);
    const reach = { url: server.url, apiKey: KEY, deadlineMs: LONG_MS };
    const diagnoser = driver.create({ ...reach, budget, retry: { clock, random: lowest } });
    expect(outcome(await diagnose(diagnoser))).toBe("unavailable");
    server.behaviour = "good";
    expect(outcome(await diagnose(diagnoser))).toBe("budget_spent");
    expect(server.requests).toHaveLength(2);
    clock.pass(3_600_000);
    expect(outcome(await diagnose(diagnoser))).toBe("diagnosis");
  });

  test("a call that reaches nobody does not count", async () => {
    await using server = driver.start("good");
    await using budgetless = driver.start("good");
    await server[Symbol.asyncDispose]();
    const budget = new Budget({ callsPerHour: 1, tokensPerHour: 1_000_000 }, simulatedClock());
    const reach = { apiKey: KEY, deadlineMs: LONG_MS, budget };
    expect(outcome(await diagnose(driver.create({ ...reach, url: server.url })))).toBe(
      "unreachable",
    );
    expect(outcome(await diagnose(driver.create({ ...reach, url: budgetless.url })))).toBe(
      "diagnosis",
    );
  });

  test("tokens count also of an answer that can't be used", async () => {
    await using server = driver.start("prose_only");
    const limits = { callsPerHour: 60, tokensPerHour: tokens };
    const budget = new Budget(limits, simulatedClock());
    const diagnoser = driver.create({ url: server.url, apiKey: KEY, deadlineMs: LONG_MS, budget });
    expect(outcome(await diagnose(diagnoser))).toBe("malformed_answer");
    const result = await diagnose(diagnoser);
    expect(outcome(result)).toBe("budget_spent");
    expect(message(result)).toContain("MODEL_TOKENS_PER_HOUR");
    expect(server.requests).toHaveLength(1);
  });

  test("its circuit opens, half-opens and closes", async () => {
    await using server = driver.start("server_error");
    const clock = simulatedClock();
    const reach = { url: server.url, apiKey: KEY, deadlineMs: LONG_MS };
    const diagnoser = behindCircuits(driver.create(reach), {
      server: new Circuit("server_fails", clock, new URL(server.url).host),
      model: new Circuit("model_fails", clock),
    });
    const next = async () => outcome(await diagnose(diagnoser));
    for (let time = 0; time < 3; time++) expect(await next()).toBe("unavailable");
    expect(await next()).toBe("circuit_open");
    clock.pass(OPEN_MS);
    expect(await next()).toBe("unavailable");
    expect(await next()).toBe("circuit_open");
    expect(server.requests).toHaveLength(4);
    clock.pass(OPEN_MS);
    server.behaviour = "good";
    expect([await next(), await next()]).toEqual(["diagnosis", "diagnosis"]);
  });
});

describe("a server that miscounts its tokens", () => {
  const counts = ["-1", "0.5", "1e12", '"12"', "null", "{}", null];
  const names = ["gemini", "openai", "lmstudio"] as const;
  const cases = counts.flatMap((count) => names.map((name) => [name, count] as const));
  test.each(cases)("%s, %j: the diagnosis has none", async (name, count) => {
    await using server = starts[name](count);
    const reach = { url: server.url, apiKey: KEY, deadlineMs: LONG_MS };
    const result = await drivers[name]
      .create(reach)
      .diagnose(request, new AbortController().signal);
    expect(result).toMatchObject({ action: "docker-restart" });
    expect(result).not.toHaveProperty("tokens");
  });
});

test("gemini: the delay that Google asks for in the body is kept", async () => {
  await using server = startGeminiServer({ behaviour: "good" });
  server.next.push("quota_exceeded");
  const clock = simulatedClock();
  const reach = { url: server.url, apiKey: KEY, deadlineMs: LONG_MS };
  const retry = { clock, random: lowest };
  expect(outcome(await diagnose(drivers.gemini.create({ ...reach, retry })))).toBe("diagnosis");
  expect(clock.elapsedMs).toBe(2500);
});

test("on the system's clock, a server that asks for a second gets it", async () => {
  await using server = drivers.lmstudio.start("good");
  server.next.push("rate_limited");
  server.retryAfter = "1";
  const startedMs = performance.now();
  const reach = { url: server.url, apiKey: KEY, deadlineMs: LONG_MS };
  const retry = { clock: systemClock, random: Math.random };
  expect(outcome(await diagnose(drivers.lmstudio.create({ ...reach, retry })))).toBe("diagnosis");
  expect(performance.now() - startedMs).toBeGreaterThanOrEqual(999);
});

test("a cancelled wait leaves nothing that keeps a process alive", async () => {
  await using server = drivers.lmstudio.start("rate_limited");
  server.retryAfter = "15";
  const script = `
    import { lmstudioDiagnoser } from "./src/diagnosers/lmstudio.ts";
    import { systemClock } from "./src/observer/system-clock.ts";
    import { request } from "./test/contracts/diagnosis.ts";
    const caller = new AbortController();
    const sleep = (ms, signal) => (setTimeout(() => caller.abort(), 20), systemClock.sleep(ms, signal));
    const retry = { clock: { ...systemClock, sleep }, random: Math.random };
    const diagnoser = lmstudioDiagnoser({ url: ${JSON.stringify(server.url)}, model: "m", retry });
    const { reason } = await diagnoser.diagnose(request, caller.signal).catch((error) => error);
    console.log(reason, performance.now());
    process.on("exit", () => console.log(performance.now()));
  `;
  await using child = Bun.spawn([process.execPath, "-e", script], {
    cwd: `${import.meta.dir}/../..`,
    stdout: "pipe",
    stderr: "inherit",
  });
  const [reason, endedMs, exitedMs] = (await new Response(child.stdout).text()).split(/\s/);
  expect(reason).toBe("unavailable");
  expect(Number(exitedMs) - Number(endedMs)).toBeLessThan(5000);
});
