/** Lines in the log, as many and with what text one likes: noise, poison, or a secret to be redacted. */

import { z } from "zod";
import { delay } from "../waiting.ts";
import { defineKind, within } from "./kind.ts";

const MAX_LINES_PER_S = 5000;
const MAX_CHARACTERS = 8192;
const DEFAULT_TEXT = "upstream timed out, retrying";
const STEP_MS = 20;
/** Lines that were missed for longer are not made up for after a pause: they would come as one burst. */
const MAX_ARREARS_S = 0.5;

export const logs = defineKind({
  kind: "logs",
  summary: "Writes so many lines a second to the log, with a text of your choice.",
  example: { rate: 20, text: DEFAULT_TEXT, duration: 30 },
  parameters: () => ({
    rate: within(0.1, MAX_LINES_PER_S, "lines a second").default(10),
    text: z
      .string()
      .min(1)
      .max(MAX_CHARACTERS)
      .default(DEFAULT_TEXT)
      .describe(`a text of 1 to ${MAX_CHARACTERS} characters`),
  }),
  order: ({ rate, text }, { emit }) => ({
    requested: rate,
    unit: "lines a second",
    async inject({ signal, applied, measureBy }) {
      const startMs = performance.now();
      const elapsedS = () => (performance.now() - startMs) / 1000;
      let written = 0;
      let forgiven = 0;
      let lastS = 0;
      // The rate counts the gaps between lines, since the first line comes at once.
      measureBy(() => (lastS === 0 ? undefined : (written - 1) / lastS));
      applied();
      for (;;) {
        const nowS = elapsedS();
        const arrears = nowS * rate + 1 - written - forgiven;
        const most = Math.max(1, rate * MAX_ARREARS_S);
        forgiven += Math.max(0, Math.floor(arrears - most));
        for (let due = Math.floor(Math.min(arrears, most)); due > 0; due -= 1) {
          // The name is one that an application would use: what is read must not give the fault away.
          emit("error", "application_error", { message: text });
          written += 1;
          if (written > 1) lastS = nowS;
        }
        await delay(STEP_MS, signal);
      }
    },
  }),
});
