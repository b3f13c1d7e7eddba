/** The five faults of the demo: what each does, and how it is brought about from outside. */

export const DEMO_FAULTS = ["cpu", "latency", "errors", "memory", "killed"] as const;
export type DemoFault = (typeof DEMO_FAULTS)[number];

export interface FaultScene {
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
  /** Ends the process by SIGKILL, as the kernel does when memory runs out. */
  kill(): void;
}

/** Long enough for any detection; bounded all the same. */
const LONGEST_S = 60;

export const MEMORY_MB = 250;
export const LATENCY_S = { min: 1.2, max: 1.6 } as const;

export const SCENES = {
  cpu: {
    what: "burns every core",
    alert: "HighCpu",
    begin: ({ url }, signal) => requestOnce(`${url}/stress/cpu?duration=${LONGEST_S}`, signal),
  },
  latency: {
    what: `takes ${LATENCY_S.min} to ${LATENCY_S.max} s to answer`,
    alert: "HighLatency",
    begin: ({ url }, signal) =>
      requestUntilGone(
        `${url}/stress/latency?min_delay=${LATENCY_S.min}&max_delay=${LATENCY_S.max}`,
        { users: 8, pauseMs: 0 },
        signal,
      ),
  },
  errors: {
    what: "answers requests with exceptions",
    alert: "HighErrorRatio",
    begin: ({ url }, signal) =>
      requestUntilGone(`${url}/stress/crash`, { users: 1, pauseMs: 100 }, signal),
  },
  memory: {
    what: `leaks ${MEMORY_MB} MB`,
    alert: "HighMemory",
    begin: ({ url }, signal) => requestOnce(`${url}/stress/memory?megabytes=${MEMORY_MB}`, signal),
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

/** Users of the service who mean no harm, a few requests a second, until the signal aborts. */
export async function sendTraffic(url: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await request(url, signal);
    await Bun.sleep(200);
  }
}

async function requestOnce(url: string, signal: AbortSignal): Promise<void> {
  await request(url, signal);
}

interface Load {
  readonly users: number;
  readonly pauseMs: number;
}

/** Stops with the process that answers: what comes after the restart is another story. */
async function requestUntilGone(
  url: string,
  { users, pauseMs }: Load,
  signal: AbortSignal,
): Promise<void> {
  const until = AbortSignal.any([signal, AbortSignal.timeout(LONGEST_S * 1000)]);
  const use = async () => {
    while (!until.aborted && (await request(url, until))) await Bun.sleep(pauseMs);
  };
  await Promise.all(Array.from({ length: users }, use));
}

/** Whether the service answered; one that stops or is gone does not. */
async function request(url: string, signal: AbortSignal): Promise<boolean> {
  try {
    const response = await fetch(url, { signal });
    await response.arrayBuffer();
    return response.status !== 503;
  } catch {
    // A service that is being broken on purpose refuses connections and resets them.
    return false;
  }
}
