/** How a Prometheus behind a gateway is asked: a token, headers, certificates. */

import { resolve } from "node:path";
import type { Environment, Read } from "./environment.ts";
import { readText } from "./file.ts";
import { SETTINGS } from "./keys.ts";
import { SentinelError } from "../core/errors.ts";

/** As `PrometheusAccess` of the driver. None of it may be shown. */
export interface PrometheusAccessSettings {
  readonly headers: Readonly<Record<string, string>>;
  readonly ca?: string;
  readonly client?: { readonly cert: string; readonly key: string };
}

interface Sources {
  readonly env: Environment;
  readonly folder: string;
  readonly read: Read;
}

/**
 * @param url `undefined`, where there is no Prometheus to ask: then nothing is read
 * @throws SentinelError `configuration`, naming the key and what to write instead
 */
export function prometheusAccess(
  url: string | undefined,
  sources: Sources,
): PrometheusAccessSettings {
  if (url === undefined) return { headers: {} };
  const { read } = sources;
  const { protocol, username } = new URL(url);
  const ca = readPem("PROMETHEUS_CA_FILE", sources);
  const cert = readPem("PROMETHEUS_CERT_FILE", sources);
  const key = readPem("PROMETHEUS_KEY_FILE", sources);
  if ((cert === undefined) !== (key === undefined))
    throw conflict("PROMETHEUS_CERT_FILE and PROMETHEUS_KEY_FILE need each other", "Set both.");
  if (protocol !== "https:" && (ca ?? cert) !== undefined)
    throw conflict(
      `${ca === undefined ? "PROMETHEUS_CERT_FILE" : "PROMETHEUS_CA_FILE"} needs a PROMETHEUS_URL with https`,
      "Write https://, or remove the files.",
    );
  const token = read("PROMETHEUS_TOKEN", SETTINGS.PROMETHEUS_TOKEN);
  const headers = read("PROMETHEUS_HEADERS", SETTINGS.PROMETHEUS_HEADERS);
  const named = Object.keys(headers).some((name) => name.toLowerCase() === "authorization");
  const ways = [
    ...(username === "" ? [] : ["a user in PROMETHEUS_URL"]),
    ...(token === "" ? [] : ["PROMETHEUS_TOKEN"]),
    ...(named ? ["authorization in PROMETHEUS_HEADERS"] : []),
  ];
  if (ways.length > 1)
    throw conflict(`${ways.join(" and ")} are one too many`, "Keep the one that it asks for.");
  return {
    headers: token === "" ? headers : { ...headers, authorization: `Bearer ${token}` },
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined || key === undefined ? {} : { client: { cert, key } }),
  };
}

type FileKey = "PROMETHEUS_CA_FILE" | "PROMETHEUS_CERT_FILE" | "PROMETHEUS_KEY_FILE";

/** What a file has that its setting names. */
const CONTENTS = {
  PROMETHEUS_CA_FILE: "CERTIFICATE",
  PROMETHEUS_CERT_FILE: "CERTIFICATE",
  PROMETHEUS_KEY_FILE: "PRIVATE KEY",
} as const satisfies Record<FileKey, string>;

function readPem(key: FileKey, { read, folder }: Sources): string | undefined {
  const path = read(key, SETTINGS[key]);
  if (path === "") return undefined;
  const text = readText(resolve(folder, path), { optional: false });
  const wanted = CONTENTS[key];
  if (text !== undefined && new RegExp(`-----BEGIN [A-Z ]*${wanted}-----`).test(text)) return text;
  throw new SentinelError(
    "configuration",
    `${key}: ${path} holds no ${wanted.toLowerCase()} in PEM`,
    { hint: `Name ${SETTINGS[key].form}.` },
  );
}

function conflict(message: string, hint: string): SentinelError {
  return new SentinelError("configuration", message, { hint });
}
