/** Settings that somebody has made and that have no effect, as others are. */

import { SETTINGS } from "./keys.ts";
import type { Environment } from "./environment.ts";
import type { SettingsFile } from "./file.ts";

export interface UnusedSetting {
  /** A key, or a list of the settings file. */
  readonly name: string;
  /** Which setting replaces it, or what it would need; as the rest of a sentence. */
  readonly why: string;
}

interface Given {
  /** The environment, and `.env` below it. */
  readonly env: Environment;
  readonly dotEnv: Environment;
  readonly file: SettingsFile;
}

const ACCESS_KEYS = [
  "PROMETHEUS_TOKEN",
  "PROMETHEUS_HEADERS",
  "PROMETHEUS_CA_FILE",
  "PROMETHEUS_CERT_FILE",
  "PROMETHEUS_KEY_FILE",
] as const;

const ONLY_EMBEDDED = "is only used with PROMETHEUS_URL=embedded";
const ONLY_TARGET = "is read by sentinel target, and from the environment alone, not from .env";

/**
 * Settings without effect, in the order in which they are shown. One with its default value, as in a
 * copy of the template, is not among them.
 */
export function unusedSettings({ env, dotEnv, file }: Given): readonly UnusedSetting[] {
  const isSet = (key: keyof typeof SETTINGS) =>
    env[key] !== undefined && env[key] !== "" && env[key] !== SETTINGS[key].fallback;
  const unless = (isUsed: boolean, why: string, ...keys: readonly (keyof typeof SETTINGS)[]) =>
    isUsed ? [] : keys.filter(isSet).map((name) => ({ name, why }));
  const unlessIn = (isUsed: boolean, why: string, list: unknown, name: string) =>
    isUsed || list === undefined ? [] : [{ name: `${name} in ${file.path}`, why }];

  const isEmbedded = env["PROMETHEUS_URL"] === "embedded";
  const isSupervised = isSet("SUPERVISE");
  const ofTarget = (["HOST", "PORT", "MAX_ACTIVE_FAULTS", "TARGET_FAULTS", "FAULT_TOKEN"] as const)
    .filter((key) => dotEnv[key] && dotEnv[key] !== SETTINGS[key].fallback)
    .map((name) => ({ name: `${name} in .env`, why: ONLY_TARGET }));
  return [
    ...unless(isEmbedded, ONLY_EMBEDDED, "SCRAPE_TARGETS", "HEAL_LABEL"),
    ...unless(!isEmbedded, "is not used with PROMETHEUS_URL=embedded", ...ACCESS_KEYS),
    ...unless(!isSupervised || !isEmbedded, "is not used with SUPERVISE", "HEAL_LABEL"),
    ...unless(isSupervised, "needs SUPERVISE", "SUPERVISE_OUTPUT"),
    ...unlessIn(isEmbedded, ONLY_EMBEDDED, file.scrape, "scrape"),
    ...unlessIn(isEmbedded, ONLY_EMBEDDED, file.pages[0], "an address as metrics of a service"),
    ...unlessIn(
      !isEmbedded || !isSet("SCRAPE_TARGETS"),
      "has no effect: SCRAPE_TARGETS takes its place",
      file.scrape,
      "scrape",
    ),
    ...unlessIn(
      !isSet("RULES_FILE") || file.ruleFiles.length === 0,
      "has no effect: RULES_FILE takes its place",
      file.ruleFiles,
      "rule_files",
    ),
    ...unless(isSet("GEMINI_API_KEY"), "needs GEMINI_API_KEY", "GEMINI_MODEL", "GEMINI_BASE_URL"),
    ...unless(
      env["LOCAL_MODELS"] !== "none",
      "is not used with LOCAL_MODELS=none",
      "LM_STUDIO_URL",
      "LM_STUDIO_API_KEY",
    ),
    ...ofTarget,
  ];
}
