import { describe, expect, test } from "bun:test";
import { BACK_AFTER_POLLS, createSourceOutage } from "./source-outage.ts";

/** What is told at each poll: `d` where it is told to be down, `b` back, `-` nothing. */
function toldOf(polls: string): string {
  const outage = createSourceOutage();
  const told = [...polls].map((poll) => {
    const event = outage.polled(poll === "x" ? "refused" : undefined);
    return event === undefined ? "-" : event.type === "source_down" ? "d" : "b";
  });
  return told.join("");
}

describe("of the source is told", () => {
  test.each([
    ["nothing while it answers", "......", "------"],
    ["once that it is down, however long", "..xxxxx", "--d----"],
    ["that it is back at the third answer in a row", "x...", "d--b"],
    ["nothing of it at the second", "x..", "d--"],
    ["once that it is back", "x......", "d--b---"],
    ["one outage of a source that comes and goes", "x..x..x...", "d--------b"],
    ["each outage of its own", "x...x...", "d--bd--b"],
    ["that it is down at the very first poll, after many answers", "........x", "--------d"],
    ["a new outage right after the last", "x...xx", "d--bd-"],
  ])("%s", (_, polls, told) => {
    expect(toldOf(polls)).toBe(told);
  });

  test("why it is down, as it was at first", () => {
    const outage = createSourceOutage();
    expect(outage.polled("refused")).toEqual({ type: "source_down", reason: "refused" });
    expect(outage.polled("timed out")).toBeUndefined();
  });
});

test("it counts as told from the first failure until it is back", () => {
  const outage = createSourceOutage();
  expect(outage.isTold).toBe(false);
  outage.polled(undefined);
  expect(outage.isTold).toBe(false);
  outage.polled("refused");
  for (let answers = 1; answers <= BACK_AFTER_POLLS; answers += 1) {
    expect(outage.isTold).toBe(true);
    outage.polled(undefined);
  }
  expect(outage.isTold).toBe(false);
});
