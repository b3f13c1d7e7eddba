import { describe, expect, test } from "bun:test";
import { START_MS } from "../../test/support/fixtures.ts";
import { entriesOf, healed } from "../../test/support/incident-entries.ts";
import { memoryJournal } from "../../test/support/story.ts";
import { SentinelError } from "../core/errors.ts";
import type { IncidentEvent } from "../core/events.ts";
import {
  answerRequest,
  openRequests,
  pause,
  readPause,
  readResume,
  resumeAutomation,
} from "./operator-commands.ts";
import type { NewJournalEntry } from "../core/ports.ts";
import { foldIncidents, type IncidentRecord } from "../core/incident-record.ts";

const SAYING = { by: "ann", atMs: START_MS + 60_000 };
const EXPIRES_MS = START_MS + 15 * 60_000;
const SERVICES = { names: ["shop", "shop-db"], isComplete: true };

/** An incident that waits for a person; its request has the same id. */
function waiting(id: string, service = "shop"): NewJournalEntry[] {
  const argv = ["docker", "restart", service];
  const asked: IncidentEvent = {
    type: "approval_requested",
    request: id,
    action: "docker-restart",
    argv,
    expiresAtMs: EXPIRES_MS,
  };
  return entriesOf([...healed().slice(0, 3), asked], { id, service });
}

async function recordsOf(
  ...entries: readonly NewJournalEntry[]
): Promise<readonly IncidentRecord[]> {
  const journal = memoryJournal();
  for (const entry of entries) await journal.commit(entry);
  return foldIncidents(await journal.readAfter(0));
}

/** What the work says when it refuses. */
function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof SentinelError) return `${error.code}: ${error.message}. ${error.hint}`;
    throw error;
  }
  throw new Error("it was not refused");
}

const yes = (text: string) => ({ text, answer: "approved" }) as const;

describe("requests that wait", () => {
  test("have what a person needs to know", async () => {
    expect(openRequests(await recordsOf(...waiting("r-1")), SAYING.atMs)).toEqual([
      {
        id: "r-1",
        service: "shop",
        alert: "HighCpu",
        argv: ["docker", "restart", "shop"],
        expiresAtMs: EXPIRES_MS,
      },
    ]);
  });

  test.each([
    ["until a moment before they expire", EXPIRES_MS - 1, 1],
    ["not any more when they do", EXPIRES_MS, 0],
  ])("%s", async (_, nowMs, count) => {
    expect(openRequests(await recordsOf(...waiting("r-1")), nowMs)).toHaveLength(count);
  });

  test("do not once somebody has answered, or the incident has ended", async () => {
    const { entry } = answerRequest(yes("r-1"), await recordsOf(...waiting("r-1")), SAYING);
    expect(openRequests(await recordsOf(...waiting("r-1"), entry), SAYING.atMs)).toEqual([]);
    expect(openRequests(await recordsOf(...entriesOf(healed())), SAYING.atMs)).toEqual([]);
  });
});

describe("an answer", async () => {
  test("is bound to the service, the incident and the request", async () => {
    const { entry, meaning } = answerRequest(
      yes("r-1"),
      await recordsOf(...waiting("r-1")),
      SAYING,
    );
    expect(entry).toEqual({
      atMs: SAYING.atMs,
      service: "shop",
      incident: "r-1",
      type: "approval_given",
      fields: { request: "r-1", answer: "approved", by: "ann" },
    });
    expect(meaning).toContain("approved: the observer runs `docker restart shop`");
  });

  test("may be a no, which says what is not run", async () => {
    const records = await recordsOf(...waiting("r-1"));
    const { entry, meaning } = answerRequest({ text: "r-1", answer: "denied" }, records, SAYING);
    expect(entry.fields).toMatchObject({ answer: "denied" });
    expect(meaning).toBe("denied: `docker restart shop` is not run");
  });

  test.each([
    ["r-2", "r-2"],
    ["r-1", "r-1"],
    ["r-20", "r-20"],
    ["r-20", "r-20x"],
  ])("that begins with %s finds it among others", async (text, id) => {
    const ids = ["r-1", "r-2", ...(id.length > 3 ? [id] : [])];
    const records = await recordsOf(...ids.flatMap((one) => waiting(one)));
    expect(answerRequest(yes(text), records, SAYING).entry.incident).toBe(id);
  });

  test("that could be of several is of none", async () => {
    const records = await recordsOf(...waiting("r-1"), ...waiting("r-2"));
    expect(await refusal(() => answerRequest(yes("r-"), records, SAYING))).toBe(
      "usage: r- is the beginning of several requests. Write one of r-1, r-2.",
    );
    expect(await refusal(() => answerRequest(yes(""), records, SAYING))).toContain("no request");
  });

  test("of two services whose requests have one id is of the one that was asked first, then the other", async () => {
    const entries = [...waiting("r-1"), ...waiting("r-1", "shop-db")];
    const first = answerRequest(yes("r-1"), await recordsOf(...entries), SAYING).entry;
    const second = answerRequest(yes("r-1"), await recordsOf(...entries, first), SAYING).entry;
    expect([first.service, second.service]).toEqual(["shop", "shop-db"]);
  });

  test.each<[string, string, readonly NewJournalEntry[], number, string]>([
    ["nothing waits", "r-1", [], SAYING.atMs, "No request waits."],
    ["the id is misspelt", "r-11", waiting("r-12"), SAYING.atMs, "Did you mean r-12?"],
    ["the id is another's", "other", waiting("r-1"), SAYING.atMs, "These wait: r-1."],
    ["it has expired", "r-1", waiting("r-1"), EXPIRES_MS, "does not wait for an answer any more"],
    [
      "somebody has answered",
      "r-1",
      [
        ...waiting("r-1"),
        answerRequest(yes("r-1"), await recordsOf(...waiting("r-1")), SAYING).entry,
      ],
      SAYING.atMs,
      "does not wait for an answer any more. sentinel incidents r-1 tells",
    ],
    [
      "it is an incident without a request",
      "i-1",
      entriesOf(healed(), { id: "i-1" }),
      SAYING.atMs,
      "does not wait for an answer any more",
    ],
  ])("is refused when %s", async (_, text, entries, atMs, said) => {
    const records = await recordsOf(...entries);
    expect(await refusal(() => answerRequest(yes(text), records, { ...SAYING, atMs }))).toContain(
      said,
    );
  });
});

