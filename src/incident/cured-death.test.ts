import { describe, expect, test } from "bun:test";
import { SERVICE_NAME, START_MS } from "../../test/support/fixtures.ts";
import { entriesOf, healed, numbered } from "../../test/support/incident-entries.ts";
import { isToldAlready, tellCuredDeath } from "./cured-death.ts";
import type { ContainerState, Death } from "../core/model.ts";
import { foldIncidents } from "../core/incident-record.ts";

const CONTAINER: ContainerState = {
  status: "running",
  health: "none",
  exitCode: 3,
  oomKilled: false,
  restartCount: 1,
  startedAtMs: START_MS,
  startPeriodMs: 0,
  containerId: "pid 7",
  image: "node",
};

const death = (atMs: number, lines: readonly string[] = []): Death => ({
  atMs,
  exitCode: 3,
  oomKilled: false,
  wasStopped: false,
  ranMs: 12_000,
  lines,
});

function tell(deaths: readonly Death[], ok: boolean | undefined) {
  const health = ok === undefined ? undefined : { ok, message: "asked" };
  const seen = { container: CONTAINER, health, nowMs: START_MS + 20_000 };
  return tellCuredDeath({ service: SERVICE_NAME, deaths, ranMs: 10_000 }, seen);
}

describe("a death that a restart has cured", () => {
  test("is a story from its onset to its healing, with nothing left open", () => {
    const lines = ["panic", "token=0123456789abcdef", '{"event":"fault_started"}'];
    const [opened, evidence, closed] = tell([death(START_MS, lines)], true);
    expect(opened).toMatchObject({
      type: "incident_opened",
      onsetMs: START_MS,
      alert: {
        rule: {
          alert: "ProcessDied",
          annotations: { summary: "died with exit code 3 after 12 s" },
          permits: [],
          service: SERVICE_NAME,
        },
        state: "firing",
      },
    });
    expect(evidence).toMatchObject({
      type: "evidence_collected",
      deaths: [{ exitCode: 3, lines: ["panic", "token=[masked]"] }],
      logLines: 2,
    });
    expect(closed).toMatchObject({
      type: "incident_closed",
      closing: { result: "skipped", verdict: { kind: "healed" }, healedAfterMs: 20_000 },
    });
  });

  test("is not called healed where its health check fails", () => {
    const closed = tell([death(START_MS)], false).at(-1);
    expect(closed).toMatchObject({ closing: { verdict: { kind: "unknown" } } });
    expect(closed).not.toMatchObject({ closing: { healedAfterMs: expect.any(Number) } });
  });

  test("is not called healed where there is no health check", () => {
    const reason =
      "its supervisor started it again, and it has run for 10 s, but it has no health check";
    const closed = tell([death(START_MS)], undefined).at(-1);
    expect(closed).toMatchObject({ closing: { verdict: { kind: "unknown", reason } } });
  });

  test("tells of several in a row, from the first", () => {
    const [opened] = tell([death(START_MS), death(START_MS + 5000)], true);
    expect(opened).toMatchObject({
      onsetMs: START_MS,
      alert: {
        rule: { annotations: { summary: "died with exit code 3 after 12 s; 2 times in a row" } },
      },
    });
  });
});

describe("it is told already", () => {
  const whole = foldIncidents(numbered(...entriesOf(healed())));
  const open = foldIncidents(numbered(...entriesOf(healed().slice(0, 2))));
  const at = (atMs: number, service = SERVICE_NAME) => ({ service, deaths: [death(atMs)] });

  test.each([
    ["by an incident that was opened after it", at(START_MS - 1), whole, true],
    ["by one that was opened at once", at(START_MS), whole, true],
    ["not by one that had ended before", at(START_MS + 60_000), whole, false],
    ["by one that is still open", at(START_MS + 60_000), open, true],
    ["not by one of another service", at(START_MS - 1, "other"), whole, false],
    ["not where there is none", at(START_MS), [], false],
  ] as const)("%s", (_, cured, records, expected) => {
    expect(isToldAlready(cured, records)).toBe(expected);
  });
});
