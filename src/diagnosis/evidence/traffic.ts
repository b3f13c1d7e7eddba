/** PURE: how many requests a service gets, by route and status, now and before. */

import type { RouteTraffic, Surroundings } from "../../core/evidence.ts";
import type { Labels, Sample } from "../../core/model.ts";
import { GRPC_ERROR_LABELS, HTTP_ERROR_LABELS } from "../../rules/conventions/error-labels.ts";
import { TRAFFIC_CONVENTIONS } from "../../rules/conventions/traffic.ts";

/** What counts requests, by every convention that is known, the best first. */
const COUNTERS = TRAFFIC_CONVENTIONS.flatMap(({ counters, durations }) => [
  ...counters,
  ...durations.flatMap(({ metric, isMean }) => (isMean ? [] : [`${metric}_count`])),
]);

/** A service that cannot be scraped now had its counters until then. */
const HAD_WITHIN = "10m";

/** Which of the counters the service has, or had until it could not be scraped any more. */
export function countersQuery(selector: string): string {
  const names = `__name__=~${JSON.stringify(COUNTERS.join("|"))}`;
  return `count by (__name__) (last_over_time({${names},${selector}}[${HAD_WITHIN}]))`;
}

/** @param found what `countersQuery` gives */
export function counterOf(found: readonly Sample[]): string | undefined {
  const names = new Set(found.map(({ labels }) => labels["__name__"]));
  return COUNTERS.find((name) => names.has(name));
}

const ROUTE_LABELS = [
  "route",
  "http_route",
  "handler",
  "path",
  "uri",
  "endpoint",
  "url",
  "view",
  "grpc_method",
];
const STATUS_LABELS = [
  ...new Set([...HTTP_ERROR_LABELS, ...GRPC_ERROR_LABELS].map(({ name }) => name)),
];

/** Who asks for these is no user. */
const PROBED =
  "/(?:-/)?(?:actuator/)?(?:health|healthz|ready|readyz|live|livez|metrics|ping)(?:/.*)?";
const PROBES = new RegExp(`^${PROBED}$`);

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

/** All requests of one counter, without probes and scrapes, as one series. */
export function requestsQuery({ counter, selector, windowMs }: Omit<Counted, "agoMs">): string {
  const users = ROUTE_LABELS.map((label) => `${label}!~"${PROBED}"`).join(",");
  const range = `${Math.max(Math.round(windowMs / 1000), 1)}s`;
  return `sum(rate(${counter}{${selector},${users}}[${range}]))`;
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
    const is = current.size === 0 ? undefined : (current.get(key)?.rate ?? 0);
    return { route, status, now: is, before: was };
  });
  const routes = all
    .filter(({ now: is = 0, before: was = 0 }) => Math.max(is, was) >= MIN_RATE)
    .toSorted((a, b) => rank(b) - rank(a) || (b.now ?? 0) - (a.now ?? 0));
  return {
    now: current.size === 0 ? undefined : total(routes, (one) => one.now ?? 0),
    before: former && total(routes, (one) => one.before ?? 0),
    known: former && current.size > 0 ? knownOf(routes) : undefined,
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
  return {
    now: total(known, (one) => one.now ?? 0),
    before: total(known, (one) => one.before ?? 0),
  };
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
