/** Swagger UI, so that `/openapi` needs nothing from elsewhere. Runs as a macro: when the code is built. */

import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

/**
 * A file of the package, for an answer with `content-encoding: gzip`: a quarter of its size in the
 * executable.
 *
 * @returns base64
 */
export function gzippedFile(name: string): string {
  const path = Bun.resolveSync(`swagger-ui-dist/${name}`, import.meta.dir);
  return gzipSync(readFileSync(path), { level: 9 }).toString("base64");
}
