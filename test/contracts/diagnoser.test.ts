/**
 * What holds for every Diagnoser, through the real SDKs, against servers that speak each vendor's
 * format: a diagnosis that fits the schema, or a DiagnosisError with a closed reason; never past
 * the deadline; never with the key in it.
 */

import { describe, expect, test } from "bun:test";
import type { Diagnoser } from "../../src/core/ports.ts";
import { GOOD_ANSWER, HUGE_BYTES, type ModelBehaviour } from "../support/servers/model.ts";
import { diagnose, drivers, KEY, LONG_MS, message, outcome } from "./diagnosis.ts";

const SHORT_MS = 300;

/** `diagnosis`, or the reason of the failure. Only the behaviours that wait have a short deadline. */
const EXPECTED = {
  good: "diagnosis",
  older_shape: "diagnosis",
  prose_around: "diagnosis",
  code_fence: "diagnosis",
  // Behind its action: what is lost gates nothing.
  truncated: "diagnosis",
  prose_only: "malformed_answer",
  unknown_action: "diagnosis",
  forbidden_command: "diagnosis",
  empty_text: "empty_answer",
  unauthorized: "unauthorized",
  forbidden: "unauthorized",
  rate_limited: "rate_limited",
  server_error: "unavailable",
  rejected: "rejected",
  stall: "timeout",
  slow_drip: "timeout",
  empty_body: "empty_answer",
  huge: "answer_too_large",
  huge_text: "answer_too_large",
  html: "malformed_answer",
  wrong_shape: "malformed_answer",
  redirect: "rejected",
  disconnect: "unavailable",
} satisfies Record<ModelBehaviour, string>;

describe.each(Object.entries(drivers))("%s", (_, driver) => {
  function reach({ url }: { readonly url: string }, deadlineMs = LONG_MS): Diagnoser {
    return driver.create({ url, apiKey: KEY, deadlineMs });
  }

  test.each(Object.entries(EXPECTED))("%s: %s", async (behaviour, expected) => {
    await using server = driver.start(behaviour as ModelBehaviour);
    const result = await diagnose(reach(server, expected === "timeout" ? SHORT_MS : LONG_MS));
    expect(outcome(result)).toBe(expected);
    // A redirect is not followed, and nothing is tried again: the next diagnoser is the retry.
    expect(server.requests).toHaveLength(1);
  });

  test("what it asks for that is not on the list is told, and the action is none", async () => {
    await using server = driver.start("unknown_action");
    expect(await diagnose(reach(server))).toMatchObject({
      action: "none",
      refusedAction: "docker-exec",
      rootCause: GOOD_ANSWER.root_cause,
    });
    server.behaviour = "forbidden_command";
    expect(await diagnose(reach(server))).toMatchObject({
      action: "none",
      refusedAction: "docker system prune -af",
    });
  });

  test("an answer of 10 MB is hung up on long before its end", async () => {
    await using server = driver.start("huge");
    const before = process.memoryUsage().rss;
    expect(outcome(await diagnose(reach(server)))).toBe("answer_too_large");
    await Bun.sleep(50);
    const sent = server.hugeBytesSent();
    // 1 MiB is read; the rest is what the kernel's and the server's buffers took.
    expect(sent).toBeLessThan(HUGE_BYTES / 2);
    await Bun.sleep(50);
    expect(server.hugeBytesSent()).toBe(sent);
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024);
  });

  test("a port where nobody listens is unreachable", async () => {
    const server = driver.start("good");
    await server[Symbol.asyncDispose]();
    const result = await diagnose(reach(server));
    expect(outcome(result)).toBe("unreachable");
    expect(message(result)).toBe(
      `can't reach ${new URL(server.url).host} (ECONNREFUSED); is it up?`,
    );
  });

  test("a name that does not resolve is unreachable", async () => {
    expect(outcome(await diagnose(reach({ url: "http://nobody.invalid:8080" })))).toBe(
      "unreachable",
    );
  });

  test("the caller's cancel ends it at once", async () => {
    await using server = driver.start("stall");
    const caller = new AbortController();
    const startedMs = performance.now();
    const pending = diagnose(reach(server), caller.signal);
    setTimeout(() => caller.abort(), 200);
    const result = await pending;
    expect(outcome(result)).toBe("unavailable");
    expect(message(result)).toContain("cancelled");
    expect(performance.now() - startedMs).toBeLessThan(5000);
  });

  test("a caller that has cancelled already sends nothing", async () => {
    await using server = driver.start("good");
    expect(outcome(await diagnose(reach(server), AbortSignal.abort()))).toBe("unavailable");
    expect(server.requests).toEqual([]);
  });

  test("the messages tell what to do", async () => {
    await using server = driver.start("unauthorized");
    const { host } = new URL(server.url);
    expect(message(await diagnose(reach(server)))).toStartWith(
      `401 from ${host}: the key was refused; check `,
    );
    server.behaviour = "rejected";
    expect(message(await diagnose(reach(server)))).toMatch(
      new RegExp(`^404 from ${host}: No such model. Received: .*\\[key\\]`),
    );
    server.behaviour = "stall";
    expect(message(await diagnose(reach(server, SHORT_MS)))).toBe(
      `no answer from ${host} within 0.3 s`,
    );
  });

  test("a key that the model repeats is left out of the diagnosis", async () => {
    const answer = { root_cause: `key ${KEY}`, severity: "low", confidence: 0, action: "none" };
    await using server = driver.start("good", answer);
    expect(await diagnose(reach(server))).toMatchObject({ rootCause: "key [key]" });
  });

  test("a proxy of the environment is not asked for the loopback", async () => {
    await using server = driver.start("good");
    await using proxy = driver.start("server_error");
    const before = process.env["http_proxy"];
    process.env["http_proxy"] = proxy.url;
    try {
      expect(outcome(await diagnose(reach(server)))).toBe("diagnosis");
      expect(proxy.requests).toEqual([]);
    } finally {
      if (before === undefined) delete process.env["http_proxy"];
      else process.env["http_proxy"] = before;
    }
  });

  test("two at once don't disturb each other", async () => {
    await using good = driver.start("good");
    await using bad = driver.start("server_error");
    const results = await Promise.all([diagnose(reach(good)), diagnose(reach(bad))]);
    expect(results.map(outcome)).toEqual(["diagnosis", "unavailable"]);
  });

  test("an address that is none is refused when the driver is built, without repeating it", () => {
    for (const url of ["localhost:1234", "ftp://host", "", "http://user:s3cret@"]) {
      const build = () => driver.create({ url, apiKey: KEY, deadlineMs: LONG_MS });
      expect(build).toThrow(RangeError);
      expect(build).not.toThrow(/s3cret/);
    }
  });
});
