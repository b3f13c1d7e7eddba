/** Names that are nearly those of settings: what a person most likely meant to write. */

import { SETTING_KEYS } from "./keys.ts";
import { editDistance } from "../text/did-you-mean.ts";

type Key = (typeof SETTING_KEYS)[number];

/** What people write behind a name although it is not part of it, or leave out although it is. */
const UNITS: ReadonlySet<string> = new Set([
  ...["S", "SEC", "SECS", "SECOND", "SECONDS", "MS", "MILLISECONDS"],
  ...["B", "BYTE", "BYTES", "MB", "CORES", "PERCENT"],
]);

/** Two letters wrong in all: with more, the name is as likely another program's. */
const MAX_DISTANCE = 2;
const SHORT_WORD = 4;
const LONG_WORD = 6;

/**
 * The setting that a name means which is none itself.
 *
 * Strict, for an environment is full of other programs' names, and who is told of one of those cannot
 * start: `VAULT_TOKEN` is not a misspelt `FAULT_TOKEN`, nor `SERVER_PORT` an `OBSERVER_PORT`.
 *
 * @returns `undefined` for a setting, and for what is near none
 */
export function settingMeant(name: string): Key | undefined {
  if (SETTING_KEYS.some((key) => key === name)) return undefined;
  const words = wordsOf(name);
  return (
    SETTING_KEYS.find((key) => isSameName(words, key)) ??
    SETTING_KEYS.find((key) => isUnitApart(words, key)) ??
    nearestKey(words)
  );
}

/** `cpu-threshold`, `SENTINEL_AUTONOMY` and `Autonomy` are taken apart as the settings' names are. */
function wordsOf(name: string): readonly string[] {
  const words = name.toUpperCase().split(/[_.-]+/);
  return words[0] === "SENTINEL" ? words.slice(1) : words;
}

/** The same letters between other separators, or the same words in another order. */
function isSameName(words: readonly string[], key: Key): boolean {
  const own = key.split("_");
  // A single short word in small letters, such as `port`, belongs to many programs.
  if (own.length === 1 && key.length <= SHORT_WORD) return false;
  const isReordered = words.toSorted().join() === own.toSorted().join();
  return words.join("") === own.join("") || isReordered;
}

function isUnitApart(words: readonly string[], key: Key): boolean {
  const own = key.split("_");
  const [longer, shorter] = words.length > own.length ? [words, own] : [own, words];
  if (longer.length !== shorter.length + 1 || !UNITS.has(longer.at(-1) ?? "")) return false;
  // One short word with a unit, such as `PORT_MS`, is no setting's name.
  const isSame = shorter.every((word, index) => word === longer[index]);
  return isSame && shorter.join("").length > SHORT_WORD;
}

function nearestKey(words: readonly string[]): Key | undefined {
  const ranked = SETTING_KEYS.map((key) => ({ key, distance: distanceOf(words, key) }))
    .filter(({ distance }) => distance <= MAX_DISTANCE)
    .toSorted((a, b) => a.distance - b.distance);
  return ranked[0]?.key;
}

/** Word by word, as a person mistypes letters, and not whole words. */
function distanceOf(words: readonly string[], key: Key): number {
  const own = key.split("_");
  // Hardly anybody mistypes the first letter, and many names differ in it alone.
  if (words.length !== own.length || words[0]?.[0] !== key[0]) return Infinity;
  // A short word with one letter changed is often another word; with two letters swapped it is a typing error.
  const name = words.join("_");
  if (key.length <= SHORT_WORD && (name === key || !isAnagram(name, key))) return Infinity;
  return own.reduce((sum, word, index) => {
    const distance = editDistance(words[index] ?? "", word);
    return distance <= maxDistance(word, own) ? sum + distance : Infinity;
  }, 0);
}

function maxDistance(word: string, words: readonly string[]): number {
  return words.length === 1 || word.length < LONG_WORD ? 1 : MAX_DISTANCE;
}

function isAnagram(a: string, b: string): boolean {
  return [...a].toSorted().join() === [...b].toSorted().join();
}
