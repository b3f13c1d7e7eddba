import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Labels } from "../../core/model.ts";
import { createExpositionReader } from "./exposition.ts";

const labelsOf = (labels: Labels) => labels;
const read = (text: string) => createExpositionReader(labelsOf).read(text);

/** [series, value, own time] of each sample. */
function samplesOf({ series, values, timestampsMs }: ReturnType<typeof read>) {
  return series.map((labels, index) => [{ ...labels }, values[index], timestampsMs.get(index)]);
}

describe("a line is read:", () => {
  const a = { __name__: "a" };
  const withB = (b: string) => ({ __name__: "a", b });
  const cases: readonly [string, string, Labels, number, number?][] = [
    ["a name and a value", "a 1\n", a, 1],
    ["without a newline at the end", "a 1", a, 1],
    ["with the line ends of Windows", "a 1\r\n", a, 1],
    ["with tabs and blanks around", " \ta\t \t1 \n", a, 1],
    ["with two blanks, the second time too", "a  1\n", a, 1],
    ["with a blank before the braces", 'a {b="c"} 1\n', withB("c"), 1],
    ["with blanks inside the braces", 'a{ b = "c" , } 1\n', withB("c"), 1],
    ["with a comma at the end of the labels", 'a{b="c",} 1\n', withB("c"), 1],
    ["with no blank after the braces", 'a{b="c"}1\n', withB("c"), 1],
    ["with empty braces", "a{} 1\n", a, 1],
    ["with colons in the name", "a:b:c 1\n", { __name__: "a:b:c" }, 1],
    ["with a label that is empty, hence none", 'a{b=""} 1\n', a, 1],
    ["with every escape", 'a{b="\\\\ \\" \\n"} 1\n', withB('\\ " \n'), 1],
    ["with a backslash that escapes nothing", 'a{b="\\d\\\\n"} 1\n', withB("\\d\\n"), 1],
    ["with braces, hashes and blanks in a value", 'a{b="} # {x 2"} 1\n', withB("} # {x 2"), 1],
    ["with a value beyond ASCII", 'a{b="größe 🙂"} 1\n', withB("größe 🙂"), 1],
    ["with a quoted name", '{"my.metric",b="c"} 1\n', { __name__: "my.metric", b: "c" }, 1],
    ["with a quoted name alone", '{"my.\\"metric"} 1\n', { __name__: 'my."metric' }, 1],
    ["with a quoted label name", 'a{"my.label"="c"} 1\n', { __name__: "a", "my.label": "c" }, 1],
    ["with label names that objects have", 'a{constructor="c"} 1\n', { ...a, constructor: "c" }, 1],
    ["with a time in ms", "a 1 1700000000123\n", a, 1, 1_700_000_000_123],
    ["with a time before 1970", "a 1 -5\n", a, 1, -5],
    ["with an exemplar", 'a 17 # {trace_id="x"} 0.67 1.5\n', a, 17],
    ["with a time and an exemplar", 'a 17 5 # {trace_id="x"} 0.67\n', a, 17, 5],
    ["+Inf", "a +Inf\n", a, Number.POSITIVE_INFINITY],
    ["-Inf", "a -Inf\n", a, Number.NEGATIVE_INFINITY],
    ["NaN", "a NaN\n", a, Number.NaN],
    ["a negative value", "a -1.5\n", a, -1.5],
    ["negative zero", "a -0\n", a, -0],
    ["an exponent", "a 1.7e+09\n", a, 1.7e9],
    ["a dot at the end", "a 1.\n", a, 1],
    ["a dot at the start", "a .5\n", a, 0.5],
    ["fifteen digits", "a 0.12345678901234\n", a, 0.12345678901234],
    ["more digits than are exact", "a 0.30000000000000004\n", a, 0.30000000000000004],
    ["the largest whole numbers", "a 9007199254740993\n", a, 9007199254740992],
  ];
  test.each(cases)("%s", (_, line, ...[labels, value, timeMs]) => {
    const reader = createExpositionReader(labelsOf);
    for (const round of ["first", "repeated"]) {
      const exposition = reader.read(line);
      expect([round, exposition.badLines]).toEqual([round, []]);
      expect(samplesOf(exposition)).toEqual([[labels, value, timeMs]]);
      expect(Object.is(exposition.values[0], value)).toBe(true);
    }
  });

  test("a label named __proto__ is a label like others", () => {
    const { series } = read('a{__proto__="c"} 1\n');
    expect(Object.entries(series[0] ?? {})).toEqual([
      ["__name__", "a"],
      ["__proto__", "c"],
    ]);
  });

  test("comments, blank lines and # EOF are skipped", () => {
    const text = '# HELP a of {b="c"} 1\n# TYPE a counter\n\n  \n\r\n #x\n#\na 1\n# EOF\n';
    expect(samplesOf(read(text))).toEqual([[a, 1, undefined]]);
    expect(read(text).badLineCount).toBe(0);
  });

  test("times are seconds in OpenMetrics", () => {
    const exposition = createExpositionReader(labelsOf).read("a 1 1700000000.123\n# EOF\n", {
      timestampUnitMs: 1000,
    });
    expect(samplesOf(exposition)).toEqual([[a, 1, 1_700_000_000_123]]);
  });
});

