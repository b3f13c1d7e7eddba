/** Which of an engine's containers are watched, by their own names; pure. */

import { z } from "zod";
import { isServiceName } from "../../allowlist.ts";
import type { ServiceProblem } from "../../core/ports.ts";
import { printable } from "../../text/printable.ts";
import { orchestratorOf } from "./orchestrator.ts";

/** Which containers are to be watched. */
interface Wanted {
  /** Containers that are asked for by name, labelled or not. */
  readonly names: readonly string[];
  /** The label of containers that are to be restarted when their HEALTHCHECK fails: `name=value`; `undefined` for none. */
  readonly label: string | undefined;
}

export interface ListedContainer {
  readonly id: string;
  readonly name: string;
  readonly isLabelled: boolean;
  /** What the list says of its state, and for how long; empty if it says nothing of that. */
  readonly entry: string;
}

interface ContainerList {
  /** Those of the settings first; no two have the same name. */
  readonly watched: readonly ListedContainer[];
  readonly problems: readonly ServiceProblem[];
}

/** More containers on one engine are a cluster's, which one Sentinel does not watch. */
export const MAX_CONTAINERS = 200;

const SHORT_ID_LENGTH = 12;
const MAX_SHOWN_NAME = 80;

/** Compose gives a container the id of its predecessor for as long as it replaces it. */
const REPLACING = /^[0-9a-f]{12}_(.+)$/;
const COMPOSE_LABEL = "com.docker.compose.project";

const entrySchema = z.object({
  Id: z.string(),
  Names: z.array(z.string()).nullish(),
  Labels: z.record(z.string(), z.string()).nullish(),
  State: z.string().nullish(),
  // Such as `Up 2 hours (healthy)`.
  Status: z.string().nullish(),
});

/**
 * One entry that cannot be used never hides another.
 *
 * @param listed the answer to `containers/json?all=true`
 */
export function chooseWatched(listed: readonly unknown[], wanted: Wanted): ContainerList {
  const [labelName = "", labelValue] = wanted.label?.split("=") ?? [];
  const problems: ServiceProblem[] = [];
  const found = new Map<string, ListedContainer>();
  const leftOver = new Map<string, string>();
  for (const entry of listed) {
    const parsed = entrySchema.safeParse(entry);
    if (!parsed.success) {
      problems.push({ service: "?", why: "the engine lists a container in an unknown form" });
      continue;
    }
    const { Id: id, Names, Labels, State, Status } = parsed.data;
    // An orchestrator does not remove a task that has ended, and has started another.
    const isOver = orchestratorOf(Labels ?? {}) !== undefined && State !== "running";
    const isLabelled = wanted.label !== undefined && Labels?.[labelName] === labelValue && !isOver;
    const name = ownName(Names ?? []);
    if (name === undefined) {
      if (isLabelled) problems.push({ service: shortId(id), why: NAMELESS });
      continue;
    }
    const replaced = Labels?.[COMPOSE_LABEL] ? REPLACING.exec(name)?.[1] : undefined;
    if (replaced !== undefined && !wanted.names.includes(name)) {
      leftOver.set(replaced, name);
      if (isLabelled) problems.push({ service: name, why: whyLeftOver(replaced) });
      continue;
    }
    if (!isLabelled && !wanted.names.includes(name)) continue;
    const service = printable(name, MAX_SHOWN_NAME);
    if (!isServiceName(name)) problems.push({ service, why: whyRefused(name) });
    else if (found.has(name)) problems.push({ service, why: TWICE });
    else found.set(name, { id, name, isLabelled, entry: Status ? `${State}: ${Status}` : "" });
  }
  for (const name of wanted.names) {
    const other = leftOver.get(name);
    if (other === undefined || found.has(name)) continue;
    problems.push({ service: name, why: `its container is ${other}: ${whyLeftOver(name)}` });
  }
  const isNamed = ({ name }: ListedContainer) => wanted.names.includes(name);
  const all = [...found.values()];
  const ordered = [...all.filter(isNamed), ...all.filter((one) => !isNamed(one))];
  for (const { name } of ordered.slice(MAX_CONTAINERS))
    problems.push({ service: name, why: TOO_MANY });
  return { watched: ordered.slice(0, MAX_CONTAINERS), problems };
}

const NAMELESS = "it has no name; the engine may be removing it";
const TOO_MANY = `one Sentinel watches ${MAX_CONTAINERS} containers at most; give HEAL_LABEL another value for some, and each value an observer`;
const TWICE = "another container has the same name; the first one is watched";

function whyLeftOver(replaced: string): string {
  return `Compose is replacing ${replaced}, or was interrupted in it; then \`docker compose up -d\` ends it`;
}

function whyRefused(name: string): string {
  return `its name of ${name.length} characters is none that Sentinel can use; give it one of at most 128 letters, digits, dots, dashes and underscores`;
}

/** The name that the engine gave it. What has more than one slash is another container's link to it. */
function ownName(names: readonly string[]): string | undefined {
  return names.map((name) => name.replace(/^\//, "")).find((name) => name && !name.includes("/"));
}

function shortId(id: string): string {
  return printable(id.slice(0, SHORT_ID_LENGTH), SHORT_ID_LENGTH);
}
