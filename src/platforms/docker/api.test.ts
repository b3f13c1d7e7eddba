import { expect, test } from "bun:test";
import { once } from "node:events";
import { createServer } from "node:net";
import { z } from "zod";
import { ownFolder } from "../../../test/support/engines/engine.ts";
import { fakeEngine } from "../../../test/support/fake-engine.ts";
import { createDockerApi, describeEngine } from "./api.ts";
import { resolveConnection } from "./connection.ts";

const NEVER = new AbortController().signal;

test("Podman is called by its name", async () => {
  const Components = [{ Name: "Podman Engine" }, { Name: "Conmon" }];
  const version = { Version: "4.3.1", ApiVersion: "1.41", MinAPIVersion: "1.24", Components };
  await using engine = await fakeEngine({}, version);
  expect(await describeEngine(engine.api, NEVER)).toBe(
    `Podman 4.3.1, API 1.41, at ${engine.connection.shown}`,
  );
});

test("an engine that is too old is told so", async () => {
  await using engine = await fakeEngine({}, { Version: "1.11.2", ApiVersion: "1.23" });
  await expect(describeEngine(engine.api, NEVER)).rejects.toThrow(
    `Docker 1.11.2 at ${engine.connection.shown} has API 1.23 and at least 1.24 is needed; update the engine`,
  );
});

test("what is no engine is told so", async () => {
  await using engine = await fakeEngine({}, { hello: "world" });
  await expect(describeEngine(engine.api, NEVER)).rejects.toThrow(
    "answers GET version in an unknown form",
  );
});

test("after a refusal of the version it is agreed on again: the engine was replaced", async () => {
  const version = { Version: "28.0.0", ApiVersion: "1.41", MinAPIVersion: "1.24" };
  const refusal = {
    message: "client version 1.41 is too old. Minimum supported API version is 1.44",
  };
  await using engine = await fakeEngine({ old: Response.json(refusal, { status: 400 }) }, version);
  expect((await engine.api.engine(NEVER)).apiVersion).toBe("1.41");
  version.ApiVersion = "1.52";
  version.MinAPIVersion = "1.44";
  expect((await engine.api.engine(NEVER)).apiVersion).toBe("1.41");
  const asked = engine.api.get("containers/old", z.unknown(), NEVER);
  await expect(asked).rejects.toThrow(refusal.message);
  expect((await engine.api.engine(NEVER)).apiVersion).toBe("1.51");
});

test("a connection that was closed while it was idle is no failure", async () => {
  await using folder = await ownFolder("idle");
  const path = `${folder.path}/docker.sock`;
  const body = JSON.stringify({ Version: "20.10.24", ApiVersion: "1.41" });
  const server = createServer((socket) => {
    let questions = 0;
    socket.on("data", () => {
      questions += 1;
      if (questions > 1) socket.resetAndDestroy();
      else socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    });
  });
  server.listen(path);
  await once(server, "listening");
  const settings = { host: `unix://${path}`, context: undefined, isTls: false };
  const none = { certFolder: undefined, configFolder: folder.path, runtimeFolder: undefined };
  const api = createDockerApi(resolveConnection({ ...settings, ...none }), {});
  expect((await api.engine(NEVER)).apiVersion).toBe("1.41");
  expect(await api.get("a", z.object({ ApiVersion: z.string() }), NEVER)).toEqual({
    ApiVersion: "1.41",
  });
  api.close();
  server.close();
});

test("a question that is given up is not in time, and the next one is answered", async () => {
  await using engine = await fakeEngine({ a: [], slow: () => new Promise<Response>(() => {}) });
  const asked = engine.api.get("containers/slow", z.unknown(), AbortSignal.timeout(50));
  await expect(asked).rejects.toThrow(/\(not in time\)$/);
  expect(await engine.api.get("containers/a", z.array(z.unknown()), NEVER)).toEqual([]);
});
