/** Servers of other people, as Debian has them, each on a free port of 127.0.0.1 with a folder of its own. */

import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../free-port.ts";

const START_DEADLINE_MS = 20_000;

/** Where Debian keeps what it does not put on the PATH. */
const FOLDERS = ["/usr/sbin", "/usr/bin", ...postgresFolders()];

function postgresFolders(): string[] {
  const root = "/usr/lib/postgresql";
  if (!existsSync(root)) return [];
  return readdirSync(root).map((version) => join(root, version, "bin"));
}

function find(program: string): string | undefined {
  return FOLDERS.map((folder) => join(folder, program)).find((path) => existsSync(path));
}

const PROGRAMS = { redis: "redis-server", postgres: "initdb", nginx: "nginx" } as const;
type Daemon = keyof typeof PROGRAMS;
const PACKAGES = { redis: "redis-server", postgres: "postgresql", nginx: "nginx-light" } as const;

/** Why there is none; `undefined` if there is. */
export function whyNo(daemon: Daemon): string | undefined {
  if (find(PROGRAMS[daemon]) !== undefined) return undefined;
  return `${PROGRAMS[daemon]} is not installed (Debian's package ${PACKAGES[daemon]})`;
}

export interface RunningDaemon extends AsyncDisposable {
  readonly port: number;
  readonly folder: string;
  /** What it has written so far. */
  log(): string;
  signal(name: "SIGSTOP" | "SIGCONT"): void;
  stop(): Promise<void>;
}

/** @param settings lines of its configuration file */
export async function startRedis(settings: readonly string[] = []): Promise<RunningDaemon> {
  const folder = newFolder("redis");
  const port = freePort();
  const file = join(folder, "redis.conf");
  const own = ["bind 127.0.0.1", `port ${port}`, `dir ${folder}`, 'save ""'];
  writeFileSync(file, [...own, ...settings].join("\n"));
  return await start([required("redis-server"), file], { folder, port });
}

/** @param body what it answers at `/health`; anything else is 404 */
export async function startNginx(body: string): Promise<RunningDaemon> {
  const folder = newFolder("nginx");
  const port = freePort();
  const file = join(folder, "nginx.conf");
  writeFileSync(
    file,
    `daemon off; pid ${folder}/pid; worker_processes 1; error_log stderr;
     events {}
     http {
       access_log off; default_type text/plain;
       ${["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${folder}/${name};`).join(" ")}
       server {
         listen 127.0.0.1:${port};
         location = /health { return 200 ${JSON.stringify(body)}; }
         location / { return 404 "nothing here"; }
       }
     }`,
  );
  const argv = [required("nginx"), "-e", join(folder, "early"), "-p", folder, "-c", file];
  return await start(argv, { folder, port });
}

/** @param access how `pg_hba.conf` lets everybody in, such as `trust` or `scram-sha-256` */
export async function startPostgres(access: string): Promise<RunningDaemon> {
  const folder = newFolder("postgres");
  const port = freePort();
  const data = join(folder, "data");
  // It refuses to run as root.
  const as = process.getuid?.() === 0 ? ["setpriv", "--reuid=nobody", "--clear-groups"] : [];
  chmodSync(folder, 0o777);
  const initdb = [
    ...as,
    required("initdb"),
    "-D",
    data,
    "-U",
    "postgres",
    "--no-sync",
    "-A",
    "trust",
  ];
  const made = Bun.spawnSync(initdb, { stdout: "ignore", stderr: "pipe" });
  if (made.exitCode !== 0) throw new Error(`initdb: ${made.stderr.toString()}`);
  writeFileSync(join(data, "pg_hba.conf"), `host all all 127.0.0.1/32 ${access}\n`);
  const options = ["fsync=off", "listen_addresses=127.0.0.1"];
  const argv = [
    ...[...as, required("postgres"), "-D", data, "-p", `${port}`, "-k", folder],
    ...options.flatMap((option) => ["-c", option]),
  ];
  // It takes connections while it starts up as well, and refuses sessions.
  return await start(argv, { folder, port, readyLine: "ready to accept connections" });
}

function newFolder(name: string): string {
  return mkdtempSync(join(tmpdir(), `sentinel-${name}-`));
}

function required(program: string): string {
  const path = find(program);
  if (path === undefined) throw new Error(`${program} is not installed`);
  return path;
}

interface Place {
  readonly folder: string;
  readonly port: number;
  /** What it writes once it is ready. Default: nothing, it takes connections. */
  readonly readyLine?: string;
}

async function start(
  argv: readonly string[],
  { folder, port, readyLine = "" }: Place,
): Promise<RunningDaemon> {
  const log = join(folder, "log");
  const child = Bun.spawn([...argv], { stdout: Bun.file(log), stderr: Bun.file(log) });
  const read = () => readFileSync(log, "utf8");
  const stop = async () => {
    child.kill("SIGCONT");
    // At once, and with its children: of PostgreSQL it is the fast shutdown.
    child.kill("SIGINT");
    const killing = setTimeout(() => child.kill("SIGKILL"), 5000);
    await child.exited;
    clearTimeout(killing);
    await rm(folder, { recursive: true, force: true });
  };
  const untilMs = performance.now() + START_DEADLINE_MS;
  while (!(await takesConnections(port)) || !read().includes(readyLine)) {
    if (child.exitCode === null && performance.now() < untilMs) {
      await Bun.sleep(50);
      continue;
    }
    const said = read();
    await stop();
    throw new Error(`${argv.join(" ")} does not start: ${said}`);
  }
  return {
    ...{ port, folder, log: read, stop },
    signal: (name) => child.kill(name),
    [Symbol.asyncDispose]: stop,
  };
}

async function takesConnections(port: number): Promise<boolean> {
  try {
    const socket = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } });
    socket.end();
    return true;
  } catch {
    return false;
  }
}
