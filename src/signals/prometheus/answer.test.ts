import { expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { readAnswer } from "./answer.ts";
import { prometheusSource } from "./prometheus.ts";

const server = { origin: "http://a", deadlineMs: 5000 };
const textOf = (data: string) => JSON.stringify({ status: "success", data });
const LARGE = "x".repeat(1024 * 1024);

test("a large answer is not read until it may be, a small one is", async () => {
  const read = (data: string, mayBeLarge: boolean) =>
    readAnswer(new Response(textOf(data)), server, { mayBeLarge });
  expect(await read("small", false)).toEqual({ data: "small", isLarge: false });
  expect(await read(LARGE, false)).toBeUndefined();
  expect(await read(LARGE, true)).toEqual({ data: LARGE, isLarge: true });
});

test("what a packed answer becomes counts, piece by piece", async () => {
  const packed = (text: string) =>
    new Response(gzipSync(text), { headers: { "content-encoding": "gzip" } });
  expect(await readAnswer(packed(textOf("small")), server, { mayBeLarge: false })).toEqual({
    data: "small",
    isLarge: false,
  });
  const blanks = packed(textOf("") + " ".repeat(64 * 1024 * 1024));
  await expect(readAnswer(blanks, server, { mayBeLarge: true })).rejects.toThrow(/more than/);
});

test("of large answers one at a time is whole in memory, and each comes", async () => {
  const rows = Array.from({ length: 60 }, (_, i) => ({
    metric: { a: LARGE.slice(0, 16_000), i: String(i) },
    value: [1, "1"],
  }));
  const text = JSON.stringify({ status: "success", data: { resultType: "vector", result: rows } });
  let whole = 0;
  let most = 0;
  await using http = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch({ signal }) {
      let sent = 0;
      return new Response(
        new ReadableStream({
          async pull(stream) {
            if (sent === 0) stream.enqueue(Buffer.from(text.slice(0, 800_000)));
            else {
              whole += 1;
              most = Math.max(most, whole);
              await Bun.sleep(50);
              whole -= 1;
              if (!signal.aborted) stream.enqueue(Buffer.from(text.slice(800_000)));
              stream.close();
            }
            sent += 1;
          },
        }),
      );
    },
  });
  const source = prometheusSource({ url: http.url.origin });
  const { signal } = new AbortController();
  const ask = () => Promise.all(["a", "b", "c"].map((expr) => source.query(expr, signal)));
  for (const answers of [await ask(), await ask()])
    expect(answers.map(({ length }) => length)).toEqual([60, 60, 60]);
  // The second time all of them wait for their turn at once.
  most = 0;
  await ask();
  expect(most).toBe(1);
});
