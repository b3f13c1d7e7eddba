/** Files that only this user may read. */

import { closeSync, openSync, statSync } from "node:fs";
import { codeOf } from "./journal-error.ts";

/** Makes an empty file that only this user may read, unless there is one already. */
export function createPrivateFile(path: string): void {
  try {
    closeSync(openSync(path, "wx", 0o600));
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
  }
}

/** Which file has that name now; `undefined` if none has. Two with the same are one. */
export function identityOf(path: string): string | undefined {
  const file = statSync(path, { throwIfNoEntry: false });
  return file && `${file.dev}:${file.ino}`;
}
