/** Which engine Sentinel works with: the one that the `docker` command would, and one for everything. */

import { accessSync, constants, readFileSync } from "node:fs";
import { join } from "node:path";
import { SentinelError } from "../../core/errors.ts";
import { type DockerAddress, parseAddress, renderAddress } from "./engine-address.ts";
import { currentContext, DEFAULT_CONTEXT, type DockerContext, readContext } from "./contexts.ts";

/** For a child process; `undefined` removes a variable. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The variables of the `docker` command; `undefined` is unset. */
export interface DockerSettings {
  /** DOCKER_HOST. */
  readonly host: string | undefined;
  /** DOCKER_CONTEXT. */
  readonly context: string | undefined;
  /** DOCKER_TLS_VERIFY: TLS with certificates in `certFolder`; only for `tcp://`. */
  readonly isTls: boolean;
  /** DOCKER_CERT_PATH; default: the configuration's folder. */
  readonly certFolder: string | undefined;
  /** DOCKER_CONFIG, by default `~/.docker`. */
  readonly configFolder: string;
  /** XDG_RUNTIME_DIR, where engines without root listen. */
  readonly runtimeFolder: string | undefined;
}

interface Certificates {
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  /** False where a context says `skip-tls-verify`. */
  readonly isVerified: boolean;
}

export interface DockerConnection {
  readonly address: DockerAddress;
  /** For people, such as `unix:///var/run/docker.sock`. */
  readonly shown: string;
  /** Nothing says where it is, and no socket is there: commands use their own default. */
  readonly isAssumed: boolean;
  readonly certificates: Certificates | undefined;
  /** On top of a command's environment: makes `docker`, and Podman's command, use the same engine. */
  readonly env: Environment;
}

/** Where Docker listens by default. */
const USUAL_SOCKET = "/var/run/docker.sock";

/**
 * The order is the command's own: DOCKER_HOST, DOCKER_CONTEXT, the context that `docker context use`
 * chose, the usual socket; then the sockets of engines without root and of Podman.
 *
 * @throws SentinelError `configuration` on an address or context that the command could not use either
 */
export function resolveConnection(settings: DockerSettings): DockerConnection {
  const { host, context, isTls, configFolder } = settings;
  if (host !== undefined) {
    const address = parseAddress(host, isTls, "DOCKER_HOST");
    const certFolder = settings.certFolder ?? configFolder;
    if (address.kind !== "tcp" || !isTls) return plain(address);
    return {
      ...plain(address),
      certificates: readCertificates(certFolder, { isVerified: true }),
      env: { ...toEnvironment(address), DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: certFolder },
    };
  }
  const name = context ?? currentContext(configFolder);
  if (name !== undefined && name !== DEFAULT_CONTEXT)
    return fromContext(readContext(configFolder, name), configFolder);
  const found = usualSockets(settings.runtimeFolder).find(isUsable);
  if (found !== undefined) return plain({ kind: "unix", path: found });
  // Podman's command needs no socket, so it is given none.
  return { ...plain({ kind: "unix", path: USUAL_SOCKET }), isAssumed: true, env: {} };
}

/** The sockets that are looked for, in that order. */
export function usualSockets(runtimeFolder: string | undefined): readonly string[] {
  return [
    USUAL_SOCKET,
    ...(runtimeFolder === undefined
      ? []
      : [join(runtimeFolder, "docker.sock"), join(runtimeFolder, "podman/podman.sock")]),
    "/run/podman/podman.sock",
  ];
}

function plain(address: DockerAddress): DockerConnection {
  const shown = renderAddress(address);
  return {
    address,
    shown,
    isAssumed: false,
    certificates: undefined,
    env: toEnvironment(address),
  };
}

function fromContext(context: DockerContext, configFolder: string): DockerConnection {
  const { name, host, tlsFolder, skipTlsVerify } = context;
  const address = parseAddress(host, tlsFolder !== undefined, `the Docker context ${name}`);
  const isTls = address.kind === "tcp" && tlsFolder !== undefined;
  return {
    ...plain(address),
    certificates: isTls ? readCertificates(tlsFolder, { isVerified: !skipTlsVerify }) : undefined,
    // The command finds the certificates by the context's name alone.
    env: {
      ...toEnvironment(address),
      DOCKER_HOST: undefined,
      DOCKER_CONTEXT: name,
      DOCKER_CONFIG: configFolder,
    },
  };
}

/** Podman's command has its own variable, and with it speaks to the same socket. */
function toEnvironment(address: DockerAddress): Environment {
  const host = renderAddress(address);
  return {
    DOCKER_HOST: host,
    DOCKER_CONTEXT: undefined,
    DOCKER_TLS_VERIFY: undefined,
    DOCKER_TLS: undefined,
    DOCKER_CERT_PATH: undefined,
    CONTAINER_HOST: host,
    CONTAINER_CONNECTION: undefined,
  };
}

function isUsable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    // It is missing, or belongs to another user.
    return false;
  }
}

function readCertificates(
  folder: string,
  { isVerified }: Pick<Certificates, "isVerified">,
): Certificates {
  const [ca, cert, key] = ["ca.pem", "cert.pem", "key.pem"].map((name) =>
    readPem(join(folder, name)),
  );
  return { ca, cert, key, isVerified };
}

/** `undefined` without such a file: an engine may need no client certificate, and have a public authority. */
function readPem(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined;
    throw new SentinelError("configuration", `${path} cannot be read`, {
      hint: "Make it readable for this user, or correct DOCKER_CERT_PATH.",
      cause,
    });
  }
}
