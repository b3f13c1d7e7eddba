/** Tells a person what the demo is doing: lines, and on a terminal one line that moves. */

import { print, printPart } from "../log.ts";
import { seconds } from "./scoreboard.ts";

export interface Terminal {
  readonly isTerminal: boolean;
  /** Width in characters. */
  readonly columns: number;
}

export interface Narrator {
  readonly columns: number;
  /** Lines, each broken between words where it is too wide for the terminal. */
  say(...lines: readonly string[]): void;
  /** What is being waited for; until the next call it is shown with the time that it takes. */
  wait(what: string): void;
  /** Ends the line of what was waited for. */
  settle(): void;
}

const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const FRAME_MS = 100;
const WORTH_TELLING_MS = 3000;
const CLEAR_LINE = "\r\x1b[K";
/** Narrower ones wrap by themselves. */
const MIN_COLUMNS = 20;
/** Lines longer than this are hard to read, however wide the terminal. */
const MAX_COLUMNS = 100;

/** In a pipe, what is waited for is a plain line, printed once if the wait is long. */
export function createNarrator({ isTerminal, columns }: Terminal): Narrator {
  const width = Math.min(Math.max(columns, MIN_COLUMNS), MAX_COLUMNS);
  let timer: Timer | undefined;

  const settle = () => {
    if (timer === undefined) return;
    clearTimeout(timer);
    timer = undefined;
    if (isTerminal) printPart(CLEAR_LINE);
  };
  const say = (...lines: readonly string[]) => {
    settle();
    print(lines.flatMap((line) => wrap(line, width)).join("\n"));
  };
  return {
    columns: width,
    say,
    settle,
    wait(what) {
      settle();
      if (!isTerminal) {
        timer = setTimeout(() => say(`     ${what} ...`), WORTH_TELLING_MS);
        return;
      }
      const fromMs = performance.now();
      const draw = () => {
        const elapsedMs = performance.now() - fromMs;
        const frame = FRAMES[Math.floor(elapsedMs / FRAME_MS) % FRAMES.length] ?? "";
        const text = `   ${frame} ${what} ${seconds(elapsedMs)}`;
        // One column short: some terminals wrap when the last one is written to.
        printPart(`${CLEAR_LINE}${text.slice(0, width - 1)}`);
      };
      draw();
      timer = setInterval(draw, FRAME_MS);
    },
  };
}

/** Breaks a line between words; what follows is set in as far as its text, or its value, was. */
export function wrap(line: string, columns: number): string[] {
  if (line.length <= columns) return [line];
  const [lead = ""] = /^\s*(\S+\s{2,})?/.exec(line) ?? [];
  // In a narrow terminal a deep indent would leave no room for the text.
  const indent = " ".repeat(Math.min(lead.length, Math.floor(columns / 3)));
  const lines: string[] = [];
  let current = lead.trimEnd() === "" ? indent : lead;
  let isEmpty = true;
  for (const word of line.slice(lead.length).split(" ")) {
    if (!isEmpty && current.length + 1 + word.length > columns) {
      lines.push(current);
      current = indent;
      isEmpty = true;
    }
    current += isEmpty ? word : ` ${word}`;
    isEmpty = false;
  }
  return [...lines, current];
}
