import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ownContainers } from "../support/containers.ts";
import { BUN_IMAGE, describeUnless, whyNoDocker } from "../support/docker.ts";

setDefaultTimeout(120_000);

const RULE = {
  alert: "UsesMemory",
  expr: "container_memory_working_set_bytes > 1000",
  labels: { severity: "high" },
  annotations: { sentinel_actions: "docker-restart" },
};

describeUnless(await whyNoDocker([BUN_IMAGE]), "A7: a rule file and labelled containers", () => {
  test("A7: a rule of a file counts for them, each for its own series", async () => {
    const folder = mkdtempSync(join(tmpdir(), "sentinel-a7-"));
    const path = join(folder, "rules.yml");
    writeFileSync(path, JSON.stringify({ groups: [{ name: "own", rules: [RULE] }] }));
    await using own = ownContainers();
    const [first, second] = [
      await own.run("a7-first", "sleep 300"),
      await own.run("a7-second", "sleep 300"),
    ];
    await using observer = own.observe({ RULES_FILE: path });
    for (const name of [first, second]) {
      const [opened] = await observer.incident("UsesMemory", name);
      expect(opened).toMatchObject({
        event: "incident_opened",
        service: name,
        alert: { name: "UsesMemory", labels: { container: name } },
      });
    }
    const acted = observer.events().filter(({ event }) => event === "action_started");
    // The playbook knows no such alert, so that a person decides.
    expect(acted).toEqual([]);
    rmSync(folder, { recursive: true });
  });
});
