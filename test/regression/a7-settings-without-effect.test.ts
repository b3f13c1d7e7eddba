/** A7: what somebody has set to no effect is an error where it decides what is watched, else said. */

import { beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { observerSettings } from "../../src/config/config.ts";
import { SentinelError } from "../../src/core/errors.ts";
import { runToEnd, sentinelBinary } from "../support/binary.ts";
import { freshJournal } from "../support/fresh-journal.ts";

let sentinel = "";
beforeAll(() => {
  sentinel = sentinelBinary();
}, 120_000);

const TEMPLATE = join(import.meta.dir, "../../.env.template");
const SERVICES = "services: [{ name: shop, health: http://localhost:1/health }]\n";
type Env = Readonly<Record<string, string>>;
interface Files {
  readonly yaml?: string;
  readonly dotEnv?: string;
}

function folderWith({ yaml, dotEnv }: Files): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), "sentinel-a7-"));
  if (yaml !== undefined) writeFileSync(join(path, "sentinel.yaml"), yaml);
  if (dotEnv !== undefined) writeFileSync(join(path, ".env"), dotEnv);
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

function read(files: Files, env: Env = {}) {
  using folder = folderWith(files);
  try {
    const settings = observerSettings({ env, folder: folder.path, isTerminal: false });
    return settings.unused.map(({ name, why }) => `${name} ${why}`.replace(`${folder.path}/`, ""));
  } catch (error) {
    if (!(error instanceof SentinelError)) throw error;
    return `${error.message}. ${error.hint}`.replace(`${folder.path}/`, "");
  }
}

describe("A7: a service named in two places is an error that names both", () => {
  test.each<[string, Files, Env, string]>([
    ["TARGET_CONTAINER", { yaml: SERVICES }, { TARGET_CONTAINER: "pay" }, "the environment"],
    ["TARGET_JOB", { yaml: SERVICES, dotEnv: "TARGET_JOB=pay" }, {}, ".env"],
    [
      "TARGET_URL",
      { yaml: "services: []" },
      { TARGET_URL: "http://localhost:3000" },
      "the environment",
    ],
  ])("%s", (key, files, env, where) => {
    expect(read(files, { PROMETHEUS_URL: "embedded", ...env })).toBe(
      `${key} in ${where} is for one service, and sentinel.yaml has services of its own. Remove ${key}, or write it into the file; or remove services from the file.`,
    );
  });

  test("on the command line it is one line, and exit 2", async () => {
    using folder = folderWith({ yaml: SERVICES });
    const env = { TARGET_CONTAINER: "pay" };
    const { exitCode, stderr } = await runToEnd([sentinel, "check"], { env, cwd: folder.path });
    expect(stderr).toMatch(
      /^sentinel: TARGET_CONTAINER in the environment is for one service.*\n$/,
    );
    expect(exitCode).toBe(2);
  });

  test("a copy of the template names nothing", async () => {
    expect(read({ yaml: SERVICES, dotEnv: await Bun.file(TEMPLATE).text() })).toEqual([]);
  });

  test("a file without services leaves the service to the environment", () => {
    expect(read({ yaml: "rule_files: []" }, { TARGET_CONTAINER: "pay" })).toEqual([]);
  });
});

describe("A7: any other setting without effect is said", () => {
  const SCRAPE = "scrape: [{ job: a, url: http://localhost:1/metrics }]";
  test.each<[Env, Files, string[]]>([
    [
      { SCRAPE_TARGETS: "a=http://a/m" },
      {},
      ["SCRAPE_TARGETS is only used with PROMETHEUS_URL=embedded"],
    ],
    [{ HEAL_LABEL: "a=b" }, {}, ["HEAL_LABEL is only used with PROMETHEUS_URL=embedded"]],
    [{}, { yaml: SCRAPE }, ["scrape in sentinel.yaml is only used with PROMETHEUS_URL=embedded"]],
    [
      { PROMETHEUS_URL: "embedded", SCRAPE_TARGETS: "a=http://a/m" },
      { yaml: SCRAPE },
      ["scrape in sentinel.yaml has no effect: SCRAPE_TARGETS takes its place"],
    ],
    [
      { PROMETHEUS_URL: "embedded", SUPERVISE: "a", HEAL_LABEL: "a=b" },
      {},
      ["HEAL_LABEL is not used with SUPERVISE"],
    ],
    [{ GEMINI_MODEL: "m" }, {}, ["GEMINI_MODEL needs GEMINI_API_KEY"]],
    [
      { LOCAL_MODELS: "none", LM_STUDIO_API_KEY: "k" },
      {},
      ["LM_STUDIO_API_KEY is not used with LOCAL_MODELS=none"],
    ],
    [
      {},
      { dotEnv: "FAULT_TOKEN=0123456789abcdef\nHOST=0.0.0.0\nPORT=8000" },
      [
        "HOST in .env is read by sentinel target, and from the environment alone, not from .env",
        "FAULT_TOKEN in .env is read by sentinel target, and from the environment alone, not from .env",
      ],
    ],
    [{ PROMETHEUS_URL: "embedded", SCRAPE_TARGETS: "a=http://a/m", HEAL_LABEL: "a=b" }, {}, []],
    [{ GEMINI_MODEL: "m", GEMINI_API_KEY: "AIzaSyA-0123456789abcdefghijklmnopqrstu" }, {}, []],
  ])("%o %o", (env, files, said) => {
    expect(read(files, env)).toEqual(said);
  });

  test("at the start and in check", async () => {
    using folder = folderWith({});
    const env = {
      HEAL_LABEL: "a=b",
      JOURNAL: freshJournal(),
      PROMETHEUS_URL: "http://127.0.0.1:9",
    };
    const { stdout } = await runToEnd([sentinel, "check"], { env, cwd: folder.path });
    expect(stdout).toMatch(
      /^unused +settings +HEAL_LABEL is only used with PROMETHEUS_URL=embedded$/m,
    );
  });
});
