/** Exceptions of the kinds that services really die of, thrown on purpose. The process lives. */

export const SIMULATED_EXCEPTIONS = [
  { type: "ValueError", message: "Simulated ValueError: Invalid configuration" },
  { type: "KeyError", message: "Simulated KeyError: Missing critical key" },
  { type: "ConnectionError", message: "Simulated ConnectionError: Database unreachable" },
  {
    type: "ZeroDivisionError",
    message: "Simulated ZeroDivisionError: Division by zero in calculation",
  },
] as const;
export type SimulatedException = (typeof SIMULATED_EXCEPTIONS)[number];

/** An exception that nobody is meant to catch; its `name` is the simulated type. */
export class SimulatedCrash extends Error {
  override readonly name: string;

  constructor({ type, message }: SimulatedException) {
    super(message);
    this.name = type;
  }
}

/** @param random in [0, 1); each exception is equally likely */
export function pickException(random: () => number): SimulatedException {
  const index = Math.floor(random() * SIMULATED_EXCEPTIONS.length);
  return SIMULATED_EXCEPTIONS[index] ?? SIMULATED_EXCEPTIONS[0];
}
