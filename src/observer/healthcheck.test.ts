import { expect, test } from "bun:test";
import { join } from "node:path";
import { healthcheck } from "./healthcheck.ts";

function serve(answer: (request: Request) => Response | Promise<Response>) {
  return Bun.serve({ port: 0, hostname: "127.0.0.1", idleTimeout: 0, fetch: answer });
}

/** A body that never ends. */
function endless(): ReadableStream<Uint8Array> {
  return new ReadableStream({ pull: (body) => body.enqueue(new Uint8Array(1024)) });
}

test.each([
  { status: 200, ok: true },
  { status: 204, ok: true },
  { status: 299, ok: true },
  { status: 300, ok: false },
  { status: 302, ok: false },
  { status: 404, ok: false },
  { status: 500, ok: false },
  { status: 503, ok: false },
])("status $status is ok: $ok", async ({ status, ok }) => {
  await using server = serve(() => new Response(null, { status, headers: { location: "/ok" } }));
  const url = `http://127.0.0.1:${server.port}/health`;
  const answer = await healthcheck(url);
  expect(answer).toEqual({
    ok,
    message: `${url}: ${ok ? "healthy" : "unhealthy"} (status ${status})`,
  });
});

test("the path and the query are asked for as given", async () => {
  await using server = serve((request) => {
    const { pathname, search } = new URL(request.url);
    return new Response(null, { status: pathname + search === "/a/b?c=d" ? 200 : 404 });
  });
  expect((await healthcheck(`http://127.0.0.1:${server.port}/a/b?c=d`)).ok).toBe(true);
});

test("an answer that does not come is given up at the deadline", async () => {
  await using server = serve(() => new Promise<Response>(() => {}));
  const startedAt = performance.now();
  const answer = await healthcheck(`http://127.0.0.1:${server.port}/`, 200);
  expect(answer.ok).toBe(false);
  expect(answer.message).toEndWith("no answer within 0.2 s");
  expect(performance.now() - startedAt).toBeLessThan(5000);
});

test("a body without end does not matter", async () => {
  await using server = serve(() => new Response(endless()));
  expect((await healthcheck(`http://127.0.0.1:${server.port}/`, 1000)).ok).toBe(true);
});

test("nobody listens", async () => {
  const server = serve(() => new Response());
  const { port } = server;
  await server.stop(true);
  const answer = await healthcheck(`http://127.0.0.1:${port}/health`);
  expect(answer.ok).toBe(false);
  expect(answer.message).toStartWith(`http://127.0.0.1:${port}/health: `);
});

test.each(["", "localhost:8000", "ftp://127.0.0.1/", "/health", "http://"])(
  "%j is not asked",
  async (url) => {
    const answer = await healthcheck(url);
    expect(answer.ok).toBe(false);
    expect(answer.message).toContain("not an http URL");
  },
);

test("a user and a password are sent, and not repeated", async () => {
  await using server = serve(({ headers }) => {
    const isKnown = headers.get("authorization") === `Basic ${btoa("me:s3cret")}`;
    return new Response(null, { status: isKnown ? 200 : 401 });
  });
  const { port } = server;
  expect(await healthcheck(`http://me:s3cret@127.0.0.1:${port}/health?key=s3cret`)).toEqual({
    ok: true,
    message: `http://127.0.0.1:${port}/health: healthy (status 200)`,
  });
  for (const url of ["http://me:s3cret@127.0.0.1:1/", "ftp://me:s3cret@a/", "http://me:s3cret@"])
    expect((await healthcheck(url)).message).not.toContain("s3cret");
});

test("a proxy in the environment is not asked", async () => {
  await using service = serve(() => new Response());
  await using proxy = serve(() => new Response(null, { status: 502 }));
  const proxyUrl = `http://127.0.0.1:${proxy.port}`;
  const script = `import { healthcheck } from ${JSON.stringify(join(import.meta.dir, "healthcheck.ts"))};
    console.log((await healthcheck("http://127.0.0.1:${service.port}/")).ok);`;
  const child = Bun.spawn([process.execPath, "-e", script], {
    env: { PATH: process.env["PATH"], HTTP_PROXY: proxyUrl, http_proxy: proxyUrl },
    stderr: "inherit",
  });
  expect(await new Response(child.stdout).text()).toBe("true\n");
});
