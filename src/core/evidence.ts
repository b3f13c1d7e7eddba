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
  /** That were read. */
  readonly lineCount: number;
  readonly fromMs: number | undefined;
  readonly toMs: number | undefined;
  readonly templates: readonly LogTemplate[];
  /** What is not among the templates. */
  readonly leftOut: { readonly kinds: number; readonly lines: number };
  /** Of those left out: lines of more kinds than are told apart. */
  readonly unfolded?: number;
}
