/** The token without which no fault starts, where one is set. */

import { createTokenGate, type TokenRefusal } from "../core/token-gate.ts";
import type { EmitEvent } from "./events.ts";
import { HttpError } from "./http-error.ts";

interface TokenDependencies {
  readonly emit: EmitEvent;
  /** A clock that never goes back. */
  readonly nowMs: () => number;
  /** The address of whoever sent a request. */
  readonly addressOf: (request: Request) => string;
  /** Counts what was refused. */
  readonly onRefused: (refusal: TokenRefusal) => void;
}

const MESSAGES = {
  missing: "starting a fault needs the header Authorization: Bearer, with FAULT_TOKEN",
  wrong: "the token is not the FAULT_TOKEN of this target",
  throttled: "too many wrong tokens came from this address",
} as const satisfies Record<TokenRefusal, string>;

/**
 * A check of requests.
 *
 * @param token `undefined` lets everybody
 * @returns throws HttpError 401, or 429 to whoever guesses
 */
export function requireToken(
  token: string | undefined,
  { emit, nowMs, addressOf, onRefused }: TokenDependencies,
): (request: Request) => void {
  if (token === undefined) return () => {};
  const gate = createTokenGate(token);
  return (request) => {
    const address = addressOf(request);
    const answer = gate.check(request.headers.get("authorization"), address, nowMs());
    if (answer.kind === "right") return;
    const { kind, retryAfterS, toTell } = answer;
    onRefused(kind);
    if (toTell !== undefined)
      emit("warning", "token_refused", { address, reason: kind, refusals: toTell });
    const details = { field: "authorization" };
    if (kind === "throttled")
      throw new HttpError(429, "too_many_attempts", MESSAGES[kind], {
        ...details,
        headers: { "retry-after": String(retryAfterS) },
      });
    throw new HttpError(401, "unauthorized", MESSAGES[kind], {
      ...details,
      headers: { "www-authenticate": 'Bearer realm="faults"' },
    });
  };
}
