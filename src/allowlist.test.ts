import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  ACTION_IDS,
  type ActionId,
  actionIdsOf,
  type Allowlist,
  allowlistFor,
  type ComposeService,
  defaultActions,
  isServiceName,
  matchAction,
  offeredActions,
  whyNotComposeService,
} from "./allowlist.ts";
import { actionStrings, INSERTIONS } from "../test/support/action-strings.ts";

const SERVICE = "sentinel-target-api";
const COMPOSE: ComposeService = { project: "shop", service: "api", files: ["/srv/compose.yaml"] };
const contained = allowlistFor(SERVICE);
const composed = allowlistFor(SERVICE, {
  platform: "docker",
  usesCompose: true,
  compose: COMPOSE,
});
const supervised = allowlistFor(SERVICE, { platform: "process" });
/** Every id at once, as no service has it: the widest that a text could match. */
const allowlist: Allowlist = { ...composed, ...supervised };

/** Written out, not taken from the table: these, and nothing else. */
const ACCEPTED = {
  "docker-restart": "docker-restart",
  "docker-stop": "docker-stop",
  "compose-service-restart": "compose-service-restart",
  "compose-service-up": "compose-service-up",
  "compose-restart": "compose-restart",
  "compose-stop": "compose-stop",
  "compose-up": "compose-up",
  "docker-compose restart": "compose-restart",
  "docker-compose stop": "compose-stop",
  "docker-compose up -d": "compose-up",
  "docker compose restart": "compose-restart",
  "docker compose stop": "compose-stop",
  "docker compose up -d": "compose-up",
  "docker restart sentinel-target-api": "docker-restart",
  "docker stop sentinel-target-api": "docker-stop",
  "supervisor-restart": "supervisor-restart",
  "supervisor-stop": "supervisor-stop",
  "supervisor-start": "supervisor-start",
} as const;
const SPELLINGS = Object.keys(ACCEPTED);

const ARGV = {
  "docker-restart": ["docker", "restart", "sentinel-target-api"],
  "docker-stop": ["docker", "stop", "sentinel-target-api"],
  "compose-service-restart": [
    ...["docker", "compose", "-p", "shop", "-f", "/srv/compose.yaml"],
    ...["restart", "--no-deps", "api"],
  ],
  "compose-service-up": [
    ...["docker", "compose", "-p", "shop", "-f", "/srv/compose.yaml"],
    ...["up", "-d", "--no-deps", "api"],
  ],
  "compose-restart": ["docker", "compose", "restart"],
  "compose-stop": ["docker", "compose", "stop"],
  "compose-up": ["docker", "compose", "up", "-d"],
  "supervisor-restart": ["supervisor", "restart"],
  "supervisor-stop": ["supervisor", "stop"],
  "supervisor-start": ["supervisor", "start"],
} as const;

describe("accepted", () => {
  test.each(Object.entries(ACCEPTED))("%s is %s", (text, id) => {
    const action = matchAction(allowlist, text);
    expect(action?.id).toBe(id);
    expect(action?.argv).toEqual(ARGV[id]);
  });

  test("the table has these spellings and no other", () => {
    const all = offeredActions(allowlist).flatMap(({ spellings }) => spellings);
    expect(all.toSorted()).toEqual(SPELLINGS.toSorted());
  });

  test("the table has these commands and no other", () => {
    const all = offeredActions(allowlist).map(({ id, argv }) => [id, argv]);
    expect(Object.fromEntries(all)).toEqual(ARGV);
  });

  test("only a stop takes the service down", () => {
    const stops = offeredActions(allowlist).filter(({ stopsService }) => stopsService);
    expect(stops.map(({ id }) => id)).toEqual(["docker-stop", "compose-stop", "supervisor-stop"]);
  });

  test("only what names no service acts on others", () => {
    const wide = offeredActions(allowlist).filter((action) => action.touchesOthers);
    expect(wide.map(({ id }) => id)).toEqual(["compose-restart", "compose-stop", "compose-up"]);
  });

  test("another service has the same ids and its own name in the command", () => {
    const other = allowlistFor("other-api");
    expect(matchAction(other, "docker restart other-api")?.argv).toEqual([
      "docker",
      "restart",
      "other-api",
    ]);
    expect(matchAction(other, "docker restart sentinel-target-api")).toBeUndefined();
  });
});

