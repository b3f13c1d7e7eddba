/** A page of metrics, read as Sentinel reads what it scrapes. */

import type { Labels } from "../../src/core/model.ts";
import { createExpositionReader } from "../../src/signals/embedded/exposition.ts";

/**
 * Each series, as `name{a="1",b="2"}` with its labels in order, and its value.
 *
 * @throws Error on a line that cannot be read
 */
export function readMetricsPage(text: string): Readonly<Record<string, number>> {
  const { series, values, badLines } = createExpositionReader(seriesText).read(text);
  const [bad] = badLines;
  if (bad !== undefined) throw new Error(`line ${bad.lineNumber}: ${bad.reason}: ${bad.excerpt}`);
  return Object.fromEntries(series.map((text, index) => [text, values[index] ?? Number.NaN]));
}

function seriesText({ __name__: name = "", ...labels }: Labels): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}="${value}"`);
  return pairs.length === 0 ? name : `${name}{${pairs.toSorted().join(",")}}`;
}

/** What `promtool check metrics` says of the page: nothing, if all is well. */
export async function lintMetricsPage(text: string): Promise<string> {
  const child = Bun.spawn(["promtool", "check", "metrics"], {
    stdin: new Blob([text]),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, exitCode] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return exitCode === 0 ? stdout + stderr : `exit ${exitCode}: ${stdout}${stderr}`;
}
