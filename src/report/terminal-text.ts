/** The pieces of the report for people: one line each, with credentials masked and nothing that a terminal obeys. */

import { printable } from "../text/printable.ts";
import { maskText } from "../text/redact.ts";

const LABEL_WIDTH = 12;
const MAX_LENGTH = 600;

/** A line of an incident, behind its label. */
export function field(label: string, text: string): string[] {
  return [`   ${label.padEnd(LABEL_WIDTH)}${clean(text)}`];
}

/** Text from outside, printable and with its credentials masked. */
export function clean(text: string): string {
  return printable(maskText(text), MAX_LENGTH);
}
