/** One service whose surroundings fail for a while: what Sentinel does meanwhile, and afterwards. */

import type { SentinelEvent } from "../../src/core/events.ts";
import type { Outcome } from "../../src/core/model.ts";
import type { Platform } from "../../src/core/ports.ts";
import { type Script, type SimulatedClock, simulatedClock } from "../support/fixtures.ts";
import { type Story, tell } from "../support/story.ts";

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;

/** What a case builds its surroundings with. */
export interface Stage {
  readonly clock: SimulatedClock;
  /** Whether the surroundings fail now. */
  fails(): boolean;
  isSick(): boolean;
  /** Of the service's own accord, or by what a command has done. */
  cure(): void;
  /** 1.9 cores while the service is sick, else 0.1; its memory is always well. */
  readonly script: Script;
  /** Ended after the story, in the reverse order. */
  readonly resources: AsyncDisposableStack;
}

/** A fault of the surroundings. */
export interface Case {
  /** What is right, and why. */
  readonly right: string;
  /** From and until when they fail, seconds. Default: 8 to 200. */
  readonly fails?: readonly [number, number];
  /** When the service falls sick meanwhile, seconds. Default: at 10. Once more when all is well again. */
  readonly sickAt?: readonly number[];
  /** When it recovers by itself, seconds. */
  readonly curedAt?: number;
  readonly build: (stage: Stage) => Promise<Partial<Story>> | Partial<Story>;
  /** Commands before the second sickness, each as its id and the second at which it ran. */
  readonly runs: readonly (readonly [string, number])[];
  /** How the incidents before the second sickness ended. */
  readonly ends: readonly string[];
  /** Exactly how often each trouble is told; what is not here is not told. */
  readonly told: Readonly<Record<string, number>>;
  /** What is run the second time, and how it ends. Default: a restart that heals. */
  readonly after?: { readonly runs: readonly string[]; readonly ends: readonly string[] };
}

/** When the service falls sick again, in surroundings that are well: far from every limit before. */
const AGAIN = 3000 * SECOND;
/** Long enough for a person not to have answered. */
const END = 4100 * SECOND;

/** No poll is further from the one before: a model and a command may take their time. */
export const MAX_BETWEEN_POLLS = 45 * SECOND;

/** What a person is told that is no step of an incident. */
const TROUBLES: readonly SentinelEvent["type"][] = [
  "source_down",
  "source_back",
  "journal_down",
  "journal_back",
  "left_alone",
  "automation_ended",
  "diagnosis_failed",
];

/** An event or a run, and how much time had really passed: a clock may have jumped. */
interface Seen<T> {
  readonly what: T;
  readonly atMs: number;
}

export interface Played {
  readonly runs: readonly (readonly [string, number])[];
  readonly ends: readonly string[];
  readonly told: Readonly<Record<string, number>>;
  readonly after: { readonly runs: readonly string[]; readonly ends: readonly string[] };
  /** The longest time without a poll. */
  readonly longestPauseMs: number;
}

export async function play(one: Case): Promise<Played> {
  await using resources = new AsyncDisposableStack();
  const clock = simulatedClock();
  const stage = setStage(one, { clock, resources });
  const polls: number[] = [0];
  const runs: Seen<string>[] = [];
  const events: Seen<SentinelEvent>[] = [];
  const story = await one.build(stage);
  await tell({
    script: stage.script,
    untilMs: END,
    ...story,
    clock: story.clock ?? clock,
    onPoll: () => polls.push(clock.elapsedMs),
    killAt(what) {
      events.push({ what, atMs: clock.elapsedMs });
      return false;
    },
    async serviceContext(ofStory) {
      const { platform, ...serviceContext } = (await story.serviceContext?.(ofStory)) ?? {};
      const { act = curing(stage) } = platform ?? {};
      return {
        ...serviceContext,
        platform: {
          ...platform,
          act(action, signal) {
            runs.push({ what: action.id, atMs: clock.elapsedMs });
            return act(action, signal);
          },
        },
      };
    },
  });
  polls.push(clock.elapsedMs);
  const pauses = polls.map((atMs, index) => atMs - (polls[index - 1] ?? 0));
  const [before, after] = [
    ({ atMs }: Seen<unknown>) => atMs < AGAIN,
    ({ atMs }: Seen<unknown>) => atMs >= AGAIN,
  ];
  return {
    runs: runs.filter(before).map(({ what, atMs }) => [what, atMs / SECOND]),
    ends: endsOf(events.filter(before)),
    told: troublesIn(events),
    after: { runs: runs.filter(after).map(({ what }) => what), ends: endsOf(events.filter(after)) },
    longestPauseMs: Math.max(...pauses),
  };
}

/** The service falls sick twice, and recovers in between, whatever came of the first time. */
function setStage(
  { fails: [from, until] = [8, 200], sickAt = [10], curedAt }: Case,
  { clock, resources }: Pick<Stage, "clock" | "resources">,
): Stage {
  const sick: { readonly fromMs: number; untilMs: number }[] = [];
  const isSickAt = (atMs: number) => sick.some((s) => atMs >= s.fromMs && atMs < s.untilMs);
  const cure = () => {
    const nowMs = clock.elapsedMs;
    for (const time of sick) if (time.untilMs > nowMs) time.untilMs = Math.max(nowMs, time.fromMs);
  };
  for (const fromMs of [...sickAt.map((at) => at * SECOND), AGAIN])
    clock.at(fromMs, () => sick.push({ fromMs, untilMs: Number.POSITIVE_INFINITY }));
  if (curedAt !== undefined) clock.at(curedAt * SECOND, cure);
  clock.at(AGAIN - 10 * MINUTE, cure);
  return {
    clock,
    resources,
    cure,
    fails: () => clock.elapsedMs >= from * SECOND && clock.elapsedMs < until * SECOND,
    isSick: () => isSickAt(clock.elapsedMs),
    script(expr, elapsedMs) {
      if (expr === "cpu") return isSickAt(elapsedMs) ? 1.9 : 0.1;
      return expr === "memory" ? 1 : undefined;
    },
  };
}

function endsOf(events: readonly Seen<SentinelEvent>[]): readonly string[] {
  return events.flatMap(({ what }) => {
    if (what.type !== "incident_closed") return [];
    const { result, reason, verdict, madeWorse } = what.closing;
    return [`${result} ${reason ?? verdict?.kind}${madeWorse ? ", worse" : ""}`];
  });
}

/** How often each was told; data that goes missing is one as well. */
function troublesIn(events: readonly Seen<SentinelEvent>[]): Record<string, number> {
  const told: Record<string, number> = {};
  for (const { what } of events) {
    const isMissing = what.type === "alert_changed" && what.alert.state === "no_data";
    const name = isMissing ? "no_data" : what.type;
    if (isMissing || TROUBLES.includes(what.type)) told[name] = (told[name] ?? 0) + 1;
  }
  return told;
}

/** A command that takes 2 s and cures. */
export function curing(stage: Stage): Platform["act"] {
  return acting(stage);
}

/** A command that takes 2 s; it cures if it succeeds. */
export function acting(
  stage: Stage,
  changes: Partial<Outcome> = {},
  { cures = () => true }: { readonly cures?: () => boolean } = {},
): Platform["act"] {
  return async ({ argv }) => {
    stage.clock.pass(2 * SECOND);
    const done = { kind: "succeeded", argv, exitCode: 0, output: "", durationMs: 2000 } as const;
    const outcome: Outcome = { ...done, ...changes };
    if (cures() && outcome.kind === "succeeded") stage.cure();
    return outcome;
  };
}
