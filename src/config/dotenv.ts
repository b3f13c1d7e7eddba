/** The file `.env` of the working folder: of the keys in it, those that are settings. */

import { resolve } from "node:path";
import { parseEnv } from "node:util";
import type { Environment } from "./environment.ts";
import { readText } from "./file.ts";
import { SETTING_KEYS } from "./keys.ts";
import { settingMeant } from "./misspelt.ts";
import { printable } from "../text/printable.ts";
import { SentinelError } from "../core/errors.ts";

/** What a line of the file begins with: the name that is set, and whatever stands before it. */
const LINE = /^\s*(?:(?:export|set|setx|\$env:)\s*)?([A-Za-z][A-Za-z0-9_.-]*)/;

/**
 * Its settings. Compose and other programs read the same file, so that a name which is near none of
 * ours is left to them.
 *
 * @returns an empty object if there is no such file
 * @throws SentinelError `configuration` on a name that is nearly a setting's, and on a setting that
 *   is not written as `NAME=value`: neither would have an effect
 */
export function readDotEnv(folder: string): Environment {
  const path = resolve(folder, ".env");
  const text = readText(path, { optional: true });
  if (text === undefined) return {};
  const file: Environment = parseEnv(text);
  const lines = text.replace(/^\uFEFF/, "").split(/\r\n|\r|\n/);
  for (const [index, line] of lines.entries()) {
    const [, name = ""] = LINE.exec(line) ?? [];
    const isSetting = SETTING_KEYS.some((key) => key === name);
    const meant = isSetting ? name : settingMeant(name);
    // An empty value has no effect in any spelling.
    const isRead = Object.hasOwn(file, name);
    if (meant === undefined || (isRead && (isSetting || file[name] === ""))) continue;
    const place = `${path}, line ${index + 1}`;
    if (!isSetting)
      throw new SentinelError("configuration", `${place}: ${name} is no setting`, {
        hint: `Did you mean ${meant}?`,
      });
    throw new SentinelError(
      "configuration",
      `${place}: ${printable(name, 100)} is not set by this`,
      {
        hint: `Write ${name}=value.`,
      },
    );
  }
  return Object.fromEntries(
    SETTING_KEYS.flatMap((key) => (file[key] === undefined ? [] : [[key, file[key]]])),
  );
}
