/** The observer has to find out what is wrong by itself: it never looks at what was injected. */

import { expect, test } from "bun:test";
import { join } from "node:path";
import { allowlistFor } from "../../src/allowlist.ts";
import { withoutGroundTruth } from "../../src/diagnosis/evidence.ts";
import { renderPrompt } from "../../src/diagnosis/prompt.ts";
import { evidence } from "../support/fixtures.ts";
import { NO_FAULTS } from "../support/target.ts";
import { createMetrics } from "../../src/target/metrics.ts";
import { runToEnd, sentinelBinary } from "../support/binary.ts";

const PROJECT_SOURCES = join(import.meta.dir, "..", "..", "src");

/** The names of the target's own metrics about faults, as it exports them. */
async function groundTruthMetrics(): Promise<string[]> {
  const text = await createMetrics("1.2.3", [], NO_FAULTS).render();
  const names = [...text.matchAll(/^# TYPE (sentinel_fault\w*)/gm)].map(([, name]) => name ?? "");
  expect(names).toContain("sentinel_fault_active");
  expect(names).toHaveLength(4);
  return names;
}

test("no rule in force mentions them", async () => {
  const { exitCode, stdout } = await runToEnd([sentinelBinary(), "rules"], { cwd: "/tmp" });
  expect(exitCode).toBe(0);
  expect(stdout).toContain("HighCpu");
  for (const name of await groundTruthMetrics()) expect(stdout).not.toContain(name);
});

test("no source of the observer mentions them, but the filter of logs", async () => {
  const names = await groundTruthMetrics();
  const mentions: string[] = [];
  for (const file of new Bun.Glob("**/*.ts").scanSync(PROJECT_SOURCES)) {
    if (file.startsWith("target") || file.endsWith(".test.ts")) continue;
    const code = await Bun.file(join(PROJECT_SOURCES, file)).text();
    if (
      names.some((name) => code.includes(name)) ||
      /fault_(started|ended)|_stress\)?_/.test(code)
    ) {
      mentions.push(file);
    }
  }
  expect(mentions).toEqual(["diagnosis/evidence.ts"]);
});

test("no prompt mentions them, whatever the target has logged", () => {
  const lines = [
    '{"event":"fault_started","id":"cpu-1f","kind":"cpu","plan":{"load":100}}',
    '{"event":"request_processed","method":"POST","path":"/faults","status":201}',
    '{"event":"order_placed","order_id":"1"}',
    '{"event":"cpu_stress_started","duration":30}',
    '{"event":"fault_ended","id":"cpu-1f","kind":"cpu","outcome":"expired"}',
  ];
  const logs = { kind: "found", value: withoutGroundTruth(lines) } as const;
  const allowlist = allowlistFor("sentinel-target-api");
  const prompt = JSON.stringify(
    renderPrompt({ evidence: evidence({ logs }), allowlist }, crypto.randomUUID()),
  );
  expect(prompt).toContain("order_placed");
  expect(prompt).not.toMatch(/sentinel_fault|fault_started|fault_ended|_stress_|\/faults/);
});
