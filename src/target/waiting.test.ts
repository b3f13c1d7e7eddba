import { expect, test } from "bun:test";
import { delay } from "./waiting.ts";

test("a delay ends with the signal's reason, at once", async () => {
  const controller = new AbortController();
  const waiting = delay(60_000, controller.signal);
  controller.abort(new Error("enough"));
  await expect(waiting).rejects.toThrow("enough");
});

test("a delay does not begin when the signal has aborted already", async () => {
  await expect(delay(60_000, AbortSignal.abort(new Error("before")))).rejects.toThrow("before");
});
