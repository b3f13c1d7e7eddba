/** Rule files, good and bad, of which `promtool` and we are to say the same. */

const RULE = "- {alert: A, expr: up == 0}";

/** A file with one group of these lines. */
function group(...lines: readonly string[]): string {
  return `groups:\n- name: g\n${lines.map((line) => `  ${line}\n`).join("")}  rules:\n  ${RULE}\n`;
}

/** A file with one alerting rule of these lines. */
function alert(...lines: readonly string[]): string {
  return `groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up == 0\n${lines.map((line) => `    ${line}\n`).join("")}`;
}

/** A file with one recording rule of these lines. */
function record(...lines: readonly string[]): string {
  return `groups:\n- name: g\n  rules:\n  - record: a:b\n    expr: up\n${lines.map((line) => `    ${line}\n`).join("")}`;
}

function expr(text: string): string {
  return `groups:\n- name: g\n  rules:\n  - alert: A\n    expr: ${JSON.stringify(text)}\n`;
}

const WHOLE_FILES = [
  "",
  "# nothing\n",
  "---\n",
  "---\n...\n",
  "null\n",
  "~\n",
  "{}\n",
  "[]\n",
  "5\n",
  "groups\n",
  "groups:\n",
  "groups: []\n",
  "groups: {}\n",
  "groups: ''\n",
  "groups: 5\n",
  "groups: [5]\n",
  "groups: [null]\n",
  "groups: [null, {name: g, rules: [null, {alert: A, expr: up}]}]\n",
  "groups: [[]]\n",
  "group: []\n",
  "groups: []\nother: 1\n",
  "groups: []\ngroups: []\n",
  "Groups: []\n",
  `groups: [{name: g}]\n`,
  `groups: [{name: g, rules: }]\n`,
  `groups: [{name: g, rules: null}]\n`,
  `groups: [{name: g, rules: []}]\n`,
  `groups: [{name: g, rules: {}}]\n`,
  `groups: [{name: g, rules: 5}]\n`,
  `groups: [{name: g, rules: [5]}]\n`,
  `groups: [{name: g, rules: [{}]}]\n`,
  `groups: [{name: 5}]\n`,
  `groups: [{name: true}]\n`,
  `groups: [{name: ''}]\n`,
  `groups: [{name: }]\n`,
  `groups: [{name: null}]\n`,
  `groups: [{name: 'null'}]\n`,
  `groups: [{name: [a]}]\n`,
  `groups: [{name: {a: b}}]\n`,
  `groups: [{}]\n`,
  `groups: [{name: g, name: h}]\n`,
  `groups: [{name: g}, {name: g}]\n`,
  `groups: [{name: g}, {name: G}]\n`,
  `groups: [{name: a/b c}]\n`,
  `groups: [{name: größe}]\n`,
  `groups: [{name: g, unknown: 1}]\n`,
  `groups: [{name: g}]\n---\ngroups: [{name: h}]\n`,
  `groups: [{name: g}]\n---\nnonsense: 1\n`,
  `groups: [{name: g}]\n---\n[}\n`,
  `---\ngroups: [{name: g}]\n`,
  `%YAML 1.1\n---\ngroups: [{name: g}]\n`,
  `groups: [{name: g}\n`,
  `groups:\n\t- name: g\n`,
  `groups:\n - name: g\n  rules: []\n`,
  `groups:\n- name: g\n  rules:\n  - alert: A\n    expr: |\n      up\n      == 0\n`,
  `groups:\n- name: g\n  rules:\n  - alert: A\n    expr: >-\n      up\n      == 0\n`,
  `groups:\n- name: g\n  rules:\n  - alert: "A\\tB"\n    expr: 'up == 0'\n`,
  `{"groups": [{"name": "g", "rules": [{"alert": "A", "expr": "up"}]}]}\n`,
  `groups:\n- &a\n  name: g\n- *a\n`,
  `groups:\n- &a\n  name: g\n  rules: []\n- <<: *a\n  name: h\n`,
  `groups:\n- name: g\n  rules:\n  - &a {alert: A, expr: up, labels: {x: y}}\n  - <<: *a\n    alert: B\n`,
  `groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up\n    labels: &l {x: y}\n  - alert: B\n    expr: up\n    labels:\n      <<: *l\n      z: "1"\n`,
  `groups:\n- name: g\n  rules:\n  - alert: A\n    expr: &e up == 0\n  - alert: B\n    expr: *e\n`,
  `groups:\n- name: g\n  rules:\n  - alert: A\n    expr: *missing\n`,
  `groups:\n- name: g\n  rules:\n  - <<: {alert: A}\n    expr: up\n`,
  `groups:\n- name: g\n  rules:\n  - <<: [{alert: A}, {expr: up}]\n`,
  `groups:\n- name: g\n  rules:\n  - <<: 5\n    alert: A\n    expr: up\n`,
];

