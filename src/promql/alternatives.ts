/** The texts that a regular expression matches, where they are few and written out: they are found without it. */

/** No character of these means anything but itself. */
const PLAIN = /[\w \-/:;,@%&=~"'<>!#]/;

/** More are left to the regular expression. */
const MAX_TEXTS = 2000;

/**
 * Every text that the pattern matches as a whole, such as four of `(a|b)(_sum|_count)`.
 *
 * @param pattern of plain characters, `|`, and groups, which may be followed by `?`
 * @returns `undefined` for any other pattern, and for one with too many
 */
export function textsOf(pattern: string): ReadonlySet<string> | undefined {
  const reader = new Reader(pattern);
  const texts = reader.alternatives();
  return reader.isAtEnd ? texts && new Set(texts) : undefined;
}

class Reader {
  readonly #pattern: string;
  #at = 0;

  constructor(pattern: string) {
    this.#pattern = pattern;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#pattern.length;
  }

  /** Up to what is none of them: the end, a bracket that closes, or what this does not know. */
  alternatives(): readonly string[] | undefined {
    const all: string[] = [];
    do {
      const texts = this.#sequence();
      if (texts === undefined || all.length + texts.length > MAX_TEXTS) return undefined;
      for (const text of texts) all.push(text);
    } while (this.#take("|"));
    return all;
  }

  #sequence(): readonly string[] | undefined {
    let texts: readonly string[] = [""];
    while (!this.isAtEnd) {
      const part = this.#part();
      if (part === "none") return texts;
      if (part === undefined || texts.length * part.length > MAX_TEXTS) return undefined;
      texts = texts.flatMap((text) => part.map((next) => text + next));
    }
    return texts;
  }

  #part(): readonly string[] | "none" | undefined {
    if (!this.#take("(")) return this.#plain();
    const inner = this.alternatives();
    if (inner === undefined || !this.#take(")")) return undefined;
    return this.#take("?") ? ["", ...inner] : inner;
  }

  #plain(): readonly string[] | "none" {
    const from = this.#at;
    while (!this.isAtEnd && PLAIN.test(this.#pattern.charAt(this.#at))) this.#at += 1;
    return from === this.#at ? "none" : [this.#pattern.slice(from, this.#at)];
  }

  #take(char: string): boolean {
    if (this.#pattern.charAt(this.#at) !== char) return false;
    this.#at += 1;
    return true;
  }
}
