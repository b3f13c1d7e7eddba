/** The command `load`, from the compiled executable, against the target's shop. */

import { beforeAll, describe, expect, test } from "bun:test";
import { requestAt } from "../../src/load/traffic.ts";
import { createShop, orderSchema } from "../../src/target/shop.ts";
import { bareEnvironment, runToEnd, sentinelBinary, startProcess } from "../support/binary.ts";

const BUILD_TIMEOUT_MS = 120_000;
const END_WITHIN_MS = 3000;

let sentinel = "";
beforeAll(() => {
  sentinel = sentinelBinary();
}, BUILD_TIMEOUT_MS);

/** The shop on loopback; `refuse` answers first, if it has an answer. */
function openShop(refuse: (request: Request) => Response | undefined = () => undefined) {
  const orders = orderSchema();
  const shop = createShop({ emit: () => {}, random: Math.random });
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    development: false,
    routes: {
      "/api/items": (request) => refuse(request) ?? shop.listItems(),
      "/api/items/:id": (request) => refuse(request) ?? shop.getItem(request.params.id),
      "/api/orders": async (request) =>
        refuse(request) ?? shop.placeOrder(orders.parse(await request.json()), request.signal),
    },
  });
  return {
    url: server.url.href,
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}

/** A second of the traffic, which is 50 requests. */
function load(shop: { readonly url: string }): string[] {
  return [sentinel, "load", "--duration=1", "--url", shop.url];
}

/** The numbers of a row of the table. */
function row(stdout: string, name: string): readonly number[] {
  const line = stdout.split("\n").find((text) => text.startsWith(`${name} `)) ?? "";
  return line.slice(name.length).trim().split(/\s+/).map(Number);
}

test("every request of the traffic is one that the shop has an answer to", async () => {
  const shop = createShop({ emit: () => {}, random: () => 0 });
  for (let index = 0; index < 200; index += 1) {
    const { path, body } = requestAt(index);
    const [, id] = /^\/api\/items\/(.+)$/.exec(path) ?? [];
    if (id !== undefined) expect(shop.getItem(id).status).toBe(200);
    if (body !== undefined) expect(orderSchema().safeParse(JSON.parse(body)).success).toBe(true);
  }
});

