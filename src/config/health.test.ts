import { expect, test } from "bun:test";
import type { HealthCheck } from "../core/model.ts";
import { readHealth } from "./health.ts";

const tcp = (host: string, port: number): HealthCheck => ({ tcp: { host, port } });

test.each<[string, HealthCheck]>([
  ["none", "none"],
  ["container", "container"],
  ["http://a/", { http: "http://a/" }],
  ["https://a:1/b?c=d", { http: "https://a:1/b?c=d" }],
  ["tcp://db:5432", tcp("db", 5432)],
  ["TCP://127.0.0.1:1/", tcp("127.0.0.1", 1)],
  ["tcp://my_db.internal-1:65535", tcp("my_db.internal-1", 65_535)],
  ["tcp://[::1]:80", tcp("::1", 80)],
])("%s is a health check", (text, expected) => {
  expect(readHealth(text)).toEqual(expected);
});

test.each([
  "",
  "None",
  "container ",
  "docker:",
  "db:5432",
  "tcp://db",
  "tcp://:5432",
  "tcp://db:0",
  "tcp://db:65536",
  "tcp://db:5432/health",
  "tcp://db:5432?a=b",
  "tcp://me:secret@db:5432",
  "tcp://::1:80",
  "tcp://[db]:80",
  "tcp://a b:80",
  "udp://db:53",
  "localhost:8000/health",
])("%j is none", (text) => {
  expect(readHealth(text)).toBeUndefined();
});
