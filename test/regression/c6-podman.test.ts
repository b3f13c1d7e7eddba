/** C6: Podman's command as `docker`, and Podman's socket: check says which engine it is, and it heals. */

import { expect, setDefaultTimeout, test } from "bun:test";
import { describeUnless } from "../support/docker.ts";
import { healsOn } from "../support/engines/healing.ts";
import { startPodman, whyNoPodman } from "../support/engines/podman.ts";

setDefaultTimeout(120_000);

describeUnless(whyNoPodman(), "C6", () => {
  test("C6: a container of Podman is healed by its own command as docker", async () => {
    await using engine = await startPodman("its command by its socket");
    const { checked, said } = await healsOn(engine, { isChecked: true });
    expect(said).toMatch(/^Podman \d\S+, API 1\.\d+, at unix:\/\//);
    expect(checked).toBe(`ok docker ${said}`);
  });
});
