/** What the loop needs of the world. Each port has more than one driver and one contract suite. */

import type { ActionId, AllowedAction, Allowlist, PlatformName } from "../allowlist.ts";
import type { ContainerBeside, ContainerSetup, LogLine, RuntimeEvent } from "./evidence.ts";
import type { ServiceSeries } from "./given-series.ts";
import type {
  ContainerState,
  Death,
  Diagnosis,
  Evidence,
  Outcome,
  Sample,
  Series,
} from "./model.ts";

/** Where samples come from. Every method throws `SentinelError` with a `source_*` code. */
export interface SignalSource {
  /**
   * Instant query at the source's own present. A scalar is one sample without labels.
   *
   * @param beforeMs so long before the present instead
   */
  query(expr: string, signal: AbortSignal, beforeMs?: number): Promise<readonly Sample[]>;
  /**
   * Says which expressions are asked from now on for an owner, so that what they look back on is kept.
   * Absent from a source that keeps what it likes.
   */
  expect?(owner: string, exprs: readonly string[]): void;
  /** Range query that ends at the source's own present. */
  range(expr: string, span: RangeSpan, signal: AbortSignal): Promise<readonly Series[]>;
  /** The interval at which a job is scraped; `undefined` if the source does not say. */
  scrapeIntervalMs(job: string, signal: AbortSignal): Promise<number | undefined>;
}

export interface RangeSpan {
  readonly durationMs: number;
  readonly stepMs: number;
}

export interface DiagnosisRequest {
  readonly evidence: Evidence;
  /** Every action that the diagnoser may choose; its choice is one of two keys. */
  readonly allowlist: Allowlist;
  /** Ids that may be run without a person, so that they come first. Default: all are alike. */
  readonly unattended?: readonly ActionId[];
  /** Also keeps addresses of electronic mail out of the prompt. Default: false. */
  readonly maskEmails?: boolean;
}

/** Finds a root cause and proposes an id. Throws `DiagnosisError`, and nothing else. */
export interface Diagnoser {
  /** As shown in the report, e.g. `gemini-3.8-flash (Gemini)`. */
  readonly name: string;
  /** After this long it is no longer waited for. */
  readonly deadlineMs: number;
  /** Host and port of what it asks, as in `DiagnosisError.server`. */
  readonly server?: string;
  diagnose(request: DiagnosisRequest, signal: AbortSignal): Promise<Diagnosis>;
}

/**
 * What acts on a service, and tells of it. What tells throws an `Error` whose message a person can act on.
 */
export interface ServiceRuntime {
  readonly name: PlatformName;
  /**
   * Runs one of its own allow-listed commands, and no other platform's. Never throws: what went wrong is in
   * the outcome.
   *
   * @param stopTimeoutMs what the service may take to stop; default: Docker's own 10 s
   */
  act(action: AllowedAction, signal: AbortSignal, stopTimeoutMs?: number): Promise<Outcome>;
  /** `undefined` if there is nothing of that name. */
  inspect(service: string, signal: AbortSignal): Promise<ContainerState | undefined>;
  /** The last lines of standard output and error together, oldest first, at most 256 KiB. */
  logs(service: string, lines: number, signal: AbortSignal): Promise<readonly LogLine[]>;
  /**
   * How its runs have ended, oldest first, as far as that is still known; absent from a platform that
   * does not tell.
   *
   * @param containerId as `inspect` has it
   */
  deaths?(containerId: string, signal: AbortSignal): Promise<readonly Death[]>;
  /** What tells of more than the service itself; absent from a platform that does not. */
  readonly surroundings?: SurroundingsReader;
}

/** What a platform knows around a service. */
export interface SurroundingsReader {
  /** How the service is set up now; `undefined` if there is nothing of that name. */
  setup(service: string, abort: AbortSignal): Promise<ContainerSetup | undefined>;
  /**
   * What happened since then by the wall clock, oldest first, as far as that is still known.
   *
   * @param names of the service, and the ids of its containers
   */
  events(
    names: readonly string[],
    sinceMs: number,
    abort: AbortSignal,
  ): Promise<readonly RuntimeEvent[]>;
  /** All that runs there or has ended, the service among them. */
  beside(abort: AbortSignal): Promise<readonly ContainerBeside[]>;
}

