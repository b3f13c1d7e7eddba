/** Regular expressions on texts beside PromQL, within the same bounds. */

import { compilePattern } from "./pattern.ts";

/** Whether it is found anywhere. @throws Error if it is no expression */
export function findsPattern(pattern: string, text: string): boolean {
  return compilePattern(pattern).matcher(text).find();
}

const REFERENCE = /\$(?:\$|(\w+)|\{(\w+)\})/g;

/**
 * The text with each match replaced; `$1` and `${name}` are groups, as in Go.
 *
 * @throws Error if it is no expression
 */
export function replacePattern(pattern: string, replacement: string, text: string): string {
  const expression = compilePattern(pattern);
  const { namedGroups } = expression.re2();
  const matcher = expression.matcher(text);
  let result = "";
  let at = 0;
  while (matcher.find()) {
    const groupOf = (name: string) => {
      const index = /^\d+$/.test(name) ? Number(name) : namedGroups[name];
      const isThere = index !== undefined && index <= matcher.groupCount();
      return isThere ? (matcher.group(index) ?? "") : "";
    };
    const written = replacement.replace(REFERENCE, (whole, plain?: string, braced?: string) =>
      whole === "$$" ? "$" : groupOf(plain ?? braced ?? ""),
    );
    result += text.slice(at, matcher.start()) + written;
    at = matcher.end();
  }
  return result + text.slice(at);
}
