/** What a model server, or the model behind it, may answer when it is asked for a diagnosis. */

import { endless, json, members, MIB, once } from "./bodies.ts";

export interface ModelInput {
  readonly name: string;
  readonly answer: () => Response;
}

const body = (name: string, make: () => string, status = 200): ModelInput => {
  const made = once(make);
  return { name: `a model: ${name}`, answer: () => json(made(), status) };
};

/** A completion in which the model wrote that. */
export const completion = (content: unknown): string =>
  JSON.stringify({ choices: [{ finish_reason: "stop", message: { content } }] });

const ROOT_CAUSE = { root_cause: "x", action: "docker-restart" };

export const MODEL_ANSWERS: readonly ModelInput[] = [
  body("lists a million deep", () => "[".repeat(MIB - 10)),
  body("lists 500,000 deep, and closed", () => `[${"[".repeat(500_000)}${"]".repeat(500_000)}]`),
  body("330,000 empty objects", () => `{"choices":[${"{},".repeat(330_000)}{}]}`),
  body("75,000 names", () => `{"choices":[{"message":{${members(75_000)}}}]}`),
  body("60,000 braces", () => completion("{".repeat(60_000))),
  body("60,000 braces and quotes", () => completion('{"'.repeat(30_000))),
  body("an answer within 30,000 lists", () =>
    completion(`{"root_cause":${"[".repeat(30_000)}${"]".repeat(30_000)}}`),
  ),
  body("60,000 blanks behind a comma", () =>
    completion(`{"root_cause":"a",${" ".repeat(60_000)}x}`),
  ),
  body("thoughts within thoughts", () => completion("<think>".repeat(9000))),
  body("20,000 parts", () =>
    completion(Array.from({ length: 20_000 }, () => ({ type: "text", text: "{" }))),
  ),
  body("an answer of a megabyte", () =>
    completion(JSON.stringify({ ...ROOT_CAUSE, root_cause: "x".repeat(900_000) })),
  ),
  body("a cause that is Markdown, HTML and escapes", () =>
    completion(
      JSON.stringify({
        ...ROOT_CAUSE,
        root_cause: "\u001b[2J# <b>[a](http://a)`\u202e".repeat(900),
      }),
    ),
  ),
  body(
    "a refusal in a megabyte of words",
    () => `{"error":{"message":"${"<".repeat(900_000)}"}}`,
    400,
  ),
  { name: "a model: without an end", answer: () => endless("[", "{},".repeat(20_000)) },
];
