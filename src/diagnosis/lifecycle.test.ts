import { describe, expect, test } from "bun:test";
import { alert, containerState, rule, START_MS } from "../../test/support/fixtures.ts";
import {
  type ContainerHistory,
  type ContainerReason,
  isCheckBroken,
  restartLoop,
  startingForMs,
  whyAPerson,
  whyNotYet,
  withLook,
} from "./lifecycle.ts";
import type { ContainerState } from "../core/model.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const NOW = START_MS;

const NOTHING_SEEN: ContainerHistory = { looks: [], sinceMs: NOW - HOUR };

/** Looks at these times before now, each with the engine's count. */
function seen(...looks: readonly (readonly [beforeMs: number, restartCount: number])[]) {
  return looks.reduce(
    (history, [beforeMs, restartCount]) =>
      withLook(history, containerState({ restartCount }), NOW - beforeMs),
    NOTHING_SEEN,
  );
}

/** It died at once after its last start, and waits for its engine. */
const dying = (changes: Partial<ContainerState> = {}) =>
  containerState({
    status: "restarting",
    exitCode: 1,
    startedAtMs: NOW - 2 * SECOND,
    finishedAtMs: NOW - SECOND,
    ...changes,
  });

describe("a restart loop by the engine's own count", () => {
  test.each([
    ["it has grown by four while it was looked at", [[5 * MINUTE, 2]], { restartCount: 6 }, 4],
    ["by three it may still recover", [[5 * MINUTE, 2]], { restartCount: 5 }, undefined],
    [
      "what was before the window does not count",
      [[11 * MINUTE, 2]],
      { restartCount: 6 },
      undefined,
    ],
    ["it has not grown since", [[5 * MINUTE, 6]], { restartCount: 6 }, undefined],
    ["what was at its very beginning does", [[10 * MINUTE, 2]], { restartCount: 6 }, 4],
    ["a moment before it does not", [[10 * MINUTE + 1, 2]], { restartCount: 6 }, undefined],
    [
      "it grew look by look",
      [
        [60_000, 0],
        [50_000, 1],
        [40_000, 3],
      ],
      { restartCount: 4 },
      4,
    ],
    [
      "somebody restarted it meanwhile: the count begins anew and what was before still counts",
      [
        [60_000, 7],
        [50_000, 9],
        [40_000, 0],
      ],
      { restartCount: 2 },
      4,
    ],
    [
      "a restart by Sentinel is no restart by the engine",
      [[60_000, 3]],
      { restartCount: 0 },
      undefined,
    ],
    [
      "another container of that name has a count of its own",
      [[60_000, 0]],
      { restartCount: 9, containerId: "other" },
      undefined,
    ],
    ["a count of months, and it runs", [], { restartCount: 40 }, undefined],
  ] as const)("%s", (_, looks, state, restarts) => {
    const container = containerState({ startedAtMs: NOW - HOUR, ...state });
    expect(restartLoop(container, seen(...looks), NOW)?.restarts).toBe(restarts);
  });

  test.each([
    ["it died at once, for the fourth time", dying({ restartCount: 4 }), true],
    ["for the third time", dying({ restartCount: 3 }), false],
    ["it had run for a minute", dying({ restartCount: 9, startedAtMs: NOW - 61 * SECOND }), false],
    [
      "it had run for just less",
      dying({ restartCount: 9, startedAtMs: NOW - 60.9 * SECOND }),
      true,
    ],
    [
      "it died before its engine had noted its start",
      dying({ restartCount: 9, startedAtMs: NOW, finishedAtMs: NOW - 8 }),
      true,
    ],
    [
      "its engine does not tell when it ended",
      dying({ restartCount: 9, finishedAtMs: undefined }),
      false,
    ],
    [
      "its engine gave it up after the two restarts that it may have",
      dying({ status: "exited", restartCount: 2, maxRestarts: 2 }),
      true,
    ],
    ["it has one more", dying({ status: "exited", restartCount: 1, maxRestarts: 2 }), false],
    [
      "its engine gave it up, and calls it dead",
      dying({ status: "dead", restartCount: 2, maxRestarts: 2 }),
      true,
    ],
    ["its engine still tries", dying({ restartCount: 2, maxRestarts: 2 }), false],
    [
      "it runs, whatever is left of its last end",
      dying({ status: "running", restartCount: 9 }),
      false,
    ],
  ])("at the first look: %s", (_, container, isLoop) => {
    expect(restartLoop(container, NOTHING_SEEN, NOW) !== undefined).toBe(isLoop);
  });

  test("once found it does not end with the moment in which the next run begins", () => {
    const history = withLook(NOTHING_SEEN, dying({ restartCount: 6 }), NOW);
    const running = containerState({ restartCount: 6, startedAtMs: NOW + SECOND });
    expect(restartLoop(running, history, NOW + 2 * SECOND)).toMatchObject({ restarts: 6 });
    expect(restartLoop(running, history, NOW + 11 * MINUTE)).toBeUndefined();
    expect(restartLoop({ ...running, restartCount: 0 }, history, NOW + 2 * SECOND)).toBeUndefined();
  });

  test("a history has the last moment of each count, as far back as a loop is looked for", () => {
    const { looks } = seen([60_000, 0], [50_000, 0], [40_000, 1], [30_000, 2], [20_000, 2]);
    expect(looks.map(({ atMs, restartCount }) => [NOW - atMs, restartCount])).toEqual([
      [50_000, 0],
      [40_000, 1],
      [20_000, 2],
    ]);
    const old = seen([11 * MINUTE, 0], [10 * MINUTE + 20_000, 1], [20_000, 2]).looks;
    expect(old.map(({ restartCount }) => restartCount)).toEqual([1, 2]);
  });

  test("a history is bounded, and keeps the last moment of a count", () => {
    let history = NOTHING_SEEN;
    for (let at = 0; at < 1000; at += 1)
      history = withLook(history, containerState({ restartCount: at }), NOW + at * 100);
    expect(history.looks).toHaveLength(100);
    for (let at = 0; at < 1000; at += 1)
      history = withLook(history, containerState({ restartCount: 7 }), NOW + at * MINUTE);
    expect(history.looks).toHaveLength(1);
  });
});

