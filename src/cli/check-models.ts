/** The part of `check` that asks each model server what it has: with GET, so that it costs nothing. */

import type { ObserverSettings } from "../config/config.ts";
import { DiagnosisError, messageOf } from "../core/errors.ts";
import { MAX_PROMPT_BYTES } from "../diagnosis/prompt.ts";
import { ANSWER_TOKENS } from "../diagnosers/http.ts";
import {
  absence,
  findModel,
  type ListedModel,
  type ListedServer,
  listModels,
} from "../diagnosers/model-list.ts";
import { describePlaceholder, modelServersOf } from "../observer/drivers.ts";

/** A log line has fewer bytes to a token than prose has, which is about four. */
const BYTES_PER_TOKEN = 3;
const PROMPT_TOKENS = Math.ceil(MAX_PROMPT_BYTES / BYTES_PER_TOKEN);

/** None of them is a failure: the playbook answers where no model does. */
interface ModelFinding {
  readonly state: "ok" | "missing";
  readonly what: string;
  readonly text: string;
}

/** One line for Gemini, and one for each local model, or for the server of all of them. */
export async function checkModels(
  settings: ObserverSettings,
  abort: AbortSignal,
): Promise<readonly ModelFinding[]> {
  const servers = modelServersOf(settings);
  const gemini = servers.filter(({ api }) => api === "gemini");
  const local = servers.filter(({ api }) => api !== "gemini");
  const findings = await Promise.all([
    gemini.length === 0
      ? [missing("gemini", `not asked; ${whyNoGemini(settings)}`)]
      : checkServer(
          gemini,
          { what: "gemini", start: "check the network, or GEMINI_BASE_URL" },
          abort,
        ),
    local.length === 0
      ? [missing("local models", "not asked: LOCAL_MODELS is none")]
      : checkServer(
          local,
          { what: "local models", start: "start LM Studio's server, or set LM_STUDIO_URL" },
          abort,
        ),
  ]);
  const { placeholderKeys } = settings;
  const localKey = placeholderKeys.filter((key) => key !== "GEMINI_API_KEY");
  return [...findings.flat(), ...localKey.map((key) => missing("key", describePlaceholder(key)))];
}

function whyNoGemini({ placeholderKeys }: ObserverSettings): string {
  return placeholderKeys.includes("GEMINI_API_KEY")
    ? describePlaceholder("GEMINI_API_KEY")
    : "set GEMINI_API_KEY to ask it first";
}

/** @param servers the models of one server */
async function checkServer(
  servers: readonly ListedServer[],
  { what, start }: { readonly what: string; readonly start: string },
  abort: AbortSignal,
): Promise<readonly ModelFinding[]> {
  const [first] = servers;
  if (first === undefined) return [];
  const nameOf = ({ model }: ListedServer) => (what === "gemini" ? what : `model ${model}`);
  try {
    const models = await listModels(first, abort);
    return servers.map((server) => ({ what: nameOf(server), ...judge(server, models) }));
  } catch (error) {
    const reason = error instanceof DiagnosisError ? error.reason : undefined;
    // A gateway need not list its models, and it may not be a model server at all.
    if (reason === "rejected" || reason === "malformed_answer")
      return servers.map((server) =>
        missing(
          nameOf(server),
          `whether ${server.model} is there is not known: ${messageOf(error)}`,
        ),
      );
    const remedy = reason === "unreachable" ? `; ${start}` : "";
    return [missing(what, messageOf(error) + remedy)];
  }
}

/** Whether the model is there, and large enough. */
function judge(
  server: ListedServer,
  models: readonly ListedModel[],
): Pick<ModelFinding, "state" | "text"> {
  const { host, model } = server;
  const found = findModel(model, models);
  if (found === undefined) return { state: "missing", text: absence(server, models) };
  const { contextTokens } = found;
  if (contextTokens !== undefined && contextTokens < PROMPT_TOKENS + ANSWER_TOKENS)
    return {
      state: "missing",
      text: `${model} is on ${host} with a context of ${contextTokens} tokens, too small: a prompt may take ${PROMPT_TOKENS} and its answer ${ANSWER_TOKENS}; load it with more`,
    };
  const context = contextTokens === undefined ? "" : `, context up to ${contextTokens} tokens`;
  return { state: "ok", text: `${model} is on ${host}${context}` };
}

function missing(what: string, text: string): ModelFinding {
  return { state: "missing", what, text };
}
