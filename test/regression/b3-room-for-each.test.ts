/** A target with more series than there is room for: another one goes on, and a person is told why. */

import { expect, test } from "bun:test";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startObserving } from "../support/observing.ts";

const SERVICES = `services:
  - { name: b3-modest, job: modest, health: URL/health }
  - { name: b3-greedy, job: greedy, health: URL/health }
scrape:
  - { job: greedy, url: URL/greedy }
  - { job: modest, url: URL/modest }
`;

const page = (name: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${name}{i="${index}"} 1\n`).join("");

test("B3: 19,700 series of one are no reason to speak ill of another, nor to restart the one", async () => {
  let greedy = page("g", 19_700);
  await using target = serve((path) => (path === "/greedy" ? greedy : page("m", 400)));
  const folder = mkdtempSync(join(tmpdir(), "sentinel-b3-"));
  writeFileSync(join(folder, "sentinel.yaml"), SERVICES.replaceAll("URL", target.url));
  await using observer = startObserving({ cwd: folder });
  const { incident } = await observer.event(
    ({ event, incident: of }) =>
      event === "incident_closed" && String(of).includes("MetricsRefused"),
  );
  const told = observer.events().filter((one) => one["incident"] === incident);
  expect(JSON.stringify(told)).toContain(
    "its metrics are refused: it has more series than there is room for: 20000 for all targets",
  );
  // The other one is scraped all along, and neither is down.
  expect(await observer.query("sum by (job) (up)")).toEqual(
    expect.arrayContaining([
      { metric: { job: "greedy" }, value: 1 },
      { metric: { job: "modest" }, value: 1 },
    ]),
  );
  expect(await observer.query("count(m)")).toEqual([{ metric: {}, value: 400 }]);
  const text = observer.stdout();
  expect(text).not.toContain("TargetDown-");
  expect(text).not.toContain("action_started");

  // It heals by itself once there is less of it.
  greedy = page("g", 100);
  await until(async () => (await observer.query("count(g)"))[0]?.value === 100);
  expect(await observer.query("sentinel_scrape_refused")).toEqual([]);
}, 60_000);

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    if (await holds()) return;
    await Bun.sleep(100);
  }
  throw new Error("it never held");
}

function serve(pageAt: (path: string) => string) {
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: ({ url }) => new Response(pageAt(new URL(url).pathname)),
  });
  return {
    url: server.url.origin,
    async [Symbol.asyncDispose]() {
      await server.stop(true);
    },
  };
}
