/** What a person says to a running observer from another terminal: through its journal. */

import { userInfo } from "node:os";
import type { ObserverSettings } from "../config/config.ts";
import {
  answerRequest,
  type KnownServices,
  pause,
  resumeAutomation,
  type Said,
  type Saying,
} from "../decision/operator-commands.ts";
import type { JournalEntry } from "../core/ports.ts";
import { foldIncidents } from "../core/incident-record.ts";
import { watchesLabelled } from "../observer/drivers.ts";
import { sqliteJournal } from "../journals/sqlite.ts";
import { systemClock } from "../observer/system-clock.ts";

export type Order =
  | { readonly kind: "approve" | "deny"; readonly request: string }
  | { readonly kind: "pause"; readonly service?: string; readonly length?: string }
  | { readonly kind: "resume"; readonly service?: string };

/**
 * Writes it into the journal; the observer reads it at its next poll.
 *
 * @returns what it means, as one sentence
 * @throws SentinelError `usage` when it cannot be said, `journal` when there is no journal
 */
export async function operate(order: Order, settings: ObserverSettings): Promise<string> {
  const journal = sqliteJournal(settings.journalPath, { mode: "operator" });
  try {
    const saying = { by: userName(), atMs: systemClock.nowMs() };
    const { entry, meaning } = say(
      order,
      { settings, entries: await journal.readAfter(0) },
      saying,
    );
    await journal.commit(entry);
    return meaning;
  } finally {
    await journal.close();
  }
}

interface Known {
  readonly settings: ObserverSettings;
  readonly entries: readonly JournalEntry[];
}

function say(order: Order, known: Known, saying: Saying): Said {
  const records = foldIncidents(known.entries);
  switch (order.kind) {
    case "approve":
      return answerRequest({ text: order.request, answer: "approved" }, records, saying);
    case "deny":
      return answerRequest({ text: order.request, answer: "denied" }, records, saying);
    case "pause":
      return pause(order, servicesOf(known), saying);
    case "resume":
      return resumeAutomation(order.service, servicesOf(known), saying);
  }
}

/** Those of the settings, and those of which the journal tells: a container may come by its label. */
function servicesOf({ settings, entries }: Known): KnownServices {
  const ofJournal = entries.map(({ service }) => service).filter((name) => name !== "");
  const names = [...new Set([...settings.services.map(({ name }) => name), ...ofJournal])];
  return { names, isComplete: !watchesLabelled(settings) };
}

/** The system may know only the number of a user, such as in a container. */
function userName(): string {
  const { username, uid } = userInfo();
  return username === "" || username === "unknown" ? `user ${uid}` : username;
}
