import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { splitCommand } from "./shell-words.ts";
import { SentinelError } from "../core/errors.ts";

test.each<[string, readonly string[]]>([
  ["node server.js", ["node", "server.js"]],
  ["  node\t server.js  ", ["node", "server.js"]],
  ["node 'two words' \"and these\"", ["node", "two words", "and these"]],
  [`a"b"'c'd`, ["abcd"]],
  [`node ''  ""`, ["node", "", ""]],
  ["node two\\ words \\' \\\\ \\$HOME \\;", ["node", "two words", "'", "\\", "$HOME", ";"]],
  [
    "node '$HOME' '`id`' '; rm -rf /' '*.js' 'a\nb'",
    ["node", "$HOME", "`id`", "; rm -rf /", "*.js", "a\nb"],
  ],
  [`node "; | & * ~ #" 'say "hi"' "it's"`, ["node", "; | & * ~ #", 'say "hi"', "it's"]],
  [`node "a \\"b\\" \\\\ \\$ \\n"`, ["node", 'a "b" \\ $ \\n']],
  ["node 'back\\slash'", ["node", "back\\slash"]],
  ["node a#b a~b --x=y {a,b} ! é", ["node", "a#b", "a~b", "--x=y", "{a,b}", "!", "é"]],
  ["'/opt/my app/run' -v", ["/opt/my app/run", "-v"]],
])("%j is the words %j", (text, words) => {
  expect(splitCommand(text)).toEqual(words);
});

describe("refused", () => {
  test.each([
    ["a second command", "a; b", "; at character 2 needs a shell"],
    ["one that follows on success", "a && b", "& at character 3 needs a shell"],
    ["the background", "a &", "& at character 3 needs a shell"],
    ["a pipe", "a|b", "| at character 2 needs a shell"],
    ["an output file", "a > f", "> at character 3 needs a shell"],
    ["an input file", "a <f", "< at character 3 needs a shell"],
    ["a variable", "a $HOME", "$ at character 3 needs a shell"],
    ["a variable in double quotes", 'a "x $HOME"', "$ at character 6 needs a shell"],
    ["a substitution", "a $(id)", "$ at character 3 needs a shell"],
    ["a backtick", "a `id`", "` at character 3 needs a shell"],
    ["a backtick in double quotes", 'a "`id`"', "` at character 4 needs a shell"],
    ["a pattern", "a *.js", "* at character 3 needs a shell"],
    ["a set", "a [ab]", "[ at character 3 needs a shell"],
    ["a subshell", "(a)", "( at character 1 needs a shell"],
    ["a comment", "a # b", "# at character 3 needs a shell"],
    ["a home folder", "~/a", "~ at character 1 needs a shell"],
    ["two lines", "a\nb", "a line break at character 2 needs a shell"],
    ["a line that goes on", "a \\\nb", "a line break at character 4 needs a shell"],
    ["a quoted line that goes on", 'a "\\\nb"', "a line break at character 5 needs a shell"],
    ["a variable in front", "A=1 node", "A=1 sets a variable, which needs a shell"],
    ["an open single quote", "a 'b", "the ' at character 3 is not closed by another"],
    ["an open double quote", 'a "b', 'the " at character 3 is not closed by another'],
    [
      "a double quote closed by an escaped one",
      'a "b\\"',
      'the " at character 3 is not closed by another',
    ],
    ["a last backslash", "a \\", "a backslash with nothing behind it, at character 3"],
    ["a zero byte", "a \0", "a zero byte, at character 3"],
    ["nothing", "", "the command is empty"],
    ["blanks", " \t ", "the command is empty"],
    ["an empty program", "'' a", "the command is empty"],
  ])("%s: %j", (_, text, message) => {
    expect(() => splitCommand(text)).toThrow(SentinelError);
    expect(() => splitCommand(text)).toThrow(message);
  });
});

const word = fc
  .string({ unit: "binary", minLength: 1, maxLength: 12 })
  .map((text) => text.replaceAll("\0", "0"));

test("words in single quotes come back as they were", () => {
  const quote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 5 }), (words) => {
      fc.pre(!/^[A-Za-z_][A-Za-z0-9_]*=/.test(words[0] ?? ""));
      expect(splitCommand(words.map(quote).join(" "))).toEqual(words);
    }),
    { numRuns: 2000, seed: 1 },
  );
});

test("what is accepted means the same to a shell", () => {
  const piece = fc.oneof(
    fc.constantFrom(
      ..." \t'\"\\",
      "a",
      "b",
      "-",
      "=",
      "$",
      ";",
      "#",
      "~",
      "*",
      "\\'",
      '\\"',
      "' '",
    ),
    fc.string({ unit: "grapheme-ascii", maxLength: 2 }),
  );
  const texts = fc.sample(
    fc.array(piece, { maxLength: 10 }).map((parts) => parts.join("")),
    {
      numRuns: 4000,
      seed: 2,
    },
  );
  const accepted = texts.flatMap((text) => {
    try {
      return [{ text, words: splitCommand(`x ${text}`).slice(1) }];
    } catch (error) {
      expect(error).toBeInstanceOf(SentinelError);
      return [];
    }
  });
  expect(accepted.length).toBeGreaterThan(500);
  // One shell for all of them: each line of words ends with a mark of its own.
  const script = accepted.map(({ text }) => `show ${text}`).join("\n");
  const shown = Bun.spawnSync(["sh"], {
    stdin: Buffer.from(
      `set -f; show() { for w; do printf '<%s>' "$w"; done; printf '\\0'; }\n${script}\n`,
    ),
  });
  expect(shown.stderr.toString()).toBe("");
  const expected = accepted.map(({ words }) => words.map((text) => `<${text}>`).join(""));
  expect(shown.stdout.toString().split("\0").slice(0, -1)).toEqual(expected);
});
