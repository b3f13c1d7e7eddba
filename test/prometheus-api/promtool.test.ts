/** Prometheus' own command line, pointed at us and at a real one. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Dashboard, serveDashboard } from "../../src/http/server.ts";
import { describeUnless } from "../support/docker.ts";
import { type RealPrometheus, startPrometheus, whyNoPrometheus } from "../promql/prometheus.ts";
import { apiAlone, DATA_START_S, SERIES } from "./dataset.ts";

const START_DEADLINE_MS = 30_000;
const AT = DATA_START_S + 100;
const TIME = `--time=${AT}`;
/** Without it, promtool looks back for a year. */
const SINCE = `--start=${DATA_START_S}`;
const SPAN = [`--start=${AT}`, `--end=${AT + 60}`];
const SERVER = "SERVER";

function whyNoPromtool(): string | undefined {
  if (Bun.which("promtool") === null) return "`promtool` is not on the PATH";
  return whyNoPrometheus();
}

async function promtool(args: readonly string[], url: string) {
  const child = Bun.spawn(["promtool", ...args.map((arg) => (arg === SERVER ? url : arg))], {
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  // Its complaints name the server.
  return { exitCode: await child.exited, stdout, stderr: stderr.replaceAll(url, SERVER) };
}

describeUnless(whyNoPromtool(), "promtool", () => {
  let real: RealPrometheus;
  let ours: Dashboard;
  beforeAll(async () => {
    ours = serveDashboard(apiAlone(), 0);
    real = await startPrometheus();
    await real.write(SERIES);
  }, START_DEADLINE_MS);
  afterAll(async () => {
    await real[Symbol.asyncDispose]();
    await ours.close();
  });

  const both = async (args: readonly string[]) =>
    Promise.all([promtool(args, ours.url), promtool(args, real.url)]);

  describe("has something to say, and the same", () => {
    test.each(
      [
        ["query", "instant", TIME, SERVER, "up"],
        ["query", "instant", "--format=json", TIME, SERVER, "odd"],
        ["query", "instant", TIME, SERVER, "up[1m]"],
        ["query", "instant", TIME, SERVER, "1 + 1"],
        ["query", "instant", TIME, SERVER, "sort_desc(requests_total)"],
        ["query", "range", ...SPAN, "--step=15s", SERVER, "rate(requests_total[1m])"],
        ["query", "range", ...SPAN, "--step=15s", "--format=json", SERVER, "odd"],
        ["query", "series", "--match=up", SINCE, SERVER],
        ["query", "series", "--match=up", "--match=text", ...SPAN, SERVER],
        ["query", "labels", SINCE, SERVER, "job"],
        ["query", "labels", SINCE, SERVER, "__name__"],
      ].map((args) => [args.join(" "), args] as const),
    )("%s", async (_, args) => {
      const [answer, expected] = await both(args);
      expect(answer).toEqual(expected);
      expect(answer.stdout).not.toBe("");
      expect(answer.exitCode).toBe(0);
    });
  });

  describe("complains of the same", () => {
    test.each(
      [
        ["query", "instant", TIME, SERVER, "up{"],
        ["query", "instant", TIME, SERVER, "up * on(job) up"],
        ["query", "range", ...SPAN, "--step=1ms", SERVER, "up"],
        ["query", "range", ...SPAN, "--step=15s", SERVER, "up[1m]"],
        ["query", "series", "--match={}", SERVER],
      ].map((args) => [args.join(" "), args] as const),
    )("%s", async (_, args) => {
      const [answer, expected] = await both(args);
      expect(answer).toEqual(expected);
      expect(answer.stderr).not.toBe("");
      expect(answer.exitCode).toBe(1);
    });
  });
});
