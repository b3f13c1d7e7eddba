/** One life of the observer, from its start until it is stopped or killed: as the real one is put together. */

import { type ActionId, allowlistFor } from "../../src/allowlist.ts";
import { openRecorder } from "../../src/incident/recorder.ts";
import { DiagnosisError } from "../../src/core/errors.ts";
import type { SentinelEvent } from "../../src/core/events.ts";
import type { Limits } from "../../src/decision/limits.ts";
import { createLock } from "../../src/core/lock.ts";
import type { Outcome } from "../../src/core/model.ts";
import type { Alert } from "../../src/core/model.ts";
import { createMonitor } from "../../src/rules/monitor.ts";
import { createDirectory, ownerOfAlert } from "../../src/rules/ownership.ts";
import type {
  Clock,
  Diagnoser,
  Journal,
  JournalEntry,
  ServiceRuntime,
} from "../../src/core/ports.ts";
import { groupOf } from "../support/rule-file.ts";
import { createSharedRules } from "../../src/rules/shared-rules.ts";
import { createServiceLoop } from "../../src/incident/service-loop.ts";
import { diagnosis } from "../support/fixtures.ts";
import { mortalRecorder } from "../support/recorder.ts";
import type { Chance } from "./chance.ts";
import { type Fleet, type Member, SHARED_RULE } from "./fleet.ts";
import type { Timeline } from "./timeline.ts";
import type { Witness } from "./witness.ts";

export interface LifeOptions {
  /** As it counts from the start of this life. */
  readonly clock: Clock;
  readonly timeline: Timeline;
  readonly chance: Chance;
  readonly fleet: Fleet;
  readonly witness: Witness;
  readonly journal: Journal;
  readonly limits: Limits;
  onEntry(entry: JournalEntry): void;
  /** After each event. */
  onEvent(event: SentinelEvent): void;
  onPoll(): void;
  /** Once while each command runs. */
  whileActing(): void;
}

export interface Life {
  /** As SIGTERM does: it says what it leaves undone. */
  stop(): void;
  /** As SIGKILL does: nothing that it does from then on has any effect. */
  kill(): void;
  /** When all its loops have ended. */
  readonly ended: Promise<unknown>;
}

const WINDOW_MS = 20_000;
const POLL_INTERVAL_MS = 5000;
const MODEL_DEADLINE_MS = 30_000;

export function live(options: LifeOptions): Life {
  const stop = new AbortController();
  let isDead = false;
  return {
    stop: () => stop.abort(),
    kill() {
      isDead = true;
      stop.abort();
    },
    ended: watch(options, () => isDead, stop.signal),
  };
}

/** Until it is stopped, or killed: what was recorded before is kept. */
async function watch(
  options: LifeOptions,
  isDead: () => boolean,
  signal: AbortSignal,
): Promise<void> {
  const { clock, timeline, chance, fleet, journal, limits } = options;
  const noted = async (adding: Promise<JournalEntry>) => {
    const kept = await adding;
    options.onEntry(kept);
    return kept;
  };
  const watched: Journal = {
    ...journal,
    record: (entry) => noted(journal.record(entry)),
    commit: (entry) => noted(journal.commit(entry)),
  };
  const opened = await openRecorder(watched, limits, clock);
  const recorder = mortalRecorder(opened, isDead);
  const actionLock = createLock();
  const directory = createDirectory(fleet.members.map(({ service }) => service));
  const sharedRules = createSharedRules(
    {
      groups: [groupOf([SHARED_RULE])],
      directory: () => directory,
      pollIntervalMs: POLL_INTERVAL_MS,
      signal,
      restored: [...recorder.savedAlerts.values()].flatMap(({ alerts }) => alerts),
    },
    fleet.sharedSource,
    clock,
  );
  const loops = fleet.members.map((member) => {
    const { service, autonomy, rules, source, observed } = member;
    const monitor = createMonitor(
      {
        rulesFor: () => rules,
        findWindowMs: () => Promise.resolve(WINDOW_MS),
        fallbackWindowMs: WINDOW_MS,
        onPoll: options.onPoll,
        shared: { rules: sharedRules, service: service.name },
        restored: recorder.savedAlerts.get(service.name)?.alerts ?? [],
      },
      source,
      clock,
    );
    const platform: ServiceRuntime = {
      name: "docker",
      ...observed,
      act: actOf(member, options, isDead),
    };
    const policy = {
      service,
      allowlist: allowlistFor(service.name),
      autonomy,
      pollIntervalMs: POLL_INTERVAL_MS,
      stabilizeMs: 30_000,
    };
    const serviceContext = {
      source,
      own: source,
      monitor,
      platform,
      diagnosers: [model("a model", timeline, chance), model("another", timeline, chance)],
      clock,
      recorder,
      actionLock,
      seen: { history: { looks: [], sinceMs: timeline.nowMs() } },
      checkHealth: async () => ({ ok: member.isHealthy(), message: "" }),
      ownerOf: (alert: Alert) => ownerOfAlert(alert, directory),
    };
    const emit = (event: SentinelEvent) => {
      if (!isDead()) options.onEvent(event);
    };
    return createServiceLoop({ policy, serviceContext, emit }).run(signal);
  });
  await Promise.all(loops);
  await recorder.flush();
}

/** Right more often than not; otherwise it fails, or wants what is wrong or forbidden. */
function model(name: string, timeline: Timeline, chance: Chance): Diagnoser {
  return {
    name,
    deadlineMs: MODEL_DEADLINE_MS,
    async diagnose(_, signal) {
      await timeline.sleep(chance.between(500, 25_000), signal);
      if (chance.happens(0.15)) throw new DiagnosisError("malformed_answer", "it was no answer");
      const action = chance.happens(0.7)
        ? "docker-restart"
        : chance.oneOf<ActionId | "none">([
            "compose-restart",
            "compose-up",
            "docker-stop",
            "compose-stop",
            "none",
          ]);
      return diagnosis({ action });
    },
  };
}

function actOf(
  { service, apply }: Member,
  { timeline, chance, fleet, witness, whileActing }: LifeOptions,
  isDead: () => boolean,
): ServiceRuntime["act"] {
  return async ({ id, argv }, signal) => {
    const outcome = (kind: Outcome["kind"], exitCode?: number): Outcome => {
      return { kind, argv, exitCode, output: "", durationMs: 0 };
    };
    if (isDead()) return outcome("cancelled");
    const ended = witness.began(service.name, id, argv);
    if (chance.happens(0.03)) {
      ended(false);
      return outcome("not_started");
    }
    const takesMs = chance.between(500, 20_000);
    const fails = fleet.isDockerDown() || chance.happens(0.12);
    // Cut short it may still have been heard, and so may one that its caller did not wait for.
    const isHeard = chance.happens(0.5);
    timeline.after(chance.between(0, takesMs), () => {
      if (!isDead()) whileActing();
    });
    timeline.after(takesMs, () => {
      if (!fails && (!signal.aborted || isHeard)) apply(id);
      ended(true);
    });
    await timeline.sleep(takesMs, signal);
    if (signal.aborted) return outcome("cancelled");
    if (!fails) return outcome("succeeded", 0);
    return chance.happens(0.5) ? outcome("failed", 1) : outcome("timed_out");
  };
}
