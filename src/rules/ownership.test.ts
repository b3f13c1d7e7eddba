import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { alert, NEVER, rule, sample, simulatedClock } from "../../test/support/fixtures.ts";
import { createMonitor } from "./monitor.ts";
import { createDirectory, type Identity, isOwnedBy, ownerOfAlert } from "./ownership.ts";
import type { Labels, Rule, Sample } from "../core/model.ts";
import { groupOf } from "../../test/support/rule-file.ts";
import { createSharedRules } from "./shared-rules.ts";

function watched(name: string, job: string | undefined = name, port = 8000): Identity {
  return { name, job, health: { http: `http://localhost:${port}/health` } };
}

describe("an alert belongs to", () => {
  const directory = createDirectory([
    watched("shop"),
    watched("pay"),
    watched("web-1", "web", 8001),
    watched("web-2", "web", 8002),
    { ...watched("web-3", "web", 8003), instance: "web-3.internal:80" },
    watched("labelled", undefined),
  ]);
  const none = "no label of it names a watched service";
  const several = "several services share its job, and its instance is not that of exactly one";
  const cases: readonly (readonly [string, Labels, string, string?])[] = [
    ["the service that sentinel_service names", { sentinel_service: "shop" }, "shop"],
    [
      "it before any other label",
      { sentinel_service: "shop", container: "pay", job: "pay" },
      "shop",
    ],
    [
      "nobody if sentinel_service names none that is watched, whatever else names one",
      { sentinel_service: "shopp", job: "shop" },
      "nobody",
      "sentinel_service names no watched service",
    ],
    ["the one that container names", { container: "shop" }, "shop"],
    ["the one that pod names", { pod: "shop" }, "shop"],
    ["the one that service names", { service: "shop" }, "shop"],
    [
      "a container without metrics by its name",
      { container: "labelled", job: "docker" },
      "labelled",
    ],
    ["the one that its name names, before its job", { container: "shop", job: "pay" }, "shop"],
    ["the one that is named twice", { container: "shop", service: "shop" }, "shop"],
    [
      "nobody if two are named",
      { container: "shop", service: "pay" },
      "nobody",
      "its labels name more than one watched service",
    ],
    ["the one of its job", { job: "shop", instance: "10.0.0.1:80" }, "shop"],
    [
      "the one of its job, though another container is named",
      { container: "sidecar", job: "shop" },
      "shop",
    ],
    ["the instance of a job that is shared", { job: "web", instance: "localhost:8002" }, "web-2"],
    ["the instance as it is set", { job: "web", instance: "web-3.internal:80" }, "web-3"],
    [
      "nobody of a shared job for an unknown instance",
      { job: "web", instance: "x" },
      "nobody",
      several,
    ],
    ["nobody of a shared job without an instance", { job: "web" }, "nobody", several],
    [
      "nobody for a set instance's own address",
      { job: "web", instance: "localhost:8003" },
      "nobody",
      several,
    ],
    ["nobody without labels", {}, "nobody", none],
    ["nobody for a name in another case", { container: "Shop" }, "nobody", none],
    ["nobody for a part of a name", { container: "sho" }, "nobody", none],
    ["nobody for a job that is none", { job: "shop2" }, "nobody", none],
    ["nobody for an empty name", { container: "" }, "nobody", none],
    [
      "nobody for what is only called like an object's own",
      { container: "constructor" },
      "nobody",
      none,
    ],
  ];
  test.each(cases.map((row) => [row[0], row] as const))("%s", (_, [, labels, expected, reason]) => {
    const owner = directory.ownerOf(labels);
    expect(owner).toEqual(
      expected === "nobody"
        ? { kind: "nobody", reason: reason ?? "" }
        : { kind: "service", name: expected },
    );
  });

  test("nobody where two services share job and instance", () => {
    const twins = createDirectory([watched("a", "web"), watched("b", "web")]);
    const owner = twins.ownerOf({ job: "web", instance: "localhost:8000" });
    expect(owner).toEqual({ kind: "nobody", reason: several });
  });

  test("whom the rule's own labels name, which win over the sample's", () => {
    expect(directory.ownerOf({ service: "pay" }, { service: "shop" })).toEqual({
      kind: "service",
      name: "shop",
    });
  });

  test("the service that a built-in rule is made for, whatever its series say", () => {
    const builtIn = alert({ rule: rule({ service: "shop" }), labels: { container: "pay" } });
    expect(ownerOfAlert(builtIn, directory)).toEqual({ kind: "service", name: "shop" });
    const ofFile = alert({ labels: { container: "pay" } });
    expect(isOwnedBy(ownerOfAlert(ofFile, directory), "pay")).toBe(true);
    expect(isOwnedBy(ownerOfAlert(ofFile, directory), "shop")).toBe(false);
  });
});

