import { expect, test } from "bun:test";
import { containerState, SERVICE_NAME, START_MS } from "../../test/support/fixtures.ts";
import { entriesOf, healed, INCIDENT_ID, numbered } from "../../test/support/incident-entries.ts";
import { WITHOUT_CONTAINER, WITHOUT_ENGINE } from "../../test/support/journals-of-before.ts";
import { renderIncidentPage } from "./incident-page.ts";
import type { JournalEntry } from "../core/ports.ts";
import { foldIncidents } from "../core/incident-record.ts";

function page(entries: readonly JournalEntry[]): string {
  const [record] = foldIncidents(entries);
  if (record === undefined) throw new Error("there is no incident");
  return renderIncidentPage(record, entries).join("\n");
}

test("an incident as a page, whole", () => {
  expect(page(numbered(...entriesOf(healed())))).toBe(
    `# Incident ${INCIDENT_ID}

- Service: ${SERVICE_NAME}
- Alert: HighCpu (high): CPU use is 1.9 cores
- Found: 2025-01-01 12:00:00, 8s after it began
- State: healed: the alert is silent, after 35s

## Diagnosis

Worker threads burn every core. (playbook, 90 % sure)

- CPU is 1.9 cores

## Timeline

| UTC | after | what |
| --- | ---: | --- |
| 12:00:00 | 0s | HighCpu fires: CPU use is 1.9 cores |
| 12:00:05 | 5s | no answer from gemini-3.8-flash (Gemini) in 20s: it took too long |
| 12:00:10 | 10s | diagnosed by playbook in 2s; proposes docker-restart |
| 12:00:15 | 15s | decision: act docker-restart (the diagnosis chose it and the alert's rule permits it) |
| 12:00:20 | 20s | runs docker-restart: \`docker restart ${SERVICE_NAME}\` |
| 12:00:25 | 25s | the command succeeded, exit 0, in 1s |
| 12:00:30 | 30s | the verdict is due in 30s |
| 12:00:35 | 35s | ends, acted: healed, the alert is silent |`,
  );
});

test.each(healed().map((_, index) => index + 1))("after %i events it is a page too", (count) => {
  const text = page(numbered(...entriesOf(healed().slice(0, count))));
  expect(text.split("\n").filter((line) => line.startsWith("| 12:"))).toHaveLength(count);
  expect(text.includes("State: open, ")).toBe(count < healed().length);
});

test("a journal of before tells of a container what it told then", () => {
  expect(page(WITHOUT_CONTAINER)).toContain(
    "| evidence: container Docker has no container of that name, health fails |",
  );
  expect(page(WITHOUT_ENGINE)).toContain(
    "| evidence: container `Cannot connect to the Docker daemon at tcp://127.0.0.1:1. Is the docker daemon running?; start the Docker engine ('sudo systemctl start docker', or Docker Desktop), or correct DOCKER_HOST`, health fails |",
  );
});

test("a service without a health check is said to have none", () => {
  const [opened] = healed();
  if (opened === undefined) throw new Error("nothing");
  const text = page(
    numbered(
      ...entriesOf([
        opened,
        {
          type: "evidence_collected",
          container: { kind: "found", value: containerState() },
          health: undefined,
          logLines: 0,
          historyPoints: 0,
        },
      ]),
    ),
  );
  expect(text).toContain("| evidence: container running, no health check |");
});

test("what a person answered is in it, and what was said of others is not", () => {
  const argv = ["docker", "restart", "shop"];
  const asked = entriesOf([
    ...healed().slice(0, 1),
    { type: "approval_requested", request: "r1", action: "docker-restart", argv, expiresAtMs: 0 },
  ]);
  const about = { service: SERVICE_NAME, incident: undefined };
  const said = { atMs: START_MS, ...about, type: "approval_given" };
  const text = page(
    numbered(
      ...asked,
      { ...said, fields: { request: "r2", answer: "denied", by: "eve" } },
      { ...said, fields: { request: "r1", answer: "approved", by: "ann" } },
      { ...said, service: "db", fields: { request: "r1", answer: "denied", by: "eve" } },
      {
        ...said,
        type: "from_the_future",
        incident: INCIDENT_ID,
        service: SERVICE_NAME,
        fields: {},
      },
    ),
  );
  expect(text).toContain("| approved by ann |");
  expect(text).not.toContain("eve");
  expect(text).toContain("| from the future |");
});

test("neither a terminal nor Markdown takes a stranger's words for more than words", () => {
  const evil = "\u001b[2J | <img src=x> `code` [a](b) *b*\n# Title\n\u202e";
  const entries = numbered(...entriesOf(healed())).map((entry) => ({
    ...entry,
    fields: JSON.parse(
      JSON.stringify(entry.fields, (key, value: unknown) =>
        ["message", "rootCause", "summary", "diagnoser", "reason"].includes(key) ? evil : value,
      ),
    ),
  }));
  const lines = page(entries).split("\n");
  expect(lines.join("\n")).not.toMatch(/[^\n\P{Cc}]|\p{Cf}/u);
  expect(lines.filter((line) => line.startsWith("# "))).toHaveLength(1);
  expect(lines.join("\n")).not.toMatch(/(?<!\\)(<img|`code|\[a\])/);
  for (const line of lines.filter((text) => text.startsWith("| 12:")))
    expect(line.match(/(?<!\\)\|/g)).toHaveLength(4);
});

test("a time that no calendar has is no crash", () => {
  const asked = entriesOf([
    ...healed().slice(0, 1),
    { type: "approval_requested", request: "r", action: "a", argv: [], expiresAtMs: 1e300 },
  ]);
  expect(page(numbered(...asked))).toContain("asks for a as r");
});
