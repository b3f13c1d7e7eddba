import { expect, test } from "bun:test";
import { NEVER } from "../../test/support/fixtures.ts";
import { createLock, createSemaphore } from "./lock.ts";

/** Whether it has come, once all that can happen at once has happened. */
async function hasCome(promise: Promise<unknown>): Promise<boolean> {
  let come = false;
  void promise.then(() => (come = true));
  await Bun.sleep(0);
  return come;
}

test("it is had by one at a time, in the order of asking", async () => {
  const lock = createLock();
  const first = await lock.acquire(NEVER);
  const second = lock.acquire(NEVER);
  const third = lock.acquire(NEVER);
  expect(await hasCome(second)).toBe(false);
  first[Symbol.dispose]();
  const held = await second;
  expect(await hasCome(third)).toBe(false);
  held[Symbol.dispose]();
  expect(await hasCome(third)).toBe(true);
});

test("to give it back twice takes it from nobody", async () => {
  const lock = createLock();
  const first = await lock.acquire(NEVER);
  first[Symbol.dispose]();
  await lock.acquire(NEVER);
  const third = lock.acquire(NEVER);
  first[Symbol.dispose]();
  expect(await hasCome(third)).toBe(false);
});

test("it is given back when the work that it was for throws", async () => {
  const lock = createLock();
  const work = async () => {
    using _ = await lock.acquire(NEVER);
    throw new Error("it failed");
  };
  await expect(work()).rejects.toThrow("it failed");
  expect(await hasCome(lock.acquire(NEVER))).toBe(true);
});

test("who does not want it any more waits no longer, and holds nobody up", async () => {
  const lock = createLock();
  const first = await lock.acquire(NEVER);
  const stop = new AbortController();
  const second = lock.acquire(stop.signal);
  const third = lock.acquire(NEVER);
  stop.abort();
  // What it has gives nothing back: the first still holds it.
  (await second)[Symbol.dispose]();
  expect(await hasCome(third)).toBe(false);
  first[Symbol.dispose]();
  expect(await hasCome(third)).toBe(true);
});

test("who had given up before asking does not get it", async () => {
  const lock = createLock();
  await lock.acquire(AbortSignal.abort());
  expect(await hasCome(lock.acquire(NEVER))).toBe(true);
});

test("so many hold a semaphore, and the next ones have it in the order of asking", async () => {
  const semaphore = createSemaphore(2);
  const [first, second] = [await semaphore.acquire(NEVER), await semaphore.acquire(NEVER)];
  const order: string[] = [];
  const third = semaphore.acquire(NEVER).then((held) => {
    order.push("third");
    return held;
  });
  const fourth = semaphore.acquire(NEVER).then((held) => {
    order.push("fourth");
    return held;
  });
  expect(await hasCome(third)).toBe(false);
  first[Symbol.dispose]();
  // What was given back already gives nothing more.
  first[Symbol.dispose]();
  expect(await hasCome(third)).toBe(true);
  expect(await hasCome(fourth)).toBe(false);
  second[Symbol.dispose]();
  await fourth;
  expect(order).toEqual(["third", "fourth"]);
});

test("who does not want a semaphore any more, or never did, holds nobody up", async () => {
  const semaphore = createSemaphore(1);
  await semaphore.acquire(AbortSignal.abort());
  const first = await semaphore.acquire(NEVER);
  const stop = new AbortController();
  const second = semaphore.acquire(stop.signal);
  const third = semaphore.acquire(NEVER);
  stop.abort();
  (await second)[Symbol.dispose]();
  expect(await hasCome(third)).toBe(false);
  first[Symbol.dispose]();
  expect(await hasCome(third)).toBe(true);
});
