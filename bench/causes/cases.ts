/** Incidents with a known cause: what is done to which service, by class of fault. */

import { FAULT_CLASSES, type FaultClass } from "../../src/core/fault-class.ts";
import { nginxCommand, type Stage, type Staged } from "./stage.ts";

export interface CauseCase extends Staged {
  readonly name: string;
  readonly faultClass: FaultClass;
}

type Given = Omit<CauseCase, "name" | "faultClass">;

const fault = (name: string, amount?: number) => (stage: Stage) => stage.fault(name, amount);
const recreate = (run: Parameters<Stage["recreate"]>[0]) => (stage: Stage) => stage.recreate(run);
const env = (variables: Readonly<Record<string, string>>) => recreate({ env: variables });
const release = (version: string) => recreate({ release: version });
const on =
  (...words: readonly string[]) =>
  (stage: Stage) =>
    stage.docker(...words, stage.app);
const inside =
  (...words: readonly string[]) =>
  (stage: Stage) =>
    stage.docker("exec", "--user", "root", stage.app, ...words);
const redis =
  (...words: readonly string[]) =>
  (stage: Stage) =>
    stage.docker(...words, stage.redis);
const users = (rate: number, orders?: number) => (stage: Stage) =>
  Promise.resolve(stage.users(rate, orders));

/** More and more of them, a step every two seconds. */
const ramp = (from: number, to: number) => async (stage: Stage) => {
  for (let step = 1; step <= 8; step += 1) {
    stage.users(from + ((to - from) * step) / 8);
    await Bun.sleep(2000);
  }
};

const SMALL_DISK = ["--tmpfs", "/data:size=6m"];
const PAYING: Given = { app: "shop", pay: true, cause: fault("block") };
const withPay = (given: Given): Given => ({ ...PAYING, ...given, pay: true });

/** The paying shop finds the other service by the name of its container. */
const payEnv = (name: string): Readonly<Record<string, string>> => ({
  PAY_URL: `http://causes-${name}-pay:8000/moves`,
});

const rule = (alert: string, expr: string) => ({
  alert,
  expr,
  labels: { severity: "high" },
  annotations: { summary: alert },
});

