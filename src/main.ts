/** Arguments to role. The only place with `process.exit` and signal handlers. */

import { isMainThread } from "node:worker_threads";

const ROLES = ["target"] as const;

// A compiled executable has one entry: the CPU workers come through here as well. All else is
// imported when it is needed, so that each start pays only for what it uses.
if (isMainThread) process.exit(await main(process.argv.slice(2)));
else await import("./target/cpu-worker.ts");

async function main(args: readonly string[]): Promise<number> {
  const { Command, CommanderError, Option } = await import("commander");
  const { VERSION } = await import("./config.ts");
  const { print, printError } = await import("./log.ts");
  const { SentinelError } = await import("./core/errors.ts");
  let exitCode = 0;
  const role = new Option("--role <role>", "what this process does").choices(ROLES);
  const program = new Command("sentinel")
    .description("Finds failures of containerised services, heals them, and proves it.")
    .version(VERSION)
    .addOption(role)
    .exitOverride()
    .configureOutput({ writeOut: (text) => print(text.trimEnd()), writeErr: () => {} });
  program.action(async (options: { role?: string }) => {
    if (options.role === undefined) {
      printError(`sentinel: choose a role: --role=${ROLES.join(" or --role=")} (see --help)`);
      exitCode = 2;
      return;
    }
    await runTarget();
  });
  program
    .command("healthcheck [url]")
    .description("exit 0 if the service answers, 1 if not; for a container's HEALTHCHECK")
    .action(async (url?: string) => {
      const { healthcheck } = await import("./healthcheck.ts");
      const answer = await healthcheck(
        url ?? `http://127.0.0.1:${process.env["PORT"] ?? "8000"}/health`,
      );
      if (answer.ok) print(answer.message);
      else printError(answer.message);
      exitCode = answer.ok ? 0 : 1;
    });
  try {
    await program.parseAsync(args, { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return 0;
      printError(`sentinel: ${error.message.replace(/^error: /, "")}`);
      return 2;
    }
    if (!(error instanceof SentinelError)) throw error;
    printError(`sentinel: ${error.message}. ${error.hint ?? ""}`.trimEnd());
    return error.code === "configuration" || error.code === "usage" ? 2 : 1;
  }
}

/** Resolves with the signal that asks this process to end. */
function endRequested(): Promise<NodeJS.Signals> {
  const { promise, resolve } = Promise.withResolvers<NodeJS.Signals>();
  process.once("SIGTERM", resolve);
  process.once("SIGINT", resolve);
  return promise;
}

async function runTarget(): Promise<void> {
  const { targetSettings } = await import("./config.ts");
  const { createLog } = await import("./log.ts");
  const { startTarget } = await import("./target.ts");
  const log = createLog({ name: "sentinel.target", bufferMs: 50 });
  const target = await startTarget(targetSettings(process.env), log);
  await endRequested();
  await target.stop();
}