/** Whether labels name that service at all, in the most generous reading: written apart from the code. */
function mayName(labels: Labels, { name, job }: Identity): boolean {
  if (labels["sentinel_service"] !== undefined) return labels["sentinel_service"] === name;
  const named = ["container", "pod", "service"].map((label) => labels[label]);
  return named.includes(name) || (job !== undefined && labels["job"] === job);
}

// So few names that labels often meet a service, and often two.
const names = fc.constantFrom("a", "b", "c", "d", "web", "");
const labelNames = fc.constantFrom(
  ...["sentinel_service", "container", "pod", "service", "job", "instance", "path"],
);
const labelSets = fc.dictionary(labelNames, fc.oneof(names, fc.constantFrom("h:1", "h:2")), {
  maxKeys: 5,
});
const fleets = fc.uniqueArray(
  fc.record({
    name: fc.constantFrom("a", "b", "c", "d", "web"),
    job: fc.option(fc.constantFrom("a", "b", "web", "jobs"), { nil: undefined }),
    health: fc.constantFrom(
      { http: "http://h:1/health" },
      { http: "http://h:2/health" },
      { tcp: "tcp://h:1" },
      "container" as const,
      "none" as const,
    ),
  }),
  { selector: ({ name }) => name, maxLength: 5 },
);

test("100,000 random alerts: none is ever a service's that its labels do not name", () => {
  let owned = 0;
  fc.assert(
    fc.property(fleets, labelSets, labelSets, (services, ofSample, ofRule) => {
      const directory = createDirectory(services);
      const owner = directory.ownerOf(ofSample, ofRule);
      if (owner.kind === "nobody") return;
      owned += 1;
      const service = services.find(({ name }) => name === owner.name);
      expect(service && mayName({ ...ofSample, ...ofRule }, service)).toBe(true);
      // And to one at most: taken away, it is never another's as well by the same labels' word alone.
      expect(directory.ownerOf({ ...ofSample, ...ofRule })).toEqual(owner);
    }),
    { numRuns: 100_000 },
  );
  // Else the property would hold of nothing.
  expect(owned).toBeGreaterThan(10_000);
});

test("2,000 random fleets, rules and samples: each service's poll has its own alerts alone, and none is lost", async () => {
  const ruleSets = fc.array(labelSets, { minLength: 1, maxLength: 4 });
  const vectors = fc.array(labelSets, { maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(fleets, ruleSets, vectors, async (services, ofRules, ofSamples) => {
      const rules = ofRules.map((labels, index): Rule =>
        rule({ alert: `R${index}`, expr: `r${index}`, signal: undefined, labels }),
      );
      const samples = ofSamples.map((labels): Sample => sample(1, labels));
      const source = {
        query: async () => samples,
        range: async () => [],
        scrapeIntervalMs: async () => undefined,
      };
      const directory = createDirectory(services);
      const clock = simulatedClock();
      const options = {
        groups: [groupOf(rules)],
        directory: () => directory,
        pollIntervalMs: 5000,
        signal: NEVER,
      };
      const shared = createSharedRules(options, source, clock);
      const polls = await Promise.all(
        services.map(async (service) => {
          const monitor = createMonitor(
            {
              rulesFor: () => [],
              findWindowMs: async () => 20_000,
              fallbackWindowMs: 20_000,
              shared: { rules: shared, service: service.name },
            },
            source,
            clock,
          );
          return { service, alerts: (await monitor.poll(NEVER)).alerts };
        }),
      );
      for (const { service, alerts } of polls)
        for (const { labels } of alerts) expect(mayName(labels, service)).toBe(true);
      const { alerts = [], unowned = [] } = shared.lastPoll ?? {};
      const firing = alerts.filter(({ state }) => state === "firing");
      const taken = polls.flatMap(({ alerts: own }) => own);
      expect(taken.length + unowned.length).toBe(firing.length);
      expect(new Set(taken).size).toBe(taken.length);
    }),
    { numRuns: 2000 },
  );
});
