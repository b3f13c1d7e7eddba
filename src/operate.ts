/** What a person says to a running observer from another terminal: through its journal. */

import { userInfo } from "node:os";
import type { ObserverSettings } from "./config.ts";
import { answerRequest, pause, resumeAutomation, type Said, type Saying } from "./core/operator.ts";
import { foldIncidents } from "./core/record.ts";
import { systemClock } from "./drivers.ts";
import { sqliteJournal } from "./journals/sqlite.ts";

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
export function operate(order: Order, { journalPath }: ObserverSettings): string {
  const journal = sqliteJournal(journalPath, { mode: "operator" });
  try {
    const records = foldIncidents(journal.readAfter(0));
    const saying = { by: userInfo().username, atMs: systemClock.nowMs() };
    const { entry, meaning } = say(order, records, saying);
    journal.append(entry, "now");
    return meaning;
  } finally {
    journal.close();
  }
}

function say(order: Order, records: ReturnType<typeof foldIncidents>, saying: Saying): Said {
  switch (order.kind) {
    case "approve":
      return answerRequest({ text: order.request, answer: "approved" }, records, saying);
    case "deny":
      return answerRequest({ text: order.request, answer: "denied" }, records, saying);
    case "pause":
      return pause(order, saying);
    case "resume":
      return resumeAutomation(order.service, saying);
  }
}