const judging = (name = "HighCpu", history = NOTHING_SEEN) => ({
  alert: alert({ rule: rule({ alert: name }), activeAtMs: NOW - 10 * SECOND }),
  windowMs: 20 * SECOND,
  nowMs: NOW,
  history,
});

describe("starting has an end", () => {
  const DAY = 24 * HOUR;
  test.each([
    ["the start period and all retries", { startPeriodMs: 30_000, retriesMs: 60_000 }, 90_000],
    ["without a word, Docker's own defaults", { startPeriodMs: 0 }, 180_000],
    ["a check once a day is not waited for", { startPeriodMs: 0, retriesMs: 3 * DAY }, 300_000],
    ["nor a start period of a day", { startPeriodMs: DAY, retriesMs: 6000 }, HOUR + 6000],
    ["one of an hour is", { startPeriodMs: HOUR, retriesMs: 0 }, HOUR],
  ])("%s", (_, state, expected) => {
    expect(startingForMs(containerState({ retriesMs: undefined, ...state }))).toBe(expected);
  });

  test.each([
    ["within it", { health: "starting", startedAtMs: NOW - 89_000 }, "still starting"],
    ["after it", { health: "starting", startedAtMs: NOW - 91_000 }, undefined],
    [
      "it is healthy within its start period",
      { health: "healthy", startedAtMs: NOW - 20_000 },
      undefined,
    ],
    ["it is unhealthy", { health: "unhealthy", startedAtMs: NOW - 20_000 }, undefined],
    ["its start is not told", { health: "starting", startedAtMs: undefined }, undefined],
    ["the clock was put back", { health: "starting", startedAtMs: NOW + HOUR }, "still starting"],
    [
      "it was started since the alert began",
      { health: "none", startedAtMs: NOW - 5000 },
      "still starting",
    ],
    ["in the moment in which it began", { health: "none", startedAtMs: NOW - 10_000 }, undefined],
    ["before the alert began", { health: "none", startedAtMs: NOW - 11_000 }, undefined],
    ["just now", { health: "none", startedAtMs: NOW }, "still starting"],
    ["the clock was put back a moment", { health: "none", startedAtMs: NOW + 1 }, undefined],
  ])("%s", (_, state, expected) => {
    const container = containerState({ startPeriodMs: 30_000, retriesMs: 60_000, ...state });
    const why = whyNotYet(container, judging());
    if (expected === undefined) expect(why).toBeUndefined();
    else expect(why).toContain(expected);
  });
});

