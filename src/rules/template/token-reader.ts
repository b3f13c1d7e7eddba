/** The tokens of one action, taken one after the other. */

import { unquote } from "./constants.ts";
import { TemplateError, type Token } from "./lexer.ts";

export class TokenReader {
  at = 0;

  constructor(readonly tokens: readonly Token[]) {}

  get ended(): boolean {
    return this.tokens.slice(this.at).every(({ kind }) => kind === "space");
  }

  peek(): Token | undefined {
    return this.tokens[this.at];
  }

  text(): string {
    const token = this.peek();
    return token === undefined ? "the end" : token.kind === "space" ? "a blank" : token.text;
  }

  take(): void {
    this.at += 1;
  }

  skipSpace(): void {
    while (this.peek()?.kind === "space") this.at += 1;
  }

  takeSymbol(text: string): boolean {
    this.skipSpace();
    const token = this.peek();
    if (token?.kind !== "symbol" || token.text !== text) return false;
    this.at += 1;
    return true;
  }

  takeString(context: string): string {
    this.skipSpace();
    const token = this.peek();
    if (token?.kind !== "string")
      throw new TemplateError(`unexpected ${this.text()} in ${context} clause`);
    this.at += 1;
    return unquote(token.text);
  }

  expectEnd(context: string): void {
    if (!this.ended) throw new TemplateError(`unexpected ${this.text()} in ${context}`);
  }
}
