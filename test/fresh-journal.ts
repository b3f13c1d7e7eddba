/** Journals for processes that are started: what one test leaves behind is not for the next one. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

let folder: string | undefined;
let count = 0;

/** A path at which there is no journal yet; removed when the tests of this process have ended. */
export function freshJournal(): string {
  folder ??= makeFolder();
  count += 1;
  return join(folder, `${count}.db`);
}

function makeFolder(): string {
  const made = mkdtempSync(join(tmpdir(), "sentinel-journals-"));
  process.on("exit", () => rmSync(made, { recursive: true, force: true }));
  return made;
}
