/** STAND-IN */
import type { Journal, JournalEntry } from "../core/ports.ts";
export function memoryJournal(entries: JournalEntry[] = []): Journal {
  return {
    append(entry) {
      const kept = {
        ...entry,
        fields: JSON.parse(JSON.stringify(entry.fields)),
        seq: (entries.at(-1)?.seq ?? 0) + 1,
      };
      entries.push(kept);
      return kept;
    },
    readAfter: (seq) => entries.filter((e) => e.seq > seq),
    prune() {},
    close() {},
  };
}
