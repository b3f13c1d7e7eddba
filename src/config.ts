/** Settings: the only reader of the environment, of `.env`, and of files of settings. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { z } from "zod";
import packageJson from "../package.json" with { type: "json" };
import { SentinelError } from "./core/errors.ts";

export const VERSION = packageJson.version;

export type Environment = Readonly<Record<string, string | undefined>>;

export interface TargetSettings {
  readonly host: string;
  readonly port: number;
  /** How many faults may run at once. */
  readonly maxActiveFaults: number;
  readonly version: string;
}

/** One setting: how it is read, and what to write if it can't be. */
interface Setting<T> {
  readonly schema: z.ZodType<T, string>;
  readonly fallback: string;
  /** The form of the value and an example, to follow "must be". */
  readonly form: string;
}

const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,15}$/)
    .transform(Number)
    .pipe(z.number().min(min).max(max));

const TARGET_SETTINGS = {
  HOST: {
    schema: z.string().regex(/^[a-zA-Z0-9_.:-]+$/),
    fallback: "127.0.0.1",
    form: "an address of this machine, such as 127.0.0.1",
  },
  PORT: {
    schema: wholeNumber(0, 65_535),
    fallback: "8000",
    form: "a port from 0 to 65535, such as 8000",
  },
  MAX_ACTIVE_FAULTS: {
    schema: wholeNumber(1, 1000),
    fallback: "10",
    form: "a whole number from 1 to 1000, such as 10",
  },
} satisfies Record<string, Setting<unknown>>;

/** @throws SentinelError `configuration`, naming the key, the form of its value and an example */
export function targetSettings(env: Environment): TargetSettings {
  return {
    host: read("HOST", TARGET_SETTINGS.HOST, env),
    port: read("PORT", TARGET_SETTINGS.PORT, env),
    maxActiveFaults: read("MAX_ACTIVE_FAULTS", TARGET_SETTINGS.MAX_ACTIVE_FAULTS, env),
    version: VERSION,
  };
}

function read<T>(key: string, setting: Setting<T>, env: Environment): T {
  const parsed = setting.schema.safeParse(env[key] ?? setting.fallback);
  if (parsed.success) return parsed.data;
  throw new SentinelError("configuration", `${key} must be ${setting.form}`);
}

/**
 * The environment, with the keys that only `.env` in the folder has.
 *
 * @throws SentinelError `configuration` if there is such a file and it cannot be read
 */
export function environmentIn(folder: string, env: Environment): Environment {
  const file = join(folder, ".env");
  try {
    return { ...parseEnv(readFileSync(file, "utf8")), ...env };
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return env;
    throw new SentinelError("configuration", `${file} cannot be read`, {
      hint: "Make it readable, or remove it.",
      cause,
    });
  }
}