describe("a pause", () => {
  test.each([
    [{}, "", {}, "paused: all services are left alone until sentinel resume"],
    [{ service: "shop" }, "shop", {}, "paused: shop is left alone until sentinel resume shop"],
    [
      { service: "shop", length: "1h30m" },
      "shop",
      { until_ms: SAYING.atMs + 5_400_000 },
      "paused: shop is left alone for 1h30m",
    ],
    [
      { length: "30d" },
      "",
      { until_ms: SAYING.atMs + 30 * 86_400_000 },
      "paused: all services are left alone for 30d",
    ],
  ])("%j", (options, service, fields, meaning) => {
    expect(pause(options, SERVICES, SAYING)).toEqual({
      entry: {
        atMs: SAYING.atMs,
        service,
        incident: undefined,
        type: "paused",
        fields: { ...fields, by: "ann" },
      },
      meaning,
    });
  });

  test.each([
    ["0", "up to 30d"],
    ["30d1s", "up to 30d"],
    ["2", "the length of a pause is"],
    ["", "Write a duration such as"],
    ["-2h", "Write a duration such as"],
  ])("of %p is refused", async (length, said) => {
    expect(await refusal(() => pause({ length }, SERVICES, SAYING))).toContain(said);
  });
});

describe("a service that is named", () => {
  const words = [
    (service: string, services = SERVICES) => pause({ service }, services, SAYING),
    (service: string, services = SERVICES) => resumeAutomation(service, services, SAYING),
  ];

  test.each([
    ["shop-dp", "usage: no service shop-dp is watched. Did you mean shop-db?"],
    ["other", "usage: no service other is watched. These are: shop, shop-db."],
    ["a b", 'usage: "a b" is not the name of a service.'],
    ["", 'usage: "" is not the name of a service.'],
    ["--for", 'usage: "--for" is not the name of a service.'],
  ])("%p is refused: who misspells it would think that it is paused", async (name, said) => {
    for (const word of words) expect(await refusal(() => word(name))).toContain(said);
  });

  test("may be one that is not known yet, where containers come by their label", () => {
    for (const word of words) {
      const { entry, meaning } = word("other", { names: ["shop"], isComplete: false });
      expect(entry.service).toBe("other");
      expect(meaning).toEndWith("; no service of that name is known yet");
    }
  });
});

test("to resume says who is acted on again", () => {
  expect(resumeAutomation(undefined, SERVICES, SAYING)).toMatchObject({
    entry: { service: "", type: "resumed", fields: { by: "ann" } },
    meaning: "resumed: all services are acted on again",
  });
  expect(resumeAutomation("shop", SERVICES, SAYING)).toMatchObject({
    entry: { service: "shop" },
    meaning: "resumed: shop is acted on again",
  });
});

describe("a body", () => {
  test.each([
    ["", {}],
    [" \n", {}],
    ["{}", {}],
    ['{"service": "shop", "for": "2h"}', { service: "shop", length: "2h" }],
  ])("%p is read", (text, expected) => {
    expect(readPause(text)).toEqual({ service: undefined, length: undefined, ...expected });
  });

  test("to resume names a service, or none, and no time", async () => {
    expect(readResume("")).toBeUndefined();
    expect(readResume('{"service": "shop"}')).toBe("shop");
    expect(await refusal(() => readResume('{"service": "shop", "for": "2h"}'))).toContain(
      'Send nothing, or JSON such as {"service": "my-api"}.',
    );
  });

  test.each(["{", "[]", "null", '"shop"', '{"services": "shop"}', '{"for": 2}'])(
    "%p is refused",
    async (text) =>
      expect(await refusal(() => readPause(text))).toContain("Send nothing, or JSON such as"),
  );
});
