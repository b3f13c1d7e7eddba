/** What a person approved is done if it is still called for. */

import { describe, expect, test } from "bun:test";
import { type Given } from "../../test/support/context.ts";
import {
  alert,
  containerState,
  NEVER,
  rule,
  SERVICE_NAME,
  START_MS,
} from "../../test/support/fixtures.ts";
import {
  CPU,
  FIRED,
  ARGV,
  FINDINGS,
  type Setting,
  setting,
  monitorOf,
} from "../../test/support/incident-setting.ts";
import { memoryJournal } from "../../test/support/story.ts";
import { openRecorder } from "./recorder.ts";
import { actOnApproval, type Waiting } from "./incident.ts";

const LIMITS = { cooldownMs: 60_000, mostPerService: 1000, mostInAll: 1000 };

describe("what a person approved is done if it is still called for", () => {
  const waiting = (changes: Partial<Waiting> = {}): Waiting => ({
    findings: FINDINGS,
    action: "docker-restart",
    argv: ARGV,
    request: "r",
    expiresAtMs: START_MS + 1,
    ...changes,
  });

  const paused: Setting["serviceContext"] = async (clock) => {
    const journal = memoryJournal();
    const recorder = await openRecorder(journal, LIMITS, clock);
    const at = { atMs: START_MS, service: SERVICE_NAME, incident: undefined };
    // Said while it waited: the recorder has to look again.
    await journal.commit({ ...at, type: "paused", fields: { by: "a test" } });
    return { recorder };
  };

  test.each<[string, Setting, Partial<Waiting>, string]>([
    ["it is", {}, {}, "acted"],
    ["its alert is over", { script: () => 0.1 }, {}, "skipped alert_resolved"],
    ["its alert has no data", { script: () => undefined }, {}, "skipped data_missing"],
    ["a person has paused it meanwhile", { serviceContext: paused }, {}, "skipped paused"],
    ["its time is over this moment", {}, { expiresAtMs: START_MS }, "held expired"],
    [
      "its alert is another's",
      { serviceContext: () => ({ ownerOf: () => ({ kind: "service", name: "another" }) }) },
      {},
      "held alert_of_another",
    ],
    ["nothing is to be done", { policy: { autonomy: "observe" } }, {}, "held autonomy_observe"],
    [
      "there is no such action any more",
      { policy: { allowlist: {} } },
      {},
      "held not_allowed_for_service",
    ],
    ["its command has a word less", {}, { argv: ARGV.slice(1) }, "held command_changed"],
    ["its command has a word more", {}, { argv: [...ARGV, "-f"] }, "held command_changed"],
    [
      "its command has another word",
      {},
      { argv: [...ARGV.slice(0, -1), "another"] },
      "held command_changed",
    ],
  ])("%s", async (_, given, changes, said) => {
    const { context, runs } = await setting(given);
    const end = await actOnApproval(waiting(changes), context, NEVER);
    const { result, reason } = end.kind === "closed" ? end.closing : {};
    expect([result, reason].filter(Boolean).join(" ")).toBe(said);
    expect(runs).toHaveLength(said === "acted" ? 1 : 0);
  });

  test("whose own rule is quiet, though another one fires: it is not", async () => {
    const other = rule({
      alert: "Other",
      expr: "other > 0.5",
      signal: { expr: "other", operator: ">", threshold: 0.5 },
    });
    const script: Given["script"] = (expr) => (expr === "other" ? 1.9 : 0.1);
    const { context, runs } = await setting({ rules: [CPU, other], script });
    const end = await actOnApproval(waiting(), context, NEVER);
    expect(end).toMatchObject({ closing: { result: "skipped", reason: "alert_resolved" } });
    expect(runs).toEqual([]);
  });

  test("while one of its label sets holds and another waits", async () => {
    const { context, runs } = await setting({
      serviceContext: async () => ({
        monitor: await monitorOf([alert({ rule: CPU, state: "pending" }), FIRED]),
      }),
    });
    await actOnApproval(waiting(), context, NEVER);
    expect(runs).toHaveLength(1);
  });

  test("and not if Sentinel is told to stop at the look, whatever is seen", async () => {
    const stop = new AbortController();
    const script = () => {
      stop.abort();
      return 0.1;
    };
    const { context } = await setting({ script });
    const end = await actOnApproval(waiting(), context, stop.signal);
    expect(end).toMatchObject({ closing: { result: "cancelled" } });
  });

  test("and not while Sentinel is told to stop", async () => {
    const stop = new AbortController();
    const inspect = async () => {
      stop.abort();
      return containerState();
    };
    const { context, runs } = await setting({ inspect });
    const end = await actOnApproval(waiting(), context, stop.signal);
    expect(end).toMatchObject({ closing: { result: "cancelled" } });
    expect(runs).toEqual([]);
  });

  test("and waits on, with the answer, while the journal cannot have the intent", async () => {
    const { context, runs } = await setting({ isUnwritable: true });
    const asked = waiting();
    expect(await actOnApproval(asked, context, NEVER)).toEqual({ kind: "waiting", waiting: asked });
    expect(runs).toEqual([]);
  });
});
