import { expect, test } from "bun:test";
import { createLock } from "../../core/lock.ts";
import { readAnswer } from "./answer.ts";

const answerOf = (data: string) => Response.json({ status: "success", data });

test("a large answer waits until no other one is read, and a small one does not", async () => {
  const largeAnswer = createLock();
  const server = { origin: "http://a", deadlineMs: 5000, largeAnswer };
  const { signal } = new AbortController();
  const held = await largeAnswer.acquire(signal);
  const large = "x".repeat(1024 * 1024);
  const first = readAnswer(answerOf(large), server, signal);
  expect(await readAnswer(answerOf("small"), server, signal)).toBe("small");
  expect(await Promise.race([first, "it waits"])).toBe("it waits");
  held[Symbol.dispose]();
  expect(await first).toBe(large);
  // The next one has its turn as well.
  expect(await readAnswer(answerOf(large), server, signal)).toBe(large);
});
