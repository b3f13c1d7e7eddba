import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sentinelBinary } from "../support/binary.ts";
import { ownContainers } from "../support/containers.ts";
import { BUN_IMAGE, describeUnless, whyNoDocker } from "../support/docker.ts";
import { freePort } from "../support/free-port.ts";
import { embeddedSettings, startObserving } from "../support/observing.ts";

setDefaultTimeout(60_000);

const missing = await whyNoDocker([BUN_IMAGE]);

function folderWith(services: readonly unknown[]): string {
  const folder = mkdtempSync(join(tmpdir(), "sentinel-a4-"));
  writeFileSync(join(folder, "sentinel.yaml"), JSON.stringify({ services }));
  return folder;
}

async function check(cwd: string): Promise<readonly string[]> {
  const env = { PATH: process.env["PATH"] ?? "", ...embeddedSettings() };
  const child = Bun.spawn([sentinelBinary(), "check"], { cwd, env, stderr: "inherit" });
  return (await new Response(child.stdout).text()).split("\n");
}

describeUnless(missing, "A4: a service whose name is no container", () => {
  test("A4: check and the first lines say so, and nothing is run on a Compose file that is not there", async () => {
    const name = `a4-nowhere-${crypto.randomUUID().slice(0, 8)}`;
    const cwd = folderWith([{ name, metrics: `http://127.0.0.1:${freePort()}/metrics` }]);
    const told = new RegExp(`^missing +container of ${name} +there is no container ${name}`);
    expect(await check(cwd)).toContainEqual(expect.stringMatching(told));
    await using observer = startObserving({ cwd });
    expect(await observer.notice("container")).toStartWith(`there is no container ${name}`);
    const events = await observer.incident("TargetDown", name);
    expect(events.filter(({ event }) => event === "action_started")).toEqual([]);
    expect(events.find(({ event }) => event === "decided")).toMatchObject({
      decision: { kind: "ask", reason: "no_action_needed" },
    });
    expect(JSON.stringify(events)).not.toContain("compose up");
  });

  test("A4: the container that was meant is named, and one that runs elsewhere is left out", async () => {
    await using own = ownContainers();
    const container = await own.run("shop-cache", "sleep 60");
    const short = `${container}s`;
    const lines = await check(
      folderWith([{ name: short }, { name: "elsewhere-a4", actions: [] }, { name: container }]),
    );
    const said = lines.filter((line) => line.includes("container of"));
    expect(said).toEqual([expect.stringContaining(`(did you mean ${container}?)`)]);
  });
});
