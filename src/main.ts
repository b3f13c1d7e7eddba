/** Arguments to role. The only place with `process.exit` and signal handlers. */

import { isMainThread } from "node:worker_threads";
import type { Command } from "commander";
import type { DemoFault } from "./demo/faults.ts";
import type { IncidentsOptions } from "./cli/incidents.ts";
import type { LoadOptions } from "./load/plan.ts";
import type { Order } from "./cli/operate.ts";

const ROLES = ["target", "observer", "demo"] as const;
type Role = (typeof ROLES)[number];
const ROLE_DESCRIPTIONS = {
  target: "a service that misbehaves on command",
  observer: "watch services, heal them, and prove that they are healed",
  demo: "break a service of its own and heal it, with nothing else installed",
} as const satisfies Record<Role, string>;

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
/** The width of what is not a terminal: a pipe or a file has none of its own. */
const DEFAULT_COLUMNS = 100;

// A compiled executable has one entry: its workers come through here as well. All else is imported
// when it is needed, so that each start pays only for what it uses.
if (!isMainThread && process.argv[2] === "watchdog") await import("./observer/watchdog/worker.ts");
else if (!isMainThread && process.argv[2] === "query-thread")
  await import("./http/query-thread/worker.ts");
else if (!isMainThread) await import("./target/cpu-worker.ts");
// The supervisor starts this program once more, beside each command that it runs.
else if (process.argv[2] === "guardian" && process.send)
  await import("./platforms/process/guardian.ts");
// Not awaited: as long as its entry is, Bun reports an uncaught error and lets the process live on.
else void main(process.argv.slice(2)).then((exitCode) => process.exit(exitCode));

interface Options {
  readonly role?: Role;
  readonly config?: string;
  readonly fault?: DemoFault;
  readonly keep?: boolean;
}

/** The program with its commands, and what it will end with. */
interface Cli {
  readonly program: Command;
  exitCode: number;
}

async function main(args: readonly string[]): Promise<number> {
  const { CommanderError } = await import("commander");
  const { printError } = await import("./log.ts");
  const { SentinelError } = await import("./core/errors.ts");
  const cli = await createCli();
  const { program } = cli;
  try {
    await program.parseAsync(args, { from: "user" });
    return cli.exitCode;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return 0;
      const message = await nearWord(program, error.code, error.message);
      printError(`sentinel: ${onOneLine(message)}. ${usageHint(program, args)}`);
      return EXIT_USAGE;
    }
    if (!(error instanceof SentinelError)) throw error;
    printError(["sentinel:", `${error.message}.`, error.hint].filter(Boolean).join(" "));
    return error.code === "configuration" || error.code === "usage" ? EXIT_USAGE : EXIT_FAILED;
  }
}

/** In the order in which the help lists them. */
async function createCli(): Promise<Cli> {
  const cli: Cli = { program: await createProgram(), exitCode: 0 };
  await addRoles(cli);
  await addInit(cli);
  await addChecks(cli);
  await addOrders(cli);
  await addLoad(cli);
  await addIncidents(cli);
  return cli;
}

async function createProgram(): Promise<Command> {
  const { Command, Option } = await import("commander");
  const { VERSION } = await import("./config/environment.ts");
  const { print } = await import("./log.ts");
  const { DEMO_FAULTS } = await import("./demo/faults.ts");
  return new Command("sentinel")
    .description("Finds failures of services in containers, heals them, and proves it.")
    .usage("demo | target | observer | COMMAND")
    .version(VERSION, "-v, --version")
    .addOption(new Option("--role <role>", "the same as the command of that name").choices(ROLES))
    .option("--config <file>", "services and rule files (default: sentinel.yaml, if it is there)")
    .addOption(new Option("--fault <name>", "demo: only this fault").choices(DEMO_FAULTS))
    .option("--keep", "demo: go on watching afterwards, until Ctrl-C")
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({ writeOut: (text) => print(text.trimEnd()), writeErr: () => {} });
}

/** A role by its own command, or by `--role`. */
async function addRoles(cli: Cli): Promise<void> {
  const { SentinelError } = await import("./core/errors.ts");
  const { program } = cli;
  const playRole = async (role: Role, options: Options) => {
    const { fault, keep } = options;
    if (role !== "demo" && (fault !== undefined || keep))
      throw new SentinelError("usage", "--fault and --keep belong to --role=demo");
    if (role === "demo" && options.config !== undefined)
      throw new SentinelError("usage", "--config does not belong to --role=demo");
    if (!(await runRole(role, options))) cli.exitCode = EXIT_FAILED;
  };
  program.action(async (options: Options) => {
    if (options.role === undefined)
      throw new SentinelError("usage", "a role or a command is missing", {
        hint: `Write sentinel ${ROLES.join(", sentinel ")}, or a command. ${usageHint(program)}`,
      });
    await playRole(options.role, options);
  });
  for (const role of ROLES)
    command(cli, role, ROLE_DESCRIPTIONS[role]).action(async () => {
      const options = program.opts<Options>();
      if (options.role !== undefined && options.role !== role)
        throw new SentinelError("usage", `${role} and --role=${options.role} are two roles`, {
          hint: `Write sentinel ${role} or sentinel ${options.role}.`,
        });
      await playRole(role, options);
    });
}

