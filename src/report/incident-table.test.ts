import { describe, expect, test } from "bun:test";
import { SERVICE_NAME, START_MS } from "../../test/support/fixtures.ts";
import { entriesOf, healed, numbered, shadowed } from "../../test/support/incident-entries.ts";
import { span } from "../text/time.ts";
import { renderIncidents } from "./incident-table.ts";
import { foldIncidents, type IncidentRecord } from "../core/incident-record.ts";

const NOW_MS = START_MS + 600_000;

function records(...stories: readonly Parameters<typeof entriesOf>[]): readonly IncidentRecord[] {
  return foldIncidents(numbered(...stories.flatMap((story) => entriesOf(...story))));
}

const at = (minute: number) => ({
  id: `20250101T12${String(minute).padStart(2, "0")}00-HighCpu`,
  atMs: START_MS + minute * 60_000,
});

test("the newest incident is first, and an open one shows how far it is", () => {
  const found = records(
    [healed(), at(0)],
    [shadowed(), at(4)],
    [healed().slice(0, 7), at(8)],
    [healed().slice(0, 1), at(9)],
  );
  expect(renderIncidents(found, NOW_MS)).toEqual([
    `Incidents of ${SERVICE_NAME}:`,
    "",
    "incident       age  alert    chose  action          verdict        took",
    "─────────────  ───  ───────  ─────  ──────────────  ─────────────  ────",
    "20250101T1209  60s  HighCpu  -      -               investigating     -",
    "20250101T1208   2m  HighCpu  act    docker-restart  verifying         -",
    "20250101T1204   6m  HighCpu  skip   docker-restart  skipped         10s",
    "20250101T1200  10m  HighCpu  act    docker-restart  healed          35s",
    "",
    "sentinel incidents ID shows one; the beginning of its id is enough.",
  ]);
});

test.each([
  ["while a request waits it says how to answer", NOW_MS + 1, true],
  ["once it has expired it does not", NOW_MS, false],
])("%s", (_, expiresAtMs, isTold) => {
  const asked = {
    type: "approval_requested",
    request: at(0).id,
    action: "docker-restart",
    argv: ["docker", "restart", SERVICE_NAME],
    expiresAtMs,
  } as const;
  const lines = renderIncidents(records([[...healed().slice(0, 3), asked], at(0)]), NOW_MS);
  expect(lines.some((line) => line.startsWith("sentinel approve ID"))).toBe(isTold);
});

test("of several services it says which", () => {
  const lines = renderIncidents(
    records([healed(), at(0)], [healed(), { ...at(1), service: "shop" }]),
    NOW_MS,
  );
  expect(lines[0]).toMatch(/^incident +age +service +alert/);
  expect(lines[2]).toContain("  shop                 HighCpu");
});

test("the longest names of Sentinel's own fit 80 columns", () => {
  const [one] = records([healed(), at(0)]);
  if (one === undefined) throw new Error("nothing");
  const long: IncidentRecord = {
    ...one,
    alert: { ...one.alert, name: "HighErrorRatio" },
    action: { id: "supervisor-restart", argv: [] },
    closing: {
      result: "acted",
      verdict: { kind: "not_healed", reason: "" },
      madeWorse: true,
    },
    closedAtMs: one.openedAtMs + 100_000,
  };
  const lines = renderIncidents([long], NOW_MS);
  expect(lines.join("\n")).toContain("made worse");
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
});

test("at most 50 are shown, and how many there are is told", () => {
  const many = Array.from({ length: 51 }, (_, minute) => [healed(), at(minute)] as const);
  const stories = many.map(([events, told]): Parameters<typeof entriesOf> => [events, told]);
  const lines = renderIncidents(records(...stories), NOW_MS);
  expect(lines.filter((line) => line.startsWith("2025"))).toHaveLength(50);
  expect(lines.at(-1)).toEndWith("The newest 50 of 51.");
  expect(renderIncidents(records(...stories.slice(1)), NOW_MS).at(-1)).not.toContain("newest");
});

test("ids that begin alike are shown as far as they differ", () => {
  const found = records(
    [healed(), { ...at(0), id: "20250101T120000-HighCpu" }],
    [healed(), { ...at(0), id: "20250101T120000-HighLatency" }],
    [healed(), { ...at(0), id: "20250101T120000-HighLatency-2" }],
  );
  expect(
    renderIncidents(found, NOW_MS)
      .filter((line) => line.startsWith("2025"))
      .map((line) => line.split(" ")[0]),
  ).toEqual([
    "20250101T120000-HighLatency-",
    "20250101T120000-HighLatency",
    "20250101T120000-HighC",
  ]);
});

test("no name writes to the terminal, ends a line or fills it", () => {
  const [one] = records([healed(), at(0)]);
  if (one === undefined) throw new Error("nothing");
  const evil = `\u001b[2J\n\u202e${"x".repeat(500)}`;
  const lines = renderIncidents(
    [{ ...one, id: evil, service: evil, alert: { ...one.alert, name: evil } }],
    NOW_MS,
  );
  for (const line of lines) {
    expect(line).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(line.length).toBeLessThan(150);
  }
});

test("of none it says so", () => {
  expect(renderIncidents([], NOW_MS)).toEqual(["There are no incidents."]);
});

describe("a span", () => {
  test.each([
    [-5, "0s"],
    [0, "0s"],
    [499, "0s"],
    [500, "1s"],
    [119_000, "119s"],
    [120_000, "2m"],
    [7_199_000, "120m"],
    [7_200_000, "2h"],
    [172_800_000, "2d"],
    [86_400_000 * 400, "400d"],
  ])("of %i ms is %s", (ms, text) => expect(span(ms)).toBe(text));
});
