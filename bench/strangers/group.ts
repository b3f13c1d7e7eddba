/** Some strangers under one observer: left in order for a while, then broken, each in its own way. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { STRANGERS } from "./catalogue.ts";
import { startStranger, type StrangerContainer } from "./container.ts";
import { type Cell, falseAlarms, isOver, judge, type Verdict } from "./judge.ts";
import { startObserver, type Told } from "./observer.ts";

const LOOK_AGAIN_AFTER_MS = 250;
/** Twice as long as it may take: what is found late is shown with its time. */
const FOUND_WITHIN_MS = 45_000;
/** From then on: the action, and its verdict. */
const OVER_WITHIN_MS = 100_000;

export interface GroupOptions {
  /** The compiled executable. */
  readonly sentinel: string;
  readonly healthyMs: number;
  /** Broken at once; the others go on in order meanwhile. */
  readonly atOnce: number;
}

export interface GroupResult {
  readonly verdicts: readonly Verdict[];
  /** What was raised of services that were in order. */
  readonly falseAlarms: readonly string[];
  /** The observer's own, for when something is amiss. */
  readonly log: string;
}

/** Leaves nothing behind. */
export async function runGroup(
  cells: readonly Cell[],
  { sentinel, healthyMs, atOnce }: GroupOptions,
): Promise<GroupResult> {
  await using group = await startGroup(
    sentinel,
    cells.map(({ name }) => name),
  );
  const { containers, observer } = group;
  await Bun.sleep(healthyMs);
  const healthyUntilMs = new Map<string, number>();
  const verdicts: Verdict[] = [];
  const pairs = cells.flatMap((cell, index) => {
    const container = containers[index];
    return container === undefined ? [] : [{ cell, container }];
  });
  for (let from = 0; from < pairs.length; from += atOnce) {
    const broken = pairs.slice(from, from + atOnce).map(({ cell, container }) => {
      healthyUntilMs.set(container.name, performance.now());
      return breakAndWatch(cell, container, observer.told);
    });
    verdicts.push(...(await Promise.all(broken)));
  }
  return {
    verdicts,
    falseAlarms: falseAlarms(observer.told, (service) => healthyUntilMs.get(service) ?? Infinity),
    log: observer.log(),
  };
}

/**
 * All of them at once under one observer, for so long.
 *
 * @returns what was raised, each with its service
 */
export async function watchInOrder(
  names: readonly string[],
  sentinel: string,
  healthyMs: number,
): Promise<readonly string[]> {
  if (healthyMs === 0) return [];
  await using group = await startGroup(sentinel, names);
  await Bun.sleep(healthyMs);
  return falseAlarms(group.observer.told, () => Infinity);
}

interface Group extends AsyncDisposable {
  /** In the order of the names. */
  readonly containers: readonly StrangerContainer[];
  readonly observer: Awaited<ReturnType<typeof startObserver>>;
}

async function startGroup(sentinel: string, names: readonly string[]): Promise<Group> {
  await using cleanup = new AsyncDisposableStack();
  const id = crypto.randomUUID().slice(0, 8);
  const folder = await mkdtemp(join(tmpdir(), "sentinel-strangers-"));
  cleanup.defer(() => rm(folder, { recursive: true }));
  const starting = await Promise.allSettled(
    names.map((name, index) => {
      const stranger = STRANGERS.find((one) => one.name === name);
      if (stranger === undefined) throw new RangeError(`no stranger is called ${name}`);
      return startStranger(stranger, `strangers-${id}-${index}-${stranger.image}`);
    }),
  );
  const containers = starting.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  cleanup.defer(async () => {
    await Promise.all(containers.map((container) => container[Symbol.asyncDispose]()));
  });
  const failed = starting.flatMap((one) => (one.status === "rejected" ? [one.reason] : []));
  if (failed.length > 0) throw new AggregateError(failed, `not all started: ${failed.join("; ")}`);
  const entries = containers.map(({ entry }) => entry);
  const observer = cleanup.use(await startObserver(sentinel, folder, entries));
  const owned = cleanup.move();
  return { containers, observer, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function breakAndWatch(
  cell: Cell,
  container: StrangerContainer,
  told: readonly Told[],
): Promise<Verdict> {
  const firstStart = await container.startedAt();
  const brokenAtMs = await container.break(cell.fault);
  let backAtMs: number | undefined;
  for (;;) {
    if (backAtMs === undefined && (await container.startedAt()) !== firstStart)
      backAtMs = (await container.answers()) ? performance.now() : undefined;
    const verdict = judge(cell, { service: container.name, brokenAtMs, backAtMs }, told);
    const withinMs = verdict.alert === undefined ? FOUND_WITHIN_MS : OVER_WITHIN_MS;
    if (isOver(verdict) || performance.now() > brokenAtMs + withinMs) return verdict;
    await Bun.sleep(LOOK_AGAIN_AFTER_MS);
  }
}