async function addInit(cli: Cli): Promise<void> {
  const { SentinelError } = await import("./core/errors.ts");
  const { print } = await import("./log.ts");
  command(cli, "init", "write sentinel.yaml from what runs, for you to read and trim")
    .option("--compose <file>", "only the containers of this Compose file's project")
    .action(async ({ compose }: { readonly compose?: string }) => {
      if (cli.program.opts<Options>().config !== undefined)
        throw new SentinelError(
          "usage",
          "--config does not belong to init, which writes sentinel.yaml",
        );
      const { init } = await import("./cli/init.ts");
      const settings = await readObserverSettings({ none: true });
      const lines = await init({
        ...{ settings, folder: process.cwd() },
        ...(compose === undefined ? {} : { compose }),
      });
      print(lines.join("\n"));
    });
}

async function addChecks(cli: Cli): Promise<void> {
  const { print, printError } = await import("./log.ts");
  command(cli, "check", "reach every dependency once, and say what to do about each that fails")
    .option("--prompt", "instead, print what a model would be sent, and send nothing")
    .action(async ({ prompt = false }: { readonly prompt?: boolean }) => {
      const settings = await readObserverSettings(cli.program.opts<Options>().config);
      if (prompt) {
        const { showPrompt } = await import("./cli/check-prompt.ts");
        print((await showPrompt(settings)).join("\n"));
        return;
      }
      const { check } = await import("./cli/check.ts");
      const { lines, canWork } = await check(settings);
      print(lines.join("\n"));
      cli.exitCode = canWork ? 0 : EXIT_FAILED;
    });
  command(cli, "rules", "print the rules in force as a Prometheus rule file").action(async () => {
    const { renderRules } = await import("./cli/rules.ts");
    print(await renderRules(await readObserverSettings(cli.program.opts<Options>().config)));
  });
  command(
    cli,
    "healthcheck",
    "exit 0 if the service answers, 1 if not; for a container's HEALTHCHECK",
  )
    .argument("[url]", "default: /health on this machine, on PORT")
    .action(async (url?: string) => {
      const { healthcheck, requireHttpUrl } = await import("./observer/healthcheck.ts");
      const { targetPort } = await import("./config/environment.ts");
      if (url !== undefined) requireHttpUrl(url);
      const answer = await healthcheck(url ?? `http://127.0.0.1:${targetPort(process.env)}/health`);
      if (answer.ok) print(answer.message);
      else printError(answer.message);
      cli.exitCode = answer.ok ? 0 : EXIT_FAILED;
    });
}

/** What a person tells a running observer. */
async function addOrders(cli: Cli): Promise<void> {
  const { print } = await import("./log.ts");
  const tellObserver = async (order: Order) => {
    const { operate } = await import("./cli/operate.ts");
    const settings = await readObserverSettings(cli.program.opts<Options>().config);
    print(await operate(order, settings));
  };
  command(cli, "approve", "let a running observer do what waits for a person")
    .argument("<request>", "its id, or the beginning of it")
    .action((request: string) => tellObserver({ kind: "approve", request }));
  command(cli, "deny", "tell it not to")
    .argument("<request>", "its id, or the beginning of it")
    .action((request: string) => tellObserver({ kind: "deny", request }));
  command(cli, "pause", "leave a service alone, or all of them, such as for maintenance")
    .argument("[service]", "default: all")
    .option("--for <time>", "such as 2h; without it, until resume")
    .action((service: string | undefined, { for: length }: { readonly for?: string }) =>
      tellObserver({
        kind: "pause",
        ...(service === undefined ? {} : { service }),
        ...(length === undefined ? {} : { length }),
      }),
    );
  command(cli, "resume", "end a pause, or let it act again after an action made things worse")
    .argument("[service]", "default: all")
    .action((service: string | undefined) =>
      tellObserver({ kind: "resume", ...(service === undefined ? {} : { service }) }),
    );
}

async function addLoad(cli: Cli): Promise<void> {
  const { DURATION_S, parsePlan, RATE, TARGET_URL } = await import("./load/plan.ts");
  command(cli, "load", "send steady traffic to a target, and print what it took to answer")
    .option("--rate <number>", `requests a second, ${RATE.min} to ${RATE.max}`, `${RATE.usual}`)
    .option("--duration <seconds>", `${DURATION_S.min} to ${DURATION_S.max}`, `${DURATION_S.usual}`)
    .option("--url <url>", "of the target", TARGET_URL)
    .action(async (options: LoadOptions) => {
      const { runLoad } = await import("./cli/load.ts");
      const plan = parsePlan(options);
      if (!(await runLoad(plan, signalOfEnd()))) cli.exitCode = EXIT_FAILED;
    });
}

