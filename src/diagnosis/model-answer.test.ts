import { describe, expect, test } from "bun:test";
import { allowlistFor } from "../allowlist.ts";
import { answerSchema, MAX_ANSWER_LENGTH, readAnswer } from "./model-answer.ts";
import { printable } from "../text/printable.ts";
import { DiagnosisError, type DiagnosisFailure } from "../core/errors.ts";
import type { Diagnosis } from "../core/model.ts";

const allowlist = allowlistFor("sentinel-target-api");
const asked = { allowlist, evidence: { severity: "critical" as const } };

const read = (text: string, thoughts = "") => readAnswer({ text, thoughts }, asked);

const good = {
  root_cause: "A worker burns every core.",
  severity: "high",
  fault_class: "hot_loop",
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
    throw new Error(`it was read: ${JSON.stringify(read(text))}`);
  } catch (thrown) {
    if (thrown instanceof DiagnosisError) return thrown;
    throw thrown;
  }
}

const expected: Diagnosis = {
  rootCause: "A worker burns every core.",
  severity: "high",
  faultClass: "hot_loop",
  confidence: 0.9,
  action: "docker-restart",
  evidence: ["value 1.9 against 0.5"],
};

describe("an answer that is read", () => {
  const draft = '{"action":"docker-stop"}';
  const cases: readonly (readonly [string, string])[] = [
    ["as it was asked for", answer()],
    ["with prose around it", `Here you are:\n${answer()}\nI hope {this} helps.`],
    ["in a code fence", `\`\`\`json\n${JSON.stringify(good, null, 2)}\n\`\`\``],
    ["given twice, the same both times", `${answer()}\n${answer()}`],
    ["encoded twice", JSON.stringify(answer())],
    ["in a list", `[${answer()}]`],
    ["under a name", JSON.stringify({ diagnosis: good })],
    ["behind another object", `I could answer ${draft}, but: ${answer()}`],
    ["with a duplicate key, of which the last counts", answer().replace("{", '{"action":"x",')],
    ["with __proto__", answer().replace("{", '{"__proto__":{"action":"docker-stop"},')],
    ["with a constructor key", answer({ constructor: { prototype: {} } })],
    ["with an unknown key", answer({ mood: "good" })],
    ["with the severity in another case", answer({ severity: "HIGH" })],
    ["with the fault class in another case", answer({ fault_class: "Hot_Loop" })],
    ["with the fault class in words", answer({ fault_class: "hot loop" })],
    ["with the name that the fault class had before", answer({ fault_class: "cpu" })],
    ["with a spelling for the id", answer({ action: "docker restart sentinel-target-api" })],
    ["with the same action in both shapes", answer({ remediation_step: "docker-restart" })],
    ["with braces and quotes in a string", answer({ mood: 'a "{" and a }' })],
    ["with trailing commas", answer().replace("]", ",]").replace(/\}$/, ",\n}")],
    ["with a line break in a text", answer({ mood: "X" }).replace("X", "a\n\tb")],
    ["with an escape that JSON does not have", answer({ mood: "X" }).replace("X", "it\\'s \\_")],
  ];
  test.each(cases)("%s", (_, text) => {
    expect(read(text)).toEqual(expected);
  });

  const thoughtful: Readonly<Record<string, string>> = {
    "<think>": `<think>maybe ${draft}</think>${answer()}`,
    "<thinking>": `<thinking>\nmaybe ${draft}\n</thinking>\n\n${answer()}`,
    "<thought>": `<thought>maybe ${draft}</thought>\`\`\`json\n${answer()}\n\`\`\``,
    "<seed:think>": `<seed:think>maybe ${draft}</seed:think>${answer()}`,
    "[THINK]": `[THINK]maybe ${draft}[/THINK]${answer()}`,
    channels: `<|channel|>analysis<|message|>maybe ${draft}<|end|><|start|>assistant<|channel|>final<|message|>${answer()}<|return|>`,
    "channels whose marks a server drops": `analysisMaybe ${draft}.assistantfinal${answer()}`,
    "Gemma's channel": `<|channel>thought\nmaybe ${draft}\n<channel|>${answer()}`,
    "Cohere's marks": `<|START_THINKING|>maybe ${draft}<|END_THINKING|><|START_RESPONSE|>${answer()}<|END_RESPONSE|>`,
    "Kimi's marks": `◁think▷maybe ${draft}◁/think▷${answer()}`,
    "an end without a beginning": `Okay, maybe ${answer({ action: "docker-stop" })}?\n</think>\n\n${answer()}`,
    twice: `<think>one</think><think>two ${draft}</think>${answer()}`,
    "nothing between them": `<think>\n\n</think>\n\n${answer()}`,
    "no end, and the answer in them": `<think>\n${answer()}`,
    "nothing behind them, and the answer in them": `<think>So:\n${answer()}</think>`,
  };
  test.each(Object.entries(thoughtful))("after thoughts: %s", (_, text) => {
    expect(read(text)).toEqual(expected);
  });

  test("a mark of thoughts within the answer is a text like any other", () => {
    const rootCause = "The log says </think> and <think>.";
    expect(read(answer({ root_cause: rootCause }))).toEqual({ ...expected, rootCause });
  });

  test("among the thoughts that its server set apart, where they end in it", () => {
    expect(read("", `The CPU is high.\n${answer()}`)).toEqual(expected);
    expect(read(" \n", answer())).toEqual(expected);
  });

  test("cut behind its action: what is lost gates nothing", () => {
    const { evidence: _, ...rest } = expected;
    expect(read(answer().slice(0, -5))).toEqual({ ...rest, evidence: [] });
    const cut = answer({ evidence: ["one", "two"] }).slice(0, -3);
    expect(read(cut)).toEqual({ ...rest, evidence: [] });
  });

  test("in the older shape, with no confidence", () => {
    expect(read(JSON.stringify(older))).toEqual({
      rootCause: "A worker burns every core.",
      severity: "high",
      faultClass: "unknown",
      confidence: 0,
      action: "compose-restart",
      evidence: [],
    });
  });

  test("long texts are cut, and control characters are shown", () => {
    const long = read(
      answer({
        root_cause: `\u001b[2J a\nb ${"x".repeat(5000)}`,
        evidence: Array.from({ length: 30 }, () => "y".repeat(900)),
      }),
    );
    expect(long.rootCause).toStartWith("\\u{1b}[2J a b x");
    expect(long.rootCause).toHaveLength(2000);
    expect(long.evidence).toHaveLength(10);
    expect(long.evidence.every((item) => item.length === 500)).toBe(true);
  });

  test("an answer of the greatest length", () => {
    expect(read(answer().padEnd(MAX_ANSWER_LENGTH, " ")).action).toBe("docker-restart");
    const long = answer({ mood: "x\\".repeat(15_000) });
    expect(read(long).action).toBe("docker-restart");
  });
});

