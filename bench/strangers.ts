/**
 * Whether Sentinel sees what it was not made with:
 * `bun bench/strangers.ts [executable] [healthy minutes] [only]`, 10 minutes and all by default.
 *
 * nginx, Redis, PostgreSQL, memcached, Mosquitto, a Go exporter and apps in Python, Node and Java run in
 * containers, with and without an exporter, under light traffic. They are watched in order first, when
 * nothing may be raised; then each is killed, frozen, made to burn its CPU and made to fill its memory.
 * Each has to be found within 20 s at a 5 s interval, be called by the right alert of the right service,
 * answer again and be told healed. One row for each; exit 1 on a miss. `only` is a pattern for rows, such
 * as `redis|cpu`. Without an executable, or with an empty one, `./sentinel` is built first. Needs Docker.
 */

import { appendFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findExecutable } from "./report.ts";
import { STRANGERS } from "./strangers/catalogue.ts";
import { allCells, groupsOf } from "./strangers/cells.ts";
import { removeAll } from "./strangers/docker.ts";
import { type GroupResult, runGroup, watchInOrder } from "./strangers/group.ts";
import { buildImages } from "./strangers/images.ts";
import type { Verdict } from "./strangers/judge.ts";
import { renderTable } from "./strangers/table.ts";

const DEFAULT_HEALTHY_MINUTES = 10;
const MINUTE_MS = 60_000;
/** As many as two cores start without trouble. */
const GROUP_SIZE = 8;
const BROKEN_AT_ONCE = 4;
/** In each group again, since its containers are new. */
const SETTLE_MS = 20_000;

const healthyMinutes = Number(process.argv[3] ?? DEFAULT_HEALTHY_MINUTES);
if (!(healthyMinutes >= 0))
  throw new RangeError(`the healthy minutes must be a number, not ${process.argv[3]}`);
const only = new RegExp(process.argv[4] ?? "");
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => void removeAll().finally(() => process.exit(1)));
const logs = join(tmpdir(), `sentinel-strangers-${process.pid}.log`);
const sentinel = await findExecutable();
await buildImages();

const cells = allCells().filter(({ name, fault }) => only.test(`${name} ${fault}`));
const names = STRANGERS.map(({ name }) => name).filter((name) =>
  cells.some((cell) => cell.name === name),
);
const raised = [...(await watchInOrder(names, sentinel, healthyMinutes * MINUTE_MS))];
console.log(`${names.length} services in order for ${healthyMinutes} min: ${raised.length} raised`);

const verdicts: Verdict[] = [];
for (const group of groupsOf(cells, GROUP_SIZE)) {
  const options = { sentinel, healthyMs: SETTLE_MS, atOnce: BROKEN_AT_ONCE };
  const result = await runGroup(group, options);
  console.log(`\n${renderTable(result.verdicts)}`);
  verdicts.push(...result.verdicts);
  keepLogIfMissed(result);
  raised.push(...result.falseAlarms);
}
const order = (verdict: Verdict) =>
  cells.findIndex(({ name, fault }) => name === verdict.name && fault === verdict.fault);
const missed = verdicts.filter(({ misses }) => misses.length > 0);
console.log(`\n${renderTable(verdicts.toSorted((a, b) => order(a) - order(b)))}\n`);
for (const alarm of raised) console.log(`MISS  raised in order: ${alarm}`);
console.log(
  `${verdicts.length - missed.length} of ${verdicts.length} cells, ${raised.length} raised in order`,
);
if (missed.length > 0 || raised.length > 0) console.log(`the observers' logs: ${logs}`);
process.exitCode = missed.length === 0 && raised.length === 0 ? 0 : 1;

/** One file for all, of whoever has a miss. */
function keepLogIfMissed({ verdicts, falseAlarms, log }: GroupResult): void {
  if (falseAlarms.length > 0 || verdicts.some(({ misses }) => misses.length > 0))
    appendFileSync(logs, `${log}\n`);
}
