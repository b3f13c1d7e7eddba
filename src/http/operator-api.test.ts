import { describe, expect, test } from "bun:test";
import { START_MS } from "../../test/support/fixtures.ts";
import { entriesOf, healed } from "../../test/support/incident-entries.ts";
import { memoryJournal } from "../../test/support/story.ts";
import { SentinelError } from "../core/errors.ts";
import { foldIncidents } from "../core/incident-record.ts";
import { type OperatorDesk, operatorApi } from "./operator-api.ts";

const TOKEN = "sesame-sesame-sesame";
const ID = "20250101T120000-HighCpu-d1a9";
const ARGV = ["docker", "restart", "shop"];
const EXPIRES_MS = START_MS + 15 * 60_000;

/** The desk of an observer with one incident that waits. */
async function deskOf(changes: Partial<OperatorDesk> = {}) {
  const journal = memoryJournal();
  const asked = {
    type: "approval_requested",
    request: ID,
    action: "docker-restart",
    argv: ARGV,
    expiresAtMs: EXPIRES_MS,
  } as const;
  for (const entry of entriesOf([...healed().slice(0, 3), asked], { id: ID, service: "shop" }))
    await journal.commit(entry);
  const before = (await journal.readAfter(0)).length;
  const desk = {
    token: TOKEN,
    nowMs: () => START_MS + 60_000,
    records: async () => foldIncidents(await journal.readAfter(0)),
    services: () => ({ names: ["shop"], isComplete: true }),
    commit: journal.commit,
    onRefused: () => {},
    tell: () => {},
    ...changes,
  };
  const api = operatorApi(desk, () => "127.0.0.1").compile();
  const ask = async (method: string, path: string, options: RequestInit = {}) => {
    const headers = { authorization: `Bearer ${TOKEN}` };
    const request = new Request(`http://localhost${path}`, { method, headers, ...options });
    const response = await api.handle(request);
    return { status: response.status, headers: response.headers, body: await response.json() };
  };
  /** What people have said through it. */
  const said = async () => (await journal.readAfter(before)).map(({ seq: _, ...entry }) => entry);
  return { ask, said };
}

const WORDS = [
  ["GET", "/approvals"],
  ["POST", `/approvals/${ID}/approve`],
  ["POST", `/approvals/${ID}/deny`],
  ["POST", "/pause"],
  ["POST", "/resume"],
] as const;

describe.each(WORDS)("%s %s", (method, path) => {
  test("is forbidden where no token is set, whatever is sent", async () => {
    const { ask, said } = await deskOf({ token: undefined });
    for (const authorization of ["Bearer ", "Bearer undefined", `Bearer ${TOKEN}`]) {
      const { status, body } = await ask(method, path, { headers: { authorization } });
      expect({ status, body }).toMatchObject({ status: 403, body: { error: "forbidden" } });
    }
    expect(await said()).toEqual([]);
  });

  test.each([
    ["no token", {}],
    ["a wrong one", { authorization: `Bearer ${TOKEN}x` }],
    ["the token in another way", { authorization: TOKEN, cookie: `token=${TOKEN}` }],
  ])("is refused with %s, and the scheme is named", async (_, headers) => {
    const { ask, said } = await deskOf();
    const answer = await ask(method, path, { headers });
    expect(answer).toMatchObject({ status: 401, body: { error: "unauthorized" } });
    expect(answer.headers.get("www-authenticate")).toBe("Bearer");
    expect(JSON.stringify(answer.body)).not.toContain(TOKEN);
    expect(await said()).toEqual([]);
  });
});

test("what waits is listed, with what would be run and until when", async () => {
  const { status, body } = await (await deskOf()).ask("GET", "/approvals");
  expect(status).toBe(200);
  expect(body).toEqual({
    waiting: [
      {
        ...{ id: ID, service: "shop", alert: "HighCpu", argv: ARGV },
        expires_at: new Date(EXPIRES_MS).toISOString(),
      },
    ],
  });
});

test.each([
  ["approve", "approved"],
  ["deny", "denied"],
])("to %s is written down, once", async (verb, answer) => {
  const { ask, said } = await deskOf();
  // The beginning of an id is enough.
  const first = await ask("POST", `/approvals/20250101/${verb}`);
  expect(first.status).toBe(200);
  expect(first.body).toMatchObject({ message: expect.stringContaining("docker restart shop") });
  const again = await ask("POST", `/approvals/${ID}/${verb}`);
  expect(again).toMatchObject({ status: 422, body: { error: "invalid" } });
  expect(await said()).toMatchObject([
    { type: "approval_given", service: "shop", incident: ID, fields: { request: ID, answer } },
  ]);
});

test("a request that has expired is answered with why", async () => {
  const { ask, said } = await deskOf({ nowMs: () => EXPIRES_MS });
  const { status, body } = await ask("POST", `/approvals/${ID}/approve`);
  expect(status).toBe(422);
  expect(body).toMatchObject({ message: expect.stringContaining("does not wait") });
  expect(await said()).toEqual([]);
});

test.each([
  ["pause", undefined, { service: "", fields: {} }],
  ["pause", '{"service": "shop", "for": "2h"}', { service: "shop" }],
  ["resume", undefined, { service: "" }],
  ["resume", '{"service": "shop"}', { service: "shop" }],
])("to %s with %p is written down", async (verb, body, entry) => {
  const { ask, said } = await deskOf();
  const headers = { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" };
  const answer = await ask("POST", `/${verb}`, {
    headers,
    ...(body === undefined ? {} : { body }),
  });
  expect(answer.status).toBe(200);
  expect(await said()).toMatchObject([{ type: `${verb}d`.replace("eed", "ed"), ...entry }]);
});

test.each([
  ["/pause", "{"],
  ["/pause", '{"service": "shpo"}'],
  ["/pause", '{"service": "a b"}'],
  ["/pause", '{"until": "2h"}'],
  ["/pause", '{"for": "2"}'],
  ["/pause", '{"for": "31d"}'],
  ["/resume", '{"service": "shop", "for": "2h"}'],
  ["/resume", "[]"],
  ["/approvals/other/approve", ""],
])("%s with %p is refused, and nothing is written", async (path, body) => {
  const { ask, said } = await deskOf();
  const headers = { authorization: `Bearer ${TOKEN}` };
  const answer = await ask("POST", path, { headers, body });
  expect(answer).toMatchObject({ status: 422, body: { error: "invalid" } });
  expect(await said()).toEqual([]);
});

test("a word that could not be written down is not taken for said", async () => {
  const { ask } = await deskOf({
    async commit() {
      throw new SentinelError("journal_unavailable", "the disk is full", { hint: "Free some." });
    },
  });
  expect(await ask("POST", "/pause")).toMatchObject({
    status: 503,
    body: { error: "unavailable", message: "the disk is full. Free some." },
  });
});

test.each([["/approvals/%E0%A4%A/approve"], ["/approvals/%/deny"]])(
  "%s, which no text can be, is a request that cannot be read",
  async (path) => {
    const { ask } = await deskOf();
    expect(await ask("POST", path)).toMatchObject({ status: 422, body: { error: "invalid" } });
  },
);
