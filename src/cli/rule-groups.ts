/** What the commands `check` and `rules` say of the groups of rule files. */

import type { ObserverSettings } from "../config/config.ts";
import type { Signals } from "../observer/drivers.ts";
import { recordedNames } from "../observer/effective-rules.ts";
import type { RuleGroupSource } from "../rules/files/rule-file.ts";

interface FileCheck {
  readonly what: string;
  /** Throws what is missing, and what to do. */
  readonly find: (signal: AbortSignal) => Promise<string>;
}

/** How long series are kept for them, or whether a Prometheus has what they record. */
export function checksOfFiles(settings: ObserverSettings, signals: Signals): FileCheck[] {
  const { history } = signals;
  if (history !== undefined) return [{ what: "history", find: async () => history }];
  if (settings.prometheusUrl === undefined || recordedNames(settings).length === 0) return [];
  return [{ what: "recorded", find: (signal) => findRecorded(settings, signals, signal) }];
}

/** Recording rules are Prometheus' own there: rules that rest on them see nothing until it has loaded them. */
async function findRecorded(
  settings: ObserverSettings,
  { source }: Signals,
  signal: AbortSignal,
): Promise<string> {
  const names = recordedNames(settings);
  const expr = `count by (__name__) ({__name__=~${JSON.stringify(names.map(escapePattern).join("|"))}})`;
  const found = new Set((await source.query(expr, signal)).map(({ labels }) => labels["__name__"]));
  const gone = names.filter((name) => !found.has(name));
  if (gone.length === 0) return `${names.length} series of recording rules are in Prometheus`;
  throw new Error(
    `Prometheus has no ${gone.join(", ")}; load the rule files there as well, since Sentinel records only with PROMETHEUS_URL=embedded`,
  );
}

function escapePattern(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

interface PrintedGroup {
  readonly name: string;
  readonly rules: readonly object[];
}

/** The group as it stands in its file, without the file's name. */
export function printedGroup(group: RuleGroupSource): PrintedGroup {
  return { ...group, rules: group.rules.map(({ file: _, ...rule }) => rule) };
}

/** Two files may have groups of one name, and one file may not. */
export function distinctlyNamed(groups: readonly PrintedGroup[]): PrintedGroup[] {
  const taken = new Set<string>();
  return groups.map((group) => {
    let { name } = group;
    for (let count = 2; taken.has(name); count += 1) name = `${group.name} (${count})`;
    taken.add(name);
    return { ...group, name };
  });
}
