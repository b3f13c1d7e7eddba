import { expect, test } from "bun:test";
import { isCrossSite, mayBeRebound } from "./cross-site.ts";

const cases: readonly (readonly [string, Record<string, string>, boolean])[] = [
  ["a client that is no browser", { host: "localhost:8000" }, false],
  ["a person's own navigation", { host: "localhost:8000", "sec-fetch-site": "none" }, false],
  ["a page of ours", { host: "localhost:8000", "sec-fetch-site": "same-origin" }, false],
  ["another site", { host: "localhost:8000", "sec-fetch-site": "cross-site" }, true],
  ["another port of this host", { host: "localhost:8000", "sec-fetch-site": "same-site" }, true],
  ["a value nobody knows", { host: "localhost:8000", "sec-fetch-site": "Same-Origin, none" }, true],
  ["our own origin", { host: "localhost:8000", origin: "http://localhost:8000" }, false],
  [
    "our own origin, the port left out",
    { host: "localhost:80", origin: "http://localhost" },
    false,
  ],
  [
    "our own origin behind TLS",
    { host: "sentinel.example", origin: "https://sentinel.example" },
    false,
  ],
  [
    "our own origin in capitals",
    { host: "LOCALHOST:8000", origin: "http://localhost:8000" },
    false,
  ],
  ["the origin of another port", { host: "localhost:8000", origin: "http://localhost:8001" }, true],
  ["the origin of another host", { host: "localhost:8000", origin: "http://evil.example" }, true],
  ["an origin that starts like ours", { host: "a.example", origin: "http://a.example.evil" }, true],
  ["an opaque origin", { host: "localhost:8000", origin: "null" }, true],
  ["an origin that is no URL", { host: "localhost:8000", origin: "localhost:8000" }, true],
  ["an origin but no host", { origin: "http://localhost:8000" }, true],
  [
    "another site that names our origin",
    { host: "localhost", origin: "http://localhost", "sec-fetch-site": "cross-site" },
    true,
  ],
];

test.each(cases)("%s", (_, headers, expected) => {
  expect(isCrossSite(new Headers(headers))).toBe(expected);
});

const names: readonly (readonly [string, Record<string, string>, boolean])[] = [
  ["a program, whatever the name", { host: "evil.example" }, false],
  ["a browser at an address", { host: "192.168.1.2:8000", "sec-fetch-site": "none" }, false],
  ["a browser at localhost", { host: "localhost:8000", origin: "http://localhost:8000" }, false],
  [
    "a browser in a private network",
    { host: "target:8000", "sec-fetch-site": "same-origin" },
    false,
  ],
  ["a page under a stranger's name", { host: "evil.example", origin: "http://evil.example" }, true],
  ["the same by its other header", { host: "evil.example", "sec-fetch-site": "same-origin" }, true],
  ["a browser without a name", { "sec-fetch-site": "same-origin" }, true],
];

test.each(names)("rebound or not: %s", (_, headers, expected) => {
  expect(mayBeRebound(new Headers(headers))).toBe(expected);
});
