/** What the suites of the diagnosers share: the drivers, one request, and what holds for any result. */

import { expect } from "bun:test";
import { ACTION_IDS, allowlistFor } from "../../src/allowlist.ts";
import { DIAGNOSIS_FAILURES, DiagnosisError } from "../../src/core/errors.ts";
import { FAULT_CLASSES } from "../../src/core/fault-class.ts";
import { type Diagnosis, SEVERITIES } from "../../src/core/model.ts";
import type { Diagnoser, DiagnosisRequest } from "../../src/core/ports.ts";
import { geminiDiagnoser } from "../../src/diagnosers/gemini.ts";
import type { Care } from "../../src/diagnosers/http.ts";
import { lmstudioDiagnoser } from "../../src/diagnosers/lmstudio.ts";
import { openaiDiagnoser } from "../../src/diagnosers/openai.ts";
import { startGeminiServer } from "../support/servers/gemini.ts";
import { startLmStudioServer } from "../support/servers/lmstudio.ts";
import { GOOD_ANSWER, type ModelBehaviour, type ModelServer } from "../support/servers/model.ts";
import { startOpenAIServer } from "../support/servers/openai.ts";

export const KEY = "sk-marker-7f3c9a1e5b2d";
export const LOG_LINE = "marker: worker 3 is busy";

export const request: DiagnosisRequest = {
  allowlist: allowlistFor("sentinel-target-api"),
  evidence: {
    service: "sentinel-target-api",
    alert: "HighCpu",
    severity: "high",
    summary: "CPU is high",
    labels: { job: "sentinel-target-api" },
    value: 1.9,
    signal: { expr: "rate(process_cpu_seconds_total[20s])", operator: ">", threshold: 0.5 },
    history: [{ timestampMs: 1_700_000_000_000, value: 1.9 }],
    otherSignals: [],
    container: { kind: "unreadable", reason: "no Docker" },
    health: { ok: true, message: "http://localhost:8000/health: healthy (status 200)" },
    logs: { kind: "found", value: [LOG_LINE] },
  },
};

interface Reach extends Care {
  readonly url: string;
  readonly apiKey: string;
  readonly deadlineMs: number;
}

interface Driver {
  readonly start: (behaviour: ModelBehaviour, answer?: Answer) => ModelServer<string>;
  readonly create: (reach: Reach) => Diagnoser;
}

type Answer = Readonly<Record<string, unknown>>;

export const MODEL = "local/model-3b";
export const drivers = {
  gemini: {
    start: (behaviour, answer = GOOD_ANSWER) => startGeminiServer({ behaviour, answer }),
    create: ({ url, ...reach }) =>
      geminiDiagnoser({ ...reach, baseUrl: url, model: "gemini-3.8-flash" }),
  },
  openai: {
    start: (behaviour, answer = GOOD_ANSWER) => startOpenAIServer({ behaviour, answer }),
    create: (reach) => openaiDiagnoser({ ...reach, model: MODEL }),
  },
  lmstudio: {
    start: (behaviour, answer = GOOD_ANSWER) => startLmStudioServer({ behaviour, answer }),
    create: (reach) => lmstudioDiagnoser({ ...reach, model: MODEL }),
  },
} satisfies Record<string, Driver>;

export const LONG_MS = 5000;
/** For a busy machine; still far less than any default of an SDK. */
const SLACK_MS = 1000;

export type Result = Diagnosis | DiagnosisError;

export async function diagnose(
  diagnoser: Diagnoser,
  signal = new AbortController().signal,
): Promise<Result> {
  const startedMs = performance.now();
  const result = await diagnoser.diagnose(request, signal).catch((thrown: unknown) => thrown);
  expect(performance.now() - startedMs).toBeLessThan(diagnoser.deadlineMs + SLACK_MS);
  if (result instanceof DiagnosisError) {
    expect(DIAGNOSIS_FAILURES).toContain(result.reason);
    expect(result.message).toMatch(/^[^\n]{5,300}$/);
    expect(Bun.inspect(result, { depth: 20 })).not.toContain(KEY);
    expect(result.cause).toBeUndefined();
    return result;
  }
  expectValid(result);
  return result;
}

export function expectValid(result: unknown): asserts result is Diagnosis {
  const { refusedAction = "", ...rest } = result as Diagnosis;
  expect(refusedAction).toMatch(/^[^\n]{0,100}$/);
  expect(rest).toEqual({
    tokens: expect.any(Number),
    rootCause: expect.stringMatching(/./),
    severity: expect.any(String),
    faultClass: expect.any(String),
    confidence: expect.any(Number),
    action: expect.any(String),
    evidence: expect.any(Array),
  });
  const { severity, faultClass, confidence, action } = result as Diagnosis;
  expect(SEVERITIES).toContain(severity);
  expect(FAULT_CLASSES).toContain(faultClass);
  expect([...ACTION_IDS, "none"]).toContain(action);
  expect(confidence).toBeGreaterThanOrEqual(0);
  expect(confidence).toBeLessThanOrEqual(1);
}

export function outcome(result: Result): string {
  return result instanceof DiagnosisError ? result.reason : "diagnosis";
}

export function message(result: Result): string {
  return result instanceof DiagnosisError ? result.message : "(a diagnosis)";
}
