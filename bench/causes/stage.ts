/** One service in a container, those that it needs, its users, and an observer that records what it sees of it. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { observerSettings } from "../../src/config/config.ts";
import { DiagnosisError } from "../../src/core/errors.ts";
import type { Evidence } from "../../src/core/model.ts";
import type { Diagnoser } from "../../src/core/ports.ts";
import { memoryJournal } from "../../src/journals/memory.ts";
import { signalsOf } from "../../src/observer/drivers.ts";
import { observe } from "../../src/observer/observe.ts";
import { beginPlatforms } from "../../src/observer/platforms.ts";
import { childEnvironment, runCommand } from "../../src/platforms/run-command.ts";
import { freePort } from "../report.ts";

export type App = "shop" | "stock" | "redis" | "nginx";

/** How the service is run. */
export interface Run {
  readonly release?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Of `docker run`. */
  readonly options?: readonly string[];
  readonly command?: readonly string[];
}

/** What a cause may do, and to whom. */
export interface Stage {
  readonly app: string;
  readonly redis: string;
  /** Where it takes payments; only with `pay`. */
  readonly payContainer: string;
  readonly network: string;
  /** Asks the service to break itself. */
  fault(name: string, amount?: number): Promise<void>;
  /** Replaces its container by one that is run otherwise; what is not said is as before. */
  recreate(run: Run): Promise<void>;
  docker(...args: readonly string[]): Promise<string>;
  /** Requests a second from now on, and the share of orders. */
  users(rate: number, orders?: number): void;
}

export interface Staged {
  readonly app: App;
  readonly run?: Run;
  readonly rate?: number;
  /** A second service behind it, which takes payments. */
  readonly pay?: boolean;
  /** An alerting rule of a file, beside the built-in ones. */
  readonly rule?: Readonly<Record<string, unknown>>;
  /**
   * The alerts that are its own: on a busy machine others fire by the way. Default: any.
   */
  readonly alerts?: readonly string[];
  cause(stage: Stage): Promise<unknown>;
}

const READY_MS = 40_000;
/** So long it is well before it is broken, and so long is waited for an alert after that. */
const WELL_MS = 30_000;
const FOUND_MS = 80_000;

/** What was recorded; `undefined` if no alert fired in time. */
export async function play(name: string, staged: Staged): Promise<Evidence | undefined> {
  const stage = new ContainerStage(name, staged);
  try {
    await stage.start();
    const abort = new AbortController();
    const found = Promise.withResolvers<Evidence>();
    const recorder: Diagnoser = {
      name: "recorder",
      deadlineMs: 5000,
      diagnose({ evidence }) {
        const isIts = staged.alerts?.includes(evidence.alert) ?? true;
        if (stage.isBroken && isIts) found.resolve(evidence);
        return Promise.reject(new DiagnosisError("unavailable", "it only records"));
      },
    };
    const observing = stage.observe(recorder, abort.signal);
    stage.users(staged.rate ?? 8);
    await Bun.sleep(WELL_MS);
    stage.isBroken = true;
    await staged.cause(stage);
    const evidence = await Promise.race([found.promise, Bun.sleep(FOUND_MS)]);
    abort.abort();
    await observing;
    return evidence ?? undefined;
  } finally {
    await stage.end();
  }
}

class ContainerStage implements Stage {
  readonly app: string;
  readonly redis: string;
  readonly network: string;
  readonly #pay: string;
  readonly #label: string;
  readonly #staged: Staged;
  readonly #port = freePort();
  readonly #control = freePort();
  readonly #folder = mkdtempSync(join(tmpdir(), "sentinel-causes-"));
  readonly #abort = new AbortController();
  #run: Run;
  #rate = 0;
  #orders = 0.2;
  isBroken = false;

  constructor(name: string, staged: Staged) {
    this.app = `causes-${name}`;
    this.redis = `causes-${name}-redis`;
    this.#pay = `causes-${name}-pay`;
    this.network = `causes-${name}-net`;
    this.#label = `sentinel.causes=${name}`;
    this.#staged = staged;
    this.#run = staged.run ?? {};
  }

