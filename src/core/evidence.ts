/** The parts of the evidence that are more than a reading: what a diagnosis rests on beside the alert itself. */

/** One line of a log, and when it was written, if its runtime tells. */
export interface LogLine {
  readonly text: string;
  readonly atMs?: number | undefined;
}

/** What a line is about: something fails, the service starts or ends, or neither. */
export type LogTopic = "error" | "life" | "other";

/** Lines that differ in numbers and names alone. */
export interface LogTemplate {
  readonly topic: LogTopic;
  /** The words that they have in common, and `<*>` for the rest. */
  readonly text: string;
  readonly count: number;
  readonly firstMs: number | undefined;
  readonly lastMs: number | undefined;
  /** One of the lines, credentials masked. */
  readonly example: string;
}

/** A log by the kinds of its lines: errors first, then starts and ends, then the rest. */
export interface LogDigest {
  /** The number of lines that were read. */
  readonly lineCount: number;
  readonly fromMs: number | undefined;
  readonly toMs: number | undefined;
  readonly templates: readonly LogTemplate[];
  /** What the templates leave out. */
  readonly leftOut: { readonly kinds: number; readonly lines: number };
  /** How many lines there are in each of equal parts of its span, oldest first; absent without times. */
  readonly volume?: { readonly sliceMs: number; readonly counts: readonly number[] };
  /** The lines left out because there were more kinds than are told apart. */
  readonly unfolded?: number;
}

/** Requests of users, without probes and scrapes. Rates are per second. */
interface Traffic {
  /** `undefined` if it does not tell now, such as one that cannot be scraped. */
  readonly now: number | undefined;
  /** Before the onset; `undefined` if nothing is known of then. */
  readonly before: number | undefined;
  /** As `now` and `before`, of the routes that were asked for before as well: a new route is no surge. */
  readonly known: { readonly now: number; readonly before: number } | undefined;
  /** Most requested first, errors before the rest. */
  readonly routes: readonly RouteTraffic[];
  readonly leftOut: number;
}

export interface RouteTraffic {
  readonly route: string;
  readonly status: string;
  readonly now: number | undefined;
  readonly before: number | undefined;
}

/** What a signal measures, whoever measures it. */
export type Measure = "cpu_cores" | "memory_bytes" | "requests" | "other";

/** One signal over the time axis of its timeline. */
export interface SignalHistory {
  readonly name: string;
  readonly measures: Measure;
  /** One value a step, oldest first; `undefined` where nothing was measured. */
  readonly values: readonly (number | undefined)[];
  /** Its median before the onset, and that of its last values. */
  readonly before: number | undefined;
  readonly now: number | undefined;
}

/** Every signal of a service on one time axis. */
interface Timeline {
  readonly stepMs: number;
  /** The time of the last value of each signal. */
  readonly toMs: number;
  readonly onsetMs: number | undefined;
  readonly startedAtMs: number | undefined;
  readonly signals: readonly SignalHistory[];
  readonly leftOut: number;
}

/**
 * `deploy`: other code. `config`: the same code, set up otherwise. `network`: it was taken off one.
 * `created`: the container was made again, and whether it is another one is not known. `run`: it was started,
 * stopped, killed or restarted. `action`: by Sentinel.
 */
export type ChangeKind = "deploy" | "config" | "network" | "created" | "run" | "action";

/** What was done to a service. Names alone: no value of an environment variable. */
export interface Change {
  readonly atMs: number;
  readonly kind: ChangeKind;
  readonly what: string;
}

/** Why one service is thought to need another, or to have to do with it. */
type Relation = "depends_on" | "environment" | "log" | "network";

/** A container beside the service. */
export interface Neighbour {
  readonly name: string;
  readonly relations: readonly Relation[];
  /** Its state in the words of its runtime, such as `exited (137)`. */
  readonly state: string;
  /** The service is on networks of its own, and on none with it. */
  readonly isApart?: true;
  /** Why it is thought to be sick: it does not run, fails its health check, or alerts of it fire. */
  readonly sickness: string | undefined;
}

/** An incident of the same service that has ended. */
export interface FormerIncident {
  readonly atMs: number;
  readonly alert: string;
  readonly cause: string | undefined;
  readonly action: string | undefined;
  readonly verdict: string | undefined;
}

/** What a container may use; absent without a limit. */
interface ResourceLimits {
  readonly cpuCores?: number;
  readonly memoryBytes?: number;
  readonly processes?: number;
}

/** What is known beside the alert: each part is absent where it is not known. */
export interface Surroundings {
  readonly traffic?: Traffic | undefined;
  readonly timeline?: Timeline | undefined;
  readonly limits?: ResourceLimits | undefined;
  /** The changes of the last day, newest last. */
  readonly changes?: { readonly told: readonly Change[]; readonly leftOut: number } | undefined;
  /** The containers beside it: those that it may need, and sick ones, first. */
  readonly neighbours?:
    { readonly told: readonly Neighbour[]; readonly leftOut: number } | undefined;
  /** Former incidents of the service, newest last. */
  readonly former?: readonly FormerIncident[] | undefined;
}

/** How a container is set up. Values of its environment, its command and its volumes are known as hashes alone. */
export interface ContainerSetup {
  readonly containerId: string;
  readonly createdAtMs: number | undefined;
  readonly image: string;
  readonly imageId: string;
  readonly commandHash: string;
  readonly mountsHash: string;
  /** By name, a hash that is good for as long as this process lives. */
  readonly environment: ReadonlyMap<string, string>;
  readonly limits: ResourceLimits;
  readonly networks: readonly string[];
  /** The Compose project. */
  readonly project: string | undefined;
  /** Services of its project that it is started after. */
  readonly needs: readonly string[];
  /** Names of hosts in its environment. */
  readonly namedHosts: readonly string[];
}

/** One event of a container, as its engine reports it. */
export interface RuntimeEvent {
  readonly atMs: number;
  /** In Docker's words, such as `create`, `die` or `disconnect`. */
  readonly action: string;
  readonly image: string;
  readonly imageId?: string | undefined;
  readonly configHash?: string | undefined;
  readonly exitCode?: number | undefined;
  /** The network that it was connected to or disconnected from. */
  readonly network?: string | undefined;
}

/** Any container of the engine. */
export interface ContainerBeside {
  readonly name: string;
  /** Other names by which it is known on its networks. */
  readonly aliases: readonly string[];
  readonly status: string;
  /** For people, such as `Exited (137) 2 minutes ago`. */
  readonly state: string;
  /** It ended well, as a job does. */
  readonly isOneShot: boolean;
  readonly networks: readonly string[];
  readonly project: string | undefined;
}
