/** What templates write, for us and for `promtool test rules`. */

import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { expandTemplate } from "../../src/rules/template/expand.ts";
import { describeUnless } from "../support/docker.ts";

const VALUES = [
  ...[0, 1, -1, 0.1, 0.91339, 1.5, 12.345, 59.99, 60, 3723, 90_061, 1000, 1024, 1536, 999.95],
  ...[1e6, 1234567, 1e9, 573_000_000, 1.7e9, 1e12, 1e17, 1e-3, 0.0123, 1e-9, 2.5, 0.000123456789],
];

const OF_VALUE = [
  ...["{{ $value }}", "{{ $value | humanize }}", "{{ $value | humanize1024 }}B", "{{ .Value }}"],
  ...["{{ $value | humanizeDuration }}", "{{ $value | humanizePercentage }}"],
  ...[
    "{{ $value | humanizeTimestamp }}",
    '{{ printf "%.2f" $value }}',
    '{{ printf "%.4g" $value }}',
  ],
  ...[
    '{{ printf "%e|%g|%v|%f" $value $value $value $value }}',
    '{{ printf "%8.1f|%-8.1f|%08.2f|%+.1f" $value $value $value $value }}',
  ],
  ...[
    "{{ if gt $value 1.0 }}above{{ else if eq $value 1.0 }}one{{ else }}below{{ end }}",
    '{{ printf "%d" $value }}',
  ],
  ...[
    "{{ toTime $value }}",
    "{{ with $value }}{{ . }}{{ else }}none{{ end }}",
    "{{ print $value 1 `a` 2 3 }}",
  ],
];

const OTHERS = [
  ...[
    "{{ $labels.job }}",
    "{{ .Labels.job | toUpper }}",
    "{{ $labels.nope }}|",
    "{{ $labels }}",
    "{{ .Nope }}",
  ],
  ...[
    "{{ $labels.instance | stripPort }}",
    "{{ $labels.instance | stripDomain }}",
    "{{ $externalLabels }}",
  ],
  ...[
    '{{ "10.1.2.3:80" | stripDomain }}',
    '{{ "[::1]:80" | stripPort }}',
    '{{ "a.b" | stripDomain }}',
    '{{ "plain" | stripPort }}',
  ],
  ...[
    '{{ reReplaceAll "(.*)-(.*)" "$2 of ${1}" "a-b" }}',
    '{{ reReplaceAll "a" "b" "banana" }}',
    '{{ match "a.c" "xabcx" }}',
    '{{ match "^b" "abc" }}',
  ],
  ...[
    '{{ title "some words of-it" }}',
    '{{ toLower "ABC" }}',
    '{{ safeHtml "<b>" }}',
    '{{ html "<b>&" }}',
    '{{ urlquery "a b&c" }}',
    '{{ js "a\'b" | len }}',
  ],
  ...[
    '{{ parseDuration "1h30m" }}',
    '{{ parseDuration "90s" | humanizeDuration }}',
    '{{ "1234567" | humanize }}',
    "{{ humanize 1 }}",
    '{{ "x" | humanize }}',
  ],
  ...[
    "{{ range $k, $v := $labels }}{{ $k }}={{ $v }};{{ end }}",
    "{{ range $labels }}{{ . }},{{ end }}",
    "{{ range $i, $e := .Nope }}{{ end }}",
  ],
  ...[
    '{{ define "x" }}[{{ .arg0 }}/{{ .arg1 }}]{{ end }}{{ template "x" (args 1 "b") }}',
    '{{ template "gone" }}',
    '{{ block "b" $labels }}{{ .job }}{{ end }}',
  ],
  ...[
    "{{ $x := 5 }}{{ $x = 6 }}{{ $x }}",
    "{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ end }}{{ $x }}",
    "{{ $x = 1 }}",
    "{{ with $y := `a` }}{{ $y }}{{ end }}",
  ],
  ...[
    "a {{- ` b ` -}} c",
    "{{/* why */}}x",
    "a\n{{- /* why */ -}}\nb",
    "{{ `raw \\n` }}",
    '{{ "tab\\t|" }}',
    "{{ 'a' }}",
    "{{ nil }}",
    "{{ true }}",
  ],
  ...[
    "{{ and 1 0 2 }}",
    "{{ or 0 `` `x` }}",
    "{{ not 0 }}",
    "{{ eq `a` `b` `a` }}",
    "{{ lt 1 2 }}",
    "{{ le 2 2 }}",
    "{{ ge `b` `a` }}",
    "{{ ne 1 2 }}",
    "{{ eq 1 1.0 }}",
  ],
  ...[
    "{{ len `größe` }}",
    "{{ index $labels `job` }}",
    "{{ slice `abcdef` 1 3 }}",
    "{{ print 1 2 `a` `b` 3 }}",
    "{{ println 1 `a` }}|",
    '{{ printf "%s %q %5s|%-5s|" "a" "b" "c" "d" }}',
  ],
  ...[
    '{{ printf "%d %x %t %%" 42 255 true }}',
    '{{ printf "%d" "a" }}',
    '{{ printf "%s" }}',
    '{{ printf "a" 1 }}',
    '{{ printf "%v %v" $labels nil }}',
  ],
  ...[
    "{{ 1.0 }}|{{ 1e3 }}|{{ 0x10 }}|{{ 1_000 }}|{{ 010 }}|{{ -3 }}",
    "{{ len }}",
    "{{ humanize }}",
    "{{ toUpper 1 }}",
    "{{ 1 | toUpper }}",
    "{{ $labels | len }}",
    "{{ (args 1 2).arg1 }}",
  ],
  ...[
    "{{ range 3 }}x{{ end }}",
    "{{ if $labels.nope }}a{{ else }}b{{ end }}",
    "{{ with .Labels }}{{ .job }}{{ $value | humanize }}{{ end }}",
    "{{ $.Labels.job }}",
    "{{ $.Value.x }}",
  ],
  ...[
    "{{ 1 | printf `%d-%d` 2 }}",
    "{{ `a` | printf `%s%s` `b` | toUpper }}",
    "{{ print nil }}",
    "{{ range $i, $c := (args 5 6) }}{{ $i }}{{ $c }}{{ end }}",
  ],
];

