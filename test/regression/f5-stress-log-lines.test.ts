/** F5: what the target logs of its own stress tells a model the answer, so no model is shown it. */

import { describe, expect, test } from "bun:test";
import { withoutGroundTruth } from "../../src/diagnosis/evidence.ts";
import type { EventLevel } from "../../src/target/events.ts";
import { createTarget } from "../../src/target/server.ts";
import { aliveProcess, TARGET_SETTINGS } from "../support/target.ts";

/** What a target logs while it is asked for that, as it stands in its log. */
async function logOf(path: string): Promise<readonly string[]> {
  const lines: string[] = [];
  const target = createTarget(TARGET_SETTINGS, {
    emit: (level: EventLevel, event: string, fields) =>
      lines.push(JSON.stringify({ event, level, ...fields })),
    ownProcess: aliveProcess,
    random: () => 0,
  });
  await target.handle(new Request(`http://localhost${path}`));
  await target.stopFaults();
  return lines;
}

describe("F5: no line that the target logs of its stress is left for a model", () => {
  test.each([
    ["/stress/latency?min_delay=0&max_delay=0", "latency_stress_started"],
    ["/stress/memory?megabytes=1", "memory_stress_started"],
    ["/stress/crash", "crash_stress_triggered"],
    ["/stress/cpu?duration=-1", "request_processed"],
  ])("%s", async (path, event) => {
    const lines = await logOf(path);
    expect(lines.filter((line) => line.includes(`"${event}"`))).not.toEqual([]);
    expect(withoutGroundTruth(lines)).toEqual([]);
  });

  test.each([
    '{"event":"cpu_stress_started","level":"info","logger":"sentinel.target","duration":5}',
    '{"event":"cpu_stress_completed","level":"info","duration":5,"primes_found":7}',
    '{"event": "latency_stress_cancelled", "reason": "client_gone"}',
  ])("%s is withheld", (line) => {
    expect(withoutGroundTruth([line])).toEqual([]);
  });

  test.each([
    '{"event":"request_processed","path":"/api/items","status":500}',
    '{"event":"request_processed","path":"/stressful","status":200}',
    '{"event":"disk_stress_started"}',
    "cpu_stress_started is a word in somebody's text",
    '{"event":"application_error","message":"a fault in /stress/cpu"}',
  ])("%s is evidence like any other", (line) => {
    expect(withoutGroundTruth([line])).toEqual([line]);
  });
});