  async start(): Promise<void> {
    await this.#remove();
    await this.docker("network", "create", this.network);
    await this.#other(this.redis, ["redis-server", "--protected-mode", "no", "--save", ""]);
    if (this.#staged.pay) {
      const run = ["--env", `REDIS_ADDR=${this.redis}:6379`];
      await this.#other(this.#pay, ["python3", "/app/stock.py"], run);
    }
    await this.#create();
    const untilMs = performance.now() + READY_MS;
    while (performance.now() < untilMs) {
      if (this.#hasMetrics ? await this.#answers() : await this.#runs()) break;
      await Bun.sleep(300);
    }
    void this.#sendRequests();
  }

  async end(): Promise<void> {
    this.#abort.abort();
    await this.#remove();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Also what a run before was kept from removing. */
  async #remove(): Promise<void> {
    for (const name of [this.app, this.redis, this.#pay])
      await this.docker("rm", "--force", "--volumes", name).catch(() => undefined);
    await this.docker("network", "rm", this.network).catch(() => undefined);
  }

  /** Until the signal aborts. */
  async observe(recorder: Diagnoser, signal: AbortSignal): Promise<void> {
    const settings = observerSettings({
      env: this.#settings(),
      folder: this.#folder,
      isTerminal: true,
    });
    const journal = memoryJournal();
    const told = { emit: () => undefined, say: () => undefined };
    const open = beginPlatforms({ settings, journal, ...told });
    const signals = signalsOf(
      settings,
      open.map(({ platform }) => platform),
    );
    await observe(
      { settings, journal, signals, platforms: open, diagnosers: [recorder], ...told },
      signal,
    );
    for (const { close } of open) await close?.();
  }

  /** Thresholds of a small service on a small machine. */
  #settings(): Record<string, string> {
    const { rule } = this.#staged;
    const rules = join(this.#folder, "rules.json");
    if (rule) writeFileSync(rules, JSON.stringify({ groups: [{ name: "own", rules: [rule] }] }));
    const health = this.#staged.app === "nginx" ? `http://127.0.0.1:${this.#port}/` : "container";
    const service = this.#hasMetrics
      ? {
          name: this.app,
          health: `http://127.0.0.1:${this.#port}/health`,
          metrics: `http://127.0.0.1:${this.#port}/metrics`,
        }
      : { name: this.app, health, metrics: "none" };
    writeFileSync(join(this.#folder, "sentinel.yaml"), JSON.stringify({ services: [service] }));
    return {
      PATH: process.env["PATH"] ?? "",
      HOME: process.env["HOME"] ?? "",
      ...(process.env["DOCKER_HOST"] ? { DOCKER_HOST: process.env["DOCKER_HOST"] } : {}),
      PROMETHEUS_URL: "embedded",
      OBSERVER_PORT: "0",
      POLL_INTERVAL: "2",
      STABILIZE_SECONDS: "8",
      COOLDOWN_SECONDS: "0",
      AUTONOMY: "observe",
      LOCAL_MODELS: "none",
      HEAL_LABEL: this.#label,
      CPU_THRESHOLD: "0.25",
      LATENCY_THRESHOLD: "0.5",
      MEMORY_THRESHOLD_BYTES: "140000000",
      ...(rule ? { RULES_FILE: rules } : {}),
    };
  }

  get #hasMetrics(): boolean {
    return this.#staged.app === "shop" || this.#staged.app === "stock";
  }

  async fault(name: string, amount = 1): Promise<void> {
    await fetch(`http://127.0.0.1:${this.#control}/${name}?n=${amount}`, { method: "POST" });
  }

  async recreate(run: Run): Promise<void> {
    const env = { ...this.#run.env, ...run.env };
    this.#run = { ...this.#run, ...run, env };
    // What fires while there is none says nothing of the one that comes.
    this.isBroken = false;
    await this.docker("rm", "--force", this.app);
    await this.#create();
    this.isBroken = true;
  }

  users(rate: number, orders = this.#orders): void {
    this.#rate = rate;
    this.#orders = orders;
  }

  async docker(...args: readonly string[]): Promise<string> {
    const options = { env: childEnvironment(), deadlineMs: 60_000 };
    const result = await runCommand(["docker", ...args], options, new AbortController().signal);
    if (result.kind !== "succeeded") throw new Error(`docker ${args[0]}: ${result.output}`);
    return result.stdout.trim();
  }

  async #create(): Promise<void> {
    const { release = "1.4.0", env = {}, options = [], command } = this.#run;
    const given = { ...ENVIRONMENTS[this.#staged.app](this), ...env };
    const published = this.#hasMetrics
      ? [
          "--publish",
          `127.0.0.1:${this.#port}:8000`,
          "--publish",
          `127.0.0.1:${this.#control}:9000`,
        ]
      : ["--publish", `127.0.0.1:${this.#port}:${PORTS[this.#staged.app]}`];
    await this.docker(
      ...[
        "create",
        "--name",
        this.app,
        "--memory",
        "256m",
        "--cpus",
        "0.4",
        ...SHARES,
        ...published,
      ],
      ...Object.entries(given).flatMap(([name, value]) => ["--env", `${name}=${value}`]),
      ...HEALTH[this.#staged.app],
      ...options,
      `sentinel-causes:${release}`,
      ...(command ?? COMMANDS[this.#staged.app](this)),
    );
    // It is published on the network of all, and finds those that it needs on its own.
    await this.docker("network", "connect", this.network, this.app);
    await this.docker("start", this.app).catch(() => undefined);
  }

  async #other(
    name: string,
    command: readonly string[],
    options: readonly string[] = [],
  ): Promise<void> {
    const run = [
      "run",
      "--detach",
      "--name",
      name,
      "--network",
      this.network,
      "--cpus",
      "0.3",
      ...SHARES,
    ];
    await this.docker(...run, ...options, "sentinel-causes:1.4.0", ...command);
  }

  /** Where it takes payments. */
  get payUrl(): string {
    return `http://${this.#pay}:8000/moves`;
  }

  get payContainer(): string {
    return this.#pay;
  }

  async #answers(): Promise<boolean> {
    try {
      return (await fetch(`http://127.0.0.1:${this.#port}/metrics`)).ok;
    } catch {
      return false;
    }
  }

  async #runs(): Promise<boolean> {
    return (await this.docker("inspect", "--format", "{{.State.Running}}", this.app)) === "true";
  }

  /** At its rate, whatever becomes of the requests before. */
  async #sendRequests(): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      const waitMs = this.#rate > 0 ? 1000 / this.#rate : 200;
      await Bun.sleep(waitMs * (0.6 + 0.8 * Math.random()));
      if (this.#rate === 0 || signal.aborted) continue;
      const path = PATHS[this.#staged.app][Math.random() < this.#orders ? 1 : 0];
      const request = fetch(`http://127.0.0.1:${this.#port}${path}`, {
        signal: AbortSignal.timeout(8000),
      });
      request.then((answer) => answer.arrayBuffer()).catch(() => undefined);
    }
  }
}

/** Of the engine's containers these go first, as far as their limits let them. */
const SHARES = ["--cpu-shares", "8192"];

const PATHS = {
  shop: ["/items", "/orders"],
  stock: ["/levels", "/moves"],
  redis: ["/", "/"],
  nginx: ["/", "/"],
} as const satisfies Record<App, readonly [string, string]>;

const PORTS = { shop: 8000, stock: 8000, redis: 6379, nginx: 80 } as const satisfies Record<
  App,
  number
>;

const ENVIRONMENTS = {
  shop: ({ redis }) => ({ REDIS_URL: `redis://${redis}:6379` }),
  stock: ({ redis }) => ({ REDIS_ADDR: `${redis}:6379` }),
  redis: () => ({}),
  nginx: () => ({}),
} as const satisfies Record<App, (stage: ContainerStage) => Readonly<Record<string, string>>>;

const NGINX = (redis: string, extra: string) =>
  `error_log /dev/stderr; events {} http { access_log /dev/stdout; server { listen 80; ${extra} location /health { return 200 ok; } location / { proxy_connect_timeout 2; proxy_pass http://${redis}:8000; } } }`;

/** The nginx that passes all on, with a line of its own. */
export function nginxCommand(upstream: string, extra = ""): readonly string[] {
  const config = NGINX(upstream, extra).replaceAll("'", "");
  return [
    "sh",
    "-c",
    `echo '${config}' >/tmp/n.conf && exec nginx -g 'daemon off;' -c /tmp/n.conf`,
  ];
}

const COMMANDS = {
  shop: () => ["bun", "/app/shop.ts"],
  stock: () => ["python3", "/app/stock.py"],
  redis: () => ["redis-server", "--protected-mode", "no", "--save", ""],
  nginx: ({ payContainer }) => nginxCommand(payContainer),
} as const satisfies Record<App, (stage: ContainerStage) => readonly string[]>;

const checked = (command: string) => [
  ...["--health-cmd", command, "--health-interval", "2s", "--health-timeout", "2s"],
  ...["--health-retries", "2"],
];

/** Of those with metrics, the observer asks for their health itself. */
const HEALTH = {
  shop: [],
  stock: [],
  redis: checked("timeout 1 redis-cli set probe 1 | grep -q OK"),
  nginx: checked(
    `bash -c 'exec 3<>/dev/tcp/127.0.0.1/80; printf "GET / HTTP/1.0\r\n\r\n" >&3; head -1 <&3 | grep -q " [234]"'`,
  ),
} as const satisfies Record<App, readonly string[]>;
