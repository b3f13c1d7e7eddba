import { describe, expect, test } from "bun:test";
import { whyRefused } from "./host-guard.ts";

const refusal = (headers: Record<string, string>, path = "/") =>
  whyRefused({ headers: new Headers(headers), url: `http://127.0.0.1:8090${path}` });

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

  test.each([
    ["/", undefined],
    ["/metrics", undefined],
    ["/api", undefined],
    ["/api/v1/query?query=up", "another web site asked"],
    ["/api/incidents", "another web site asked"],
  ])("a link of another site to %s: %p", (path, refused) => {
    const followed = { "sec-fetch-site": "cross-site", "sec-fetch-dest": "document" };
    expect(refusal({ host, ...followed }, path)).toBe(refused);
    const typed = { "sec-fetch-site": "none", "sec-fetch-dest": "document" };
    expect(refusal({ host, ...typed }, path)).toBeUndefined();
  });

  test.each([
    [{ origin: "http://127.0.0.1:8090" }, undefined],
    [{ referer: "http://127.0.0.1:8090/incidents" }, undefined],
    [{ origin: "https://evil.example" }, "another web site asked"],
    [{ origin: "http://127.0.0.1:3000" }, "another web site asked"],
    [{ origin: "null" }, "another web site asked"],
    [{ referer: "https://evil.example/page" }, "another web site asked"],
    // What the browser itself says counts more.
    [{ "sec-fetch-site": "same-origin", referer: "https://evil.example" }, undefined],
  ])("%j of an older browser: %p", (headers, refused) => {
    expect(refusal({ host, ...headers })).toBe(refused);
  });
});
