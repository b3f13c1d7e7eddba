import { describe, expect, test } from "bun:test";
import {
  diagnosis,
  evidence,
  allowlist,
  NEVER,
  simulatedClock,
} from "../../test/support/fixtures.ts";
import { DIAGNOSIS_FAILURES, DiagnosisError, type DiagnosisFailure } from "../core/errors.ts";
import type { Diagnosis } from "../core/model.ts";
import type { Diagnoser } from "../core/ports.ts";
import { behindCircuits, Circuit, OPEN_MS } from "./circuit.ts";

type Answer = DiagnosisFailure | "diagnosis";
const request = { evidence: evidence(), allowlist };
const HOST = "localhost:1234";

/** Models of one server; each takes its answers from its list, the last one again and again. */
function models(...answers: readonly Answer[][]) {
  const clock = simulatedClock();
  const server = new Circuit("server_fails", clock, HOST);
  const asked: number[] = answers.map(() => 0);
  const diagnosers = answers.map((list, index): Diagnoser => {
    const inner: Diagnoser = {
      name: `model ${index}`,
      deadlineMs: 1000,
      server: HOST,
      async diagnose(): Promise<Diagnosis> {
        asked[index] = (asked[index] ?? 0) + 1;
        const answer = list.length > 1 ? list.shift() : list[0];
        if (answer === "diagnosis" || answer === undefined) return diagnosis();
        throw new DiagnosisError(answer, `it was ${answer}`);
      },
    };
    return behindCircuits(inner, { server, model: new Circuit("model_fails", clock) });
  });
  const ask = async (index = 0, signal = NEVER): Promise<DiagnosisError | "diagnosis"> => {
    try {
      await diagnosers[index]?.diagnose(request, signal);
      return "diagnosis";
    } catch (thrown) {
      if (thrown instanceof DiagnosisError) return thrown;
      throw thrown;
    }
  };
  const reasons = async (times: number, index = 0) => {
    const said: string[] = [];
    for (let time = 0; time < times; time++) {
      const result = await ask(index);
      said.push(result === "diagnosis" ? result : result.reason);
    }
    return said;
  };
  return { clock, asked, ask, reasons, diagnosers };
}

describe("a model that fails", () => {
  test("is left alone after the third failure in a row, for 60 s", async () => {
    const { clock, asked, ask, reasons } = models(["unavailable"]);
    expect(await reasons(3)).toEqual(["unavailable", "unavailable", "unavailable"]);
    clock.pass(18_000);
    expect(await ask()).toMatchObject({
      reason: "circuit_open",
      message: "not asked: it failed repeatedly; the next try is in 42 s",
      server: undefined,
    });
    clock.pass(OPEN_MS - 18_001);
    expect(await reasons(2)).toEqual(["circuit_open", "circuit_open"]);
    expect(asked).toEqual([3]);
  });

  test("is tried once after that, and left alone again if it still fails", async () => {
    const { clock, asked, reasons } = models(["timeout"]);
    await reasons(4);
    clock.pass(OPEN_MS);
    expect(await reasons(2)).toEqual(["timeout", "circuit_open"]);
    clock.pass(OPEN_MS - 1);
    expect(await reasons(1)).toEqual(["circuit_open"]);
    clock.pass(1);
    expect(await reasons(1)).toEqual(["timeout"]);
    expect(asked).toEqual([5]);
  });

  test("is asked as before once it works, with all its chances", async () => {
    const bad = "rate_limited";
    const { clock, reasons } = models([bad, bad, bad, "diagnosis", bad, bad, "diagnosis", bad]);
    await reasons(3);
    clock.pass(OPEN_MS);
    const after = ["diagnosis", bad, bad, "diagnosis", bad, bad, bad, "circuit_open"];
    expect(await reasons(8)).toEqual(after);
  });

  test("a second call does not wait for the one that tries it", async () => {
    const clock = simulatedClock();
    const circuit = new Circuit("model_fails", clock);
    const failed = new DiagnosisError("unavailable", "it failed");
    for (let time = 0; time < 3; time++) await circuit.run(async () => failed);
    clock.pass(OPEN_MS);
    const { promise, resolve } = Promise.withResolvers<string>();
    const probe = circuit.run(() => promise);
    const second = await circuit.run(async () => "asked").catch((thrown: unknown) => thrown);
    expect(second).toMatchObject({ reason: "circuit_open" });
    resolve("works");
    expect(await probe).toBe("works");
    expect(await circuit.run(async () => "asked")).toBe("asked");
  });
});

