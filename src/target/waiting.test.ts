import { expect, test } from "bun:test";
import { delay, untilAborted } from "./waiting.ts";

test("a delay ends with the signal's reason, at once", async () => {
  const controller = new AbortController();
  const waiting = delay(60_000, controller.signal);
  controller.abort(new Error("enough"));
  await expect(waiting).rejects.toThrow("enough");
});

test("a delay does not begin when the signal has aborted already", async () => {
  await expect(delay(60_000, AbortSignal.abort(new Error("before")))).rejects.toThrow("before");
});

test("waiting for an abort ends with it, or does not begin", async () => {
  const controller = new AbortController();
  let isOver = false;
  const waiting = untilAborted(controller.signal).then(() => (isOver = true));
  await Promise.resolve();
  expect(isOver).toBe(false);
  controller.abort();
  await waiting;
  await untilAborted(AbortSignal.abort());
  expect(isOver).toBe(true);
});
