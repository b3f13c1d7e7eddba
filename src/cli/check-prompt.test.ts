import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fakeCli } from "../../test/support/fake-cli.ts";
import { startPrometheus, vectorOf } from "../../test/support/servers/prometheus.ts";
import { showPrompt } from "./check-prompt.ts";
import { observerSettings } from "../config/config.ts";
import type { Environment } from "../config/environment.ts";

const folder = mkdtempSync(join(tmpdir(), "sentinel-prompt-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Nobody listens there. */
const NOWHERE = "http://127.0.0.1:1";
const NO_DOCKER = { docker: "echo 'Cannot connect to the Docker daemon' >&2; exit 1" };

const STATE = JSON.stringify({
  Id: "0123456789ab",
  Name: "/sentinel-target-api",
  RestartCount: 2,
  Config: { Image: "shop:1" },
  State: {
    Status: "running",
    ExitCode: 0,
    OOMKilled: false,
    StartedAt: "2025-01-01T12:00:00.000000000Z",
  },
});
/** The line holds a password, an address and what clears a screen. */
const DOCKER = {
  docker: `case "$1" in
  logs) printf '2025-01-01T12:00:01.000000000Z password=abcdef of bob@example.org \\033[2J\\n';;
  *) printf '%s\\n' '${STATE}';;
esac`,
};

function settings(env: Environment = {}) {
  const nowhere = { PROMETHEUS_URL: NOWHERE, TARGET_URL: NOWHERE };
  return observerSettings({ env: { ...nowhere, ...env }, folder, isTerminal: false });
}

async function shown(env: Environment = {}, scripts: Readonly<Record<string, string>> = NO_DOCKER) {
  await using cli = await fakeCli(scripts);
  return await showPrompt(settings(env), { env: cli.env });
}

describe("the first line says who would get it", () => {
  const nobody =
    "Nothing is ever sent: neither Gemini nor a local model is configured. A model would get this when HighCpu fires on sentinel-target-api.";
  const fires = "when HighCpu fires on sentinel-target-api. Nothing was sent now.";
  const gateway = { GEMINI_API_KEY: "k", GEMINI_BASE_URL: "http://a:b@gate.example.com/x" };
  const cases: readonly (readonly [Environment, string])[] = [
    [{ LOCAL_MODELS: "none" }, nobody],
    [{}, `To localhost:1234 (this machine), ${fires}`],
    [{ GEMINI_API_KEY: "k", LOCAL_MODELS: "none" }, `To Google, ${fires}`],
    [{ ...gateway }, `To gate.example.com, then localhost:1234 (this machine), ${fires}`],
    [
      { LM_STUDIO_URL: "http://me:s3cret@models.example.com/v1" },
      `To models.example.com, ${fires}`,
    ],
  ];
  test.each(cases)("%j", async (env, expected) => {
    expect((await shown(env))[0]).toBe(expected);
  });
});

describe("the prompt", () => {
  test("is that of an incident: the container, its log, the alert; masked, and control characters visible", async () => {
    await using server = startPrometheus({ query: vectorOf("6e8") });
    const lines = await shown({ PROMETHEUS_URL: server.url }, DOCKER);
    const text = lines.join("\n");
    // Every rule fires, so that it is one of those that are critical and have no `for`.
    expect(lines[0]).toContain("when CrashLoop fires on");
    expect(text).not.toContain("does not fire");
    expect(text).toContain("status running, health check none, last exit code 0");
    expect(text).toContain("image shop:1");
    expect(text).toContain("password=[masked] of bob@example.org \\u{1b}[2J");
    for (const line of lines) expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    const [boundary] = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/.exec(text) ?? [];
    expect(text).toContain(`<evidence ${boundary}>`);
    expect(text).toContain('"additionalProperties": false');
  });

  test("keeps e-mail addresses back if that is asked for", async () => {
    await using server = startPrometheus({ query: vectorOf("1.5") });
    const env = { PROMETHEUS_URL: server.url, MASK_EMAILS: "on" };
    expect((await shown(env, DOCKER)).join("\n")).toContain("password=[masked] of [email]");
  });

  test("with nothing there is shown all the same, and says what is missing", async () => {
    const text = (await shown()).join("\n");
    expect(text).toContain("HighCpu does not fire: this is its evidence as if it did.");
    expect(text).toContain("history of the value: missing");
    expect(text).toContain("log: missing (Cannot connect to the Docker daemon");
  });

  test("of a command that Sentinel runs does not start it", async () => {
    const marker = join(folder, "started");
    const text = (await shown({ SUPERVISE: `touch ${marker}` })).join("\n");
    expect(text).toContain("missing (the observer starts it, and does not run)");
    expect(await Bun.file(marker).exists()).toBe(false);
  });
});
