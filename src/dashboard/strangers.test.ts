import { describe, expect, test } from "bun:test";
import { whyRefused } from "./strangers.ts";

const refusal = (headers: Record<string, string>) => whyRefused(new Headers(headers));

describe("by the name that was asked for", () => {
  test.each([
    "127.0.0.1:8090",
    "127.0.0.1",
    "localhost:8090",
    "LOCALHOST:8090",
    "localhost.:8090",
    "sentinel.localhost:8090",
    "[::1]:8090",
    // Whoever asks for an address was not led here by a name.
    "192.168.1.7:8090",
    // A container's way to its host, and a proxy's or a container's plain name.
    "host.docker.internal:8090",
    "sentinel:8090",
  ])("%s is answered", (host) => {
    expect(refusal({ host })).toBeUndefined();
  });

  test.each([
    "evil.example:8090",
    "evil.example",
    "evil.example.:8090",
    "127.0.0.1.evil.example:8090",
    "localhost.evil.example",
    "evillocalhost.example",
    "evil.internal.example",
    "127.0.0.1@evil.example",
    "not a host",
    "",
  ])("%j is refused", (host) => {
    expect(refusal({ host })).toEndWith(
      "is no name of this machine: ask for localhost or 127.0.0.1",
    );
  });

  test("a request without a name is a program's", () => {
    expect(refusal({})).toBeUndefined();
  });
});

describe("by where the browser says it comes from", () => {
  const host = "127.0.0.1:8090";
  test.each([
    [{ "sec-fetch-site": "same-origin", "sec-fetch-dest": "empty" }, undefined],
    [{ "sec-fetch-site": "none", "sec-fetch-dest": "document" }, undefined],
    [{ "sec-fetch-site": "cross-site", "sec-fetch-dest": "document" }, undefined],
    [{ "sec-fetch-site": "cross-site", "sec-fetch-dest": "iframe" }, "another web site asked"],
    [{ "sec-fetch-site": "cross-site", "sec-fetch-dest": "image" }, "another web site asked"],
    [{ "sec-fetch-site": "cross-site" }, "another web site asked"],
    // Another port of this machine is another site's page, too.
    [{ "sec-fetch-site": "same-site", "sec-fetch-dest": "empty" }, "another web site asked"],
    [{ "sec-fetch-site": "yet-unknown" }, "another web site asked"],
  ])("%j: %p", (headers, refused) => {
    expect(refusal({ host, ...headers })).toBe(refused);
  });
});
