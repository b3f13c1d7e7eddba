/** The token without which no fault starts, where one is set. */

import { checkBearer } from "../core/bearer.ts";
import { HttpError } from "./http-error.ts";

/**
 * A check of requests.
 *
 * @param token `undefined` lets everybody
 * @returns throws HttpError 401
 */
export function requireToken(token: string | undefined): (request: Request) => void {
  return ({ headers }) => {
    if (token === undefined) return;
    const found = checkBearer(headers.get("authorization"), token);
    if (found === "right") return;
    const message =
      found === "missing"
        ? "starting a fault needs the header Authorization: Bearer, with FAULT_TOKEN"
        : "the token is not the FAULT_TOKEN of this target";
    throw new HttpError(401, "unauthorized", message, {
      field: "authorization",
      headers: { "www-authenticate": 'Bearer realm="faults"' },
    });
  };
}
