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
] as const;
export type ActionId = (typeof ACTION_IDS)[number];

/** The part of an id in front of its verb: which executor runs it. */
export type ExecutorName = "docker" | "compose";

/** One allow-listed command: an id, the executor that runs it, and its exact argv. */
export interface AllowedAction {
  readonly id: ActionId;
  readonly executor: ExecutorName;
  /** Whole argv, program first. Never passed through a shell. */
  readonly argv: readonly string[];
  /** Every text that means this action, compared byte for byte. */
  readonly spellings: readonly string[];
  /** True for what takes a service down: such an action always waits for a person. */
  readonly stopsService: boolean;
}

export type Allowlist = Readonly<Record<ActionId, AllowedAction>>;

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

/**
 * The table for one service.
 *
 * @param service container name
 * @throws RangeError if the name is not one that Docker could have given
 */
export function allowlistFor(service: string): Allowlist {
  if (!isServiceName(service))
    throw new RangeError(
      `service name ${JSON.stringify(service)} must match ${SERVICE_NAME_PATTERN.source}`,
    );
  return {
    "docker-restart": dockerAction("restart", service),
    "docker-stop": dockerAction("stop", service),
    "compose-restart": composeAction("restart", []),
    "compose-stop": composeAction("stop", []),
    "compose-up": composeAction("up", ["-d"]),
  };
}

/**
 * The action that a text means, or `undefined`. Exact: no trimming, no case folding, no
 * normalisation, so that a look-alike, an added option or a second command is never an action.
 */
export function matchAction(allowlist: Allowlist, text: string): AllowedAction | undefined {
  return ACTION_IDS.map((id) => allowlist[id]).find((action) => action.spellings.includes(text));
}