describe("what gates nothing never costs a diagnosis", () => {
  const cases: readonly (readonly [string, unknown, Readonly<Record<string, unknown>>])[] = [
    ["evidence", "value 1.9", { evidence: ["value 1.9"] }],
    ["evidence", null, { evidence: [] }],
    ["evidence", undefined, { evidence: [] }],
    ["evidence", { fact: "CPU", value: 1.9 }, { evidence: ["CPU: 1.9"] }],
    ["evidence", [{ fact: "CPU", value: 1.9 }, 7, null, "x"], { evidence: ["CPU: 1.9", "7", "x"] }],
    ["evidence", [["a", "b", true, null, ["c"]]], { evidence: ["a: b: true"] }],
    ["evidence", [false], { evidence: ["false"] }],
    ["root_cause", ["A worker burns", "every core."], { rootCause: "A worker burns: every core." }],
    ["severity", " Low ", { severity: "low" }],
    ["severity", "catastrophic", { severity: "critical" }],
    ["severity", null, { severity: "critical" }],
    ["severity", { toString: "x" }, { severity: "critical" }],
    ["severity", undefined, { severity: "critical" }],
    ["fault_class", "gremlins", { faultClass: "unknown" }],
    ["fault_class", 7, { faultClass: "unknown" }],
    ["fault_class", undefined, { faultClass: "unknown" }],
    ["confidence", 90, { confidence: 0.9 }],
    ["confidence", 1, { confidence: 1 }],
    ["confidence", 2, { confidence: 0.02 }],
    ["confidence", 100, { confidence: 1 }],
    ["confidence", 0, { confidence: 0 }],
    ["confidence", 751, { confidence: 0 }],
    ["confidence", -0.1, { confidence: 0 }],
    ["confidence", "0.9", { confidence: 0.9 }],
    ["confidence", "90%", { confidence: 0.9 }],
    ["confidence", "1 %", { confidence: 0.01 }],
    ["confidence", " High ", { confidence: 0.9 }],
    ["confidence", "medium", { confidence: 0.5 }],
    ["confidence", "low", { confidence: 0.2 }],
    ["confidence", "0%", { confidence: 0 }],
    ["confidence", 0.5, { confidence: 0.5 }],
    ["confidence", 100.5, { confidence: 0 }],
    ["confidence", "90% sure", { confidence: 0 }],
    ["confidence", "", { confidence: 0 }],
    ["confidence", "constructor", { confidence: 0 }],
    ["confidence", null, { confidence: 0 }],
    ["confidence", [0.9], { confidence: 0 }],
    ["confidence", undefined, { confidence: 0 }],
  ];
  test.each(cases)("%s as %j", (key, value, change) => {
    expect(read(answer({ [key]: value }))).toEqual({ ...expected, ...change });
  });

  test("a confidence beyond all numbers", () => {
    expect(read(answer({ confidence: 7 }).replace(":7", ":1e999")).confidence).toBe(0);
  });
});

