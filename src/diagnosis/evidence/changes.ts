/** PURE: what was done to a service, of how its container was set up before and is now, and of what its engine tells. */

import type { Change, ContainerSetup, RuntimeEvent, Surroundings } from "../../core/evidence.ts";
import type { IncidentRecord } from "../../core/incident-record.ts";

/** How its container was found, and when it was first found so. */
export interface SeenSetup {
  readonly seenAtMs: number;
  readonly setup: ContainerSetup;
}

/** As many as an hour of deploys has. */
const MAX_SETUPS = 10;

/** What was seen with one more look; a container that is as it was is the same. */
export function withSetup(
  seen: readonly SeenSetup[],
  setup: ContainerSetup,
  nowMs: number,
): readonly SeenSetup[] {
  const last = seen.at(-1);
  const isSame =
    last?.setup.containerId === setup.containerId && differences(last.setup, setup).length === 0;
  return isSame ? seen : [...seen, { seenAtMs: nowMs, setup }].slice(-MAX_SETUPS);
}

const MAX_CHANGES = 20;

interface Told {
  readonly setups: readonly SeenSetup[];
  /** Of the engine, oldest first. */
  readonly events: readonly RuntimeEvent[];
  /** Incidents in which Sentinel has acted on the service. */
  readonly records: readonly Pick<IncidentRecord, "action" | "intentAtMs">[];
  readonly sinceMs: number;
}

/** The changes since then, oldest first; of very many the newest. */
export function changesOf({
  setups,
  events,
  records,
  sinceMs,
}: Told): NonNullable<Surroundings["changes"]> {
  const actions = records.flatMap(({ action, intentAtMs }): Change[] =>
    action === undefined || intentAtMs === undefined
      ? []
      : [{ atMs: intentAtMs, kind: "action", what: `Sentinel ran ${action.id}` }],
  );
  const seen = setups
    .slice(1)
    .flatMap((after, index) => {
      const before = setups[index];
      return before === undefined ? [] : between(before.setup, after);
    })
    .filter((change) => !isToldBy(events, change));
  const recreated = createdOf(events, seen);
  const runs = withoutSteps(events).filter((event) => !isOfSentinel(event, actions));
  const all = [...actions, ...seen, ...recreated, ...runs.flatMap(runOf)]
    .filter(({ atMs }) => atMs >= sinceMs)
    .toSorted((a, b) => a.atMs - b.atMs)
    .filter(({ atMs, what }, index, { [index - 1]: before }) => {
      // An engine tells of some things twice.
      return before?.what !== what || atMs - before.atMs >= SAME_MS;
    });
  return { told: all.slice(-MAX_CHANGES), leftOut: Math.max(all.length - MAX_CHANGES, 0) };
}

/** An engine knows when a container was connected or updated; a look only that it is. */
function isToldBy(events: readonly RuntimeEvent[], { kind, what }: Change): boolean {
  return (
    (kind === "network" || kind === "run") &&
    events.some(({ network }) => network !== undefined && what.endsWith(` ${network}`))
  );
}

/** What differs between two looks, at the time at which the later container was made. */
function between(before: ContainerSetup, { setup, seenAtMs }: SeenSetup): Change[] {
  const isNew = setup.containerId !== before.containerId;
  const atMs = isNew ? (setup.createdAtMs ?? seenAtMs) : seenAtMs;
  const found = differences(before, setup).map((change) => ({ ...change, atMs }));
  if (found.length > 0 || !isNew) return found;
  return [{ atMs, kind: "created", what: "its container was made anew, set up as before" }];
}

function differences(before: ContainerSetup, after: ContainerSetup): Omit<Change, "atMs">[] {
  const image =
    before.imageId !== after.imageId
      ? [`its image changed from ${imageOf(before)} to ${imageOf(after)}`]
      : [];
  const settings = [
    environmentChange(before.environment, after.environment),
    before.commandHash === after.commandHash ? undefined : "its command changed",
    before.mountsHash === after.mountsHash ? undefined : "its volumes changed",
    limitsChange(before, after),
  ].filter((text) => text !== undefined);
  const left = missingFrom(after.networks, before.networks);
  const joined = missingFrom(before.networks, after.networks);
  return [
    ...image.map((what) => ({ kind: "deploy" as const, what })),
    ...settings.map((what) => ({ kind: "config" as const, what })),
    ...left.map((name) => ({ kind: "network" as const, what: `it left the network ${name}` })),
    // One network more cuts nobody off.
    ...joined.map((name) => ({ kind: "run" as const, what: `it joined the network ${name}` })),
  ];
}

function imageOf({ image, imageId }: ContainerSetup): string {
  return `${image} (${imageId.replace(/^sha256:/, "").slice(0, 12)})`;
}

const missingFrom = (some: readonly string[], all: readonly string[]) =>
  all.filter((one) => !some.includes(one));

const MAX_NAMES = 12;

