/** PURE: the signs that hypotheses rest on: each is a fact in words that a person can check, or none. */

import type { ChangeKind } from "../../core/evidence.ts";
import { printable } from "../../text/printable.ts";
import { span } from "../../text/time.ts";
import type { Evidence } from "../../core/model.ts";
import type { Facts, Move, Symptom } from "./facts.ts";
import type { Topic } from "./log-signs.ts";

/** What a fact says; `undefined` where it does not hold, or nobody knows. */
export type Sign = (facts: Facts) => string | undefined;

/** Fewer requests a second than this are no traffic to speak of. */
const MIN_TRAFFIC_PER_S = 4;
const MIN_CORES = 0.1;
const MAX_QUOTE = 160;

/** From this factor on there are more requests than before. */
const SURGE = 1.8;
const BIG_SURGE = 3.5;
/** And up to this one not. */
const NO_SURGE = 1.4;

const number = (value: number) => String(Number(value.toPrecision(3)));
const fromTo = ({ before, now }: Move) =>
  before === undefined ? `to ${number(now)}` : `from ${number(before)} to ${number(now)}`;
const percent = (share: number) => `${Math.round(share * 100)} %`;
const mib = (bytes: number) => Math.round(bytes / 1024 / 1024);

function surgeOf(factor: number): Sign {
  return ({ traffic }) =>
    traffic?.ratio !== undefined && traffic.ratio >= factor && traffic.now >= MIN_TRAFFIC_PER_S
      ? `requests rose ${fromTo(traffic)} a second`
      : undefined;
}

export const surge = surgeOf(SURGE);
export const bigSurge = surgeOf(BIG_SURGE);

/** It is known that there is none. */
export const noSurge: Sign = ({ traffic, isTrafficCurrent }) =>
  isTrafficCurrent && traffic?.ratio !== undefined && traffic.ratio < NO_SURGE
    ? `requests did not rise (${fromTo(traffic)} a second)`
    : undefined;

/**
 * A service that does not tell of its requests any more may still log them. As long as it tells, it is believed:
 * lines also rise when traffic begins, and when something fails.
 */
export const logSurge: Sign = ({ isSilent, logLines }) =>
  isSilent &&
  logLines?.ratio !== undefined &&
  logLines.ratio >= 3 &&
  logLines.now >= 2 * MIN_TRAFFIC_PER_S
    ? `lines of its log rose ${fromTo(logLines)} a second`
    : undefined;

/** Lines a second: fewer are no sign of work. */
const MIN_LINES_PER_S = 1;

/** It is too slow to answer, and not at a stand. */
export const logGoesOn: Sign = ({ isSilent, logSinceOnset }) =>
  isSilent && logSinceOnset !== undefined && logSinceOnset >= MIN_LINES_PER_S
    ? `its log goes on with ${number(logSinceOnset)} lines a second`
    : undefined;

export const logHasEnded: Sign = ({ isSilent, logSinceOnset }) =>
  isSilent && logSinceOnset !== undefined && logSinceOnset < MIN_LINES_PER_S / 10
    ? "its log has ended with the onset"
    : undefined;

/** What it answers its own runtime: nothing. */
export const checkTimesOut: Sign = ({ container, symptom }) => {
  const late = (container?.checks ?? []).filter(
    ({ exitCode, output }) => exitCode === -1 && /exceeded timeout/i.test(output),
  );
  return symptom === "down" && late.length > 0
    ? `its health check ran out of time (${printable(late.at(-1)?.output ?? "", MAX_QUOTE)})`
    : undefined;
};

export const fewerRequests: Sign = ({ traffic, isTrafficCurrent }) =>
  isTrafficCurrent &&
  traffic?.before !== undefined &&
  traffic.before >= 0.5 &&
  traffic.now < traffic.before * 0.6
    ? `fewer requests end than before (${fromTo(traffic)} a second)`
    : undefined;

export const cpuRose: Sign = ({ cpu }) =>
  cpu !== undefined && cpu.now >= 0.15 && (cpu.ratio ?? 0) >= 1.8
    ? `CPU use rose ${fromTo(cpu)} cores`
    : undefined;

export const cpuHigh: Sign = ({ cpu, cpuShare }) =>
  cpu !== undefined && (cpu.now >= 0.6 || (cpuShare ?? 0) >= 0.7)
    ? `it uses ${number(cpu.now)} cores`
    : undefined;

export const cpuIdle: Sign = ({ cpu }) =>
  cpu !== undefined && cpu.now < MIN_CORES + 0.1 && (cpu.now < MIN_CORES || (cpu.ratio ?? 1) < 1.5)
    ? `it uses only ${number(cpu.now)} cores`
    : undefined;

