/** A journal that ends with its process: for the demo, and for tests. */

import { SentinelError } from "../core/errors.ts";
import type { Journal, JournalEntry, JournalLimits, NewJournalEntry } from "../core/ports.ts";

/** As a file would keep it: what an entry has afterwards is what its JSON has. */
export function memoryJournal(): Journal {
  let entries: JournalEntry[] = [];
  const states = new Map<string, string>();
  let lastSeq = 0;
  let isClosed = false;
  const requireOpen = () => {
    if (isClosed) throw new SentinelError("journal_unavailable", "the journal is closed");
  };
  const add = (entry: NewJournalEntry): JournalEntry => {
    requireOpen();
    lastSeq += 1;
    const fields: JournalEntry["fields"] = JSON.parse(JSON.stringify(entry.fields));
    const added = { ...entry, seq: lastSeq, fields };
    entries.push(added);
    return added;
  };
  return {
    record: async (entry) => add(entry),
    commit: async (entry) => add(entry),
    async readAfter(seq) {
      requireOpen();
      return entries.filter((entry) => entry.seq > seq);
    },
    async saveState(name, text) {
      requireOpen();
      if (text === undefined) states.delete(name);
      else states.set(name, text);
    },
    async readStates() {
      requireOpen();
      return new Map(states);
    },
    async prune(limits) {
      requireOpen();
      entries = kept(entries, limits);
    },
    async close() {
      isClosed = true;
    },
  };
}

function kept(
  entries: readonly JournalEntry[],
  { beforeMs, maxBytes }: JournalLimits,
): JournalEntry[] {
  let excess = bytesOf(entries) - maxBytes;
  const forgotten = new Set<JournalEntry>();
  for (const unit of forgettable(entries)) {
    const isOld = Math.max(...unit.map(({ atMs }) => atMs)) < beforeMs;
    if (!isOld && excess <= 0) continue;
    excess -= bytesOf(unit);
    for (const entry of unit) forgotten.add(entry);
  }
  return entries.filter((entry) => !forgotten.has(entry));
}

/** Oldest first: closed incidents whole, and of what is outside of them what was replaced. */
function forgettable(entries: readonly JournalEntry[]): readonly (readonly JournalEntry[])[] {
  const newest = new Map(
    entries
      .filter(({ incident }) => incident === undefined)
      .map((entry) => [`${entry.type} ${entry.service}`, entry.seq]),
  );
  const isReplaced = ({ incident, type, service, seq }: JournalEntry) =>
    incident === undefined && newest.get(`${type} ${service}`) !== seq;
  const lastOf = (unit: readonly JournalEntry[]) => unit.at(-1)?.seq ?? 0;
  return [...Map.groupBy(entries, ({ incident, seq }) => incident ?? seq).values()]
    .filter((unit) => hasEnded(unit) || unit.some((entry) => isReplaced(entry)))
    .toSorted((a, b) => lastOf(a) - lastOf(b));
}

/** Each of that name, if two services share it. */
function hasEnded(unit: readonly JournalEntry[]): boolean {
  const count = (type: string) => unit.filter((entry) => entry.type === type).length;
  return count("incident_closed") > 0 && count("incident_closed") >= count("incident_opened");
}

function bytesOf(entries: readonly JournalEntry[]): number {
  return entries.reduce((sum, { fields }) => sum + JSON.stringify(fields).length, 0);
}
