/** Regular expressions and templates that are short to write and long to compile. */

import { expect, test } from "bun:test";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runToEnd, sentinelBinary } from "../support/binary.ts";
import { startObserving } from "../support/observing.ts";

const PATTERN = "\\\\p{L}{500}".repeat(1300);

test("B5: a dear expression is refused by name, and so is an answer that is too large", async () => {
  await using observer = startObserving();
  const [api = ""] = (await observer.notice("series")).split(", ");
  const ask = async (query: string) => {
    const form = new URLSearchParams({ query });
    const response = await fetch(`${api}/query`, { method: "POST", body: form });
    return { status: response.status, text: await response.text() };
  };
  expect(await ask(`up{a=~"${PATTERN}"}`)).toMatchObject({
    status: 400,
    text: expect.stringContaining("it would compile to more than 20000 instructions"),
  });
  const source = `label_replace(vector(1), "a", "${"x".repeat(10_000)}", "", "")`;
  const template = `label_replace(${source}, "b", "${"$1".repeat(2000)}", "a", "(.*)")`;
  // On a busy machine its time is over first.
  const { status, text } = await ask(template);
  expect([422, 503]).toContain(status);
  expect(text).toMatch(/bytes of labels|query timed out/);
  expect(await ask("1")).toMatchObject({ status: 200 });
}, 30_000);

test("B5: in a rule file it is an error at start, with the file and the alert", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sentinel-b5-"));
  const rule = { alert: "Dear", expr: `up{a=~"${PATTERN}"} > 0` };
  writeFileSync(
    join(folder, "rules.yml"),
    JSON.stringify({ groups: [{ name: "g", rules: [rule] }] }),
  );
  const { exitCode, stderr } = await runToEnd([sentinelBinary(), "--role=observer"], {
    cwd: folder,
    env: { PROMETHEUS_URL: "embedded", RULES_FILE: "rules.yml", OBSERVER_PORT: "0" },
  });
  expect(exitCode).toBe(2);
  expect(stderr).toContain("rules.yml");
  expect(stderr).toContain("Dear");
  expect(stderr).toContain("it would compile to more than 20000 instructions");
}, 30_000);
