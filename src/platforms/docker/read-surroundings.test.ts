import { describe, expect, test } from "bun:test";
import { readBeside, readEvents, readSetup } from "./read-surroundings.ts";

const inspected = (changes: Record<string, unknown> = {}) =>
  JSON.stringify({
    Id: "abc",
    Created: "2026-01-01T00:00:00Z",
    Image: "sha256:1",
    Config: {
      Image: "shop:1",
      Env: ["DB=postgres://u:hunter2@db:5432/x", "API_KEY=swordfish", "REDIS_HOST=cache", "A=b:1"],
      Labels: {
        "com.docker.compose.project": "shop",
        "com.docker.compose.depends_on": "db:service_started:false,queue:service_healthy:true",
      },
    },
    Path: "node",
    Args: ["--token", "swordfish"],
    HostConfig: { NanoCpus: 5e8, Memory: 1024, PidsLimit: null },
    NetworkSettings: { Networks: { net: {} } },
    ...changes,
  });

describe("a set-up", () => {
  test("has names and hashes, and of values only hosts that are marked as such", () => {
    const setup = readSetup(inspected());
    expect(setup).toMatchObject({
      image: "shop:1",
      imageId: "sha256:1",
      limits: { cpuCores: 0.5, memoryBytes: 1024 },
      networks: ["net"],
      project: "shop",
      needs: ["db", "queue"],
      namedHosts: ["db", "cache", "b"],
    });
    expect([...setup.environment.keys()]).toEqual(["DB", "API_KEY", "REDIS_HOST", "A"]);
    const told = JSON.stringify({ ...setup, environment: [...setup.environment] });
    for (const secret of ["hunter2", "swordfish"]) expect(told).not.toContain(secret);
  });

  test("is the same for the same values, and another for others", () => {
    const [one, same] = [readSetup(inspected()), readSetup(inspected())];
    expect(same).toEqual(one);
    const other = readSetup(inspected({ Args: ["--token", "marlin"] }));
    expect(other.commandHash).not.toBe(one.commandHash);
  });

  test("may lack nearly everything", () => {
    const bare = { Config: { Image: "a" }, HostConfig: null, NetworkSettings: null, Args: null };
    expect(readSetup(inspected(bare))).toMatchObject({ limits: {}, networks: [], needs: [] });
    expect(() => readSetup("{}")).toThrow("unknown form");
    expect(readSetup(`[${inspected()}]`).containerId).toBe("abc");
  });
});

describe("events", () => {
  const line = (changes: Record<string, unknown>, attributes: Record<string, string>) =>
    JSON.stringify({
      Type: "container",
      Action: "die",
      timeNano: 1_500_000_000,
      Actor: { ID: "abc", Attributes: attributes },
      ...changes,
    });

  test("are those of the container, by its name or id, and of its networks", () => {
    const lines = [
      line({}, { name: "api", exitCode: "3", image: "shop:1" }),
      line({ Type: "network", Action: "disconnect" }, { name: "net", container: "abc" }),
      line({ Actor: { ID: "def", Attributes: { name: "other" } } }, {}),
      line({ Type: "network" }, { name: "abc", container: "def" }),
      "no event",
    ].join("\n");
    expect(readEvents(lines, ["api", "abc"])).toMatchObject([
      { atMs: 1500, action: "die", exitCode: 3, image: "shop:1" },
      { action: "disconnect", network: "net" },
    ]);
  });
});

describe("what is beside", () => {
  test("has its state, its networks and where Compose has it", () => {
    const lines = [
      '"shop-db-1" "exited" "Exited (1) 2 minutes ago" "shop_net" "shop" "db"',
      '"api,web/api" "running" "Up 5 minutes (unhealthy)" "bridge,net" "" ""',
      '"job" "exited" "Exited (0) 2 minutes ago" "" "" ""',
      "no line",
      "",
    ].join("\n");
    expect(readBeside(lines)).toEqual([
      {
        name: "shop-db-1",
        aliases: ["db"],
        status: "exited",
        state: "exited (1) 2 minutes ago",
        isOneShot: false,
        networks: ["shop_net"],
        project: "shop",
      },
      {
        name: "api",
        aliases: [],
        status: "running",
        state: "up 5 minutes (unhealthy)",
        isOneShot: false,
        networks: ["bridge", "net"],
        project: undefined,
      },
      expect.objectContaining({ name: "job", isOneShot: true }),
    ]);
  });
});
