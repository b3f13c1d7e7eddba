/** Strings that come near to an accepted spelling of an action, and others. */

import fc from "fast-check";

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

export const INSERTIONS = [
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

/** @param spellings those that are accepted; some of the strings are equal to one */
export function actionStrings(spellings: readonly string[]): fc.Arbitrary<string> {
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
    fc.constant<Mutate>((text, index) =>
      replaceAt(text, index, (char) => LOOK_ALIKES[char] ?? char),
    ),
    fc.constant<Mutate>((text, index) => replaceAt(text, index, fullWidth)),
    fc.constant<Mutate>((text, index) => replaceAt(text, index, flipCase)),
    fc.constant<Mutate>((text, index) => replaceAt(text, index, (char) => char + char)),
    fc.constant<Mutate>((text, index) => replaceAt(text, index, () => "")),
    fc.constant<Mutate>((text, index) => text.slice(0, at(text, index))),
    fc.constant<Mutate>((text, index) => text.slice(at(text, index))),
    fc.constantFrom(...spellings).map(
      (other): Mutate =>
        (text) =>
          text + other,
    ),
    fc.constantFrom(...spellings).map(
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
      fc.constantFrom(...spellings),
      fc.array(fc.tuple(mutation, fc.nat(200)), { minLength: 1, maxLength: 3 }),
    )
    .map(([spelling, steps]) =>
      steps.reduce((text, [mutate, index]) => mutate(text, index), spelling),
    );

  const words = fc
    .array(
      fc.constantFrom(
        ...[
          "docker",
          "docker-compose",
          "compose",
          "restart",
          "stop",
          "up",
          "-d",
          "down",
          "rm",
          "-f",
        ],
        ...["sentinel-target-api", "kill", "exec", "sh", "--help", "run", "-v", "/:/host"],
        ...["supervisor", "supervisor-restart", "supervisor-stop", "start"],
        ...["compose-service-up", "compose-service-restart", "-p", "shop", "/srv/compose.yaml"],
        ...["--no-deps", "api"],
      ),
      { minLength: 1, maxLength: 6 },
    )
    .map((parts) => parts.join(" "));

  return fc.oneof(
    { weight: 8, arbitrary: nearMiss },
    { weight: 2, arbitrary: words },
    { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 60 }) },
    { weight: 1, arbitrary: fc.string({ unit: "grapheme", maxLength: 60 }) },
  );
}