describe("a bad line is named, and the next is read:", () => {
  const cases: readonly [string, string][] = [
    ["a", "no value"],
    ["a ", "no value"],
    ['a{b="c"}', "no value"],
    ["a 1x", "a value that is no number"],
    ["a 0x10", "a value that is no number"],
    ["a 1_000", "a value that is no number"],
    ["a 1e400", "a value that is no number"],
    ["a .", "a value that is no number"],
    ["a Infinite", "a value that is no number"],
    ["a 1 2 3", "more than value and time"],
    ["a 1 1.5", "a time that is no number of its unit"],
    ["a 1 12345678901234567", "a time that is no number of its unit"],
    ["a # {} 1", "more than value and time"],
    ["1a 1", "a metric name cannot start with a digit"],
    ["a-b 1", "characters after the series"],
    ["größe 1", "characters after the series"],
    ["{} 1", "no metric name"],
    ['{b="c"} 1', "no metric name"],
    ['{__name__=""} 1', "no metric name"],
    ["} 1", "no metric name"],
    ['a{"b"} 1', "two metric names"],
    ['a{b="c" 1', "no comma or closing brace after a label"],
    ['a{b="c" c="d"} 1', "no comma or closing brace after a label"],
    ['a{b="c} 1', "a label value without its quotes"],
    ['a{b="c\\', "a label value without its quotes"],
    ['a{b="c\\"} 1', "a label value without its quotes"],
    ["a{b=c} 1", "a label value without its quotes"],
    ["a{b} 1", "a label without ="],
    ['a{="c"} 1', "a label without a valid name"],
    ['a{1b="c"} 1', "a label without a valid name"],
    ['a{b:b="c"} 1', "a label without a valid name"],
    ['a{,b="c"} 1', "a label without a valid name"],
    ['a{"b', "a quoted name without an end"],
    ['a{b="c",b="d"} 1', "a label twice"],
    ['a{__name__="b"} 1', "a label twice"],
    ["<!doctype html>", "no metric name"],
  ];
  test.each(cases)("%s: %s", (line, reason) => {
    const { badLines, badLineCount, series } = read(`# first\n${line}\nb 2\n`);
    expect(badLines).toEqual([{ lineNumber: 2, reason, excerpt: line.replace("\t", " ") }]);
    expect(badLineCount).toBe(1);
    expect(series.map((labels) => labels["__name__"])).toEqual(["b"]);
    expect(read(line).badLineCount).toBe(1);
  });

  test("excerpts are short and printable, and only the first ten are kept", () => {
    const { badLines, badLineCount } = read(`\u001b[2J${"x".repeat(200)}\n`.repeat(25));
    expect([badLines.length, badLineCount]).toEqual([10, 25]);
    expect(badLines[9]?.lineNumber).toBe(10);
    expect(badLines[0]?.excerpt).toStartWith("\\u{1b}[2Jxxx");
    expect(badLines[0]?.excerpt.length).toBeLessThanOrEqual(80);
  });

  test("a label value as long as a body is read, and one without an end refused", () => {
    const value = "x\\n".repeat(1_000_000);
    expect(read(`a{b="${value}"} 1`).series[0]?.["b"]?.length).toBe(2_000_000);
    expect(read(`a{b="${value} 1`).badLines[0]?.reason).toBe("a label value without its quotes");
  });
});

