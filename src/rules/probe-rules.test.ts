import { expect, test } from "bun:test";
import { service } from "../../test/support/fixtures.ts";
import type { HealthCheck } from "../core/health.ts";
import { probeRules } from "./probe-rules.ts";
import { readRule } from "./rules.ts";

const rulesOf = (health: HealthCheck) =>
  probeRules(service({ name: "shop", health }), 5000).map((source) =>
    readRule(source, "built-in rules", "shop"),
  );

test.each<[string, HealthCheck, readonly string[]]>([
  ["http", { http: "http://a/" }, ["ProbeFailing"]],
  ["https", { http: "https://a/", body: "ok" }, ["ProbeFailing", "CertificateExpiring"]],
  ["tcp", { tcp: "tcp://a:1" }, ["ProbeFailing"]],
  ["redis", { redis: "redis://a" }, ["ProbeFailing"]],
  ["rediss", { redis: "rediss://a" }, ["ProbeFailing", "CertificateExpiring"]],
  ["postgres", { postgres: "postgres://a" }, ["ProbeFailing"]],
  ["grpc", { grpc: "grpc://a:1" }, ["ProbeFailing"]],
  ["grpcs", { grpc: "grpcs://a:1" }, ["ProbeFailing", "CertificateExpiring"]],
  ["container", "container", []],
  ["none", "none", []],
])("a health of %s has the rules %p", (_, health, expected) => {
  expect(rulesOf(health).map(({ alert }) => alert)).toEqual([...expected]);
});

test("a failing probe may be revived once two say so, and a certificate only points", () => {
  const [failing, expiring] = rulesOf({ http: "https://a/" });
  expect(failing).toMatchObject({
    expr: 'probe_success{sentinel_service="shop"} == 0',
    forMs: 5000,
    severity: "critical",
    permits: ["restart", "create", "start"],
  });
  expect(expiring).toMatchObject({
    expr: 'probe_ssl_earliest_cert_expiry{sentinel_service="shop"} - time() < 1209600',
    severity: "medium",
    permits: [],
  });
});