test.each([
  ["younger than the range of the rates", 19_999, "its container is still starting"],
  ["as old as that", 20_000, undefined],
  ["older", 21_000, undefined],
])("a start since the alert began: %s", (_, ageMs, expected) => {
  const container = containerState({ startedAtMs: NOW - ageMs });
  const long = { ...judging(), alert: alert({ activeAtMs: NOW - HOUR }) };
  expect(whyNotYet(container, long)).toBe(expected);
});

describe("what the engine does by itself is not done twice", () => {
  test.each([
    [
      "it is about to restart it",
      dying({ restartCount: 1 }),
      "HighCpu",
      "restarts it by itself, 1 time so far",
    ],
    [
      "it has just restarted it",
      containerState({ restartCount: 2, startedAtMs: NOW - 59_000 }),
      "HighCpu",
      "has just restarted it by itself, 2 times so far",
    ],
    [
      "it restarted it a minute ago",
      containerState({ restartCount: 2, startedAtMs: NOW - 60_000 }),
      "HighCpu",
      undefined,
    ],
    [
      "it has restarted it once, this moment",
      containerState({ restartCount: 1, startedAtMs: NOW }),
      "HighCpu",
      "has just restarted it by itself, 1 time so far",
    ],
    [
      "it has restarted it, and the clock was put back since",
      containerState({ restartCount: 1, startedAtMs: NOW + 1 }),
      "HighCpu",
      undefined,
    ],
    [
      "it has not restarted it, and the alert began after its start",
      containerState({ restartCount: 0, startedAtMs: NOW - 15_000 }),
      "HighCpu",
      undefined,
    ],
    [
      "it is neither running nor ended",
      containerState({ status: "created", restartCount: 1, startedAtMs: NOW - 1000 }),
      "HighCpu",
      undefined,
    ],
    ["it is a loop: now it is judged", dying({ restartCount: 4 }), "HighCpu", undefined],
    ["the alert itself is the crash loop", dying({ restartCount: 1 }), "CrashLoop", undefined],
    ["it is paused", containerState({ status: "paused" }), "CrashLoop", "docker unpause"],
  ])("%s", (_, container, name, expected) => {
    const why = whyNotYet(container, judging(name));
    if (expected === undefined) expect(why).toBeUndefined();
    else expect(why).toContain(expected);
  });
});

describe("a container that has ended", () => {
  const ended = (changes: Partial<ContainerState>) =>
    containerState({ status: "exited", exitCode: 137, finishedAtMs: NOW - 5000, ...changes });
  const longAgo = NOW - 2 * HOUR;
  test.each<[string, ContainerState, string | undefined, ContainerReason | undefined]>([
    ["was killed", ended({ wasStopped: false }), undefined, undefined],
    ["crashed", ended({ wasStopped: false, exitCode: 1 }), undefined, undefined],
    [
      "crashed before Sentinel began",
      ended({ wasStopped: false, finishedAtMs: longAgo }),
      undefined,
      undefined,
    ],
    [
      "was stopped by somebody, and had to be killed",
      ended({ wasStopped: true }),
      "somebody stopped it",
      undefined,
    ],
    [
      "was stopped by somebody",
      ended({ wasStopped: true, exitCode: 143 }),
      "somebody stopped it",
      undefined,
    ],
    ["had done its work", ended({ wasStopped: false, exitCode: 0 }), "exit code 0", undefined],
    [
      "ended in a way that its engine does not tell",
      ended({ wasStopped: undefined }),
      undefined,
      "perhaps_stopped_on_purpose",
    ],
    [
      "had ended so before Sentinel began",
      ended({ wasStopped: undefined, finishedAtMs: longAgo }),
      "before Sentinel began, with exit code 137",
      "perhaps_stopped_on_purpose",
    ],
    [
      "ended so just when Sentinel began",
      ended({ wasStopped: undefined, finishedAtMs: NOW - HOUR }),
      undefined,
      "perhaps_stopped_on_purpose",
    ],
  ])("%s", (_, container, suppressed, person) => {
    const why = whyNotYet(container, judging("ContainerDown"));
    if (suppressed === undefined) expect(why).toBeUndefined();
    else expect(why).toContain(suppressed);
    expect(whyAPerson(container, judging("ContainerDown"))).toBe(person);
  });

  test("one that its engine has given up is a person's, also if it ended before Sentinel began", () => {
    const finishedAtMs = NOW - 2 * HOUR;
    const startedAtMs = finishedAtMs - SECOND;
    const givenUp = { restartCount: 2, maxRestarts: 2, exitCode: 1, startedAtMs, finishedAtMs };
    expect(whyNotYet(ended(givenUp), judging("ContainerDown"))).toBeUndefined();
    expect(whyAPerson(ended(givenUp), judging("ContainerDown"))).toBe("crash_loop");
    const stopped = ended({ ...givenUp, wasStopped: true });
    expect(whyNotYet(stopped, judging("ContainerDown"))).toContain("somebody stopped it");
  });

  test("one that runs again is judged like any other, whatever the alert says", () => {
    const running = containerState({ startedAtMs: NOW - HOUR, wasStopped: true });
    expect(whyNotYet(running, judging("ContainerDown"))).toBeUndefined();
    expect(whyAPerson(containerState(), judging("ContainerDown"))).toBeUndefined();
  });

  test("a service of the settings is started, whoever stopped it", () => {
    expect(whyNotYet(ended({ wasStopped: true }), judging("TargetDown"))).toBeUndefined();
    expect(whyAPerson(ended({}), judging("TargetDown"))).toBeUndefined();
  });

  test("in a loop it is a person's, whatever the alert", () => {
    expect(whyAPerson(dying({ restartCount: 6 }), judging("TargetDown"))).toBe("crash_loop");
  });
});

