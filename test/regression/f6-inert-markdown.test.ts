/** F6: outside text in `incidents ID` is words, whatever Markdown it is written in. */

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { fromMarkdown } from "mdast-util-from-markdown";
import { gfmFromMarkdown } from "mdast-util-gfm";
import { gfm } from "micromark-extension-gfm";
import { z } from "zod";
import { renderIncidentPage } from "../../src/report/incident-page.ts";
import { markdownText } from "../../src/text/markdown.ts";
import { foldIncidents } from "../../src/core/incident-record.ts";
import { entriesOf, healed, numbered } from "../support/incident-entries.ts";

/** What of a journal's entries comes from models, rules, commands and people. */
const FREE_FIELDS = ["message", "rootCause", "summary", "diagnoser", "reason", "output", "name"];

/** The page of an incident in which all free text is that. */
function pageWith(words: string): string {
  const replaced = numbered(...entriesOf(healed())).map((entry) => ({
    ...entry,
    fields: z.record(z.string(), z.unknown()).parse(
      JSON.parse(
        JSON.stringify(entry.fields, (key, value: unknown) => {
          if (key === "evidence") return [words, words];
          return FREE_FIELDS.includes(key) && typeof value === "string" ? words : value;
        }),
      ),
    ),
  }));
  const [record] = foldIncidents(replaced);
  if (record === undefined) throw new Error("there is no incident");
  return renderIncidentPage(record, replaced).join("\n");
}

interface Node {
  readonly type: string;
  readonly children?: readonly Node[];
}

const parse = (markdown: string): Node =>
  fromMarkdown(markdown, { extensions: [gfm()], mdastExtensions: [gfmFromMarkdown()] });

/** The tree of it, in which words in a row are one. */
function structureOf({ type, children = [] }: Node): string {
  if (type === "text" || type === "inlineCode") return "words";
  const inner = children.map(structureOf);
  const merged = inner.filter((part, index) => part !== "words" || inner[index - 1] !== "words");
  return `${type}(${merged.join(" ")})`;
}

const PLAIN = structureOf(parse(pageWith("word")));

const HOSTILE = [
  ...[
    "~~~",
    "~~~ sh",
    "```",
    "````",
    "    code",
    "\tcode",
    "===",
    "---",
    "- - -",
    "***",
    "___",
    "***\n",
  ],
  ...[
    "- item",
    "+ item",
    "* item",
    "1. item",
    "1) item",
    "123456789. item",
    "- [ ] task",
    "> quote",
  ],
  ...[
    "# title",
    "####### no title",
    "title\n===",
    "title\n---",
    ": term",
    ":--|--:",
    "| a | b |\n|---|---|",
  ],
  ...["<img src=x>", "<script>", "<!-- ", "</div>", "<?php", "<a@b.c>", "<https://evil.example>"],
  ...[
    "https://evil.example/x",
    "http://a.b",
    "www.evil.example",
    "WWW.EVIL.EXAMPLE",
    "me@evil.example",
  ],
  ...[
    "mailto:me@evil.example",
    "xmpp:a@b.c",
    "ftp://a.b",
    "[a](http://b)",
    "![a](b)",
    "[a][b]",
    "[a]: b",
  ],
  ...[
    "[^1]",
    "[^1]: note",
    "&lt;img&gt;",
    "&#60;",
    "&nbsp;",
    "*em*",
    "_em_",
    "__strong__",
    "a_b_c",
    "~~gone~~",
  ],
  ...[
    "`code`",
    "``",
    "`",
    "\\",
    "\\\\",
    "\\|",
    "\\\\|",
    "|",
    "||",
    "a\\",
    "\u001b[2J",
    "\u202e",
    "\u2028",
  ],
  ...[
    "  ",
    " \n ",
    "line  \nbreak",
    "line\\\nbreak",
    "$x$",
    "{#id}",
    ":smile:",
    "@user",
    "#1",
    "…",
    "é",
    "",
  ],
];

const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom(...HOSTILE),
      fc.string({ maxLength: 12 }),
      fc.string({ unit: "grapheme", maxLength: 6 }),
      fc.constantFrom(" ", "\n", "|", "`", "\\", "_", "*"),
    ),
    { minLength: 1, maxLength: 6 },
  )
  .map((parts) => parts.join(""))
  .filter((words) => words.trim() !== "");

describe("F6: the page has the structure that it has with plain words", () => {
  test.each(HOSTILE.filter((words) => words.trim() !== ""))("%j", (words) => {
    expect(structureOf(parse(pageWith(words)))).toBe(PLAIN);
  });

  test("whatever the words are", () => {
    fc.assert(
      fc.property(hostile, (words) => {
        expect(structureOf(parse(pageWith(words)))).toBe(PLAIN);
      }),
      { numRuns: 1500 },
    );
  }, 120_000);
});

test("F6: alone in a line, in a list, in a cell and in a heading, no word is more than that", () => {
  const places = ["", "- ", "1. ", "> ", "# ", "a ", "| a |\n| --- |\n| "];
  const one = fc.record({ words: hostile, place: fc.constantFrom(...places) });
  fc.assert(
    fc.property(one, ({ words, place }) => {
      const plain = structureOf(parse(`${place}word`));
      expect(structureOf(parse(`${place}${markdownText(words, 600)}`))).toBe(plain);
    }),
    { numRuns: 5000 },
  );
}, 120_000);

test("F6: they read as they were written", () => {
  const written = "worker_threads use 1.9 cores - 5 * 3 < 20 & more (see #12) ~ 50 %";
  const tree = parse(markdownText(written, 600));
  const words = JSON.stringify(tree).match(/"value":"([^"]*)"/)?.[1];
  expect(words).toBe(written);
  expect(markdownText("worker_threads use 1.9 cores", 600)).toBe("worker_threads use 1.9 cores");
  expect(markdownText("see https://a.example/b|c", 600)).toBe("`see https://a.example/b\\|c`");
});
