/** F1: a misspelt setting would have no effect, so it stops the start and names the one that was meant. */

import { beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { observerSettings } from "../../src/config/config.ts";
import { targetSettings } from "../../src/config/environment.ts";
import { settingMeant } from "../../src/config/misspelt.ts";
import { runToEnd, sentinelBinary } from "../support/binary.ts";
import { COMMON_NAMES } from "./common-environment.ts";

let sentinel = "";
beforeAll(() => {
  sentinel = sentinelBinary();
}, 120_000);

function folderWith(dotEnv: string): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), "sentinel-f1-"));
  writeFileSync(join(path, ".env"), dotEnv);
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

describe("F1: in .env", () => {
  test.each([
    ["CPU_TRESHOLD=0.9", "line 1: CPU_TRESHOLD is no setting. Did you mean CPU_THRESHOLD?"],
    ["# mine\nAUTONMY=observe", "line 2: AUTONMY is no setting. Did you mean AUTONOMY?"],
    [
      "POLL=1\r\nOBSERVER_PROT=1",
      "line 2: OBSERVER_PROT is no setting. Did you mean OBSERVER_PORT?",
    ],
    ["export autonomy=observe", "line 1: autonomy is no setting. Did you mean AUTONOMY?"],
    ["AUTONOMY observe", "line 1: AUTONOMY is not set by this. Write AUTONOMY=value."],
    ["set AUTONOMY=observe", "line 1: AUTONOMY is not set by this. Write AUTONOMY=value."],
  ])("%j", async (dotEnv, said) => {
    using folder = folderWith(dotEnv);
    for (const command of ["check", "observer", "rules", "incidents"]) {
      const { exitCode, stdout, stderr } = await runToEnd([sentinel, command], {
        cwd: folder.path,
      });
      expect({ exitCode, stdout, stderr }).toEqual({
        exitCode: 2,
        stdout: "",
        stderr: `sentinel: ${folder.path}/.env, ${said}\n`,
      });
    }
  });

  test("what is another program's, empty, or written in any way that is read, is no error", () => {
    const others = COMMON_NAMES.map((name) => `${name}=x`);
    const ours = [
      "AUTONOMY: observe",
      " export CPU_THRESHOLD = 0.9 ",
      "CPU_TRESHOLD=",
      "POLL_INTERVAL='1'",
    ];
    using folder = folderWith([...others, ...ours, "not a setting at all", "=", "é=1"].join("\n"));
    const { autonomy, thresholds, pollIntervalMs } = observerSettings({
      env: {},
      folder: folder.path,
      isTerminal: false,
    });
    expect([autonomy, thresholds.cpu, pollIntervalMs]).toEqual(["observe", 0.9, 1000]);
  });
});

describe("F1: in the environment", () => {
  test.each([
    [["check"], "AUTONMY", "AUTONOMY"],
    [["observer"], "SENTINEL_AUTONOMY", "AUTONOMY"],
    [["target"], "FAULT_TOKN", "FAULT_TOKEN"],
    [["demo"], "GEMINI_APIKEY", "GEMINI_API_KEY"],
  ])("sentinel %s with %s", async (args, name, meant) => {
    const { exitCode, stdout, stderr } = await runToEnd([sentinel, ...args], {
      env: { [name]: "a-secret-value" },
      cwd: "/",
    });
    expect({ exitCode, stdout, stderr }).toEqual({
      exitCode: 2,
      stdout: "",
      stderr: `sentinel: ${name} in the environment is no setting. Did you mean ${meant}? If another program needs it, start Sentinel by: env -u ${name} sentinel ...\n`,
    });
  });

  test("none of some hundred names that other programs have is taken for ours", () => {
    expect(COMMON_NAMES.length).toBeGreaterThan(500);
    const taken = COMMON_NAMES.flatMap((name) => {
      const meant = settingMeant(name);
      return meant === undefined ? [] : [`${name}: ${meant}`];
    });
    expect(taken).toEqual([]);
    const env = Object.fromEntries(COMMON_NAMES.map((name) => [name, "x"]));
    expect(() => targetSettings(env)).not.toThrow();
  });

  test("a container's own health check does not fail for it", async () => {
    const { stderr } = await runToEnd([sentinel, "healthcheck", "http://127.0.0.1:9/"], {
      env: { AUTONMY: "observe" },
    });
    expect(stderr).not.toContain("AUTONMY");
  });
});
