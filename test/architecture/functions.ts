/** How long the functions of a file are; read by a real parser. */

import { parse } from "@babel/parser";
import * as ast from "@babel/types";

interface MeasuredFunction {
  /** Its own name, or that of what it is the value of; empty for one that is only handed on. */
  readonly name: string;
  /** On which it begins; counted from 1. */
  readonly line: number;
  readonly lines: number;
}

/** Every function, method and accessor of the code, in its order; an inner one counts for the outer ones as well. */
export function functionsOf(code: string): MeasuredFunction[] {
  const { program } = parse(code, { sourceType: "module", plugins: ["typescript"] });
  const found: MeasuredFunction[] = [];
  ast.traverse(program, (node, above) => {
    if (!ast.isFunction(node) || !node.loc) return;
    const { start, end } = node.loc;
    const name = nameOf(node, above.at(-1)?.node);
    found.push({ name, line: start.line, lines: end.line - start.line + 1 });
  });
  return found;
}

function nameOf(node: ast.Function, parent: ast.Node | undefined): string {
  if ("id" in node && node.id) return node.id.name;
  if ("key" in node) return keyOf(node.key);
  if (ast.isVariableDeclarator(parent) && ast.isIdentifier(parent.id)) return parent.id.name;
  const isProperty =
    ast.isObjectProperty(parent) ||
    ast.isClassProperty(parent) ||
    ast.isClassPrivateProperty(parent);
  return isProperty ? keyOf(parent.key) : "";
}

function keyOf(key: ast.Node): string {
  if (ast.isIdentifier(key)) return key.name;
  return ast.isPrivateName(key) ? `#${key.id.name}` : "";
}
