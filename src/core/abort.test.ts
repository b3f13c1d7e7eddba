import { describe, expect, test } from "bun:test";
import { unlessAborted, whenAborted } from "./abort.ts";

const GONE = new Error("gone");
const never = new Promise<never>(() => {});

describe("work that a signal may end", () => {
  test("gives what it gives while nothing aborts", async () => {
    expect(await unlessAborted(Promise.resolve(1), new AbortController().signal)).toBe(1);
  });

  test("throws what it throws while nothing aborts", async () => {
    const work = Promise.reject(GONE);
    await expect(unlessAborted(work, new AbortController().signal, () => 2)).rejects.toBe(GONE);
  });

  test("gives way to what stands for it when the signal aborts first", async () => {
    const stop = new AbortController();
    const ended = unlessAborted(never, stop.signal, () => "instead");
    stop.abort();
    expect(await ended).toBe("instead");
  });

  test("throws the reason when nothing stands for it", async () => {
    const stop = new AbortController();
    const ended = unlessAborted(never, stop.signal);
    stop.abort(GONE);
    await expect(ended).rejects.toBe(GONE);
  });

  test("is not waited for when the signal has aborted before", async () => {
    await expect(unlessAborted(never, AbortSignal.abort(GONE))).rejects.toBe(GONE);
  });

  test("is what it gave, if that was before the signal aborted", async () => {
    expect(await unlessAborted(Promise.resolve(1), AbortSignal.abort(), () => 2)).toBe(1);
  });
});

describe("an abort that is waited for", () => {
  test("comes later", async () => {
    const stop = new AbortController();
    let ended = false;
    const waiting = whenAborted(stop.signal).then(() => (ended = true));
    await Promise.resolve();
    expect(ended).toBe(false);
    stop.abort();
    expect(await waiting).toBe(true);
  });

  test("was there before", async () => {
    expect(await whenAborted(AbortSignal.abort())).toBeUndefined();
  });
});
