/** Untrusted text in Markdown: neither Markdown nor a terminal takes it for more than text. */

import { printable } from "./printable.ts";

/** What has a meaning within a line, of CommonMark, of GitHub's tables and of its strikethrough and footnotes. */
const INLINE = /[\\`*[\]{}<>|#&~^$]/g;

/** An underscore within a word has no meaning, and names are full of them. */
const UNDERSCORE = /(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu;

/** What makes a list, a heading or a rule of the line that it begins. */
const LINE_START = /^(?:[-+=:]|\d{1,9}(?=[.)]))/;

/**
 * What GitHub and others make a link of by itself. They do so after all escapes are read, so that only code
 * keeps it from them.
 */
const BARE_LINK = /:\/\/|www\.|@|mailto:|xmpp:/i;

/**
 * One line of plain words, which read as they were written.
 *
 * @param maxLength in characters, before what Markdown needs
 */
export function markdownText(words: string, maxLength: number): string {
  const line = printable(words, maxLength).trim();
  if (BARE_LINK.test(line)) return codeOf(line);
  return line
    .replace(INLINE, "\\$&")
    .replace(UNDERSCORE, "\\_")
    .replace(LINE_START, (start) => (/\d/.test(start) ? start : `\\${start}`))
    .replace(/^(\d{1,9})([.)])/, "$1\\$2");
}

/** A command, as code. */
export function markdownCode(words: string, maxLength: number): string {
  return codeOf(printable(words, maxLength).trim());
}

/** In a table's cell a bar ends the cell, within code as well, and a backslash before it hides that. */
function codeOf(line: string): string {
  const shown = line === "" ? "-" : line;
  const bars = shown.replace(/\\*\|/g, (bar) => `${"\\\\".repeat(bar.length - 1)}\\|`);
  return `\`${bars.replaceAll("`", "'")}\``;
}
