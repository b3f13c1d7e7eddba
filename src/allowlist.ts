/**
 * The closed table of what Sentinel may run. An action is an id; the argv behind it is fixed here,
 * for each service, before anything untrusted is read. No text from a model, a log or a metric ever
 * becomes part of a command.
 */

/**
 * What an action does to a service. `start`: it exists and does not run. `create`: it does not exist.
 * `rollback`: it gets back the version that it had before.
 */
export const EFFECTS = ["restart", "start", "create", "stop", "rollback"] as const;
export type Effect = (typeof EFFECTS)[number];

/** One row of the table: what an action is, whatever service it is for. */
interface Row {
  /** As the journal, the events, the reports and the settings name it. */
  readonly id: string;
  readonly platform: string;
  readonly effects: readonly Effect[];
  /** `project`: it acts on every service of a Compose file, and not on one alone. */
  readonly scope: "service" | "project";
  /** What it does, as a model reads it. */
  readonly description: string;
  /** Whole argv, program first; `undefined` where it cannot be run on that service. */
  readonly argv: (place: Place) => readonly string[] | undefined;
  /** The texts that mean it, beside its id. Default: none. */
  readonly spellings?: (argv: readonly string[]) => readonly string[];
}

/** The service that an argv is made for. Every text in it has been checked. */
interface Place {
  readonly service: string;
  readonly usesCompose: boolean;
  readonly compose: ComposeService | undefined;
}

const COMMAND_ITSELF = (argv: readonly string[]) => [argv.join(" ")];
/** `docker compose` and `docker-compose` are one program. */
const EITHER_COMPOSE = (argv: readonly string[]) => [
  argv.join(" "),
  ["docker-compose", ...argv.slice(2)].join(" "),
];

/** Narrowest first, of those on one platform with the same effect. */
const ROWS = [
  {
    id: "docker-restart",
    platform: "docker",
    // `docker restart` also starts a container that has ended.
    effects: ["restart", "start"],
    scope: "service",
    description:
      "restarts this one container, and starts it if it is stopped; it is away for some seconds; the narrowest",
    argv: ({ service }) => ["docker", "restart", service],
    spellings: COMMAND_ITSELF,
  },
  {
    id: "docker-stop",
    platform: "docker",
    effects: ["stop"],
    scope: "service",
    description: "takes the service down; always waits for a person",
    argv: ({ service }) => ["docker", "stop", service],
    spellings: COMMAND_ITSELF,
  },
  {
    id: "compose-service-restart",
    platform: "docker",
    effects: ["restart", "start"],
    scope: "service",
    description: "restarts this one service through Docker Compose, and starts it if it is stopped",
    argv: ({ compose }) => compose && composeServiceArgv(compose, ["restart"]),
  },
  {
    id: "compose-service-up",
    platform: "docker",
    effects: ["start", "create"],
    scope: "service",
    description:
      "creates this one service if it is missing and starts it if it is stopped, through Docker Compose",
    argv: ({ compose }) => compose && composeServiceArgv(compose, ["up", "-d"]),
  },
  {
    id: "compose-restart",
    platform: "docker",
    effects: ["restart", "start"],
    scope: "project",
    description: "restarts every service of the Compose file",
    argv: ({ usesCompose }) => (usesCompose ? ["docker", "compose", "restart"] : undefined),
    spellings: EITHER_COMPOSE,
  },
  {
    id: "compose-stop",
    platform: "docker",
    effects: ["stop"],
    scope: "project",
    description: "takes every service of the Compose file down; always waits for a person",
    argv: ({ usesCompose }) => (usesCompose ? ["docker", "compose", "stop"] : undefined),
    spellings: EITHER_COMPOSE,
  },
  {
    id: "compose-up",
    platform: "docker",
    effects: ["start", "create"],
    scope: "project",
    description:
      "creates and starts what is missing or stopped; leaves alone what runs as it should",
    argv: ({ usesCompose }) => (usesCompose ? ["docker", "compose", "up", "-d"] : undefined),
    spellings: EITHER_COMPOSE,
  },
  {
    id: "supervisor-restart",
    platform: "process",
    effects: ["restart"],
    scope: "service",
    description:
      "restarts this one service, and starts it if it is stopped; it is away for some seconds; the narrowest",
    argv: () => ["supervisor", "restart"],
  },
  {
    id: "supervisor-stop",
    platform: "process",
    effects: ["stop"],
    scope: "service",
    description: "takes the service down; always waits for a person",
    argv: () => ["supervisor", "stop"],
  },
  {
    id: "supervisor-start",
    platform: "process",
    effects: ["start"],
    scope: "service",
    description: "starts the service if it is stopped; leaves it alone if it runs",
    argv: () => ["supervisor", "start"],
  },
] as const satisfies readonly Row[];

type KnownRow = (typeof ROWS)[number];

export type ActionId = KnownRow["id"];

/** What a rule may lead to: an effect, or one action by its id. */
export type Permit = Effect | ActionId;

/** What runs a service. */
export type PlatformName = KnownRow["platform"];

