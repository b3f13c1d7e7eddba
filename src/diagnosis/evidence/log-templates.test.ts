import { describe, expect, test } from "bun:test";
import { foldLog } from "./log-templates.ts";

const kinds = (lines: readonly string[]) =>
  foldLog(lines.map((text) => ({ text }))).templates.map(
    ({ topic, count, text }) => `${topic} ${count} ${text}`,
  );

describe("lines of one kind", () => {
  test.each([
    {
      name: "differ in numbers",
      lines: ["job 1 took 3 ms", "job 2 took 14 ms"],
      expected: ["other 2 job <*> took <*> ms"],
    },
    {
      name: "differ in a name",
      lines: ["a user called alice came in here", "a user called bob came in here"],
      expected: ["other 2 a user called <*> came in here"],
    },
    {
      name: "are not those with too many other words",
      lines: ["the cat sat down", "the dog ran away"],
      expected: ["other 1 the cat sat down", "other 1 the dog ran away"],
    },
    {
      name: "are not those of another length",
      lines: ["ok", "ok ok"],
      expected: ["other 1 ok", "other 1 ok ok"],
    },
    {
      name: "in JSON have the same names, whatever their times",
      lines: [
        '{"timestamp":"2026-01-01T00:00:00Z","event":"request","path":"/a","status":200,"s":0.1}',
        '{"timestamp":"2026-01-01T00:00:01Z","event":"request","path":"/a","status":200,"s":0.2}',
      ],
      expected: ["other 2 event=request path=/a status=200 s=<*>"],
    },
    {
      name: "in JSON are told apart by their status",
      lines: [
        '{"event":"request","path":"/a","status":200,"s":0.1}',
        '{"event":"request","path":"/a","status":503,"s":0.2}',
      ],
      expected: [
        "error 1 event=request path=/a status=503 s=<*>",
        "other 1 event=request path=/a status=200 s=<*>",
      ],
    },
  ])("$name", ({ lines, expected }) => {
    expect(kinds(lines)).toEqual([...expected]);
  });
});

describe("what a line is about", () => {
  test.each([
    ["error", "connect ECONNREFUSED 10.0.0.3:5432"],
    ["error", "java.lang.OutOfMemoryError: Java heap space"],
    ["error", "Traceback (most recent call last):"],
    ["error", "panic: runtime error: index out of range"],
    ["error", 'GET "/a" status=502'],
    ["error", '10.0.0.1 - - "GET / HTTP/1.1" 500 12'],
    ["error", '{"level":"error","msg":"a"}'],
    ["error", '{"level":50,"msg":"a"}'],
    ["life", "Listening on port 8080"],
    ["life", "received SIGTERM, shutting down"],
    ["other", '10.0.0.1 - - "GET /errors HTTP/1.1" 200 500'],
    ["other", '{"level":"info","msg":"a request was answered"}'],
    ["other", "the terror of mirrors"],
  ])("%s: %s", (topic, line) => {
    expect(foldLog([{ text: line }]).templates[0]?.topic).toBe(topic as "error");
  });

  test("errors stand first, then starts and ends, each by how often", () => {
    const lines = ["a request", "a request", "a request", "listening", "failed", "it is denied"];
    expect(kinds([...lines, "it is denied"])).toEqual([
      "error 2 it is denied",
      "error 1 failed",
      "life 1 listening",
      "other 3 a request",
    ]);
  });
});

test("a kind has the first and the last time, and the first line for an example", () => {
  const lines = [
    { text: "job 1", atMs: 1000 },
    { text: "job 2", atMs: 2000 },
    { text: "job 3" },
    { text: "a remark", atMs: 5000 },
  ];
  expect(foldLog(lines)).toMatchObject({
    lineCount: 4,
    fromMs: 1000,
    toMs: 5000,
    templates: [{ count: 3, firstMs: 1000, lastMs: 2000, example: "job 1" }, { count: 1 }],
    leftOut: { kinds: 0, lines: 0 },
  });
});

test("nothing is left out in silence", () => {
  const word = (index: number) =>
    String.fromCharCode(97 + (index % 26), 97 + Math.floor(index / 26));
  const lines = Array.from({ length: 300 }, (_, index) => ({
    text: `${word(index)} ${word(index + 1)} ${word(index + 2)}`,
  }));
  const { lineCount, templates, leftOut } = foldLog([...lines, { text: "it failed" }]);
  const kept = templates.reduce((sum, { count }) => sum + count, 0);
  expect(lineCount).toBe(301);
  expect(kept + leftOut.lines).toBe(301);
  expect(templates[0]?.text).toBe("it failed");
});

describe("input from strangers", () => {
  const SECRET = "0123456789abcdef".repeat(2);

  test("credentials are masked in templates and examples", () => {
    const told = JSON.stringify(
      foldLog([
        { text: `password=${SECRET} one` },
        { text: "password=hunterhunter two" },
        { text: `{"token":"${SECRET}","event":"a"}` },
        { text: "-----BEGIN RSA PRIVATE KEY-----" },
        { text: "MIIEabcd" },
        { text: "-----END RSA PRIVATE KEY-----" },
      ]),
    );
    for (const part of [SECRET, "hunter", "MIIE"]) expect(told).not.toContain(part);
  });

  test("what an injected fault says of itself is not told", () => {
    const { lineCount, templates } = foldLog([
      { text: '{"event":"cpu_stress_started","duration":5}' },
      { text: "plain" },
    ]);
    expect(lineCount).toBe(1);
    expect(templates.map(({ text }) => text)).toEqual(["plain"]);
  });

  test.each([
    ["one word each", (i: number) => `${String.fromCodePoint(0x4e00 + i)} a b c d`],
    [
      "the same first word",
      (i: number) => `a ${String.fromCodePoint(0x4e00 + i).repeat(20)} ${"x ".repeat(700)}`,
    ],
    ["nothing but spaces", () => " ".repeat(2048)],
    ["no spaces", () => "x".repeat(2048)],
    ["nested JSON", () => `{"a":${"[".repeat(900)}${"]".repeat(900)}}`],
    ["words that are nearly an error", () => "time ".repeat(400)],
  ])("2,000 lines of %s take no long time", (_, line) => {
    const lines = Array.from({ length: 2000 }, (_value, index) => ({ text: line(index) }));
    const fromMs = performance.now();
    const { templates } = foldLog(lines);
    // A tenth of a second, where a quadratic one takes minutes.
    expect(performance.now() - fromMs).toBeLessThan(10_000);
    expect(templates.length).toBeLessThan(50);
  });
});