/** More CPU for the same requests: it computes for nobody. */
export const cpuForNobody: Sign = ({ cpu, traffic }) =>
  cpu?.ratio !== undefined &&
  traffic?.ratio !== undefined &&
  cpu.now >= 0.15 &&
  cpu.ratio >= 1.8 &&
  cpu.ratio >= traffic.ratio * 2.5
    ? `CPU use rose ${number(cpu.ratio)}-fold while requests rose ${number(traffic.ratio)}-fold`
    : undefined;

/** It answers nobody, and computes all the same. */
export const silentAndBusy: Sign = (facts) => {
  const busy = facts.isSilent ? (cpuHigh(facts) ?? cpuRose(facts)) : undefined;
  return busy === undefined ? undefined : `it answers nothing, and ${busy}`;
};

export const cpuAtLimit: Sign = ({ cpuShare }) =>
  cpuShare !== undefined && cpuShare >= 0.85
    ? `it uses ${percent(cpuShare)} of the CPU that it may`
    : undefined;

/** Such a limit would make anything slow. */
export const tightCpuLimit: Sign = ({ evidence, cpuShare }) => {
  const cores = evidence.surroundings?.limits?.cpuCores;
  return cores !== undefined && cores <= 0.25 && (cpuShare ?? 0) >= 0.85
    ? `it may use only ${number(cores)} cores`
    : undefined;
};

export const memoryGrows: Sign = ({ memoryGrowth, memory }) =>
  memoryGrowth !== undefined && memoryGrowth.factor >= 1.2 && memoryGrowth.fit >= 0.6 && memory
    ? `memory has grown steadily to ${mib(memory.now)} MiB`
    : undefined;

export const memoryRose: Sign = ({ memory }) =>
  memory?.ratio !== undefined && memory.ratio >= 1.3
    ? `memory rose from ${mib(memory.before ?? 0)} to ${mib(memory.now)} MiB`
    : undefined;

export const memoryFlat: Sign = ({ memoryGrowth, memory }) =>
  memoryGrowth !== undefined && memoryGrowth.factor < 1.05 && (memory?.ratio ?? 1) < 1.1
    ? "its memory does not grow"
    : undefined;

/** Nearly any process takes more memory as it works: it matters where there is too much of it. */
export function ifMemoryMatters(sign: Sign): Sign {
  return (facts) =>
    facts.symptom === "memory" ||
    (facts.memoryShare ?? 0) >= 0.7 ||
    outOfMemory(facts) !== undefined
      ? sign(facts)
      : undefined;
}

export const memoryAtLimit: Sign = ({ memoryShare }) =>
  memoryShare !== undefined && memoryShare >= 0.9
    ? `it uses ${percent(memoryShare)} of the memory that it may`
    : undefined;

/** It rises with the requests: then it is not lost. */
export const memoryWithTraffic: Sign = ({ memory, traffic }) =>
  memory?.ratio !== undefined && traffic?.ratio !== undefined && traffic.ratio >= SURGE
    ? `requests rose ${fromTo(traffic)} a second with it`
    : undefined;

export const outOfMemory: Sign = ({ container, lastDeath, evidence }) =>
  container?.oomKilled === true || lastDeath?.oomKilled === true
    ? `the kernel killed it for lack of memory${limitOf(evidence.surroundings?.limits?.memoryBytes)}`
    : undefined;

function limitOf(bytes: number | undefined): string {
  return bytes === undefined ? "" : ` at its limit of ${mib(bytes)} MiB`;
}

export const ended: Sign = ({ hasEnded, container, lastDeath }) =>
  hasEnded && container !== undefined
    ? `it has ended (${container.oomKilled ? "killed for lack of memory" : `exit code ${container.exitCode}`})`
    : lastDeath !== undefined && !lastDeath.oomKilled
      ? `it died with exit code ${lastDeath.exitCode}`
      : undefined;

/** Codes of a shell or an engine for a program that cannot be started as it was told to. */
export const notStarted: Sign = ({ hasEnded, container, lastDeath }) => {
  const code = hasEnded ? container?.exitCode : lastDeath?.exitCode;
  return code === 126 || code === 127 ? `its command cannot be run (exit code ${code})` : undefined;
};

/** It never came so far as to serve. */
export const diesAtOnce: Sign = ({ lastDeath, symptom }) =>
  lastDeath?.ranMs !== undefined &&
  lastDeath.ranMs < 15_000 &&
  lastDeath.exitCode !== 0 &&
  symptom !== "other"
    ? `it died ${span(lastDeath.ranMs)} after its start`
    : undefined;

