/** Label matchers, compiled. */

import { RE2JS } from "re2js";
import { textsOf } from "./alternatives.ts";
import { compilePattern } from "./pattern.ts";
import type { LabelMatcher, MatchOperator } from "./series.ts";

/**
 * @param value for `=~` and `!~` a regular expression of RE2, which must match the whole label
 * @throws Error if the expression is none
 */
export function createMatcher(name: string, operator: MatchOperator, value: string): LabelMatcher {
  return { name, operator, value, matches: compile(operator, value) };
}

function compile(operator: MatchOperator, value: string): (text: string) => boolean {
  switch (operator) {
    case "=":
      return (text) => text === value;
    case "!=":
      return (text) => text !== value;
    case "=~":
      return compileWhole(value);
    case "!~": {
      const matches = compileWhole(value);
      return (text) => !matches(text);
    }
  }
}

/** Whether the whole text matches; a dot matches a line's end, too, as since Prometheus 3. */
function compileWhole(pattern: string): (text: string) => boolean {
  const texts = textsOf(pattern);
  if (texts !== undefined) return (text) => texts.has(text);
  const expression = compileOnce(pattern);
  return (text) => expression.testExact(text);
}

/** The rules of all services have the same patterns, and a long one takes a tenth of a second. */
const compiled = new Map<string, RE2JS>();
const MAX_COMPILED = 100;

function compileOnce(pattern: string): RE2JS {
  const known = compiled.get(pattern);
  if (known !== undefined) return known;
  // By itself first, so that the message shows what was written.
  compilePattern(pattern);
  // Nothing is put around it: `a)(b` would become one, and `\Qa` would swallow what follows.
  const expression = compilePattern(pattern, RE2JS.DOTALL);
  if (compiled.size >= MAX_COMPILED) compiled.clear();
  compiled.set(pattern, expression);
  return expression;
}
