/**
 * The changes that a mutation run makes to a file, one at a time: each takes away or turns round one
 * decision of the code. Types, imports and names are left alone.
 */

import { parse, type ParserOptions } from "@babel/parser";
import * as ast from "@babel/types";
import { looksLikePattern, patternChanges } from "./patterns.ts";

/** Another text for a part of a file. */
export interface Change {
  readonly from: number;
  readonly to: number;
  readonly by: string;
}

/** A place in the file, and what may stand there instead: the first that has the right type is taken. */
export type Alternatives = readonly Change[];

type Replace = (node: Span, ...by: readonly string[]) => void;

interface Span {
  readonly start?: number | null | undefined;
  readonly end?: number | null | undefined;
}

/** What a change is made of. */
interface Site {
  readonly code: string;
  readonly node: ast.Node;
  readonly parent: ast.Node | undefined;
  readonly replace: Replace;
}

const OPERATORS: Readonly<Record<string, readonly string[]>> = {
  "<": ["<=", ">="],
  "<=": ["<", ">"],
  ">": [">=", "<="],
  ">=": [">", "<"],
  "===": ["!=="],
  "!==": ["==="],
  "+": ["-"],
  "-": ["+"],
  "*": ["/"],
  "/": ["*"],
  "%": ["*"],
  "+=": ["-="],
  "-=": ["+="],
  "??=": ["="],
};

const METHODS: ReadonlyMap<string, string> = new Map([
  ["some", "every"],
  ["every", "some"],
  ["find", "findLast"],
  ["findLast", "find"],
  ["findIndex", "findLastIndex"],
  ["findLastIndex", "findIndex"],
  ["indexOf", "lastIndexOf"],
  ["lastIndexOf", "indexOf"],
  ["startsWith", "endsWith"],
  ["endsWith", "startsWith"],
  ["min", "max"],
  ["max", "min"],
  ["all", "race"],
  ["getOrInsert", "set"],
]);

/** In the order of the file, without a double. */
export function changesOf(code: string): Alternatives[] {
  const file = parse(code, GRAMMAR);
  const found = new Map<string, Alternatives>();
  const visit = (node: ast.Node, ancestors: ast.TraversalAncestors): void => {
    if (ancestors.some(({ node: above, key }) => isSuppressed(above, key))) return;
    const parent = ancestors.at(-1)?.node;
    const replace: Replace = ({ start, end }, ...by) => {
      if (typeof start !== "number" || typeof end !== "number") return;
      const same = code.slice(start, end);
      const changes = by.filter((text) => text !== same);
      const [first] = changes;
      if (first === undefined) return;
      const alternatives = changes.map((text) => ({ from: start, to: end, by: text }));
      found.set(`${start} ${end} ${first}`, alternatives);
    };
    changesAt({ code, node, parent, replace });
  };
  ast.traverse(file.program, visit);
  return [...found.values()].toSorted(([a], [b]) => (a?.from ?? 0) - (b?.from ?? 0));
}

const GRAMMAR = { sourceType: "module", plugins: ["typescript"] } satisfies ParserOptions;

/** Whether a changed file is still one of TypeScript, whatever its types. */
export function isReadable(code: string): boolean {
  try {
    parse(code, GRAMMAR);
    return true;
  } catch {
    return false;
  }
}

/** Words that a text of the code chooses from: `high`, `not_started`. */
const WORD = /^[\w.-]+$/;

function isSuppressed(above: ast.Node, key: string): boolean {
  if (ast.isTSAsExpression(above) || ast.isTSSatisfiesExpression(above))
    return key !== "expression";
  return (
    ast.isTypeScript(above) ||
    ast.isImportDeclaration(above) ||
    ast.isExportAllDeclaration(above) ||
    ast.isDirective(above)
  );
}

function changesAt(site: Site): void {
  changeConditions(site);
  changeOperators(site);
  changeConstants(site);
  changeLists(site);
  changeCalls(site);
  changeStatements(site);
}

