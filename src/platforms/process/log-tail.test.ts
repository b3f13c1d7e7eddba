import { describe, expect, test } from "bun:test";
import { MAX_LINE_BYTES, MAX_LOG_BYTES } from "../docker/logs.ts";
import { MAX_LINES, LogTail } from "./log-tail.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

/** What is kept of chunks on one stream. */
function kept(...chunks: readonly string[]): readonly string[] {
  const lines = new LogTail();
  const stream = lines.open();
  for (const chunk of chunks) stream.push(bytes(chunk));
  return lines.last(10_000);
}

describe("lines", () => {
  test.each([
    { name: "one chunk of several", chunks: ["a\nb\nc\n"], lines: ["a", "b", "c"] },
    { name: "one line in several chunks", chunks: ["a", "b", "c\nd\n"], lines: ["abc", "d"] },
    { name: "without a newline yet", chunks: ["a\nwaiting"], lines: ["a", "waiting"] },
    { name: "empty ones", chunks: ["\n\na\n"], lines: ["", "", "a"] },
    {
      name: "a CR at the end is dropped",
      chunks: ["a\r\nb\r", "\nc\rd\n"],
      lines: ["a", "b", "c\rd"],
    },
    { name: "a character in two chunks", chunks: [], lines: ["é"], raw: [[0xc3], [0xa9, 0x0a]] },
    { name: "what is not UTF-8", chunks: [], lines: ["\ufffda"], raw: [[0xff, 0x61, 0x0a]] },
    { name: "no output", chunks: [], lines: [] },
  ])("$name", ({ chunks, raw = [], lines }) => {
    const recent = new LogTail();
    const stream = recent.open();
    for (const chunk of chunks) stream.push(bytes(chunk));
    for (const chunk of raw) stream.push(Uint8Array.from(chunk));
    expect(recent.last(100)).toEqual(lines);
  });

  test("two streams never share a line; it stands where it ended", () => {
    const recent = new LogTail();
    const [stdout, stderr] = [recent.open(), recent.open()];
    stdout.push(bytes("out "));
    stderr.push(bytes("err\n"));
    stdout.push(bytes("put\n"));
    expect(recent.last(100)).toEqual(["err", "out put"]);
  });

  test("what a process left without a newline is a line, apart from the next one's", () => {
    const recent = new LogTail();
    const first = recent.open();
    first.push(bytes("panic: no newl"));
    first.end();
    recent.open().push(bytes("hello\n"));
    expect(recent.last(100)).toEqual(["panic: no newl", "hello"]);
  });

  test("the chunk's memory is not kept: a reader may use it again", () => {
    const recent = new LogTail();
    const stream = recent.open();
    const chunk = bytes("a\nb");
    stream.push(chunk);
    chunk.fill(0x78);
    expect(recent.last(100)).toEqual(["a", "b"]);
  });

  test.each([
    { count: 0, lines: [] },
    { count: 1, lines: ["c"] },
    { count: 2, lines: ["b", "c"] },
    { count: 3, lines: ["a", "b", "c"] },
    { count: 4, lines: ["a", "b", "c"] },
  ])("the last $count", ({ count, lines }) => {
    const recent = new LogTail();
    recent.open().push(bytes("a\nb\nc"));
    expect(recent.last(count)).toEqual(lines);
  });
});

describe("bounds", () => {
  test.each([
    { name: "2 KiB exactly is whole", length: MAX_LINE_BYTES, isCut: false },
    { name: "one byte more is cut", length: MAX_LINE_BYTES + 1, isCut: true },
    { name: "10 MB are cut", length: 10_000_000, isCut: true },
  ])("of a line: $name", ({ length, isCut }) => {
    for (const end of ["\n", ""]) {
      const [line = ""] = kept(`${"x".repeat(length)}${end}`);
      expect(line.endsWith("…")).toBe(isCut);
      expect(Buffer.byteLength(line)).toBeLessThanOrEqual(MAX_LINE_BYTES);
    }
  });

  test("the line behind one that is cut is whole", () => {
    expect(kept("x".repeat(5000), "x".repeat(5000), "\nnext\n").at(-1)).toBe("next");
  });

  test("no character is cut in half", () => {
    const [line = ""] = kept(`${"🙂".repeat(1000)}\n`);
    expect(line).toMatch(/^(🙂)+…$/u);
  });

  test.each([
    { name: "as many as are kept", count: MAX_LINES, first: "0" },
    { name: "one more", count: MAX_LINES + 1, first: "1" },
    { name: "two more", count: MAX_LINES + 2, first: "2" },
    { name: "very many", count: 50_000, first: `${50_000 - MAX_LINES}` },
  ])("of all lines, the newest: $name", ({ count, first }) => {
    const all = Array.from({ length: count }, (_, index) => `${index}\n`);
    const ways = [[all.join("")], all, ["x", all.join(""), "y"], ["\n", `\n${all.join("")}`]];
    for (const chunks of ways) {
      const lines = kept(...chunks).filter((line) => line !== "y" && line !== "");
      expect(lines.slice(-MAX_LINES).at(-1)).toBe(`${count - 1}`);
      expect(lines.at(-MAX_LINES)).toBe(chunks[0] === "x" && first === "0" ? "x0" : first);
    }
  });

  test("a line that was begun before a flood does not go on behind it", () => {
    const flood = "\n".repeat(MAX_LINES + 2);
    expect(kept("begun", `${flood}new`).filter((line) => line !== "")).toEqual(["new"]);
  });

  test("of all bytes: 256 KiB, the newest", () => {
    const lines = kept(
      Array.from({ length: 600 }, (_, index) => `${index} ${"x".repeat(1000)}\n`).join(""),
    );
    const size = lines.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0);
    expect(size).toBeLessThanOrEqual(MAX_LOG_BYTES);
    expect(size).toBeGreaterThan(MAX_LOG_BYTES - 1100);
    expect(lines.at(-1)).toStartWith("599 ");
  });

  test("of bytes that are three times as many when decoded", () => {
    const recent = new LogTail();
    const stream = recent.open();
    for (let line = 0; line < 100; line += 1) {
      stream.push(new Uint8Array(1000).fill(0xff));
      stream.push(bytes("\n"));
    }
    const size = recent.last(1000).reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0);
    expect(size).toBeLessThanOrEqual(MAX_LOG_BYTES);
  });
});
