/** A model that fails, asked over the wire by the driver itself. */

import type { Diagnoser } from "../../src/core/ports.ts";
import { openaiDiagnoser } from "../../src/diagnosers/openai.ts";
import { type OpenAIBehaviour, startOpenAIServer } from "../support/servers/openai.ts";
import type { ModelBehaviour } from "../support/servers/model.ts";
import { diagnoser } from "../support/story.ts";
import { type Case, SECOND, type Stage } from "./stage.ts";

/** For a busy machine; a model that hangs takes this long. */
const DEADLINE_MS = 700;

function modelOf(stage: Stage, failing: ModelBehaviour | OpenAIBehaviour): Diagnoser {
  const start = (behaviour: ModelBehaviour | OpenAIBehaviour) => {
    const server = stage.resources.use(startOpenAIServer({ behaviour }));
    return openaiDiagnoser({ url: server.url, model: "local/model-3b", deadlineMs: DEADLINE_MS });
  };
  const [good, bad] = [start("good"), start(failing)];
  return {
    name: "local/model-3b",
    deadlineMs: DEADLINE_MS,
    async diagnose(request, signal) {
      stage.clock.pass(SECOND);
      return await (stage.fails() ? bad : good).diagnose(request, signal);
    },
  };
}

/** The playbook answers instead, and the alert's rule permits what it proposes. */
const failing = (behaviour: ModelBehaviour | OpenAIBehaviour): Case => ({
  right: "a model is one of several that may be asked: the playbook answers for it",
  build: (stage) => ({ diagnosers: () => [modelOf(stage, behaviour)] }),
  runs: [["docker-restart", 11]],
  ends: ["acted healed"],
  told: { diagnosis_failed: 1 },
});

/** It says what is wrong, and names nothing that may be run: nobody acts over its head. */
const asksForAPerson = (behaviour: ModelBehaviour): Case => ({
  right: "what a model found counts by its root cause, and what it asks for instead is a person's",
  build: (stage) => ({ diagnosers: () => [modelOf(stage, behaviour)] }),
  curedAt: 190,
  runs: [],
  ends: ["held no_action_needed"],
  told: {},
});

export const MODELS = {
  "the model hangs": failing("stall"),
  "the model answers byte by byte": failing("slow_drip"),
  "the model answers 429": failing("rate_limited"),
  "the model answers 500": failing("server_error"),
  "the model refuses the key": failing("unauthorized"),
  "the model answers HTML": failing("html"),
  "the model answers with an empty body": failing("empty_body"),
  "the model answers with an empty text": failing("empty_text"),
  "the model answers with its JSON cut behind the action": {
    ...failing("truncated"),
    right: "what is lost gates nothing",
    told: {},
  },
  "the model answers in prose": failing("prose_only"),
  "the model answers something else": failing("wrong_shape"),
  "the model answers with 10 MB": failing("huge"),
  "the model leaves in the middle of its answer": failing("disconnect"),
  "the model names an id that was not offered": asksForAPerson("unknown_action"),
  "the model names a command of its own": asksForAPerson("forbidden_command"),
  "the model is removed": failing("rejected"),
  "the model answers after the alert has resolved": {
    right: "the alert is evaluated again before the act, and there is nothing left to heal",
    curedAt: 25,
    build: ({ fails }) => ({
      diagnosers: (clock) => [
        {
          name: "slow",
          deadlineMs: 30_000,
          diagnose: (...asked) =>
            diagnoser(clock, { takesMs: fails() ? 29_000 : 1000 }).diagnose(...asked),
        },
      ],
    }),
    runs: [],
    ends: ["skipped alert_resolved"],
    told: {},
  },
} satisfies Record<string, Case>;
