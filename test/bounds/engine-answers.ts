/** What a Docker engine, or whoever poses as one, may answer when it is asked for containers. */

import { endless, json, list, members, MIB, once, silent } from "./bodies.ts";
import { type EngineAnswer, inspected, listed, WELL } from "./engine.ts";

export interface EngineInput {
  readonly name: string;
  readonly answer: EngineAnswer;
}

const at = (path: string, name: string, make: () => Response): EngineInput => ({
  name,
  answer: (asked) => (asked === path ? make() : undefined),
});
const LIST = "/containers/json";
const listing = (name: string, make: () => string): EngineInput => {
  const body = once(make);
  return at(LIST, name, () => json(body()));
};

/** 150 containers beside the well one, each of which is inspected with that answer. */
const inspecting = (name: string, make: () => string, ending = "/json"): EngineInput => {
  const body = once(make);
  const containers = once(() => list(151, (i) => listed(i === 0 ? WELL : `bounds-${i}`)));
  const wellId = listed(WELL).Id;
  return {
    name,
    answer(path) {
      if (path === LIST) return json(containers());
      if (path.includes(wellId)) return undefined;
      if (path.endsWith(ending)) return json(body());
      return path.endsWith("/json") ? json(JSON.stringify(inspected("bounds-1"))) : undefined;
    },
  };
};

export const ENGINE_ANSWERS: readonly EngineInput[] = [
  listing("a list within a list, 4 million deep", () => "[".repeat(4 * MIB)),
  listing("a list of 2 million empty objects", () => `[${"{},".repeat(2 * MIB)}{}]`),
  listing("a container of 400,000 labels", () =>
    JSON.stringify([listed(WELL), "@"]).replace('"@"', `{"Id":"a","Labels":{${members(400_000)}}}`),
  ),
  listing("a container of 400,000 names", () =>
    JSON.stringify([listed(WELL), { Id: "a", Names: Array(400_000).fill("/a") }]),
  ),
  listing("a container's label of 7 MB", () =>
    JSON.stringify([listed(WELL), listed("b", { Labels: { a: "x".repeat(7 * MIB) } })]),
  ),
  listing("a list of everything but containers", () =>
    JSON.stringify([
      ...[null, 1, "a", [], {}, { Id: 1 }, { Id: "a", Names: "b" }, { Id: "a", Labels: [] }],
      ...Array.from({ length: 20_000 }, () => ({ Id: "a", Labels: { a: 1 } })),
      listed(WELL),
    ]),
  ),
  listing("an object in place of the list", () => `{"message":{${members(300_000)}}}`),
  at(LIST, "a list without an end", () => endless("[", "{},".repeat(20_000))),
  at(LIST, "a list of which a byte comes now and then", () => endless("[", " ", 20)),
  at(LIST, "no list at all", silent),
  (() => {
    const page = once(() => "<".repeat(7 * MIB));
    return at(LIST, "a refusal of 7 MB of angle brackets", () => json(page(), 500));
  })(),
  (() => {
    const words = once(() => JSON.stringify({ message: "\u001b[2J pass=a\n".repeat(400_000) }));
    return at(LIST, "a refusal in 7 MB of words", () => json(words(), 500));
  })(),
  inspecting("150 containers, each of 7 MB", () =>
    JSON.stringify(inspected("b", { Args: ["x".repeat(7 * MIB)] })),
  ),
  inspecting("150 containers, each 500,000 lists deep", () => "[".repeat(500_000)),
  inspecting("150 containers of wrong types", () =>
    JSON.stringify({ RestartCount: "1", State: { Running: [], Health: 1 }, Id: {} }),
  ),
  inspecting(
    "150 containers that use 500,000 kinds of memory",
    () => `{"memory_stats":{"stats":{${members(500_000)}}}}`,
    "/stats",
  ),
];