export const loops: Sign = ({ evidence: { restartLoop } }) =>
  restartLoop === undefined
    ? undefined
    : `its engine has started it again ${restartLoop.restarts} ${restartLoop.restarts === 1 ? "time" : "times"}${restartLoop.isGivenUp ? " and has given it up" : ""}`;

export const silent: Sign = ({ isSilent, evidence: { health } }) =>
  isSilent
    ? `its process runs and does not answer${health === undefined ? "" : ` (${printable(health.message, MAX_QUOTE)})`}`
    : undefined;

/** Something refuses at once where one that hangs keeps silent. */
export const refuses: Sign = ({ isSilent, evidence: { health } }) =>
  isSilent && health !== undefined && /refused|reset/i.test(health.message)
    ? "connections to it are refused"
    : undefined;

/** What is sick is known by a built-in alert. */
export function symptomIs(...symptoms: readonly Symptom[]): Sign {
  return ({ symptom, isBuiltIn, evidence }) =>
    isBuiltIn && symptoms.includes(symptom) ? WORDS[symptom](evidence) : undefined;
}

/** What is sick is guessed from the words of a rule of a file: thin by itself. */
export function symptomSeems(...symptoms: readonly Symptom[]): Sign {
  return ({ symptom, isBuiltIn, evidence }) =>
    !isBuiltIn && symptoms.includes(symptom) ? WORDS[symptom](evidence) : undefined;
}

const summaryOf = ({ summary, alert }: Evidence) =>
  printable(summary, MAX_QUOTE) || `${alert} fires`;

const WORDS = {
  cpu: summaryOf,
  memory: summaryOf,
  latency: () => "requests wait long inside the service",
  errors: () => "it answers requests with errors of its own",
  down: () => "it does not answer",
  loop: summaryOf,
  other: summaryOf,
} as const satisfies Record<Symptom, (evidence: Evidence) => string>;

export const gatewayErrors: Sign = ({ gatewayShare }) =>
  gatewayShare !== undefined && gatewayShare >= 0.6
    ? `${percent(gatewayShare)} of its errors are 502, 503 or 504`
    : undefined;

/** What the log says of it; a single line of many weighs as much as many do. */
export function logSays(topic: Topic): Sign {
  return ({ said }) => {
    const found = said[topic];
    if (found === undefined) return undefined;
    const times = found.count === 1 ? "once" : `${found.count} times`;
    return `its log says ${times}: ${printable(found.example, MAX_QUOTE)}`;
  };
}

/** Fewer lines than these may be of anything. */
const MIN_UNKNOWN = 3;

/** It says why it fails, in words that the playbook does not know: a person does. */
export const unknownWords: Sign = ({ said: { unknown } }) =>
  unknown !== undefined && unknown.count >= MIN_UNKNOWN
    ? `its log says ${unknown.count} times, in words that are not known here: ${printable(unknown.example, MAX_QUOTE)}`
    : undefined;

interface Within {
  readonly kinds: readonly ChangeKind[];
  readonly ms: number;
}

/** A fault may be noticed by its rates some time before the last step of a change is. */
const AFTER_ONSET_MS = 30_000;

/** The last such change so long before the onset. */
export function changed({ kinds, ms }: Within): Sign {
  return ({ changes }) => {
    const found = changes.findLast(
      ({ value, beforeOnsetMs }) =>
        kinds.includes(value.kind) && beforeOnsetMs >= -AFTER_ONSET_MS && beforeOnsetMs <= ms,
    );
    if (found === undefined) return undefined;
    const when =
      found.beforeOnsetMs < 0 ? "at the onset" : `${span(found.beforeOnsetMs)} before the onset`;
    return `${printable(found.value.what, MAX_QUOTE)}, ${when}`;
  };
}

export const sickNeeded: Sign = ({ sickNeeded: [first] }) =>
  first && `${first.name}, which it needs, is sick: ${printable(first.sickness ?? "", MAX_QUOTE)}`;

export const apart: Sign = ({ apart: one }) =>
  one && `${one.name}, which it needs, runs and is on no network with it`;

/** All that it needs is well, as far as anybody sees. */
export const neededAreWell: Sign = ({ evidence, sickNeeded: sick }) => {
  const needed = (evidence.surroundings?.neighbours?.told ?? []).filter(({ relations }) =>
    relations.some((of) => of !== "network"),
  );
  const [first] = needed;
  return first !== undefined && sick.length === 0
    ? `${needed.map(({ name }) => name).join(", ")}, which it needs, ${needed.length === 1 ? "runs" : "run"}`
    : undefined;
};
