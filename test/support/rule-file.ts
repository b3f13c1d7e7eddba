/** The rules of a file, as a test writes it: a value instead of text. */

import { stringify } from "yaml";
import { readYaml } from "../../src/config/yaml-file.ts";
import { alertsOfGroups, readRuleGroups } from "../../src/rules/files/rule-file.ts";
import type { RuleSource } from "../../src/rules/rules.ts";

/** @param where the file's name, which messages begin with */
export function readRuleFile(parsed: unknown, where: string): RuleSource[] {
  const file = readYaml(stringify(parsed), where, { asTexts: true });
  const groups = readRuleGroups({ ...file, at: () => where });
  return alertsOfGroups(groups).map(({ file: _, ...rule }) => rule);
}
