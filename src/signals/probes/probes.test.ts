import { describe, expect, test } from "bun:test";
import { createServer } from "node:net";
import type { ProbedHealth } from "../../core/health.ts";
import { freePort } from "../../../test/support/free-port.ts";
import { describeUnless } from "../../../test/support/docker.ts";
import { serveGrpc } from "../../../test/support/servers/grpc.ts";
import {
  startNginx,
  startPostgres,
  startRedis,
  whyNo,
} from "../../../test/support/servers/daemons.ts";
import { selfSigned, whyNoOpenssl } from "../../../test/support/servers/certificate.ts";
import { probe } from "./probes.ts";

const DEADLINE_MS = 5000;
const asked = (health: ProbedHealth, deadlineMs = DEADLINE_MS) => probe(health, { deadlineMs });

/** Answers each connection with the same bytes, and goes on listening. */
function answering(bytes: string | Buffer) {
  const server = Bun.listen({
    ...{ hostname: "127.0.0.1", port: 0 },
    socket: { data: (socket) => void socket.write(bytes) },
  });
  return { port: server.port, [Symbol.dispose]: () => server.stop(true) };
}

describeUnless(whyNo("redis"), "redis:// of a server", () => {
  test("a server answers PING, and not once it is stopped, hung or gone", async () => {
    await using server = await startRedis();
    const url = `redis://127.0.0.1:${server.port}`;
    expect(await asked({ redis: url })).toEqual({ ok: true, message: `${url}: answers PING` });
    server.signal("SIGSTOP");
    expect(await asked({ redis: url }, 300)).toEqual({
      ok: false,
      message: `${url}: no answer within 0.3 s`,
    });
    server.signal("SIGCONT");
    expect((await asked({ redis: url })).ok).toBe(true);
    await server.stop();
    expect((await asked({ redis: url })).message).toStartWith(`${url}: connect ECONNREFUSED`);
  });

  test("a password is sent, and never shown; a wrong one is no sickness", async () => {
    await using server = await startRedis(["requirepass s3cret$@:"]);
    const at = (user: string) => asked({ redis: `redis://${user}127.0.0.1:${server.port}/0` });
    const shown = `redis://127.0.0.1:${server.port}/0`;
    const message = (code: string) =>
      `${shown}: answers, and wants another password than health has (${code})`;
    expect(await at(":s3cret$%40%3A@")).toEqual({ ok: true, message: `${shown}: answers PING` });
    expect(await at("")).toEqual({ ok: true, message: message("NOAUTH") });
    expect(await at("default:wrong@")).toEqual({ ok: true, message: message("NOAUTH") });
  });
});

describe("redis:// of another answer", () => {
  test.each([
    ["-LOADING Redis is loading the dataset in memory\r\n", "LOADING Redis is loading the"],
    ["-ERR max number of clients reached\r\n", "ERR max number of clients reached"],
    ["-MISCONF Errors writing to the AOF file\r\n", "MISCONF Errors writing"],
    ["HTTP/1.1 400 Bad Request\r\n\r\n", "it does not answer as Redis does"],
    ["+".padEnd(20_000, "x"), "the answer does not end"],
  ])("%#: is not well", async (bytes, why) => {
    using server = answering(bytes);
    const answer = await asked({ redis: `redis://127.0.0.1:${server.port}` });
    expect(answer.ok).toBe(false);
    expect(answer.message).toContain(why);
  });
});

describeUnless(whyNo("postgres"), "postgres:// of a server", () => {
  test("a server starts a session, whoever is let in, and writes no line of it", async () => {
    await using server = await startPostgres("trust");
    const at = (rest: string) =>
      asked({ postgres: `postgres://${rest.replace("HOST", `127.0.0.1:${server.port}`)}` });
    const before = server.log();
    expect(await at("HOST")).toEqual({
      ok: true,
      message: `postgres://127.0.0.1:${server.port}: takes sessions`,
    });
    await Bun.sleep(200);
    expect(server.log().slice(before.length)).not.toMatch(/FATAL|ERROR|reset|could not/);
    expect(await at("me:s3cret@HOST/shop")).toEqual({
      ok: true,
      message: `postgres://127.0.0.1:${server.port}/shop: takes sessions`,
    });
  }, 60_000);

  test("one that lets nobody in is alive", async () => {
    await using server = await startPostgres("reject");
    const answer = await asked({ postgres: `postgres://me:s3cret@127.0.0.1:${server.port}` });
    expect(answer.ok).toBe(true);
    expect(answer.message).toContain(": answers: pg_hba.conf rejects connection");
    expect(answer.message).not.toContain("s3cret");
  }, 60_000);

  test("a password is not needed; a server that hangs or is gone is not well", async () => {
    await using server = await startPostgres("scram-sha-256");
    const url = `postgres://127.0.0.1:${server.port}`;
    expect(await asked({ postgres: url })).toEqual({
      ok: true,
      message: `${url}: takes sessions`,
    });
    server.signal("SIGSTOP");
    expect((await asked({ postgres: url }, 300)).ok).toBe(false);
    await server.stop();
    expect((await asked({ postgres: url })).message).toContain("ECONNREFUSED");
  }, 60_000);
});

