/** Asks a service once whether it is well; for a container's HEALTHCHECK. */

import { isHttpUrl } from "../text/url.ts";
import { printable } from "../text/printable.ts";
import { maskText } from "../text/redact.ts";
import { SentinelError } from "../core/errors.ts";
import type { HealthAnswer } from "../core/model.ts";
import { probeHttp } from "../signals/probes/http.ts";

const DEADLINE_MS = 3000;

/** @param url http or https; anything else is an answer that is not ok */
export async function healthcheck(url: string, deadlineMs = DEADLINE_MS): Promise<HealthAnswer> {
  if (!isHttpUrl(url))
    return { ok: false, message: "not an http URL, such as http://127.0.0.1:8000/health" };
  const { ok, message } = await probeHttp({ http: url }, { deadlineMs });
  return { ok, message };
}

const MAX_SHOWN_CHARACTERS = 200;

/** @throws SentinelError `usage` on what `healthcheck` cannot ask, with what was probably meant */
export function requireHttpUrl(text: string): void {
  if (isHttpUrl(text)) return;
  const shown = printable(maskText(text), MAX_SHOWN_CHARACTERS);
  // What many programs take, such as localhost:8000: only the scheme is missing.
  const meant = `http://${shown}`;
  const isHostAndPath = !text.includes("://") && isHttpUrl(meant);
  const example = isHostAndPath ? meant : "an address such as http://127.0.0.1:8000/health";
  throw new SentinelError("usage", `${JSON.stringify(shown)} is no http URL`, {
    hint: `Write ${example}.`,
  });
}
