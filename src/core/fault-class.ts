/** The kinds of faults that a diagnosis tells apart. */

export const FAULT_CLASSES = [
  "cpu",
  "memory",
  "latency",
  "errors",
  "down",
  "crash_loop",
  "dependency",
  "unknown",
] as const;
export type FaultClass = (typeof FAULT_CLASSES)[number];
