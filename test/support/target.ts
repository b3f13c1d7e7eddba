/** What the tests of the target start it with. */

import { createFaults } from "../../src/target/faults.ts";
import type { OwnProcess } from "../../src/target/faults/kind.ts";

export const TARGET_SETTINGS = {
  maxActiveFaults: 4,
  faultsAllowed: true,
  faultToken: undefined as string | undefined,
  version: "1.2.3",
};

/** The process of the test, which no fault may end. */
export const aliveProcess: OwnProcess = {
  flushLog: () => {},
  exit(code) {
    throw new Error(`the process was to exit with ${code}`);
  },
};

/** The counts of a target that nobody has broken. */
export const NO_FAULTS = createFaults({
  maxActive: 1,
  nowMs: () => 0,
  random: () => 0,
  emit: () => {},
});
