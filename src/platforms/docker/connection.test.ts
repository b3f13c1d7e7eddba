/** The order in which an engine is looked for, against the real `docker` command's own contexts. */

import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DockerSettings, resolveConnection, usualSockets } from "./connection.ts";

const root = mkdtempSync(join(tmpdir(), "sentinel-connection-"));
afterAll(() => rmSync(root, { recursive: true }));

let configFolder = "";
beforeEach(() => {
  configFolder = mkdtempSync(join(root, "config-"));
});

function settings(changes: Partial<DockerSettings> = {}): DockerSettings {
  const none = { host: undefined, context: undefined, certFolder: undefined };
  return { ...none, isTls: false, configFolder, runtimeFolder: undefined, ...changes };
}

/** As `docker context create` writes it. */
function addContext(name: string, host: string, tls?: Readonly<Record<string, string>>): void {
  const folder = new Bun.CryptoHasher("sha256").update(name).digest("hex");
  const meta = join(configFolder, "contexts/meta", folder);
  mkdirSync(meta, { recursive: true });
  const Endpoints = { docker: { Host: host, SkipTLSVerify: false } };
  writeFileSync(join(meta, "meta.json"), JSON.stringify({ Name: name, Metadata: {}, Endpoints }));
  if (tls === undefined) return;
  const certificates = join(configFolder, "contexts/tls", folder, "docker");
  mkdirSync(certificates, { recursive: true });
  for (const [file, text] of Object.entries(tls)) writeFileSync(join(certificates, file), text);
}

function use(name: string): void {
  writeFileSync(join(configFolder, "config.json"), JSON.stringify({ currentContext: name }));
}

describe("what decides", () => {
  beforeEach(() => {
    addContext("one", "tcp://one:1");
    addContext("two", "tcp://two:2");
    use("two");
  });

  test.each<[string, Partial<DockerSettings>, string]>([
    ["DOCKER_HOST before all", { host: "tcp://host:3", context: "one" }, "tcp://host:3"],
    ["DOCKER_CONTEXT before the chosen context", { context: "one" }, "tcp://one:1"],
    ["the chosen context", {}, "tcp://two:2"],
  ])("%s", (_, changes, expected) => {
    expect(resolveConnection(settings(changes)).shown).toBe(expected);
  });

  test("the default context is the usual socket, whatever is chosen", () => {
    expect(resolveConnection(settings({ context: "default" })).shown).toMatch(/^unix:\/\//);
    use("default");
    expect(resolveConnection(settings()).shown).toMatch(/^unix:\/\//);
  });

  test("a context that is not there is an error with what to do", () => {
    const resolve = () => resolveConnection(settings({ context: "three" }));
    expect(resolve).toThrow(`there is no Docker context three in ${configFolder}`);
    use("gone");
    expect(() => resolveConnection(settings())).toThrow("there is no Docker context gone");
  });

  test("a context with an address that is none names the context", () => {
    addContext("pipe", "npipe:////./pipe/docker_engine");
    expect(() => resolveConnection(settings({ context: "pipe" }))).toThrow(
      "the Docker context pipe cannot be npipe://",
    );
  });
});

test("the sockets that are looked for: the usual one, without root, Podman's", () => {
  expect(usualSockets("/run/user/1000")).toEqual([
    "/var/run/docker.sock",
    "/run/user/1000/docker.sock",
    "/run/user/1000/podman/podman.sock",
    "/run/podman/podman.sock",
  ]);
  expect(usualSockets(undefined)).toEqual(["/var/run/docker.sock", "/run/podman/podman.sock"]);
});

describe("what commands are given", () => {
  test("the same engine, for docker and for Podman's command", () => {
    const { env } = resolveConnection(settings({ host: "tcp://host" }));
    expect(env).toMatchObject({
      DOCKER_HOST: "tcp://host:2375",
      CONTAINER_HOST: "tcp://host:2375",
    });
    // Inherited, they would lead the command elsewhere.
    for (const key of ["DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "CONTAINER_CONNECTION"])
      expect(Object.entries(env)).toContainEqual([key, undefined]);
  });

  test("a context by its name, since only so are its certificates found", () => {
    addContext("one", "tcp://one", { "ca.pem": "CA" });
    const { env, shown, certificates } = resolveConnection(settings({ context: "one" }));
    expect(shown).toBe("tcp://one:2376");
    expect(env).toMatchObject({ DOCKER_CONTEXT: "one", DOCKER_CONFIG: configFolder });
    expect(env["DOCKER_HOST"]).toBeUndefined();
    expect(certificates).toEqual({ ca: "CA", cert: undefined, key: undefined, isVerified: true });
  });
});

describe("TLS", () => {
  test("DOCKER_TLS_VERIFY takes the certificates of DOCKER_CERT_PATH", () => {
    const certFolder = join(configFolder, "certs");
    mkdirSync(certFolder);
    for (const name of ["ca", "cert", "key"]) writeFileSync(join(certFolder, `${name}.pem`), name);
    const connection = resolveConnection(settings({ host: "tcp://host", isTls: true, certFolder }));
    expect(connection).toMatchObject({
      shown: "tcp://host:2376",
      certificates: { ca: "ca", cert: "cert", key: "key", isVerified: true },
      env: { DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: certFolder },
    });
  });

  test("without it they are left alone, and so they are for a socket", () => {
    expect(resolveConnection(settings({ host: "tcp://host" })).certificates).toBeUndefined();
    const unix = settings({ host: "unix:///x", isTls: true });
    expect(resolveConnection(unix).certificates).toBeUndefined();
  });

  test("a certificate that cannot be read is an error, and not no certificate", () => {
    mkdirSync(join(configFolder, "ca.pem"));
    const tls = settings({ host: "tcp://host", isTls: true });
    expect(() => resolveConnection(tls)).toThrow(`${join(configFolder, "ca.pem")} cannot be read`);
  });
});
