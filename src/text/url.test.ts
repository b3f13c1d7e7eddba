import { expect, test } from "bun:test";
import { isLoopback, shownUrl } from "./url.ts";

test.each([
  ["http://localhost:9090/", true],
  ["http://LOCALHOST/", true],
  ["http://api.localhost/", true],
  ["http://127.0.0.1:1/", true],
  ["http://127.255.255.254/", true],
  ["http://127.1/", true],
  ["http://[::1]:9090/", true],
  ["https://me:pass@localhost/", true],
  ["http://localhost.example.com/", false],
  ["http://notlocalhost/", false],
  ["http://127.0.0.1.example.com/", false],
  ["http://128.0.0.1/", false],
  ["http://0.0.0.0/", false],
  ["http://[::2]/", false],
  ["http://host/?localhost", false],
  ["http://localhost@host/", false],
  ["localhost", false],
])("%s is on this machine: %p", (url, expected) => {
  expect(isLoopback(url)).toBe(expected);
});

test.each([
  ["http://host:8000/health", "http://host:8000/health"],
  ["http://me:s3cret@host:8000/health?key=s3cret#s3cret", "http://host:8000/health"],
  ["https://s3cret@host", "https://host/"],
  ["http://me:s3cret@", "(not a URL)"],
])("%s is shown as %s", (url, expected) => {
  expect(shownUrl(url)).toBe(expected);
});
