import { describe, expect, test } from "bun:test";
import { WITHOUT_CONTAINER, WITHOUT_ENGINE } from "../../test/support/journals-of-before.ts";
import { foldIncidents } from "./incident-record.ts";
import { readEvent } from "./journal-entry.ts";
import type { JournalEntry } from "./ports.ts";

describe("what was observed of a container", () => {
  function containerOf(entries: readonly JournalEntry[]) {
    const [record] = foldIncidents(entries);
    return record?.container;
  }

  test("in a journal of before is absent where Docker had no such container", () => {
    const reason = "Docker has no container of that name";
    expect(containerOf(WITHOUT_CONTAINER)).toEqual({ kind: "absent", reason });
  });

  test("in a journal of before is unreadable where Docker did not answer", () => {
    expect(containerOf(WITHOUT_ENGINE)).toEqual({
      kind: "unreadable",
      reason: expect.stringContaining("Cannot connect to the Docker daemon at tcp://127.0.0.1:1."),
    });
  });

  test.each([
    ["absent", "Docker has no container of that name"],
    ["absent", "there is none in its pod"],
    ["unreadable", "Docker has no container of that name"],
    ["unreadable", "permission denied"],
  ])("is %s by its kind, whatever is said: %s", (kind, reason) => {
    const container = { kind, reason };
    const entry = WITHOUT_ENGINE.find(({ type }) => type === "evidence_collected");
    if (entry === undefined) throw new Error("the journal has no evidence");
    const read = readEvent({ ...entry, fields: { ...entry.fields, container } });
    expect(read).toMatchObject({ container });
  });

  test("of a kind that is not known is not read", () => {
    const fields = { container: { kind: "perhaps", reason: "" }, health: { ok: true } };
    const entry = { seq: 1, atMs: 0, service: "shop", incident: "i", type: "evidence_collected" };
    expect(readEvent({ ...entry, fields })).toBeUndefined();
  });
});