describe("an answer that names no permitted action is a diagnosis that a person reads", () => {
  const cases: readonly (readonly [string, unknown, string | undefined])[] = [
    ["none", "none", undefined],
    ["none in capitals", "None", undefined],
    ["no word", "", undefined],
    ["null as a word", "null", undefined],
    ["nothing as a word", "Nothing.", undefined],
    ["no action as a word", "no action", undefined],
    ["n/a", "N/A", undefined],
    ["a dash", " - ", undefined],
    ["a word that begins like none", "none of these", "none of these"],
    ["nothing", null, undefined],
    ["no such key", undefined, undefined],
    ["a sentence", "A person must look at the disk.", "A person must look at the disk."],
    ["an unknown id", "docker-rm", "docker-rm"],
    ["an id that this service does not have", "supervisor-restart", "supervisor-restart"],
    ["an id with a space", "docker-restart ", "docker-restart"],
    ["an id in capitals", "Docker-Restart", "Docker-Restart"],
    ["a look-alike hyphen", "docker\u2010restart", "docker\u2010restart"],
    ["a second command", "docker-restart; reboot", "docker-restart; reboot"],
    ["a prototype's key", "__proto__", "__proto__"],
    ["another container", "docker restart postgres", "docker restart postgres"],
    ["a list of a permitted id", ["docker-restart"], '["docker-restart"]'],
    ["an object", { id: "docker-restart" }, '{"id":"docker-restart"}'],
    ["a number", 1, "1"],
  ];
  test.each(cases)("%s", (_, action, refusedAction) => {
    const { action: chosen, ...rest } = expected;
    expect(chosen).toBe("docker-restart");
    expect(read(answer({ action }))).toEqual({
      ...rest,
      action: "none",
      ...(refusedAction === undefined ? {} : { refusedAction }),
    });
  });

  test.each([
    ["docker system prune -af", "docker system prune -af"],
    ["docker-compose restart\n", "docker-compose restart"],
    ["Manual intervention is required.", "Manual intervention is required."],
  ])("%j in the older shape", (remediation_step, refusedAction) => {
    const { action, ...rest } = read(JSON.stringify({ ...older, remediation_step }));
    expect(action).toBe("none");
    expect(rest.refusedAction).toBe(refusedAction);
  });

  test.each([
    ["docker-stop", "docker-restart and docker-stop"],
    ["none", "docker-restart and none"],
    ["reboot", "reboot"],
  ])("two shapes that disagree, the other with %j", (remediation_step, refusedAction) => {
    expect(read(answer({ remediation_step }))).toMatchObject({ action: "none", refusedAction });
  });

  test("what it asked for is quoted, short and on one line", () => {
    const { refusedAction } = read(answer({ action: `rm -rf /\n\u001b[31m${"x".repeat(500)}` }));
    expect(refusedAction).toStartWith("rm -rf / \\u{1b}[31mxxx");
    expect(refusedAction?.length).toBe(100);
  });

  const sentences = [
    "A person must look at this: the database is down.",
    "The disk is full. Manual cleanup is needed.",
    "It has to be cleaned manually.",
    "Please do not restart it: it would lose its queue.",
    "It should not be restarted.",
    "I'd not recommend it; don't restart it.",
    "Don’t restart it.",
    "It shouldn't be restarted.",
    "Let people decide.",
    "Ask the operators.",
    "Ask a human.",
    "An operator should decide.",
    "An engineer should decide.",
    "An administrator should decide.",
    "A developer should decide.",
    "Someone should look.",
    "Somebody should look.",
    "The on-call should decide.",
    "Page the oncall.",
    "Escalate this.",
    "This is to be escalated.",
    "There is no action that helps.",
    "No automatic action helps.",
  ];
  test.each(sentences)("a sentence alone: %s", (text) => {
    const { rootCause, action, severity } = read(`<think>restart?</think>${text}`);
    expect({ rootCause, action, severity }).toEqual({
      rootCause: text,
      action: "none",
      severity: "critical",
    });
  });

  test.each([
    "I would restart the container.",
    "The personal data service is down; restart it.",
    "Humanity restarts. So does docker.",
    "Nothing but a restart helps.",
  ])("a sentence that asks for nobody is no answer: %s", (text) => {
    expect(failure(text).message).toBe("the answer can't be read: it holds no JSON object");
  });

  test("words for a person within JSON that broke off are no sentence", () => {
    expect(failure('{"root_cause": "a person must look').message).toBe(
      "the answer can't be read: its JSON is broken or cut",
    );
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
      "cut off before its action": answer().slice(0, answer().indexOf('"action"')),
      "cut off within its action": answer().slice(0, answer().indexOf("restart")),
      "cut off after a whole inner object": `{"result": ${answer()}, "more": `,
      "two different objects": `${answer()} or ${answer({ action: "docker-stop" })}`,
      "only thoughts": "<think>I should restart it.</think>",
      "a draft in thoughts without an end": `<think>maybe ${answer()}, but no`,
      "a thousand braces": "{".repeat(1000),
      "a single quote for a double": answer().replaceAll('"', "'"),
      "no root cause": answer({ root_cause: "  " }),
      "a root cause that is null": answer({ root_cause: null }),
      "an object of another kind": '{"error": "out of memory"}',
    },
  } satisfies Partial<Record<DiagnosisFailure, Record<string, string>>>;

  for (const [reason, texts] of Object.entries(refused))
    test.each(Object.entries(texts))(`${reason}: %s`, (_, text) => {
      expect(failure(text).reason as string).toBe(reason);
    });

  test.each([
    ["<think>I should restart it.</think>", "it holds nothing but thoughts"],
    [answer({ root_cause: "" }), "it names no root_cause"],
    [`${answer()} ${answer({ action: "none" })}`, "it holds more than one JSON object"],
    ["{".repeat(1000), "it holds too many braces"],
  ])("and says why: %s", (text, why) => {
    expect(failure(text).message).toBe(`the answer can't be read: ${why}`);
  });

  test("the length of an answer that is too long is told", () => {
    expect(failure(" ".repeat(70_000)).message).toBe(
      "the answer is 70000 characters long; at most 65536 are read",
    );
  });

  test("thoughts that hold a draft, and go on", () => {
    expect(() => read("", `Perhaps ${answer()}? No, wait.`)).toThrow("the answer is empty");
    expect(() => read("", `${answer({ action: "docker-stop" })}, or ${answer()}`)).toThrow();
  });

  test("64 KiB of braces and quotes are refused at once", () => {
    const startedMs = performance.now();
    expect(failure('{ "'.repeat(20_000)).reason).toBe("malformed_answer");
    expect(failure("{ x ".repeat(16_000)).reason).toBe("malformed_answer");
    expect(failure('{"a":['.repeat(10_000)).reason).toBe("malformed_answer");
    expect(failure("<think>".repeat(9000)).reason).toBe("malformed_answer");
    expect(failure(`${'{"a":"\\'.repeat(8000)}`).reason).toBe("malformed_answer");
    expect(performance.now() - startedMs).toBeLessThan(2000);
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
      confidence: { type: "integer", minimum: 0, maximum: 100 },
      // Below 2000, at which llama.cpp takes a length for none.
      root_cause: { type: "string", maxLength: 800 },
      evidence: { type: "array", maxItems: 5, items: { type: "string", maxLength: 300 } },
    },
  });
  expect(Object.keys(schema)).not.toContain("$schema");
});

describe("printable", () => {
  const cases: readonly (readonly [string, string, number, string])[] = [
    ["keeps a text of the greatest length", "abcde", 5, "abcde"],
    ["cuts one that is longer", "abcdef", 5, "abcd…"],
    ["shows what reverses text", "a\u202eb", 50, "a\\u{202e}b"],
    ["shows line breaks as one knows them", "a\n\rb\tc", 50, "a\\n\\rb c"],
    ["cuts after what it has made longer", "\0".repeat(10), 9, "\\u{0}\\u{…"],
    ["shows a null and a line separator", "\0\u2028", 50, "\\u{0}\\u{2028}"],
    ["leaves letters of any script", "Größe 测试 🙂", 50, "Größe 测试 🙂"],
    ["shows a lone surrogate", "a\ud800b", 50, "a\\u{d800}b"],
    ["does not cut a pair in two", "ab🙂cd", 4, "ab…"],
  ];
  test.each(cases)("%s", (_, text, maxLength, expected) => {
    expect(printable(text, maxLength)).toBe(expected);
  });
});