describe("offered", () => {
  test.each<{ readonly name: string; readonly table: Allowlist; readonly by: readonly string[] }>([
    { name: "made by Compose: docker's and compose's", table: composed, by: ["docker", "compose"] },
    { name: "under the supervisor: its own alone", table: supervised, by: ["supervisor"] },
    {
      name: "without Compose: docker's alone",
      table: allowlistFor("a", { platform: "docker" }),
      by: ["docker"],
    },
    {
      name: "by Compose alone, without its whole project: one service",
      table: allowlistFor("a", { platform: "docker", compose: COMPOSE }),
      by: ["docker", "compose-service"],
    },
  ])("$name", ({ table, by }) => {
    const expected = ACTION_IDS.filter((id) => by.some((start) => id.startsWith(`${start}-`)));
    expect(offeredActions(table).map(({ id }) => id)).toEqual(expected);
    expect(Object.keys(table).toSorted()).toEqual(expected.toSorted());
  });

  test("in a container that Compose has not made: nothing that runs one Compose service", () => {
    const all = offeredActions(composed).map(({ id }) => id);
    const without = all.filter((id) => !id.startsWith("compose-service-"));
    expect(offeredActions(contained).map(({ id }) => id)).toEqual(without);
    expect(all.length - without.length).toBe(2);
  });

  test("what is not offered is refused, by its id and by its command", () => {
    for (const [text, id] of Object.entries(ACCEPTED)) {
      const isSupervisors = id.startsWith("supervisor-");
      expect(matchAction(composed, text)?.id).toBe(isSupervisors ? undefined : id);
      if (id.startsWith("compose-service-")) expect(matchAction(contained, text)).toBeUndefined();
      expect(matchAction(supervised, text)?.id).toBe(isSupervisors ? id : undefined);
    }
  });
});

test.each([
  ["nothing", ""],
  ["a space behind it", "docker compose restart "],
  ["a space in front of it", " docker compose restart"],
  ["a tab between", "docker\tcompose restart"],
  ["a newline behind it", "docker compose restart\n"],
  ["capitals", "Docker Compose Restart"],
  ["a second command", "docker compose restart; rm -rf /"],
  ["a second command when the first succeeds", "docker compose restart && id"],
  ["a pipe", "docker compose restart | sh"],
  ["a substitution", "docker restart $(id)"],
  ["an option", "docker compose restart --help"],
  ["another Compose file", "docker compose -f evil.yaml restart"],
  ["another container", "docker restart sentinel-target-api2"],
  ["a container too many", "docker restart sentinel-target-api other"],
  ["a part of one", "docker compose up"],
  ["a Cyrillic о", "dоcker compose restart"],
  ["full-width letters", "ｄocker compose restart"],
  ["a zero-width space", "docker compose\u200b restart"],
  ["a no-break space", "docker\u00a0compose restart"],
  ["a command nobody allowed", "docker rm -f sentinel-target-api"],
  ["a property of every object", "constructor"],
  ["the command that runs one Compose service", ARGV["compose-service-restart"].join(" ")],
  ["the id with its Compose service", "compose-service-restart api"],
  ["the id for a verb it has not", "compose-service-stop"],
  ["a part of the id", "compose-service"],
  ["the id of another order", "compose-up-service"],
  ["an underscore in the id", "compose_service_up"],
  ["a command on one service that is not the table's", "docker compose restart api"],
  ["the supervisor's command in words", "supervisor restart"],
  ["the supervisor's id with a service", "supervisor-restart sentinel-target-api"],
  ["the supervisor's id for a verb it has not", "supervisor-up"],
  ["a capital in the supervisor's id", "Supervisor-restart"],
  ["an underscore in the supervisor's id", "supervisor_restart"],
])("%s is refused", (_, text) => {
  expect(matchAction(allowlist, text)).toBeUndefined();
});

