/** The images of the strangers: `bun bench/strangers/images.ts` builds them. */

import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { docker } from "./docker.ts";
import { STRANGERS } from "./catalogue.ts";

const FILES = ["Dockerfile", "nginx.conf", "app.py", "App.java"];

export function imageOf(target: string): string {
  return `sentinel-strangers-${target}`;
}

/** Whatever the Dockerfile has for them. */
function targets(): readonly string[] {
  const ofExporters = STRANGERS.flatMap(({ metrics }) =>
    typeof metrics === "object" ? [metrics.image] : [],
  );
  return [...new Set([...STRANGERS.map(({ image }) => image), ...ofExporters])];
}

/** Takes minutes the first time, and no more than what has changed later. */
export async function buildImages(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "sentinel-strangers-"));
  try {
    for (const file of FILES) await cp(join(import.meta.dir, file), join(folder, file));
    await bundleNodeApp(folder);
    for (const target of targets())
      await docker("build", "--quiet", "--target", target, "--tag", imageOf(target), folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** With its client library inside, since an image has no npm. */
async function bundleNodeApp(folder: string): Promise<void> {
  const built = await Bun.build({
    entrypoints: [join(import.meta.dir, "node-app.ts")],
    target: "node",
    format: "esm",
    outdir: folder,
    naming: "app.mjs",
  });
  if (!built.success) throw new AggregateError(built.logs, "the Node app cannot be bundled");
}

if (import.meta.main) await buildImages();
