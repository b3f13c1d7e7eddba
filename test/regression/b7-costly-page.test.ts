/** Pages of metrics whose cost is not in their lines: refused by name, and the next honest one is read. */

import { expect, test } from "bun:test";
import { residentMb } from "../bounds/watching.ts";
import { startObserving } from "../support/observing.ts";

const labels = Array.from({ length: 800_000 }, (_, index) => `l${index}="v"`).join(",");

test.each([
  ["one series of 800,000 labels", `a{${labels}} 1\n`, "sent a line of more than 32768 characters"],
  ["300 labels", `a{${labels.slice(0, 3000)}} 1\n`, "sent a series of more than 128 labels"],
  [
    "a label of 15 MB",
    `a{b="${"x".repeat(15e6)}"} 1\n`,
    "sent a line of more than 32768 characters",
  ],
])(
  "B7: %s",
  async (_, page, why) => {
    let served = page;
    const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response(served) });
    await using observer = startObserving({
      env: {
        SCRAPE_TARGETS: `sentinel-target-api=${server.url.origin}/metrics`,
        TARGET_URL: server.url.origin,
      },
    });
    const closed = await observer.event(
      ({ event, incident }) =>
        event === "incident_closed" && String(incident).includes("MetricsRefused"),
    );
    const told = observer.events().filter(({ incident }) => incident === closed["incident"]);
    expect(JSON.stringify(told)).toContain(`its metrics are refused: it ${why}`);
    expect(residentMb(observer.pid)).toBeLessThan(300);
    expect(observer.stdout()).not.toContain("action_started");
    served = "a 1\n";
    const untilMs = performance.now() + 10_000;
    while ((await observer.query("a")).length === 0 && performance.now() < untilMs)
      await Bun.sleep(100);
    expect(await observer.query("a")).toMatchObject([{ value: 1 }]);
    await server.stop(true);
  },
  60_000,
);
