import { expect, test } from "bun:test";
import { createPlatformNotices } from "./platform-notices.ts";

test("each thing is told once, and again when it is over", () => {
  let error: string | undefined;
  let problems = [{ service: "a", why: "odd" }];
  const said: string[] = [];
  const tell = createPlatformNotices((text) => said.push(text));
  const look = () => tell({ error, problems });
  const toldBy = () => {
    look();
    return said.splice(0);
  };
  expect(toldBy()).toEqual(["container a is left out: odd"]);
  expect(toldBy()).toEqual([]);
  problems = [...problems, { service: "b", why: "odd too" }];
  expect(toldBy()).toEqual(["container b is left out: odd too"]);
  error = "no answer";
  problems = [];
  expect(toldBy()).toEqual(["no answer"]);
  error = undefined;
  expect(toldBy()).toEqual([
    "it answers again",
    "container a is no longer left out",
    "container b is no longer left out",
  ]);
  expect(toldBy()).toEqual([]);
});

test("of thousands at once the first ones are told by name, and the others by their number", () => {
  let problems = Array.from({ length: 5000 }, (_, i) => ({ service: `c${i}`, why: "odd" }));
  const said: string[] = [];
  const tell = createPlatformNotices((text) => said.push(text));
  const look = () => tell({ error: undefined, problems });
  look();
  expect(said).toHaveLength(21);
  expect(said.splice(0).at(-1)).toBe("4980 more containers are left out");
  look();
  expect(said).toEqual([]);
  problems = problems.slice(0, 1);
  look();
  expect(said).toHaveLength(21);
  expect(said.at(-1)).toBe("4979 more are no longer left out");
});
