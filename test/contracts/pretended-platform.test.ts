/**
 * A platform is rows, a driver and an entry in the list of platforms, and nothing else: a copy of the source with
 * the three, and no other change, type-checks, and uses the platform from the settings file to the report.
 */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { cpSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";

const ROOT = join(import.meta.dir, "../..");
const PARTS = join(ROOT, "test/support/pretended-platform");
const END_OF_ROWS = "] as const satisfies readonly Row[];";
const BEGINNING_OF_LIST = "PLATFORM_DRIVERS: Readonly<Record<PlatformName, PlatformDriver>> = {\n";
const DRIVER_IMPORT = 'import { vmPlatform } from "../platforms/vm/vm.ts";\n';
const SETTINGS_FILE =
  "services:\n  - name: box\n    platform: vm\n    health: container\nscrape:\n  - { job: box, url: http://127.0.0.1:1/metrics }\n";

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
  mixedUp: z.string(),
  series: z.array(z.array(z.union([z.string(), z.number()]))),
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
  const part = (name: string) => Bun.file(join(PARTS, name)).text();
  await insert("src/allowlist.ts", END_OF_ROWS, (await part("rows.txt")) + END_OF_ROWS);
  const entry = BEGINNING_OF_LIST + (await part("entry.txt"));
  await insert("src/observer/platforms.ts", BEGINNING_OF_LIST, entry);
  const list = join(folder, "src/observer/platforms.ts");
  await Bun.write(list, DRIVER_IMPORT + (await Bun.file(list).text()));
  await Bun.write(join(folder, "sentinel.yaml"), SETTINGS_FILE);
  for (const [name, path] of [
    ["driver.ts.txt", "src/platforms/vm/vm.ts"],
    ["scenario.ts.txt", "test/scenario.ts"],
  ] as const)
    await Bun.write(join(folder, path), await part(name));
  result = resultSchema.parse(JSON.parse(await bun("run", "test/scenario.ts", folder)));
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true }));

/** Puts a text in the one place where another stands. */
async function insert(file: string, place: string, text: string): Promise<void> {
  const path = join(folder, file);
  const pieces = (await Bun.file(path).text()).split(place);
  expect(pieces).toHaveLength(2);
  await Bun.write(path, pieces.join(text));
}

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

test("its series are its services', as those of any platform", () => {
  expect(result.series).toEqual([["box", "vm", 1]]);
});

test("a settings file names it, with its own actions alone", () => {
  expect(result.mixedUp).toEndWith(
    "service box: item 1 of actions must be an action of vm: vm-restart, vm-rollback",
  );
});

test("check asks it how the service is, and asks no Docker", () => {
  const lines = result.check.map((line) => line.replace(/ +/g, " "));
  expect(lines).toContainEqual(
    expect.stringMatching(/^ok health of box .*running, health healthy$/),
  );
  expect(lines.filter((line) => /docker/i.test(line))).toEqual([]);
});