/** What runs services. */
export interface Platform extends ServiceRuntime {
  /** What its services are and use at this moment, by cAdvisor's metric names. */
  series(question: SeriesQuestion, signal: AbortSignal): Promise<PlatformSeries>;
}

export interface SeriesQuestion {
  /** The services of the settings that it runs. */
  readonly services: readonly string[];
  /** Of the whole answer. What one service takes longer costs no other its series. */
  readonly deadlineMs: number;
}

export interface PlatformSeries {
  /** Of the services that there are: those that were asked for, and those that it found. */
  readonly services: readonly ServiceSeries[];
  /** Services that want to be watched although no setting names them, also those without series now. */
  readonly found: readonly string[];
  /** Why a service is left out, one line each, with what to do. */
  readonly problems: readonly ServiceProblem[];
}

/** Why a service cannot be watched, or not told of; the others can. */
export interface ServiceProblem {
  /** Its name; of one without, its short id. */
  readonly service: string;
  readonly why: string;
}

/**
 * Time, so that a test can have its own. What decides intervals, ages, deadlines and order is `nowMs` alone.
 * The wall clock may be set at any moment: its times are what is shown, kept over a restart, and told by others.
 */
export interface Clock {
  /** Counts evenly from the wall clock's time at the start of the process, whatever happens to that clock. */
  nowMs(): number;
  /** What the wall clock shows, or would show by what it shows now, at a moment of `nowMs`. */
  toWall(atMs: number): number;
  /** The moment of `nowMs` at which the wall clock showed that. */
  fromWall(wallAtMs: number): number;
  /** Resolves after the time or when the signal aborts, whichever is first; never rejects. */
  sleep(durationMs: number, signal: AbortSignal): Promise<void>;
}

/** One thing that happened, or that a person said, as it is kept. */
export interface JournalEntry {
  /** Ascends; no two entries have the same. */
  readonly seq: number;
  /** By the clock of whoever wrote it. */
  readonly atMs: number;
  /** Empty for what concerns all services. */
  readonly service: string;
  /** The incident's id; `undefined` outside of incidents. */
  readonly incident: string | undefined;
  readonly type: string;
  /** As JSON; see `core/recorded-event.ts` for what each type has. */
  readonly fields: Readonly<Record<string, unknown>>;
}

export type NewJournalEntry = Omit<JournalEntry, "seq">;

/**
 * What happened, kept over a restart. It does what it is asked for in the order of the calls, also where
 * nobody waits for one before the next. What it cannot do rejects with `SentinelError` `journal_unavailable`
 * and has changed nothing; a driver has a deadline of its own, so that every call settles.
 */
export interface Journal {
  /** Adds an entry. Once it resolves, the entry survives this process, and others see it. */
  record(entry: NewJournalEntry): Promise<JournalEntry>;
  /** As `record`; once it resolves, the entry and all before it are on the disk, whatever happens to the machine. */
  commit(entry: NewJournalEntry): Promise<JournalEntry>;
  /** The entries after that number, oldest first; 0 gives all. */
  readAfter(seq: number): Promise<readonly JournalEntry[]>;
  /** Keeps one text by that name in place of the one before; `undefined` keeps none. It survives this process. */
  saveState(name: string, text: string | undefined): Promise<void>;
  /** What is kept so, by name. */
  readStates(): Promise<ReadonlyMap<string, string>>;
  /** Forgets whole incidents that have ended, oldest first, past an age or a size; open ones stay. */
  prune(limits: JournalLimits): Promise<void>;
  /** Does first what was asked for before. Closing it again does nothing. */
  close(): Promise<void>;
}

export interface JournalLimits {
  /** Incidents whose last entry is older are forgotten. */
  readonly beforeMs: number;
  /** Total size of the journal; the oldest closed incidents are pruned above it. */
  readonly maxBytes: number;
}
