import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeUnless } from "../support/docker.ts";
import { embeddedSettings, startObserving } from "../support/observing.ts";
import { sentinelBinary } from "../support/binary.ts";
import { startNginx, whyNo } from "../support/servers/daemons.ts";

setDefaultTimeout(60_000);

describeUnless(whyNo("nginx"), "D3: a service that is well and has no metrics", () => {
  test("D3: is no TargetDown, whether that was said or not", async () => {
    await using nginx = await startNginx("ok");
    const cwd = mkdtempSync(join(tmpdir(), "sentinel-d3-"));
    const health = `http://127.0.0.1:${nginx.port}/health`;
    const services = [
      { name: "assumed", health, actions: [] },
      { name: "none", health, metrics: "none", actions: [] },
      { name: "bare", actions: [] },
    ];
    writeFileSync(join(cwd, "sentinel.yaml"), JSON.stringify({ services }));
    await using observer = startObserving({ cwd });
    // Its rules hold for a scrape or two before they fire.
    await observer.notice("signals");
    await Bun.sleep(6000);
    const told = observer.events().filter(({ event }) => event === "alert_changed");
    expect(told.filter(({ alert }) => JSON.stringify(alert).includes("TargetDown"))).toEqual([]);
    expect(observer.events()).not.toContainEqual(
      expect.objectContaining({ event: "incident_opened" }),
    );
    const jobs = (await observer.query("up")).map(({ metric }) => metric["job"]);
    expect(jobs).toEqual(["assumed"]);
  });

  test("D3: rules has no rule on metrics for it", async () => {
    const cwd = mkdtempSync(join(tmpdir(), "sentinel-d3-"));
    writeFileSync(join(cwd, "sentinel.yaml"), "services: [{ name: redis, metrics: none }]");
    const env = { PATH: process.env["PATH"] ?? "", ...embeddedSettings() };
    const child = Bun.spawn([sentinelBinary(), "rules"], { cwd, env, stderr: "inherit" });
    const rules = await new Response(child.stdout).text();
    expect(rules).toContain("container_healthy");
    expect(rules).not.toMatch(/job=|TargetDown|alert: High/);
  });
});