function changeConditions({ code, node, replace }: Site): void {
  if (ast.isLogicalExpression(node)) {
    replace(node, textOf(code, node.left));
    replace(node, textOf(code, node.right));
  }
  if (ast.isIfStatement(node)) {
    replace(node.test, "true");
    replace(node.test, "false");
  }
  if (ast.isWhileStatement(node)) replace(node.test, "false");
  if (ast.isConditionalExpression(node)) {
    replace(node, textOf(code, node.consequent));
    replace(node, textOf(code, node.alternate));
  }
  if (ast.isUnaryExpression(node) && (node.operator === "!" || node.operator === "-"))
    replace(node, textOf(code, node.argument));
}

function changeOperators({ code, node, replace }: Site): void {
  if (!ast.isBinaryExpression(node) && !ast.isAssignmentExpression(node)) return;
  const between = { start: node.left.end, end: node.right.start };
  const text = code.slice(between.start ?? 0, between.end ?? 0);
  for (const other of OPERATORS[node.operator] ?? [])
    replace(between, text.replace(node.operator, other));
}

function changeConstants({ code, node, parent, replace }: Site): void {
  if (ast.isBooleanLiteral(node)) replace(node, String(!node.value));
  if (ast.isNumericLiteral(node)) {
    const { value } = node;
    const others = Math.abs(value) < 10 ? [value + 1, value - 1] : [value * 2, value / 2];
    for (const other of others) replace(node, String(other));
  }
  if (ast.isRegExpLiteral(node)) {
    for (const other of patternChanges(node.pattern)) replace(node, `/${other}/${node.flags}`);
    for (const flag of node.flags)
      replace(node, `/${node.pattern}/${node.flags.replace(flag, "")}`);
  }
  if (ast.isTemplateLiteral(node) && !ast.isTaggedTemplateExpression(parent)) {
    for (const part of node.expressions)
      replace({ start: (part.start ?? 0) - 2, end: (part.end ?? 0) + 1 }, "");
    for (const quasi of node.quasis) changePattern(quasi, quasi.value.raw, replace);
  }
  if (ast.isStringLiteral(node) && isChosen(node, parent)) {
    changePattern(
      { start: (node.start ?? 0) + 1, end: (node.end ?? 0) - 1 },
      code.slice((node.start ?? 0) + 1, (node.end ?? 0) - 1),
      replace,
    );
    if (!looksLikePattern(node.value)) replace(node, '""', ...otherWords(code, node.value));
  }
}

function changePattern(span: Span, raw: string, replace: Replace): void {
  if (looksLikePattern(raw)) for (const other of patternChanges(raw)) replace(span, other);
}

/** Not a name, and not what a comparison or a list is changed for already. */
function isChosen(node: ast.StringLiteral, parent: ast.Node | undefined): boolean {
  if (ast.isObjectProperty(parent)) return parent.value === node;
  return (
    !ast.isBinaryExpression(parent) &&
    !ast.isMemberExpression(parent) &&
    !ast.isSwitchCase(parent) &&
    (!ast.isArrayExpression(parent) || looksLikePattern(node.value))
  );
}

/** Where `""` has not the right type, one of the words that the file has may. */
function otherWords(code: string, value: string): string[] {
  if (!WORD.test(value)) return [];
  const words = [...code.matchAll(/"([\w.-]+)"/g)].map(([, word]) => word ?? "");
  const all = [...new Set(words)];
  const at = all.indexOf(value);
  return [...all.slice(at + 1), ...all.slice(0, at)].slice(0, 8).map((word) => `"${word}"`);
}

function changeLists({ code, node, replace }: Site): void {
  if (ast.isArrayExpression(node) || ast.isObjectExpression(node)) {
    const members = ast.isArrayExpression(node) ? node.elements : node.properties;
    for (const member of members)
      if (member) replace({ start: member.start, end: endWithComma(code, member) }, "");
  }
}

function endWithComma(code: string, { end }: Span): number {
  const [comma = ""] = /^\s*,/.exec(code.slice(end ?? 0)) ?? [];
  return (end ?? 0) + comma.length;
}

