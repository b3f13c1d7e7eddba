/** Rule files with what well-known public sets ask: they load, here and in Prometheus, and are evaluated. */

import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { observerSettings } from "../../src/config/config.ts";
import { historyRules } from "../../src/observer/effective-rules.ts";
import { embeddedSource } from "../../src/signals/embedded/embedded.ts";
import { describeUnless } from "../support/docker.ts";
import { NEVER, simulatedClock } from "../support/fixtures.ts";
import { PUBLIC_SETS } from "./public-sets.ts";

const INTERVAL_MS = 5000;

describe("public rule sets", () => {
  const folder = mkdtempSync(join(tmpdir(), "sentinel-public-sets-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const sets = Object.entries(PUBLIC_SETS);
  for (const [name, { text, alerts, recordings = {} }] of sets) {
    const records = Object.entries(recordings).map(([record, expr]) => ({ record, expr }));
    const rules = alerts.map((expr, index) => ({
      alert: `A${index}`,
      expr,
      for: "10m",
      labels: { severity: "critical" },
      annotations: { description: text },
    }));
    const file = { groups: [{ name, rules: [...records, ...rules] }] };
    writeFileSync(join(folder, `${name}.yml`), stringify(file, { lineWidth: 0 }));
  }

  test.each(sets.map(([name]) => [name]))(
    "%s loads, and none of its rules is refused",
    async (name) => {
      const env = { PROMETHEUS_URL: "embedded", RULES_FILE: `${name}.yml` };
      const settings = observerSettings({ env, folder, isTerminal: false });
      const rules = historyRules(settings);
      const source = embeddedSource({
        targets: [],
        intervalMs: INTERVAL_MS,
        clock: simulatedClock(),
        rules,
      });
      for (const { expr } of rules) expect(await source.query(expr, NEVER)).toBeArray();
    },
  );

  const missing = Bun.which("promtool") === null ? "`promtool` is not on the PATH" : undefined;
  describeUnless(missing, "promtool", () => {
    test("takes them as well", async () => {
      const paths = sets.map(([name]) => join(folder, `${name}.yml`));
      const child = Bun.spawn(["promtool", "check", "rules", "--lint=none", ...paths], {
        stdout: "ignore",
        stderr: "pipe",
      });
      expect(await new Response(child.stderr).text()).toBe("");
      expect(await child.exited).toBe(0);
    });
  });
});
