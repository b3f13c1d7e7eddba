import { expect, test } from "bun:test";
import { readDeaths } from "./deaths.ts";

const AT_MS = Date.UTC(2026, 0, 1, 10);

/** As Docker prints it. */
function event(Action: string, afterMs: number, exitCode?: number): string {
  const Attributes = exitCode === undefined ? {} : { exitCode: String(exitCode) };
  return JSON.stringify({ Action, timeNano: (AT_MS + afterMs) * 1e6, Actor: { Attributes } });
}

const line = (afterMs: number, text: string) =>
  `${new Date(AT_MS + afterMs).toISOString()} ${text}\n`;
const NO_LOGS = { stdout: "", stderr: "" };

test("each death has its exit code, how long it ran, and the last lines of that run alone", () => {
  const events = [
    event("start", 0),
    event("die", 400, 1),
    event("start", 1000),
    event("oom", 1200),
    event("die", 1300, 137),
  ].join("\n");
  const logs = {
    stdout: line(100, "first") + line(1100, "second"),
    stderr: line(300, "DATABASE_URL is not set"),
  };
  expect(readDeaths(events, logs)).toEqual([
    {
      atMs: AT_MS + 400,
      exitCode: 1,
      oomKilled: false,
      wasStopped: false,
      ranMs: 400,
      lines: ["first", "DATABASE_URL is not set"],
    },
    {
      atMs: AT_MS + 1300,
      exitCode: 137,
      oomKilled: true,
      wasStopped: false,
      ranMs: 300,
      lines: ["second"],
    },
  ]);
});

test.each([
  ["docker stop", ["die", "stop"], true],
  ["docker kill", ["die"], false],
  ["docker restart", ["die", "stop", "start"], true],
])("%s", (_, actions, wasStopped) => {
  const events = actions.map((action, index) => event(action, index * 50, 137)).join("\n");
  expect(readDeaths(events, NO_LOGS)).toMatchObject([{ exitCode: 137, wasStopped }]);
});

test("a stop that is told long after is of another end", () => {
  const events = [event("die", 0, 137), event("stop", 6000)].join("\n");
  expect(readDeaths(events, NO_LOGS)).toMatchObject([{ wasStopped: false }]);
});

test("Podman has other words for it", () => {
  const podman = { Status: "died", timeNano: AT_MS * 1e6, ContainerExitCode: 3 };
  const stop = { Status: "stop", timeNano: (AT_MS + 50) * 1e6 };
  const events = [podman, stop].map((one) => JSON.stringify(one)).join("\n");
  expect(readDeaths(events, NO_LOGS)).toMatchObject([{ exitCode: 3, wasStopped: true }]);
});

test("lines are few and short, and what is no event is passed over", () => {
  const stdout = Array.from({ length: 20 }, (_, i) => line(i, `${i}${"x".repeat(1000)}`)).join("");
  const [death] = readDeaths(`no event\n${event("die", 100, 1)}\n`, { stdout, stderr: "" });
  expect(death?.lines.map((text) => text.slice(0, 3))).toEqual(["15x", "16x", "17x", "18x", "19x"]);
  expect(death?.lines.every(({ length }) => length === 300)).toBe(true);
});
