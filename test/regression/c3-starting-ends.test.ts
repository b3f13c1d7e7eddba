import { expect, setDefaultTimeout, test } from "bun:test";
import { ownContainers } from "../support/containers.ts";
import { BUN_IMAGE, describeUnless, whyNoDocker } from "../support/docker.ts";
import { containerReader } from "../../src/platforms/docker/docker.ts";
import { startingForMs, whyNotYet } from "../../src/diagnosis/lifecycle.ts";
import { alert } from "../support/fixtures.ts";

setDefaultTimeout(60_000);

const never = new AbortController().signal;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

const missing = await whyNoDocker([BUN_IMAGE]);

describeUnless(missing, "C3: a container whose health check says nothing for a day", () => {
  test.each([
    ["an interval of a day", ["--health-interval", "24h"], 5 * MINUTE_MS],
    [
      "a start period of a day",
      ["--health-start-period", "24h", "--health-interval", "2s", "--health-timeout", "1s"],
      HOUR_MS + 9000,
    ],
    ["all as Docker has it", [], 3 * MINUTE_MS],
  ])("C3: %s: starting ends, and the rest is judged", async (_, options, expectedMs) => {
    await using own = ownContainers();
    const script = "trap 'exit 0' TERM; while :; do sleep 0.2; done";
    const name = await own.run("starting", script, "--health-cmd", "exit 1", ...options);
    const state = await containerReader().inspect(name, never);
    if (state?.startedAtMs === undefined) throw new Error("it does not run");
    expect(state.health).toBe("starting");
    expect(startingForMs(state)).toBe(expectedMs);
    const at = (ageMs: number) => {
      const nowMs = (state.startedAtMs ?? 0) + ageMs;
      const history = { looks: [], sinceMs: nowMs };
      return whyNotYet(state, { alert: alert(), windowMs: 20_000, nowMs, history });
    };
    expect(at(expectedMs - 1)).toBe("its container is still starting");
    expect(at(expectedMs)).toBeUndefined();
  });
});
