/** Whether a rule file is one: `promtool check rules` says it, and we say the same. */

import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { observerSettings } from "../../src/config/config.ts";
import { SentinelError } from "../../src/core/errors.ts";
import { groupsOfFiles } from "../../src/observer/effective-rules.ts";
import { describeUnless } from "../support/docker.ts";
import { RULE_FILES } from "./files.ts";

const missing = Bun.which("promtool") === null ? "`promtool` is not on the PATH" : undefined;

describeUnless(missing, "rule files", () => {
  const folder = mkdtempSync(join(tmpdir(), "sentinel-rule-files-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const nameOf = (index: number) => `${String(index).padStart(4, "0")}.yml`;

  /** All files in one process: it says SUCCESS or FAILED of each in turn. */
  async function promtoolVerdicts(): Promise<readonly boolean[]> {
    const paths = RULE_FILES.map((_, index) => join(folder, nameOf(index)));
    const child = Bun.spawn(["promtool", "check", "rules", "--lint=none", ...paths], {
      stdout: "pipe",
      stderr: "pipe",
    });
    const [said] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    const parts = said.split(/^Checking /m).slice(1);
    return paths.map((path) => {
      const part = parts.find((one) => one.startsWith(`${path}\n`));
      if (part === undefined) throw new Error(`promtool says nothing of ${path}`);
      return part.includes("\n  SUCCESS:");
    });
  }

  /** What we say of it; `undefined` if it is a rule file. */
  function refusal(index: number): string | undefined {
    const env = { PROMETHEUS_URL: "embedded", RULES_FILE: nameOf(index) };
    try {
      groupsOfFiles(observerSettings({ env, folder, isTerminal: false }));
      return undefined;
    } catch (error) {
      if (!(error instanceof SentinelError)) throw error;
      return error.message.replaceAll(`${folder}/`, "");
    }
  }

  test("are accepted and refused as by promtool", async () => {
    expect(RULE_FILES.length).toBeGreaterThan(200);
    for (const [index, text] of RULE_FILES.entries())
      writeFileSync(join(folder, nameOf(index)), text);
    const verdicts = await promtoolVerdicts();
    const refusals = RULE_FILES.map((_, index) => refusal(index));
    const differences = RULE_FILES.flatMap((text, index) => {
      const refused = refusals[index];
      if ((refused === undefined) === verdicts[index]) return [];
      return [`promtool ${verdicts[index] ? "takes" : "refuses"}, we: ${refused}\n${text}`];
    });
    expect(differences).toEqual([]);
    // A test in which all are refused would pass as well.
    expect(verdicts.filter(Boolean).length).toBeGreaterThan(RULE_FILES.length / 4);
    expect(verdicts.filter((isGood) => !isGood).length).toBeGreaterThan(RULE_FILES.length / 4);
    for (const said of refusals) expect(said ?? "").not.toContain("\n");
  });
});
