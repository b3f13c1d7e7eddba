import { describe, expect, test } from "bun:test";
import { SentinelError } from "../core/errors.ts";
import { reach } from "./reach.ts";

async function failureOf(url: string): Promise<SentinelError> {
  try {
    await reach(url);
  } catch (error) {
    if (error instanceof SentinelError) return error;
    throw error;
  }
  throw new Error(`${url} was reached`);
}

describe("whether there is a service", () => {
  test.each(["127.0.0.1", "localhost"])(
    "is found out without asking it anything: %s",
    async (host) => {
      let asked = 0;
      const server = Bun.serve({
        hostname: "127.0.0.1",
        port: 0,
        fetch() {
          asked += 1;
          return new Response("ok");
        },
      });
      await reach(`http://${host}:${server.port}`);
      await reach(`http://${host}:${server.port}/behind/a/path`);
      await server.stop(true);
      expect(asked).toBe(0);
    },
  );

  test.each([
    ["http://127.0.0.1:9", "cannot reach 127.0.0.1:9: the connection is refused"],
    ["http://[::1]:9", "cannot reach [::1]:9: the connection is refused"],
    ["http://no-such-host.invalid", "cannot reach no-such-host.invalid: there is no such host"],
    ["http://user:secret@127.0.0.1:9", "cannot reach 127.0.0.1:9: the connection is refused"],
  ])("%s: is not there, and what to do about it", async (url, message) => {
    const error = await failureOf(url);
    expect(error.message).toBe(message);
    expect(error.code).toBe("service_unreachable");
    expect(error.hint).toContain("--role=target");
    expect(error.hint).toContain("--url");
  });
});
