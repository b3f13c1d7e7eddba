import { describe, expect, test } from "bun:test";
import { allowlistFor } from "../allowlist.ts";
import { answerSchema, MAX_ANSWER_LENGTH, printable, readAnswer } from "./answer.ts";
import { DiagnosisError, type DiagnosisFailure } from "./errors.ts";

const allowlist = allowlistFor("sentinel-target-api");

const good = {
  root_cause: "A worker burns every core.",
  severity: "high",
  fault_class: "cpu",
  confidence: 0.9,
  action: "docker-restart",
  evidence: ["value 1.9 against 0.5"],
};

const older = {
  root_cause: "A worker burns every core.",
  severity: "High",
  remediation_step: "docker-compose restart",
};

function answer(changes: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({ ...good, ...changes });
}

function failure(text: string): DiagnosisError {
  try {
    const read = readAnswer(text, allowlist);
    throw new Error(`it was read: ${JSON.stringify(read)}`);
  } catch (thrown) {
    if (thrown instanceof DiagnosisError) return thrown;
    throw thrown;
  }
}

describe("an answer that is read", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["as it was asked for", answer()],
    ["with prose around it", `Here you are:\n${answer()}\nI hope {this} helps.`],
    ["in a code fence", `\`\`\`json\n${JSON.stringify(good, null, 2)}\n\`\`\``],
    ["given twice, the same both times", `${answer()}\n${answer()}`],
    ["after a draft within thoughts", `<think>maybe {"action":"docker-stop"}</think>${answer()}`],
    ["with a duplicate key, of which the last counts", answer().replace("{", '{"action":"x",')],
    ["with __proto__", answer().replace("{", '{"__proto__":{"action":"docker-stop"},')],
    ["with a constructor key", answer({ constructor: { prototype: {} } })],
    ["with an unknown key", answer({ mood: "good" })],
    ["with the severity in another case", answer({ severity: "HIGH" })],
    ["with the fault class in another case", answer({ fault_class: "CPU" })],
    [
      "with a spelling in place of the id",
      answer({ action: "docker restart sentinel-target-api" }),
    ],
    ["with braces and quotes in a string", answer({ mood: 'a "{" and a }' })],
  ];
  test.each(cases)("%s", (_, text) => {
    expect(readAnswer(text, allowlist)).toEqual({
      rootCause: "A worker burns every core.",
      severity: "high",
      faultClass: "cpu",
      confidence: 0.9,
      action: "docker-restart",
      evidence: ["value 1.9 against 0.5"],
    });
  });

  test("none is no action", () => {
    expect(readAnswer(answer({ action: "none" }), allowlist).action).toBe("none");
  });

  test("a fault class nobody knows is unknown, missing evidence is none", () => {
    const { evidence: _, ...rest } = good;
    const read = readAnswer(JSON.stringify({ ...rest, fault_class: "gremlins" }), allowlist);
    expect(read.faultClass).toBe("unknown");
    expect(read.evidence).toEqual([]);
  });

  test("in the older shape, with no confidence", () => {
    expect(readAnswer(JSON.stringify(older), allowlist)).toEqual({
      rootCause: "A worker burns every core.",
      severity: "high",
      faultClass: "unknown",
      confidence: 0,
      action: "compose-restart",
      evidence: [],
    });
  });

  test("long texts are cut, and control characters are shown", () => {
    const read = readAnswer(
      answer({
        root_cause: `\u001b[2J a\nb ${"x".repeat(5000)}`,
        evidence: Array.from({ length: 30 }, () => "y".repeat(900)),
      }),
      allowlist,
    );
    expect(read.rootCause).toStartWith("\\u{1b}[2J a b x");
    expect(read.rootCause).toHaveLength(2000);
    expect(read.evidence).toHaveLength(10);
    expect(read.evidence.every((item) => item.length === 500)).toBe(true);
  });

  test("an answer of the greatest length", () => {
    const text = answer().padEnd(MAX_ANSWER_LENGTH, " ");
    expect(readAnswer(text, allowlist).action).toBe("docker-restart");
  });
});

