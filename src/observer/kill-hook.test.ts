import { expect, test } from "bun:test";
import { memoryJournal } from "../journals/memory.ts";
import { withKillHook } from "./kill-hook.ts";

const options = { journal: memoryJournal(), platforms: [] };

test("without a boundary nothing is changed", () => {
  expect(withKillHook(options, undefined)).toBe(options);
});

test("a boundary that does not exist is refused, with those that do", () => {
  const refused = () => withKillHook(options, "alert_changed");
  expect(refused).toThrow('TEST_KILL_AFTER is "alert_changed"');
  const hint = expect.stringMatching(/^Write one of incident_opened, .*action_running, /);
  expect(refused).toThrow(expect.objectContaining({ code: "configuration", hint }));
});
