/** F7: tokens cannot be guessed, nobody stands open by accident, and no secret reaches a child. */

import { beforeAll, describe, expect, test } from "bun:test";
import { targetSettings } from "../../src/config/environment.ts";
import { SETTINGS, SETTING_KEYS } from "../../src/config/keys.ts";
import { SECRET_SETTINGS } from "../../src/platforms/secret-settings.ts";
import { childEnvironment } from "../../src/platforms/run-command.ts";
import { runToEnd, sentinelBinary, startProcess } from "../support/binary.ts";
import { startObserving } from "../support/observing.ts";

const TOKEN = "open-sesame-open-sesame";
const GUESSES = 300;

let sentinel = "";
beforeAll(() => {
  sentinel = sentinelBinary();
}, 120_000);

/** How often each status answered that many guesses, and one right token after them. */
async function guess(url: string, init: RequestInit = {}) {
  const statuses: Record<number, number> = {};
  for (let at = 0; at < GUESSES; at += 1) {
    const headers = { authorization: `Bearer guess-number-${at}-of-many` };
    const { status } = await fetch(url, { ...init, headers });
    statuses[status] = (statuses[status] ?? 0) + 1;
  }
  const right = await fetch(url, { ...init, headers: { authorization: `Bearer ${TOKEN}` } });
  return { statuses, right: right.status, retryAfter: right.headers.get("retry-after") };
}

const refusalsOf = async (url: string) =>
  (await (await fetch(`${url}/metrics`)).text()).match(/^sentinel_token_refusals_total.*$/gm);

describe("F7: a token", () => {
  test("of the target is guessed ten times, then not even the right one is told from others", async () => {
    const env = { PORT: "0", FAULT_TOKEN: TOKEN };
    await using target = startProcess([sentinel, "target"], { env });
    const url = String((await target.event(({ event }) => event === "target_started"))["url"]);
    const fault = { method: "POST", body: '{"kind":"ready","duration":1}' };
    const { statuses, right, retryAfter } = await guess(`${url}/faults`, fault);
    // A slow machine earns some tries back meanwhile.
    expect(statuses[401]).toBeWithin(10, 20);
    expect((statuses[401] ?? 0) + (statuses[429] ?? 0)).toBe(GUESSES);
    expect([right, Number(retryAfter)]).toEqual([429, expect.any(Number)]);
    const told = target.events().filter(({ event }) => event === "token_refused");
    expect(told).toMatchObject([{ level: "warning", address: "127.0.0.1", reason: "wrong" }]);
    expect(target.stdout()).not.toContain("guess-number");
    expect(await refusalsOf(url)).toEqual([
      'sentinel_token_refusals_total{reason="missing"} 0',
      `sentinel_token_refusals_total{reason="wrong"} ${statuses[401]}`,
      `sentinel_token_refusals_total{reason="throttled"} ${(statuses[429] ?? 0) + 1}`,
    ]);
  });

  test("of the observer alike", async () => {
    const env = { OPERATOR_TOKEN: TOKEN, TARGET_URL: "http://127.0.0.1:9" };
    await using observer = startObserving({ env });
    const url = (await observer.notice("health")).split("/ready")[0] ?? "";
    const { statuses, right } = await guess(`${url}/approvals`);
    expect(statuses[401]).toBeWithin(10, 20);
    expect(right).toBe(429);
    expect(await observer.notice("operator")).toBe(
      "requests refused from 127.0.0.1 since the last notice: 1; the latest: a wrong token",
    );
    expect(observer.stdout()).not.toContain("guess-number");
    expect((await refusalsOf(url))?.[1]).toBe(
      `sentinel_token_refusals_total{reason="wrong"} ${statuses[401]}`,
    );
  });
});