describe("a repeated reading", () => {
  test("opens a series once, whatever its place in the text", () => {
    const opened: string[] = [];
    const reader = createExpositionReader(({ __name__ = "" }) => opened.push(__name__));
    expect(reader.read("a 1\nb 2\nc 3\n").values).toEqual([1, 2, 3]);
    expect(reader.read("c 4\na 5\nnew 6\nb 7\n").series).toEqual([3, 1, 4, 2]);
    expect(reader.read("c 4\na 5\nnew 6\nb 7\n").series).toEqual([3, 1, 4, 2]);
    expect(opened).toEqual(["a", "b", "c", "new"]);
  });

  test("forgets a series that is missing once", () => {
    let opened = 0;
    const reader = createExpositionReader(() => (opened += 1));
    for (const text of ["a 1\nb 2\n", "a 1\n", "a 1\nb 2\n"]) reader.read(text);
    expect(opened).toBe(3);
    expect(reader.read("").series).toEqual([]);
    expect(reader.read("a 1\nb 2\n").series).toEqual([4, 5]);
  });

  test("forgets only what is missing", () => {
    const opened: string[] = [];
    const reader = createExpositionReader(({ __name__ = "" }) => opened.push(__name__));
    for (const text of ["a 1\nb 1\n", "b 2\n", "c 3\nb 3\n"]) reader.read(text);
    expect(opened).toEqual(["a", "b", "c"]);
  });

  test("does not take a series for another that begins with its text", () => {
    for (const line of ['a {b="c"} 1\n', "ab 1\n", 'a{b="c"} 1\n', 'a \t{b="c"} 1\n']) {
      const reader = createExpositionReader(labelsOf);
      reader.read("a 1\n");
      expect(reader.read(line)).toEqual(read(line));
      expect(reader.read(line).values).toEqual([1]);
    }
  });

  test("gives one series several samples when it stands there with several times", () => {
    const reader = createExpositionReader(() => "a");
    for (const _ of ["first", "repeated"]) {
      const { series, values, timestampsMs } = reader.read("a 1 1000\na 2 2000\n");
      expect([series, values, [...timestampsMs]]).toEqual([
        ["a", "a"],
        [1, 2],
        [
          [0, 1000],
          [1, 2000],
        ],
      ]);
    }
  });

  test("stops past the limit, and not at it", () => {
    const reader = createExpositionReader(labelsOf);
    expect(reader.read("a 1\nb 2\n# EOF\n\n", { maxSamples: 2 }).overLimit).toBe(false);
    const { overLimit, values } = reader.read("a 1\nb 2\nc 3\nd 4\n", { maxSamples: 2 });
    expect([overLimit, values]).toEqual([true, [1, 2]]);
  });
});