const LABELS = { job: "shop-api", instance: "host.example.com:8080", größe: "L" };

interface Case {
  readonly text: string;
  readonly value: number;
}

const CASES: readonly Case[] = [
  ...VALUES.flatMap((value) => OF_VALUE.map((text) => ({ text, value }))),
  ...OTHERS.map((text) => ({ text, value: 42.5 })),
];

const missing = Bun.which("promtool") === null ? "`promtool` is not on the PATH" : undefined;

/** Where a template fails, the place in it is told in Go's words, which are no contract. */
const FAILED = /^<error expanding template: [^]*>$/;

describeUnless(missing, "templates", () => {
  const folder = mkdtempSync(join(tmpdir(), "sentinel-templates-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  test("write the same as for promtool", async () => {
    const rules = CASES.map(({ text, value }, index) => ({
      alert: `A${index}`,
      expr: `up * 0 + ${value}`,
      annotations: { summary: text },
    }));
    const file = {
      rule_files: ["rules.yml"],
      evaluation_interval: "1m",
      tests: [
        {
          interval: "1m",
          input_series: [
            {
              series: `up{${Object.entries(LABELS)
                .map(([name, text]) => `"${name}"="${text}"`)
                .join()}}`,
              values: "1",
            },
          ],
          // Nothing is expected, so that all that there is is told.
          alert_rule_test: rules.map(({ alert }) => ({
            alertname: alert,
            eval_time: "0m",
            exp_alerts: [],
          })),
        },
      ],
    };
    writeFileSync(
      join(folder, "rules.yml"),
      stringify({ groups: [{ name: "g", rules }] }, { lineWidth: 0 }),
    );
    writeFileSync(join(folder, "test.yml"), stringify(file, { lineWidth: 0 }));
    const child = Bun.spawn(["promtool", "test", "rules", join(folder, "test.yml")], {
      stdout: "pipe",
      stderr: "pipe",
    });
    const [said] = await Promise.all([
      new Response(child.stderr).text(),
      new Response(child.stdout).text(),
    ]);
    const told = new Map(
      [
        ...said.matchAll(
          /alertname: (A\d+), time: 0s,[^]*?Annotations:\{summary=("(?:[^"\\]|\\.)*")\}/g,
        ),
      ].map(([, alert = "", quoted = ""]): [string, string] => [alert, quoted]),
    );
    expect(told.size).toBe(CASES.length);
    const differences = CASES.flatMap(({ text, value }, index) => {
      const theirs = String(
        JSON.parse((told.get(`A${index}`) ?? '""').replaceAll(/\\x([\da-f]{2})/g, "\\u00$1")),
      );
      const ours = expandTemplate(text, { labels: LABELS, value });
      const isSame = ours === theirs || (FAILED.test(ours) && FAILED.test(theirs));
      return isSame
        ? []
        : [`${text} of ${value}: ${JSON.stringify(theirs)}, ours ${JSON.stringify(ours)}`];
    });
    expect(differences).toEqual([]);
  });
});
