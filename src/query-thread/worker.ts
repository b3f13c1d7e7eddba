/**
 * The thread that answers what strangers ask: an expression may take any time, and whatever it holds up
 * here holds up nothing else. Started from `main.ts` (a compiled executable has no other entry).
 */

import { parentPort } from "node:worker_threads";
import { API_BOUNDS } from "../dashboard/prometheus-api.ts";
import { type Asked, evaluate, failure, type Reply } from "../dashboard/prometheus-evaluated.ts";
import { Mirror } from "./mirror.ts";
import { needsOf } from "./needs.ts";
import type { FromThread, Need, ToThread } from "./wire.ts";

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
    needs = needsOf(asked).map(({ matchers, ...need }) => ({
      ...need,
      ids: Uint32Array.from(mirror.select(matchers), ({ id }) => id),
    }));
  } catch (error) {
    return finish(failure(error));
  }
  if (needs.length === 0) return finish(evaluate(asked, mirror, bounds));
  waiting = asked;
  post({ kind: "need", needs });
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
