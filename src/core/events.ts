/** What happens to a service and in an incident, in order. The report and the log are made of these. */

import type { IncidentRecord } from "./incident-record.ts";
import type {
  Alert,
  ApprovalAnswer,
  Closing,
  ContainerState,
  Death,
  Decision,
  Diagnosis,
  Observation,
  HealthAnswer,
  Outcome,
  RestartLoop,
} from "./model.ts";

/** What happens in an incident; `incident` is its id. */
export type IncidentEvent =
  | {
      readonly type: "incident_opened";
      readonly alert: Alert;
      /** When the signal began to rise, as far as its history tells. */
      readonly onsetMs: number | undefined;
    }
  /** Other label sets of the same rule that fire while the incident is open: it is about them as well. */
  | {
      readonly type: "alerts_joined";
      /** The first of those label sets. */
      readonly alerts: readonly Alert[];
      readonly count: number;
    }
  | {
      readonly type: "evidence_collected";
      readonly container: Observation<ContainerState>;
      readonly restartLoop?: RestartLoop;
      /** The last unwanted ones, oldest first. */
      readonly deaths?: readonly Death[];
      /** `undefined` if the service has no health check. */
      readonly health: HealthAnswer | undefined;
      readonly logLines: number;
      readonly historyPoints: number;
    }
  | {
      readonly type: "diagnosis_failed";
      readonly diagnoser: string;
      readonly reason: string;
      readonly message: string;
      readonly durationMs: number;
    }
  | {
      readonly type: "diagnosed";
      readonly diagnoser: string;
      readonly diagnosis: Diagnosis;
      readonly durationMs: number;
      /** What the model took, if it says so. */
      readonly tokens?: number;
    }
  | {
      readonly type: "decided";
      readonly decision: Decision;
      /** What the action runs; absent without an action. */
      readonly argv?: readonly string[];
    }
  | {
      readonly type: "action_started";
      readonly action: string;
      readonly argv: readonly string[];
    }
  | { readonly type: "action_finished"; readonly outcome: Outcome }
  /** A person is asked; without an answer by then, the answer is no. */
  | {
      readonly type: "approval_requested";
      readonly request: string;
      readonly action: string;
      readonly argv: readonly string[];
      readonly expiresAtMs: number;
    }
  | {
      readonly type: "approval_answered";
      readonly request: string;
      readonly answer: ApprovalAnswer;
    }
  /** Taken up again after a restart of Sentinel. */
  | { readonly type: "incident_resumed"; readonly alertname: string; readonly phase: string }
  | { readonly type: "verification_started"; readonly verdictInMs: number }
  | { readonly type: "incident_closed"; readonly closing: Closing }
  /** After its end: the alert has come back so often, and is not taken up for it. */
  | {
      readonly type: "alert_flapped";
      readonly alert: Alert;
      readonly times: number;
      /** It has been quiet since, for as long as one that flaps is not. */
      readonly isOver?: true;
    };

/** The events that are in the journal before anything is done. */
type Intent = "action_started";
export type IntentEvent = Extract<IncidentEvent, { readonly type: Intent }>;

/** What has happened in an incident: it is so, whether or not it can be written down. */
export type IncidentFact = Exclude<IncidentEvent, { readonly type: Intent }>;

/** Outside incidents: what changed since the poll before. */
export type WatchEvent =
  | { readonly type: "source_down"; readonly reason: string }
  | { readonly type: "source_back" }
  | { readonly type: "alert_changed"; readonly alert: Alert; readonly from: Alert["state"] }
  /** Further label sets of one rule that changed at the same poll, beyond those reported one by one. */
  | {
      readonly type: "more_alerts_changed";
      readonly alertname: string;
      readonly state: Alert["state"];
      readonly count: number;
    }
  /** It fires and belongs to no service, so nothing is done. */
  | { readonly type: "alert_unowned"; readonly alert: Alert; readonly reason: string }
  | { readonly type: "cooling_down"; readonly alert: Alert; readonly untilMs: number }
  /** Left alone: by a person, or while its container starts. */
  | { readonly type: "left_alone"; readonly alert: Alert; readonly reason: string }
  /** An action made things worse: the next ones wait for a person. */
  | { readonly type: "automation_ended" }
  /** The journal cannot be written, so nothing is done until it can. */
  | { readonly type: "journal_down"; readonly reason: string }
  | { readonly type: "journal_back" }
  /** The alert cannot be judged: from the start, or no longer. */
  | { readonly type: "signal_lost"; readonly alertname: string; readonly reason: string }
  | { readonly type: "signal_back"; readonly alertname: string }
  | { readonly type: "quiet"; readonly alerts: readonly Alert[] };

/** An event as it happens. The journal and the log have this and nothing more. */
export type SentinelEvent = (WatchEvent | (IncidentEvent & { readonly incident: string })) & {
  readonly atMs: number;
  readonly service: string;
};

export type SentinelIntent = Extract<SentinelEvent, { readonly type: Intent }>;
export type SentinelFact = Exclude<SentinelEvent, { readonly type: Intent }>;

/** Takes what has happened. */
export type EmitEvent = (event: SentinelEvent) => void;

/** What readers of an event need besides it, so that they keep no state of their own. */
export interface Circumstances {
  /** The incident as it stands with the event; `undefined` outside of incidents, and after its end. */
  readonly record: IncidentRecord | undefined;
  /** Other incidents that are open at this moment, of whichever service. */
  readonly othersOpen: number;
  /** Whether its alert flaps, so that changes are counted and not reported one by one. */
  readonly isFlapping: boolean;
}

/** An event as its readers get it: the report, the metrics, the page and the demo. */
export type ToldEvent = SentinelEvent & Circumstances;

/** Takes an event to report or to count. */
export type TellEvent = (event: ToldEvent) => void;