/** A row, with its names from the closed lists that the table makes. */
interface TableRow extends Row {
  readonly id: ActionId;
  readonly platform: PlatformName;
}

const TABLE: readonly TableRow[] = ROWS;

/** Every platform, in the order of the table. */
export const PLATFORM_NAMES: readonly PlatformName[] = [
  ...new Set(TABLE.map(({ platform }) => platform)),
];

/** Every id, in the order of the table. */
export const ACTION_IDS: readonly ActionId[] = TABLE.map(({ id }) => id);

/** One allow-listed command: a row of the table, made for one service. */
export interface AllowedAction {
  readonly id: ActionId;
  readonly platform: PlatformName;
  /** Whole argv, program first. Never passed through a shell. The supervisor's only describes. */
  readonly argv: readonly string[];
  /** Every text that means this action, compared byte for byte. */
  readonly spellings: readonly string[];
  readonly effects: readonly Effect[];
  /** What it does, as a model reads it. */
  readonly description: string;
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

/** The table for a service in a container. What runs one Compose service is there if Compose has it. */
type ContainerAllowlist = Allowlist &
  Readonly<Record<Exclude<DockerId, `compose-service-${string}`>, AllowedAction>>;

type DockerId = Extract<KnownRow, { readonly platform: "docker" }>["id"];

/** Docker's own grammar for names. A name that passes can't be an option or hold a space. */
const SERVICE_NAME_PATTERN = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;

const MAX_SERVICE_NAME_LENGTH = 128;

/** Compose's own grammar for the names of projects, and for those of services less a leading `-`. */
const COMPOSE_PROJECT_PATTERN = /^[a-z0-9][a-z0-9_-]*$/;
const COMPOSE_SERVICE_PATTERN = /^[a-zA-Z0-9._][a-zA-Z0-9._-]*$/;

/** An absolute path without control or invisible characters. With its `/` first, it can't be an option. */
const PATH_PATTERN = /^\/[^\p{C}\p{Zl}\p{Zp}]*$/u;
const MAX_PATH_LENGTH = 4096;
const MAX_FILES = 20;

/** Every id of a platform. */
export function actionIdsOf(platform: PlatformName): readonly ActionId[] {
  return TABLE.filter((row) => row.platform === platform).map(({ id }) => id);
}

/** What a service of that platform may get without a person, unless its settings say otherwise. */
export function defaultActions(platform: PlatformName): readonly ActionId[] {
  return TABLE.filter((row) => row.platform === platform && row.scope === "service")
    .filter(({ effects }) => !effects.includes("stop"))
    .map(({ id }) => id);
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

/** On one service alone, whatever depends on it and whatever else of its project does not run. */
function composeServiceArgv(compose: ComposeService, verb: readonly string[]): readonly string[] {
  const { project, service, files, projectFolder, envFiles = [] } = compose;
  return [
    ...["docker", "compose", "-p", project],
    ...(projectFolder === undefined ? [] : ["--project-directory", projectFolder]),
    ...envFiles.flatMap((file) => ["--env-file", file]),
    ...files.flatMap((file) => ["-f", file]),
    ...verb,
    // Without it a restart also restarts, and starts, what has `depends_on: {restart: true}` on it.
    ...["--no-deps", service],
  ];
}

function actionOf(row: TableRow, argv: readonly string[]): AllowedAction {
  const { id, platform, effects, scope, description, spellings } = row;
  return {
    id,
    platform,
    argv,
    spellings: [id, ...(spellings?.(argv) ?? [])],
    effects,
    description,
    touchesOthers: scope === "project",
    stopsService: effects.includes("stop"),
  };
}

/** Where a service runs. */
interface Placement {
  readonly platform: PlatformName;
  /** Whether what acts on its whole Compose project is offered. Default: it is not. */
  readonly usesCompose?: boolean;
  /** Without it nothing that runs one Compose service is offered. */
  readonly compose?: ComposeService | undefined;
}

const IN_CONTAINER: Placement = { platform: "docker", usesCompose: true };

/**
 * The table for one service.
 *
 * @param service container name
 * @param placement default: a container that Compose has not made
 * @throws RangeError if the name is not one that Docker could have given, or the Compose service is not
 *   one that Compose could have written
 */
export function allowlistFor(service: string): ContainerAllowlist;
export function allowlistFor(service: string, placement: Placement): Allowlist;
export function allowlistFor(service: string, placement = IN_CONTAINER): Allowlist {
  if (!isServiceName(service))
    throw new RangeError(
      `service name ${JSON.stringify(service)} must match ${SERVICE_NAME_PATTERN.source}`,
    );
  const { platform, usesCompose = false, compose } = placement;
  const why = compose && whyNotComposeService(compose);
  if (why !== undefined) throw new RangeError(why);
  const offered = TABLE.flatMap((row) => {
    if (row.platform !== platform) return [];
    const argv = row.argv({ service, usesCompose, compose });
    return argv === undefined ? [] : [[row.id, actionOf(row, argv)] as const];
  });
  return Object.fromEntries(offered);
}

/** What is offered, in the order of `ACTION_IDS`, which is narrowest first. */
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
