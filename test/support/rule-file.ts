/** The rules of a file, as a test writes it: a value instead of text. */

import { readPlacedRules, type RuleSource } from "../../src/rules/rules.ts";

/** @param where the file's name, which messages begin with */
export function readRuleFile(parsed: unknown, where: string): RuleSource[] {
  return readPlacedRules(parsed, () => where).map(({ rule }) => rule);
}
