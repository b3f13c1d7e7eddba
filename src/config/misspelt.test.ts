import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { SETTING_KEYS } from "./keys.ts";
import { settingMeant } from "./misspelt.ts";

describe("a name that is nearly a setting's", () => {
  test.each([
    ["CPU_TRESHOLD", "CPU_THRESHOLD"],
    ["CPU_THRESHHOLD", "CPU_THRESHOLD"],
    ["CUP_THRESHOLD", "CPU_THRESHOLD"],
    ["CPU-THRESHOLD", "CPU_THRESHOLD"],
    ["CPUTHRESHOLD", "CPU_THRESHOLD"],
    ["cpu_threshold", "CPU_THRESHOLD"],
    ["cpu.threshold", "CPU_THRESHOLD"],
    ["THRESHOLD_CPU", "CPU_THRESHOLD"],
    ["CPU_THRESHOLD_CORES", "CPU_THRESHOLD"],
    ["AUTONMY", "AUTONOMY"],
    ["Autonomy", "AUTONOMY"],
    ["SENTINEL_AUTONOMY", "AUTONOMY"],
    ["OBSERVER_PROT", "OBSERVER_PORT"],
    ["OBSERVERPORT", "OBSERVER_PORT"],
    ["PROT", "PORT"],
    ["HOTS", "HOST"],
    ["COOLDOWN", "COOLDOWN_SECONDS"],
    ["COOLDOWN_SECOND", "COOLDOWN_SECONDS"],
    ["POLL_INTERVAL_SECONDS", "POLL_INTERVAL"],
    ["POLL_INTERVALL", "POLL_INTERVAL"],
    ["MEMORY_THRESHOLD", "MEMORY_THRESHOLD_BYTES"],
    ["GEMINI_APIKEY", "GEMINI_API_KEY"],
    ["GEMENI_API_KEY", "GEMINI_API_KEY"],
    ["LMSTUDIO_URL", "LM_STUDIO_URL"],
    ["PROMETHEUS_URI", "PROMETHEUS_URL"],
    ["PROMETEUS_URL", "PROMETHEUS_URL"],
    ["RULE_FILES", "RULES_FILE"],
    ["LOCAL_MODEL", "LOCAL_MODELS"],
    ["OPERATOR_TOCKEN", "OPERATOR_TOKEN"],
    ["SUPERVISED", "SUPERVISE"],
  ])("%s means %s", (name, key) => {
    expect<string | undefined>(settingMeant(name)).toBe(key);
  });

  test.each([
    "FAULT_TOKEN",
    "VAULT_TOKEN",
    "SERVER_PORT",
    "TARGET_DB",
    "TARGET_OS",
    "TARGET_ENV",
    "TARGET",
    "POLL",
    "port",
    "Host",
    "POST",
    "PORTS",
    "HOST_1",
    "DOCKER_PORT",
    "COMPOSE_PROFILES",
    "SUPERVISOR_ENABLED",
    "JOURNAL_STREAM",
    "SENTINEL_PORT",
    "",
    "_",
    "__proto__",
    "constructor",
  ])("%j means none", (name) => {
    expect(settingMeant(name)).toBeUndefined();
  });

  test("is found for every setting with a letter left out, doubled or swapped, but the first", () => {
    const slips = {
      leftOut: (key: string, at: number) => key.slice(0, at) + key.slice(at + 1),
      doubled: (key: string, at: number) => key.slice(0, at) + key.charAt(at) + key.slice(at),
      swapped: (key: string, at: number) =>
        key.slice(0, at) + key.charAt(at + 1) + key.charAt(at) + key.slice(at + 2),
    };
    const cases = fc.record({
      key: fc.constantFrom(...SETTING_KEYS.filter((key) => key.length > 4)),
      slip: fc.constantFrom(...Object.values(slips)),
      place: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(cases, ({ key, slip, place }) => {
        const at = 1 + Math.floor(place * (key.length - 2));
        const name = slip(key, at);
        // A swap of equals changes nothing; what crosses into another word is seen as far as it is near.
        fc.pre(name !== key && !/_/.test(key.slice(at, at + 2)));
        expect<string | undefined>(settingMeant(name)).toBe(key);
      }),
      { numRuns: 3000 },
    );
  });

  test("an endless name costs nothing", () => {
    const fromMs = performance.now();
    expect(settingMeant(`A${"X".repeat(1_000_000)}`)).toBeUndefined();
    expect(settingMeant(`A${"_".repeat(1_000_000)}`)).toBeUndefined();
    expect(performance.now() - fromMs).toBeLessThan(10_000);
  });
});
