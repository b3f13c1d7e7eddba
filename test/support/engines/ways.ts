/** Other ways to the machine's own engine: plain TCP, and ssh to this machine. */

import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { addProgram, answers, end, ownFolder, run, type TestEngine, untilUp } from "./engine.ts";
import { freePort } from "../free-port.ts";

const RUN_OPTIONS = ["--network", "none"];

/** Where it listens, as far as these tests know: they need its socket. */
export const MACHINE_SOCKET = "/var/run/docker.sock";

/** As it is. */
export async function machineEngine(): Promise<TestEngine> {
  const env = { DOCKER_HOST: undefined };
  return { env, runOptions: RUN_OPTIONS, [Symbol.asyncDispose]: async () => {} };
}

/** A TCP port that leads to its socket. */
export async function machineByTcp(): Promise<TestEngine> {
  const server = createServer((client) => {
    const engine = connect(MACHINE_SOCKET);
    client.pipe(engine).pipe(client);
    client.on("error", () => engine.destroy());
    engine.on("error", () => client.destroy());
  });
  const port = freePort();
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    env: { DOCKER_HOST: `tcp://127.0.0.1:${port}` },
    runOptions: RUN_OPTIONS,
    async [Symbol.asyncDispose]() {
      server.close();
    },
  };
}

/** Why there is no ssh to this machine; `undefined` if there is. */
export function whyNoSsh(): string | undefined {
  if (Bun.which("/usr/sbin/sshd") === null) return "`/usr/sbin/sshd` is not there";
  if (Bun.which("ssh") === null) return "`ssh` is not on the PATH";
  return process.getuid?.() === 0 ? undefined : "only root may start sshd for a login of its own";
}

/** An sshd on a port of its own, which lets in one key, and an `ssh` that has it. */
export async function machineBySsh(): Promise<TestEngine> {
  await using resources = new AsyncDisposableStack();
  const folder = resources.use(await ownFolder("ssh")).path;
  const file = (name: string) => join(folder, name);
  const port = freePort();
  for (const name of ["host", "client"])
    await run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file(name)]);
  const hostKey = await Bun.file(file("host.pub")).text();
  await Bun.write(file("authorized_keys"), await Bun.file(file("client.pub")).text());
  await Bun.write(file("known_hosts"), `[127.0.0.1]:${port} ${hostKey}`);
  await Bun.write(
    file("sshd_config"),
    `Port ${port}
ListenAddress 127.0.0.1
HostKey ${file("host")}
AuthorizedKeysFile ${file("authorized_keys")}
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
`,
  );
  await Bun.write(
    file("ssh_config"),
    `IdentityFile ${file("client")}
UserKnownHostsFile ${file("known_hosts")}
StrictHostKeyChecking yes
`,
  );
  const ssh = Bun.which("ssh") ?? "ssh";
  await mkdir(file("bin"));
  await addProgram(file("bin"), "ssh", `exec ${ssh} -F ${file("ssh_config")} "$@"`);
  await mkdir("/run/sshd", { recursive: true });
  const log = file("log");
  const child = Bun.spawn(["/usr/sbin/sshd", "-D", "-e", "-f", file("sshd_config")], {
    stdin: "ignore",
    stdout: Bun.file(log),
    stderr: Bun.file(log),
  });
  resources.defer(() => end(child));
  const env = {
    DOCKER_HOST: `ssh://${await run(["id", "-un"])}@127.0.0.1:${port}`,
    PATH: `${file("bin")}:${process.env.PATH}`,
  };
  await untilUp(() => answers(env), log);
  const owned = resources.move();
  return { env, runOptions: RUN_OPTIONS, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