function changeCalls({ code, node, parent, replace }: Site): void {
  if (ast.isAwaitExpression(node)) replace(node, textOf(code, node.argument));
  if (ast.isArrowFunctionExpression(node) && ast.isCallExpression(node.body))
    replace(node.body, "undefined");
  if (!ast.isCallExpression(node) && !ast.isNewExpression(node)) return;
  const [first, second] = node.arguments;
  if (first && second) {
    const span = { start: first.start, end: second.end };
    const between = code.slice(first.end ?? 0, second.start ?? 0);
    if (!isSymmetric(node.callee))
      replace(span, `${textOf(code, second)}${between}${textOf(code, first)}`);
    const last = node.arguments.at(-1);
    const before = node.arguments.at(-2);
    replace({ start: before?.end, end: last?.end }, "");
  }
  const { callee } = node;
  if (!ast.isMemberExpression(callee) || !ast.isIdentifier(callee.property)) return;
  const other = METHODS.get(callee.property.name);
  if (other !== undefined) replace(callee.property, other);
  if (!ast.isExpressionStatement(parent)) replace(node, textOf(code, callee.object));
}

/** The order of its arguments makes no difference. */
function isSymmetric(callee: ast.Node): boolean {
  return ast.isMemberExpression(callee) && ast.isIdentifier(callee.object, { name: "Math" });
}

function changeStatements({ code, node, parent, replace }: Site): void {
  if (
    ast.isExpressionStatement(node) ||
    ast.isThrowStatement(node) ||
    (ast.isBreakStatement(node) && !ast.isSwitchCase(parent)) ||
    ast.isContinueStatement(node) ||
    ast.isForOfStatement(node) ||
    (ast.isReturnStatement(node) && !node.argument)
  )
    replace(node, ";");
  if (ast.isReturnStatement(node) && node.argument) replace(node, "return undefined;");
  if (ast.isSwitchCase(node)) replace(node, "");
  if (ast.isSwitchStatement(node))
    // The end of the last case is the end of the switch.
    for (const { consequent } of node.cases.slice(0, -1))
      for (const statement of consequent)
        if (ast.isBreakStatement(statement)) replace(statement, ";");
  if (ast.isTryStatement(node)) {
    const block = textOf(code, node.block);
    if (node.handler && node.finalizer)
      replace(node, `try ${block} finally ${textOf(code, node.finalizer)}`);
    if (node.handler && !node.finalizer) replace(node, block);
    if (node.finalizer) {
      const handler = node.handler ? ` ${textOf(code, node.handler)}` : "";
      replace(node, handler === "" ? block : `try ${block}${handler}`);
    }
  }
}

/** A part of the code, in brackets where it would be read differently in another's place. */
function textOf(code: string, node: ast.Node): string {
  const text = code.slice(node.start ?? 0, node.end ?? 0);
  const binds =
    ast.isLogicalExpression(node) ||
    ast.isBinaryExpression(node) ||
    ast.isConditionalExpression(node) ||
    ast.isArrowFunctionExpression(node) ||
    ast.isAssignmentExpression(node) ||
    ast.isAwaitExpression(node);
  return binds ? `(${text})` : text;
}

/** How a change is told and listed: `3 < 4 → 3 <= 4`; of a long text what differs, and some around it. */
export function told(code: string, { from, to, by }: Change): string {
  const old = code.slice(from, to);
  if (old.length <= LONGEST && by.length <= LONGEST) return `${inOneLine(old)} → ${inOneLine(by)}`;
  let before = 0;
  while (before < by.length && old[before] === by[before]) before += 1;
  let after = 0;
  const shorter = Math.min(old.length, by.length) - before;
  while (after < shorter && old.at(-1 - after) === by.at(-1 - after)) after += 1;
  const start = Math.max(before - AROUND, 0);
  const cut = (text: string) => inOneLine(text.slice(start, text.length - after + AROUND));
  return `${clipped(cut(old))} → ${clipped(cut(by))}`;
}

const LONGEST = 60;
const AROUND = 12;

function inOneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim();
}

function clipped(text: string): string {
  return text.length > LONGEST + 2 * AROUND ? `${text.slice(0, LONGEST + 2 * AROUND)}…` : text;
}

/** The line of the file on which a change begins, without its indentation; counted from 1. */
export function lineOf(code: string, { from }: Change): { number: number; text: string } {
  const before = code.slice(0, from);
  const start = before.lastIndexOf("\n") + 1;
  const end = code.indexOf("\n", from);
  return {
    number: before.split("\n").length,
    text: code.slice(start, end < 0 ? undefined : end).trim(),
  };
}

export function apply(code: string, { from, to, by }: Change): string {
  return code.slice(0, from) + by + code.slice(to);
}
