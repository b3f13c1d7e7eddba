/** E3: an empty content, and the answer where a reasoning model's thoughts are. */

import { expect, test } from "bun:test";
import { lmstudioDiagnoser } from "../../src/diagnosers/lmstudio.ts";
import { openaiDiagnoser } from "../../src/diagnosers/openai.ts";
import { request } from "../contracts/diagnosis.ts";
import { NEVER } from "../support/fixtures.ts";
import { answerNamed, startDialectServer } from "../support/servers/dialects.ts";

const ask = async (name: string) => {
  const answer = answerNamed(name);
  await using server = startDialectServer({ answer });
  const create = answer.api === "lmstudio" ? lmstudioDiagnoser : openaiDiagnoser;
  return await create({ url: server.url, model: "m" }).diagnose(request, NEVER);
};

test.each([
  "lmstudio-openai-answer-in-reasoning",
  "lmstudio-0.4-answer-in-reasoning",
  "vllm-answer-in-reasoning",
])("E3: %s is read", async (name) => {
  expect(await ask(name)).toMatchObject({ action: "docker-restart", confidence: 0.9 });
});

test("E3: a draft among thoughts that go on is no answer", async () => {
  await expect(ask("lmstudio-openai-thoughts-only")).rejects.toThrow("cut at the limit of tokens");
});
