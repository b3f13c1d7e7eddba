/** Templates of annotations and labels, filled in for an alert. */

import { messageOf } from "../../core/errors.ts";
import type { Labels } from "../../core/model.ts";
import { execute } from "./execute.ts";
import { TemplateError } from "./lexer.ts";
import { parseTemplate } from "./parse.ts";
import type { Template } from "./tree.ts";
import { AlertData, TextMap, UNKNOWN_VALUE } from "./values.ts";

/** What a template knows of its alert. */
interface TemplateInput {
  readonly labels: Labels;
  /** `undefined` if nothing was measured. */
  readonly value: number | undefined;
}

const MAX_CACHED = 1000;
const parsed = new Map<string, Template>();

/** What is wrong with a template, as Go's parser sees it; `undefined` if nothing is. */
export function templateFault(text: string): string | undefined {
  try {
    templateOf(text);
    return undefined;
  } catch (error) {
    if (error instanceof TemplateError) return error.message;
    throw error;
  }
}

/** The text; where a template fails, that it did, in its place, as in Prometheus. Never throws. */
export function expandTemplate(text: string, input: TemplateInput): string {
  if (!text.includes("{{")) return text;
  try {
    return execute(templateOf(text), runOf(input));
  } catch (error) {
    return `<error expanding template: ${messageOf(error)}>`;
  }
}

/** Labels of rules of which none is a template: a rule has the same ones for each of its samples. */
const plain = new WeakSet<Labels>();

/** Labels of a rule, each expanded; the same object if none is a template. */
export function expandLabels(labels: Labels, input: TemplateInput): Labels {
  if (plain.has(labels)) return labels;
  const entries = Object.entries(labels);
  if (entries.every(([, text]) => !text.includes("{{"))) {
    plain.add(labels);
    return labels;
  }
  return Object.fromEntries(entries.map(([name, text]) => [name, expandTemplate(text, input)]));
}

function runOf({ labels, value }: TemplateInput) {
  const data = new AlertData(new TextMap(labels), value ?? UNKNOWN_VALUE);
  const variables = [
    { name: "$", value: data },
    { name: "$labels", value: data.labels },
    { name: "$externalLabels", value: new TextMap({}) },
    { name: "$externalURL", value: "" },
    { name: "$value", value: data.value },
  ];
  // Their number and cost would be a stranger's choice, at each alert and each time that it is shown.
  const query = (expr: string): never => {
    throw new TemplateError(`Sentinel runs no queries for texts, such as ${JSON.stringify(expr)}`);
  };
  return { data, variables, outside: { query } };
}

function templateOf(text: string): Template {
  const known = parsed.get(text);
  if (known !== undefined) return known;
  const template = parseTemplate(text);
  if (parsed.size >= MAX_CACHED) parsed.clear();
  parsed.set(text, template);
  return template;
}
