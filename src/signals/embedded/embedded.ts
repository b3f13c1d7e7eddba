/** Sentinel as its own Prometheus: it scrapes, keeps what it got in memory, and evaluates over it. */

import { messageOf, SentinelError } from "../../core/errors.ts";
import type { Sample, Series } from "../../core/model.ts";
import type { Clock, RangeSpan, SignalSource } from "../../core/ports.ts";
import type { Expression } from "../../promql/ast.ts";
import { PromqlError } from "../../promql/errors.ts";
import { evaluateInstant, evaluateRange } from "../../promql/evaluate.ts";
import { parseExpression } from "../../promql/parse.ts";
import type { DockerApi } from "../../platforms/docker/api.ts";
import type { ContainerProblem, Wanted } from "./container-list.ts";
import { readContainers, renderContainers } from "./containers.ts";
import { type FetchPage, failed } from "./scrape-page.ts";
import { RuleLimits } from "./rule-limits.ts";
import type { ScrapeTarget, TargetState } from "./scrape-target.ts";
import { createScraper } from "./scraper.ts";
import { createSeriesStore, type MemoryStore } from "./store.ts";

export interface EmbeddedOptions {
  readonly targets: readonly ScrapeTarget[];
  readonly intervalMs: number;
  readonly clock: Clock;
  /** Without it, Docker is not asked. */
  readonly docker?: EmbeddedDocker;
}

interface EmbeddedDocker {
  readonly api: DockerApi;
  readonly wanted: Wanted;
}

export interface EmbeddedSource extends SignalSource {
  readonly store: MemoryStore;
  /** At which queries are evaluated: of the wall clock, as are the samples' times. */
  presentMs(): number;
  /** Docker's pseudo-target is the last, if it is asked. */
  targets(): readonly TargetState[];
  /** Containers with the label, running or not, as Docker last told. */
  labelledContainers(): readonly string[];
  /** Containers that cannot be watched, or not told of, for two looks in a row. */
  containerProblems(): readonly ContainerProblem[];
  /** Why Docker gave no answer when it was last asked; `undefined` if it did, or is not asked. */
  dockerError(): string | undefined;
  /** Every target once. */
  scrapeOnce(signal: AbortSignal): Promise<void>;
  /** Scrapes until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
  /** Resolves when every target has been scraped, with or without success, or the signal aborts. */
  firstScrape(signal: AbortSignal): Promise<void>;
}

/** The job of the series that tell of containers. */
const DOCKER_JOB = "docker";

/** A user's `up == 0` is about scraped targets, and this is none. */
const OWN_PREFIX = "sentinel_";

/** Docker counts CPU and memory once a second, and keeps an asker waiting until then. */
const MIN_DOCKER_INTERVAL_MS = 2000;

/** How often it is looked whether the first scrape has ended. */
const FIRST_SCRAPE_LOOK_MS = 20;

const MAX_CACHED_EXPRESSIONS = 1000;

/** How much of an expression, and of what is wrong with it, a message repeats. */
const MAX_QUOTED = 300;

/**
 * Queries are evaluated at the clock's present, over what has been scraped until then.
 *
 * @throws RangeError on targets that cannot be scraped apart
 */
