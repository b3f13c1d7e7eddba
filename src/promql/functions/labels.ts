/** Functions that write labels. */

import type { Labels } from "../../core/model.ts";
import type { RE2JS } from "re2js";
import { messageOf } from "../../core/errors.ts";
import { PromqlError } from "../errors.ts";
import { labelOf, withLabel } from "../labels.ts";
import { compilePattern } from "../pattern.ts";

/** Told of what is about to be written: labels and characters. It may refuse by throwing. */
type Spend = (labels: number, characters: number) => void;

/** The string arguments of `label_replace`, in their order. */
interface LabelReplacement {
  readonly target: string;
  readonly replacement: string;
  readonly source: string;
  readonly pattern: string;
}

/**
 * Sets `target` to the replacement wherever the whole `source` label matches.
 *
 * @throws PromqlError `execution` on a pattern or a label name that is none
 */
export function labelReplace(
  { target, replacement, source, pattern }: LabelReplacement,
  spend: Spend,
): (labels: Labels) => Labels {
  const expression = compile(pattern);
  if (target === "")
    throw new PromqlError(
      "execution",
      `invalid destination label name in label_replace(): ${target}`,
    );
  const parts = parseTemplate(replacement);
  const { namedGroups } = expression.re2();
  return (labels) => {
    const matcher = expression.matcher(labelOf(labels, source));
    if (!matcher.matches()) return labels;
    const groupCount = matcher.groupCount();
    const written = parts.map((part) => {
      if (typeof part === "string") return part;
      const index = typeof part.group === "number" ? part.group : namedGroups[part.group];
      return index === undefined || index > groupCount ? "" : (matcher.group(index) ?? "");
    });
    // Counted before it is made: a template may repeat a group thousands of times.
    spend(
      Object.keys(labels).length + 1,
      written.reduce((sum, part) => sum + part.length, 0),
    );
    return withLabel(labels, target, written.join(""));
  };
}

function compile(pattern: string): RE2JS {
  try {
    return compilePattern(`^(?s:${pattern})$`);
  } catch (error) {
    throw new PromqlError(
      "execution",
      `invalid regular expression in label_replace(): ${pattern}`,
      messageOf(error),
    );
  }
}

type TemplatePart = string | { readonly group: number | string };

/**
 * Go's templates: `$1`, `$name`, `${1}`, `${name}`, and `$$` for the sign itself. A name is as long
 * as it can be, so `$1x` is the group `1x`. What is no reference stands for itself.
 *
 * @see https://pkg.go.dev/regexp#Regexp.Expand
 */
function parseTemplate(template: string): TemplatePart[] {
  const parts: TemplatePart[] = [];
  const reference = /\$(?:(\$)|\{([\p{L}\p{Nd}_]+)\}|([\p{L}\p{Nd}_]+))/gu;
  let end = 0;
  for (const match of template.matchAll(reference)) {
    const [all, dollar, braced, bare] = match;
    parts.push(template.slice(end, match.index));
    end = match.index + all.length;
    const name = braced ?? bare ?? "";
    if (dollar !== undefined) parts.push(dollar);
    else parts.push({ group: /^\d+$/.test(name) ? Number(name) : name });
  }
  parts.push(template.slice(end));
  return parts;
}

/** The string arguments of `label_join`, in their order. */
interface LabelJoin {
  readonly target: string;
  readonly separator: string;
  readonly sources: readonly string[];
}

/**
 * Sets `target` to the values of the sources, joined.
 *
 * @throws PromqlError `execution` on a label name that is none
 */
export function labelJoin(
  { target, separator, sources }: LabelJoin,
  spend: Spend,
): (labels: Labels) => Labels {
  const invalid = [target, ...sources].indexOf("");
  if (invalid >= 0)
    throw new PromqlError(
      "execution",
      `invalid ${invalid === 0 ? "destination" : "source"} label name in label_join(): `,
    );
  return (labels) => {
    const parts = sources.map((source) => labelOf(labels, source));
    spend(
      Object.keys(labels).length + 1,
      parts.reduce((sum, part) => sum + part.length + separator.length, 0),
    );
    return withLabel(labels, target, parts.join(separator));
  };
}
