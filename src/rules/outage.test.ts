import { expect, test } from "bun:test";
import { alert, rule } from "../../test/support/fixtures.ts";
import { isOfCause } from "./outage.ts";

const made = (name: string, changes: object = {}) =>
  alert({ rule: rule({ alert: name, expr: name, service: "shop", ...changes }) });

test.each([
  ["TargetDown", "ProbeFailing", true],
  ["ProbeFailing", "TargetDown", true],
  ["ProbeFailing", "ContainerDown", true],
  ["ContainerUnhealthy", "ProbeFailing", true],
  ["ProbeFailing", "ProbeFailing", true],
  ["ProbeFailing", "HighCpu", false],
  ["HighCpu", "ProbeFailing", false],
  ["CrashLoop", "ContainerDown", false],
  ["CertificateExpiring", "ProbeFailing", false],
])("an incident of %s is about %s as well: %p", (own, other, expected) => {
  expect(isOfCause(made(own))(made(other))).toBe(expected);
});

test.each(["absent", "exporter"])("that of another (%s) says nothing of the service", (kind) => {
  const unscraped = made("TargetDown", { labels: { kind } });
  expect(isOfCause(unscraped)(made("ProbeFailing"))).toBe(false);
  expect(isOfCause(made("ProbeFailing"))(unscraped)).toBe(false);
});

test("what a rule of a file means is its author's", () => {
  const own = made("ProbeFailing", { service: undefined });
  expect(isOfCause(own)(made("TargetDown"))).toBe(false);
  expect(isOfCause(made("TargetDown"))(own)).toBe(false);
});
