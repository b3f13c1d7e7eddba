import { describe, expect, test } from "bun:test";
import { gunzipSync } from "node:zlib";
import { z } from "zod";
import { aliveProcess, TARGET_SETTINGS } from "../../test/support/target.ts";
import { FAULT_KINDS } from "./fault.ts";
import { createTarget } from "./server.ts";

const operation = z.looseObject({
  summary: z.string(),
  responses: z.record(z.string(), z.unknown()),
});
const document = z.looseObject({
  openapi: z.string(),
  paths: z.record(z.string(), z.record(z.string(), operation)),
});

function startTarget(settings: Partial<typeof TARGET_SETTINGS> = {}) {
  const target = createTarget(
    { ...TARGET_SETTINGS, ...settings },
    { emit: () => {}, ownProcess: aliveProcess },
  );
  const ask = async (path: string, init: RequestInit = {}) =>
    target.handle(new Request(`http://localhost:8000${path}`, init));
  return { ask, [Symbol.asyncDispose]: () => target.stopFaults() };
}

type Ask = ReturnType<typeof startTarget>["ask"];

async function describedBy(ask: Ask) {
  return document.parse(await (await ask("/openapi/json")).json());
}

describe("the description of the API", () => {
  test("is OpenAPI 3.1 and knows every path that GET / lists", async () => {
    await using target = startTarget();
    const { openapi, paths } = await describedBy(target.ask);
    expect(openapi).toStartWith("3.1.");
    const listed: unknown = await (await target.ask("/")).json();
    const { endpoints } = z.object({ endpoints: z.record(z.string(), z.string()) }).parse(listed);
    const undescribed = Object.keys(endpoints).filter((path) => paths[path] === undefined);
    expect(undescribed).toEqual(["/", "/openapi"]);
  });

  test("has no operation that is not served", async () => {
    await using target = startTarget();
    const { paths } = await describedBy(target.ask);
    const served: string[] = [];
    for (const [path, operations] of Object.entries(paths)) {
      for (const method of Object.keys(operations)) {
        // Refused for its origin or its body, so that nothing starts, but known.
        const headers = { "sec-fetch-site": "cross-site" };
        const init = { method: method.toUpperCase(), headers };
        const { status } = await target.ask(path.replace("{id}", "1"), init);
        expect([path, method, status]).not.toEqual([path, method, 405]);
        served.push(`${method} ${path}`);
      }
    }
    expect(served).toContain("delete /faults/{id}");
    expect((await target.ask("/health", { method: "DELETE" })).status).toBe(405);
  });

  test("has an example of each kind of fault that works when pasted", async () => {
    const body = z.object({
      content: z.object({
        "application/json": z.object({
          examples: z.record(
            z.enum(FAULT_KINDS),
            z.object({ value: z.record(z.string(), z.unknown()) }),
          ),
        }),
      }),
    });
    await using target = startTarget({ maxActiveFaults: 20 });
    const { paths } = await describedBy(target.ask);
    const { content } = body.parse(paths["/faults"]?.["post"]?.["requestBody"]);
    for (const [kind, { value }] of Object.entries(content["application/json"].examples)) {
      // These would burn or end the process of this test; their bodies are checked all the same.
      if (kind === "cpu" || kind === "block" || kind === "crash") continue;
      const init = { method: "POST", body: JSON.stringify(value) };
      const headers = { "content-type": "application/json" };
      const response = await target.ask("/faults", { ...init, headers });
      expect([kind, response.status]).toEqual([kind, 201]);
    }
  });

  test("is a page that needs nothing from elsewhere", async () => {
    await using target = startTarget();
    const page = await (await target.ask("/openapi")).text();
    expect(page).toContain('src="/openapi/swagger-ui.js"');
    expect(page).not.toMatch(/(src|href)="(https?:)?\/\//);
    const script = await target.ask("/openapi/swagger-ui.js");
    expect(script.headers.get("content-encoding")).toBe("gzip");
    expect(gunzipSync(await script.arrayBuffer()).toString()).toContain("SwaggerUIBundle");
    const styles = await target.ask("/openapi/swagger-ui.css");
    expect(gunzipSync(await styles.arrayBuffer()).toString()).toContain(".swagger-ui");
  });

  test("says where a token is needed, if one is", async () => {
    await using open = startTarget();
    expect((await describedBy(open.ask)).paths["/faults"]?.["post"]).not.toHaveProperty("security");
    await using guarded = startTarget({ faultToken: "0123456789abcdef" });
    const { paths } = await describedBy(guarded.ask);
    expect(paths["/faults"]?.["post"]).toHaveProperty("security", [{ token: [] }]);
    expect(JSON.stringify(paths)).not.toContain("0123456789abcdef");
  });

  test("is not there where faults are off", async () => {
    await using target = startTarget({ faultsAllowed: false });
    expect((await target.ask("/openapi")).status).toBe(404);
  });
});
