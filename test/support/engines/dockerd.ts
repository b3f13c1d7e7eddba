/** A Docker engine of a test's own, beside that of the machine: with its own state, sockets and a network of its own. */

import { join } from "node:path";
import { answers, end, ownFolder, run, type TestEngine, untilUp } from "./engine.ts";
import { freePort } from "../free-port.ts";

/** Where `.ci/run` has unpacked a newer Docker: `usr/sbin/dockerd`, `usr/bin/docker` and containerd. */
const NEWER_ROOT = process.env["NEWER_DOCKER_ROOT"];

/** Why there is no newer one to start; `undefined` if there is. */
export function whyNoNewerDocker(): string | undefined {
  if (NEWER_ROOT === undefined)
    return "NEWER_DOCKER_ROOT names no folder with usr/sbin/dockerd of Docker 28 in it";
  return whyNotStartable(join(NEWER_ROOT, "usr/sbin/dockerd"));
}

/** Why the machine's own cannot be started once more; `undefined` if it can. */
export function whyNoDockerd(): string | undefined {
  return whyNotStartable("dockerd");
}

function whyNotStartable(program: string): string | undefined {
  if (Bun.which(program) === null) return `\`${program}\` is not there`;
  return process.getuid?.() === 0 ? undefined : "only root may start an engine";
}

export interface DockerdOptions {
  /** The newer one instead of the machine's. */
  readonly isNewer?: boolean;
  readonly env?: Readonly<Record<string, string>>;
  /** Listens with TLS as well, and knows its clients by their certificates. */
  readonly hasTls?: boolean;
  /** Its clients find it by the chosen context, and not by variables. */
  readonly isContext?: boolean;
}

/** Starts one and waits until it answers. */
export async function startDockerd(options: DockerdOptions = {}): Promise<TestEngine> {
  await using resources = new AsyncDisposableStack();
  const folder = resources.use(await ownFolder("dockerd")).path;
  const newer = options.isNewer === true ? NEWER_ROOT : undefined;
  const PATH = [...(newer === undefined ? [] : [join(newer, "usr/bin")]), process.env.PATH].join(
    ":",
  );
  const socket = `unix://${folder}/docker.sock`;
  const tls = options.hasTls === true ? await tlsOf(folder) : undefined;
  await Bun.write(join(folder, "daemon.json"), "{}");
  const bridge = tls && (await addBridge());
  if (bridge) resources.defer(() => run(["ip", "link", "delete", bridge]).then(() => undefined));
  const log = join(folder, "log");
  const child = Bun.spawn(
    [
      ...(bridge ? [] : APART),
      newer === undefined ? "dockerd" : join(newer, "usr/sbin/dockerd"),
      ...["--config-file", join(folder, "daemon.json"), "--pidfile", join(folder, "pid")],
      ...["--data-root", join(folder, "data"), "--exec-root", join(folder, "exec")],
      ...["--host", socket, "--iptables=false", "--ip6tables=false"],
      ...(bridge ? ["--bridge", bridge] : []),
      ...["--ip-forward=false", "--ip-masq=false", "--userland-proxy=false"],
      // The newer one brings no runc of its own.
      ...(newer === undefined ? [] : ["--add-runtime", "own=runc", "--default-runtime", "own"]),
      ...(tls?.options ?? []),
    ],
    {
      env: { ...process.env, ...options.env, PATH },
      stdin: "ignore",
      stdout: Bun.file(log),
      stderr: Bun.file(log),
    },
  );
  resources.defer(() => end(child));
  const variables = tls?.env ?? { DOCKER_HOST: socket };
  const env = { PATH, ...(options.isContext === true ? await contextOf(folder) : variables) };
  await untilUp(() => answers(env), log);
  const owned = resources.move();
  return {
    env,
    runOptions: ["--network", "none"],
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** In a network of its own, in which its bridges and those of a Swarm are nobody else's. */
const APART = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"];

/** One that listens for others is in the machine's network. Without a bridge of its own it would take away `docker0`, which is the machine's engine's. */
async function addBridge(): Promise<string> {
  const subnet = 1 + Math.floor(Math.random() * 250);
  const name = `sentinel${subnet}`;
  await run(["ip", "link", "add", name, "type", "bridge"]);
  await run(["ip", "address", "add", `10.204.${subnet}.1/24`, "dev", name]);
  await run(["ip", "link", "set", name, "up"]);
  return name;
}

/** As `docker context` has it, with the certificates in the context's own store. */
async function contextOf(folder: string) {
  const env = { DOCKER_CONFIG: join(folder, "config"), DOCKER_HOST: undefined };
  const pems = ["ca", "cert", "key"].map((name) => `${name}=${join(folder, name)}.pem`);
  const endpoint = [`host=${await Bun.file(join(folder, "address")).text()}`, ...pems].join(",");
  await run(["docker", "context", "create", "other", "--docker", endpoint], env);
  await run(["docker", "context", "use", "other"], env);
  return env;
}

/** An authority of its own, and certificates for the engine and for one client. */
async function tlsOf(folder: string) {
  const file = (name: string) => join(folder, name);
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"];
  const ca = ["-keyout", file("ca-key.pem"), "-out", file("ca.pem")];
  await run(["openssl", "req", "-x509", ...key, ...ca, "-subj", "/CN=ca"]);
  const issue = async (name: string, keyFile: string, extension: string) => {
    const by = ["-CA", file("ca.pem"), "-CAkey", file("ca-key.pem"), "-subj", `/CN=${name}`];
    const out = ["-keyout", file(keyFile), "-out", file(`${name}.pem`), "-addext", extension];
    await run(["openssl", "req", "-x509", ...key, ...by, ...out]);
  };
  await issue("server", "server-key.pem", "subjectAltName=IP:127.0.0.1");
  await issue("cert", "key.pem", "extendedKeyUsage=clientAuth");
  const address = `tcp://127.0.0.1:${freePort()}`;
  await Bun.write(file("address"), address);
  return {
    env: { DOCKER_HOST: address, DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: folder },
    options: [
      ...["--host", address, "--tlsverify", "--tlscacert", file("ca.pem")],
      ...["--tlscert", file("server.pem"), "--tlskey", file("server-key.pem")],
    ],
  };
}
