/** The command `rules`: the rules in force, as a rule file. */

import { stringify } from "yaml";
import type { ObserverSettings } from "../config/config.ts";
import type { Service } from "../core/model.ts";
import type { SignalSource } from "../core/ports.ts";
import { signalsOf } from "../observer/drivers.ts";
import { builtInSources, groupsOfFiles, monitorOptions } from "../observer/effective-rules.ts";
import { findSignals } from "../rules/conventions/follow.ts";
import { printable } from "../text/printable.ts";
import { maskText } from "../text/redact.ts";
import { distinctlyNamed, printedGroup } from "./rule-groups.ts";

const DEADLINE_MS = 10_000;
const MAX_LENGTH = 1000;

/**
 * The rules in force, for `promtool check rules` and for a Prometheus to load.
 *
 * @throws SentinelError `configuration` on a rule that cannot be read
 */
export async function renderRules(settings: ObserverSettings): Promise<string> {
  const { source, embedded } = signalsOf(settings, []);
  const signal = AbortSignal.timeout(DEADLINE_MS);
  await embedded?.scrapeOnce(signal);
  const made = await Promise.all(
    settings.services.map(async (service) => {
      const { findWindowMs, fallbackWindowMs } = monitorOptions(settings, service, source);
      const windowMs = (await findWindowMs(signal)) ?? fallbackWindowMs;
      const signals = await signalsNow(service, source, signal);
      const rules = builtInSources(settings, { service, windowMs, signals });
      return { service, rules };
    }),
  );
  const lacking = made.flatMap(({ service, rules }) =>
    rules.flatMap(({ alert, unreadable }) =>
      unreadable === undefined ? [] : [`# ${service.name} has no ${alert}: ${unreadable}`],
    ),
  );
  const builtIn = made.flatMap(({ service, rules }) => {
    const readable = rules.filter(({ unreadable }) => unreadable === undefined);
    // On series that Sentinel itself makes: a Prometheus has them only from a cAdvisor.
    const ofRuntime = readable
      .filter(({ on }) => on === "own")
      .map(({ on: _, whenMissing: __, ...rule }) => rule);
    return [
      { name: `sentinel-${service.name}`, rules: readable.filter(({ on }) => on !== "own") },
      { name: `sentinel-${service.name}-runtime`, rules: ofRuntime },
    ].filter((group) => group.rules.length > 0);
  });
  // Throws on what cannot be read.
  groupsOfFiles(settings);
  const groups = distinctlyNamed([...builtIn, ...settings.ruleGroups.map(printedGroup)]);
  const text = stringify({ groups }, { lineWidth: 0, aliasDuplicateObjects: false }).trimEnd();
  return `${lacking.map((line) => `${printable(maskText(line), MAX_LENGTH)}\n`).join("")}${text}`;
}

/** @returns `undefined` if it cannot be asked: the rules are then those for what most services have */
async function signalsNow(service: Service, source: SignalSource, signal: AbortSignal) {
  try {
    return (await findSignals(service, source, signal))?.signals;
  } catch {
    return undefined;
  }
}
