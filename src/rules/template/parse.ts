/** Go's template language, as Prometheus' rule files have it. */

import { charOf, numberOf, unquote } from "./constants.ts";
import { FUNCTION_NAMES } from "./function-names.ts";
import { lex, type Piece, TemplateError } from "./lexer.ts";
import { TokenReader } from "./token-reader.ts";
import type { Branch, Command, Node, Operand, Pipeline, Template } from "./tree.ts";

/** Deeper than anybody nests; the parser is recursive. */
const MAX_DEPTH = 100;
const MAX_LENGTH = 64 * 1024;

/** Variables that stand for the data of the alert: Prometheus puts their definition before each template. */
const GIVEN_VARIABLES = ["$", "$labels", "$externalLabels", "$externalURL", "$value"];

/**
 * @throws TemplateError on what Go's `text/template` refuses to parse
 * @see https://pkg.go.dev/text/template
 */
export function parseTemplate(text: string): Template {
  if (text.length > MAX_LENGTH)
    throw new TemplateError(`it is longer than ${MAX_LENGTH} characters`);
  return new Parser(lex(text)).parse();
}

type Ender = "end" | "else" | "none";

interface List {
  readonly nodes: Node[];
  readonly ended: Ender;
  /** What follows `else`, such as another `if`. */
  readonly rest: TokenReader | undefined;
}

class Parser {
  readonly #pieces: readonly Piece[];
  readonly #defined = new Map<string, readonly Node[]>();
  #at = 0;
  #depth = 0;
  #rangeDepth = 0;
  #variables: string[] = [...GIVEN_VARIABLES];

  constructor(pieces: readonly Piece[]) {
    this.#pieces = pieces;
  }

  parse(): Template {
    const { nodes, ended } = this.#list(true);
    if (ended !== "none") throw new TemplateError(`unexpected {{${ended}}}`);
    return { body: nodes, defined: this.#defined };
  }

  #list(isTop: boolean): List {
    const nodes: Node[] = [];
    for (; this.#at < this.#pieces.length;) {
      const piece = this.#pieces[this.#at];
      this.#at += 1;
      if (piece === undefined) break;
      if (piece.kind === "text") {
        nodes.push(piece);
        continue;
      }
      const tokens = new TokenReader(piece.tokens);
      tokens.skipSpace();
      const word = tokens.peek()?.kind === "word" ? tokens.text() : "";
      if (word === "end") {
        tokens.take();
        tokens.expectEnd("end");
        return { nodes, ended: "end", rest: undefined };
      }
      if (word === "else") {
        tokens.take();
        tokens.skipSpace();
        return { nodes, ended: "else", rest: tokens };
      }
      const node = this.#action(word, tokens, isTop);
      if (node !== undefined) nodes.push(node);
    }
    return { nodes, ended: "none", rest: undefined };
  }

  #action(word: string, tokens: TokenReader, isTop: boolean): Node | undefined {
    switch (word) {
      case "if":
      case "with":
      case "range":
        tokens.take();
        return this.#branch(word, tokens);
      case "define":
        if (!isTop) throw new TemplateError("unexpected {{define}}");
        tokens.take();
        this.#define(tokens);
        return undefined;
      case "block": {
        tokens.take();
        const name = tokens.takeString("block");
        const pipeline = this.#pipeline(tokens, "block");
        this.#body(name);
        return { kind: "template", name, pipeline };
      }
      case "template": {
        tokens.take();
        const name = tokens.takeString("template");
        tokens.skipSpace();
        const pipeline = tokens.ended ? undefined : this.#pipeline(tokens, "template");
        return { kind: "template", name, pipeline };
      }
      case "break":
      case "continue":
        tokens.take();
        tokens.expectEnd(word);
        if (this.#rangeDepth === 0) throw new TemplateError(`{{${word}}} outside {{range}}`);
        return { kind: word };
      default: {
        const pipeline = this.#pipeline(tokens, "command");
        return { kind: "print", pipeline };
      }
    }
  }

