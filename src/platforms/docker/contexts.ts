/** Docker contexts: which one the `docker` command uses, and where its engine is. */

import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { SentinelError } from "../../core/errors.ts";
import { parseJson } from "../../text/json.ts";

/** The name of the context that is no file: DOCKER_HOST, or the engine's usual socket. */
export const DEFAULT_CONTEXT = "default";

export interface DockerContext {
  readonly name: string;
  /** As in DOCKER_HOST. */
  readonly host: string;
  /** Where its `ca.pem`, `cert.pem` and `key.pem` are; `undefined` if it has none of them. */
  readonly tlsFolder: string | undefined;
  readonly skipTlsVerify: boolean;
}

const configSchema = z.object({ currentContext: z.string().optional() });

const contextSchema = z.object({
  Endpoints: z.object({
    docker: z.object({ Host: z.string(), SkipTLSVerify: z.boolean().optional() }),
  }),
});

/** What `docker context use` chose; `undefined` for the default. */
export function currentContext(configFolder: string): string | undefined {
  const parsed = configSchema.safeParse(parseJson(readIfThere(join(configFolder, "config.json"))));
  const name = parsed.data?.currentContext;
  return name === "" || name === DEFAULT_CONTEXT ? undefined : name;
}

/** @throws SentinelError `configuration` if there is no such context, or no engine in it */
export function readContext(configFolder: string, name: string): DockerContext {
  // The command line's own names for the folders.
  const folder = createHash("sha256").update(name).digest("hex");
  const file = join(configFolder, "contexts", "meta", folder, "meta.json");
  const parsed = contextSchema.safeParse(parseJson(readIfThere(file)));
  if (!parsed.success)
    throw new SentinelError(
      "configuration",
      existsSync(file)
        ? `the Docker context ${name} in ${file} has no Docker engine`
        : `there is no Docker context ${name} in ${configFolder}`,
      { hint: "Choose one of `docker context ls` in DOCKER_CONTEXT or by `docker context use`." },
    );
  const { Host: host, SkipTLSVerify: skipTlsVerify = false } = parsed.data.Endpoints.docker;
  const tlsFolder = join(configFolder, "contexts", "tls", folder, "docker");
  return { name, host, skipTlsVerify, tlsFolder: existsSync(tlsFolder) ? tlsFolder : undefined };
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return "{}";
    throw new SentinelError("configuration", `${path} cannot be read`, {
      hint: "Make it readable for this user, or set DOCKER_HOST.",
      cause,
    });
  }
}
