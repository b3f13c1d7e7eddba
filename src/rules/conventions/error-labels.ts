/** Which label of a counter says that a request failed, by its name and the values that were seen. Pure. */

import type { ErrorLabel, ErrorLabelKind } from "./convention.ts";

/** Labels of HTTP counters, the most exact first. */
export const HTTP_ERROR_LABELS: readonly ErrorLabel[] = [
  { name: "http_response_status_code", kind: "http" },
  { name: "http_status_code", kind: "http" },
  { name: "status_code", kind: "http" },
  { name: "statuscode", kind: "http" },
  { name: "statusCode", kind: "http" },
  { name: "http_status", kind: "http" },
  { name: "response_code", kind: "http" },
  { name: "response_status", kind: "http" },
  { name: "status", kind: "http" },
  { name: "code", kind: "http" },
  { name: "response_code_class", kind: "class" },
  { name: "status_class", kind: "class" },
  { name: "envoy_response_code_class", kind: "class" },
  { name: "outcome", kind: "word" },
  { name: "classification", kind: "word" },
  { name: "exception", kind: "exception" },
  { name: "error_type", kind: "present" },
];

/** Labels of gRPC counters. */
export const GRPC_ERROR_LABELS: readonly ErrorLabel[] = [
  { name: "grpc_code", kind: "grpc" },
  { name: "grpc_status", kind: "grpc" },
  { name: "rpc_grpc_status_code", kind: "grpc" },
  { name: "rpc_response_status_code", kind: "grpc" },
  { name: "statusCode", kind: "grpc" },
  { name: "code", kind: "grpc" },
];

/** A form that values may have, and which of them say that the server failed. */
interface Form {
  readonly isKnown: RegExp;
  /** As a regular expression that is anchored, in RE2's syntax. */
  readonly failed: string;
}

const STATUS: Form = { isKnown: /^[1-5](\d\d|xx)$/i, failed: "5.." };
/** As Go's `http.StatusText` has them. */
const PHRASE: Form = {
  isKnown:
    /^(continue|switching protocols|ok|created|accepted|no content|partial content|moved permanently|found|see other|not modified|(temporary|permanent) redirect|bad request|unauthorized|forbidden|not found|method not allowed|conflict|gone|too many requests|unprocessable entity|internal server error|not implemented|bad gateway|service unavailable|gateway timeout)$/i,
  failed:
    "(?i:internal server error|not implemented|bad gateway|service unavailable|gateway timeout)",
};
const CLASS_DIGIT: Form = { isKnown: /^[1-5]$/, failed: "5" };
const WORD: Form = {
  isKnown:
    /^(ok|success|successful|succeeded|informational|redirection|client_error|server_error|error|failure|failed|fail)$/i,
  failed: "(?i:server_error|error|failure|failed|fail)",
};
/** Those that OpenTelemetry counts as errors of the server: Unknown, DeadlineExceeded and so on. */
const GRPC_WORD: Form = {
  isKnown:
    /^(ok|canc?elled|unknown|invalid_?argument|deadline_?exceeded|not_?found|already_?exists|permission_?denied|resource_?exhausted|failed_?precondition|aborted|out_?of_?range|unimplemented|internal|unavailable|data_?loss|unauthenticated)$/i,
  failed: "(?i:unknown|deadline_?exceeded|unimplemented|internal|unavailable|data_?loss)",
};
const GRPC_NUMBER: Form = { isKnown: /^(\d|1[0-6])$/, failed: "2|4|12|13|14|15" };

const FORMS = {
  http: [STATUS, PHRASE, WORD],
  class: [STATUS, CLASS_DIGIT],
  grpc: [GRPC_WORD, GRPC_NUMBER],
  word: [WORD],
  present: [],
  exception: [],
} satisfies Record<ErrorLabelKind, readonly Form[]>;

/**
 * The matcher of failed requests, such as `status=~"5.."`.
 *
 * @param values that the label was seen with
 * @returns `undefined` if no value is one that tells a failure from a success
 */
export function failedMatcher(
  { name, kind }: ErrorLabel,
  values: ReadonlySet<string>,
): string | undefined {
  const seen = [...values].filter((value) => value !== "");
  if (seen.length === 0) return undefined;
  if (kind === "present") return `${name}!=""`;
  if (kind === "exception") return `${name}!~"|[Nn]one"`;
  const forms = FORMS[kind].filter(({ isKnown }) => seen.some((value) => isKnown.test(value)));
  if (forms.length === 0) return undefined;
  return `${name}=~"${forms.map(({ failed }) => failed).join("|")}"`;
}
