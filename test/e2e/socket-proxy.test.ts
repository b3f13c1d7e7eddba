/** Sentinel behind a proxy that permits what docs/docker.md lists, and nothing else. */

import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { PROJECT, runToEnd, sentinelBinary } from "../support/binary.ts";
import { describeUnless, whyNoDocker } from "../support/docker.ts";
import { healsOn } from "../support/engines/healing.ts";
import { type Asked, proxyEngine } from "../support/engines/proxy.ts";
import { embeddedSettings } from "../support/observing.ts";

setDefaultTimeout(120_000);

/** The lines of the list, such as `GET  /containers/NAME/json`. */
async function permitted(): Promise<readonly RegExp[]> {
  const text = await Bun.file(join(PROJECT, "docs/docker.md")).text();
  const lines = text.match(/^(?:GET|HEAD|POST) +\/\S+$/gm) ?? [];
  expect(lines.length).toBeGreaterThan(5);
  return lines.map((line) => {
    const pattern = line.replace(/ +/, " ").replace("NAME", "[^/]+");
    return new RegExp(`^${pattern}$`);
  });
}

const FORBIDDEN = { status: 403, body: "<html><body><h1>403 Forbidden</h1></body></html>" };

describeUnless(await whyNoDocker(), "a socket proxy", () => {
  test("that permits the list is enough to find a sick container and to heal it", async () => {
    const list = await permitted();
    const refused = new Set<string>();
    const used = new Set<RegExp>();
    await using proxy = await proxyEngine(({ method, path }: Asked) => {
      const asked = `${method} ${path.split("?")[0]}`;
      const line = list.find((pattern) => pattern.test(asked));
      if (line !== undefined) used.add(line);
      if (line !== undefined) return undefined;
      refused.add(asked);
      return FORBIDDEN;
    });
    // What the test itself does to the engine goes around the proxy.
    const engine = {
      env: { DOCKER_HOST: undefined },
      runOptions: ["--network", "none"],
      [Symbol.asyncDispose]: async () => {},
    };
    await healsOn(engine, { sentinel: { DOCKER_HOST: proxy.host } });
    expect([...refused]).toEqual([]);
    // Nothing is asked for that is not needed, but for the other way to say hello.
    const unused = list.filter((pattern) => !used.has(pattern)).map(String);
    expect(unused.filter((pattern) => !pattern.includes("_ping"))).toEqual([]);
  });

  test("that permits nothing is told so, with what it says, and fails check", async () => {
    await using proxy = await proxyEngine(() => FORBIDDEN);
    const env = embeddedSettings({ DOCKER_HOST: proxy.host });
    const { stdout, exitCode } = await runToEnd([sentinelBinary(), "check"], { cwd: "/", env });
    expect(stdout).toMatch(/answers 403 to GET version: 403 Forbidden/);
    expect(stdout).toMatch(/^failed +docker /m);
    expect(exitCode).toBe(1);
  });
});
