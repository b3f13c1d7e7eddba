/** The token without which no fault starts, where one is set. */

import { createHash, timingSafeEqual } from "node:crypto";
import { HttpError } from "./http-error.ts";

/**
 * A check of requests, in a time that does not tell how much of a guess was right.
 *
 * @param token `undefined` lets everybody
 * @returns throws HttpError 401
 */
export function requireToken(token: string | undefined): (request: Request) => void {
  if (token === undefined) return () => {};
  // Of the same length whatever is compared.
  const expected = digest(token);
  return ({ headers }) => {
    const [, given] = /^Bearer +(\S+)$/i.exec(headers.get("authorization") ?? "") ?? [];
    if (given !== undefined && timingSafeEqual(digest(given), expected)) return;
    const message =
      given === undefined
        ? "starting a fault needs the header Authorization: Bearer, with FAULT_TOKEN"
        : "the token is not the FAULT_TOKEN of this target";
    throw new HttpError(401, "unauthorized", message, {
      field: "authorization",
      headers: { "www-authenticate": 'Bearer realm="faults"' },
    });
  };
}

function digest(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
}
