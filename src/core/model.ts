/** The values that flow through Sentinel, from a sample to a verdict. Data goes one way. */

import type { ActionId, Permit, PlatformName } from "../allowlist.ts";
import type { LogDigest, Surroundings } from "./evidence.ts";
import type { FaultClass } from "./fault-class.ts";
import type { HealthCheck } from "./health.ts";

export const SEVERITIES = ["low", "medium", "high", "critical"] as const;
export type Severity = (typeof SEVERITIES)[number];

export type Labels = Readonly<Record<string, string>>;

/** One value of one series at one instant. `value` may be NaN or infinite, as in Prometheus. */
export interface Sample {
  readonly labels: Labels;
  readonly value: number;
  readonly timestampMs: number;
}

export interface Point {
  readonly timestampMs: number;
  readonly value: number;
}

/** A series over time, oldest point first. */
export interface Series {
  readonly labels: Labels;
  readonly points: readonly Point[];
}

/** A service that is watched, and what may be done to it without a person. */
export interface Service {
  /** Container name; also the `service` label of its incidents. */
  readonly name: string;
  /** Prometheus job whose series belong to it; `undefined` for a container without metrics of its own. */
  readonly job: string | undefined;
  /** The job is not in the settings; its own name stands for it, and it need not be scraped. */
  readonly isJobAssumed?: true;
  /** Its `instance` in Prometheus, such as `localhost:8000`, by which it differs from others of the same job. */
  readonly instance?: string | undefined;
  /** Of `CONVENTION_NAMES`: how its metrics are named; without it, as its series show. */
  readonly convention?: string | undefined;
  /** The share of requests that are to be answered without an error, e.g. 0.999. */
  readonly availability?: number;
  readonly health: HealthCheck;
  /** The platform that runs it. */
  readonly platform: PlatformName;
  /** Compose may act on it as well; absent for a container that is watched for its label alone. */
  readonly usesCompose?: true;
  /** Ids that it may get without a person, narrowest first. */
  readonly actions: readonly ActionId[];
}

/** What a rule compares: `expr` against `threshold`. The rule holds where the comparison does. */
export interface RuleSignal {
  readonly expr: string;
  /** As in PromQL: `>`, `<`, `>=`, `<=`, `==` or `!=`. */
  readonly operator: string;
  readonly threshold: number;
  /** The rule is this comparison and nothing else: what is measured shows where it holds. */
  readonly isWhole?: true;
}

/** A Prometheus alerting rule, read. */
export interface Rule {
  readonly alert: string;
  readonly expr: string;
  /** The side of the comparison that is measured, if the expression is one. */
  readonly signal: RuleSignal | undefined;
  readonly forMs: number;
  readonly keepFiringForMs: number;
  readonly severity: Severity;
  readonly labels: Labels;
  readonly annotations: Labels;
  /** What this alert may lead to, from the annotation `sentinel_actions`; in order of preference. */
  readonly permits: readonly Permit[];
  /** `own`: it is evaluated on the series that Sentinel itself makes; else on the source of signals. */
  readonly on?: "own";
  /** What it means that there are no samples; without it, that there are none. */
  readonly whenMissing?: string;
  /** The service that a built-in rule is made for; a rule of a file has none: its labels decide. */
  readonly service?: string;
  /** Why the service's series cannot answer it; then nothing is asked. */
  readonly unreadable?: string;
}

/** What one rule's expression said at one poll. Missing data is a state of its own. */
export type Evaluation =
  | {
      readonly kind: "active";
      readonly samples: readonly Sample[];
      /** As for a rule that is inactive. */
      readonly measured: readonly Sample[] | undefined;
    }
  | {
      readonly kind: "inactive";
      /** The greatest of what was measured. */
      readonly value: number | undefined;
      /** The finite samples of the compared side; `undefined` if the rule has none. */
      readonly measured: readonly Sample[] | undefined;
    }
  | {
      readonly kind: "no_data";
      readonly reason: string;
      /** The source works and refuses this expression: the rule watches nothing until it is changed. */
      readonly isRejected?: true;
      /** There is a series, and nothing happened that it could measure, such as a request. */
      readonly isIdle?: true;
    };

export const ALERT_STATES = ["inactive", "pending", "firing", "no_data"] as const;
export type AlertState = (typeof ALERT_STATES)[number];

