/** Changes to a regular expression: a choice less, a bound moved, an anchor or a look around dropped. */

/** A text of the code that is part of an expression, and not said to anybody. */
export function looksLikePattern(text: string): boolean {
  return /\(\?[:=!<]|\\[bsSwWd]|\]\{\d|[\])][+*]/.test(text);
}

/** The texts that stand in place of it, each with one change. */
export function patternChanges(pattern: string): string[] {
  const changed: string[] = [];
  const tokens = tokensOf(pattern);
  const without = (from: number, to: number, by = ""): void => {
    changed.push([...tokens.slice(0, from), by, ...tokens.slice(to)].join(""));
  };
  tokens.forEach((token, at) => {
    if (token === "^" || token === "$" || /^\\+[bB]$/.test(token)) without(at, at + 1);
    if (token === "*") without(at, at + 1, "+");
    if (token === "+") without(at, at + 1);
    if (token === "?" && at > 0) without(at, at + 1);
    const [, least, rest] = /^\{(\d+)(.*)\}$/.exec(token) ?? [];
    if (least !== undefined) without(at, at + 1, `{${Number(least) + 1}${rest}}`);
    if (/^\(\?<?[=!]$/.test(token)) without(at, closingOf(tokens, at) + 1);
  });
  for (const [from, to] of choicesOf(tokens)) without(from, to);
  return [...new Set(changed)].filter((text) => text !== pattern && isWhole(text));
}

/** A change may not leave a range turned round or a group empty: it would be a mistake, not a change. */
function isWhole(pattern: string): boolean {
  try {
    return new RegExp(pattern.replaceAll("\\\\", "\\")) instanceof RegExp;
  } catch {
    return false;
  }
}

const TOKEN =
  /\[\^?\]?(?:\\+.|[^\]\\])*\]|\\+u\{[^}]*\}|\\+[pP]\{[^}]*\}|\\+k<[^>]*>|\\+.|\(\?(?:<?[=!]|:|<\w+>)|\{\d+,?\d*\}|./gsu;

function tokensOf(pattern: string): string[] {
  return pattern.match(TOKEN) ?? [];
}

function closingOf(tokens: readonly string[], opening: number): number {
  let depth = 0;
  for (let at = opening; at < tokens.length; at += 1) {
    if (tokens[at]?.startsWith("(")) depth += 1;
    if (tokens[at] === ")") depth -= 1;
    if (depth === 0) return at;
  }
  return tokens.length;
}

/** Each choice of a group that has several, with the bar beside it. */
function choicesOf(tokens: readonly string[]): [from: number, to: number][] {
  const choices: [number, number][] = [];
  /** Of each open group: where it begins, and its bars. */
  const open: { from: number; bars: number[] }[] = [{ from: 0, bars: [] }];
  const close = (end: number): void => {
    const group = open.pop();
    if (group === undefined || group.bars.length === 0) return;
    const edges = [group.from - 1, ...group.bars, end];
    edges.slice(1).forEach((to, index) => {
      const from = edges[index] ?? 0;
      // The first goes with the bar after it, the others with the one before.
      choices.push(index === 0 ? [from + 1, to + 1] : [from, to]);
    });
  };
  tokens.forEach((token, at) => {
    if (token.startsWith("(")) open.push({ from: at + 1, bars: [] });
    if (token === "|") open.at(-1)?.bars.push(at);
    if (token === ")") close(at);
  });
  close(tokens.length);
  return choices;
}
