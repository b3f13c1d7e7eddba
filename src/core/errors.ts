/** Failures with a closed code, a cause, and what a person can do about them. */

const ERROR_CODES = [
  "configuration",
  "usage",
  "listen",
  "service_unreachable",
  "journal",
  "journal_unavailable",
  "source_unreachable",
  "source_timeout",
  "source_bad_answer",
  "source_rejected",
] as const;
export type ErrorCode = (typeof ERROR_CODES)[number];

interface ErrorDetails {
  /** What to do or write instead, as one sentence. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/** The message and the hint are for people: they never hold a secret. */
export class SentinelError extends Error {
  override readonly name = "SentinelError";
  readonly hint: string | undefined;

  constructor(
    readonly code: ErrorCode,
    message: string,
    details: ErrorDetails = {},
  ) {
    super(message, { cause: details.cause });
    this.hint = details.hint;
  }
}

/** Why a diagnoser gave no usable answer. Closed: it is also a metric's label. */
export const DIAGNOSIS_FAILURES = [
  "unauthorized",
  "rate_limited",
  "unavailable",
  "rejected",
  "timeout",
  "unreachable",
  "empty_answer",
  "malformed_answer",
  "answer_too_large",
  "circuit_open",
  "budget_spent",
] as const;
export type DiagnosisFailure = (typeof DIAGNOSIS_FAILURES)[number];

interface DiagnosisErrorDetails {
  /** Host and port where none of the models can be asked; absent if it is about one model. */
  readonly server?: string;
}

/** Thrown by a diagnoser; the next one is asked. */
export class DiagnosisError extends Error {
  override readonly name = "DiagnosisError";
  /** The other diagnosers of that server need not be asked. */
  readonly server: string | undefined;

  constructor(
    readonly reason: DiagnosisFailure,
    message: string,
    details: DiagnosisErrorDetails = {},
  ) {
    super(message);
    this.server = details.server;
  }
}

/** The message of whatever was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
