/**
 * The closed table of what Sentinel may run. An action is an id; the argv behind it is fixed here,
 * for each service, before anything untrusted is read. No text from a model, a log or a metric ever
 * becomes part of a command.
 */

export const ACTION_IDS = [
  "docker-restart",
  "docker-stop",
  "compose-service-restart",
  "compose-service-up",
  "compose-restart",
  "compose-stop",
  "compose-up",
  "supervisor-restart",
  "supervisor-stop",
  "supervisor-start",
] as const;
export type ActionId = (typeof ACTION_IDS)[number];

/** The beginning of an id: which executor runs it. */
export type ExecutorName = "docker" | "compose" | "supervisor";

/** What an action does to a service. `start`: it exists and does not run. `create`: it does not exist. */
const EFFECTS = ["restart", "start", "create", "stop"] as const;
export type Effect = (typeof EFFECTS)[number];

/** One allow-listed command: an id, the executor that runs it, and its exact argv. */
export interface AllowedAction {
  readonly id: ActionId;
  readonly executor: ExecutorName;
  /** Whole argv, program first. Never passed through a shell. The supervisor's only describes. */
  readonly argv: readonly string[];
  /** Every text that means this action, compared byte for byte. */
  readonly spellings: readonly string[];
  readonly effects: readonly Effect[];
  /** True for what acts on every service of a Compose file. */
  readonly touchesOthers: boolean;
  /** True for what takes a service down: such an action always waits for a person. */
  readonly stopsService: boolean;
}

/** Which service of which Compose project a container is. */
export interface ComposeService {
  readonly project: string;
  readonly service: string;
  /** Absolute paths, in the order in which Compose merges them; at least one. */
  readonly files: readonly string[];
  /** Absolute path, where it is not the folder of the first file. */
  readonly projectFolder?: string;
  /** Absolute paths, where the project is not interpolated from the `.env` of its folder. */
  readonly envFiles?: readonly string[];
}

/** The actions that are offered for one service; an id that is not there can't be chosen. */
export type Allowlist = Readonly<Partial<Record<ActionId, AllowedAction>>>;

type ProjectWideId = "compose-restart" | "compose-stop" | "compose-up";

/** The table for a service in a container. What runs one Compose service is there if Compose has it. */
export type ContainerAllowlist = Allowlist &
  Readonly<Record<ProjectWideId | `docker-${"restart" | "stop"}`, AllowedAction>>;

/** Docker's own grammar for names. A name that passes can't be an option or hold a space. */
export const SERVICE_NAME_PATTERN = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;

const MAX_SERVICE_NAME_LENGTH = 128;

/** Compose's own grammar for the names of projects, and for those of services less a leading `-`. */
const COMPOSE_PROJECT_PATTERN = /^[a-z0-9][a-z0-9_-]*$/;
const COMPOSE_SERVICE_PATTERN = /^[a-zA-Z0-9._][a-zA-Z0-9._-]*$/;

/** An absolute path without control or invisible characters. With its `/` first, it can't be an option. */
const PATH_PATTERN = /^\/[^\p{C}\p{Zl}\p{Zp}]*$/u;
const MAX_PATH_LENGTH = 4096;
const MAX_FILES = 20;

const PROJECT_WIDE_IDS: readonly ActionId[] = ["compose-restart", "compose-stop", "compose-up"];

/** Whether the action acts on every service of a Compose file, and not on one alone. */
export function touchesOthers(id: ActionId): boolean {
  return PROJECT_WIDE_IDS.includes(id);
}

export function isServiceName(name: string): boolean {
  // `$` also matches before a final newline in some engines; JavaScript's does not, without the m flag.
  return name.length <= MAX_SERVICE_NAME_LENGTH && SERVICE_NAME_PATTERN.test(name);
}

/**
 * What in it is none of what Compose itself could have written, as a sentence; `undefined` if all is
 * as Compose writes it. Whoever made the container has set it, so it is checked before it is a command.
 */
export function whyNotComposeService(compose: ComposeService): string | undefined {
  const { project, service, files, projectFolder, envFiles = [] } = compose;
  const isName = (name: string, pattern: RegExp) =>
    name.length <= MAX_SERVICE_NAME_LENGTH && pattern.test(name);
  const isPath = (path: string) => path.length <= MAX_PATH_LENGTH && PATH_PATTERN.test(path);
  if (!isName(project, COMPOSE_PROJECT_PATTERN))
    return `its project is ${JSON.stringify(project)}, which is not a name of a Compose project`;
  if (!isName(service, COMPOSE_SERVICE_PATTERN))
    return `its service is ${JSON.stringify(service)}, which is not a name of a Compose service`;
  if (files.length === 0) return "no Compose file is named";
  if (files.length + envFiles.length > MAX_FILES) return `more than ${MAX_FILES} files are named`;
  const paths = [...files, ...envFiles, ...(projectFolder === undefined ? [] : [projectFolder])];
  const bad = paths.find((path) => !isPath(path));
  return bad === undefined ? undefined : `${JSON.stringify(bad)} is not an absolute path`;
}

function dockerAction(verb: "restart" | "stop", service: string): AllowedAction {
  const argv = ["docker", verb, service];
  const id: ActionId = `docker-${verb}`;
  return {
    id,
    executor: "docker",
    argv,
    spellings: [id, argv.join(" ")],
    // `docker restart` also starts a container that has ended.
    effects: verb === "stop" ? ["stop"] : ["restart", "start"],
    touchesOthers: false,
    stopsService: verb === "stop",
  };
}

const COMPOSE_EFFECTS = {
  restart: ["restart", "start"],
  stop: ["stop"],
  up: ["start", "create"],
} satisfies Record<string, readonly Effect[]>;