/** Whether three of it in a row open the circuit of the model, of the whole server, or none. */
const OPENS = {
  unreachable: "server",
  unavailable: "model",
  rate_limited: "model",
  timeout: "model",
  unauthorized: "none",
  rejected: "none",
  empty_answer: "none",
  malformed_answer: "none",
  answer_too_large: "none",
  circuit_open: "none",
  budget_spent: "none",
} satisfies Record<DiagnosisFailure, string>;

describe("which failures count", () => {
  test.each(Object.entries(OPENS))("%s: %s", async (reason, opens) => {
    const { ask, asked, reasons } = models([reason as DiagnosisFailure], ["diagnosis"]);
    await reasons(4);
    expect(asked[0]).toBe(opens === "none" ? 4 : 3);
    const other = await ask(1);
    if (opens !== "server") return expect(other).toBe("diagnosis");
    expect(other).toMatchObject({ reason: "circuit_open", server: HOST });
    expect(String(other)).toContain(`${HOST} is not asked`);
  });

  test("three of them, whichever they are", async () => {
    const { reasons } = models(["timeout", "unavailable", "rate_limited", "diagnosis"]);
    expect((await reasons(4))[3]).toBe("circuit_open");
  });

  test.each(DIAGNOSIS_FAILURES.filter((reason) => OPENS[reason] === "none"))(
    "%s between two of them breaks the row, unless it says nothing",
    async (reason) => {
      const { reasons } = models(["timeout", "timeout", reason, "timeout", "diagnosis"]);
      const saysNothing = reason === "circuit_open" || reason === "budget_spent";
      expect((await reasons(5))[4]).toBe(saysNothing ? "circuit_open" : "diagnosis");
    },
  );

  test("the models of one server are counted together when it is not reached", async () => {
    const { clock, asked, reasons } = models(["unreachable"], ["unreachable"], ["unreachable"]);
    for (const index of [0, 1, 2]) await reasons(1, index);
    for (const index of [0, 1, 2]) expect(await reasons(1, index)).toEqual(["circuit_open"]);
    clock.pass(OPEN_MS);
    // One of them tries it, for all.
    for (const index of [0, 1, 2]) await reasons(1, index);
    expect(asked).toEqual([2, 1, 1]);
  });

  test("the caller's cancel never counts, and does not close an open circuit", async () => {
    const { clock, asked, ask, reasons } = models(["unavailable"]);
    const cancelled = AbortSignal.abort();
    for (let time = 0; time < 5; time++) await ask(0, cancelled);
    expect(asked).toEqual([5]);
    await reasons(3);
    clock.pass(OPEN_MS);
    await ask(0, cancelled);
    expect(await reasons(1)).toEqual(["circuit_open"]);
  });
});

test("a clock set back does not keep a circuit open", async () => {
  const { clock, reasons } = models(["timeout", "timeout", "timeout", "diagnosis"]);
  expect((await reasons(4))[3]).toBe("circuit_open");
  clock.pass(-600_000);
  expect(await reasons(1)).toEqual(["diagnosis"]);
});

test("a mistake in the code is thrown as it is", async () => {
  const clock = simulatedClock();
  const broken: Diagnoser = {
    name: "broken",
    deadlineMs: 1,
    diagnose: () => Promise.reject(new TypeError("a mistake")),
  };
  const circuits = {
    server: new Circuit("server_fails", clock),
    model: new Circuit("model_fails", clock),
  };
  const diagnoser = behindCircuits(broken, circuits);
  expect(diagnoser).toMatchObject({ name: "broken", deadlineMs: 1 });
  for (let time = 0; time < 4; time++)
    await expect(diagnoser.diagnose(request, NEVER)).rejects.toThrow("a mistake");
});