export function embeddedSource(options: EmbeddedOptions): EmbeddedSource {
  const { targets, intervalMs, clock, docker } = options;
  if (docker !== undefined && targets.some(({ job }) => job === DOCKER_JOB))
    throw new RangeError(
      `the job ${DOCKER_JOB} is that of what Docker says: give yours another name`,
    );
  const store = createSeriesStore();
  const writers = targets.length + (docker === undefined ? 0 : 1);
  const shared = { store, clock, intervalMs, writers };
  const scraper = createScraper({ targets, ...shared });
  const containers = docker && createContainerScraper(docker, shared);
  const parse = createParser();
  const ruleLimits = new RuleLimits();

  const allTargets = () => [...scraper.targets(), ...(containers?.scraper.targets() ?? [])];

  const presentMs = () => store.timeOf(clock.nowMs(), clock);

  return {
    store,
    presentMs,
    targets: allTargets,
    labelledContainers: () => containers?.labelled() ?? [],
    containerProblems: () => containers?.problems() ?? [],
    dockerError: () =>
      containers?.scraper.targets().find(({ health }) => health === "down")?.lastError,

    async scrapeOnce(signal) {
      await Promise.all([scraper.scrapeAll(signal), containers?.scraper.scrapeAll(signal)]);
    },

    async run(signal) {
      await Promise.all([scraper.run(signal), containers?.scraper.run(signal)]);
    },

    async firstScrape(signal) {
      const isScraped = () => allTargets().every(({ health }) => health !== "unknown");
      while (!isScraped() && !signal.aborted) await clock.sleep(FIRST_SCRAPE_LOOK_MS, signal);
    },

    query: (expr, signal) =>
      answer({ expr, signal }, (): readonly Sample[] => {
        const atMs = presentMs();
        const value = ruleLimits.within(expr, (limits) =>
          evaluateInstant(parse(expr), store, { atMs, limits }),
        );
        if (value.type === "vector") return value.samples;
        if (value.type === "scalar")
          return [{ labels: {}, value: value.value, timestampMs: value.timestampMs }];
        throw rejected(expr, `it gives a ${value.type}, where an instant vector is needed`);
      }),

    range: (expr, { durationMs, stepMs }: RangeSpan, signal) =>
      answer({ expr, signal }, (): readonly Series[] => {
        const endMs = presentMs();
        const span = { startMs: endMs - durationMs, endMs, stepMs: Math.max(stepMs, 1) };
        return ruleLimits.within(expr, (limits) =>
          evaluateRange(parse(expr), store, { ...span, limits }),
        );
      }),

    scrapeIntervalMs: (job) => {
      const target = allTargets().find(({ labels }) => labels["job"] === job);
      return Promise.resolve(target?.intervalMs);
    },
  };
}

/** Rules are asked again at every poll; what a person asks may be anything. */
function createParser(): (expr: string) => Expression {
  const parsed = new Map<string, Expression>();
  return (expr) => {
    const known = parsed.get(expr);
    if (known !== undefined) return known;
    const expression = parseExpression(expr);
    if (parsed.size >= MAX_CACHED_EXPRESSIONS) parsed.clear();
    parsed.set(expr, expression);
    return expression;
  };
}

interface Question {
  readonly expr: string;
  readonly signal: AbortSignal;
}

async function answer<T>({ expr, signal }: Question, evaluate: () => T): Promise<T> {
  if (signal.aborted) throw new SentinelError("source_unreachable", "the query was cancelled");
  try {
    return evaluate();
  } catch (error) {
    if (error instanceof PromqlError) throw rejected(expr, error.message, error);
    throw error;
  }
}

function rejected(expr: string, why: string, cause?: unknown): SentinelError {
  const shown = expr.length > MAX_QUOTED ? `${expr.slice(0, MAX_QUOTED)}...` : expr;
  const message = `cannot evaluate ${shown}: ${why.slice(0, MAX_QUOTED)}`;
  return new SentinelError("source_rejected", message, { cause });
}

interface ContainerScraperOptions {
  readonly writers: number;
  readonly store: MemoryStore;
  readonly clock: Clock;
  readonly intervalMs: number;
}

/** Docker as one more target: so that its series end as any target's do. */
function createContainerScraper(docker: EmbeddedDocker, options: ContainerScraperOptions) {
  let labelled: readonly string[] = [];
  let latest: readonly ContainerProblem[] = [];
  let lasting: readonly ContainerProblem[] = [];
  const fetchPage: FetchPage = async ({ deadlineMs }, signal) => {
    try {
      const answer = await readContainers({ ...docker, deadlineMs }, signal);
      labelled = answer.labelled;
      // What is seen once may be a container on its way in or out.
      const before = new Set(latest.map(({ container }) => container));
      lasting = answer.problems.filter(({ container }) => before.has(container));
      latest = answer.problems;
      return { kind: "page", text: renderContainers(answer.readings), openMetrics: false };
    } catch (error) {
      return failed("unreachable", messageOf(error));
    }
  };
  const scraper = createScraper({
    ...options,
    intervalMs: Math.max(options.intervalMs, MIN_DOCKER_INTERVAL_MS),
    targets: [{ job: DOCKER_JOB, url: "http://docker/", reportPrefix: OWN_PREFIX }],
    fetchPage,
  });
  return { scraper, labelled: () => labelled, problems: () => lasting };
}
