/** F2: a mistake in a file is told with file, line, whose it is, what is wrong and what to write. */

import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { observerSettings } from "../../src/config/config.ts";
import { SentinelError } from "../../src/core/errors.ts";
import { rulesOfFiles } from "../../src/observer/effective-rules.ts";

type Files = Readonly<Record<string, string>>;

/** What is said of the files, without the folder. */
function said(files: Files): string {
  const folder = mkdtempSync(join(tmpdir(), "sentinel-f2-"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  try {
    rulesOfFiles(observerSettings({ env: {}, folder, isTerminal: false }));
    return "nothing";
  } catch (error) {
    if (!(error instanceof SentinelError)) throw error;
    const line = [`${error.message}.`, error.hint].filter(Boolean).join(" ");
    expect(line).not.toContain("\n");
    return line.replaceAll(`${folder}/`, "");
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const settings = (text: string) => said({ "sentinel.yaml": text });
const rules = (text: string) => said({ "sentinel.yaml": "rule_files: [r.yml]", "r.yml": text });

describe("F2: sentinel.yaml", () => {
  test.each([
    ["services: [{nme: a}]", "sentinel.yaml:1: service 1: unknown key nme. Did you mean name?"],
    [
      "# ours\nservices:\n  - nme: a\n",
      "sentinel.yaml:3: service 1: unknown key nme. Did you mean name?",
    ],
    [
      "services:\n  - name: shop\n    health: http://a/\n  - name: pay\n    helth: http://b/\n",
      "sentinel.yaml:5: service pay: unknown key helth. Did you mean health?",
    ],
    [
      "services:\n  - job: shop\n",
      "sentinel.yaml:2: service shop: name is missing: it must be a text.",
    ],
    [
      "services:\n  - name: shop\n    health: shop:80\n",
      "sentinel.yaml:3: service shop: health needs a scheme: http://shop:80/, or tcp://shop:80.",
    ],
    [
      "services:\n  - name: 0123\n    health: http://a/\n",
      'sentinel.yaml:2: service 1: name must be a text, not a number: write "123".',
    ],
    [
      "services:\n- {name: a, health: http://a/}\n- {name: b, health: http://b/}\n- {name: a, health: http://c/}\n",
      "sentinel.yaml:4: the service a is there twice. Give each service a name of its own.",
    ],
    [
      "services:\n- name: a\n  health: http://a/\n  actions:\n  - docker-restart\n  - docker-restrt\n",
      "sentinel.yaml:6: service a: item 2 of actions must be one of",
    ],
    [
      "scrape:\n- job: a\n  ulr: http://a/\n",
      "sentinel.yaml:3: scrape a: unknown key ulr. Did you mean url?",
    ],
    ["scrape: []", "sentinel.yaml:1: scrape must not be empty."],
    [
      "rule_files:\n- a.yml\n- 7\n",
      'sentinel.yaml:3: item 2 of rule_files must be a text, not a number: write "7".',
    ],
    ["sevices: []", "sentinel.yaml:1: unknown key sevices. Did you mean services?"],
    ["- name: a\n", "sentinel.yaml:1: the file must be a map of keys and values, not a list."],
    ["services: []\nservices: []\n", "sentinel.yaml:2: Map keys must be unique. It must be YAML."],
    [
      "services:\n\t- name: a\n",
      "sentinel.yaml:2: Tabs are not allowed as indentation. It must be YAML.",
    ],
    [
      "rule_files: []\n---\nservices: []\n",
      "sentinel.yaml:2: a second document begins here; only one is read. It must be YAML.",
    ],
    ["rule_files: []\nservices: [\n", "sentinel.yaml:"],
    ["a: &a [x]\nservices: *b\n", "sentinel.yaml: Unresolved alias"],
    ["", "nothing"],
    ["# nothing yet\n", "nothing"],
  ])("%j", (text, expected) => {
    expect(settings(text)).toStartWith(expected);
  });

  test("what an alias stands for is pointed at where the alias is", () => {
    const text =
      "scrape:\n- &a {job: a, url: http://a/}\n- {job: b, url: http://a/}\n- *a\nservices: [{nme: b}]\n";
    expect(settings(text)).toStartWith("sentinel.yaml:5: service 1: unknown key nme.");
  });

  test("nesting without end and aliases of aliases are refused at once", () => {
    const fromMs = performance.now();
    const hostile = [
      "[".repeat(500_000),
      "- ".repeat(250_000),
      "a: {".repeat(100_000),
      "[\n".repeat(250_000),
      "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n",
    ];
    for (const text of hostile) expect(settings(text)).toContain("sentinel.yaml");
    expect(performance.now() - fromMs).toBeLessThan(5000);
  });
});

describe("F2: rule files", () => {
  const RULE = "groups:\n- name: g\n  rules:\n  - alert: Busy\n    expr: up == 0\n";
  test.each([
    [RULE, "nothing"],
    [`${RULE}    fro: 5m\n`, "r.yml:6: group g, rule Busy: unknown key fro. Did you mean for?"],
    [`${RULE}    labels:\n      a: 1\n      a-b: x\n`, "nothing"],
    [
      `${RULE}    labels:\n      __name__: x\n`,
      "r.yml:7: group g, rule Busy: the label __name__ is the name of the metric.",
    ],
    [`${RULE}  - alert: Slow\n`, "r.yml:6: group g, rule Slow: expr is missing"],
    [`${RULE}  - alert: Slow\n    expr: up >\n`, "r.yml:6: alert Slow: expr up >"],
    ["groups:\n- nam: g\n", "r.yml:2: group 1: unknown key nam. Did you mean name?"],
    ["groups:\n- rules: []\n", "r.yml:2: group 1: name is missing"],
    ["group: []\n", "r.yml:1: unknown key group. Did you mean groups?"],
    ["groups: all\n", "r.yml:1: groups must be a list, not a text."],
  ])("%j", (text, expected) => {
    expect(rules(text)).toStartWith(expected);
  });
});