const anything = actionStrings(SPELLINGS);
const RUNS = 200_000;
const SEED = 20_250_101;

test("of 200,000 generated strings none runs that is not an accepted spelling", () => {
  const accepted = new Map<string, ActionId>(Object.entries(ACCEPTED));
  let tried = 0;
  let equal = 0;
  const different = new Set<string>();
  fc.assert(
    fc.property(anything, (text) => {
      const id = accepted.get(text);
      tried += 1;
      if (id === undefined) different.add(text);
      else equal += 1;
      expect(matchAction(allowlist, text)?.id).toBe(id);
      expect(matchAction(supervised, text)?.id).toBe(
        id?.startsWith("supervisor-") ? id : undefined,
      );
    }),
    { numRuns: RUNS, seed: SEED },
  );
  console.log(
    `allowlist: ${tried} strings tried, ${different.size} different ones refused, ${equal} were an accepted spelling`,
  );
  expect(different.size).toBeGreaterThanOrEqual(100_000);
  // The mutations stay near enough to come back to what is accepted, so a lax match would show.
  expect(equal).toBeGreaterThan(0);
}, 60_000);

test.each([
  ["a", true],
  ["sentinel-target-api", true],
  ["Web_1.prod-2", true],
  ["1", true],
  ["a".repeat(128), true],
  ["a".repeat(129), false],
  ["", false],
  ["-rm", false],
  ["--help", false],
  [".hidden", false],
  ["_api", false],
  ["a/b", false],
  ["a b", false],
  ["a\n", false],
  ["\na", false],
  ["a\0", false],
  ["a;id", false],
  ["$(id)", false],
  ["аpi", false],
  ["api*", false],
])("%j as the name of a service: %p", (name, isValid) => {
  expect(isServiceName(name)).toBe(isValid);
  const build = () => allowlistFor(name);
  if (isValid) expect(build).not.toThrow();
  else
    expect(build).toThrow(
      new RangeError(
        `service name ${JSON.stringify(name)} must match ^[a-zA-Z0-9][a-zA-Z0-9_.-]*$`,
      ),
    );
});

/** What Compose writes for its services, and what it never would. */
const composeName = fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,20}$/);
const absolutePath = fc
  .array(fc.stringMatching(/^[a-zA-Z0-9 ._-]{1,12}$/), { minLength: 1, maxLength: 4 })
  .map((parts) => `/${parts.join("/")}`);
const composeService: fc.Arbitrary<ComposeService> = fc.record(
  {
    project: composeName,
    service: fc.stringMatching(/^[a-zA-Z0-9._][a-zA-Z0-9._-]{0,20}$/),
    files: fc.array(absolutePath, { minLength: 1, maxLength: 4 }),
    projectFolder: absolutePath,
    envFiles: fc.array(absolutePath, { maxLength: 3 }),
  },
  { requiredKeys: ["project", "service", "files"] },
);
/** Nearly a name or a path: with something put in, in front, or in place of it. */
const spoiled = fc.oneof(
  fc.constantFrom("", "-", "--help", "-rf", "..", "a b", "$(id)", "`id`", "a;id", "a|b", "*", "~"),
  fc.constantFrom(...INSERTIONS),
  fc.tuple(fc.constantFrom(...INSERTIONS), composeName).map(([piece, name]) => piece + name),
  fc.string({ unit: "binary", maxLength: 10 }),
);