describe("F7: a target in reach of others", () => {
  test.each(["0.0.0.0", "::", "192.0.2.1", "my-host"])("on %s starts with a word alone", (HOST) => {
    expect(() => targetSettings({ HOST })).toThrow(
      /in reach of others, and FAULT_TOKEN is not set/,
    );
    expect(targetSettings({ HOST, FAULT_TOKEN: TOKEN }).faultToken).toBe(TOKEN);
    expect(targetSettings({ HOST, FAULT_TOKEN: "none" }).faultToken).toBeUndefined();
    expect(targetSettings({ HOST, TARGET_FAULTS: "off" }).faultToken).toBeUndefined();
  });

  test.each(["127.0.0.1", "127.1.2.3", "localhost", "::1"])("on %s is open", (HOST) => {
    expect(targetSettings({ HOST }).faultToken).toBeUndefined();
  });

  test("is refused on the command line with what to set, though its health check is not", async () => {
    const env = { HOST: "0.0.0.0", PORT: "0" };
    const { exitCode, stdout, stderr } = await runToEnd([sentinel, "target"], { env });
    expect({ exitCode, stdout, stderr }).toEqual({
      exitCode: 2,
      stdout: "",
      stderr:
        "sentinel: HOST=0.0.0.0 is in reach of others, and FAULT_TOKEN is not set: anybody could break the service. Set FAULT_TOKEN to a secret of 16 characters or more, or to none if that is meant; or set TARGET_FAULTS=off.\n",
    });
    const probe = await runToEnd([sentinel, "healthcheck", "http://127.0.0.1:9/"], { env });
    expect(probe.stderr).not.toContain("FAULT_TOKEN");
  });
});

describe("F7: no secret of the settings reaches a child", () => {
  /** Not secret, though the name has a word that secrets have. */
  const HARMLESS = ["MODEL_TOKENS_PER_HOUR", "PROMETHEUS_KEY_FILE"];

  test("every setting that sounds like a secret is one of them", () => {
    const sounding = SETTING_KEYS.filter(
      (key) =>
        /TOKEN|KEY|SECRET|PASS|HEADERS|CREDENTIAL/.test(key) ||
        /secret|a key\b/.test(SETTINGS[key].form),
    ).filter((key) => !HARMLESS.includes(key));
    expect(sounding.length).toBeGreaterThan(5);
    expect(sounding.toSorted()).toEqual([...SECRET_SETTINGS].toSorted());
  });

  test("they are taken out, and so is an address with a password", () => {
    const secrets = Object.fromEntries(SECRET_SETTINGS.map((key) => [key, "s3cret"]));
    expect(childEnvironment({ ...secrets, PATH: "/bin" })).toEqual({ PATH: "/bin" });
    for (const key of SETTING_KEYS) {
      const address = [
        "http://me:s3cret@host/",
        "a=http://me:s3cret@host/",
        "https://me:s3cret@host",
      ];
      // A free text is not an address.
      const taken = address.filter((text) => SETTINGS[key].schema().safeParse(text).success);
      if (
        taken.length === 0 ||
        key === "SUPERVISE" ||
        /FILE$|_PATH$|_CONFIG$|^JOURNAL$|^TARGET_JOB$|MODEL/.test(key)
      )
        continue;
      for (const text of taken)
        expect({ key, env: childEnvironment({ [key]: text }) }).toEqual({ key, env: {} });
    }
  });

  test("addresses without a password, and what is another program's, are left", () => {
    const env = {
      PROMETHEUS_URL: "http://host:9090",
      TARGET_URL: "http://host/a@b",
      DOCKER_HOST: "ssh://me@host",
      DATABASE_URL: "postgres://me:own@db/x",
      PORT: "3000",
    };
    expect(childEnvironment(env)).toEqual(env);
  });

  test("a password in DOCKER_HOST is refused, as no command could do without it", async () => {
    const { stderr, exitCode } = await runToEnd([sentinel, "check"], {
      env: { DOCKER_HOST: "ssh://me:s3cret@host" },
      cwd: "/",
    });
    expect(stderr).toMatch(
      /^sentinel: DOCKER_HOST in the environment or \.env must be .*without a password/,
    );
    expect(stderr).not.toContain("s3cret");
    expect(exitCode).toBe(2);
  });
});
