/** Runs a template, within bounds of steps and of what it writes. */

import { ARITY, FUNCTIONS, type Outside } from "./functions.ts";
import { TemplateError } from "./lexer.ts";
import type { Branch, Command, Node, Operand, Pipeline, Template } from "./tree.ts";
import { ArgMap, fieldOf, Int, isTruthy, printed, TextMap, type Value } from "./values.ts";

const MAX_STEPS = 100_000;
const MAX_OUTPUT = 64 * 1024;
const MAX_CALLS = 100;

/** How a list of nodes ended before its end. */
type Jump = "break" | "continue" | undefined;

interface Variable {
  readonly name: string;
  value: Value;
}

interface Run {
  readonly data: Value;
  readonly variables: readonly Variable[];
  readonly outside: Outside;
}

/** @throws TemplateError on what Go refuses, and past the bounds */
export function execute(template: Template, run: Run): string {
  const execution = new Execution(template, run.outside);
  execution.run(template.body, { dot: run.data, variables: [...run.variables] });
  return execution.output;
}

interface Scope {
  readonly dot: Value;
  /** Those of inner scopes come last. */
  readonly variables: Variable[];
}

class Execution {
  output = "";
  readonly #template: Template;
  readonly #outside: Outside;
  #steps = 0;
  #calls = 0;

  constructor(template: Template, outside: Outside) {
    this.#template = template;
    this.#outside = outside;
  }

  run(nodes: readonly Node[], scope: Scope): Jump {
    for (const node of nodes) {
      this.#step();
      const jump = this.#node(node, scope);
      if (jump !== undefined) return jump;
    }
    return undefined;
  }

