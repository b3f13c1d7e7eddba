import { describe, expect, test } from "bun:test";
import type { ContainerSetup, RuntimeEvent } from "../../core/evidence.ts";
import { changesOf, type SeenSetup, withSetup } from "./changes.ts";

const HOUR_MS = 3_600_000;

function setup(changes: Partial<ContainerSetup> = {}): ContainerSetup {
  return {
    containerId: "a",
    createdAtMs: 1000,
    image: "shop:1",
    imageId: "sha256:1111111111112222",
    commandHash: "c",
    mountsHash: "m",
    environment: new Map([["DB_URL", "h1"]]),
    limits: {},
    networks: ["net"],
    project: undefined,
    needs: [],
    namedHosts: [],
    ...changes,
  };
}

const event = (atMs: number, action: string, more: Partial<RuntimeEvent> = {}): RuntimeEvent => ({
  atMs,
  action,
  image: "shop:1",
  ...more,
});

interface Given {
  readonly seen?: readonly SeenSetup[];
  readonly events?: readonly RuntimeEvent[];
  readonly records?: Parameters<typeof changesOf>[0]["records"];
  readonly sinceMs?: number;
}

const told = ({ seen = [], events = [], records = [], sinceMs = 0 }: Given) =>
  changesOf({ setups: seen, events, records, sinceMs }).told.map(
    ({ atMs, kind, what }) => `${atMs} ${kind}: ${what}`,
  );

const twoLooks = (after: Partial<ContainerSetup>): readonly SeenSetup[] => [
  { seenAtMs: 2000, setup: setup() },
  { seenAtMs: 9000, setup: setup(after) },
];

describe("between two looks", () => {
  const anew = { containerId: "b", createdAtMs: 5000 };
  test.each([
    [
      "another image, at the time at which the container was made",
      { ...anew, image: "shop:2", imageId: "sha256:3333333333334444" },
      ["5000 deploy: its image changed from shop:1 (111111111111) to shop:2 (333333333333)"],
    ],
    [
      "names of the environment, and no value",
      {
        ...anew,
        environment: new Map([
          ["DB_URL", "h2"],
          ["NEW", "h"],
        ]),
      },
      ["5000 config: its environment changed: NEW added, DB_URL set otherwise"],
    ],
    [
      "a name that is gone",
      { ...anew, environment: new Map<string, string>() },
      ["5000 config: its environment changed: DB_URL removed"],
    ],
    ["another command", { ...anew, commandHash: "d" }, ["5000 config: its command changed"]],
    ["other volumes", { ...anew, mountsHash: "d" }, ["5000 config: its volumes changed"]],
    [
      "limits, on the same container, at the time of the look",
      { limits: { memoryBytes: 64 } },
      ["9000 config: its limits changed: memoryBytes from none to 64"],
    ],
    [
      "networks",
      { networks: ["other"] },
      ["9000 network: it left the network net", "9000 run: it joined the network other"],
    ],
    [
      "nothing but the container",
      anew,
      ["5000 created: its container was made anew, set up as before"],
    ],
  ] as const)("%s", (_, after, expected) => {
    expect(told({ seen: twoLooks(after) })).toEqual([...expected]);
  });

  test("a container that is as it was is not remembered twice", () => {
    const once = withSetup([], setup(), 1);
    expect(withSetup(once, setup(), 2)).toBe(once);
    expect(withSetup(once, setup({ commandHash: "d" }), 2)).toHaveLength(2);
    expect(withSetup(once, setup({ containerId: "b" }), 2)).toHaveLength(2);
  });
});

describe("by the engine's events", () => {
  test("a restart is one thing, and its steps are none", () => {
    const steps = ["kill", "die", "stop", "start"].map((action, at) => event(1000 + at, action));
    expect(told({ events: [...steps, event(1004, "restart")] })).toEqual([
      "1004 run: somebody restarted it",
    ]);
  });

  test("what Sentinel did is its own, and nobody else's", () => {
    const records = [{ action: { id: "docker-restart", argv: [] }, intentAtMs: 900 }];
    const events = [event(1000, "die"), event(1500, "restart"), event(HOUR_MS, "restart")];
    expect(told({ events, records })).toEqual([
      "900 action: Sentinel ran docker-restart",
      `${HOUR_MS} run: somebody restarted it`,
    ]);
  });

  test.each([
    ["another image", { image: "shop:2" }, "deploy: its image changed from shop:1 to shop:2"],
    ["another image of that name", { imageId: "y" }, "deploy: its image shop:1 is another one"],
    [
      "other settings in Compose",
      { configHash: "y" },
      "config: its settings in the Compose file changed",
    ],
    ["the same", {}, "created: its container was made anew"],
  ])("a container made anew of %s", (_, more, expected) => {
    const known = { imageId: "x", configHash: "x" };
    const events = [
      event(1000, "create", known),
      event(60_000, "kill"),
      event(60_100, "die"),
      event(60_200, "destroy"),
      event(60_300, "create", { ...known, ...more }),
      event(60_400, "start"),
    ];
    expect(told({ events, sinceMs: 2000 })).toEqual([`60300 ${expected}`]);
  });

  test("an image that a look has seen to change is told once", () => {
    const anew = { containerId: "b", createdAtMs: 60_300, imageId: "sha256:3" };
    const events = [event(1000, "create"), event(60_310, "create")];
    expect(told({ seen: twoLooks(anew), events, sinceMs: 2000 })).toHaveLength(1);
  });

  test("a network is left by somebody, or by the engine at the container's end", () => {
    const off = (atMs: number) => event(atMs, "disconnect", { network: "net" });
    expect(
      told({ events: [event(1000, "die", { exitCode: 1 }), off(1100), off(9000), off(9001)] }),
    ).toEqual([
      "1000 run: it ended with exit code 1",
      "9000 network: somebody took it off the network net",
    ]);
    expect(told({ seen: twoLooks({ networks: [] }), events: [off(3000)] })).toEqual([
      "3000 network: somebody took it off the network net",
    ]);
  });

  test("words that are not known are no changes", () => {
    expect(told({ events: [event(1, "exec_create: sh"), event(2, "constructor")] })).toEqual([]);
  });

  test("of very many the newest are told, and the rest is counted", () => {
    const events = Array.from({ length: 100 }, (_, at) => event(at * HOUR_MS, "pause"));
    const { told: kept, leftOut } = changesOf({ setups: [], events, records: [], sinceMs: 0 });
    expect(kept.length + leftOut).toBe(100);
    expect(kept.at(-1)?.atMs).toBe(99 * HOUR_MS);
  });
});
