import { expect, test } from "bun:test";
import type { HealthCheck } from "../core/health.ts";
import { readHealth } from "./health.ts";

test.each<[unknown, HealthCheck]>([
  ["none", "none"],
  ["container", "container"],
  ["http://a/", { http: "http://a/" }],
  ["https://a:1/b?c=d", { http: "https://a:1/b?c=d" }],
  ["HTTP://a/", { http: "http://a/" }],
  ["http://me:secret@a/", { http: "http://me:secret@a/" }],
  [{ url: "http://a/" }, { http: "http://a/" }],
  [
    { url: "http://a/", body: "ok" },
    { http: "http://a/", body: "ok" },
  ],
  ["tcp://db:5432", { tcp: "tcp://db:5432" }],
  ["TCP://127.0.0.1:1/", { tcp: "tcp://127.0.0.1:1/" }],
  ["tcp://my_db.internal-1:65535", { tcp: "tcp://my_db.internal-1:65535" }],
  ["tcp://[::1]:80", { tcp: "tcp://[::1]:80" }],
  ["redis://cache", { redis: "redis://cache" }],
  ["redis://:secret@cache:6380/1", { redis: "redis://:secret@cache:6380/1" }],
  ["rediss://me:secret@cache", { redis: "rediss://me:secret@cache" }],
  ["postgres://db", { postgres: "postgres://db" }],
  ["postgresql://me:secret@db:5433/shop", { postgres: "postgresql://me:secret@db:5433/shop" }],
  ["grpc://pay:50051", { grpc: "grpc://pay:50051" }],
  ["grpcs://pay:50051/shop.Pay", { grpc: "grpcs://pay:50051/shop.Pay" }],
])("%j is a health check", (value, expected) => {
  expect(readHealth(value)).toEqual(expected);
});

const FORM =
  "must be container, none, or an address such as http://localhost:8000/health, tcp://localhost:5672, redis://localhost:6379, postgres://localhost:5432, grpc://localhost:50051";
const AS_TCP = "write it as tcp://localhost:5672";

test.each<[unknown, string]>([
  ["", FORM],
  ["None", "must be none, or an address such as http://localhost:8000/health"],
  ["container ", "must be container, or an address such as http://localhost:8000/health"],
  ["docker:", FORM],
  ["db:5432", "needs a scheme: http://db:5432/, or tcp://db:5432"],
  [
    "localhost:8000/health",
    "needs a scheme: http://localhost:8000/health, or tcp://localhost:8000",
  ],
  ["udp://db:53", "has an unknown scheme udp://; write tcp://"],
  ["reddis://db", "has an unknown scheme reddis://; write redis://"],
  ["mongodb://me:secret@db", `has an unknown scheme mongodb://; it ${FORM}`],
  ["http://", "is no address: write it as http://localhost:8000/health"],
  ["http://a b/", "is no address: write it as http://localhost:8000/health"],
  ["https://", "is no address: write it as https://localhost:8443/health"],
  ["tcp://db", `needs a port: ${AS_TCP}`],
  ["tcp://:5432", `is no address: ${AS_TCP}`],
  ["tcp://db:0", `needs a port: ${AS_TCP}`],
  ["tcp://db:65536", `is no address: ${AS_TCP}`],
  ["tcp://db:5432/health", `has too much behind the port: ${AS_TCP}`],
  ["tcp://db:5432?a=b", `has too much behind the port: ${AS_TCP}`],
  ["tcp://me:secret@db:5432", `takes no user and no password: ${AS_TCP}`],
  ["tcp://::1:80", `is no address: ${AS_TCP}`],
  ["tcp://[db]:80", `is no address: ${AS_TCP}`],
  ["tcp://1.2.3:80", `is no address: ${AS_TCP}`],
  ["tcp://a b:80", `is no address: ${AS_TCP}`],
  ["redis://:secret@cache/one", "has too much behind the port: write it as redis://localhost:6379"],
  ["postgres://me:secret@", "is no address: write it as postgres://localhost:5432"],
  ["grpc://pay", "needs a port: write it as grpc://localhost:50051"],
  [12, 'must be a text, or { url: http://localhost:8000/health, body: "a text in its body" }'],
  [
    { url: "http://a/", text: "ok" },
    'must be a text, or { url: http://localhost:8000/health, body: "a text in its body" }',
  ],
  [
    { url: "redis://a", body: "ok" },
    "has a body, which only http has: url must be such as http://localhost:8000/health",
  ],
])("%j is none", (value, fault) => {
  expect(readHealth(value)).toEqual({ fault });
});