/** One rule on one label set, as it stands after a poll. */
export interface Alert {
  readonly rule: Rule;
  /** The labels of the sample and of the rule; the rule's win, as in Prometheus. */
  readonly labels: Labels;
  readonly state: AlertState;
  /** The last finite value seen. */
  readonly value: number | undefined;
  /** Since when the condition has held without a break; `undefined` unless pending or firing. */
  readonly activeAtMs: number | undefined;
  /** Since when it has fired. It stays while a firing alert has no data: nothing shows that it ended. */
  readonly firingAtMs: number | undefined;
  /** The first quiet poll of an alert that `keep_firing_for` keeps firing. */
  readonly quietSinceMs: number | undefined;
  /** Why there is no data; only in the state `no_data`. */
  readonly noDataReason?: string;
  /** As in the evaluation; only in the state `no_data`. */
  readonly isRejected?: true;
  readonly isIdle?: true;
}

/** What replaces containers by itself, here or elsewhere: a restart behind its back leaves one too many. */
export const ORCHESTRATORS = ["swarm", "kubernetes"] as const;
export type Orchestrator = (typeof ORCHESTRATORS)[number];

/** The status of a service that its runtime does not start again, for it dies each time. */
export const GIVEN_UP = "given_up";

/** What Docker says of a container. */
export interface ContainerState {
  readonly status: string;
  /** `healthy`, `unhealthy`, `starting`, or `none` without a health check. */
  readonly health: string;
  readonly exitCode: number;
  readonly oomKilled: boolean;
  readonly restartCount: number;
  readonly startedAtMs: number | undefined;
  /** When its last run ended; `undefined` if none has, or if that is not known. */
  readonly finishedAtMs?: number | undefined;
  /** Whether somebody stopped a container that has ended; `undefined` if its engine does not know any more. */
  readonly wasStopped?: boolean | undefined;
  /** The number of restarts after which its engine gives it up; `undefined` without such a limit. */
  readonly maxRestarts?: number | undefined;
  /** How long after its start failures of its health check do not count; 0 without one. */
  readonly startPeriodMs: number;
  /** How long all retries of its health check take, so that it is `starting` no longer; absent without one. */
  readonly retriesMs?: number | undefined;
  /** What its health check answered last, oldest first, bounded. Text of the container itself. */
  readonly checks?: readonly CheckResult[] | undefined;
  /** How long it may take to stop, if that was set, at most 10 minutes: a restart may take as long. */
  readonly stopTimeoutMs?: number;
  /** The orchestrator whose task it is; absent if there is none. */
  readonly orchestrator?: Orchestrator | undefined;
  readonly containerId: string;
  readonly image: string;
}

/** One run of a container's health check. */
export interface CheckResult {
  /** -1 if it could not be run, or ran out of time. */
  readonly exitCode: number;
  readonly output: string;
}

/** The end of one run of a container, as its engine reports it. */
export interface Death {
  readonly atMs: number;
  readonly exitCode: number;
  readonly oomKilled: boolean;
  /** Somebody stopped it: `docker stop`, `docker restart` and Compose do. A kill is no stop. */
  readonly wasStopped: boolean;
  /** How long it ran; `undefined` if its start is not known any more. */
  readonly ranMs: number | undefined;
  /** The last lines that it wrote before, oldest first. */
  readonly lines: readonly string[];
}

/** How often a container was started again by its own engine, which cured nothing. */
export interface RestartLoop {
  readonly restarts: number;
  /** Its engine does not start it any more. */
  readonly isGivenUp: boolean;
}

/**
 * What an outside party tells of something. `absent`: it was asked, and there is none. `unreadable`: it could
 * not be asked, so that nothing is known. The reason is for people; only the kind is compared.
 */
export type Observation<T> =
  | { readonly kind: "found"; readonly value: T }
  | { readonly kind: "absent"; readonly reason: string }
  | { readonly kind: "unreadable"; readonly reason: string };

/** Whether a health check passes, and what it answers, as one line. */
export interface HealthAnswer {
  readonly ok: boolean;
  readonly message: string;
}

/** Another rule's signal at the time of the alert. */
export interface SignalReading {
  readonly alert: string;
  readonly state: AlertState;
  readonly value: number | undefined;
  readonly threshold: number | undefined;
}

