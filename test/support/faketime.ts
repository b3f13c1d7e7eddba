/** A process whose wall clock a test sets, by libfaketime; its monotonic clock goes on as it does. */

import { existsSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Environment } from "../../src/platforms/run-command.ts";

const LIBRARIES = ["x86_64-linux-gnu", "aarch64-linux-gnu", "faketime"].map((folder) =>
  folder === "faketime"
    ? "/usr/lib/faketime/libfaketime.so.1"
    : `/usr/lib/${folder}/faketime/libfaketime.so.1`,
);

const library = LIBRARIES.find((path) => existsSync(path));

/** Why there is none; `undefined` if there is. */
export function whyNoFaketime(): string | undefined {
  return library === undefined
    ? "libfaketime is not installed (Debian's package libfaketime)"
    : undefined;
}

export interface FakeClock {
  /** Of the process whose clock it is. */
  readonly env: Environment;
  /** Sets its wall clock to so many seconds ahead of this machine's; less than 0 is behind. */
  set(aheadS: number): void;
  /** What that process sees. */
  nowMs(): number;
}

export function fakeClock(): FakeClock {
  const file = join(mkdtempSync(join(tmpdir(), "sentinel-faketime-")), "clock");
  let aheadS = 0;
  const set = (seconds: number) => {
    aheadS = seconds;
    writeFileSync(file, `${seconds < 0 ? "" : "+"}${seconds}`);
  };
  set(0);
  return {
    env: {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
      DONT_FAKE_MONOTONIC: "1",
    },
    set,
    nowMs: () => Date.now() + aheadS * 1000,
  };
}
