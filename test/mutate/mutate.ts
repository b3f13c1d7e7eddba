/**
 * `bun run mutate [FILE ...]`: changes one thing of a file at a time, and runs the suites beside it. Prints
 * each change that they do not notice. Without a file, all that decide about safety.
 *
 * The changes are made in a copy of the project. Exit 1 when a file has fewer than 20 changes, or when
 * less than 95 % of them are noticed.
 */

import { join } from "node:path";
import { parseArgs } from "node:util";
import { changesOf, lineOf, told } from "./changes.ts";
import { whyEquivalent } from "./equivalent.ts";
import {
  copyProject,
  type Copy,
  deadlineOf,
  isNoticed,
  sample,
  unchangedMs,
  wellTyped,
} from "./run.ts";
import { SUITES, suitesOf } from "./suites.ts";

const LEAST_CHANGES = 20;
const LEAST_SHARE = 0.95;

interface Options {
  readonly most: number;
  readonly seed: number;
  readonly abort: AbortSignal;
}

interface Score {
  readonly file: string;
  readonly changes: number;
  readonly noticed: number;
  readonly equivalent: number;
}

async function mutate(copy: Copy, file: string, options: Options): Promise<Score> {
  const { most, seed, abort } = options;
  const code = await Bun.file(join(copy.folder, file)).text();
  const suites = suitesOf(file);
  const usualMs = await unchangedMs(copy, suites, abort);
  const changes = sample(await wellTyped(copy, file, changesOf(code)), most, seed);
  console.log(`${file}: ${changes.length} changes, ${suites.join(" ")} in ${seconds(usualMs)}`);
  let noticed = 0;
  let equivalent = 0;
  for (const change of changes) {
    const trial = { file, change, suites, deadlineMs: deadlineOf(usualMs) };
    const isSeen = await isNoticed(copy, trial, abort);
    abort.throwIfAborted();
    if (isSeen) {
      noticed += 1;
      continue;
    }
    const why = whyEquivalent(file, code, change);
    if (why !== undefined) equivalent += 1;
    const { number, text } = lineOf(code, change);
    console.log(`  ${why === undefined ? "SURVIVED" : "no difference"} ${file}:${number} ${text}`);
    console.log(`      ${told(code, change)}`);
    if (why !== undefined) console.log(`      ${why}`);
  }
  return { file, changes: changes.length, noticed, equivalent };
}

function seconds(durationMs: number): string {
  return `${(durationMs / 1000).toFixed(1)} s`;
}

/** @returns whether enough changes were made, and enough of them noticed */
function tell({ file, changes, noticed, equivalent }: Score): boolean {
  const share = noticed / Math.max(changes - equivalent, 1);
  const isEnough = changes >= LEAST_CHANGES && share >= LEAST_SHARE;
  const without = equivalent === 0 ? "" : `, ${equivalent} make no difference`;
  console.log(
    `${isEnough ? "ok  " : "MISS"}  ${file.padEnd(32)} ${noticed} of ${changes} noticed${without}: ${(share * 100).toFixed(1)} %`,
  );
  return isEnough;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    most: { type: "string", default: "1000" },
    seed: { type: "string", default: "1" },
  },
});
const interrupted = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => interrupted.abort(new Error(`ended by ${signal}`)));
const options = {
  most: Number(values.most),
  seed: Number(values.seed),
  abort: interrupted.signal,
};
const files = positionals.length > 0 ? positionals : Object.keys(SUITES);
const scores: Score[] = [];
await using copy = await copyProject(join(import.meta.dir, "../.."));
for (const file of files) scores.push(await mutate(copy, file, options));
process.exitCode = scores.map(tell).every(Boolean) ? 0 : 1;