/** All that a diagnosis may rest on. Log lines and labels are untrusted input. */
export interface Evidence {
  readonly service: string;
  readonly alert: string;
  readonly severity: Severity;
  readonly summary: string;
  readonly labels: Labels;
  readonly value: number | undefined;
  readonly signal: RuleSignal | undefined;
  /** The alert's signal over its last minutes, oldest first. */
  readonly history: readonly Point[];
  readonly otherSignals: readonly SignalReading[];
  readonly container: Observation<ContainerState>;
  /** What its health check answers; `undefined` if it has none. */
  readonly health: HealthAnswer | undefined;
  /** Last lines of standard output and error, oldest first, bounded, credentials masked. */
  readonly logs: Observation<readonly string[]>;
  /** Many more of its lines, by kind; absent where the log cannot be read. */
  readonly logDigest?: LogDigest;
  readonly surroundings?: Surroundings;
  /** Its last unwanted deaths, oldest first; empty if none is known. */
  readonly deaths?: readonly Death[];
  /** Its engine starts it again and again by itself; absent if not. */
  readonly restartLoop?: RestartLoop;
}

/** What a diagnoser found. Its severity is shown, and gates nothing. */
export interface Diagnosis {
  readonly rootCause: string;
  readonly severity: Severity;
  readonly faultClass: FaultClass;
  /** 0 to 1. */
  readonly confidence: number;
  readonly action: ActionId | "none";
  /** What it asked for that is not in the allowlist, quoted to be shown; then the action is `none`. */
  readonly refusedAction?: string;
  readonly evidence: readonly string[];
  /** Tokens of question and answer, as its server counts them; absent if it does not say. */
  readonly tokens?: number;
}

/** `observe` only reports what it would do; `approve` waits for a person; `auto` acts. */
export const AUTONOMY_LEVELS = ["observe", "approve", "auto"] as const;
export type Autonomy = (typeof AUTONOMY_LEVELS)[number];

/** Why Sentinel did not act by itself, or why it did. Closed: it is also a metric's label. */
export const DECISION_REASONS = [
  "two_keys_agree",
  "next_on_the_list",
  "no_action_needed",
  "rule_permits_nothing",
  "keys_disagree",
  "stop_needs_a_person",
  "not_allowed_for_service",
  "touches_other_services",
  "severity_needs_a_person",
  "autonomy_approve",
  "autonomy_observe",
  "crash_loop",
  "health_check_broken",
  "perhaps_stopped_on_purpose",
  "managed_by_orchestrator",
  "automation_ended",
  "service_budget",
  "total_budget",
  "recurrence",
  "alert_resolved",
  "data_missing",
  "rule_removed",
  "alert_of_another",
  "container_replaced",
  "container_unknown",
  "paused",
  "command_changed",
  "denied",
  "expired",
] as const;
export type DecisionReason = (typeof DECISION_REASONS)[number];

/** `act`: now and alone. `ask`: a person decides. `skip`: nothing is to be done. */
export type Decision =
  | { readonly kind: "act"; readonly action: ActionId; readonly reason: ActReason }
  | {
      readonly kind: "ask" | "skip";
      readonly action: ActionId | undefined;
      readonly reason: Exclude<DecisionReason, ActReason>;
    };

/** `next_on_the_list`: what was chosen has not lasted, so that the rule's next action is tried. */
export const ACT_REASONS = ["two_keys_agree", "next_on_the_list"] as const;
export type ActReason = (typeof ACT_REASONS)[number];

/** What became of one command. */
export interface Outcome {
  readonly kind: "succeeded" | "failed" | "timed_out" | "cancelled" | "not_started";
  readonly argv: readonly string[];
  /** `undefined` if the command did not start or was killed. */
  readonly exitCode: number | undefined;
  /** The end of its standard output and error, bounded. */
  readonly output: string;
  readonly durationMs: number;
}

export const VERDICTS = ["healed", "not_healed", "unknown"] as const;
type VerdictKind = (typeof VERDICTS)[number];

export interface Verdict {
  readonly kind: VerdictKind;
  readonly reason: string;
}

/** `expired`: nobody answered in time. `withdrawn`: the alert has resolved meanwhile. */
export const APPROVAL_ANSWERS = ["approved", "denied", "expired", "withdrawn"] as const;
export type ApprovalAnswer = (typeof APPROVAL_ANSWERS)[number];

/** How an incident ended. Times count from the onset where it is known, else from detection. */
export interface Closing {
  readonly result: "acted" | "held" | "skipped" | "cancelled";
  /** Why nothing was run; only of what was held or skipped. */
  readonly reason?: DecisionReason;
  readonly verdict: Verdict | undefined;
  /** Its health check passed when the evidence was collected, and fails after the action. */
  readonly madeWorse?: true;
  readonly detectedAfterMs: number | undefined;
  readonly actedAfterMs: number | undefined;
  readonly healedAfterMs: number | undefined;
}