/** Names alone: values are compared by a hash that nobody is told. */
function environmentChange(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): string | undefined {
  const names = [
    ...missingFrom([...before.keys()], [...after.keys()]).map((name) => `${name} added`),
    ...missingFrom([...after.keys()], [...before.keys()]).map((name) => `${name} removed`),
    ...[...after]
      .filter(([name, hash]) => before.has(name) && before.get(name) !== hash)
      .map(([name]) => `${name} set otherwise`),
  ];
  if (names.length === 0) return undefined;
  const more = names.length > MAX_NAMES ? ` and ${names.length - MAX_NAMES} more` : "";
  return `its environment changed: ${names.slice(0, MAX_NAMES).join(", ")}${more}`;
}

function limitsChange(before: ContainerSetup, after: ContainerSetup): string | undefined {
  const texts = (["cpuCores", "memoryBytes", "processes"] as const)
    .filter((name) => before.limits[name] !== after.limits[name])
    .map(
      (name) => `${name} from ${before.limits[name] ?? "none"} to ${after.limits[name] ?? "none"}`,
    );
  return texts.length === 0 ? undefined : `its limits changed: ${texts.join(", ")}`;
}

/** Containers of its name that were made one after the other, as far as no look has seen the difference. */
function createdOf(events: readonly RuntimeEvent[], seen: readonly Change[]): Change[] {
  const created = events.filter(({ action }) => action === "create");
  return created.flatMap((event, index): Change[] => {
    const isSeen = seen.some(({ atMs }) => Math.abs(atMs - event.atMs) < SAME_MS);
    const before = created[index - 1];
    if (isSeen) return [];
    const { atMs } = event;
    if (before === undefined)
      return [{ atMs, kind: "created", what: `its container was made, of ${event.image}` }];
    if (before.image !== event.image)
      return [
        { atMs, kind: "deploy", what: `its image changed from ${before.image} to ${event.image}` },
      ];
    if (before.imageId !== event.imageId)
      return [{ atMs, kind: "deploy", what: `its image ${event.image} is another one` }];
    if (before.configHash !== event.configHash)
      return [{ atMs, kind: "config", what: "its settings in the Compose file changed" }];
    return [{ atMs, kind: "created", what: "its container was made anew" }];
  });
}

/** An engine tells of one thing that was done in several steps, within this time. */
const SAME_MS = 2000;
const STOPPING_MS = 60_000;

/** Steps that a later event is the whole of: a restart is told as a kill, an end, a stop and a start. */
const STEPS: ReadonlyMap<string, readonly string[]> = new Map([
  ["restart", ["kill", "die", "stop", "start"]],
  ["stop", ["kill", "die"]],
  ["die", ["kill"]],
  ["destroy", ["kill", "die", "stop"]],
  ["create", ["kill", "die", "stop", "destroy"]],
]);

/** A container is started right after it was made. */
const STARTED_WITHIN_MS = 5000;

function withoutSteps(events: readonly RuntimeEvent[]): readonly RuntimeEvent[] {
  return events.filter((event, index) => {
    if (event.action === "connect" || event.action === "disconnect")
      // On its start and its end an engine connects and disconnects it by itself.
      return !events.some(
        ({ action, atMs }) =>
          ["create", "start", "die", "destroy", "restart", "stop"].includes(action) &&
          Math.abs(atMs - event.atMs) < SAME_MS,
      );
    if (
      event.action === "start" &&
      events.some(
        ({ action, atMs }) =>
          action === "create" && atMs <= event.atMs && event.atMs - atMs < STARTED_WITHIN_MS,
      )
    )
      return false;
    return !events
      .slice(index + 1)
      .some(
        ({ action, atMs }) =>
          atMs - event.atMs <= STOPPING_MS && STEPS.get(action)?.includes(event.action),
      );
  });
}

function isOfSentinel({ atMs }: RuntimeEvent, actions: readonly Change[]): boolean {
  return actions.some((action) => atMs >= action.atMs && atMs - action.atMs < STOPPING_MS);
}

const RUN_WORDS: ReadonlyMap<string, string> = new Map([
  ["start", "it was started"],
  ["stop", "somebody stopped it"],
  ["restart", "somebody restarted it"],
  ["kill", "it was sent a signal"],
  ["oom", "the kernel had no memory left for it"],
  ["pause", "somebody paused it"],
  ["unpause", "somebody let it go on"],
  ["rename", "it was renamed"],
  ["destroy", "its container was removed"],
]);

function runOf({ atMs, action, exitCode, network }: RuntimeEvent): Change[] {
  if (action === "connect")
    return [{ atMs, kind: "run", what: `somebody connected it to the network ${network}` }];
  if (action === "disconnect")
    return [{ atMs, kind: "network", what: `somebody took it off the network ${network}` }];
  if (action === "update") return [{ atMs, kind: "config", what: "somebody changed its limits" }];
  if (action === "die") return [{ atMs, kind: "run", what: `it ended with exit code ${exitCode}` }];
  const what = RUN_WORDS.get(action);
  return what === undefined ? [] : [{ atMs, kind: "run", what }];
}
