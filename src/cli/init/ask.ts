/** Asks a container at its ports what it speaks: by GET, and by what begins a session, and nothing else. */

import type { ProbedHealth } from "../../core/health.ts";
import { fetchPage } from "../../signals/embedded/scrape-page.ts";
import { probe } from "../../signals/probes/probes.ts";
import type { FoundContainer, FoundPort } from "./found.ts";

/** What the file says of a service, and why. */
export interface Suggestion {
  readonly container: FoundContainer;
  readonly health: string;
  readonly healthWhy: string;
  /** An address, or `none`. */
  readonly metrics: string;
  readonly metricsWhy: string;
}

const DEADLINE_MS = 2000;
const MAX_PAGE_BYTES = 10 * 1024 * 1024;
/** Ports that are asked of one container; a range of published ports speaks the same on all of them. */
const MAX_PORTS = 6;

/** Where services say that they are well, the most telling first. */
const HEALTH_PATHS = ["/health", "/healthz", "/-/healthy", "/"];

interface Known {
  readonly port: number;
  /** Matches the image's name without its registry and tag. */
  readonly image: RegExp;
  readonly says: string;
  readonly address: (at: string) => string;
  readonly health: (address: string) => ProbedHealth;
}

const KNOWN: readonly Known[] = [
  {
    port: 6379,
    image: /^(redis|redis-stack(-server)?|valkey|keydb|dragonfly)$/,
    says: "answers PING",
    address: (at) => `redis://${at}`,
    health: (redis) => ({ redis }),
  },
  {
    port: 5432,
    image: /^(postgres|postgresql|postgis|timescaledb(-ha)?|pgvector)$/,
    says: "takes sessions",
    address: (at) => `postgres://${at}`,
    health: (postgres) => ({ postgres }),
  },
  {
    port: 50_051,
    image: /^$/,
    says: "says SERVING",
    address: (at) => `grpc://${at}`,
    health: (grpc) => ({ grpc }),
  },
];

type Health = Pick<Suggestion, "health" | "healthWhy">;
type Metrics = Pick<Suggestion, "metrics" | "metricsWhy">;

/** Never rejects. */
export async function askContainer(
  container: FoundContainer,
  abort: AbortSignal,
): Promise<Suggestion> {
  const ports = container.ports.slice(0, MAX_PORTS);
  const [health, metrics] = await Promise.all([
    container.hasHealthcheck
      ? { health: "container", healthWhy: "its HEALTHCHECK" }
      : findHealth(container, ports, abort),
    findMetrics(container, ports, abort),
  ]);
  return { container, ...health, ...metrics };
}

/** By its ports that are published: an address of its own network may be another at its next start. */
async function findHealth(
  container: FoundContainer,
  ports: readonly FoundPort[],
  abort: AbortSignal,
): Promise<Health> {
  let other: Health | undefined;
  for (const { port, published } of ports) {
    if (published === undefined) continue;
    const known = KNOWN.find((one) => isKnown(one, port, container));
    const found =
      known === undefined
        ? await findHttp(published, abort)
        : await askKnown(known, published, abort);
    if (found !== undefined && !found.health.startsWith("tcp://")) return found;
    other ??= found;
  }
  const why = ports.some(({ published }) => published !== undefined)
    ? "that it runs: no port that is published answers"
    : "that it runs: it has no HEALTHCHECK and no port that is published";
  return other ?? { health: "container", healthWhy: why };
}

function isKnown({ port, image }: Known, own: number, container: FoundContainer): boolean {
  return port === own || image.test(nameOf(container.image));
}

/** `redis` of `registry:5000/library/redis:7@sha256:...`. */
function nameOf(image: string): string {
  const last = image.split("/").at(-1) ?? "";
  return last.split(/[:@]/)[0] ?? "";
}

async function askKnown(
  { address, health, says }: Known,
  published: string,
  abort: AbortSignal,
): Promise<Health | undefined> {
  const url = address(published);
  const { ok } = await probe(health(url), { deadlineMs: DEADLINE_MS, abort });
  return ok ? { health: url, healthWhy: says } : await takesConnections(published, abort);
}

/** One that speaks HTTP and says nowhere that it is well is asked for a connection alone. */
async function findHttp(published: string, abort: AbortSignal): Promise<Health | undefined> {
  for (const path of HEALTH_PATHS) {
    const http = `http://${published}${path}`;
    const { ok, statusCode } = await probe({ http }, { deadlineMs: DEADLINE_MS, abort });
    if (ok) return { health: http, healthWhy: `answers ${statusCode}` };
    // It does not speak HTTP, so the other paths would not either.
    if (statusCode === undefined) break;
  }
  return await takesConnections(published, abort);
}

async function takesConnections(
  published: string,
  abort: AbortSignal,
): Promise<Health | undefined> {
  const tcp = `tcp://${published}`;
  const { ok } = await probe({ tcp }, { deadlineMs: DEADLINE_MS, abort });
  return ok ? { health: tcp, healthWhy: "takes connections" } : undefined;
}

async function findMetrics(
  container: FoundContainer,
  ports: readonly FoundPort[],
  abort: AbortSignal,
): Promise<Metrics> {
  let inside: number | undefined;
  for (const { port, published, inside: address } of ports) {
    const at = published ?? address;
    // It would note a request of HTTP as an attack.
    if (at === undefined || KNOWN.some((one) => isKnown(one, port, container))) continue;
    const url = `http://${at}/metrics`;
    const series = await countSeries(url, abort);
    if (series === 0) continue;
    if (published !== undefined) return { metrics: url, metricsWhy: `${series} series` };
    inside ??= port;
  }
  const metricsWhy =
    inside === undefined ? "" : `/metrics answers on port ${inside}, which is not published`;
  return { metrics: "none", metricsWhy };
}

const SAMPLE = /^[a-zA-Z_:][\w:.]*(\{.*\})?\s+[-+]?(\d|\.\d|Inf|NaN)/;

/** 0 if nothing answers there, or something else than metrics. */
async function countSeries(url: string, abort: AbortSignal): Promise<number> {
  const request = { url, deadlineMs: DEADLINE_MS, maxBytes: MAX_PAGE_BYTES };
  const page = await fetchPage(request, abort);
  if (page.kind === "failed") return 0;
  const lines = page.text.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("#"));
  return lines.every((line) => SAMPLE.test(line)) ? lines.length : 0;
}
