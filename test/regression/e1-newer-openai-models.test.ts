/** E1: what a model refuses of a request is left out of the next one, and that is kept. */

import { expect, test } from "bun:test";
import { z } from "zod";
import { openaiDiagnoser } from "../../src/diagnosers/openai.ts";
import { request } from "../contracts/diagnosis.ts";
import { NEVER } from "../support/fixtures.ts";
import { answerNamed, startDialectServer } from "../support/servers/dialects.ts";

const bodies = (posted: readonly string[]) =>
  posted.map((body) => z.record(z.string(), z.unknown()).parse(JSON.parse(body)));

test("E1: max_completion_tokens, and no temperature, after it was refused; and no refusal the next time", async () => {
  await using server = startDialectServer({ answer: answerNamed("openai-gpt-5") });
  const diagnoser = openaiDiagnoser({ url: server.url, model: "gpt-5.4", apiKey: "k" });
  expect((await diagnoser.diagnose(request, NEVER)).action).toBe("docker-restart");
  expect((await diagnoser.diagnose(request, NEVER)).action).toBe("docker-restart");
  const sent = bodies(server.posted);
  expect(sent).toHaveLength(5);
  expect(sent[0]).toMatchObject({ max_tokens: 2048, temperature: 0 });
  for (const body of sent.slice(3)) {
    expect(body).toHaveProperty("max_completion_tokens");
    expect(body).not.toHaveProperty("max_tokens");
    expect(body).not.toHaveProperty("temperature");
    // The schema stays, without what the strict mode does not permit.
    expect(JSON.stringify(body["response_format"])).toContain('"maxItems"');
    expect(JSON.stringify(body["response_format"])).not.toContain("maxLength");
  }
});

test("E1: a server of the usual kind is asked once, as before", async () => {
  await using server = startDialectServer({ answer: answerNamed("llama-cpp") });
  const diagnoser = openaiDiagnoser({ url: server.url, model: "q" });
  await diagnoser.diagnose(request, NEVER);
  expect(bodies(server.posted)).toMatchObject([
    { max_tokens: 2048, temperature: 0, response_format: { type: "json_schema" } },
  ]);
});

test("E1: what one model refuses is sent to another all the same", async () => {
  await using server = startDialectServer({ answer: answerNamed("openai-gpt-5") });
  for (const model of ["a", "b"])
    await openaiDiagnoser({ url: server.url, model }).diagnose(request, NEVER);
  expect(bodies(server.posted)[4]).toMatchObject({ model: "b", max_tokens: 2048 });
});

test("E1: a refusal that has another cause changes nothing", async () => {
  const refused = { error: { message: "Insufficient balance for max_tokens and temperature." } };
  const answer = { ...answerNamed("openai-gpt-4o"), status: 402, answer: refused, refuses: [] };
  await using server = startDialectServer({ answer });
  const diagnoser = openaiDiagnoser({ url: server.url, model: "m" });
  await expect(diagnoser.diagnose(request, NEVER)).rejects.toThrow("Insufficient balance");
  expect(server.posted).toHaveLength(1);
});
