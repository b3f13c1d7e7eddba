import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startObserving } from "../support/observing.ts";

setDefaultTimeout(60_000);

test("D2: an app that counts no requests and answers nothing but 500 is not all quiet", async () => {
  let status = 200;
  await using app = Bun.serve({
    ...{ hostname: "127.0.0.1", port: 0 },
    fetch: ({ url }) =>
      url.endsWith("/metrics")
        ? new Response("process_cpu_seconds_total 1\nprocess_resident_memory_bytes 1e6\n")
        : new Response("", { status }),
  });
  const cwd = mkdtempSync(join(tmpdir(), "sentinel-d2-"));
  const health = `http://127.0.0.1:${app.port}/health`;
  const services = [{ name: "d2-app", health, actions: [] }];
  writeFileSync(join(cwd, "sentinel.yaml"), JSON.stringify({ services }));
  await using observer = startObserving({ cwd });
  await observer.event(({ event }) => event === "quiet");
  status = 500;
  const opened = await observer.event(({ event }) => event === "incident_opened");
  expect(JSON.stringify(opened)).toContain("ProbeFailing");
  const [code] = await observer.query("probe_http_status_code");
  expect(code).toMatchObject({ metric: { sentinel_service: "d2-app" }, value: 500 });
  const up = await observer.query('up{job="d2-app"}');
  expect(up.map(({ value }) => value)).toEqual([1]);
});
