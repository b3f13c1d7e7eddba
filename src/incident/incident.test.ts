import { describe, expect, test } from "bun:test";
import { containerState, rule, sample } from "../../test/support/fixtures.ts";
import { diagnoser, hotUntil, type Story, type Told, tell } from "../../test/support/story.ts";
import type { Evidence } from "../core/model.ts";

/** The evidence of the first incident of a story, as a diagnoser is given it. */
async function evidenceOf(story: Partial<Story>): Promise<Evidence> {
  const seen: Evidence[] = [];
  await tell({
    script: hotUntil(15_000),
    untilMs: 60_000,
    diagnosers: (clock) => [
      {
        ...diagnoser(clock),
        diagnose(request, signal) {
          seen.push(request.evidence);
          return diagnoser(clock).diagnose(request, signal);
        },
      },
    ],
    ...story,
  });
  const [first] = seen;
  if (first === undefined) throw new Error("no diagnoser was asked");
  return first;
}

function verdictOf({ closings }: Told): string {
  return closings.map(({ verdict }) => verdict?.kind ?? "none").join();
}

describe("the evidence", () => {
  test("holds what fired, its history, the other signals, and what Docker says", async () => {
    const other = rule({ alert: "HighMemory", expr: "memory > 5", signal: undefined });
    const evidence = await evidenceOf({
      rules: [rule(), other],
      serviceContext: () => ({
        platform: {
          inspect: async () => containerState({ restartCount: 3 }),
          logs: async () =>
            ["token=abcdef", '{"event":"fault_started","kind":"cpu"}', "plain"].map((text) => ({
              text,
            })),
        },
      }),
    });
    expect(evidence).toMatchObject({
      alert: "HighCpu",
      severity: "high",
      summary: "CPU use is 1.9 cores",
      value: 1.9,
      otherSignals: [{ alert: "HighMemory", state: "inactive", threshold: undefined }],
      container: { kind: "found", value: { restartCount: 3 } },
      health: { ok: true },
      logs: { kind: "found", value: ["token=[masked]", "plain"] },
    });
    expect(evidence.history.slice(-2).map(({ value }) => value)).toEqual([0.1, 1.9]);
  });

  test("says what could not be found out, and goes on", async () => {
    const broken = async () => {
      throw new Error("Docker cannot be reached");
    };
    const evidence = await evidenceOf({
      serviceContext: () => ({ platform: { inspect: broken, logs: broken } }),
    });
    const unreadable = { kind: "unreadable", reason: "Docker cannot be reached" };
    expect(evidence).toMatchObject({ container: unreadable, logs: unreadable });
  });

  test("tells a container that does not exist from a Docker that does not answer", async () => {
    const evidence = await evidenceOf({
      serviceContext: () => ({
        platform: { inspect: async () => undefined, logs: async () => [] },
      }),
    });
    const reason = "Docker has no container of that name";
    expect(evidence.container).toEqual({ kind: "absent", reason });
  });

  test("goes without a history that cannot be read", async () => {
    const told = await tell({
      // Only the history looks at the time before the story.
      script: (expr, ms) => (ms < 0 ? new Error("too long") : hotUntil(15_000)(expr, ms)),
      untilMs: 60_000,
    });
    expect(verdictOf(told)).toBe("healed");
    expect(told.closings).toMatchObject([{ detectedAfterMs: undefined, actedAfterMs: 1000 }]);
  });

  test("has the history of the label set that fired, not that of its neighbour", async () => {
    const told = await evidenceOf({
      rules: [rule({ labels: { severity: "high", service: "ours" } })],
      script: (_, ms) => [
        sample(0.3, { instance: "b", service: "theirs" }),
        sample(ms >= 10_000 && ms < 15_000 ? 1.9 : 0.2, { instance: "a", service: "theirs" }),
      ],
    });
    expect(told.labels).toMatchObject({ instance: "a", service: "ours" });
    expect(told.history.slice(-2).map(({ value }) => value)).toEqual([0.2, 1.9]);
  });
});

describe("the verdict", () => {
  test("waits for a whole window, though less was asked for", async () => {
    const told = await tell({
      script: hotUntil(15_000),
      policy: { stabilizeMs: 1000 },
      windowMs: 40_000,
      untilMs: 120_000,
    });
    expect(told.events.find(({ type }) => type === "verification_started")).toMatchObject({
      verdictInMs: 40_000,
    });
    expect(verdictOf(told)).toBe("healed");
  });

  test("does not count a scrape from before the action", async () => {
    const stale = await tell({
      script: (expr, ms) =>
        expr === "scrape_age" ? (ms - 12_000) / 1000 : hotUntil(15_000)(expr, ms),
      untilMs: 200_000,
    });
    expect(verdictOf(stale)).toBe("unknown");
  });

  test("is not healed while its health check fails", async () => {
    const told = await tell({
      script: hotUntil(15_000),
      serviceContext: () => ({ checkHealth: async () => ({ ok: false, message: "no answer" }) }),
      untilMs: 200_000,
    });
    expect(verdictOf(told)).toBe("not_healed");
  });

  test("counts a check from before its questions: a slow answer makes no sample newer", async () => {
    const told = await tell({
      script: hotUntil(15_000),
      serviceContext: (clock) => ({
        async checkHealth() {
          clock.pass(3000);
          return { ok: true, message: "healthy" };
        },
      }),
      windowMs: 30_000,
      untilMs: 200_000,
    });
    const closed = told.events.find(({ type }) => type === "incident_closed");
    const started = told.events.find(({ type }) => type === "verification_started");
    // 30 s, and the 3 s of the answer to the check that was due.
    expect((closed?.atMs ?? 0) - (started?.atMs ?? 0)).toBeGreaterThanOrEqual(33_000);
    expect(verdictOf(told)).toBe("healed");
  });
});

describe("the action", () => {
  test("is run as it stands on the list", async () => {
    const told = await tell({
      rules: [rule({ permits: ["compose-service-restart"] })],
      script: hotUntil(15_000),
      diagnosers: (clock) => [diagnoser(clock, { action: "compose-service-restart" })],
      untilMs: 120_000,
    });
    expect(told.events.find(({ type }) => type === "action_started")).toMatchObject({
      action: "compose-service-restart",
      argv: [
        ...["docker", "compose", "-p", "sentinel", "-f", "/srv/compose.yaml"],
        ...["restart", "--no-deps", "target"],
      ],
    });
    expect(told.runs).toMatchObject([{ id: "compose-service-restart" }]);
  });

  test("that nothing can start is not started, and the fault not healed", async () => {
    const told = await tell({
      script: hotUntil(Infinity),
      act: () => ({ kind: "not_started", exitCode: undefined }),
      untilMs: 120_000,
    });
    expect(verdictOf(told)).toBe("not_healed");
    expect(told.events.some(({ type }) => type === "verification_started")).toBe(false);
  });

  test("that failed is still judged by what is seen after it", async () => {
    const act = () => ({ kind: "timed_out", exitCode: undefined }) as const;
    const cured = await tell({ script: hotUntil(15_000), act, untilMs: 120_000 });
    expect(verdictOf(cured)).toBe("healed");
    const ill = await tell({ script: hotUntil(Infinity), act, untilMs: 120_000 });
    expect(verdictOf(ill)).toBe("not_healed");
  });
});
