/** A journal that is far away, as a server's would be: each thing takes a while, and all in their order. */

import { createLock } from "../../src/core/lock.ts";
import type { Journal } from "../../src/core/ports.ts";
import { memoryJournal } from "../../src/journals/memory.ts";

export function slowJournal(inner: Journal = memoryJournal()): Journal {
  const turns = createLock();
  const inTurn = async <T>(work: () => Promise<T>): Promise<T> => {
    using _ = await turns.acquire();
    await Bun.sleep(0);
    const done = await work();
    await Bun.sleep(0);
    return done;
  };
  return {
    record(entry) {
      const now = structuredClone(entry);
      return inTurn(() => inner.record(now));
    },
    commit(entry) {
      const now = structuredClone(entry);
      return inTurn(() => inner.commit(now));
    },
    readAfter: (seq) => inTurn(() => inner.readAfter(seq)),
    saveState: (name, text) => inTurn(() => inner.saveState(name, text)),
    readStates: () => inTurn(() => inner.readStates()),
    prune: (limits) => inTurn(() => inner.prune(limits)),
    close: () => inTurn(() => inner.close()),
  };
}