describe("sentinel load", () => {
  test("says what it does, and what it took, on standard output", async () => {
    await using shop = openShop();
    const args = ["load", "--rate", "50", "--duration", "2", "--url", shop.url];
    const { exitCode, stdout, stderr } = await runToEnd([sentinel, ...args]);
    expect(stderr).toBe("");
    const lines = stdout.trimEnd().split("\n");
    expect(lines[0]).toBe(`50 requests/s for 2 s against ${shop.url.replace(/\/$/, "")}`);
    expect(lines[2]).toMatch(
      /^endpoint +requests +errors +rate\/s +p50 ms +p90 ms +p99 ms +max ms$/,
    );
    expect(row(stdout, "GET /api/items").slice(0, 2)).toEqual([70, 0]);
    expect(row(stdout, "GET /api/items/:id").slice(0, 2)).toEqual([20, 0]);
    const [requests, errors, rate, p50 = 0, , , maxMs = 0] = row(stdout, "POST /api/orders");
    expect([requests, errors]).toEqual([10, 0]);
    expect(rate).toBeCloseTo(5, 0);
    // The payment provider takes 5 to 20 ms.
    expect(p50).toBeGreaterThan(4);
    expect(maxMs).toBeGreaterThanOrEqual(p50);
    expect(row(stdout, "total").slice(0, 2)).toEqual([100, 0]);
    expect(exitCode).toBe(0);
  });

  test("measures the service, whatever proxy the user has", async () => {
    await using shop = openShop();
    const proxy = "http://127.0.0.1:9";
    const env = { HTTP_PROXY: proxy, http_proxy: proxy, ALL_PROXY: proxy };
    const { exitCode, stdout } = await runToEnd(load(shop), { env });
    expect(row(stdout, "total").slice(0, 2)).toEqual([50, 0]);
    expect(exitCode).toBe(0);
  });

  test("of a service that fails in part is a success, and says what failed", async () => {
    await using shop = openShop(({ method }) =>
      method === "POST" ? new Response("", { status: 503 }) : undefined,
    );
    const { exitCode, stdout } = await runToEnd(load(shop));
    expect(row(stdout, "total").slice(0, 2)).toEqual([50, 5]);
    expect(stdout).toMatch(/^POST \/api\/orders +5 +status 503$/m);
    expect(exitCode).toBe(0);
  });

  test("of a service that fails throughout is exit 1, with the table", async () => {
    await using shop = openShop(() => new Response("", { status: 500 }));
    const { exitCode, stdout } = await runToEnd(load(shop));
    expect(stdout).toMatch(/^total +50 +50 +0\.00( +-){4}$/m);
    expect(exitCode).toBe(1);
  });

  test("where nothing listens is exit 1 and one line with what to do", async () => {
    const { exitCode, stdout, stderr } = await runToEnd([
      ...[sentinel, "load", "--url", "http://127.0.0.1:9"],
    ]);
    expect(stderr).toMatch(
      /^sentinel: cannot reach 127\.0\.0\.1:9: the connection is refused\. .*--role=target.*\n$/,
    );
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
  });

  test.each<NodeJS.Signals>(["SIGINT", "SIGTERM"])(
    "%s ends it early, with a table of what was measured",
    async (signal) => {
      let asked = 0;
      await using shop = openShop(() => {
        asked += 1;
        return undefined;
      });
      await using load = startProcess([sentinel, "load", "--duration=600", "--url", shop.url]);
      while (asked < 20) await Bun.sleep(10);
      const fromMs = performance.now();
      load.kill(signal);
      expect(await load.exited).toBe(0);
      expect(performance.now() - fromMs).toBeLessThan(END_WITHIN_MS);
      expect(load.stdout()).toMatch(/^Interrupted after \d+\.\d s\.$/m);
      const [requests = 0] = row(load.stdout(), "total");
      expect(requests).toBeGreaterThanOrEqual(20);
      expect(load.stderr()).toBe("");
    },
  );

  test("Ctrl-C in a terminal before anything was answered is exit 1", async () => {
    const { promise: asked, resolve } = Promise.withResolvers<void>();
    await using server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch() {
        resolve();
        return new Promise<Response>(() => {});
      },
    });
    let screen = "";
    const child = Bun.spawn([sentinel, "load", "--url", server.url.href], {
      env: { ...bareEnvironment(), TERM: "xterm-256color" },
      terminal: { cols: 80, rows: 24, data: (_, bytes) => void (screen += bytes.toString()) },
    });
    await asked;
    child.terminal?.write("\x03");
    expect(await child.exited).toBe(1);
    expect(screen).toContain("Interrupted after ");
    expect(screen).toMatch(/GET \/api\/items +\d+ +interrupted/);
    await server.stop(true);
  });

  test.each<[string[], string]>([
    [["--rate", "0"], "--rate must be a whole number of requests a second from 1 to 10000"],
    [["--rate", "10001"], "--rate must be"],
    [["--duration", "3601"], "--duration must be a whole number of seconds from 1 to 3600"],
    [["--url", "localhost:8000"], "--url must be an http URL"],
    [["--rte", "5"], "(Did you mean --rate?). Options of load: --rate, --duration, --url, --help."],
    [["--rate"], "--rate"],
    [["extra"], "extra"],
  ])("%j is exit 2 and one line", async (args, named) => {
    const { exitCode, stdout, stderr } = await runToEnd([sentinel, "load", ...args]);
    expect(stderr).toStartWith("sentinel: ");
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(stderr).toContain(named);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
  });

  test("--help names the bounds and what is usual", async () => {
    const { exitCode, stdout } = await runToEnd([sentinel, "load", "--help"]);
    expect(stdout).toMatch(/--rate .*1 to 10000.*50/);
    expect(stdout).toMatch(/--duration .*1 to 3600.*10/);
    expect(stdout).toMatch(/--url .*http:\/\/localhost:8000/);
    expect(exitCode).toBe(0);
  });
});