describe("a health check that cannot be run", () => {
  const fails = (exitCode: number, output: string) => ({ exitCode, output });
  test.each([
    ["a shell finds no program", [fails(127, "/bin/sh: 1: nosuch: not found\n")], true],
    ["a shell finds none, and says nothing", [fails(127, "")], true],
    ["it may not run it", [fails(126, "sh: ./check: Permission denied")], true],
    [
      "the engine finds none",
      [
        fails(
          -1,
          'OCI runtime exec failed: exec failed: unable to start container process: exec: "curl": executable file not found in $PATH: unknown',
        ),
      ],
      true,
    ],
    [
      "`curl ... || exit 1` without curl, as dash says it",
      [fails(1, "/bin/sh: 1: curl: not found\n")],
      true,
    ],
    ["as busybox says it", [fails(1, "/bin/sh: curl: not found\n")], true],
    [
      "as a shell of its own folder says it",
      [fails(1, "/usr/local/bin/ash: curl: not found")],
      true,
    ],
    ["as ksh says it", [fails(1, "ksh: 12: curl: not found")], true],
    ["as dash says it by name", [fails(1, "dash: 1: curl: not found")], true],
    ["as zsh says it", [fails(1, "zsh: curl: command not found")], true],
    ["after other words", [fails(1, "checking\nsh: curl: not found")], true],
    ["in the midst of a line", [fails(1, "the user of sh: curl: not found")], false],
    ["with more behind it", [fails(1, "sh: curl: not found here")], false],
    ["the engine cannot execute it", [fails(-1, "exec failed: permission denied")], true],
    ["the engine finds no file", [fails(-1, "fork/exec /check: No such file or directory")], true],
    ["the engine finds no program", [fails(-1, 'exec: "curl": executable file not found')], true],
    ["the service finds no file", [fails(1, "no such file or directory")], false],
    ["nor does one that passes", [fails(0, "sh: curl: not found")], false],
    ["as bash says it", [fails(1, "bash: line 1: wget: command not found")], true],
    [
      "the service says 404",
      [fails(1, "curl: (22) The requested URL returned error: 404 Not Found")],
      false,
    ],
    ["the service's own words", [fails(1, "the user was not found")], false],
    ["it ran out of time", [fails(-1, "Health check exceeded timeout (1s)")], false],
    ["it has failed for another reason as well", [fails(127, ""), fails(1, "refused")], false],
    ["it has passed as well", [fails(0, "ok"), fails(127, "")], false],
    ["nothing is known of it", [], false],
  ])("%s", (_, checks, expected) => {
    expect(isCheckBroken(checks)).toBe(expected);
    const container = containerState({ health: "unhealthy", checks });
    const reason = expected ? "health_check_broken" : undefined;
    expect(whyAPerson(container, judging("ContainerUnhealthy"))).toBe(reason);
    // What is measured otherwise does not rest on the check.
    expect(whyAPerson(container, judging("HighCpu"))).toBeUndefined();
  });
});

test.each(["HighCpu", "ContainerDown", "CrashLoop"])(
  "what is wrong with a task of an orchestrator is a person's: %s",
  (name) => {
    const container = containerState({ orchestrator: "kubernetes" });
    expect(whyAPerson(container, judging(name))).toBe("managed_by_orchestrator");
  },
);
