/** A wall clock that somebody sets, and a machine that sleeps. */

import { createClock } from "../../src/observer/system-clock.ts";
import {
  rule,
  type SimulatedClock,
  type Script,
  START_MS,
  SERVICE_NAME,
} from "../support/fixtures.ts";
import { memoryJournal, type Story } from "../support/story.ts";
import { acting, type Case, curing, SECOND, type Stage } from "./stage.ts";

/** When, and by how much; seconds. */
type Jump = readonly [number, number];

const HOUR = 3600;

/** Which clocks jump: asleep, the time passes of all of them on some systems. */
type Jumping = "the wall clock" | "every clock";

function jumping(clock: SimulatedClock, jumps: readonly Jump[], which: Jumping): SimulatedClock {
  const jumpedMs = () =>
    jumps
      .filter(([at]) => clock.elapsedMs >= at * SECOND)
      .reduce((sum, [, by]) => sum + by * SECOND, 0);
  const wallMs = () => clock.nowMs() + jumpedMs();
  const monotonicMs = which === "every clock" ? wallMs : () => clock.nowMs();
  return {
    ...createClock({ monotonicMs, wallMs }),
    get elapsedMs() {
      return clock.elapsedMs;
    },
    pass: (durationMs) => clock.pass(durationMs),
    at: (elapsedMs, work) => clock.at(elapsedMs, work),
    sleep: (durationMs, signal) => clock.sleep(durationMs, signal),
  };
}

type Build = (list: readonly Jump[], story?: (stage: Stage) => Partial<Story>) => Case["build"];

const jumpsOf =
  (which: Jumping): Build =>
  (list, story = () => ({})) =>
  (stage) => ({ clock: jumping(stage.clock, list, which), ...story(stage) });

const set = jumpsOf("the wall clock");
const sleeps = jumpsOf("every clock");

/** The action takes a while to cure: a verdict that comes early is a wrong one. */
const slowCure = (stage: Stage): Partial<Story> => ({
  serviceContext: () => ({
    platform: { act: acting(stage, {}, { cures: () => stage.clock.elapsedMs > 300 * SECOND }) },
  }),
});

const verifying = (list: readonly Jump[], jumps = set): Case => ({
  right: "a verdict takes as long as it takes, by samples taken after the action",
  curedAt: 25,
  build: jumps(list, slowCure),
  runs: [["docker-restart", 11]],
  ends: ["acted healed"],
  told: {},
});

/** Sick again within the cooldown of 60 s, which began at 43 s. */
const coolingDown = (list: readonly Jump[]): Case => ({
  right: "a cooldown ends when its time has passed, whatever the wall clock shows",
  sickAt: [10, 60],
  build: set(list),
  runs: [
    ["docker-restart", 11],
    ["docker-restart", 104],
  ],
  ends: ["acted healed", "acted healed"],
  told: {},
});

/** A person says yes, after the clock has jumped. */
const waiting = (list: readonly Jump[]): Case => ({
  right: "a question is open for as long as it says, and the answer is one to it",
  build: set(list, ({ clock }) => {
    const journal = memoryJournal();
    clock.at(60 * SECOND, async () => {
      const asked = (await journal.readAfter(0)).find(({ type }) => type === "approval_requested");
      const fields = { request: asked?.fields["request"], answer: "approved", by: "a test" };
      const entry = { atMs: START_MS, service: SERVICE_NAME, incident: undefined };
      await journal.commit({ ...entry, type: "approval_given", fields });
    });
    return { journal, policy: { autonomy: "approve" } };
  }),
  runs: [["docker-restart", 61]],
  ends: ["acted healed"],
  told: {},
  after: { runs: [], ends: ["held expired"] },
});

/** It is pending when the clock jumps, and over before it has held for as long as the rule asks. */
const pending = (list: readonly Jump[], jumps = set): Case => ({
  right: "it has not been seen to hold for that long, so it does not fire",
  curedAt: 35,
  build: jumps(list, () => ({ rules: [rule({ forMs: 30 * SECOND })] })),
  runs: [],
  ends: [],
  told: {},
});

const thinking = (list: readonly Jump[], jumps = set): Case => ({
  right: "the alert is evaluated again before the act, whatever time it is",
  build: jumps(list),
  runs: [["docker-restart", 11]],
  ends: ["acted healed"],
  told: {},
});

/** Asleep, nobody scrapes; awake, it takes a moment until somebody does. */
function unscraped(stage: Stage, from: number, until: number): Script {
  return (expr, elapsedMs) =>
    elapsedMs >= from * SECOND && elapsedMs < until * SECOND ? [] : stage.script(expr, elapsedMs);
}

export const TIME = {
  "the clock jumps 1 h ahead during the verification": verifying([[13, HOUR]]),
  "the clock jumps 1 h back during the verification": verifying([[13, -HOUR]]),
  "the clock jumps 10 min back and forth during the verification": verifying([
    [13, -600],
    [24, 600],
  ]),
  "the clock jumps 10 min forth and back during the verification": verifying([
    [13, 600],
    [24, -600],
  ]),
  "the machine sleeps for 8 h during the verification": verifying([[13, 8 * HOUR]], sleeps),
  "the clock jumps 1 h ahead during a cooldown": coolingDown([[70, HOUR]]),
  "the clock jumps 1 h back during a cooldown": coolingDown([[70, -HOUR]]),
  "the clock jumps 10 min back and forth during a cooldown": coolingDown([
    [58, -600],
    [68, 600],
  ]),
  "the clock jumps 1 h ahead while a person is asked": waiting([[30, HOUR]]),
  "the clock jumps 1 h back while a person is asked": waiting([[30, -HOUR]]),
  "the clock jumps 10 min back and forth while a person is asked": waiting([
    [30, -600],
    [40, 600],
  ]),
  "the clock jumps 1 h ahead while an alert is pending": pending([[17, HOUR]]),
  "the machine sleeps for 8 h while an alert is pending": pending([[17, 8 * HOUR]], sleeps),
  "the clock jumps 1 h back while an alert is pending": {
    right: "it fires once it has held for as long as the rule asks, and not an hour later",
    build: set([[17, -HOUR]], () => ({ rules: [rule({ forMs: 30 * SECOND })] })),
    runs: [["docker-restart", 41]],
    ends: ["acted healed"],
    told: {},
  },
  "the clock jumps 1 h back while an alert is kept firing": {
    right: "it is quiet, and stops firing as soon as the rule says: the next time is another",
    sickAt: [10, 300],
    build: set([[50, -HOUR]], () => ({ rules: [rule({ keepFiringForMs: 60 * SECOND })] })),
    runs: [
      ["docker-restart", 11],
      ["docker-restart", 304],
    ],
    ends: ["acted healed", "acted healed"],
    told: {},
  },
  "the clock jumps 1 h ahead while a model thinks": thinking([[10.5, HOUR]]),
  "the clock jumps 1 h back while a model thinks": thinking([[10.5, -HOUR]]),
  "the machine sleeps for 8 h while a command runs": {
    ...thinking([[12, 8 * HOUR]], sleeps),
    right: "the verification begins when the command has ended, whenever that is",
  },
  "the machine sleeps for 8 h, and wakes before Prometheus does": {
    right: "the service is unknown until it is scraped again",
    build: sleeps([[7, 8 * HOUR]], (stage) => ({
      script: unscraped(stage, 8, 40),
      serviceContext: () => ({ platform: { act: curing(stage) } }),
    })),
    runs: [["docker-restart", 41]],
    ends: ["acted healed"],
    told: { no_data: 1 },
  },
} satisfies Record<string, Case>;
