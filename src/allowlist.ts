/**
 * The closed table of what Sentinel may run. An action is an id; the argv behind it is fixed here,
 * for each service, before anything untrusted is read. No text from a model, a log or a metric ever
 * becomes part of a command.
 */

export const ACTION_IDS = [
  "docker-restart",
  "docker-stop",
  "compose-restart",
  "compose-stop",
  "compose-up",
  "supervisor-restart",
  "supervisor-stop",
  "supervisor-start",
] as const;
export type ActionId = (typeof ACTION_IDS)[number];

/** The part of an id in front of its verb: which executor runs it. */
export type ExecutorName = "docker" | "compose" | "supervisor";

/** One allow-listed command: an id, the executor that runs it, and its exact argv. */
export interface AllowedAction {
  readonly id: ActionId;
  readonly executor: ExecutorName;
  /** Whole argv, program first. Never passed through a shell. The supervisor's only describes. */
  readonly argv: readonly string[];
  /** Every text that means this action, compared byte for byte. */
  readonly spellings: readonly string[];
  /** True for what takes a service down: such an action always waits for a person. */
  readonly stopsService: boolean;
}

/** The actions that are offered for one service; an id that is not there can't be chosen. */
export type Allowlist = Readonly<Partial<Record<ActionId, AllowedAction>>>;

/** The table for a service in a container. */
export type ContainerAllowlist = Allowlist &
  Readonly<Record<Extract<ActionId, `${"docker" | "compose"}-${string}`>, AllowedAction>>;

/** Docker's own grammar for names. A name that passes can't be an option or hold a space. */
export const SERVICE_NAME_PATTERN = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;

const MAX_SERVICE_NAME_LENGTH = 128;

export function isServiceName(name: string): boolean {
  // `$` also matches before a final newline in some engines; JavaScript's does not, without the m flag.
  return name.length <= MAX_SERVICE_NAME_LENGTH && SERVICE_NAME_PATTERN.test(name);
}

function dockerAction(verb: "restart" | "stop", service: string): AllowedAction {
  const argv = ["docker", verb, service];
  const id: ActionId = `docker-${verb}`;
  return {
    id,
    executor: "docker",
    argv,
    spellings: [id, argv.join(" ")],
    stopsService: verb === "stop",
  };
}

function composeAction(verb: "restart" | "stop" | "up", options: readonly string[]): AllowedAction {
  const argv = ["docker", "compose", verb, ...options];
  const id: ActionId = `compose-${verb}`;
  return {
    id,
    executor: "compose",
    argv,
    spellings: [id, argv.join(" "), ["docker-compose", verb, ...options].join(" ")],
    stopsService: verb === "stop",
  };
}

function supervisorAction(verb: "restart" | "stop" | "start"): AllowedAction {
  const id: ActionId = `supervisor-${verb}`;
  return {
    id,
    executor: "supervisor",
    argv: ["supervisor", verb],
    spellings: [id],
    stopsService: verb === "stop",
  };
}

/**
 * The table for one service.
 *
 * @param service container name
 * @param executors those that can act on it; default: the ones of a service in a container
 * @throws RangeError if the name is not one that Docker could have given
 */
export function allowlistFor(service: string): ContainerAllowlist;
export function allowlistFor(service: string, executors: readonly ExecutorName[]): Allowlist;
export function allowlistFor(
  service: string,
  executors: readonly ExecutorName[] = ["docker", "compose"],
): Allowlist {
  if (!isServiceName(service))
    throw new RangeError(
      `service name ${JSON.stringify(service)} must match ${SERVICE_NAME_PATTERN.source}`,
    );
  const table = {
    "docker-restart": dockerAction("restart", service),
    "docker-stop": dockerAction("stop", service),
    "compose-restart": composeAction("restart", []),
    "compose-stop": composeAction("stop", []),
    "compose-up": composeAction("up", ["-d"]),
    "supervisor-restart": supervisorAction("restart"),
    "supervisor-stop": supervisorAction("stop"),
    "supervisor-start": supervisorAction("start"),
  } satisfies Record<ActionId, AllowedAction>;
  const offered = Object.entries(table).filter(([, { executor }]) => executors.includes(executor));
  return Object.fromEntries(offered);
}

/** What is offered, in the order of `ACTION_IDS`. */
export function offeredActions(allowlist: Allowlist): readonly AllowedAction[] {
  return ACTION_IDS.flatMap((id) => allowlist[id] ?? []);
}

/**
 * The action that a text means, or `undefined`. Exact: no trimming, no case folding, no
 * normalisation, so that a look-alike, an added option or a second command is never an action.
 */
export function matchAction(allowlist: Allowlist, text: string): AllowedAction | undefined {
  return offeredActions(allowlist).find(({ spellings }) => spellings.includes(text));
}