  #define(tokens: TokenReader): void {
    const name = tokens.takeString("define");
    tokens.expectEnd("define");
    this.#body(name);
  }

  /** Of `define` and `block`: it sees no variable of what is around it. */
  #body(name: string): void {
    const [variables, rangeDepth] = [this.#variables, this.#rangeDepth];
    this.#variables = ["$"];
    this.#rangeDepth = 0;
    const { nodes, ended } = this.#nested();
    if (ended !== "end") throw new TemplateError("unexpected {{else}} in define clause");
    this.#variables = variables;
    this.#rangeDepth = rangeDepth;
    if (!this.#defined.has(name) || nodes.some((node) => !isBlank(node)))
      this.#defined.set(name, nodes);
  }

  #branch(kind: Branch["kind"], tokens: TokenReader): Branch {
    const scope = this.#variables.length;
    const pipeline = this.#pipeline(tokens, kind);
    if (kind === "range") this.#rangeDepth += 1;
    const body = this.#nested();
    if (kind === "range") this.#rangeDepth -= 1;
    let otherwise: readonly Node[] = [];
    if (body.ended === "else") {
      const rest = body.rest;
      const next = rest?.peek()?.kind === "word" ? rest.text() : "";
      if (rest !== undefined && next === kind && (next === "if" || next === "with")) {
        rest.take();
        this.#deeper();
        otherwise = [this.#branch(next, rest)];
        this.#depth -= 1;
      } else {
        rest?.expectEnd("else");
        const list = this.#nested();
        if (list.ended !== "end") throw new TemplateError("expected end; found {{else}}");
        otherwise = list.nodes;
      }
    }
    this.#variables.length = scope;
    return { kind, pipeline, body: body.nodes, otherwise };
  }

  #nested(): List {
    this.#deeper();
    const list = this.#list(false);
    this.#depth -= 1;
    if (list.ended === "none") throw new TemplateError("{{end}} is missing");
    return list;
  }

  #deeper(): void {
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH)
      throw new TemplateError(`it is nested more than ${MAX_DEPTH} deep`);
  }

  #pipeline(tokens: TokenReader, context: string, closer?: ")"): Pipeline {
    const { variables, declares } = this.#declaration(tokens, context);
    const commands: Command[] = [];
    for (;;) {
      const command = this.#command(tokens, context, closer);
      const [first] = command.operands;
      if (first === undefined) throw new TemplateError(`missing value for ${context}`);
      const isCallable =
        first.kind === "function" ||
        first.kind === "variable" ||
        first.kind === "fields" ||
        first.kind === "pipeline";
      if (commands.length > 0 && !isCallable)
        throw new TemplateError(`non executable command in pipeline stage ${commands.length + 1}`);
      commands.push(command);
      if (!tokens.takeSymbol("|")) break;
    }
    if (closer !== undefined && !tokens.takeSymbol(closer))
      throw new TemplateError("a parenthesis is not closed");
    if (closer === undefined && !tokens.ended)
      throw new TemplateError(`unexpected ${tokens.text()} in ${context}`);
    if (declares) this.#variables.push(...variables);
    return { variables, declares, commands };
  }

  #declaration(tokens: TokenReader, context: string) {
    const start = tokens.at;
    const variables: string[] = [];
    tokens.skipSpace();
    while (tokens.peek()?.kind === "variable") {
      variables.push(tokens.text());
      tokens.take();
      tokens.skipSpace();
      const declares = tokens.takeSymbol(":=");
      if (declares || tokens.takeSymbol("=")) {
        return { variables, declares };
      }
      if (!(context === "range" && variables.length === 1 && tokens.takeSymbol(","))) break;
      tokens.skipSpace();
    }
    tokens.at = start;
    return { variables: [], declares: false };
  }

  #command(tokens: TokenReader, context: string, closer: ")" | undefined): Command {
    const operands: Operand[] = [];
    for (;;) {
      tokens.skipSpace();
      const next = tokens.peek();
      if (
        next === undefined ||
        (next.kind === "symbol" && (next.text === "|" || next.text === closer))
      )
        break;
      operands.push(this.#operand(tokens, context));
      const after = tokens.peek();
      const isApart = after === undefined || after.kind === "space";
      const isEnd = after?.kind === "symbol" && (after.text === "|" || after.text === ")");
      if (!isApart && !isEnd) throw new TemplateError(`unexpected ${tokens.text()} in operand`);
    }
    return { operands };
  }

  #operand(tokens: TokenReader, context: string): Operand {
    const operand = this.#term(tokens, context);
    const names: string[] = [];
    while (tokens.peek()?.kind === "field") {
      names.push(tokens.text().slice(1));
      tokens.take();
    }
    if (names.length === 0) return operand;
    if (["int", "float", "string", "bool", "nil"].includes(operand.kind))
      throw new TemplateError(`unexpected . after a constant`);
    return { kind: "fields", of: operand, names };
  }

  #term(tokens: TokenReader, context: string): Operand {
    const token = tokens.peek();
    const text = tokens.text();
    switch (token?.kind) {
      case "number":
        tokens.take();
        return numberOf(text);
      case "string":
        tokens.take();
        return { kind: "string", value: unquote(text) };
      case "char":
        tokens.take();
        return { kind: "int", value: charOf(text) };
      case "variable":
        tokens.take();
        this.#known(text);
        return { kind: "variable", name: text };
      case "field":
        return { kind: "dot" };
      case "word":
        tokens.take();
        if (text === "true" || text === "false") return { kind: "bool", value: text === "true" };
        if (text === "nil") return { kind: "nil" };
        if (!FUNCTION_NAMES.some((name) => name === text))
          throw new TemplateError(`function ${JSON.stringify(text)} not defined`);
        return { kind: "function", name: text };
      case "symbol":
        tokens.take();
        if (text === ".") return { kind: "dot" };
        if (text === "(") {
          this.#deeper();
          const pipeline = this.#pipeline(tokens, "parenthesized pipeline", ")");
          this.#depth -= 1;
          return { kind: "pipeline", pipeline };
        }
        break;
    }
    throw new TemplateError(`unexpected ${text} in ${context}`);
  }

  #known(name: string): void {
    if (!this.#variables.includes(name))
      throw new TemplateError(`undefined variable ${JSON.stringify(name)}`);
  }
}

function isBlank(node: Node): boolean {
  return node.kind === "text" && node.text.trim() === "";
}
