/**
 * The one hook of a test in what users run: Sentinel kills itself at a boundary of an incident. From
 * outside, by what it prints, nobody could kill it right after an event was kept and before the next
 * thing is done. Without TEST_KILL_AFTER in the environment nothing of this is in the way.
 */

import { SentinelError } from "../core/errors.ts";
import type { IncidentEvent } from "../core/events.ts";
import type { Journal, JournalEntry, Platform } from "../core/ports.ts";

/** After an event of an incident was kept, or while its command runs. */
export const KILL_BOUNDARIES = [
  "incident_opened",
  "evidence_collected",
  "diagnosis_failed",
  "diagnosed",
  "decided",
  "approval_requested",
  "approval_answered",
  "action_started",
  "action_running",
  "action_finished",
  "verification_started",
  "incident_closed",
] as const satisfies readonly (IncidentEvent["type"] | "action_running")[];
export type KillBoundary = (typeof KILL_BOUNDARIES)[number];

/** How long the command runs before Sentinel is killed in the middle of it. */
const KILL_IN_ACTION_MS = 300;

interface Killable {
  readonly journal: Journal;
  readonly platforms: readonly { readonly platform: Platform }[];
}

/**
 * The same journal and platforms, which kill this process where the test wants it.
 *
 * @param text a boundary; without it, nothing is changed
 * @throws SentinelError `configuration` if there is no such boundary
 */
export function withKillHook<T extends Killable>(options: T, text: string | undefined): T {
  if (text === undefined) return options;
  const boundary = KILL_BOUNDARIES.find((name) => name === text);
  if (boundary === undefined)
    throw new SentinelError("configuration", `TEST_KILL_AFTER is ${JSON.stringify(text)}`, {
      hint: `Write one of ${KILL_BOUNDARIES.join(", ")}.`,
    });
  const { journal, platforms } = options;
  const die = () => process.kill(process.pid, "SIGKILL");
  const orDie = async (kept: Promise<JournalEntry>) => {
    const entry = await kept;
    if (entry.type === boundary) die();
    return entry;
  };
  return {
    ...options,
    journal: {
      ...journal,
      record: (entry) => orDie(journal.record(entry)),
      commit: (entry) => orDie(journal.commit(entry)),
    },
    platforms: platforms.map((open) => ({
      ...open,
      platform: {
        ...open.platform,
        act(action, signal, stopTimeoutMs) {
          const running = open.platform.act(action, signal, stopTimeoutMs);
          if (boundary === "action_running") setTimeout(die, KILL_IN_ACTION_MS);
          return running;
        },
      },
    })),
  };
}