describe("postgres:// of another answer", () => {
  const error = (state: string, message: string) => {
    const fields = `SFATAL\0C${state}\0M${message}\0\0`;
    const head = Buffer.from("E\0\0\0\0");
    head.writeInt32BE(fields.length + 4, 1);
    return Buffer.concat([head, Buffer.from(fields)]);
  };
  test.each([
    ["57P03", "the database system is starting up", false],
    ["53300", "sorry, too many clients already", false],
    ["XX000", "could not open relation", false],
    ["3D000", 'database "shop" does not exist', true],
    ["28P01", "password authentication failed", true],
    ["08P01", "no such database: shop", true],
  ])("an error of SQLSTATE %s, %s: well is %p", async (state, message, ok) => {
    using server = answering(error(state, message));
    const answer = await asked({ postgres: `postgres://127.0.0.1:${server.port}` });
    expect(answer.ok).toBe(ok);
    expect(answer.message).toEndWith(message);
  });

  test("what speaks another protocol is not well", async () => {
    using server = answering("HTTP/1.1 400 Bad Request\r\n\r\n");
    const answer = await asked({ postgres: `postgres://127.0.0.1:${server.port}` });
    expect(answer.message).toEndWith("it does not answer as PostgreSQL does");
  });
});

describe("grpc://", () => {
  test.each([
    [0, false, "UNKNOWN"],
    [1, true, "SERVING"],
    [2, false, "NOT_SERVING"],
    [3, false, "SERVICE_UNKNOWN"],
  ])("a server that says %p: well is %p", async (status, ok, message) => {
    await using server = await serveGrpc(() => ({ serving: status }));
    const url = `grpc://127.0.0.1:${server.port}`;
    expect(await asked({ grpc: url })).toEqual({ ok, message: `${url}: ${message}` });
  });

  test("its path is the service that is asked for", async () => {
    const askedFor: string[] = [];
    await using server = await serveGrpc((service) => {
      askedFor.push(service);
      return service === "shop.Pay" ? { serving: 1 } : { grpcStatus: 5 };
    });
    const url = `grpc://127.0.0.1:${server.port}`;
    expect((await asked({ grpc: `${url}/shop.Pay` })).ok).toBe(true);
    expect((await asked({ grpc: `${url}/shop.Other` })).message).toContain(
      "it knows no service of that name",
    );
    // Its length takes two bytes.
    const long = `shop.${"Pay".repeat(100)}`;
    await asked({ grpc: `${url}/${long}` });
    expect(askedFor).toEqual(["shop.Pay", "shop.Other", long]);
  });

  test("a server without the health service, and what is none of gRPC", async () => {
    await using server = await serveGrpc(() => ({ grpcStatus: 12 }));
    const answer = await asked({ grpc: `grpc://127.0.0.1:${server.port}` });
    expect(answer.message).toContain("use tcp:// instead");
    using other = answering("HTTP/1.1 400 Bad Request\r\n\r\n");
    expect((await asked({ grpc: `grpc://127.0.0.1:${other.port}` }, 1000)).ok).toBe(false);
    const gone = await asked({ grpc: `grpc://127.0.0.1:${freePort()}` });
    expect(gone.message).toContain("ECONNREFUSED");
  });

  test("a server that says nothing is given up, and its connection closed", async () => {
    const closed = Promise.withResolvers<void>();
    const server = createServer((socket) => {
      socket.on("data", () => {});
      socket.on("error", () => {});
      socket.on("close", () => closed.resolve());
    });
    const port = freePort();
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    const answer = await asked({ grpc: `grpc://127.0.0.1:${port}` }, 300);
    expect(answer.message).toEndWith("no answer within 0.3 s");
    await closed.promise;
    server.close();
  });
});

