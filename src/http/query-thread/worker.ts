/**
 * The thread that answers queries from outside: an expression may take any time, and whatever it holds up
 * here holds up nothing else. Started from `main.ts` (a compiled executable has no other entry).
 */

import { setPriority } from "node:os";
import { parentPort } from "node:worker_threads";
import { API_BOUNDS } from "../prometheus-api/api.ts";
import type { Asked, Reply } from "../prometheus-api/endpoint.ts";
import { evaluate, failure } from "../prometheus-api/evaluated.ts";
import { Mirror } from "./mirror.ts";
import { needsOf } from "./needs.ts";
import type { FromThread, Need, ToThread } from "./wire.ts";

/** What waits for the other threads is more urgent than what is asked here. */
const NICENESS = 10;

try {
  // On Linux that is this thread's alone.
  if (process.platform === "linux") setPriority(NICENESS);
} catch {
  // Without the permission it competes with the other threads.
}

const mirror = new Mirror();
let bounds = API_BOUNDS;
let waiting: Asked | undefined;

parentPort?.on("message", (message: ToThread) => {
  switch (message.kind) {
    case "begin":
      bounds = message.bounds;
      return;
    case "series":
      mirror.change(message.added, message.removed);
      return;
    case "ask":
      return begin(message.asked);
    case "samples":
      mirror.load(message.samples);
      if (waiting !== undefined) finish(evaluate(waiting, mirror, bounds));
      mirror.unload();
  }
});

function begin(asked: Asked): void {
  let needs: readonly Need[];
  try {
    needs = joinNeeds(asked);
  } catch (error) {
    return finish(failure(error));
  }
  if (needs.length === 0) return finish(evaluate(asked, mirror, bounds));
  waiting = asked;
  post({ kind: "need", needs });
}

/** Each series once: the same may be asked for hundreds of times. */
function joinNeeds(asked: Asked): Need[] {
  const joined = new Map<number, Part>();
  for (const { matchers, ...need } of needsOf(asked))
    for (const { id } of mirror.select(matchers)) {
      const known = joined.get(id);
      joined.set(id, known === undefined ? need : join(known, need));
    }
  const ids = Map.groupBy(joined.keys(), (id) => JSON.stringify(joined.get(id)));
  return [...ids.values()].flatMap((those) => {
    const need = joined.get(those[0] ?? Number.NaN);
    return need === undefined ? [] : [{ ...need, ids: Uint32Array.from(those) }];
  });
}

type Part = Omit<Need, "ids">;

function join(one: Part, other: Part): Part {
  if (one.which === "ends" || one === other) return one;
  const isSame = one.which === other.which && one.toMs === other.toMs;
  return {
    fromMs: Math.min(one.fromMs, other.fromMs),
    toMs: Math.max(one.toMs, other.toMs),
    which: isSame ? one.which : "all",
  };
}

function finish({ status, body }: Reply): void {
  waiting = undefined;
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  parentPort?.postMessage({ kind: "reply", status, body: bytes } satisfies FromThread, [
    bytes.buffer,
  ]);
}

function post(message: FromThread): void {
  parentPort?.postMessage(message);
}