describe("one Compose service", () => {
  const PLACES = ["project", "service", "files", "folder", "envFiles"] as const;
  const OPTIONS = ["-p", "-f", "--env-file", "--project-directory", "-d", "--no-deps"];

  test("whatever it is called, its command names it alone and no text of it is an option", () => {
    fc.assert(
      fc.property(composeService, (compose) => {
        const table = allowlistFor("svc", { platform: "docker", compose });
        for (const [id, verb] of [
          ["compose-service-restart", "restart"],
          ["compose-service-up", "up"],
        ] as const) {
          const { argv = [], spellings } = table[id] ?? {};
          expect(spellings).toEqual([id]);
          expect(argv.at(-1)).toBe(compose.service);
          expect(argv.slice(0, 4)).toEqual(["docker", "compose", "-p", compose.project]);
          expect(argv.filter((word) => word === verb).length).toBeGreaterThan(0);
          const dashed = argv.filter((word) => word.startsWith("-"));
          expect(dashed.filter((word) => !OPTIONS.includes(word))).toEqual([]);
          for (const path of compose.files) expect(argv[argv.indexOf(path) - 1]).toMatch(/^-/);
        }
      }),
      { numRuns: 5000, seed: SEED },
    );
  }, 60_000);

  test("what Compose could not have written is refused, with the reason", () => {
    const isProject = (text: string) => /^[a-z0-9][a-z0-9_-]*$/.test(text);
    const isService = (text: string) => /^[a-zA-Z0-9._][a-zA-Z0-9._-]*$/.test(text);
    // Neither control nor invisible characters, nor the two of Unicode that end a line.
    const isPath = (text: string) => /^\/[^\p{C}\p{Zl}\p{Zp}]*$/u.test(text);
    let refused = 0;
    fc.assert(
      fc.property(composeService, spoiled, fc.constantFrom(...PLACES), (compose, text, place) => {
        const { changed, isFine } = {
          project: { changed: { ...compose, project: text }, isFine: isProject(text) },
          service: { changed: { ...compose, service: text }, isFine: isService(text) },
          files: { changed: { ...compose, files: [...compose.files, text] }, isFine: isPath(text) },
          folder: { changed: { ...compose, projectFolder: text }, isFine: isPath(text) },
          envFiles: { changed: { ...compose, envFiles: [text] }, isFine: isPath(text) },
        }[place];
        const why = whyNotComposeService(changed);
        expect(why === undefined).toBe(isFine);
        const build = () => allowlistFor("svc", { platform: "docker", compose: changed });
        if (why === undefined) return expect(build).not.toThrow();
        refused += 1;
        expect(build).toThrow(new RangeError(why));
      }),
      { numRuns: 20_000, seed: SEED },
    );
    expect(refused).toBeGreaterThan(15_000);
  }, 60_000);

  test.each<[string, Partial<ComposeService>, string]>([
    ["no file", { files: [] }, "no Compose file is named"],
    ["too many files", { files: Array(21).fill("/a") }, "more than 20 files are named"],
    ["a relative file", { files: ["compose.yaml"] }, '"compose.yaml" is not an absolute path'],
    ["a file that is an option", { files: ["--help"] }, '"--help" is not an absolute path'],
    ["standard input as the file", { files: ["-"] }, '"-" is not an absolute path'],
    ["a path with no end", { files: [`/${"a".repeat(5000)}`] }, "is not an absolute path"],
    ["capitals in a project", { project: "Shop" }, '"Shop", which is not a name of a Compose'],
    ["a project with no end", { project: "a".repeat(129) }, "not a name of a Compose project"],
    ["a service that is an option", { service: "--all" }, '"--all", which is not a name'],
    ["two services", { service: "api db" }, '"api db", which is not a name of a Compose service'],
    ["a new line in a service", { service: "api\n" }, '"api\\n", which is not a name'],
  ])("%s is refused", (_, changes, reason) => {
    expect(whyNotComposeService({ ...COMPOSE, ...changes })).toContain(reason);
  });

  const longest = `/${"a".repeat(4095)}`;
  test.each<[string, Partial<ComposeService>, string | undefined]>([
    ["a project of 128 characters", { project: "a".repeat(128) }, undefined],
    ["a service of 128 characters", { service: "a".repeat(128) }, undefined],
    ["a path of 4096 characters", { files: [longest] }, undefined],
    ["a path of 4097 characters", { files: [`${longest}a`] }, "is not an absolute path"],
    ["the root as the folder", { projectFolder: "/" }, undefined],
    ["a path that ends in a new line", { files: ["/a\n"] }, '"/a\\n" is not an absolute path'],
    ["20 files", { files: Array(20).fill("/a") }, undefined],
    [
      "20 files with those of the environment",
      { files: Array(10).fill("/a"), envFiles: Array(10).fill("/b") },
      undefined,
    ],
    [
      "21 files with those of the environment",
      { files: Array(10).fill("/a"), envFiles: Array(11).fill("/b") },
      "more than 20 files are named",
    ],
    ["of two bad paths the first", { files: ["a", "b"] }, '"a" is not an absolute path'],
  ])("at the limit: %s", (_, changes, reason) => {
    const why = whyNotComposeService({ ...COMPOSE, ...changes });
    if (reason === undefined) expect(why).toBeUndefined();
    else expect(why).toContain(reason);
  });

  test("its folder and each of its files have their own option, in the order of Compose", () => {
    const compose = {
      ...COMPOSE,
      files: ["/srv/a.yaml", "/srv/b.yaml"],
      projectFolder: "/srv/shop",
      envFiles: ["/srv/a.env", "/srv/b.env"],
    };
    const table = allowlistFor("svc", { platform: "docker", compose });
    const place = [
      ...["docker", "compose", "-p", "shop", "--project-directory", "/srv/shop"],
      ...["--env-file", "/srv/a.env", "--env-file", "/srv/b.env"],
      ...["-f", "/srv/a.yaml", "-f", "/srv/b.yaml"],
    ];
    const restart = [...place, "restart", "--no-deps", "api"];
    expect(table["compose-service-restart"]?.argv).toEqual(restart);
    const up = [...place, "up", "-d", "--no-deps", "api"];
    expect(table["compose-service-up"]?.argv).toEqual(up);
  });
});

