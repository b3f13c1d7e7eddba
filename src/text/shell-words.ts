/** A command written as one text, as words. No shell ever reads it. */

import { SentinelError } from "../core/errors.ts";

/** Between two words. A newline is not among them: to a shell it ends the command. */
const BLANKS = " \t";

/** What a shell acts on where it is not quoted. */
const OPERATORS = ";&|<>()$`*?[\n\r";

/** What a shell acts on at the beginning of a word. */
const AT_WORD_START = "#~";

/** What a shell acts on within double quotes. */
const IN_DOUBLE_QUOTES = "$`";

/** What a backslash quotes within double quotes; before all else it stands for itself. */
const ESCAPED_IN_DOUBLE_QUOTES = '"\\$`';

/**
 * Splits a command into its words by the quoting rules of a POSIX shell: blanks separate, `'...'` is
 * literal, and in `"..."` a backslash quotes `"`, `\`, `$` and a backtick. All else that a shell
 * would act on is an error: to pass it on as text would do something other than what was meant.
 *
 * Written here, for `shell-quote` 1.12 takes an unclosed quote for a closed one, `a#b` for a comment,
 * and a backtick and a newline for ordinary characters; `string-argv` 0.4 knows no operators at all.
 *
 * @returns at least one word, the program first
 * @throws SentinelError `configuration`, naming the character and its place
 * @see https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_02
 */
export function splitCommand(text: string): readonly string[] {
  const words: string[] = [];
  let word: string | undefined;
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (char === "\0") throw refused("a zero byte", at);
    if (BLANKS.includes(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (char === "'") {
      const end = text.indexOf("'", at + 1);
      if (end < 0) throw unclosed("'", at);
      word = (word ?? "") + text.slice(at + 1, end);
      at = end;
    } else if (char === '"') {
      const quoted = readDoubleQuotes(text, at);
      word = (word ?? "") + quoted.value;
      at = quoted.end;
    } else if (char === "\\") {
      at += 1;
      if (at >= text.length) throw refused("a backslash with nothing behind it", at - 1);
      // A shell would join the two lines.
      if (text.charAt(at) === "\n") throw needsShell("\n", at);
      word = (word ?? "") + text.charAt(at);
    } else if (OPERATORS.includes(char) || (word === undefined && AT_WORD_START.includes(char)))
      throw needsShell(char, at);
    else word = (word ?? "") + char;
  }
  if (word !== undefined) words.push(word);
  const [program = ""] = words;
  if (program === "") throw new SentinelError("configuration", "the command is empty");
  if (/^[A-Za-z_][A-Za-z0-9_]*=/.test(program))
    throw new SentinelError("configuration", `${program} sets a variable, which needs a shell`, {
      hint: `Write: env ${program} PROGRAM`,
    });
  return words;
}

/** @returns what the quotes that begin at `start` hold, and where their end stands */
function readDoubleQuotes(text: string, start: number): { value: string; end: number } {
  let value = "";
  for (let at = start + 1; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (char === '"') return { value, end: at };
    if (char === "\0") throw refused("a zero byte", at);
    if (IN_DOUBLE_QUOTES.includes(char)) throw needsShell(char, at);
    if (text.startsWith("\\\n", at)) throw needsShell("\n", at + 1);
    if (char === "\\" && ESCAPED_IN_DOUBLE_QUOTES.includes(text.charAt(at + 1) || " ")) at += 1;
    value += text.charAt(at);
  }
  throw unclosed('"', start);
}

function needsShell(char: string, at: number): SentinelError {
  const shown = char === "\n" || char === "\r" ? "a line break" : char;
  return new SentinelError("configuration", `${shown} at character ${at + 1} needs a shell`, {
    hint: "Put it in single quotes if it is meant as it stands, or run a script.",
  });
}

function unclosed(quote: string, at: number): SentinelError {
  return new SentinelError(
    "configuration",
    `the ${quote} at character ${at + 1} is not closed by another`,
  );
}

function refused(what: string, at: number): SentinelError {
  return new SentinelError("configuration", `${what}, at character ${at + 1}`);
}
