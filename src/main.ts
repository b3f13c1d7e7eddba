/** Arguments to role. The only place with `process.exit` and signal handlers. */

import { isMainThread } from "node:worker_threads";
import type { Command } from "commander";
import type { DemoFault } from "./demo/faults.ts";

const ROLES = ["target", "observer", "demo"] as const;
type Role = (typeof ROLES)[number];

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
/** Of what is not a terminal: a pipe or a file has no width. */
const DEFAULT_COLUMNS = 100;

// A compiled executable has one entry: the CPU workers come through here as well. All else is
// imported when it is needed, so that each start pays only for what it uses.
if (!isMainThread) await import("./target/cpu-worker.ts");
// The supervisor starts this program once more, beside each command that it runs.
else if (process.argv[2] === "guardian" && process.send) await import("./executors/guardian.ts");
else process.exit(await main(process.argv.slice(2)));

interface Options {
  readonly role?: Role;
  readonly config?: string;
  readonly fault?: DemoFault;
  readonly keep?: boolean;
}

async function main(args: readonly string[]): Promise<number> {
  const { Command, CommanderError, Option } = await import("commander");
  const { VERSION } = await import("./config-environment.ts");
  const { print, printError } = await import("./log.ts");
  const { SentinelError } = await import("./core/errors.ts");
  const { DEMO_FAULTS } = await import("./demo/faults.ts");
  let exitCode = 0;

  const program = new Command("sentinel")
    .description("Finds failures of services in containers, heals them, and proves it.")
    .usage("--role=demo | --role=target | --role=observer | COMMAND")
    .version(VERSION, "-v, --version")
    .addOption(new Option("--role <role>", "what this process does").choices(ROLES))
    .option("--config <file>", "services and rule files (default: sentinel.yaml, if it is there)")
    .addOption(new Option("--fault <name>", "demo: only this fault").choices(DEMO_FAULTS))
    .option("--keep", "demo: go on watching afterwards, until Ctrl-C")
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({ writeOut: (text) => print(text.trimEnd()), writeErr: () => {} })
    .action(async (options: Options) => {
      const { role, fault, keep } = options;
      if (role === undefined)
        throw new SentinelError("usage", "a role or a command is missing", {
          hint: usageHint(program),
        });
      if (role !== "demo" && (fault !== undefined || keep))
        throw new SentinelError("usage", "--fault and --keep belong to --role=demo");
      if (role === "demo" && options.config !== undefined)
        throw new SentinelError("usage", "--config does not belong to --role=demo");
      if (!(await runRole(role, options))) exitCode = EXIT_FAILED;
    });

  const command = (name: string, description: string) =>
    program.command(name).description(description).allowExcessArguments(false);
  command("check", "reach every dependency once, and say what to do about each that fails").action(
    async () => {
      const { check } = await import("./check.ts");
      const settings = await readObserverSettings(program.opts<Options>().config);
      const { lines, canWork } = await check(settings);
      print(lines.join("\n"));
      exitCode = canWork ? 0 : EXIT_FAILED;
    },
  );
  command("rules", "print the rules in force as a Prometheus rule file").action(async () => {
    const { renderRules } = await import("./check.ts");
    print(await renderRules(await readObserverSettings(program.opts<Options>().config)));
  });
  command("healthcheck", "exit 0 if the service answers, 1 if not; for a container's HEALTHCHECK")
    .argument("[url]", "default: /health on this machine, on PORT")
    .action(async (url?: string) => {
      const { healthcheck } = await import("./healthcheck.ts");
      const { targetSettings } = await import("./config-environment.ts");
      const { port } = targetSettings(process.env);
      const answer = await healthcheck(url ?? `http://127.0.0.1:${port}/health`);
      if (answer.ok) print(answer.message);
      else printError(answer.message);
      exitCode = answer.ok ? 0 : EXIT_FAILED;
    });

  try {
    await program.parseAsync(args, { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return 0;
      const message = (await unknownCommand(program)) ?? error.message;
      printError(`sentinel: ${onOneLine(message)}. ${usageHint(program)}`);
      return EXIT_USAGE;
    }
    if (!(error instanceof SentinelError)) throw error;
    printError(["sentinel:", `${error.message}.`, error.hint].filter(Boolean).join(" "));
    return error.code === "configuration" || error.code === "usage" ? EXIT_USAGE : EXIT_FAILED;
  }
}

/** To the library it is an argument too many of the program itself. */
async function unknownCommand({ args, commands }: Command): Promise<string | undefined> {
  const [word = "-"] = args;
  const names = commands.map((command) => command.name());
  if (word.startsWith("-") || names.includes(word)) return undefined;
  const { nearest } = await import("./core/nearest.ts");
  const near = nearest(word, names);
  return `unknown command '${word}'${near ? ` (Did you mean ${near}?)` : ""}`;
}

function onOneLine(message: string): string {
  return message
    .replace(/^error: /, "")
    .replaceAll("\n", " ")
    .replace(/\.$/, "");
}

/** What would have been valid, on one line. */
function usageHint(program: Command): string {
  const options = program.options.map(({ long }) => long).concat("--help");
  const commands = program.commands.map((command) => command.name());
  return `Roles: ${ROLES.join(", ")}. Commands: ${commands.join(", ")}. Options: ${options.join(", ")}.`;
}

async function readObserverSettings(configFile: string | { readonly none: true } | undefined) {
  const { observerSettings } = await import("./config.ts");
  return observerSettings({
    env: process.env,
    folder: process.cwd(),
    isTerminal: process.stdout.isTTY === true,
    ...(configFile === undefined ? {} : { configFile }),
  });
}

/** @returns whether the work succeeded */
async function runRole(role: Role, { config, fault, keep = false }: Omit<Options, "role">) {
  const stop = new AbortController();
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  for (const name of ["SIGTERM", "SIGINT"] as const)
    process.on(name, () => {
      stop.abort();
      resolve();
    });
  if (role === "demo") {
    const { DEMO_FAULTS } = await import("./demo/faults.ts");
    const { runDemo } = await import("./demo.ts");
    const settings = await readObserverSettings({ none: true });
    const { isTTY, columns } = process.stdout;
    const terminal = { isTerminal: isTTY === true, columns: columns ?? DEFAULT_COLUMNS };
    const faults = fault === undefined ? DEMO_FAULTS : [fault];
    return runDemo({ settings, faults, keep, terminal }, stop.signal);
  }
  if (role === "observer") {
    const { runObserver } = await import("./observer.ts");
    await runObserver(await readObserverSettings(config), stop.signal);
    return true;
  }
  const { targetSettings } = await import("./config-environment.ts");
  const { createLog } = await import("./log.ts");
  const { startTarget } = await import("./target.ts");
  const log = createLog({ name: "sentinel.target", bufferMs: 50 });
  const target = await startTarget(targetSettings(process.env), log, process.exit);
  await ended;
  await target.stop();
  return true;
}