const GROUPS = [
  ...["30s", "1m30s", "0", "0s", "1h", "1d", "1w", "1y", "100ms", "1y1w1d1h1m1s1ms", "", "~"].map(
    (interval) => group(`interval: ${interval}`),
  ),
  ...["5", "1.5h", "1 m", "-1m", "1m1h", "m", "'30s'", '""', "[30s]", "300y", "1m "].map(
    (interval) => group(`interval: ${interval}`),
  ),
  ...["0", "30s", "0s", "5", "-5s", "~"].map((offset) => group(`query_offset: ${offset}`)),
  ...["0", "5", "-1", "007", "0x10", "1e3", "1.0", "~", "", "+5", "1_000", ".5"].map((limit) =>
    group(`limit: ${limit}`),
  ),
  ...["five", '"5"', "'5'", "[5]", "true", "5s"].map((limit) => group(`limit: ${limit}`)),
  group("labels: {team: a}"),
  group("labels: {team: 5, on: yes}"),
  group("labels: {team.name: a, größe: b, 1: c}"),
  group("labels: {__name__: a}"),
  group('labels: {"": a}'),
  group("labels: {a: b, a: c}"),
  group("labels: [a]"),
  group("labels: a"),
  group("labels:"),
  group("labels: {a: [b]}"),
  group("labels: {a: }"),
  group("source_tenants: [a]"),
  group("partial_response_strategy: warn"),
];

const ALERTS = [
  alert(),
  ...["0", "0s", "5m", "1d12h", "", "~", "''", "5", "five", "-5m", "1h30", "1.5m"].flatMap(
    (duration) => [alert(`for: ${duration}`), alert(`keep_firing_for: ${duration}`)],
  ),
  alert("labels: {priority: 1}"),
  alert("labels: {a: 1.0, b: true, c: 0x1f, d: 2020-01-01, e: ~, f: }"),
  alert("labels: {team.name: a}"),
  alert('labels: {"a b": c, "": d}'),
  alert("labels: {__name__: x}"),
  alert("labels: {alertname: x}"),
  alert("labels: {__x: y}"),
  alert("labels: {a: {b: c}}"),
  alert("labels: {}"),
  alert("labels: []"),
  alert("labels: a"),
  alert("annotations: {summary: a, runbook_url: 'https://x/y?z'}"),
  alert("annotations: {a-b: c, d.e: f}"),
  alert("annotations: {__name__: x}"),
  alert('annotations: {"": x}'),
  alert("annotations: {a: 5}"),
  alert("annotations: {a: [b]}"),
  alert("annotations: {}"),
  alert("annotations:"),
  alert("record: b"),
  alert("record: ''"),
  alert("severity: high"),
  alert("exprr: up"),
  alert("For: 5m"),
  alert("alert: B"),
  "groups: [{name: g, rules: [{alert: A}]}]\n",
  "groups: [{name: g, rules: [{alert: A, expr: }]}]\n",
  "groups: [{name: g, rules: [{alert: A, expr: ''}]}]\n",
  "groups: [{name: g, rules: [{alert: A, expr: 1}]}]\n",
  "groups: [{name: g, rules: [{alert: A, expr: 1.5e3}]}]\n",
  "groups: [{name: g, rules: [{alert: A, expr: true}]}]\n",
  "groups: [{name: g, rules: [{alert: A, expr: [up]}]}]\n",
  "groups: [{name: g, rules: [{alert: 5, expr: up}]}]\n",
  "groups: [{name: g, rules: [{alert: 'a b {c}', expr: up}]}]\n",
  "groups: [{name: g, rules: [{alert: '', expr: up}]}]\n",
  "groups: [{name: g, rules: [{alert: , record: a, expr: up}]}]\n",
  "groups: [{name: g, rules: [{expr: up}]}]\n",
  "groups: [{name: g, rules: [{alert: A, expr: up}, {alert: A, expr: up}]}]\n",
];

const RECORDINGS = [
  record(),
  record("labels: {a: b}"),
  record("labels: {__name__: b}"),
  record("labels: {team.name: b}"),
  record("annotations: {}"),
  record("annotations: {a: b}"),
  record("for: 0"),
  record("for: 0s"),
  record("for: 5m"),
  record("keep_firing_for: 0s"),
  record("keep_firing_for: 5m"),
  record("labels: {a: '{{ $nope }}'}"),
  ...["a:b", "a.b", "größe", "a b", "5", "1a", "'a{b}'", "'sum(x)'", "''"].map(
    (name) => `groups: [{name: g, rules: [{record: ${name}, expr: up}]}]\n`,
  ),
  "groups: [{name: g, rules: [{record: a, expr: 'up ==='}]}]\n",
  "groups: [{name: g, rules: [{record: a, expr: 1}]}]\n",
  "groups: [{name: g, rules: [{record: a, expr: 'up[5m]'}]}]\n",
  `groups: [{name: g, rules: [{record: a, expr: '"text"'}]}]\n`,
];

const EXPRESSIONS = [
  "up",
  "up == 0",
  "up ==",
  "1 == 1",
  "rate(up)",
  "rate(up[5m])",
  "up[5m]",
  '"text"',
  "nope(up)",
  "sum by (a) (up) > 5 # why",
  "sum(up",
  'up{a=~"["}',
  "histogram_fraction(0, 1, up)",
  "histogram_avg(up)",
  "mad_over_time(up[5m])",
  "sort_by_label(up, 'a')",
  '{"a.b"}',
  '{"a.b", c="d"}',
  'up{"a.b"="c"}',
  'sum by ("a.b") (up)',
  "a.b",
  "up offset 5m",
  "up @ end()",
  "max_over_time(rate(up[5m])[1h:])",
  "  up\n\n== 0\n",
  "holt_winters(up[5m], 0.5, 0.5)",
].map(expr);

/** Files by what is asked of them. */
export const RULE_FILES: readonly string[] = [
  ...[...WHOLE_FILES, ...GROUPS, ...ALERTS, ...RECORDINGS, ...EXPRESSIONS],
];
