/** What is read of a service's own process, and whether the process is that of an exporter. Pure. */

import type { Exporter, ProcessReading, Reading } from "./convention.ts";
import { select } from "./expressions.ts";
import type { Families } from "./families.ts";
import {
  CPU_READINGS,
  EXPORTER_BUILD,
  EXPORTERS,
  MEMORY_READINGS,
  START_READINGS,
} from "./processes.ts";

interface ProcessReadings {
  readonly cpuCores: Reading;
  readonly memoryBytes: Reading;
  readonly startTime: Reading;
  readonly liveness: Reading;
}

export function readProcess(families: Families): ProcessReadings {
  const exporter = exporterOf(families);
  const read = (readings: readonly ProcessReading[], what: string): Reading =>
    exporter === undefined ? firstOf(readings, families, what) : ofExporter(exporter, what);
  return {
    cpuCores: read(CPU_READINGS, "the CPU time of its process"),
    memoryBytes: read(MEMORY_READINGS, "the memory of its process"),
    startTime: read(START_READINGS, "when its process started"),
    liveness: livenessOf(exporter, families),
  };
}

/** A name at the least; which metric says that it reaches the service is not known of every one. */
type KnownExporter = Pick<Exporter, "name"> & Partial<Exporter>;

export function exporterOf(families: Families): KnownExporter | undefined {
  const known = EXPORTERS.find(({ up }) => families.has(up));
  if (known !== undefined) return known;
  const built = families.names.flatMap((name) => EXPORTER_BUILD.exec(name)?.[1] ?? []);
  const [name] = built;
  return name === undefined ? undefined : { name };
}

function firstOf(readings: readonly ProcessReading[], families: Families, what: string): Reading {
  const found = readings.find(({ metrics }) => metrics.every((metric) => families.has(metric)));
  if (found === undefined)
    return {
      kind: "unreadable",
      why: `no metric tells ${what}`,
      whatWouldChangeIt: `a metric such as ${readings[0]?.metrics[0]}`,
    };
  const { metrics, expr, starts } = found;
  const of = (matchers: string) => (metric: string) => select(metric, matchers);
  return {
    kind: "readable",
    readFrom: metrics.join(" and "),
    expr: (matchers, { window }) => expr(of(matchers), window),
    ...(starts && { starts: (matchers, { window }) => starts(of(matchers), window) }),
  };
}

function ofExporter({ name }: KnownExporter, what: string): Reading {
  return {
    kind: "unreadable",
    why: `its metrics are those of ${name}, which tells nothing of ${what}`,
    whatWouldChangeIt: "metrics of the service itself",
    isOfAnother: true,
  };
}

function livenessOf(exporter: KnownExporter | undefined, families: Families): Reading {
  const up = exporter?.up;
  if (up !== undefined && families.has(up))
    return { kind: "readable", readFrom: up, expr: (matchers) => select(up, matchers) };
  // Whether it is scraped is what a Prometheus says by itself.
  if (exporter === undefined)
    return { kind: "readable", readFrom: "up", expr: (matchers) => select("up", matchers) };
  return {
    kind: "unreadable",
    why: `${exporter.name} tells no metric that says whether it reaches the service`,
    whatWouldChangeIt: "a health check of the service",
  };
}
