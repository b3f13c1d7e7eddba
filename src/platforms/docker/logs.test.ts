import { describe, expect, test } from "bun:test";
import { type LogStreams, MAX_LINE_BYTES, MAX_LOG_BYTES, mergeLogs } from "./logs.ts";

const texts = (streams: LogStreams, maxLines: number) =>
  mergeLogs(streams, maxLines).map(({ text }) => text);

const AT = "2026-01-01T10:00:00";

describe("order", () => {
  test.each([
    {
      name: "the streams are interleaved by time",
      stdout: `${AT}.000000001Z one\n${AT}.000000003Z three\n`,
      stderr: `${AT}.000000002Z two\n`,
      lines: ["one", "two", "three"],
    },
    {
      name: "trailing zeros may be missing: .5 is after .49",
      stdout: `${AT}.5Z later\n`,
      stderr: `${AT}.49Z sooner\n${AT}Z first\n`,
      lines: ["first", "sooner", "later"],
    },
    {
      name: "zones are compared as instants",
      stdout: "2026-01-01T12:00:00.2+02:00 second\n",
      stderr: `${AT}.1Z first\n${AT}.3Z third\n`,
      lines: ["first", "second", "third"],
    },
    {
      name: "at the same instant standard output is first, and each stream keeps its order",
      stdout: `${AT}.1Z a\n${AT}.1Z b\n`,
      stderr: `${AT}.1Z c\n`,
      lines: ["a", "b", "c"],
    },
    {
      name: "a line without a timestamp stays behind the one before it",
      stdout: `${AT}.1Z a\nremark\n${AT}.3Z c\n`,
      stderr: `${AT}.2Z b\n`,
      lines: ["a", "remark", "b", "c"],
    },
    {
      name: "an empty message is a line; the end of the stream is none",
      stdout: `${AT}.1Z a\n${AT}.2Z \n${AT}.3Z\n`,
      stderr: "",
      lines: ["a", "", ""],
    },
    {
      name: "a timestamp of the service itself stays",
      stdout: `${AT}.1Z ${AT}Z message\n`,
      stderr: "",
      lines: [`${AT}Z message`],
    },
    { name: "a terminal's CR is dropped", stdout: `${AT}Z a\r\n`, stderr: "", lines: ["a"] },
    { name: "no output is no lines", stdout: "", stderr: "", lines: [] },
  ])("$name", ({ stdout, stderr, lines }) => {
    expect(texts({ stdout, stderr }, 50)).toEqual([...lines]);
  });
});

describe("bounds", () => {
  test("the newest lines are kept, of both streams together", () => {
    const streams = { stdout: `${AT}.1Z a\n${AT}.3Z c\n`, stderr: `${AT}.2Z b\n` };
    expect(texts(streams, 2)).toEqual(["b", "c"]);
    expect(texts(streams, 3)).toEqual(["a", "b", "c"]);
  });

  test.each([
    { name: "2 KiB exactly is whole", text: "x".repeat(MAX_LINE_BYTES), cut: false },
    { name: "one byte more is cut", text: "x".repeat(MAX_LINE_BYTES + 1), cut: true },
    { name: "bytes count, not characters", text: "é".repeat(MAX_LINE_BYTES / 2 + 1), cut: true },
    { name: "no character is cut in half", text: `a${"🙂".repeat(MAX_LINE_BYTES)}`, cut: true },
  ])("a line: $name", ({ text, cut }) => {
    const [line = ""] = texts({ stdout: `${AT}Z ${text}\n`, stderr: "" }, 50);
    expect(Buffer.byteLength(line)).toBeLessThanOrEqual(MAX_LINE_BYTES);
    expect(line.endsWith("…")).toBe(cut);
    expect(text.startsWith(cut ? line.slice(0, -1) : line)).toBe(true);
    expect(line.isWellFormed()).toBe(true);
  });

  test("all lines together stay within 256 KiB, and the newest survive", () => {
    const stdout = Array.from(
      { length: 500 },
      (_, i) => `${AT}.${100 + i}Z ${i}${"x".repeat(4000)}`,
    );
    const lines = texts({ stdout: stdout.join("\n"), stderr: "" }, 500);
    expect(Buffer.byteLength(lines.join("\n"))).toBeLessThanOrEqual(MAX_LOG_BYTES);
    expect(lines).toHaveLength(127);
    expect(lines.at(-1)).toStartWith("499x");
  });
});

test("each line has its time, and what comes before the first that has one has none", () => {
  const stdout = `remark\n${AT}.123456789Z a\nremark\n`;
  const atMs = Date.parse(`${AT}.123Z`);
  expect(mergeLogs({ stdout, stderr: "" }, 50)).toEqual([
    { text: "remark", atMs: undefined },
    { text: "a", atMs },
    { text: "remark", atMs },
  ]);
});
