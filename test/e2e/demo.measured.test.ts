/** The demo, from the compiled executable: in a pipe, and in a terminal that is 40 columns wide. */

import { beforeAll, describe, expect, test } from "bun:test";
import { chmod, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bareEnvironment, runToEnd, sentinelBinary, startProcess } from "../support/binary.ts";
import { isRunning } from "../support/fake-cli.ts";
import { descendants } from "../support/supervise.ts";

const BUILD_TIMEOUT_MS = 120_000;
const DEMO_TIMEOUT_MS = 150_000;
/** What is promised, from the beginning of the fault. */
const MEDIAN_DETECTION_S = 4;
const COLUMNS = 40;

let sentinel = "";
beforeAll(() => {
  sentinel = sentinelBinary();
}, BUILD_TIMEOUT_MS);

describe("the demo in a pipe, from a folder that nothing can be written to", () => {
  test(
    "heals all five faults and says so in a table",
    async () => {
      const folder = await mkdtemp(join(tmpdir(), "sentinel-demo-"));
      await chmod(folder, 0o555);
      try {
        const { exitCode, stdout, stderr } = await runToEnd([sentinel, "--role=demo"], {
          cwd: folder,
        });
        expect(stderr).toBe("");
        expect(stdout).not.toContain("\x1b");
        const rows = stdout.matchAll(
          /^(cpu|latency|errors|memory|killed) +([\d.]+) s +built-in playbook +supervisor-(?:re)?start +([\d.]+) s +healed$/gm,
        );
        expect([...rows].map(([, fault]) => fault)).toEqual([
          "cpu",
          "latency",
          "errors",
          "memory",
          "killed",
        ]);
        const [, median] = /5 of 5 healed; median time to detection ([\d.]+) s/.exec(stdout) ?? [];
        expect(Number(median)).toBeLessThanOrEqual(MEDIAN_DETECTION_S);
        expect(exitCode).toBe(0);
        expect(await readdir(folder)).toEqual([]);
      } finally {
        await rm(folder, { recursive: true });
      }
    },
    DEMO_TIMEOUT_MS,
  );
});

/** The executable in a terminal, and all that it wrote there. */
function startInTerminal(args: readonly string[]) {
  const decoder = new TextDecoder();
  let screen = "";
  const child = Bun.spawn([sentinel, ...args], {
    env: { ...bareEnvironment(), TERM: "xterm-256color" },
    cwd: tmpdir(),
    terminal: {
      cols: COLUMNS,
      rows: 24,
      data: (_, bytes) => {
        screen += decoder.decode(bytes, { stream: true });
      },
    },
  });
  return { child, screen: () => screen };
}

describe(`the demo in a terminal of ${COLUMNS} columns`, () => {
  test(
    "shows what it waits for on a line that moves, breaks the others, and lists the result",
    async () => {
      const { child, screen } = startInTerminal(["--role=demo", "--fault=errors"]);
      expect(await child.exited).toBe(0);
      expect(screen()).toMatch(/looking for it \d+\.\d s/);
      expect(screen()).toContain("\r\x1b[K");
      // What stays on the screen: each line without the parts that were drawn over.
      const lines = screen()
        .split("\r\n")
        .map((line) => line.slice(line.lastIndexOf("\x1b[K") + 1).replace(/^\[K/, ""));
      const tooWide = lines.filter((line) => line.length > COLUMNS && line.includes(" "));
      // A word that is wider than its column, such as an address or a metric's name, stands alone.
      expect(tooWide.filter((line) => !/^\s*(\w+ +)?\S+$/.test(line))).toEqual([]);
      expect(screen()).toContain("  verdict         healed");
      expect(screen()).toContain("1 of 1 healed");
    },
    DEMO_TIMEOUT_MS,
  );

  test(
    "goes on watching with --keep, until Ctrl-C, which leaves no process behind",
    async () => {
      const { child, screen } = startInTerminal(["--role=demo", "--fault=killed", "--keep"]);
      while (!screen().includes("goes on watching")) await Bun.sleep(50);
      const children = await descendants(child.pid);
      expect(children.length).toBeGreaterThanOrEqual(2);
      child.terminal?.write("\x03");
      expect(await child.exited).toBe(0);
      expect(await Promise.all(children.map(isRunning))).toEqual(children.map(() => false));
    },
    DEMO_TIMEOUT_MS,
  );
});

test.each<[string, string[]]>([
  ["an unknown fault", ["--role=demo", "--fault=fire"]],
  ["a settings file for the demo", ["--role=demo", "--config=x.yaml"]],
  ["a fault for another role", ["--role=target", "--fault=cpu"]],
  ["--keep for another role", ["--role=observer", "--keep"]],
])("%s is exit 2 and one line", async (_, args) => {
  const { exitCode, stdout, stderr } = await runToEnd([sentinel, ...args]);
  expect(stderr.trim().split("\n")).toHaveLength(1);
  expect(stderr).toMatch(/--fault|--config/);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
});

test(
  "interrupted in the middle of a fault, it ends at once with 1 and leaves no process behind",
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "sentinel-demo-"));
    // Settings of other services are none of the demo's business, however broken.
    await Bun.write(join(folder, "sentinel.yaml"), "services: [");
    await using demo = startProcess([sentinel, "--role=demo", "--fault=memory"], { cwd: folder });
    while (!demo.stdout().includes("1/1")) await Bun.sleep(20);
    const children = await descendants(demo.pid);
    expect(children.length).toBeGreaterThanOrEqual(2);
    demo.kill("SIGINT");
    expect(await demo.exited).toBe(1);
    expect(demo.stdout()).toContain("Interrupted");
    expect(demo.stdout()).not.toContain("of 1 healed");
    await rm(folder, { recursive: true });
    expect(await Promise.all(children.map(isRunning))).toEqual(children.map(() => false));
  },
  DEMO_TIMEOUT_MS,
);
