/**
 * E2: evidence, severity, confidence and fault class never cost a diagnosis; and a model that asks for a
 * person, in whatever words, ends the chain: neither another model nor the playbook acts over its head.
 */

import { expect, test } from "bun:test";
import { openaiDiagnoser } from "../../src/diagnosers/openai.ts";
import { sample } from "../support/fixtures.ts";
import { startOpenAIServer } from "../support/servers/openai.ts";
import { GOOD_ANSWER } from "../support/servers/model.ts";
import {
  type DialectServer,
  answerNamed,
  startDialectServer,
} from "../support/servers/dialects.ts";
import { tell } from "../support/story.ts";

/** A service whose CPU is high for good, and models that are asked in turn, before the playbook. */
const incident = (urls: readonly string[]) =>
  tell({
    script: (expr, elapsedMs) =>
      expr === "cpu" ? [sample(elapsedMs < 10_000 ? 0.1 : 1.9)] : undefined,
    diagnosers: () => urls.map((url) => openaiDiagnoser({ url, model: "m" })),
    stopAt: "incident_closed",
    untilMs: 1_200_000,
  });

const saying = (content: string): DialectServer => {
  const message = { role: "assistant", content };
  const answer = { choices: [{ index: 0, message, finish_reason: "stop" }] };
  return startDialectServer({ answer: { ...answerNamed("openai-gpt-4o"), refuses: [], answer } });
};

test.each([
  { evidence: "CPU is high" },
  { evidence: null },
  { evidence: [{ fact: "CPU", value: 1.9 }] },
  { confidence: 90 },
  { confidence: "high" },
  { severity: "urgent" },
  { fault_class: null },
])("E2: %j, and the model's choice is run all the same", async (odd) => {
  await using server = saying(JSON.stringify({ ...GOOD_ANSWER, ...odd }));
  const { events, runs } = await incident([server.url]);
  expect(events.filter(({ type }) => type === "diagnosis_failed")).toEqual([]);
  expect(runs.map(({ id }) => id)).toEqual(["docker-restart"]);
});

const { action: _, ...withoutAction } = GOOD_ANSWER;
test.each([
  ["as the action", JSON.stringify({ ...GOOD_ANSWER, action: "a person must look" })],
  ["as an id that is not offered", JSON.stringify({ ...GOOD_ANSWER, action: "escalate" })],
  ["as none", JSON.stringify({ ...GOOD_ANSWER, action: "none" })],
  ["with no action at all", JSON.stringify(withoutAction)],
  [
    "in the older shape",
    '{"root_cause":"disk full","severity":"High","remediation_step":"Ask the on-call engineer."}',
  ],
  ["in plain words", "The disk is full: a person must look before anything is restarted."],
])("E2: a person is asked for %s, and nobody acts", async (_, content) => {
  await using server = saying(content);
  await using next = startOpenAIServer({ behaviour: "good" });
  const { events, runs, closings } = await incident([server.url, next.url]);
  expect(next.requests).toEqual([]);
  expect(runs).toEqual([]);
  expect(events.filter(({ type }) => /^diagnos/.test(type))).toMatchObject([
    { type: "diagnosed", diagnosis: { action: "none" } },
  ]);
  expect(closings).toMatchObject([{ result: "held", reason: "no_action_needed" }]);
});

test("E2: what says no root cause falls through, at last to the playbook", async () => {
  await using broken = saying('{"severity":"high","action":"none"}');
  await using prose = saying("I would restart the container.");
  const { events, runs } = await incident([broken.url, prose.url]);
  expect(events.filter(({ type }) => type === "diagnosis_failed")).toMatchObject([
    { reason: "malformed_answer" },
    { reason: "malformed_answer" },
  ]);
  expect(runs.map(({ id }) => id)).toEqual(["docker-restart"]);
});
