import { describe, expect, test } from "bun:test";
import { service } from "../../test/support/fixtures.ts";
import { tellApart } from "./shared-jobs.ts";

const HEALTH = { http: "http://10.0.0.2:8080/health" };

describe("services of one job", () => {
  test("have the instance that is set, or that of their health", () => {
    const services = tellApart([
      service({ name: "a", job: "shop", instance: "a:1" }),
      service({ name: "b", job: "shop", health: HEALTH }),
      service({ name: "c", job: "other", health: HEALTH }),
    ]);
    expect(services.map(({ name, instance }) => [name, instance])).toEqual([
      ["a", "a:1"],
      ["b", "10.0.0.2:8080"],
      ["c", undefined],
    ]);
  });

  test("are refused where nothing tells their series apart", () => {
    const services = [
      service({ name: "a", job: "shop", instance: "a:1" }),
      service({ name: "b", job: "shop", health: "container" }),
    ];
    expect(() => tellApart(services)).toThrow(
      "the services a, b share the job shop, and nothing tells which of its series belong to b",
    );
  });

  test("may be several without any", () => {
    const services = ["a", "b"].map((name) =>
      service({ name, job: undefined, health: "container" }),
    );
    expect(tellApart(services)).toEqual(services);
  });
});