describe("an answer that is refused", () => {
  const refused = {
    empty_answer: { nothing: "", "white space": " \n\t " },
    answer_too_large: { "one character too many": answer().padEnd(MAX_ANSWER_LENGTH + 1, " ") },
    malformed_answer: {
      prose: "Restart it.",
      "an array": "[1, 2]",
      "an empty object": "{}",
      "cut off": answer().slice(0, -5),
      "cut off after a whole inner object": `{"result": ${answer()}, "more": `,
      "two different objects": `${answer()} or ${answer({ action: "docker-stop" })}`,
      "only thoughts": `<think>${answer()}</think>`,
      "a thousand braces": "{".repeat(1000),
      "a single quote for a double": answer().replaceAll('"', "'"),
      "confidence in percent": answer({ confidence: 90 }),
      "confidence below 0": answer({ confidence: -0.1 }),
      "confidence as text": answer({ confidence: "0.9" }),
      "no root cause": answer({ root_cause: "  " }),
      "a severity nobody knows": answer({ severity: "catastrophic" }),
      "an action that is a list": answer({ action: ["docker-restart"] }),
      "no action": answer({ action: null }),
      "both shapes at once": answer({ remediation_step: "docker-restart" }),
    },
    action_not_allowed: {
      "an unknown id": answer({ action: "docker-rm" }),
      "an id with a space": answer({ action: "docker-restart " }),
      "an id in capitals": answer({ action: "Docker-Restart" }),
      "a look-alike hyphen": answer({ action: "docker\u2010restart" }),
      "a second command": answer({ action: "docker-restart; reboot" }),
      "a prototype's key": answer({ action: "__proto__" }),
      "another container": answer({ action: "docker restart postgres" }),
      "an empty action": answer({ action: "" }),
      "the older shape with a command outside the list": JSON.stringify({
        ...older,
        remediation_step: "docker system prune -af",
      }),
      "the older shape with a newline": JSON.stringify({
        ...older,
        remediation_step: "docker-compose restart\n",
      }),
    },
  } satisfies Partial<Record<DiagnosisFailure, Record<string, string>>>;

  for (const [reason, texts] of Object.entries(refused))
    test.each(Object.entries(texts))(`${reason}: %s`, (_, text) => {
      expect(failure(text).reason as string).toBe(reason);
    });

  test("the refused text is quoted, short and on one line", () => {
    const { message } = failure(answer({ action: `rm -rf /\n\u001b[31m${"x".repeat(500)}` }));
    expect(message).toContain("rm -rf /\\n\\u{1b}[31mxxx");
    expect(message.length).toBeLessThan(200);
  });

  test("64 KiB of braces and quotes are refused at once", () => {
    const startedMs = performance.now();
    expect(failure('{ "'.repeat(20_000)).reason).toBe("malformed_answer");
    expect(failure("{ x ".repeat(16_000)).reason).toBe("malformed_answer");
    expect(performance.now() - startedMs).toBeLessThan(1000);
  });
});

test("the schema asks for every property, offers the ids and none, and allows nothing else", () => {
  const schema = answerSchema(allowlist);
  expect(schema).toMatchObject({
    type: "object",
    additionalProperties: false,
    required: ["root_cause", "severity", "fault_class", "confidence", "action", "evidence"],
    properties: {
      action: {
        enum: [
          "docker-restart",
          "docker-stop",
          "compose-restart",
          "compose-stop",
          "compose-up",
          "none",
        ],
      },
      confidence: { type: "number", minimum: 0, maximum: 1 },
    },
  });
  expect(Object.keys(schema)).not.toContain("$schema");
});

describe("printable", () => {
  const cases: readonly (readonly [string, string, number, string])[] = [
    ["keeps a text of the greatest length", "abcde", 5, "abcde"],
    ["cuts one that is longer", "abcdef", 5, "abcd…"],
    ["shows what reverses text", "a\u202eb", 50, "a\\u{202e}b"],
    ["shows a null and a line separator", "\0\u2028", 50, "\\u{0}\\u{2028}"],
    ["leaves letters of any script", "Größe 测试 🙂", 50, "Größe 测试 🙂"],
    ["shows a lone surrogate", "a\ud800b", 50, "a\\u{d800}b"],
    ["does not cut a pair in two", "ab🙂cd", 4, "ab…"],
  ];
  test.each(cases)("%s", (_, text, maxLength, expected) => {
    expect(printable(text, maxLength)).toBe(expected);
  });
});
