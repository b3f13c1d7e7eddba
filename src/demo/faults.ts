/** The five faults of the demo: what each does, and how it is brought about from outside. */

export const DEMO_FAULTS = ["cpu", "latency", "errors", "memory", "killed"] as const;
export type DemoFault = (typeof DEMO_FAULTS)[number];

interface FaultScene {
  /** For people, as the rest of a sentence that begins with the service. */
  readonly what: string;
  /** The built-in alert that finds it. */
  readonly alert: string;
  /**
   * Brings it about; resolves when it is over: the process was restarted, or the signal aborted.
   * Until then the fault lasts, however long it takes to be found.
   */
  begin(victim: Victim, signal: AbortSignal): Promise<void>;
}

/** What a fault is done to. */
export interface Victim {
  /** Without a slash at the end. */
  readonly url: string;
  /** The id of its process; another one after a restart. */
  pid(): number | undefined;
  /** Ends the process by SIGKILL, as the kernel does when memory runs out. */
  kill(): void;
}

/** Long enough for any detection; bounded all the same. */
const LONGEST_S = 60;

const MEMORY_MB = 250;
const LATENCY_S = { min: 1.2, max: 1.6 } as const;

export const SCENES = {
  cpu: {
    what: "burns every core",
    alert: "HighCpu",
    begin: ({ url }, signal) => request(`${url}/stress/cpu?duration=${LONGEST_S}`, signal),
  },
  latency: {
    what: `takes ${LATENCY_S.min} to ${LATENCY_S.max} s to answer`,
    alert: "HighLatency",
    begin: (victim, signal) => {
      const path = `/stress/latency?min_delay=${LATENCY_S.min}&max_delay=${LATENCY_S.max}`;
      return requestUntilRestart(victim, { path, users: 8, pauseMs: 0 }, signal);
    },
  },
  errors: {
    what: "answers requests with exceptions",
    alert: "HighErrorRatio",
    begin: (victim, signal) =>
      requestUntilRestart(victim, { path: "/stress/crash", users: 1, pauseMs: 100 }, signal),
  },
  memory: {
    what: `leaks ${MEMORY_MB} MB`,
    alert: "HighMemory",
    begin: ({ url }, signal) => request(`${url}/stress/memory?megabytes=${MEMORY_MB}`, signal),
  },
  killed: {
    what: "is killed (SIGKILL)",
    alert: "TargetDown",
    begin: (victim) => {
      victim.kill();
      return Promise.resolve();
    },
  },
} satisfies Record<DemoFault, FaultScene>;

/** Ordinary traffic, a few requests a second, until the signal aborts. */
export async function sendTraffic(url: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await request(`${url}/api/items`, signal);
    await Bun.sleep(200);
  }
}

interface Load {
  readonly path: string;
  readonly users: number;
  readonly pauseMs: number;
}

/** A fault of the process: it ends with the process, as one that a restart cures would. */
async function requestUntilRestart(
  victim: Victim,
  { path, users, pauseMs }: Load,
  signal: AbortSignal,
): Promise<void> {
  const until = AbortSignal.any([signal, AbortSignal.timeout(LONGEST_S * 1000)]);
  const pid = victim.pid();
  const use = async () => {
    while (!until.aborted && victim.pid() === pid) {
      await request(victim.url + path, until);
      await Bun.sleep(pauseMs);
    }
  };
  await Promise.all(Array.from({ length: users }, use));
}

async function request(url: string, signal: AbortSignal): Promise<void> {
  try {
    await (await fetch(url, { signal })).arrayBuffer();
  } catch {
    // A service that is being broken on purpose refuses connections and resets them.
  }
}
