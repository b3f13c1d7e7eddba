/** Names and labels that whoever may start a container may give it; the engine itself refuses some. */

import { json, list, once } from "./bodies.ts";
import type { EngineInput } from "./engine-answers.ts";
import { listed, WELL } from "./engine.ts";

/** What is listed beside the well container. Of whatever else is asked of them the engine knows nothing. */
const named = (name: string, make: () => readonly unknown[]): EngineInput => {
  const body = once(() => JSON.stringify([listed(WELL), ...make()]));
  return { name, answer: (path) => (path === "/containers/json" ? json(body()) : undefined) };
};
const many = (count: number, nameOf: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => listed(nameOf(index)));

let looks = 0;

export const NAMES: readonly EngineInput[] = [
  named("5,000 containers", () => many(5000, (i) => `box-${i}`)),
  named("5,000 names of control characters", () => many(5000, (i) => `\u001b[2J\r\n\u0000${i}`)),
  named("5,000 names of Markdown", () => many(5000, (i) => `[${i}](http://a) \`# <b>|**_`)),
  named("5,000 names of shell words", () => many(5000, (i) => `$(reboot);"'\`rm -rf ~\` --${i}`)),
  named("20 names of 300 kB", () => many(20, (i) => `${"x".repeat(300_000)}${i}`)),
  named("20 names that turn what is read around", () => many(20, (i) => `\u202e\ud800\u2028${i}`)),
  named("5,000 containers of one name", () => many(5000, () => "same")),
  named("5,000 left behind by Compose", () =>
    Array.from({ length: 5000 }, (_, i) => {
      const Labels = { "sentinel.bounds": "1", "com.docker.compose.project": "a" };
      return listed(`${i.toString(16).padStart(12, "0")}_box-${i}`, { Labels });
    }),
  ),
  named("5,000 names that no name may have", () =>
    many(5000, (i) => ["__proto__", "constructor", "..", "-rf", ""][i % 5] ?? ""),
  ),
  {
    name: "150 other containers at each look",
    answer(path) {
      if (path !== "/containers/json") return undefined;
      looks += 1;
      return json(list(151, (i) => listed(i === 0 ? WELL : `box-${looks}-${i}`)));
    },
  },
  {
    name: "4,000 other names that cannot be used, at each look",
    answer(path) {
      if (path !== "/containers/json") return undefined;
      looks += 1;
      return json(list(4001, (i) => listed(i === 0 ? WELL : `no ${looks} ${i}`)));
    },
  },
];
