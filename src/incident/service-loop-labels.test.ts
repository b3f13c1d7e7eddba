/** The loop over one service: label sets that fire beside the one of an incident. */

import { describe, expect, test } from "bun:test";
import { rule, sample } from "../../test/support/fixtures.ts";
import { type Story, tell } from "../../test/support/story.ts";
import { ofType, again } from "../../test/support/loop-story.ts";

describe("label sets that fire beside the one of an incident", () => {
  const set = (index: number) => sample(1.9, { instance: `i${index}` });

  test("join it while they hold, the first twenty by name, and no other rule's", async () => {
    const memory = rule({
      alert: "HighMemory",
      expr: "memory > 0.5",
      signal: { expr: "memory", operator: ">", threshold: 0.5 },
      severity: "medium",
    });
    const told = await tell({
      rules: [rule(), memory],
      script: (expr, elapsedMs) => {
        if (elapsedMs < 10_000) return 0.1;
        return expr === "cpu" ? Array.from({ length: 26 }, (_, index) => set(index)) : 1.9;
      },
      untilMs: 30_000,
    });
    const [joined, ...more] = ofType(told, "alerts_joined");
    expect(more).toEqual([]);
    expect(joined?.count).toBe(25);
    expect(joined?.alerts.map(({ labels }) => labels["instance"])).toEqual(
      Array.from({ length: 20 }, (_, index) => `i${index + 1}`),
    );
    const [{ incident } = { incident: undefined }] = ofType(told, "incident_opened");
    expect(joined?.incident).toBe(incident ?? "");
  });

  /** One is hot from 10 s on and kept firing, the other at those times. */
  const keptFiring = (isHot: (elapsedMs: number) => boolean): Story => ({
    rules: [rule({ keepFiringForMs: 600_000 })],
    script: (_, elapsedMs) => [
      sample(elapsedMs >= 10_000 ? 1.9 : 0.1, { instance: "i1" }),
      sample(isHot(elapsedMs) ? 1.9 : 0.1, { instance: "i2" }),
    ],
    untilMs: 300_000,
  });

  test("do not join it once they are quiet, nor are they taken up when they come back", async () => {
    const told = await tell(
      keptFiring(
        (elapsedMs) => (elapsedMs >= 20_000 && elapsedMs < 30_000) || elapsedMs >= 200_000,
      ),
    );
    expect(ofType(told, "alerts_joined")).toEqual([]);
    expect(ofType(told, "incident_opened")).toHaveLength(1);
  });

  test("are not taken up either if Sentinel is restarted when it ends", async () => {
    const story = keptFiring((elapsedMs) => elapsedMs >= 20_000 && elapsedMs < 30_000);
    const first = await tell({ ...story, stopAt: "incident_closed" });
    expect(first.clock.elapsedMs).toBeGreaterThan(30_000);
    const second = await tell({ ...keptFiring(() => true), ...again(first) });
    expect(ofType(second, "incident_opened")).toEqual([]);
  });

  test("that were only pending when it ended and Sentinel was restarted are taken up", async () => {
    const story = (hotMs: number): Story => ({
      rules: [rule({ forMs: 30_000 })],
      script: (_, elapsedMs) => [
        sample(elapsedMs < 60_000 ? 1.9 : 0.1, { instance: "i1" }),
        sample(elapsedMs >= hotMs ? 1.9 : 0.1, { instance: "i2" }),
      ],
      untilMs: 300_000,
    });
    const whole = await tell({ ...story(Infinity), stopAt: "incident_closed" });
    const endMs = whole.clock.elapsedMs;
    const first = await tell({ ...story(endMs - 12_000), stopAt: "incident_closed" });
    expect([...(await first.journal.readStates()).values()].join("")).toContain(
      '"state":"pending"',
    );
    first.clock.pass(40_000);
    const second = await tell({ ...story(endMs - 12_000), ...again(first) });
    expect(ofType(second, "left_alone")).toEqual([]);
    expect(ofType(second, "incident_opened")).toHaveLength(1);
  });
});
