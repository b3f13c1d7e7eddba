/** What an engine says of the watched containers, as series: mostly one question for each at a poll. */

import { z } from "zod";
import { messageOf } from "../../core/errors.ts";
import type { Platform, PlatformSeries, SeriesQuestion } from "../../core/ports.ts";
import { type DockerApi, NoAnswerError } from "./api.ts";
import { chooseWatched, type ListedContainer } from "./container-list.ts";
import {
  type ContainerFacts,
  containerSamples,
  type Inspected,
  inspectedSchema,
  statsSchema,
} from "./container-samples.ts";

/** The engine whose containers are read. */
export interface ContainerEngine {
  readonly api: DockerApi;
  /** The label of containers that are watched although no settings name them: `name=value`; none by default. */
  readonly label?: string;
}

/** How long one container may hold up the others, as a share of the deadline. */
const CONTAINER_SHARE = 0.7;

/** What a change leaves no trace of in the list, such as another limit, is seen after so many polls. */
const MAX_POLLS_UNSEEN = 12;

/** A container as it was when it was last inspected. */
interface Known {
  /** Its entry of the list then. */
  readonly entry: string;
  readonly inspected: Inspected;
  readonly polls: number;
  readonly oomKills: number;
}

/**
 * Asks the engine's own API: a `docker` process for each reading would cost more than all the rest.
 * A container of which the engine cannot tell is a problem of its own, and hides no other.
 *
 * @see https://docs.docker.com/reference/api/engine/
 */
export function containerSeries(engine: ContainerEngine): Platform["series"] {
  const reader = new ContainersReader(engine);
  return (question, signal) => reader.read(question, signal);
}

type OneAnswer =
  | { readonly kind: "read"; readonly facts: ContainerFacts }
  /** The container was removed after it was listed. */
  | { readonly kind: "gone" }
  | { readonly kind: "failed"; readonly name: string; readonly error: unknown };

class ContainersReader {
  readonly #api: DockerApi;
  readonly #label: string | undefined;
  /** By the container's id. */
  #known: ReadonlyMap<string, Known> = new Map();

  constructor({ api, label }: ContainerEngine) {
    this.#api = api;
    this.#label = label;
  }

  /** @throws Error that says what is wrong with the engine's answer, or that it cannot be reached */
  async read(
    { services, deadlineMs }: SeriesQuestion,
    caller: AbortSignal,
  ): Promise<PlatformSeries> {
    const signal = AbortSignal.any([caller, AbortSignal.timeout(deadlineMs)]);
    const path = "containers/json?all=true";
    const listed = await this.#api.get(path, z.array(z.unknown()), signal);
    const { watched, problems } = chooseWatched(listed ?? [], {
      names: services,
      label: this.#label,
    });
    const each = AbortSignal.any([signal, AbortSignal.timeout(deadlineMs * CONTAINER_SHARE)]);
    const before = this.#known;
    const known = new Map<string, Known>();
    const answers = await Promise.all(
      watched.map((one) => this.#readOne(one, { before: before.get(one.id), known }, each)),
    );
    this.#known = known;
    const failures = answers.flatMap((answer) => (answer.kind === "failed" ? [answer] : []));
    const [first] = failures;
    // The engine went away after it gave the list.
    if (first && failures.length === watched.length && first.error instanceof NoAnswerError)
      throw first.error;
    return {
      services: answers.flatMap((answer) =>
        answer.kind === "read"
          ? [{ service: answer.facts.name, samples: containerSamples(answer.facts) }]
          : [],
      ),
      found: watched
        .filter(({ isLabelled }, index) => isLabelled && answers[index]?.kind !== "gone")
        .map(({ name }) => name),
      problems: [
        ...problems,
        ...failures.map(({ name, error }) => ({ service: name, why: messageOf(error) })),
      ],
    };
  }

  async #readOne(
    container: ListedContainer,
    { before, known }: { readonly before: Known | undefined; readonly known: Map<string, Known> },
    signal: AbortSignal,
  ): Promise<OneAnswer> {
    const { id, name, entry } = container;
    const path = `containers/${encodeURIComponent(id)}`;
    try {
      const isSame = before !== undefined && !mayHaveChanged(container, before);
      const inspected = isSame
        ? before.inspected
        : await this.#api.get(`${path}/json`, inspectedSchema, signal);
      if (inspected === undefined) return { kind: "gone" };
      const polls = isSame ? before.polls + 1 : 0;
      const oomKills = isSame ? before.oomKills : countOomKills(before, inspected);
      known.set(id, { entry, inspected, polls, oomKills });
      const { Running, Restarting = false } = inspected.State;
      const stats =
        Running && !Restarting
          ? await this.#api
              .get(`${path}/stats?stream=false&one-shot=true`, statsSchema, signal)
              .catch(notKnown)
          : undefined;
      return { kind: "read", facts: { name, inspected, stats, oomKills } };
    } catch (error) {
      return { kind: "failed", name, error };
    }
  }
}

/**
 * Whether it has to be inspected again. The list says how long a container is what it is: a restart makes
 * that young again, and of one that is younger than a minute the words alone do not tell one run from the next.
 */
function mayHaveChanged({ entry }: ListedContainer, { entry: before, polls }: Known): boolean {
  return entry !== before || entry === "" || /second/.test(entry) || polls >= MAX_POLLS_UNSEEN;
}

/** The engine keeps what its last run died of until it dies again: each start after an OOM kill is one more. */
function countOomKills(before: Known | undefined, now: Inspected): number {
  if (before === undefined) return 0;
  const { inspected, oomKills } = before;
  if (!now.State.OOMKilled) return oomKills;
  if (!inspected.State.OOMKilled) return oomKills + 1;
  // Both times it died of it: of how many deaths, its engine has counted.
  return oomKills + Math.max(now.RestartCount - inspected.RestartCount, 0);
}

/**
 * The engine answers with nothing for one that ends just then: what it uses is not worth the state
 * of all the others.
 */
function notKnown(): undefined {
  return undefined;
}
