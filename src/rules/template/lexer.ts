/** The words of a template: what stands between `{{` and `}}`, and the text around it. */

export type Token =
  | {
      readonly kind: "number" | "string" | "char" | "word" | "field" | "variable" | "symbol";
      readonly text: string;
    }
  | { readonly kind: "space" };

/** A piece of a template: text, or the tokens of one action. */
export type Piece =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "action"; readonly tokens: readonly Token[] };

/** What is wrong with a template, or with what it does. */
export class TemplateError extends Error {
  override readonly name = "TemplateError";
}

const SPACE = /^[ \t\r\n]+/;
const COMMENT_START = /^\{\{(?:- )?\/\*/;
const TOKENS: readonly (readonly [Exclude<Token["kind"], "space">, RegExp])[] = [
  ["string", /^"(?:[^"\\\n]|\\[^\n])*"/],
  ["string", /^`[^`]*`/],
  ["char", /^'(?:[^'\\\n]|\\[^\n])+'/],
  [
    "number",
    /^[+-]?(?:0[xX][\da-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d+)?)i?/,
  ],
  ["variable", /^\$[\p{L}\p{Nd}_]*/u],
  ["field", /^\.[\p{L}_][\p{L}\p{Nd}_]*/u],
  ["word", /^[\p{L}_][\p{L}\p{Nd}_]*/u],
  ["symbol", /^(?::=|[=|(),.])/],
];

/** After these may stand what is joined to them, such as `$x.y`, and nothing else but a blank or a sign. */
const ENDS = /^(?:$|[ \t\r\n|(),.:=])/;

/** @throws TemplateError */
export function lex(template: string): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  let trimsNext = false;
  const addText = (text: string, trimsEnd: boolean) => {
    const begun = trimsNext ? text.replace(/^[ \t\r\n]+/, "") : text;
    const shown = trimsEnd ? begun.replace(/[ \t\r\n]+$/, "") : begun;
    if (shown !== "") pieces.push({ kind: "text", text: shown });
  };
  for (;;) {
    const open = template.indexOf("{{", at);
    if (open < 0) break;
    const trims = /^\{\{-[ \t\r\n]/.test(template.slice(open, open + 4));
    addText(template.slice(at, open), trims);
    at = open + (trims ? 3 : 2);
    const rest = template.slice(at);
    if (COMMENT_START.test(`{{${rest.trimStart()}`) && rest.trimStart().startsWith("/*")) {
      if (!trims && !rest.startsWith("/*")) throw new TemplateError("unexpected / in command");
      const end = /^[^]*?\*\/( -)?\}\}/.exec(rest);
      if (end === null) throw new TemplateError("a comment has no end");
      at += end[0].length;
      trimsNext = end[1] !== undefined;
      continue;
    }
    const action = lexAction(template, at);
    pieces.push({ kind: "action", tokens: action.tokens });
    at = action.end;
    trimsNext = action.trims;
  }
  addText(template.slice(at), false);
  return pieces;
}

function lexAction(template: string, start: number) {
  const tokens: Token[] = [];
  let at = start;
  let depth = 0;
  for (;;) {
    const rest = template.slice(at);
    const close = /^(?:[ \t\r\n]+-)?\}\}/.exec(rest);
    if (close !== null) {
      if (depth > 0) throw new TemplateError("a parenthesis is not closed");
      return {
        tokens,
        end: at + close[0].length,
        trims: close[0].length > 2 && /-/.test(close[0]),
      };
    }
    const space = SPACE.exec(rest);
    if (space !== null) {
      tokens.push({ kind: "space" });
      at += space[0].length;
      continue;
    }
    const token = nextToken(rest);
    if (token.text === "(") depth += 1;
    if (token.text === ")" && token.kind === "symbol") depth -= 1;
    if (depth < 0) throw new TemplateError("a parenthesis too many is closed");
    tokens.push(token);
    at += token.text.length;
  }
}

function nextToken(rest: string): Exclude<Token, { readonly kind: "space" }> {
  for (const [kind, pattern] of TOKENS) {
    const text = pattern.exec(rest)?.[0];
    if (text === undefined) continue;
    if (kind !== "symbol") {
      const after = rest.slice(text.length);
      const isJoined = ENDS.test(after) || after.startsWith("}}");
      const mayFollow = kind === "string" || kind === "char" || kind === "number";
      if (!isJoined && !(mayFollow && kind !== "number"))
        throw new TemplateError(`unexpected ${JSON.stringify(after.charAt(0))} after ${text}`);
    }
    return { kind, text };
  }
  if (rest === "") throw new TemplateError("an action is not closed by }}");
  throw new TemplateError(`unexpected ${JSON.stringify(rest.charAt(0))}`);
}
