/** The rules of a file, as a test writes it: a value instead of text. */

import { stringify } from "yaml";
import { readYaml } from "../../src/config/yaml-file.ts";
import type { RuleGroup } from "../../src/rules/files/group.ts";
import { alertsOfGroups, readRuleGroups } from "../../src/rules/files/rule-file.ts";
import type { RuleSource } from "../../src/rules/rules.ts";

/** @param where the file's name, which messages begin with */
export function readRuleFile(parsed: unknown, where: string): RuleSource[] {
  const file = readYaml(stringify(parsed), where, { asTexts: true });
  const groups = readRuleGroups({ ...file, at: () => where });
  return alertsOfGroups(groups).map(({ file: _, ...rule }) => rule);
}

/** Rules as one group of a file, which says nothing of them all. */
export function groupOf(rules: RuleGroup["rules"]): RuleGroup {
  return { name: "g", intervalMs: undefined, queryOffsetMs: 0, limit: 0, rules };
}
