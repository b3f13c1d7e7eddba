/** The kinds of faults that a diagnosis tells apart, each by what would end it. */

/**
 * `config`: a setting, a credential or a name is wrong. `deploy`: a new version is. `overload`: more is asked
 * for than it can bear. `dependency`: what it needs fails. `leak`: memory grows without an end. `hot_loop`: it
 * computes for nobody. `hang`: it waits for ever. `crash`: it fails by an error of its own. `resource_limit`:
 * it has used up what it may have. `network`: it reaches nobody. `disk`: it cannot write.
 */
export const FAULT_CLASSES = [
  "config",
  "deploy",
  "overload",
  "dependency",
  "leak",
  "hot_loop",
  "hang",
  "crash",
  "resource_limit",
  "network",
  "disk",
  "unknown",
] as const;
export type FaultClass = (typeof FAULT_CLASSES)[number];

/** Former names, as older journals have them and models give them. */
const FORMER: ReadonlyMap<string, FaultClass> = new Map([
  ["cpu", "hot_loop"],
  ["memory", "leak"],
  ["latency", "hang"],
  ["errors", "crash"],
  ["down", "crash"],
  ["crash_loop", "crash"],
]);

/** Other words for the same, as models write them. */
const SYNONYMS: ReadonlyMap<string, FaultClass> = new Map([
  ["configuration", "config"],
  ["deployment", "deploy"],
  ["traffic", "overload"],
  ["memory_leak", "leak"],
  ["deadlock", "hang"],
  ["oom", "resource_limit"],
  ["storage", "disk"],
]);

/** The class with that name, former name or synonym; `undefined` for any other text. */
export function readFaultClass(text: string): FaultClass | undefined {
  const word = text
    .trim()
    .toLowerCase()
    .replaceAll(/[\s-]+/g, "_");
  return FAULT_CLASSES.find((known) => known === word) ?? FORMER.get(word) ?? SYNONYMS.get(word);
}
