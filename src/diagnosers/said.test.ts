import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { allowlistFor } from "../allowlist.ts";
import { DiagnosisError } from "../core/errors.ts";
import { diagnosisIn, saidIn } from "./said.ts";

const SEED = 7;
const asked = { allowlist: allowlistFor("a"), evidence: { severity: "high" as const } };

const choice = (message: object) => ({ choices: [{ message, finish_reason: "stop" }] });

describe("text and thoughts are told apart", () => {
  const cases: readonly (readonly [string, unknown, string, string])[] = [
    ["a text", choice({ content: "a" }), "a", ""],
    ["parts", choice({ content: [{ type: "text", text: "a" }, "b"] }), "a\nb", ""],
    ["a text and thoughts", choice({ content: "a", reasoning_content: "t" }), "a", "t"],
    ["an empty field of thoughts", choice({ content: "a", reasoning: "" }), "a", ""],
    [
      "thoughts as a part of parts",
      choice({ content: [{ type: "thinking", thinking: [{ type: "text", text: "t" }] }, "a"] }),
      "a",
      "t",
    ],
    ["nothing", choice({ content: null }), "", ""],
    ["no choice", { choices: [] }, "", ""],
    ["a text for an output", { output: "a" }, "a", ""],
    [
      "items",
      {
        output: [
          { type: "reasoning", content: "t" },
          { type: "message", content: "a" },
        ],
      },
      "a",
      "t",
    ],
    ["a call of a tool", { output: [{ type: "tool_call", output: "x", text: "x" }] }, "", ""],
    ["a part that is none", choice({ content: [7, null, { text: 7 }, "a"] }), "a", ""],
  ];
  test.each(cases)("%s", (_, answer, text, thoughts) => {
    expect(saidIn(answer)).toMatchObject({ text, thoughts, isDeclined: false });
  });

  const others = [{ hello: "world" }, null, 7, "text", [], { choices: "no" }, { response: 7 }];
  test.each(others.map((answer) => [answer]))("%j is none of the forms", (answer) => {
    expect(saidIn(answer)).toBeUndefined();
  });
});

test("a refusal is one in a field and in a part", () => {
  expect(saidIn(choice({ content: null, refusal: "no" }))?.isDeclined).toBe(true);
  const part = { type: "refusal", refusal: "no" };
  expect(saidIn({ output: [{ type: "message", content: [part] }] })?.isDeclined).toBe(true);
});

test("parts nested without an end are not followed", () => {
  let content: unknown = "deep";
  for (let depth = 0; depth < 10_000; depth++) content = [{ type: "message", content }];
  expect(saidIn({ output: content })).toMatchObject({ text: "" });
});

const json = fc.jsonValue({ depthSize: "small" });
const keyed = fc.record({
  choices: fc.array(
    fc.record({
      message: fc.record(
        { content: json, reasoning: json, tool_calls: json },
        { requiredKeys: [] },
      ),
    }),
  ),
});

test("whatever a server answers, there is a diagnosis or a reason from the list", () => {
  let diagnoses = 0;
  const answer = fc.record(
    {
      root_cause: fc.oneof(fc.string({ minLength: 1 }), json),
      severity: json,
      fault_class: json,
      confidence: json,
      action: fc.oneof(fc.constantFrom("docker-restart", "none"), json),
      evidence: json,
    },
    { requiredKeys: ["root_cause"] },
  );
  const said = answer.map((value) => choice({ content: JSON.stringify(value) }));
  fc.assert(
    fc.property(fc.oneof(said, json, keyed), (given) => {
      const read = saidIn(given);
      if (read === undefined) return;
      try {
        const { action, confidence, evidence, rootCause } = diagnosisIn(read, asked, "HOST");
        diagnoses += 1;
        expect(["docker-restart", "docker-stop", "none"]).toContain(action);
        expect(confidence >= 0 && confidence <= 1).toBe(true);
        expect(evidence.length).toBeLessThanOrEqual(10);
        expect(rootCause.length).toBeLessThanOrEqual(2000);
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(DiagnosisError);
      }
    }),
    { numRuns: 1000, seed: SEED },
  );
  expect(diagnoses).toBeGreaterThan(100);
}, 60_000);
