/** One bounded GET of a metrics page: deadline, size, redirects, and a closed list of failures. */

import { exactSeconds } from "../../text/time.ts";
import { printable } from "../../text/printable.ts";
import { readBody, unpacked } from "../body.ts";

/** Why a scrape failed. Closed: a person and a page can rely on it. */
const SCRAPE_FAILURES = [
  "timeout",
  "unreachable",
  "bad_status",
  "redirected",
  "not_metrics",
  "body_too_large",
  "bad_lines",
  "too_many_samples",
  "too_many_series",
  "too_costly",
] as const;
export type ScrapeFailure = (typeof SCRAPE_FAILURES)[number];

/** A page that came whole and is too much for Sentinel: the service answers, and is not to blame. */
const REFUSALS: readonly ScrapeFailure[] = [
  "body_too_large",
  "too_many_samples",
  "too_many_series",
  "too_costly",
];

export function isRefusal(failure: ScrapeFailure): boolean {
  return REFUSALS.includes(failure);
}

/** What answers a request for metrics by saying that it has none there. */
const NO_METRICS: readonly ScrapeFailure[] = ["bad_status", "not_metrics", "redirected"];

export function hasNoMetrics(failure: ScrapeFailure): boolean {
  return NO_METRICS.includes(failure);
}

/** `message` is one line for people, without credentials. */
export interface ScrapeFailed {
  readonly kind: "failed";
  readonly failure: ScrapeFailure;
  readonly message: string;
}

export interface MetricsPage {
  readonly kind: "page";
  readonly text: string;
  /** Whether it is OpenMetrics, whose times are in seconds. */
  readonly openMetrics: boolean;
}

interface PageRequest {
  /** May hold a user and password, which are sent to this origin only. */
  readonly url: string;
  /** The deadline of the whole exchange, the body included. */
  readonly deadlineMs: number;
  /** The largest body, after decompression. */
  readonly maxBytes: number;
}

/** Never rejects. When the caller's signal aborts, the failure is `timeout`. */
export type FetchPage = (
  request: PageRequest,
  signal: AbortSignal,
) => Promise<MetricsPage | ScrapeFailed>;

const MAX_REDIRECTS = 3;
/** Prometheus' text format; a server that has only OpenMetrics may answer with that. */
const ACCEPT = "text/plain;version=0.0.4;q=1,application/openmetrics-text;q=0.5,*/*;q=0.1";
const OPEN_METRICS = "application/openmetrics-text";

/**
 * The page at the URL, by GET.
 *
 * No proxy is used, whatever the environment says: like Prometheus, and because Docker puts the
 * user's HTTP_PROXY into containers, where it would be asked for 127.0.0.1. Redirects are followed
 * within the origin, at most three.
 */
export const fetchPage: FetchPage = async (request, caller) => {
  const deadline = AbortSignal.timeout(request.deadlineMs);
  const hangUp = new AbortController();
  const signal = AbortSignal.any([caller, deadline, hangUp.signal]);
  try {
    return await getPage(request, signal);
  } catch (thrown) {
    if (deadline.aborted)
      return failed("timeout", `no whole answer within ${exactSeconds(request.deadlineMs)}`);
    if (caller.aborted) return failed("timeout", "cancelled");
    return failed("unreachable", `cannot be reached (${codeOf(thrown)})`);
  } finally {
    // The rest of the body is not needed.
    hangUp.abort();
  }
};

async function getPage(
  { url, maxBytes }: PageRequest,
  signal: AbortSignal,
): Promise<MetricsPage | ScrapeFailed> {
  let address = new URL(url);
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
    const response = await fetch(address, {
      signal,
      proxy: false,
      redirect: "manual",
      headers: { accept: ACCEPT, "accept-encoding": "gzip" },
      decompress: false,
    });
    const location = response.headers.get("location");
    if (response.status < 300 || response.status >= 400 || location === null)
      return readPage(response, maxBytes);
    const next = URL.parse(location, address);
    if (next?.origin !== address.origin)
      return failed("redirected", `redirects to ${printable(next?.origin ?? "no address", 100)}`);
    next.username = address.username;
    next.password = address.password;
    address = next;
  }
  return failed("redirected", `redirects more than ${MAX_REDIRECTS} times`);
}

async function readPage(response: Response, maxBytes: number): Promise<MetricsPage | ScrapeFailed> {
  if (response.status !== 200)
    return failed("bad_status", `answered with status ${response.status}`);
  const type = (response.headers.get("content-type") ?? "").split(";")[0]?.trim().toLowerCase();
  // A missing or unusual type of text may still be metrics; these cannot be.
  const text = type === "" || type === OPEN_METRICS || type?.startsWith("text/") === true;
  if (!text || type === "text/html") return notMetrics(`is ${printable(type ?? "", 60)}`);
  const body = await readBody({ body: unpacked(response) }, maxBytes);
  if (body === undefined) return failed("body_too_large", `sent more than ${maxBytes} bytes`);
  if (body.trimStart().startsWith("<")) return notMetrics("begins with <");
  return { kind: "page", text: body, openMetrics: type === OPEN_METRICS };
}

function notMetrics(what: string): ScrapeFailed {
  return failed("not_metrics", `answered, but not with metrics: it ${what}; is the path right?`);
}

/** The code alone: messages of `fetch` may repeat the address with its password. */
function codeOf(thrown: unknown): string {
  const code = thrown instanceof Error && "code" in thrown ? thrown.code : undefined;
  return typeof code === "string" ? printable(code, 60) : "no connection";
}

export function failed(failure: ScrapeFailure, message: string): ScrapeFailed {
  return { kind: "failed", failure, message };
}