function composeAction(verb: "restart" | "stop" | "up", options: readonly string[]): AllowedAction {
  const argv = ["docker", "compose", verb, ...options];
  const id: ActionId = `compose-${verb}`;
  return {
    id,
    executor: "compose",
    argv,
    spellings: [id, argv.join(" "), ["docker-compose", verb, ...options].join(" ")],
    effects: COMPOSE_EFFECTS[verb],
    touchesOthers: touchesOthers(id),
    stopsService: verb === "stop",
  };
}

/** On one service alone, whatever depends on it and whatever else of its project does not run. */
function composeServiceAction(verb: "restart" | "up", compose: ComposeService): AllowedAction {
  const { project, service, files, projectFolder, envFiles = [] } = compose;
  const id: ActionId = `compose-service-${verb}`;
  const argv = [
    ...["docker", "compose", "-p", project],
    ...(projectFolder === undefined ? [] : ["--project-directory", projectFolder]),
    ...envFiles.flatMap((file) => ["--env-file", file]),
    ...files.flatMap((file) => ["-f", file]),
    ...(verb === "up" ? ["up", "-d"] : ["restart"]),
    // Without it a restart also restarts, and starts, what has `depends_on: {restart: true}` on it.
    ...["--no-deps", service],
  ];
  return {
    id,
    executor: "compose",
    argv,
    spellings: [id],
    effects: COMPOSE_EFFECTS[verb],
    touchesOthers: false,
    stopsService: false,
  };
}

const SUPERVISOR_EFFECTS = {
  restart: ["restart"],
  stop: ["stop"],
  start: ["start"],
} satisfies Record<string, readonly Effect[]>;

function supervisorAction(verb: "restart" | "stop" | "start"): AllowedAction {
  const id: ActionId = `supervisor-${verb}`;
  return {
    id,
    executor: "supervisor",
    argv: ["supervisor", verb],
    spellings: [id],
    effects: SUPERVISOR_EFFECTS[verb],
    touchesOthers: false,
    stopsService: verb === "stop",
  };
}

/** Where a service runs. */
export interface Placement {
  /** What can act on it. */
  readonly executors: readonly ExecutorName[];
  /** Without it nothing that runs one Compose service is offered. */
  readonly compose?: ComposeService | undefined;
}

/**
 * The table for one service.
 *
 * @param service container name
 * @param placement executors alone, or with its Compose service; default: a container that Compose has not made
 * @throws RangeError if the name is not one that Docker could have given, or the Compose service is not
 *   one that Compose could have written
 */
export function allowlistFor(service: string): ContainerAllowlist;
export function allowlistFor(
  service: string,
  placement: readonly ExecutorName[] | Placement,
): Allowlist;
export function allowlistFor(
  service: string,
  placement: readonly ExecutorName[] | Placement = ["docker", "compose"],
): Allowlist {
  if (!isServiceName(service))
    throw new RangeError(
      `service name ${JSON.stringify(service)} must match ${SERVICE_NAME_PATTERN.source}`,
    );
  const { executors, compose }: Placement =
    "executors" in placement ? placement : { executors: placement };
  const why = compose && whyNotComposeService(compose);
  if (why !== undefined) throw new RangeError(why);
  const table = {
    "docker-restart": dockerAction("restart", service),
    "docker-stop": dockerAction("stop", service),
    "compose-service-restart": compose && composeServiceAction("restart", compose),
    "compose-service-up": compose && composeServiceAction("up", compose),
    "compose-restart": composeAction("restart", []),
    "compose-stop": composeAction("stop", []),
    "compose-up": composeAction("up", ["-d"]),
    "supervisor-restart": supervisorAction("restart"),
    "supervisor-stop": supervisorAction("stop"),
    "supervisor-start": supervisorAction("start"),
  } satisfies Record<ActionId, AllowedAction | undefined>;
  const offered = Object.entries(table).filter(
    ([, action]) => action !== undefined && executors.includes(action.executor),
  );
  return Object.fromEntries(offered);
}

/** What is offered, in the order of `ACTION_IDS`, which is narrowest first. */
export function offeredActions(allowlist: Allowlist): readonly AllowedAction[] {
  return ACTION_IDS.flatMap((id) => allowlist[id] ?? []);
}

/**
 * What has that effect and may be run without a person. Where nothing may, a person decides, and what has
 * it on this service alone is there, or else all that has it.
 *
 * @param unattended ids that may be run without a person
 * @returns narrowest first
 */
export function actionsFor(
  effect: Effect,
  allowlist: Allowlist,
  unattended: readonly ActionId[],
): readonly AllowedAction[] {
  const able = offeredActions(allowlist).filter(({ effects }) => effects.includes(effect));
  const tiers = [
    able.filter(({ id }) => unattended.includes(id)),
    able.filter((action) => !action.touchesOthers),
  ];
  return tiers.find((tier) => tier.length > 0) ?? able;
}

/** What a diagnosis is to choose from: all of `actionsFor` each effect, narrowest first. */
export function proposableActions(
  allowlist: Allowlist,
  unattended: readonly ActionId[],
): readonly AllowedAction[] {
  const proposable = new Set(
    EFFECTS.flatMap((effect) => actionsFor(effect, allowlist, unattended)),
  );
  return offeredActions(allowlist).filter((action) => proposable.has(action));
}

/**
 * The action that a text means, or `undefined`. Exact: no trimming, no case folding, no
 * normalisation, so that a look-alike, an added option or a second command is never an action.
 */
export function matchAction(allowlist: Allowlist, text: string): AllowedAction | undefined {
  return offeredActions(allowlist).find(({ spellings }) => spellings.includes(text));
}
