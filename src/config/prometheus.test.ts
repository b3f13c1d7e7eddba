import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Environment } from "./environment.ts";
import { observerSettings } from "./config.ts";
import { SentinelError } from "../core/errors.ts";

const FOLDER = mkdtempSync(join(tmpdir(), "sentinel-access-"));
afterAll(() => rmSync(FOLDER, { recursive: true }));

const pem = (what: string) => `-----BEGIN ${what}-----\nAAAA\n-----END ${what}-----\n`;
const CERTIFICATE = pem("CERTIFICATE");
const KEY = pem("EC PRIVATE KEY");
writeFileSync(join(FOLDER, "ca.pem"), `Some words first.\n${CERTIFICATE}`);
writeFileSync(join(FOLDER, "cert.pem"), CERTIFICATE);
writeFileSync(join(FOLDER, "key.pem"), KEY);
writeFileSync(join(FOLDER, "empty.pem"), "");

const HTTPS = { PROMETHEUS_URL: "https://prometheus.example" };
const CLIENT = { PROMETHEUS_CERT_FILE: "cert.pem", PROMETHEUS_KEY_FILE: "key.pem" };

function access(env: Environment) {
  const settings = observerSettings({ env, folder: FOLDER, isTerminal: false });
  return settings.prometheusAccess;
}

function refusal(env: Environment): string {
  try {
    access(env);
  } catch (error) {
    if (error instanceof SentinelError) return `${error.message}. ${error.hint}`;
    throw error;
  }
  throw new Error("it was accepted");
}

test("files are read from the working folder", () => {
  expect(access({ ...HTTPS, ...CLIENT, PROMETHEUS_CA_FILE: "ca.pem" })).toEqual({
    headers: {},
    ca: `Some words first.\n${CERTIFICATE}`,
    client: { cert: CERTIFICATE, key: KEY },
  });
});

test("a token goes with other headers", () => {
  const env = { PROMETHEUS_TOKEN: "t0ken", PROMETHEUS_HEADERS: "X-Scope-OrgID: shop" };
  expect(access(env).headers).toEqual({
    "X-Scope-OrgID": "shop",
    authorization: "Bearer t0ken",
  });
});

test("nothing is read for a Sentinel that scrapes by itself", () => {
  const env = { PROMETHEUS_URL: "embedded", PROMETHEUS_CA_FILE: "missing.pem" };
  expect(access(env)).toEqual({ headers: {} });
});

describe("is refused", () => {
  test.each<[Environment, string]>([
    [
      { ...HTTPS, PROMETHEUS_CERT_FILE: "cert.pem" },
      "PROMETHEUS_CERT_FILE and PROMETHEUS_KEY_FILE need each other. Set both.",
    ],
    [
      { ...HTTPS, PROMETHEUS_CA_FILE: "empty.pem" },
      "PROMETHEUS_CA_FILE: empty.pem holds no certificate in PEM. Name the path of certificates in PEM, as in ca.pem.",
    ],
    [
      { ...HTTPS, ...CLIENT, PROMETHEUS_KEY_FILE: "cert.pem" },
      "PROMETHEUS_KEY_FILE: cert.pem holds no private key in PEM. Name the path of a private key in PEM, as in client-key.pem.",
    ],
    [
      { PROMETHEUS_URL: "http://prometheus.example", PROMETHEUS_CA_FILE: "ca.pem" },
      "PROMETHEUS_CA_FILE needs a PROMETHEUS_URL with https. Write https://, or remove the files.",
    ],
    [
      { PROMETHEUS_URL: "http://prometheus.example", ...CLIENT },
      "PROMETHEUS_CERT_FILE needs a PROMETHEUS_URL with https. Write https://, or remove the files.",
    ],
    [
      { PROMETHEUS_URL: "https://me:pass@prometheus.example", PROMETHEUS_TOKEN: "t0ken" },
      "a user in PROMETHEUS_URL and PROMETHEUS_TOKEN are one too many. Keep the one that it asks for.",
    ],
    [
      { PROMETHEUS_TOKEN: "t0ken", PROMETHEUS_HEADERS: "Authorization: Basic YTpi" },
      "PROMETHEUS_TOKEN and authorization in PROMETHEUS_HEADERS are one too many. Keep the one that it asks for.",
    ],
  ])("%j", (env, why) => {
    expect(refusal(env)).toBe(why);
  });

  test("a file that is not there, by its path", () => {
    expect(refusal({ ...HTTPS, PROMETHEUS_CA_FILE: "missing.pem" })).toContain(
      `${join(FOLDER, "missing.pem")} is not there`,
    );
  });
});
