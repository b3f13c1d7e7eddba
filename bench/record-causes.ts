/**
 * Records incidents with a known cause: `bun bench/record-causes.ts [--at-once 3] [--missing] [name ...]`.
 *
 * Real services in containers are broken in known ways while an observer looks on; what it has found out when
 * the first alert fires is kept in `test/causes/`, a line of JSON for each. `test/causes/causes.test.ts` holds the
 * playbook to it. Needs Docker, and the network once, to build the images. Without names all are
 * recorded anew, and with `--missing` those alone that are not there yet.
 */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Evidence } from "../src/core/model.ts";
import { CAUSES, type CauseCase } from "./causes/cases.ts";
import { play } from "./causes/stage.ts";
import { run } from "./report.ts";

const FOLDER = join(import.meta.dir, "causes");
const RECORDED = join(import.meta.dir, "..", "test", "causes");
const RELEASES = ["1.4.0", "1.5.0", "1.5.1", "1.5.2", "1.5.3", "1.5.4"];
const AT_ONCE = 3;

const { values, positionals } = parseArgs({
  options: { "at-once": { type: "string" }, missing: { type: "boolean" } },
  allowPositionals: true,
});
const chosen = CAUSES.filter(
  (cause) =>
    (positionals.length === 0 || positionals.some((part) => cause.name.startsWith(part))) &&
    !(values.missing && linesOf(cause).some(isOf(cause))),
);
for (const release of RELEASES) {
  const tag = ["--build-arg", `RELEASE=${release}`, "--tag", `sentinel-causes:${release}`];
  await run(["docker", "build", "--quiet", ...tag, "."], FOLDER);
}
const queue = [...chosen];
let missed = 0;
const work = async () => {
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) await record(next);
};
await Promise.all(Array.from({ length: Number(values["at-once"] ?? AT_ONCE) }, work));
process.exitCode = missed > 0 ? 1 : 0;

async function record(cause: CauseCase): Promise<void> {
  const { name, faultClass } = cause;
  const evidence = await play(name, cause).catch((error: unknown) => {
    console.error(`${name}: ${String(error)}`);
    return undefined;
  });
  if (evidence === undefined) {
    missed += 1;
    console.log(`${name}: no alert fired`);
    return;
  }
  const others = linesOf(cause).filter((line) => !isOf(cause)(line));
  const line = JSON.stringify({ name, faultClass, evidence: kept(evidence) }, rounded);
  writeFileSync(fileOf(cause), `${[...others, line].toSorted().join("\n")}\n`);
  console.log(`${name}: ${evidence.alert}, ${line.length} bytes`);
}

function fileOf({ faultClass }: CauseCase): string {
  return join(RECORDED, `${faultClass}.jsonl`);
}

function linesOf(cause: CauseCase): readonly string[] {
  const file = fileOf(cause);
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "");
}

function isOf({ name }: CauseCase): (line: string) => boolean {
  return (line) => line.startsWith(`{"name":${JSON.stringify(name)},`);
}

/** Containers of others on the same engine are none of its business. */
function kept(evidence: Evidence): Evidence {
  const { surroundings } = evidence;
  const neighbours = surroundings?.neighbours;
  if (neighbours === undefined) return evidence;
  const told = neighbours.told.filter(({ name }) => name.startsWith("causes-"));
  return { ...evidence, surroundings: { ...surroundings, neighbours: { ...neighbours, told } } };
}

/** Times to the millisecond, and of values as much as anybody reads. */
function rounded(_: string, value: unknown): unknown {
  if (typeof value !== "number" || !Number.isFinite(value)) return value;
  return Math.abs(value) > 1e9 ? Math.round(value) : Number(value.toPrecision(5));
}
