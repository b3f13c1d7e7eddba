import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  ACTION_IDS,
  type ActionId,
  type Allowlist,
  allowlistFor,
  isServiceName,
  matchAction,
  offeredActions,
} from "./allowlist.ts";
import { readAnswer } from "./core/answer.ts";

const SERVICE = "sentinel-target-api";
const contained = allowlistFor(SERVICE);
const supervised = allowlistFor(SERVICE, ["supervisor"]);
/** Every id at once, as no service has it: the widest that a text could match. */
const allowlist = allowlistFor(SERVICE, ["docker", "compose", "supervisor"]);

/** Written out, not taken from the table: these, and nothing else. */
const ACCEPTED = {
  "docker-restart": "docker-restart",
  "docker-stop": "docker-stop",
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
    { name: "in a container: docker's and compose's", table: contained, by: ["docker", "compose"] },
    { name: "under the supervisor: its own alone", table: supervised, by: ["supervisor"] },
    {
      name: "without Compose: docker's alone",
      table: allowlistFor("a", ["docker"]),
      by: ["docker"],
    },
    { name: "by nobody: nothing", table: allowlistFor("a", []), by: [] },
  ])("$name", ({ table, by }) => {
    const expected = ACTION_IDS.filter((id) => by.includes(id.replace(/-.*/, "")));
    expect(offeredActions(table).map(({ id }) => id)).toEqual(expected);
    expect(Object.keys(table).toSorted()).toEqual(expected.toSorted());
  });

  test("what is not offered is refused, by its id and by its command", () => {
    for (const [text, id] of Object.entries(ACCEPTED)) {
      const isSupervisors = id.startsWith("supervisor-");
      expect(matchAction(contained, text)?.id).toBe(isSupervisors ? undefined : id);
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
  ["the supervisor's command in words", "supervisor restart"],
  ["the supervisor's id with a service", "supervisor-restart sentinel-target-api"],
  ["the supervisor's id for a verb it has not", "supervisor-up"],
  ["a capital in the supervisor's id", "Supervisor-restart"],
  ["an underscore in the supervisor's id", "supervisor_restart"],
])("%s is refused", (_, text) => {
  expect(matchAction(allowlist, text)).toBeUndefined();
});

const LOOK_ALIKES: Readonly<Record<string, string>> = {
  a: "а",
  c: "с",
  d: "ԁ",
  e: "е",
  i: "і",
  k: "κ",
  o: "о",
  p: "р",
  r: "г",
  s: "ѕ",
  t: "т",
  u: "υ",
  "-": "‐",
  " ": "\u00a0",
};

const INSERTIONS = [
  " ",
  "  ",
  "\t",
  "\n",
  "\r\n",
  "\0",
  "\u200b",
  "\u200d",
  "\ufeff",
  "\u00ad",
  "\u0301",
  "\u202e",
  "\u2028",
  ";",
  "&&",
  "&",
  "|",
  "||",
  ">",
  "`id`",
  "$(id)",
  "$IFS",
  "\\",
  "'",
  '"',
  "#",
  "--help",
  " --help",
  " -f x",
  " -t 0",
  " --signal=KILL",
  "; rm -rf /",
  "\nrm -rf /",
  " other-api",
];

function at(text: string, index: number): number {
  return index % (text.length + 1);
}

type Mutate = (text: string, index: number) => string;

function replaceAt(text: string, index: number, by: (char: string) => string): string {
  const from = index % Math.max(text.length, 1);
  return text.slice(0, from) + by(text[from] ?? "") + text.slice(from + 1);
}

const flipCase = (char: string) =>
  char === char.toLowerCase() ? char.toUpperCase() : char.toLowerCase();

/** A character of ASCII in its full-width form. */
const fullWidth = (char: string) => String.fromCodePoint((char.codePointAt(0) ?? 0x20) + 0xfee0);

const mutation: fc.Arbitrary<Mutate> = fc.oneof(
  fc.constantFrom(...INSERTIONS).map((piece): Mutate => (text, index) => {
    const from = at(text, index);
    return text.slice(0, from) + piece + text.slice(from);
  }),
  fc.constantFrom(...INSERTIONS).map(
    (piece): Mutate =>
      (text, index) =>
        index % 2 ? piece + text : text + piece,
  ),
  fc.constant<Mutate>((text, index) => replaceAt(text, index, (char) => LOOK_ALIKES[char] ?? char)),
  fc.constant<Mutate>((text, index) => replaceAt(text, index, fullWidth)),
  fc.constant<Mutate>((text, index) => replaceAt(text, index, flipCase)),
  fc.constant<Mutate>((text, index) => replaceAt(text, index, (char) => char + char)),
  fc.constant<Mutate>((text, index) => replaceAt(text, index, () => "")),
  fc.constant<Mutate>((text, index) => text.slice(0, at(text, index))),
  fc.constant<Mutate>((text, index) => text.slice(at(text, index))),
  fc.constantFrom(...SPELLINGS).map(
    (other): Mutate =>
      (text) =>
        text + other,
  ),
  fc.constantFrom(...SPELLINGS).map(
    (other): Mutate =>
      (text) =>
        `${text} ${other}`,
  ),
  fc
    .string({ unit: "binary", minLength: 1, maxLength: 3 })
    .map((piece): Mutate => (text, index) => {
      const from = at(text, index);
      return text.slice(0, from) + piece + text.slice(from);
    }),
  fc.constant<Mutate>((text) => text.toUpperCase()),
  fc.constant<Mutate>((text) => text.normalize("NFD").split("").toReversed().join("")),
  fc.constantFrom("api", "sentinel-target-api-2", "all", "$(docker ps -q)", "*", "-a", "").map(
    (name): Mutate =>
      (text) =>
        text.replace("sentinel-target-api", name),
  ),
);

const nearMiss = fc
  .tuple(
    fc.constantFrom(...SPELLINGS),
    fc.array(fc.tuple(mutation, fc.nat(200)), { minLength: 1, maxLength: 3 }),
  )
  .map(([spelling, steps]) =>
    steps.reduce((text, [mutate, index]) => mutate(text, index), spelling),
  );

const words = fc
  .array(
    fc.constantFrom(
      ...["docker", "docker-compose", "compose", "restart", "stop", "up", "-d", "down", "rm", "-f"],
      ...["sentinel-target-api", "kill", "exec", "sh", "--help", "run", "-v", "/:/host"],
      ...["supervisor", "supervisor-restart", "supervisor-stop", "start"],
    ),
    { minLength: 1, maxLength: 6 },
  )
  .map((parts) => parts.join(" "));

const anything = fc.oneof(
  { weight: 8, arbitrary: nearMiss },
  { weight: 2, arbitrary: words },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 60 }) },
  { weight: 1, arbitrary: fc.string({ unit: "grapheme", maxLength: 60 }) },
);

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

test("nor does one that comes as the answer of a model", () => {
  fc.assert(
    fc.property(anything, (text) => {
      fc.pre(!SPELLINGS.includes(text) && text !== "none");
      const answer = { root_cause: "x", severity: "critical" };
      const written = JSON.stringify({ ...answer, remediation_step: text });
      const asked = { allowlist, evidence: { severity: "high" as const } };
      expect(readAnswer({ text: written }, asked).action).toBe("none");
    }),
    { numRuns: 5000, seed: SEED },
  );
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
  else expect(build).toThrow(RangeError);
});
