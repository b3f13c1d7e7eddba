/** What a file of `src` exports, and which exports of other files it uses; read by a real parser. */

import { posix } from "node:path";
import { parse } from "@babel/parser";
import * as ast from "@babel/types";

interface Source {
  /** Its path from the root of the repository. */
  readonly file: string;
  readonly code: string;
}

/** The name that stands for every export of a file. */
const EVERYTHING = "*";

/** The exports that no other of the files uses, each as `file: name`, in the order of the files. */
export function unusedExports(sources: readonly Source[]): string[] {
  const used = new Set(sources.flatMap(({ file, code }) => usesOf(file, code)));
  return sources.flatMap(({ file, code }) =>
    used.has(`${file}: ${EVERYTHING}`)
      ? []
      : exportsOf(code)
          .map((name) => `${file}: ${name}`)
          .filter((exported) => !used.has(exported)),
  );
}

/** The names that the code exports: values and types, declared there or elsewhere. */
export function exportsOf(code: string): string[] {
  return statementsOf(code).flatMap((statement) => {
    if (ast.isExportDefaultDeclaration(statement)) return ["default"];
    if (!ast.isExportNamedDeclaration(statement)) return [];
    const specified = statement.specifiers.map(({ exported }) => nameOf(exported));
    return [...declaredBy(statement.declaration), ...specified];
  });
}

/**
 * The exports of other files that the code uses, each as `file: name`: those that it imports, exports
 * again, or takes by a pattern from an `import()`. What cannot be told by names counts as everything.
 */
export function usesOf(file: string, code: string): string[] {
  const uses: string[] = [];
  const use = (source: ast.Expression, names: readonly string[]): void => {
    if (!ast.isStringLiteral(source) || !source.value.startsWith(".")) return;
    const from = posix.join(posix.dirname(file), source.value);
    if (from !== file) uses.push(...names.map((name) => `${from}: ${name}`));
  };
  for (const statement of statementsOf(code)) {
    if (ast.isImportDeclaration(statement))
      use(statement.source, statement.specifiers.map(importedBy));
    if (ast.isExportAllDeclaration(statement)) use(statement.source, [EVERYTHING]);
    if (ast.isExportNamedDeclaration(statement) && statement.source)
      use(statement.source, statement.specifiers.map(exportedAgainBy));
    // To look into every statement of all files would take seconds.
    if (!code.slice(statement.start ?? 0, statement.end ?? undefined).includes("import(")) continue;
    ast.traverse(statement, (node, above) => {
      if (ast.isTSImportType(node)) use(node.source, [EVERYTHING]);
      if (ast.isImportExpression(node)) use(node.source, takenBy(above.map(({ node }) => node)));
    });
  }
  return uses;
}

function statementsOf(code: string): readonly ast.Statement[] {
  return parse(code, { sourceType: "module", plugins: ["typescript"] }).program.body;
}

function declaredBy(declaration: ast.Declaration | null | undefined): string[] {
  if (!declaration) return [];
  return Object.keys(ast.getOuterBindingIdentifiers(declaration)).concat(
    ast.isTSInterfaceDeclaration(declaration) || ast.isTSTypeAliasDeclaration(declaration)
      ? declaration.id.name
      : [],
  );
}

function importedBy(specifier: ast.ImportDeclaration["specifiers"][number]): string {
  if (ast.isImportSpecifier(specifier)) return nameOf(specifier.imported);
  return ast.isImportDefaultSpecifier(specifier) ? "default" : EVERYTHING;
}

function exportedAgainBy(specifier: ast.ExportNamedDeclaration["specifiers"][number]): string {
  return ast.isExportSpecifier(specifier) ? nameOf(specifier.local) : EVERYTHING;
}

/** @param above what surrounds an `import()`, from the outermost */
function takenBy(above: readonly ast.Node[]): string[] {
  const [user, direct] = [above.at(-2), above.at(-1)];
  if (ast.isAwaitExpression(direct)) {
    if (ast.isExpressionStatement(user)) return [];
    if (ast.isVariableDeclarator(user)) return namesIn(user.id);
  }
  // import("./a.ts").then(({ a }) => a())
  if (ast.isMemberExpression(direct) && ast.isCallExpression(user)) {
    const [then] = user.arguments;
    if (ast.isArrowFunctionExpression(then)) return namesIn(then.params[0]);
  }
  return [EVERYTHING];
}

