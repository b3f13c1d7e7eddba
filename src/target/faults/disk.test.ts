import { expect, test } from "bun:test";
import { roomMb } from "./disk.ts";

test.each([
  ["without other faults is 80 % of what is free", 1_000, 0, 0, 800],
  ["is less what another was promised, before it is written", 1_000, 300, 0, 500],
  ["is the same while that is written", 900, 300, 100, 500],
  ["is the same when that is written", 700, 300, 300, 500],
  ["is nothing when it was promised already", 200, 800, 800, 0],
  ["is never below nothing, though others fill the disk as well", 0, 800, 800, 0],
])("the room %s", (_, freeMb, promisedMb, writtenMb, expected) => {
  expect(roomMb(freeMb, { promisedMb, writtenMb })).toBe(expected);
});
