/** The grammar's tree: its nodes, and what it says of a text that does not fit. */

import type { SyntaxNode, Tree } from "@lezer/common";
import { parseError, type PromqlError } from "./errors.ts";
import { parseNumber } from "./lexical.ts";

/** Reading and evaluating go down the tree by recursion; nobody writes an expression this deep. */
const MAX_DEPTH = 500;

/** @throws PromqlError `bad_data` where the text first departs from the grammar */
export function refuseErrors(tree: Tree, text: string): void {
  const cursor = tree.cursor();
  let depth = 0;
  for (;;) {
    if (cursor.type.isError) throw describeError(cursor.node, text);
    if (cursor.firstChild()) {
      depth += 1;
      if (depth > MAX_DEPTH) throw parseError(text, cursor.from, "expression is nested too deeply");
      continue;
    }
    while (!cursor.nextSibling()) {
      if (!cursor.parent()) return;
      depth -= 1;
    }
  }
}

/** In Prometheus' words, as far as the place tells what was wrong. */
function describeError(node: SyntaxNode, text: string): PromqlError {
  const rest = withoutBlank(text.slice(node.from));
  const position = text.length - rest.length;
  if (withoutBlank(text) === "") return parseError(text, 0, "no expression found in input");
  if (rest === "") return parseError(text, text.length, describeEnd(node));
  const word = /[a-zA-Z_:][a-zA-Z0-9_:]*$/.exec(text.slice(0, position).trimEnd())?.[0];
  if (rest.startsWith("(") && word !== undefined && node.parent?.name === "VectorSelector")
    return parseError(
      text,
      text.lastIndexOf(word, position),
      `unknown function with name "${word}"`,
    );
  const [token = "", identifier, number] =
    /^(?:([a-zA-Z_:][a-zA-Z0-9_:]*)|([0-9][0-9a-zA-Z_.]*)|=~|!~|[=!<>]=|.)/su.exec(rest) ?? [];
  const kind = identifier !== undefined ? "identifier " : number !== undefined ? "number " : "";
  return parseError(text, position, `unexpected ${kind}${JSON.stringify(token)}`);
}

/** Without the blanks and the comments at its start. */
function withoutBlank(text: string): string {
  return text.replace(/^(?:\s+|#[^\n]*)+/, "");
}

const IN_PARENTHESES = ["ParenExpr", "FunctionCallBody", "GroupingLabels"];

function describeEnd(node: SyntaxNode): string {
  for (let outer: SyntaxNode | null = node; outer !== null; outer = outer.parent) {
    if (outer.name === "LabelMatchers") return "unexpected end of input inside braces";
    if (IN_PARENTHESES.includes(outer.name)) return "unclosed left parenthesis";
  }
  return "unexpected end of input";
}

/** What the grammar made of a node's parts, comments apart. */
export function childrenOf(node: SyntaxNode): SyntaxNode[] {
  const children: SyntaxNode[] = [];
  for (let child = node.firstChild; child !== null; child = child.nextSibling)
    if (child.name !== "LineComment") children.push(child);
  return children;
}

/** The text that a tree was made of. */
export class Source {
  constructor(readonly text: string) {}

  fail(node: { readonly from: number }, message: string): PromqlError {
    return parseError(this.text, node.from, message);
  }

  textOf(node: SyntaxNode): string {
    return this.text.slice(node.from, node.to);
  }

  /** The child that the grammar promises there; a negative index counts from the last. */
  child(node: SyntaxNode, index: number): SyntaxNode {
    const child = childrenOf(node).at(index);
    if (child !== undefined) return child;
    throw this.fail(node, `unexpected ${JSON.stringify(this.textOf(node))}`);
  }

  /** The number at the node, whatever sign stands in front of it. */
  readNumber(node: SyntaxNode): number {
    const literal = this.textOf(node).replace(/^[+-]\s*/, "");
    const value = parseNumber(literal);
    if (value !== undefined) return value;
    throw this.fail(node, `error parsing number: ${literal}`);
  }
}
