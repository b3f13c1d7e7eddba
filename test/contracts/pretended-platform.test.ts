/**
 * A platform is rows and a driver, and nothing else: a copy of the source with both, and no other change,
 * type-checks, and uses the platform from the rule to the report.
 */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { cpSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";

const ROOT = join(import.meta.dir, "../..");
const PARTS = join(ROOT, "test/support/pretended-platform");
const END_OF_ROWS = "] as const satisfies readonly Row[];";

const configSchema = z.object({ compilerOptions: z.record(z.string(), z.unknown()) });
const outcomeSchema = z.object({ kind: z.string(), output: z.string() });
const resultSchema = z.object({
  builtIn: z.array(z.string()),
  own: z.array(z.string()),
  playbook: z.string(),
  prompt: z.string(),
  schema: z.string(),
  decision: z.record(z.string(), z.string()),
  events: z.array(z.string()),
  closings: z.array(z.array(z.string())),
  report: z.string(),
  journal: z.string(),
  boots: z.number(),
  refused: outcomeSchema,
  check: z.array(z.string()),
  shown: z.array(z.string()),
});
let folder = "";
let result: z.output<typeof resultSchema>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sentinel-platform-"));
  const isUsed = (path: string) => !path.endsWith(".test.ts");
  for (const part of ["src", "test/support", "package.json"])
    cpSync(join(ROOT, part), join(folder, part), { recursive: true, filter: isUsed });
  const config = configSchema.parse(await Bun.file(join(ROOT, "tsconfig.json")).json());
  const include = ["src", "test/scenario.ts"];
  await Bun.write(join(folder, "tsconfig.json"), JSON.stringify({ ...config, include }));
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  const table = join(folder, "src/allowlist.ts");
  const pieces = (await Bun.file(table).text()).split(END_OF_ROWS);
  expect(pieces).toHaveLength(2);
  const rows = await Bun.file(join(PARTS, "rows.txt")).text();
  await Bun.write(table, pieces.join(rows + END_OF_ROWS));
  for (const [part, path] of [
    ["driver.ts.txt", "src/platforms/vm/vm.ts"],
    ["scenario.ts.txt", "test/scenario.ts"],
  ] as const)
    await Bun.write(join(folder, path), await Bun.file(join(PARTS, part)).text());
  result = resultSchema.parse(JSON.parse(await bun("run", "test/scenario.ts", folder)));
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true }));

async function bun(...args: readonly string[]): Promise<string> {
  const child = Bun.spawn([process.execPath, ...args], {
    cwd: folder,
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, error, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (code !== 0) throw new Error(`bun ${args.join(" ")} ended with ${code}: ${out}${error}`);
  return out;
}

test("its driver has at most 40 lines, and the copy with it type-checks", async () => {
  const driver = await Bun.file(join(PARTS, "driver.ts.txt")).text();
  expect(driver.trimEnd().split("\n").length).toBeLessThanOrEqual(40);
  await bun("check", "--no-script");
}, 60_000);

test("a built-in rule and one's own resolve their effects to its ids", () => {
  expect(result.builtIn).toEqual(["vm-restart"]);
  expect(result.own).toEqual(["vm-rollback", "vm-restart"]);
});

test("the playbook proposes it, and a model is offered it", () => {
  expect(result.playbook).toBe("vm-restart");
  const restart = "- vm-restart: runs `vm restart box`; restarts this one machine";
  for (const text of [result.prompt, result.shown.join("\n")]) {
    expect(text).toContain(restart);
    expect(text).toContain("- vm-rollback: gives this one machine its last image back");
    expect(text).not.toContain("docker-");
  }
  expect(result.schema).toContain('"vm-restart","vm-rollback","none"');
});

test("the decision lets it act where both keys agree", () => {
  expect(result.decision).toEqual({
    kind: "act",
    action: "vm-rollback",
    reason: "two_keys_agree",
  });
});

test("an incident is healed by it, and the journal and the report name it", () => {
  expect(result.boots).toBe(1);
  expect(result.closings).toEqual([["acted", "healed"]]);
  expect(result.events).toContain("action_finished");
  expect(result.report).toContain("vm-restart");
  expect(result.journal).toContain('"action":"vm-restart","argv":["vm","restart","box"]');
});

test("it runs no other platform's actions", () => {
  expect(result.refused).toEqual({
    kind: "not_started",
    output: "the platform vm does not run actions of docker",
  });
});

test("check asks it how the service is, and asks no Docker", () => {
  const lines = result.check.map((line) => line.replace(/ +/g, " "));
  expect(lines).toContainEqual(
    expect.stringMatching(/^ok health of box .*running, health healthy$/),
  );
  expect(lines.filter((line) => /docker/i.test(line))).toEqual([]);
});
