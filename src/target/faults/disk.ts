/** A file that fills the temp folder. It has no name, so that nothing can be left of it. */

import { type FileHandle, open, unlink } from "node:fs/promises";
import { constants, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { invalid } from "../parameters.ts";
import { whenAborted } from "../../core/abort.ts";
import { defineKind, whole } from "./kind.ts";
import { BYTES_PER_MB } from "./held-memory.ts";

/** Others need the disk, too. */
const ALLOWED_SHARE = 0.8;
const MAX_MB = 100_000;
const BYTES_PER_BLOCK = 512;
/** What all disk faults together were promised, and what they have written of it. */
const fill = { promisedMb: 0, writtenMb: 0 };

export const disk = defineKind({
  kind: "disk",
  summary: "Fills a file in the temp folder, which has no name and is gone when the fault ends.",
  example: { megabytes: 50, duration: 60 },
  parameters: () => ({
    megabytes: whole(1, MAX_MB, `MB of ${BYTES_PER_MB} bytes`).default(50),
  }),
  order({ megabytes }) {
    const folder = tmpdir();
    const allowedMb = roomMb(freeMb(folder), fill);
    if (megabytes > allowedMb) {
      const why = `80 % of what is free in ${folder} without faults`;
      throw invalid("megabytes", `megabytes must be up to ${allowedMb} (${why}), not ${megabytes}`);
    }
    return {
      requested: megabytes,
      unit: "MB",
      async inject({ signal, applied, measureBy }) {
        let writtenMb = 0;
        let allocatedMb = 0;
        measureBy(() => allocatedMb);
        fill.promisedMb += megabytes;
        let file: FileHandle | undefined;
        try {
          file = await openNameless(folder);
          // Random bytes also fill a file system that compresses.
          const chunk = crypto.getRandomValues(new Uint8Array(BYTES_PER_MB).subarray(0, 65_536));
          const megabyte = Buffer.concat(Array.from({ length: 16 }, () => chunk));
          while (writtenMb < megabytes) {
            signal.throwIfAborted();
            await writeWhole(file, megabyte);
            writtenMb += 1;
            fill.writtenMb += 1;
            allocatedMb = ((await file.stat()).blocks * BYTES_PER_BLOCK) / BYTES_PER_MB;
          }
          applied();
          await whenAborted(signal);
        } finally {
          await file?.close();
          fill.promisedMb -= megabytes;
          fill.writtenMb -= writtenMb;
        }
      },
    };
  },
});

/** Linux' flag for a file without a name from the first moment on. Bun has no constant for it. */
const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY;

/** The errors of a file system without such files. */
const NO_TMPFILE = ["ENOTSUP", "EOPNOTSUPP", "EISDIR", "EINVAL", "ENOENT"];

/** The kernel frees it with the last descriptor, whatever this process dies of. */
async function openNameless(folder: string): Promise<FileHandle> {
  if (process.platform === "linux") {
    try {
      return await open(folder, O_TMPFILE | constants.O_RDWR, 0o600);
    } catch (error) {
      if (!NO_TMPFILE.some((code) => isCode(error, code))) throw error;
    }
  }
  // A process that is killed between the two leaves an empty file.
  const path = join(folder, `sentinel-fault-${crypto.randomUUID()}`);
  const file = await open(path, "wx+", 0o600);
  await unlink(path);
  return file;
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

async function writeWhole(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let from = 0; from < bytes.length;) {
    from += (await file.write(bytes, from)).bytesWritten;
  }
}

/**
 * How many whole megabytes one more fault may take: 80 % of what would be free without any, less what others
 * were promised. Of what is left, each would take 80 % again, until nothing was.
 */
export function roomMb(freeMb: number, { promisedMb, writtenMb }: typeof fill): number {
  return Math.max(0, Math.floor(ALLOWED_SHARE * (freeMb + writtenMb) - promisedMb));
}

function freeMb(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return (bavail * bsize) / BYTES_PER_MB;
}
