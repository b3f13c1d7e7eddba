import { describe, expect, test } from "bun:test";
import { chooseWatched, MAX_CONTAINERS } from "./container-list.ts";

const HEAL = { "sentinel.heal": "true" };
const wanted = { names: ["web"], label: "sentinel.heal=true" };

function entry(Names: unknown, Labels: unknown = HEAL, Id = "0123456789abcdef") {
  return { Id, Names, Labels };
}

function choose(...listed: readonly unknown[]) {
  const { watched, problems } = chooseWatched(listed, wanted);
  return { names: watched.map(({ name }) => name), problems };
}

describe("names", () => {
  test.each<[string, unknown, string[]]>([
    ["its own behind links of others to it", ["/aaa-front/db", "/sick"], ["sick"]],
    ["its own in front of them", ["/sick", "/aaa-front/db"], ["sick"]],
    ["without a slash", ["sick"], ["sick"]],
    ["as long as they may be", [`/${"a".repeat(128)}`], ["a".repeat(128)]],
  ])("%s", (_, names, expected) => {
    expect(choose(entry(names))).toEqual({ names: expected, problems: [] });
  });

  test.each<[string, unknown, string, RegExp]>([
    ["none but links", ["/aaa-front/db"], "0123456789ab", /it has no name/],
    ["null", null, "0123456789ab", /it has no name/],
    ["empty", [], "0123456789ab", /it has no name/],
    ["a character too long", [`/${"a".repeat(129)}`], `${"a".repeat(79)}…`, /of 129 characters/],
    ["that could be an option", ["/-x"], "-x", /is none that Sentinel can use/],
    ["that could end a label", ['/a"b'], 'a"b', /is none that Sentinel can use/],
    ["that could end a line", ["/a\nb"], "a\\nb", /is none that Sentinel can use/],
  ])("%s: named with why, and the others go on", (_, names, container, why) => {
    expect(choose(entry(names), entry(["/well"]))).toEqual({
      names: ["well"],
      problems: [{ service: container, why: expect.stringMatching(why) }],
    });
  });

  test("one that is not watched may be called anything", () => {
    expect(choose(entry(["/a b"], {}), entry(null, null))).toEqual({ names: [], problems: [] });
  });

  test("of two with one name the first is watched: series are told apart by it", () => {
    expect(choose(entry(["/a"], HEAL, "1"), entry(["/a"], HEAL, "2"))).toEqual({
      names: ["a"],
      problems: [{ service: "a", why: expect.stringContaining("the same name") }],
    });
  });
});

describe("what Compose leaves behind", () => {
  const compose = { "com.docker.compose.project": "shop" };

  test("is not taken for a service, and said of the one that it stands for", () => {
    const { names, problems } = choose(entry(["/0123456789ab_web"], { ...HEAL, ...compose }));
    expect(names).toEqual([]);
    expect(problems.map(({ service }) => service)).toEqual(["0123456789ab_web", "web"]);
    expect(problems[1]?.why).toStartWith("its container is 0123456789ab_web: Compose is replacing");
  });

  test("says nothing of a service that is there", () => {
    const leftOver = entry(["/0123456789ab_web"], compose);
    expect(choose(leftOver, entry(["/web"], {}))).toEqual({ names: ["web"], problems: [] });
  });

  test.each([
    ["of somebody who likes such names", "0123456789ab_web", HEAL],
    ["with eleven digits", "0123456789a_web", { ...HEAL, ...compose }],
  ])("is not a container %s", (_, name, labels) => {
    expect(choose(entry([`/${name}`], labels)).names).toEqual([name]);
  });
});

describe("a task of an orchestrator", () => {
  test.each([
    ["runs", "running", ["task"]],
    ["has ended: another was started in its place", "exited", []],
    ["has not begun", "created", []],
  ])("%s", (_, State, expected) => {
    const labels = { ...HEAL, "com.docker.swarm.task.id": "x" };
    expect(choose({ ...entry(["/task"], labels), State })).toEqual({
      names: expected,
      problems: [],
    });
  });
});

test.each([null, 1, {}, { Id: 1 }, { Id: "a", Names: "x" }, { Id: "a", Labels: { a: 1 } }])(
  "an entry like %j hides no other",
  (odd) => {
    const { names, problems } = choose(odd, entry(["/well"]));
    expect(names).toEqual(["well"]);
    expect(problems).toHaveLength(1);
  },
);

test("with one too many the services of the settings come first, and the last is named", () => {
  const labelled = Array.from({ length: MAX_CONTAINERS }, (_, at) => entry([`/c${at}`]));
  const { names, problems } = choose(...labelled, entry(["/web"], {}));
  expect(names).toHaveLength(MAX_CONTAINERS);
  expect(names[0]).toBe("web");
  expect(problems).toEqual([
    { service: `c${MAX_CONTAINERS - 1}`, why: expect.stringContaining("HEAL_LABEL") },
  ]);
});
