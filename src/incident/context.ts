/** What a service and an incident of it need, and what is settled before one begins. */

import type { Allowlist, ComposeService } from "../allowlist.ts";
import type { Recorder } from "./recorder.ts";
import type { IncidentFact, IntentEvent } from "../core/events.ts";
import type { SeenSetup } from "../diagnosis/evidence/changes.ts";
import type { ContainerHistory } from "../diagnosis/lifecycle.ts";
import type { Lock } from "../core/lock.ts";
import type { Alert, Autonomy, Observation, HealthAnswer, Service } from "../core/model.ts";
import type { Monitor } from "../rules/monitor.ts";
import type { Owner } from "../rules/ownership.ts";
import type { Clock, Diagnoser, ServiceRuntime, SignalSource } from "../core/ports.ts";

/** Of one service, and what all services share, for as long as its loop runs. */
export interface ServiceContext {
  readonly source: SignalSource;
  /** The series that Sentinel itself makes. */
  readonly own: SignalSource;
  readonly monitor: Monitor;
  /** Of the service. */
  readonly platform: ServiceRuntime;
  /** Asked in this order; the playbook answers if none of them does. */
  readonly diagnosers: readonly Diagnoser[];
  readonly clock: Clock;
  readonly recorder: Recorder;
  /** What was seen of the service's container until now. */
  readonly seen: ContainerSeen;
  /** Held from the last look before an action to its end: one action at a time, of all services. */
  readonly actionLock: Lock;
  /** `undefined` for a service without a health check. */
  checkHealth(service: Service): Promise<HealthAnswer | undefined>;
  /** To whom an alert belongs, of all services that are watched now. */
  ownerOf(alert: Alert): Owner;
  /** The watched services of which alerts fire, and their names. */
  alertingServices?(): ReadonlyMap<string, readonly string[]>;
  /** Where Compose has the service now; absent where Compose can't act on it. */
  readonly findComposeService?:
    ((service: string, signal: AbortSignal) => Promise<Observation<ComposeService>>) | undefined;
  /** Whether the Compose file is there, on which what acts on the whole project runs. Default: it is. */
  readonly hasComposeFile?: (() => boolean) | undefined;
}

export interface Policy {
  readonly service: Service;
  readonly allowlist: Allowlist;
  readonly autonomy: Autonomy;
  readonly pollIntervalMs: number;
  readonly stabilizeMs: number;
}

/** Of one incident of the service. */
export interface IncidentContext {
  readonly policy: Policy;
  readonly serviceContext: ServiceContext;
  readonly incident: string;
  emit(fact: IncidentFact): void;
  /** @returns whether it is on the disk: nothing may be done before it resolves, nor if it is not */
  commit(intent: IntentEvent): Promise<boolean>;
}

/** Of one service, for as long as its loop runs. */
interface ContainerSeen {
  history: ContainerHistory;
  /** How it was set up at each look that found it otherwise, oldest first; by the wall clock. */
  setups?: readonly SeenSetup[];
  /** How the last end that was asked about came about. */
  end?: { readonly of: string; readonly wasStopped: boolean | undefined };
}
