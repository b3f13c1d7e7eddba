/** E6: Gemini's stable Flash of today is the default and is asked as its family wants it; a model that is
 * gone is answered with those there; LM Studio's chat of older versions is read. */

import { expect, test } from "bun:test";
import { SETTINGS } from "../../src/config/keys.ts";
import { geminiDiagnoser } from "../../src/diagnosers/gemini.ts";
import { lmstudioDiagnoser } from "../../src/diagnosers/lmstudio.ts";
import { openaiDiagnoser } from "../../src/diagnosers/openai.ts";
import { request } from "../contracts/diagnosis.ts";
import { NEVER } from "../support/fixtures.ts";
import { answerNamed, listNamed, startDialectServer } from "../support/servers/dialects.ts";
import { startOpenAIServer } from "../support/servers/openai.ts";

const model = SETTINGS.GEMINI_MODEL.fallback;

test("E6: the default is asked with a level of thinking and no temperature", async () => {
  await using server = startDialectServer({ answer: answerNamed("gemini-3.8-flash") });
  const diagnoser = geminiDiagnoser({ apiKey: "k", model, baseUrl: server.url });
  expect(await diagnoser.diagnose(request, NEVER)).toMatchObject({ action: "docker-restart" });
  expect(model).toBe("gemini-3.8-flash");
  const [sent = ""] = server.posted;
  expect(sent).toContain('"thinkingLevel":"LOW"');
  expect(sent).not.toMatch(/temperature|thinkingBudget/);
});

test("E6: a model that is gone, with those that there are", async () => {
  const answer = answerNamed("gemini-gone");
  await using server = startDialectServer({ answer, list: listNamed("gemini") });
  const diagnoser = geminiDiagnoser({
    apiKey: "k",
    model: "gemini-2.5-flash",
    baseUrl: server.url,
  });
  await expect(diagnoser.diagnose(request, NEVER)).rejects.toThrow(
    `${new URL(server.url).host} has no model gemini-2.5-flash; set GEMINI_MODEL to what it has: gemini-3.8-flash, gemini-3.5-flash-lite, gemini-4-neon`,
  );
  expect(server.posted).toHaveLength(1);
});

test("E6: of many names those most alike are told, and of a model that is there the server's own words", async () => {
  const models = Array.from({ length: 40 }, (_, n) => `other-${n}`);
  await using server = startOpenAIServer({
    behaviour: "rejected",
    models: [...models, "qwen/qwen3-vl-4b"],
  });
  const failure = (name: string) =>
    openaiDiagnoser({ url: server.url, model: name })
      .diagnose(request, NEVER)
      .then(String, (error: Error) => error.message);
  const said = await failure("qwen/qwen3-4b");
  expect(said).toContain("to what it has: qwen/qwen3-vl-4b, other-39, ");
  expect(said).toEndWith(" and 33 more");
  expect(await failure("qwen/qwen3-vl-4b")).toContain("404 from");
});

test.each(["choices", "response", "message", "message-object"])(
  "E6: LM Studio's /api/v1/chat that answers with %s",
  async (form) => {
    const answer = answerNamed(`lmstudio-before-0.4-${form}`);
    await using server = startDialectServer({ answer });
    const url = `${server.url}/api/v1/chat`;
    const diagnoser = lmstudioDiagnoser({ url, model: "mistralai/ministral-3-3b" });
    expect(await diagnoser.diagnose(request, NEVER)).toMatchObject({ action: "docker-restart" });
  },
);
