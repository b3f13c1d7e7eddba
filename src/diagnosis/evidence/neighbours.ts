/** PURE: who a service may need, and which of them are sick. */

import type {
  ContainerBeside,
  ContainerSetup,
  LogDigest,
  Neighbour,
  Surroundings,
} from "../../core/evidence.ts";

interface Given {
  readonly service: string;
  readonly setup: ContainerSetup | undefined;
  readonly beside: readonly ContainerBeside[];
  /** Names of watched services with alerts that fire, and which. */
  readonly alerting: ReadonlyMap<string, readonly string[]>;
  readonly log: LogDigest | undefined;
}

const MAX_NEIGHBOURS = 15;
/** Shorter names are found in words of any log. */
const MIN_NAME_LENGTH = 3;

/** Those with a relation to the service, and of all others those of which alerts fire; the first are those that it needs. */
export function neighboursOf({
  service,
  setup,
  beside,
  alerting,
  log,
}: Given): NonNullable<Surroundings["neighbours"]> {
  const errors = (log?.templates ?? []).filter(({ topic }) => topic === "error");
  const text = errors.map(({ example }) => example).join("\n");
  const all = beside
    .filter(({ name }) => name !== service)
    .map((container): Neighbour => {
      const { name, state } = container;
      const names = [name, ...container.aliases];
      const relations = [
        ...(isNeeded(container, setup) ? (["depends_on"] as const) : []),
        ...(names.some((one) => setup?.namedHosts.includes(one)) ? (["environment"] as const) : []),
        ...(names.some((one) => isNamedIn(text, one)) ? (["log"] as const) : []),
        ...(sharesNetwork(container, setup) ? (["network"] as const) : []),
      ];
      const firing = alerting.get(name) ?? [];
      const sickness =
        whySick(container) ?? (firing.length > 0 ? `${firing.join(", ")} fires` : undefined);
      const isApart = (setup?.networks.some(isOwn) ?? false) && !sharesNetwork(container, setup);
      return { name, relations, state, ...(isApart && { isApart }), sickness };
    })
    // One that has nothing to do with it is told of only if it is watched, and sick at the same time.
    .filter(({ name, relations }) => relations.length > 0 || alerting.has(name))
    .toSorted((a, b) => rank(b) - rank(a));
  return { told: all.slice(0, MAX_NEIGHBOURS), leftOut: Math.max(all.length - MAX_NEIGHBOURS, 0) };
}

function isNeeded({ project, aliases }: ContainerBeside, setup: ContainerSetup | undefined) {
  return (
    project !== undefined &&
    project === setup?.project &&
    aliases.some((alias) => setup.needs.includes(alias))
  );
}

/** Every engine has these, and containers on them cannot find each other by name. */
const COMMON_NETWORKS: readonly string[] = ["bridge", "host", "none"];

const isOwn = (network: string) => !COMMON_NETWORKS.includes(network);

function sharesNetwork({ networks }: ContainerBeside, setup: ContainerSetup | undefined) {
  return networks.some((one) => isOwn(one) && setup?.networks.includes(one));
}

function isNamedIn(text: string, name: string): boolean {
  if (name.length < MIN_NAME_LENGTH) return false;
  for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + 1))
    if (isEdge(text[at - 1]) && isEdge(text[at + name.length])) return true;
  return false;
}

function isEdge(character: string | undefined): boolean {
  return character === undefined || !/[\w-]/.test(character);
}

function whySick({ state, status, isOneShot }: ContainerBeside): string | undefined {
  if (status === "paused") return "it is paused";
  if (status === "restarting") return "its engine restarts it again and again";
  if (status !== "running") return isOneShot ? undefined : `it is ${state}`;
  return /unhealthy/.test(state) ? "its health check fails" : undefined;
}

function rank({ relations, sickness }: Neighbour): number {
  return (relations.some((of) => of !== "network") ? 2 : 0) + (sickness === undefined ? 0 : 1);
}