describeUnless(whyNo("nginx"), "http:// of a server", () => {
  test("a text in the body is looked for", async () => {
    await using server = await startNginx("all is well");
    const http = `http://127.0.0.1:${server.port}/health`;
    const well = { ok: true, statusCode: 200, message: `${http}: healthy (status 200)` };
    expect(await asked({ http })).toEqual(well);
    expect(await asked({ http, body: "is well" })).toEqual(well);
    expect(await asked({ http, body: "is bad" })).toEqual({
      ok: false,
      statusCode: 200,
      message: `${http}: unhealthy (status 200, without "is bad" in its body)`,
    });
    expect(await asked({ http: `${http}/else`, body: "nothing here" })).toMatchObject({
      ok: false,
      statusCode: 404,
    });
    await server.stop();
    expect((await asked({ http })).message).toContain("ECONNREFUSED");
  });
});

describe("http:// of another answer", () => {
  test("of a body without end, the beginning is read", async () => {
    const pull = (body: ReadableStreamDefaultController<Uint8Array>) =>
      body.enqueue(new Uint8Array(1024));
    await using server = Bun.serve({
      ...{ hostname: "127.0.0.1", port: 0 },
      fetch: () => new Response(new ReadableStream({ pull })),
    });
    const http = `http://127.0.0.1:${server.port}/`;
    expect(await asked({ http, body: "x" })).toMatchObject({ ok: false, statusCode: 200 });
  });
});

describeUnless(whyNoOpenssl(), "by TLS", () => {
  const DAY_MS = 86_400_000;

  test("the end of the certificate is told, and nothing is sent to one that is not trusted", async () => {
    const certificate = selfSigned("127.0.0.1", { days: 10 });
    const sent: string[] = [];
    await using server = Bun.serve({
      ...{ hostname: "127.0.0.1", port: 0, tls: certificate },
      fetch: ({ headers }) => {
        sent.push(headers.get("authorization") ?? "nothing");
        return new Response();
      },
    });
    const http = `https://me:s3cret@127.0.0.1:${server.port}/health`;
    const { certificateExpiresAtMs = 0, ...answer } = await asked({ http });
    expect(answer.ok).toBe(false);
    expect(answer.message).toStartWith(
      `https://127.0.0.1:${server.port}/health: its certificate is not trusted (`,
    );
    expect(Math.abs(certificateExpiresAtMs - Date.now() - 10 * DAY_MS)).toBeLessThan(DAY_MS);
    expect(sent).toEqual([]);
  });

  test("the blank answer of a server of another name is not trusted", async () => {
    const certificate = selfSigned("other.example", { days: 10 });
    await using server = Bun.serve({
      ...{ hostname: "127.0.0.1", port: 0, tls: certificate },
      fetch: () => new Response(),
    });
    const script = `import { probe } from ${JSON.stringify(`${import.meta.dir}/probes.ts`)};
      const at = (http) => probe({ http }, { deadlineMs: ${DEADLINE_MS} });
      console.log(JSON.stringify(await at("https://localhost:${server.port}/")));`;
    const child = Bun.spawn([process.execPath, "-e", script], {
      env: { PATH: process.env["PATH"], NODE_EXTRA_CA_CERTS: certificate.file },
      stderr: "inherit",
    });
    const answer: unknown = await new Response(child.stdout).json();
    expect(answer).toMatchObject({ ok: false });
  });

  test("a server with a certificate of a CA that is known is well", async () => {
    const certificate = selfSigned("localhost", { days: 10 });
    await using server = Bun.serve({
      ...{ hostname: "localhost", port: 0, tls: certificate },
      fetch: () => new Response(),
    });
    await using grpc = await serveGrpc(() => ({ serving: 1 }), certificate);
    const script = `import { probe } from ${JSON.stringify(`${import.meta.dir}/probes.ts`)};
      const limits = { deadlineMs: ${DEADLINE_MS} };
      const told = [await probe({ http: "https://localhost:${server.port}/" }, limits),
        await probe({ grpc: "grpcs://localhost:${grpc.port}" }, limits)];
      console.log(JSON.stringify(told));`;
    const child = Bun.spawn([process.execPath, "-e", script], {
      env: { PATH: process.env["PATH"], NODE_EXTRA_CA_CERTS: certificate.file },
      stderr: "inherit",
    });
    const told: unknown = await new Response(child.stdout).json();
    expect(told).toMatchObject([
      { ok: true, statusCode: 200, certificateExpiresAtMs: expect.any(Number) },
      { ok: true, certificateExpiresAtMs: expect.any(Number) },
    ]);
  });
});

test("one that is not waited for any more ends at once", async () => {
  const stop = new AbortController();
  using server = answering("");
  const redis = `redis://127.0.0.1:${server.port}`;
  const answer = probe({ redis }, { deadlineMs: 60_000, abort: stop.signal });
  stop.abort();
  expect(await answer).toEqual({ ok: false, message: `${redis}: not waited for` });
});