async function addIncidents(cli: Cli): Promise<void> {
  const { print } = await import("./log.ts");
  command(cli, "incidents", "list what happened, or show one incident as Markdown")
    .argument("[id]", "of one incident, or how it begins")
    .option("--json", "all that is known, as one JSON array")
    .option("--shadow", "what AUTONOMY=observe would have done")
    .action(async (id: string | undefined, options: IncidentsOptions) => {
      const { showIncidents } = await import("./cli/incidents.ts");
      const { journalPath } = await readObserverSettings(cli.program.opts<Options>().config);
      print(await showIncidents(journalPath, id, options));
    });
}

function command({ program }: Cli, name: string, description: string): Command {
  return program.command(name).description(description).allowExcessArguments(false);
}

/** What the library says of no near word: a command, and an option with its value behind `=`. */
async function nearWord(program: Command, code: string, message: string): Promise<string> {
  const { nearest } = await import("./text/did-you-mean.ts");
  const saying = (what: string, near: string | undefined) =>
    `${what}${near === undefined ? "" : ` (Did you mean ${near}?)`}`;
  const [word = "-"] = program.args;
  const names = program.commands.map((command) => command.name());
  // To the library it is an argument too many of the program itself.
  if (!word.startsWith("-") && !names.includes(word))
    return saying(`unknown command '${word}'`, nearest(word, names));
  const option = /^error: unknown option '(--[^'=]+)=/.exec(message)?.[1];
  if (code !== "commander.unknownOption" || option === undefined) return message;
  const options = program.options.flatMap(({ long }) => long ?? []);
  return saying(`unknown option '${option}'`, nearest(option, options));
}

function onOneLine(message: string): string {
  return message
    .replace(/^error: /, "")
    .replaceAll("\n", " ")
    .replace(/\.$/, "");
}

/** Where to read what would have been valid; of a command with options of its own, what they are. */
function usageHint({ commands }: Command, args: readonly string[] = []): string {
  const command = commands.find((candidate) => candidate.name() === args[0]);
  if (command === undefined) return "sentinel --help lists all there is.";
  const { options } = command;
  if (ROLES.some((role) => role === command.name())) return "sentinel --help lists its options.";
  if (options.length === 0) return `sentinel ${command.name()} --help says how it is written.`;
  const names = [...options.map(({ long }) => long), "--help"];
  return `Options of ${command.name()}: ${names.join(", ")}.`;
}

async function readObserverSettings(configFile: string | { readonly none: true } | undefined) {
  const { observerSettings } = await import("./config/config.ts");
  return observerSettings({
    env: process.env,
    folder: process.cwd(),
    isTerminal: process.stdout.isTTY === true,
    ...(configFile === undefined ? {} : { configFile }),
  });
}

/** @returns whether the work succeeded */
async function runRole(role: Role, { config, fault, keep = false }: Omit<Options, "role">) {
  const stop = signalOfEnd();
  if (role === "demo") {
    const { DEMO_FAULTS } = await import("./demo/faults.ts");
    const { runDemo } = await import("./demo.ts");
    const settings = await readObserverSettings({ none: true });
    const { isTTY, columns } = process.stdout;
    const terminal = { isTerminal: isTTY === true, columns: columns ?? DEFAULT_COLUMNS };
    const faults = fault === undefined ? DEMO_FAULTS : [fault];
    return runDemo({ settings, faults, keep, terminal }, stop);
  }
  if (role === "observer") {
    const { runObserver } = await import("./observer.ts");
    const { printError } = await import("./log.ts");
    const onStall = (why: string) => {
      printError(`sentinel: ${why}.`);
      process.exit(EXIT_FAILED);
    };
    await runObserver(await readObserverSettings(config), onStall, stop);
    return true;
  }
  const { whenAborted } = await import("./core/abort.ts");
  const { targetSettings } = await import("./config/environment.ts");
  const { createLog } = await import("./log.ts");
  const { startTarget } = await import("./target.ts");
  const log = createLog({ name: "sentinel.target", bufferMs: 50 });
  const target = await startTarget(targetSettings(process.env), log, process.exit);
  await whenAborted(stop);
  await target.stop();
  return true;
}

/** Aborts when somebody wants this process to end. */
function signalOfEnd(): AbortSignal {
  const stop = new AbortController();
  for (const name of ["SIGTERM", "SIGINT"] as const) process.on(name, () => stop.abort());
  return stop.signal;
}
