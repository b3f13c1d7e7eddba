/** Four ways to break any container from inside of it, and what each is rightly called. */

import type { Stranger } from "./catalogue.ts";

export const FAULTS = ["stopped", "hung", "cpu", "memory"] as const;
export type Fault = (typeof FAULTS)[number];

/** What a container may use: a loop burns all of it, whatever the machine has. */
export const CPU_LIMIT = 0.5;

/** So much of its limit is held: more than any service needs, and less than the kernel kills for. */
const HELD_SHARE = 0.93;

interface Breaking {
  /** Run by a shell in the container, as root. */
  readonly script: (stranger: Stranger, usedMb: number) => string;
  /** The alerts of which the first to fire says what is wrong. */
  readonly alerts: readonly string[];
}

/** Signals go to all but process 1, which is tini and ends when what it has started ends. */
export const BREAKING = {
  stopped: {
    script: () => "kill -KILL -1",
    alerts: ["ContainerDown", "ProbeFailing", "TargetDown"],
  },
  hung: {
    script: () => "kill -STOP -1",
    alerts: ["ProbeFailing", "ContainerUnhealthy", "TargetDown"],
  },
  cpu: {
    script: () => "while :; do :; done",
    alerts: ["HighCpu", "ContainerHighCpu"],
  },
  memory: {
    // What has no line end `tail` holds whole, in pages of its own.
    script: ({ memoryMb }, usedMb) => {
      const mb = Math.round(memoryMb * HELD_SHARE - usedMb);
      return `{ head -c ${mb}M /dev/zero; sleep 3600; } | tail -c ${mb}M`;
    },
    alerts: ["HighMemory", "ContainerHighMemory"],
  },
} satisfies Record<Fault, Breaking>;
