/** B8: a wall clock that is set, forward or back, costs no signal and no order. */

import { expect, setDefaultTimeout, test } from "bun:test";
import { z } from "zod";
import { describeUnless } from "../support/docker.ts";
import { startTarget } from "../target/target.ts";
import { fakeClock, whyNoFaketime } from "../support/faketime.ts";
import { startObserving } from "../support/observing.ts";

setDefaultTimeout(90_000);

const JOB = "api";
const POLL_MS = 1000;
const HOUR_S = 3600;
/** A window of 4 s, and then some. */
const WINDOW_FILLED_MS = 6000;

const answerSchema = z.object({
  data: z.object({ result: z.array(z.object({ value: z.tuple([z.number(), z.string()]) })) }),
});

describeUnless(whyNoFaketime(), "B8", () => {
  test.each([
    ["an hour back", [-HOUR_S]],
    ["an hour forward", [HOUR_S]],
    ["back, forth and back again", [-HOUR_S, 2 * HOUR_S, -60]],
  ])("B8: signals are back within two polls of a clock that is set %s", async (_, jumps) => {
    await using target = await startTarget();
    const clock = fakeClock();
    await using observer = startObserving({
      env: {
        ...clock.env,
        TARGET_URL: target.url,
        TARGET_JOB: JOB,
        SCRAPE_TARGETS: `${JOB}=${target.url}/metrics`,
        RATE_WINDOW: "4s",
      },
    });
    const [api = ""] = (await observer.notice("series")).split(", ");
    const root = api.replace("/api/v1", "");
    const ask = async (expr: string) => {
      const response = await fetch(`${api}/query?query=${encodeURIComponent(expr)}`);
      return answerSchema.parse(await response.json()).data.result.map(({ value }) => value);
    };
    const cpu = `rate(process_cpu_seconds_total{job="${JOB}"}[4s])`;
    while ((await ask(cpu)).length === 0) await Bun.sleep(200);
    await Bun.sleep(WINDOW_FILLED_MS);

    for (const aheadS of jumps) {
      clock.set(aheadS);
      // Two polls, and a busy machine.
      await Bun.sleep(2 * POLL_MS + 500);
      const [age] = await ask(`time() - timestamp(up{job="${JOB}"})`);
      expect(Number(age?.[1])).toBeWithin(0, 3);
      expect(Math.abs((age?.[0] ?? 0) * 1000 - clock.nowMs())).toBeLessThan(3000);
      const [rate] = await ask(cpu);
      expect(Number(rate?.[1])).toBeWithin(0, 2);
      // As many as before: none was refused, and none is lost.
      const [samples] = await ask(`count_over_time(up{job="${JOB}"}[6s])`);
      expect(Number(samples?.[1])).toBeGreaterThanOrEqual(4);
      expect((await fetch(`${root}/ready`)).status).toBe(200);
    }
    await Bun.sleep(2 * POLL_MS);
    const said = observer.events();
    expect(said.filter(({ event }) => event === "incident_opened")).toEqual([]);
    expect(said.filter(({ event }) => event === "source_down")).toEqual([]);
    const states = said.flatMap(({ event, alert }) =>
      event === "alert_changed" ? JSON.stringify(alert) : [],
    );
    expect(states.filter((text) => text.includes('"TargetDown"'))).toEqual([]);
  });
});