test("each action has its platform and its effects, and no other", () => {
  const all = offeredActions(allowlist).map(({ id, platform, effects }) => [
    id,
    [platform, ...effects],
  ]);
  expect(Object.fromEntries(all)).toEqual({
    "docker-restart": ["docker", "restart", "start"],
    "docker-stop": ["docker", "stop"],
    "compose-service-restart": ["docker", "restart", "start"],
    "compose-service-up": ["docker", "start", "create"],
    "compose-restart": ["docker", "restart", "start"],
    "compose-stop": ["docker", "stop"],
    "compose-up": ["docker", "start", "create"],
    "supervisor-restart": ["process", "restart"],
    "supervisor-stop": ["process", "stop"],
    "supervisor-start": ["process", "start"],
  });
});

test("of a platform all is known by its id, and what takes nothing else down needs no person", () => {
  expect(actionIdsOf("docker")).toEqual(ACTION_IDS.slice(0, 7));
  expect(actionIdsOf("process")).toEqual(ACTION_IDS.slice(7));
  const contained = ["docker-restart", "compose-service-restart", "compose-service-up"] as const;
  expect(defaultActions("docker")).toEqual([...contained]);
  expect(defaultActions("process")).toEqual(["supervisor-restart", "supervisor-start"]);
});

test("each description is a line of its own, and a stop's says that a person is asked", () => {
  for (const { description, stopsService } of offeredActions(allowlist)) {
    expect(description).toMatch(/^[a-z][^\n.]+$/);
    expect(description.includes("waits for a person")).toBe(stopsService);
  }
});