describe("what is written is read back", () => {
  const text = fc.string({ unit: fc.oneof(fc.constantFrom(...'\\"\n{}=,# \tn\r'), fc.string()) });
  const name = fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_]{0,9}$/);
  const metric = fc.record({
    name: fc.oneof(
      name,
      text.filter((value) => value !== ""),
    ),
    labels: fc.dictionary(
      fc.oneof(
        name,
        text.filter((value) => value !== ""),
      ),
      text,
    ),
    value: fc.oneof(fc.double(), fc.nat(), fc.float()),
    timeMs: fc.option(fc.integer({ min: 0, max: 2e12 }), { nil: undefined }),
  });
  const quote = (value: string) =>
    `"${value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;
  const write = (value: number) =>
    Number.isFinite(value) || Number.isNaN(value) ? `${value}` : value > 0 ? "+Inf" : "-Inf";

  test("whatever the names, labels, values and times, the first time and repeated", () => {
    fc.assert(
      fc.property(fc.array(metric, { maxLength: 8 }), (metrics) => {
        const usable = metrics.filter(({ labels }) => !("__name__" in labels));
        const lines = usable.map(({ name: metricName, labels, value, timeMs }) => {
          const pairs = Object.entries(labels).map(([key, text]) => `${quote(key)}=${quote(text)}`);
          const time = timeMs === undefined ? "" : ` ${timeMs}`;
          return `{${[quote(metricName), ...pairs].join(",")}} ${write(value)}${time}`;
        });
        const reader = createExpositionReader(labelsOf);
        for (const _ of ["first", "repeated"]) {
          const exposition = reader.read(`${lines.join("\n")}\n`);
          expect(exposition.badLines).toEqual([]);
          expect(samplesOf(exposition)).toEqual(
            usable.map(({ name: metricName, labels, value, timeMs }) => [
              {
                ...Object.fromEntries(Object.entries(labels).filter(([, text]) => text !== "")),
                __name__: metricName,
              },
              // The text of -0 is "0".
              value === 0 ? 0 : value,
              timeMs,
            ]),
          );
        }
      }),
      { numRuns: 300 },
    );
  });

  test("a reader that has read other texts reads as a new one does", () => {
    const line = fc.constantFrom(
      "a 1",
      "a 1.5",
      "ab 2",
      'a{b="c"} 3',
      'a {b="c"} 4',
      "a{ 5",
      "a",
      "#",
    );
    const texts = fc.array(fc.array(line).map((lines) => lines.join("\n")));
    fc.assert(
      fc.property(texts, (sequence) => {
        const reader = createExpositionReader(labelsOf);
        for (const text of sequence) expect(reader.read(text)).toEqual(read(text));
      }),
      { numRuns: 500 },
    );
  });

  test("nothing makes it throw, and every line is a sample or bad", () => {
    const noise = fc.array(fc.string({ unit: fc.constantFrom(...'ab{}=",\\# \t\r1.eE+-NaInf') }));
    fc.assert(
      fc.property(noise, (lines) => {
        const { values, badLineCount } = read(lines.join("\n"));
        const full = lines.filter((line) => !/^[ \t]*(?:[#\r]|$)/.test(line));
        expect(values.length + badLineCount).toBe(full.length);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("numbers in labels are written as Prometheus 3 does", () => {
  const seriesOf = (text: string) => {
    const reader = createExpositionReader((labels) => ({ ...labels }));
    return reader.read(text).series.map(({ le, quantile }) => le ?? quantile);
  };
  test.each([
    [
      "le of a histogram",
      '# TYPE x histogram\nx_bucket{le="1"} 1\nx_bucket{le="1e6"} 1\n',
      ["1.0", "1e+06"],
    ],
    [
      "quantile of a summary",
      '# TYPE x summary\nx{quantile="0.50"} 1\nx{quantile="1"} 1\n',
      ["0.5", "1.0"],
    ],
    ["infinity", '#  TYPE  x  histogram\nx_bucket{le="+inf"} 1\n', ["+Inf"]],
    ["not of a gauge", '# TYPE x gauge\nx{le="1"} 1\n', ["1"]],
    ["not the other label", '# TYPE x summary\nx{le="1"} 1\n', ["1"]],
    ["not without a type", 'x_bucket{le="1"} 1\n', ["1"]],
    ["of the last type, whatever the name", '# TYPE x histogram\ny{le="1"} 1\n', ["1.0"]],
    ["not what is no number", '# TYPE x histogram\nx_bucket{le="many"} 1\n', ["many"]],
  ])("%s", (_, text, expected) => expect(seriesOf(text)).toEqual(expected));
});
