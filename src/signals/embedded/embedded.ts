/** Sentinel as its own Prometheus: it scrapes, and asks platforms for series, keeps what it got in memory, and evaluates over it. */

import { SentinelError } from "../../core/errors.ts";
import type { SeriesGiver } from "../../core/given-series.ts";
import { isProbed } from "../../core/health.ts";
import type { Sample, Series, Service } from "../../core/model.ts";
import type { Clock, RangeSpan, SignalSource } from "../../core/ports.ts";
import type { Expression } from "../../promql/ast.ts";
import { PromqlError } from "../../promql/errors.ts";
import { evaluateInstant, evaluateRange } from "../../promql/evaluate.ts";
import { parseExpression } from "../../promql/parse.ts";
import { createGivenScraper } from "./given-scraper.ts";
import { type AskedPlatform, createPlatformGiver, type PlatformState } from "./platform-series.ts";
import { createProbeGiver } from "./probe-giver.ts";
import { createExpectations } from "./expectations.ts";
import { type HistoryRule, planHistory } from "./history.ts";
import { type RecordedRule, Recordings } from "./recordings.ts";
import { RuleLimits } from "./rule-limits.ts";
import type { ScrapeTarget, TargetState } from "./scrape-target.ts";
import { createScraper } from "./scraper.ts";
import { createSeriesStore, type MemoryStore } from "./store.ts";

export interface EmbeddedOptions {
  readonly targets: readonly ScrapeTarget[];
  readonly intervalMs: number;
  readonly clock: Clock;
  /** Platforms that are asked for the series of their services; none by default. */
  readonly platforms?: readonly AskedPlatform[];
  /** Those of them that have a health to be probed are. Default: none. */
  readonly services?: readonly Pick<Service, "name" | "health">[];
  /** Rules that are evaluated from the beginning: what they look back on is kept. Default: none. */
  readonly rules?: readonly HistoryRule[];
}

export interface EmbeddedSource extends SignalSource {
  readonly store: MemoryStore;
  /** The time at which queries are evaluated: the wall clock's, as the samples' times are. */
  presentMs(): number;
  /** The scrape targets, then each platform and each giver as one target. */
  targets(): readonly TargetState[];
  /** How each platform that is asked stands. */
  platforms(): readonly PlatformState[];
  /** Scrapes every target once. */
  scrapeOnce(signal: AbortSignal): Promise<void>;
  /** Scrapes until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
  /** Resolves when every target has been scraped, with or without success, or the signal aborts. */
  firstScrape(signal: AbortSignal): Promise<void>;
  /**
   * Evaluates a recording rule, and writes what it gives.
   *
   * @throws SentinelError `source_rejected`, and nothing is written
   */
  record(rule: RecordedRule, how: HowToRecord): Promise<void>;
}

interface HowToRecord {
  /** So long before the present. */
  readonly beforeMs: number;
  /** More series are refused; 0 is without a limit. */
  readonly limit: number;
}

/** What is recorded is there at once. */
const NEVER = new AbortController().signal;

/** How often it is checked whether the first scrape has ended. */
const FIRST_SCRAPE_CHECK_MS = 20;

/** Rules of a thousand services, each with its own ten; a cache that is too small costs a fifth of all CPU. */
const MAX_CACHED_EXPRESSIONS = 20_000;

/** How much of an expression, and of what is wrong with it, a message repeats. */
const MAX_QUOTED = 300;

/**
 * Queries are evaluated at the clock's present, over what has been scraped until then.
 *
 * @throws RangeError on targets that cannot be scraped apart
 */
export function embeddedSource(options: EmbeddedOptions): EmbeddedSource {
  const { targets, intervalMs, clock, platforms = [], services = [] } = options;
  const ofPlatforms = platforms.map(createPlatformGiver);
  refuseJobsOf(ofPlatforms, targets);
  const { rules = [] } = options;
  const store = createSeriesStore({ history: planHistory(rules, intervalMs) });
  const probed = services.filter(({ health }) => isProbed(health));
  const ofProbes = probed.length === 0 ? [] : [createProbeGiver(probed)];
  // What rules record is written by one more.
  const writers = targets.length + ofPlatforms.length + ofProbes.length + 1;
  const shared = { store, clock, intervalMs, writers };
  const asked = ofPlatforms.map((giver) => createGivenScraper(giver, shared));
  const probes = ofProbes.map((giver) => createGivenScraper(giver, shared));
  const told = [createScraper({ targets, ...shared }), ...asked];
  const scrapers = [...told, ...probes];
  const parse = createParser();
  const ruleLimits = new RuleLimits();

  // Probes are none that a person would look for among what is scraped.
  const evaluateAt = createEvaluator(store, { parse, ruleLimits });

  const allTargets = () => told.flatMap((scraper) => scraper.targets());

  const presentMs = () => store.timeOf(clock.nowMs(), clock);

  const recordings = new Recordings(store, store.account(writers));
  return {
    store,
    presentMs,
    targets: allTargets,
    platforms: () =>
      ofPlatforms.map((giver, index) => ({
        platform: giver.platform,
        ...giver.told(),
        error: asked[index]?.targets().find(({ health }) => health === "down")?.lastError,
      })),

    async scrapeOnce(signal) {
      await Promise.all(scrapers.map((scraper) => scraper.scrapeAll(signal)));
    },

    async run(signal) {
      await Promise.all(scrapers.map((scraper) => scraper.run(signal)));
    },

    async firstScrape(signal) {
      const isScraped = () =>
        scrapers.every((one) => one.targets().every(({ health }) => health !== "unknown"));
      while (!isScraped() && !signal.aborted) await clock.sleep(FIRST_SCRAPE_CHECK_MS, signal);
    },

    query: (expr, signal, beforeMs = 0) =>
      answer({ expr, signal }, () => evaluateAt(expr, presentMs() - beforeMs)),

    expect: createExpectations({ store, rules, intervalMs }),

    record: (rule, { beforeMs, limit }) =>
      answer({ expr: rule.expr, signal: NEVER }, () => {
        const atMs = presentMs() - beforeMs;
        recordings.write(rule, { samples: evaluateAt(rule.expr, atMs), atMs, limit });
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

interface Evaluating {
  readonly parse: (expr: string) => Expression;
  readonly ruleLimits: RuleLimits;
}

function createEvaluator(store: MemoryStore, { parse, ruleLimits }: Evaluating) {
  return (expr: string, atMs: number): readonly Sample[] => {
    // Once for each expression, and not again at its next evaluation.
    const expression = parse(expr);
    const value = ruleLimits.within(expr, (limits) =>
      evaluateInstant(expression, store, { atMs, limits }),
    );
    if (value.type === "vector") return value.samples;
    if (value.type === "scalar")
      return [{ labels: {}, value: value.value, timestampMs: value.timestampMs }];
    throw rejected(expr, `it gives a ${value.type}, where an instant vector is needed`);
  };
}

/** @throws RangeError on a target that has the job of a platform: its series would be taken for those */
function refuseJobsOf(
  givers: readonly Pick<SeriesGiver, "job">[],
  targets: readonly ScrapeTarget[],
): void {
  for (const { job: own } of givers)
    if (targets.some(({ job }) => job === own))
      throw new RangeError(
        `the job ${own} is that of series that Sentinel itself makes: give yours another name`,
      );
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
