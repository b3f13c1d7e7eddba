/** What the loop needs of the world. Each port has more than one driver and one contract suite. */

import type { AllowedAction, Allowlist, ExecutorName } from "../allowlist.ts";
import type { ContainerState, Diagnosis, Evidence, Outcome, Sample, Series } from "./model.ts";

/** Where samples come from. Every method throws `SentinelError` with a `source_*` code. */
export interface SignalSource {
  /** Instant query at the source's own present. A scalar is one sample without labels. */
  query(expr: string, signal: AbortSignal): Promise<readonly Sample[]>;
  /** Range query that ends at the source's own present. */
  range(expr: string, span: RangeSpan, signal: AbortSignal): Promise<readonly Series[]>;
  /** The interval at which a job is scraped; `undefined` if the source does not tell. */
  scrapeIntervalMs(job: string, signal: AbortSignal): Promise<number | undefined>;
}

export interface RangeSpan {
  readonly durationMs: number;
  readonly stepMs: number;
}

export interface DiagnosisRequest {
  readonly evidence: Evidence;
  /** What the diagnoser may choose from; its choice is one of two keys. */
  readonly allowlist: Allowlist;
}

/** Finds a root cause and proposes an id. Throws `DiagnosisError`, and nothing else. */
export interface Diagnoser {
  /** As shown in the report, e.g. `gemini-2.5-flash (Gemini)`. */
  readonly name: string;
  /** After this long it is no longer waited for. */
  readonly deadlineMs: number;
  diagnose(request: DiagnosisRequest, signal: AbortSignal): Promise<Diagnosis>;
}

/** Runs allow-listed commands. Never throws: what went wrong is in the outcome. */
export interface Executor {
  readonly name: ExecutorName;
  run(action: AllowedAction, signal: AbortSignal): Promise<Outcome>;
}

/** What runs a service, and can tell of it. Throws an `Error` whose message a person can act on. */
export interface ContainerRuntime {
  /** `undefined` if there is no container of that name. */
  inspect(container: string, signal: AbortSignal): Promise<ContainerState | undefined>;
  /** The last lines of standard output and error together, oldest first, at most 64 KiB. */
  logs(container: string, lines: number, signal: AbortSignal): Promise<readonly string[]>;
}

/** Time, so that a test can have its own. */
export interface Clock {
  nowMs(): number;
  /** Resolves after the time or when the signal aborts, whichever is first; never rejects. */
  sleep(durationMs: number, signal: AbortSignal): Promise<void>;
}