function namesIn(pattern: ast.Node | undefined): string[] {
  if (!ast.isObjectPattern(pattern)) return [EVERYTHING];
  return pattern.properties.map((property) =>
    ast.isObjectProperty(property) && ast.isIdentifier(property.key)
      ? property.key.name
      : EVERYTHING,
  );
}

function nameOf(exported: ast.Identifier | ast.StringLiteral): string {
  return ast.isIdentifier(exported) ? exported.name : exported.value;
}

interface Exception {
  /** Why a test needs them although nothing else does. */
  readonly reason: string;
  /** Each as `file: name` below `src`. */
  readonly exports: readonly string[];
}

/** What is exported for tests alone; whatever is used elsewhere as well leaves this list. */
export const EXPORTED_FOR_TESTS: readonly Exception[] = [
  {
    reason: "A pure step of its file, whose table of cases would be hidden behind its caller.",
    exports: [
      "core/token-gate.ts: networkOf",
      "decision/limits.ts: isReopened",
      "demo/narrator.ts: wrap",
      "diagnosis/lifecycle.ts: startingForMs",
      "diagnosis/playbook/facts.ts: growthOf",
      "incident/effect.ts: awaitEffect",
      "incident/verification.ts: lastCheckMs",
      "observer/effective-rules.ts: builtInRulesFor",
      "platforms/docker/connection.ts: usualSockets",
      "promql/functions/histogram.ts: bucketQuantile",
      "promql/pattern.ts: patternCost",
      "rules/evaluation.ts: evaluate",
      "target/faults/disk.ts: roomMb",
      "target/faults/latency.ts: delayAt",
      "target/faults/latency.ts: spreadEvenly",
      "target/limits.ts: cgroupCores",
      "target/limits.ts: cgroupLimitBytes",
    ],
  },
  {
    reason:
      "A driver as its port has it, which the contract suite or its own test takes by itself.",
    exports: ["diagnosis/playbook/consult.ts: playbook", "observer/system-clock.ts: createClock"],
  },
  {
    reason: "A bound that its test meets from both sides.",
    exports: [
      "decision/limits.ts: HOUR_MS",
      "decision/limits.ts: RECURRENCE_MS",
      "diagnosers/circuit.ts: OPEN_MS",
      "diagnosis/model-answer.ts: MAX_ANSWER_LENGTH",
      "incident/incident.ts: APPROVAL_MS",
      "incident/blind-spots.ts: BLIND_AFTER_MS",
      "incident/source-outage.ts: BACK_AFTER_POLLS",
      "platforms/process/log-tail.ts: MAX_LINES",
      "rules/evaluation.ts: MAX_LABEL_SETS",
      "rules/shared-rules.ts: RULES_AT_ONCE",
      "platforms/docker/container-list.ts: MAX_CONTAINERS",
    ],
  },
  {
    reason: "A closed list that a test goes through entry by entry.",
    exports: [
      "core/model.ts: ALERT_STATES",
      "diagnosers/model-list.ts: MODEL_APIS",
      "diagnosers/model-list.ts: ModelApi",
      "observer/kill-hook.ts: KILL_BOUNDARIES",
      "observer/kill-hook.ts: KillBoundary",
      "platforms/secret-settings.ts: ADDRESS_SETTINGS",
      "platforms/secret-settings.ts: SECRET_SETTINGS",
      "target/faults/crash.ts: SIMULATED_EXCEPTIONS",
      "target/probes.ts: PROBES",
      "target/shop.ts: ITEMS",
    ],
  },
  {
    reason: "The type of what a test puts in or gets back.",
    exports: [
      "config/environment.ts: TargetSettings",
      "decision/decision.ts: Proposal",
      "decision/decision.ts: Situation",
      "diagnosers/retry.ts: Standing",
      "http/server.ts: Dashboard",
      "http/server.ts: DashboardSources",
      "journals/sqlite.ts: JournalMode",
      "observer/watchdog/heartbeat.ts: Waits",
      "observer/watchdog/stall-detector.ts: StallDetector",
      "platforms/docker/connection.ts: DockerSettings",
      "platforms/process/supervisor.ts: SupervisorOptions",
      "promql/evaluate.ts: InstantOptions",
      "promql/evaluate.ts: Value",
      "rules/ownership.ts: Identity",
      "target/events.ts: EventLevel",
      "target/server.ts: TargetDependencies",
      "target/traffic.ts: Effect",
      "target/traffic.ts: TrafficRule",
    ],
  },
];