const BY_CLASS: Readonly<Record<FaultClass, Readonly<Record<string, Given>>>> = {
  config: {
    "wrong-port": {
      app: "shop",
      cause: (stage) => stage.recreate({ env: { REDIS_URL: `redis://${stage.redis}:6380` } }),
    },
    "missing-setting": { app: "shop", cause: env({ REDIS_URL: "" }) },
    "wrong-password": {
      app: "shop",
      cause: (stage) =>
        stage.recreate({ env: { REDIS_URL: `redis://:wrong@${stage.redis}:6379` } }),
    },
    "short-timeout": { app: "stock", cause: env({ TIMEOUT_S: "0.00001" }) },
    "no-workers": { app: "stock", cause: env({ WORKERS: "0" }) },
    "bad-directive": {
      app: "nginx",
      pay: true,
      cause: (stage) =>
        stage.recreate({ command: nginxCommand(stage.payContainer, "proxy_pas on;") }),
    },
    "bad-option": {
      app: "redis",
      rate: 0,
      cause: recreate({ command: ["redis-server", "--maxmemory", "lots"] }),
    },
    "no-such-program": { app: "shop", cause: recreate({ command: ["/app/bin/shop"] }) },
  },
  deploy: {
    "type-error": { app: "shop", cause: release("1.5.0") },
    slow: { app: "shop", cause: release("1.5.1") },
    leaks: { app: "shop", rate: 14, cause: release("1.5.2") },
    "module-missing": { app: "shop", cause: release("1.5.3") },
    "computes-more": { app: "shop", rate: 10, cause: release("1.5.4") },
    "attribute-error": { app: "stock", cause: release("1.5.0") },
    "computes-more-python": { app: "stock", rate: 10, cause: release("1.5.4") },
  },
  overload: {
    surge: { app: "shop", run: { env: { WORK_MS: "6" } }, cause: users(40) },
    "big-surge": { app: "shop", cause: users(90) },
    ramp: { app: "shop", run: { env: { WORK_MS: "6" } }, cause: ramp(8, 45) },
    "surge-python": { app: "stock", run: { env: { WORK_S: "0.01" } }, cause: users(35) },
    "ramp-python": { app: "stock", run: { env: { WORK_S: "0.01" } }, cause: ramp(8, 40) },
    "at-capacity": {
      app: "shop",
      run: { env: { MAX_IN_FLIGHT: "4", WORK_MS: "6" } },
      cause: users(50),
    },
    "workers-busy": {
      app: "stock",
      run: { env: { WORKERS: "3", WORK_S: "0.02", TIMEOUT_S: "0.3" } },
      cause: users(35),
    },
  },
  dependency: {
    stopped: { app: "shop", cause: redis("stop", "--time", "1") },
    killed: { app: "stock", cause: redis("kill") },
    paused: { app: "shop", cause: redis("pause") },
    "paused-python": { app: "stock", cause: redis("pause") },
    "no-memory-there": {
      app: "shop",
      cause: (stage) =>
        stage.docker("exec", stage.redis, "redis-cli", "config", "set", "maxmemory", "1"),
    },
    "payment-fails": withPay({
      app: "shop",
      run: { env: payEnv("dependency-payment-fails") },
      cause: async (stage) => {
        stage.users(8, 0.6);
        await stage.docker("stop", "--time", "1", stage.redis.replace(/-redis$/, "-pay"));
      },
    }),
    "upstream-stopped": {
      app: "nginx",
      pay: true,
      cause: (stage) => stage.docker("stop", "--time", "1", stage.payContainer),
    },
  },
  leak: {
    steady: { app: "shop", cause: fault("leak", 4) },
    slow: { app: "shop", cause: fault("leak", 2) },
    "per-request": { app: "shop", cause: fault("leak_requests", 500) },
    python: { app: "stock", cause: fault("leak", 5) },
    "python-per-request": { app: "stock", cause: fault("leak_requests", 900) },
    "under-more-load": {
      app: "shop",
      cause: async (stage) => {
        stage.users(10);
        await stage.fault("leak", 3);
      },
    },
  },
  hot_loop: {
    block: { app: "shop", cause: fault("block") },
    worker: { app: "shop", cause: fault("spin", 90) },
    busy: { app: "shop", cause: fault("busy", 80) },
    python: { app: "stock", cause: fault("spin", 1) },
    "python-threads": { app: "stock", cause: fault("spin", 3) },
  },
  hang: {
    "stopped-process": { app: "shop", cause: on("kill", "--signal", "STOP") },
    "stopped-python": { app: "stock", cause: on("kill", "--signal", "STOP") },
    "stopped-redis": { app: "redis", rate: 0, cause: on("kill", "--signal", "STOP") },
    "slow-lock": { app: "shop", cause: fault("slow_lock", 400) },
    "slower-lock": { app: "shop", rate: 4, cause: fault("slow_lock", 900) },
  },
  crash: {
    exit: { app: "shop", cause: fault("exit", 1) },
    "exit-code": { app: "shop", cause: fault("exit", 70) },
    killed: { app: "stock", cause: on("kill") },
    exceptions: { app: "shop", cause: fault("fail", 30) },
    tracebacks: { app: "stock", cause: fault("fail", 40) },
    abort: { app: "stock", cause: fault("abort") },
  },
  resource_limit: {
    "out-of-memory": {
      app: "shop",
      run: { options: ["--memory", "140m"] },
      cause: fault("alloc", 400),
    },
    "out-of-memory-python": {
      app: "stock",
      run: { options: ["--memory", "64m"] },
      cause: fault("leak", 200),
    },
    files: { app: "shop", run: { options: ["--ulimit", "nofile=120"] }, cause: fault("files") },
    threads: { app: "stock", run: { options: ["--pids-limit", "40"] }, cause: fault("threads") },
    "pool-exhausted": {
      app: "shop",
      run: { env: { POOL: "20" } },
      cause: fault("connections"),
    },
    "files-python": {
      app: "stock",
      run: { options: ["--ulimit", "nofile=60"] },
      cause: fault("files"),
    },
  },
  network: {
    disconnected: {
      app: "shop",
      cause: (stage) => stage.docker("network", "disconnect", stage.network, stage.app),
    },
    "disconnected-python": {
      app: "stock",
      cause: (stage) => stage.docker("network", "disconnect", stage.network, stage.app),
    },
    "other-side-disconnected": {
      app: "shop",
      cause: (stage) => stage.docker("network", "disconnect", stage.network, stage.redis),
    },
    "no-names-shop": {
      app: "shop",
      cause: inside("sh", "-c", "echo nameserver 127.0.0.99 > /etc/resolv.conf"),
    },
    "other-side-disconnected-python": {
      app: "stock",
      cause: (stage) => stage.docker("network", "disconnect", stage.network, stage.redis),
    },
    "no-names": {
      app: "stock",
      cause: inside("sh", "-c", "echo nameserver 127.0.0.99 > /etc/resolv.conf"),
    },
  },
  disk: {
    full: {
      app: "shop",
      run: { env: { DATA_DIR: "/data" }, options: SMALL_DISK },
      cause: async (stage) => {
        stage.users(8, 0.6);
        await stage.fault("fill");
      },
    },
    "full-python": {
      app: "stock",
      run: { env: { DATA_DIR: "/data" }, options: SMALL_DISK },
      cause: async (stage) => {
        stage.users(8, 0.6);
        await stage.fault("fill");
      },
    },
    "filled-by-another": {
      app: "shop",
      run: { env: { DATA_DIR: "/data" }, options: SMALL_DISK },
      cause: async (stage) => {
        stage.users(8, 0.6);
        await inside("sh", "-c", "head -c 9000000 /dev/zero > /data/core.7 || true")(stage);
      },
    },
    "no-inodes": {
      app: "stock",
      run: { env: { DATA_DIR: "/data" }, options: ["--tmpfs", "/data:size=6m,nr_inodes=12"] },
      cause: async (stage) => {
        stage.users(8, 0.6);
        await inside(
          "sh",
          "-c",
          "for i in $(seq 40); do touch /data/s$i; done 2>/dev/null || true",
        )(stage);
      },
    },
    redis: {
      app: "redis",
      rate: 0,
      run: {
        options: SMALL_DISK,
        command: ["redis-server", "--protected-mode", "no", "--dir", "/data", "--save", "1 1"],
      },
      cause: inside("sh", "-c", "head -c 7000000 /dev/zero > /data/x || true"),
    },
  },
  unknown: {
    "fewer-orders": {
      app: "shop",
      rule: rule("OrdersFell", "rate(shop_orders_total[10s]) < 0.5"),
      cause: users(8, 0),
    },
    "no-metrics": { app: "shop", cause: fault("no_metrics") },
    "a-total": {
      app: "shop",
      rule: rule("ManyOrdersInAll", "shop_orders_total > 50"),
      cause: () => Promise.resolve(),
    },
    "a-business-rule": {
      app: "stock",
      rule: rule(
        "FewMoves",
        'sum by (job) (rate(http_requests_total{handler="/moves"}[10s])) < 0.4',
      ),
      cause: users(8, 0),
    },
    "many-orders": {
      app: "shop",
      rule: rule("OrdersRose", "rate(shop_orders_total[10s]) > 4"),
      cause: users(8, 0.95),
    },
  },
};

const ALERTS: Readonly<Partial<Record<FaultClass, readonly string[]>>> = {
  leak: ["HighMemory", "ContainerHighMemory", "MemoryFilling"],
  hot_loop: ["HighCpu", "ContainerHighCpu", "TargetDown", "ProbeFailing"],
};

export const CAUSES: readonly CauseCase[] = Object.entries(BY_CLASS).flatMap(([kind, cases]) => {
  const faultClass = FAULT_CLASSES.find((one) => one === kind);
  if (faultClass === undefined) return [];
  const alerts = ALERTS[faultClass];
  return Object.entries(cases).map(([name, given]) => ({
    ...given,
    ...(alerts && { alerts }),
    name: `${faultClass}-${name}`.replaceAll("_", "-"),
    faultClass,
  }));
});
