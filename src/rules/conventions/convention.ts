/** How what is measured of a service is named, and what can be read of it. Pure. */

/** What is looked for in a service's series. */
export const SIGNALS = [
  "requestRate",
  "errorRatio",
  "latency",
  "inFlight",
  "cpuCores",
  "memoryBytes",
  "startTime",
  "liveness",
] as const;
export type Signal = (typeof SIGNALS)[number];

/** A range such as `20s`, and the quantile of a latency, 0 to 1. */
export interface Span {
  readonly window: string;
  readonly quantile: number;
}

/** An expression over the series that the matchers select, such as `job="shop"`. */
export type Expression = (matchers: string, span: Span) => string;

/** A signal that the service's series have. */
export interface Readable {
  readonly kind: "readable";
  /** Metric and label, for people. */
  readonly readFrom: string;
  /** In base units: requests a second, a share from 0 to 1, seconds, cores, bytes. */
  readonly expr: Expression;
  /** Of `errorRatio`: how many requests failed within the window. */
  readonly failedCount?: Expression;
  /** Of `startTime`: how often it started within the window. */
  readonly starts?: Expression;
  /** Of `latency`: only the mean is there, and no quantile. */
  readonly isMean?: true;
}

/** A signal that they do not have. */
export interface Unreadable {
  readonly kind: "unreadable";
  readonly why: string;
  readonly whatWouldChangeIt: string;
  /** There is a metric by that name, and it is of an exporter beside the service. */
  readonly isOfAnother?: true;
}

export type Reading = Readable | Unreadable;
export type ServiceSignals = Readonly<Record<Signal, Reading>>;

/** Seconds or milliseconds, as the metric has them. */
type TimeUnit = "s" | "ms";

/** A histogram or a summary; its name is without `_bucket`, `_sum` and `_count`. */
export interface Duration {
  readonly metric: string;
  readonly unit: TimeUnit;
  /** A gauge of the mean. */
  readonly isMean?: true;
}

/** How the values of a label tell which requests failed. */
export type ErrorLabelKind = "http" | "class" | "grpc" | "word" | "present" | "exception";

export interface ErrorLabel {
  readonly name: string;
  readonly kind: ErrorLabelKind;
}

/** How some libraries name requests, their errors and their durations. */
export interface TrafficConvention {
  /** As it is set in `sentinel.yaml`. */
  readonly name: string;
  /** Who names them so, for people. */
  readonly libraries: string;
  /** What more its series are selected by, such as one side of a proxy: `reporter="destination"`. */
  readonly only?: string;
  /** Without this one, the other names are those of another convention. */
  readonly needs?: string;
  /** Of requests, the best first; the counts of the durations come behind. */
  readonly counters: readonly string[];
  /** Of failed requests alone, for those whose labels do not tell. */
  readonly failures?: readonly string[];
  /** Default: those of HTTP. */
  readonly errorLabels?: readonly ErrorLabel[];
  readonly durations: readonly Duration[];
  /** Gauges of requests under way. */
  readonly inFlight: readonly string[];
}

/** A way to read one signal of a process: all of the metrics must be there. */
export interface ProcessReading {
  readonly metrics: readonly string[];
  /** @param of a selector for a metric */
  readonly expr: (of: (metric: string) => string, window: string) => string;
  /** Of a start time: how often it started within the window. */
  readonly starts?: (of: (metric: string) => string, window: string) => string;
}

/** A process beside the service that tells of it. */
export interface Exporter {
  readonly name: string;
  /** 1 while it reaches the service. */
  readonly up: string;
}
