/** What faults do to ordinary requests: which of them, in which order, and until when. */

import { MAX_DURATION_MS } from "./fault.ts";
import { clientGone, HttpError } from "./http-error.ts";
import { whenAborted } from "../core/abort.ts";

/** What one fault does to one request. */
export type Effect =
  | { readonly kind: "delay"; readonly delayMs: number; readonly onOver?: (tookMs: number) => void }
  | { readonly kind: "hang" }
  | { readonly kind: "status"; readonly status: number };

export interface TrafficRule {
  readonly matches: (path: string) => boolean;
  /** Asked once for each matching request, in the order of their arrival. */
  readonly decide: () => Effect | undefined;
}

export interface Traffic {
  /** Applies the rule until the signal aborts; requests that wait by it then go on. */
  apply(rule: TrafficRule, signal: AbortSignal): Promise<void>;
  /**
   * What is done to this request before it is served, and instead.
   *
   * @returns `undefined` when nothing is done to it; a promise of `undefined` when it was only delayed
   */
  affect(path: string, request: Request): Promise<Response | undefined> | undefined;
}

interface ActiveRule extends TrafficRule {
  readonly signal: AbortSignal;
}

/** A late failure is late first, and what hangs is never answered. */
const ORDER = { delay: 0, hang: 1, status: 2 } as const satisfies Record<Effect["kind"], number>;

export function createTraffic(): Traffic {
  const rules = new Set<ActiveRule>();

  return {
    async apply(rule, signal) {
      const active = { ...rule, signal };
      rules.add(active);
      await whenAborted(signal);
      rules.delete(active);
    },
    affect(path, request) {
      // The way out stays open, whatever a fault names.
      if (rules.size === 0 || request.method === "DELETE") return undefined;
      const effects = [...rules]
        .filter(({ matches }) => matches(path))
        .flatMap(({ decide, signal }) => {
          const effect = decide();
          return effect === undefined ? [] : [{ effect, signal }];
        })
        .sort((a, b) => ORDER[a.effect.kind] - ORDER[b.effect.kind]);
      return effects.length === 0 ? undefined : suffer(effects, request.signal);
    },
  };
}

interface DueEffect {
  readonly effect: Effect;
  /** The fault's signal: when it aborts, the effect is over. */
  readonly signal: AbortSignal;
}

async function suffer(
  effects: readonly DueEffect[],
  client: AbortSignal,
): Promise<Response | undefined> {
  for (const { effect, signal } of effects) {
    switch (effect.kind) {
      case "delay": {
        const fromMs = performance.now();
        // Ended early, it is no measure of the delay.
        if (await passes(effect.delayMs, [signal, client]))
          effect.onOver?.(performance.now() - fromMs);
        if (client.aborted) return clientGone().toResponse();
        break;
      }
      case "hang":
        await passes(MAX_DURATION_MS, [signal, client]);
        if (client.aborted) return clientGone().toResponse();
        return new HttpError(503, "hung", "the request hung until its fault ended").toResponse();
      case "status":
        return injected(effect.status).toResponse();
    }
  }
  return undefined;
}

/**
 * Waits, but no longer than all signals last. Not by `AbortSignal.any`: what it makes would stay with the
 * fault's signal after each request, for as long as the fault is active.
 *
 * @returns whether the whole time passed
 */
async function passes(delayMs: number, signals: readonly AbortSignal[]): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const cut = () => resolve(false);
  const timer = setTimeout(() => resolve(true), delayMs);
  for (const signal of signals) {
    signal.addEventListener("abort", cut, { once: true });
    if (signal.aborted) cut();
  }
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    for (const signal of signals) signal.removeEventListener("abort", cut);
  }
}

/** What a request that is hit by an error is answered. */
export function injected(status: number): HttpError {
  return new HttpError(status, "injected", "this answer was asked for by a fault");
}