  #node(node: Node, scope: Scope): Jump {
    switch (node.kind) {
      case "text":
        this.#write(node.text);
        return undefined;
      case "print": {
        const value = this.#pipeline(node.pipeline, scope);
        if (node.pipeline.variables.length === 0) this.#write(printed(value));
        return undefined;
      }
      case "if":
      case "with": {
        const inner = { ...scope, variables: [...scope.variables] };
        const value = this.#pipeline(node.pipeline, inner);
        const dot = node.kind === "with" && isTruthy(value) ? value : scope.dot;
        return this.run(isTruthy(value) ? node.body : node.otherwise, { ...inner, dot });
      }
      case "range":
        return this.#range(node, scope);
      case "template":
        this.#call(node, scope);
        return undefined;
      default:
        return node.kind;
    }
  }

  #range(node: Branch, scope: Scope): Jump {
    const { variables, declares } = node.pipeline;
    const inner = { ...scope, variables: [...scope.variables] };
    const pipeline = { ...node.pipeline, variables: [] };
    const items = itemsOf(this.#pipeline(pipeline, inner));
    if (items.length === 0) return this.run(node.otherwise, inner);
    for (const [key, value] of items) {
      this.#step();
      const own = [...inner.variables];
      const given = variables.length === 1 ? [value] : [key, value];
      for (const [index, name] of variables.entries()) set(own, name, given[index], declares);
      if (this.run(node.body, { dot: value, variables: own }) === "break") break;
    }
    return undefined;
  }

  #call({ name, pipeline }: Extract<Node, { kind: "template" }>, scope: Scope): void {
    const body = this.#template.defined.get(name);
    if (body === undefined) throw new TemplateError(`template ${JSON.stringify(name)} not defined`);
    this.#calls += 1;
    if (this.#calls > MAX_CALLS) throw new TemplateError("templates call each other too often");
    const dot = pipeline === undefined ? undefined : this.#pipeline(pipeline, scope);
    this.run(body, { dot, variables: [{ name: "$", value: dot }] });
    this.#calls -= 1;
  }

  #pipeline({ commands, variables, declares }: Pipeline, scope: Scope): Value {
    let value: Value;
    let isFirst = true;
    for (const command of commands) {
      value = this.#command(command, scope, isFirst ? [] : [value]);
      isFirst = false;
    }
    for (const name of variables) set(scope.variables, name, value, declares);
    return value;
  }

  #command({ operands }: Command, scope: Scope, piped: readonly Value[]): Value {
    this.#step();
    const [first, ...rest] = operands;
    if (first === undefined) throw new TemplateError("a command is empty");
    if (first.kind === "nil") throw new TemplateError("nil is not a command");
    if (first.kind !== "function") {
      if (rest.length > 0 || piped.length > 0)
        throw new TemplateError("can't give argument to what is no function");
      return this.#operand(first, scope);
    }
    const { name } = first;
    if (name === "and" || name === "or") return this.#logical(name, { rest, scope, piped });
    const args = [...rest.map((operand) => this.#operand(operand, scope)), ...piped];
    return this.#invoke(name, args);
  }

  /** Evaluates no more than it needs. */
  #logical(
    name: "and" | "or",
    { rest, scope, piped }: { rest: readonly Operand[]; scope: Scope; piped: readonly Value[] },
  ): Value {
    let value: Value = piped[0];
    if (rest.length + piped.length === 0)
      throw new TemplateError(`wrong number of args for ${name}: want at least 1 got 0`);
    for (const operand of rest) {
      value = this.#operand(operand, scope);
      if (isTruthy(value) === (name === "or")) return value;
    }
    return piped.length > 0 ? piped[0] : value;
  }

  #invoke(name: string, args: readonly Value[]): Value {
    const wanted = ARITY[name];
    if (wanted !== undefined && args.length !== wanted)
      throw new TemplateError(
        `wrong number of args for ${name}: want ${wanted} got ${args.length}`,
      );
    const known = Object.entries(FUNCTIONS).find(([one]) => one === name)?.[1];
    if (known === undefined)
      throw new TemplateError(`function ${JSON.stringify(name)} not defined`);
    return known(args, this.#outside);
  }

  #operand(operand: Operand, scope: Scope): Value {
    switch (operand.kind) {
      case "int":
        return new Int(operand.value);
      case "float":
      case "string":
      case "bool":
        return operand.value;
      case "nil":
        return undefined;
      case "dot":
        return scope.dot;
      case "function":
        return this.#invoke(operand.name, []);
      case "variable":
        return find(scope.variables, operand.name).value;
      case "pipeline":
        return this.#pipeline(operand.pipeline, { ...scope, variables: [...scope.variables] });
      case "fields":
        return operand.names.reduce(fieldOf, this.#operand(operand.of, scope));
    }
  }

  #step(): void {
    this.#steps += 1;
    if (this.#steps > MAX_STEPS) throw new TemplateError(`it takes more than ${MAX_STEPS} steps`);
  }

  #write(text: string): void {
    this.output += text;
    if (this.output.length > MAX_OUTPUT)
      throw new TemplateError(`it writes more than ${MAX_OUTPUT} characters`);
  }
}

function find(variables: readonly Variable[], name: string): Variable {
  const found = variables.findLast((one) => one.name === name);
  if (found === undefined) throw new TemplateError(`undefined variable ${JSON.stringify(name)}`);
  return found;
}

function set(variables: Variable[], name: string, value: Value, declares: boolean): void {
  if (declares) variables.push({ name, value });
  else find(variables, name).value = value;
}

/** Keys and values, in the order in which Go goes through them. */
function itemsOf(value: Value): readonly (readonly [Value, Value])[] {
  if (value === undefined) return [];
  if (Array.isArray(value)) return value.map((item, index) => [new Int(index), item]);
  if (value instanceof TextMap) return sorted(Object.entries(value.texts));
  if (value instanceof ArgMap) return sorted([...value.args]);
  if (value instanceof Int && value.value <= MAX_STEPS)
    return Array.from({ length: Math.max(value.value, 0) }, (_, index) => [
      new Int(index),
      new Int(index),
    ]);
  throw new TemplateError(`range can't iterate over ${printed(value)}`);
}

function sorted(entries: readonly (readonly [string, Value])[]) {
  return entries.toSorted(([a], [b]) => (a < b ? -1 : 1));
}
