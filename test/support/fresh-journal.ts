/** Journals for processes that are started: what one test leaves behind is not for the next one. */

import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A path at which there is no journal yet, among the system's temporary files. */
export function freshJournal(): string {
  return join(mkdtempSync(join(tmpdir(), "sentinel-journal-")), "sentinel.db");
}
