/** Whatever Sentinel dies of, nothing that it supervised is left: from source, and compiled. */

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FromGuardian, ToGuardian } from "../../src/platforms/process/guardian.ts";
import { PROJECT, sentinelBinary, startProcess } from "../support/binary.ts";
import { fakeCli } from "../support/fake-cli.ts";
import { gone, psNumber, until } from "../support/supervise.ts";

setDefaultTimeout(120_000);

const DRIVER = join(PROJECT, "test/support/supervising.ts");

/** The command, its child and its grandchild, none of which ends when it is asked to. */
const FAMILY = `record $$
trap '' TERM HUP INT
(sleep 60 & record $!; : > "$(dirname "$0")/up"; wait; sleep 60) &
record $!
wait
sleep 60`;

let folder = "";
let compiled = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sentinel-orphans-"));
  compiled = join(folder, "supervising");
  // As `bun run build` does it.
  const flags = ["--compile", "--minify", "--bytecode", "--format=esm"];
  const built = Bun.spawnSync(
    [process.execPath, "build", ...flags, DRIVER, "--outfile", compiled],
    {
      cwd: PROJECT,
    },
  );
  if (!built.success) throw new Error(String(built.stderr));
});
afterAll(() => rm(folder, { recursive: true }));

const drivers = {
  "from source": () => [process.execPath, DRIVER],
  compiled: () => [compiled],
};

describe.each(Object.entries(drivers))("%s", (_, driver) => {
  test.each(["SIGKILL", "SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGABRT"] as const)(
    "%s leaves nothing",
    async (signal) => {
      await using cli = await fakeCli({ svc: FAMILY });
      await using sentinel = startProcess([...driver(), "svc", "svc"], { env: cli.env });
      const { pid } = await sentinel.event(({ event }) => event === "running");
      await until("the first of them", () => Bun.file(join(cli.folder, "up")).exists());
      await until("all of them", async () => (await cli.running()).length === 3);
      const guardian = await psNumber(Number(pid), "ppid");
      sentinel.kill(signal);
      await until("the end of all of them", async () => (await cli.running()).length === 0);
      await gone([guardian]);
      expect(await cli.running()).toEqual([]);
    },
  );

  test("SIGKILL at any moment of the start leaves nothing", async () => {
    const name = `early-${crypto.randomUUID()}`;
    const argv = [...driver(), name, "sh", "-c", `: ${name}; sleep 60 & sleep 60`];
    const start = () => Bun.spawn(argv, { stdin: "ignore", stdout: "ignore", stderr: "ignore" });
    /** Those that run the command itself: a shell, and its child. */
    const started = async () =>
      (await listProcesses()).split("\n").filter((line) => line.includes(`sh -c : ${name}`)).length;
    // How long the start takes here and now, so that moments before and after it are among those tried.
    const fromMs = performance.now();
    const whole = start();
    await until("the command", async () => (await started()) > 0);
    const takesMs = performance.now() - fromMs;
    whole.kill("SIGKILL");
    await whole.exited;
    for (let step = 0; step < 25; step += 1) {
      const sentinel = start();
      await Bun.sleep((takesMs * 1.5 * step) / 25);
      sentinel.kill("SIGKILL");
      await sentinel.exited;
    }
    await until("the end of all of them", async () => !(await listProcesses()).includes(name));
  });
});

describe("the executable itself", () => {
  /** Speaks to its guardian as the supervisor does. */
  function startGuardian(argv: readonly string[], onMessage: (message: FromGuardian) => void) {
    const guardian = Bun.spawn([sentinelBinary(), "guardian", "svc"], {
      cwd: "/",
      env: {},
      stdio: ["ignore", "ignore", "ignore"],
      detached: true,
      serialization: "json",
      ipc: onMessage,
    });
    const command = {
      name: "svc",
      argv,
      cwd: "/",
      env: { PATH: "/usr/bin:/bin" },
      graceMs: 600_000,
    };
    const start: ToGuardian = { type: "start", command };
    guardian.send(start);
    return guardian;
  }

  test("is a guardian: it starts a command, and ends it soon when the channel ends, whatever its grace", async () => {
    const started = Promise.withResolvers<number>();
    const guardian = startGuardian(
      ["sh", "-c", "trap '' TERM; sleep 60 & wait; sleep 60"],
      (message) => {
        if (message.type === "started") started.resolve(message.pid);
      },
    );
    const pid = await started.promise;
    guardian.disconnect();
    await guardian.exited;
    expect(guardian.signalCode).toBe("SIGKILL");
    await gone([pid]);
  });

  test("by hand it is no command", async () => {
    const shown = Bun.spawn([sentinelBinary(), "guardian", "svc"], { stderr: "pipe" });
    expect(await shown.exited).toBe(2);
    expect(await new Response(shown.stderr).text()).toStartWith("sentinel: ");
  });
});

async function listProcesses(): Promise<string> {
  const shown = Bun.spawn(["ps", "-eo", "stat=,args="]);
  const lines = (await new Response(shown.stdout).text()).split("\n");
  return lines.filter((line) => !line.startsWith("Z")).join("\n");
}
