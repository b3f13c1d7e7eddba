/** PURE: how many requests a service gets, by route and status, now and before. */

import type { RouteTraffic, Surroundings } from "../../core/evidence.ts";
import type { Labels, Sample } from "../../core/model.ts";

/** Counters of requests, the first of which a service has is taken. */
export const REQUEST_COUNTERS = [
  "http_requests_total",
  "http_request_duration_seconds_count",
  "http_server_request_duration_seconds_count",
  "http_server_requests_seconds_count",
  "http_requests_received_total",
  "requests_total",
] as const;

const ROUTE_LABELS = ["route", "http_route", "handler", "path", "uri", "endpoint", "url", "view"];
const STATUS_LABELS = [
  "status",
  "status_code",
  "code",
  "http_status",
  "http_response_status_code",
  "outcome",
];

/** Who asks for these is no user. */
const PROBES =
  /^\/(?:-\/)?(?:actuator\/)?(?:health|healthz|ready|readyz|live|livez|metrics|ping)\b/;

const MAX_ROUTES = 12;
/** Rates of less are what is left of one that has ended. */
const MIN_RATE = 0.001;

interface Counted {
  readonly counter: string;
  /** As `sentinel rules` writes them, such as `job="api"`. */
  readonly selector: string;
  readonly windowMs: number;
  /** How long ago; 0 is now. */
  readonly agoMs: number;
}

/** The rates of one counter by route and status. */
export function trafficQuery({ counter, selector, windowMs, agoMs }: Counted): string {
  const by = [...ROUTE_LABELS, ...STATUS_LABELS].join(", ");
  const offset = agoMs > 0 ? ` offset ${Math.round(agoMs / 1000)}s` : "";
  const range = `${Math.max(Math.round(windowMs / 1000), 1)}s`;
  return `sum by (${by}) (rate(${counter}{${selector}}[${range}]${offset}))`;
}

/**
 * @param now what `trafficQuery` gives
 * @param before as `now`, of before the onset; `undefined` if that is not known
 */
export function trafficOf(
  now: readonly Sample[],
  before: readonly Sample[] | undefined,
): Surroundings["traffic"] {
  const [current, former] = [byRoute(now), before && byRoute(before)];
  if (current.size === 0 && (former?.size ?? 0) === 0) return undefined;
  const keys = new Set([...current.keys(), ...(former?.keys() ?? [])]);
  const all = [...keys].map((key): RouteTraffic => {
    const { route, status } = current.get(key) ?? former?.get(key) ?? { route: "", status: "" };
    const was = former === undefined ? undefined : (former.get(key)?.rate ?? 0);
    return { route, status, now: current.get(key)?.rate ?? 0, before: was };
  });
  const routes = all
    .filter(({ now: is, before: was = 0 }) => Math.max(is, was) >= MIN_RATE)
    .toSorted((a, b) => rank(b) - rank(a) || b.now - a.now);
  return {
    now: total(routes, (one) => one.now),
    before: former && total(routes, (one) => one.before ?? 0),
    known: former && knownOf(routes),
    routes: routes.slice(0, MAX_ROUTES),
    leftOut: Math.max(routes.length - MAX_ROUTES, 0),
  };
}

/** Of the routes that were asked for before as well; `undefined` if none was. */
function knownOf(routes: readonly RouteTraffic[]): NonNullable<Surroundings["traffic"]>["known"] {
  const asked = new Set(
    routes.filter(({ before = 0 }) => before >= MIN_RATE).map(({ route }) => route),
  );
  const known = routes.filter(({ route }) => asked.has(route));
  if (known.length === 0) return undefined;
  return { now: total(known, (one) => one.now), before: total(known, (one) => one.before ?? 0) };
}

function rank({ status }: RouteTraffic): number {
  return /^5|error/i.test(status) ? 1 : 0;
}

function total(routes: readonly RouteTraffic[], of: (one: RouteTraffic) => number): number {
  return routes.reduce((sum, one) => sum + of(one), 0);
}

interface Rated {
  readonly route: string;
  readonly status: string;
  readonly rate: number;
}

function byRoute(samples: readonly Sample[]): ReadonlyMap<string, Rated> {
  const rates = new Map<string, Rated>();
  for (const { labels, value } of samples) {
    const route = first(labels, ROUTE_LABELS);
    if (!Number.isFinite(value) || PROBES.test(route)) continue;
    const status = first(labels, STATUS_LABELS);
    const key = `${route}\n${status}`;
    rates.set(key, { route, status, rate: (rates.get(key)?.rate ?? 0) + value });
  }
  return rates;
}

function first(labels: Labels, names: readonly string[]): string {
  for (const name of names) if (labels[name]) return labels[name];
  return "";
}
