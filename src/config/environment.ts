/**
 * Settings of the environment, and all that the target has: apart from the observer's, whose rules
 * and files would add half again to the time that a target takes to start.
 */

import packageJson from "../../package.json" with { type: "json" };
import { type Key, type Setting, SETTINGS } from "./keys.ts";
import { isLoopbackHost } from "../text/url.ts";
import { settingMeant } from "./misspelt.ts";
import { SentinelError } from "../core/errors.ts";

export const VERSION = packageJson.version;

export type Environment = Readonly<Record<string, string | undefined>>;

export interface TargetSettings {
  readonly host: string;
  readonly port: number;
  /** How many faults may run at once. */
  readonly maxActiveFaults: number;
  /** `false` leaves a plain service. */
  readonly faultsAllowed: boolean;
  /** Needed to start a fault; `undefined` lets everybody. */
  readonly faultToken: string | undefined;
  readonly version: string;
}

/** @throws SentinelError `configuration`, naming the key, the form of its value and an example */
export function targetSettings(env: Environment): TargetSettings {
  refuseMisspelt(env);
  const read = reader(env, "the environment");
  const host = read("HOST", SETTINGS.HOST);
  const faultsAllowed = read("TARGET_FAULTS", SETTINGS.TARGET_FAULTS) === "on";
  const token = read("FAULT_TOKEN", SETTINGS.FAULT_TOKEN);
  if (token === "" && faultsAllowed && !isLoopbackHost(host))
    throw new SentinelError(
      "configuration",
      `HOST=${host} is in reach of others, and FAULT_TOKEN is not set: anybody could break the service`,
      {
        hint: "Set FAULT_TOKEN to a secret of 16 characters or more, or to none if that is meant; or set TARGET_FAULTS=off.",
      },
    );
  return {
    host,
    port: read("PORT", SETTINGS.PORT),
    maxActiveFaults: read("MAX_ACTIVE_FAULTS", SETTINGS.MAX_ACTIVE_FAULTS),
    faultsAllowed,
    faultToken: token === "" || token === "none" ? undefined : token,
    version: VERSION,
  };
}

/**
 * A setting whose name is misspelt would have no effect, and nobody would notice.
 *
 * @throws SentinelError `configuration`
 */
export function refuseMisspelt(env: Environment): void {
  for (const [name, value = ""] of Object.entries(env)) {
    const meant = value === "" ? undefined : settingMeant(name);
    if (meant === undefined) continue;
    throw new SentinelError("configuration", `${name} in the environment is no setting`, {
      hint: `Did you mean ${meant}? If another program needs it, start Sentinel by: env -u ${name} sentinel ...`,
    });
  }
}

/** Where the target listens, for whoever asks it on the same machine. @throws as `targetSettings` */
export function targetPort(env: Environment): number {
  return reader(env, "the environment")("PORT", SETTINGS.PORT);
}

export type Read = <T>(key: Key, setting: Setting<T>) => T;

/** An empty value counts as unset, since Compose leaves one for a variable without a value. */
export function reader(env: Environment, where: string): Read {
  return (key, setting) => {
    const parsed = setting.schema().safeParse(env[key] || setting.fallback);
    if (parsed.success) return parsed.data;
    throw new SentinelError("configuration", `${key} in ${where} must be ${setting.form}`);
  };
}
