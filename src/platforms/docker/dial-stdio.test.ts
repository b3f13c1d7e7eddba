/** An engine behind a command, as one by ssh is: here the command answers by itself. */

import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fakeCli } from "../../../test/support/fake-cli.ts";
import { createDockerApi, describeEngine } from "./api.ts";
import { resolveConnection } from "./connection.ts";

const NEVER = new AbortController().signal;
const VERSION = JSON.stringify({ Version: "20.10.24", ApiVersion: "1.41" });
const ANSWER = `printf 'HTTP/1.1 200 OK\\r\\nContent-Length: ${VERSION.length}\\r\\n\\r\\n%s' '${VERSION}'`;

const folder = mkdtempSync(join(tmpdir(), "sentinel-dial-"));
afterAll(() => rmSync(folder, { recursive: true }));

function apiOf(env: Readonly<Record<string, string | undefined>>) {
  const none = { context: undefined, certFolder: undefined, runtimeFolder: undefined };
  const settings = { ...none, host: "ssh://me@host", isTls: false, configFolder: folder };
  const connection = resolveConnection(settings);
  return createDockerApi(connection, { ...env, ...connection.env });
}

describe("a way that is a command", () => {
  test("leads to the engine that the command is told of", async () => {
    const script = `[ "$*" = "system dial-stdio" ] && [ "$DOCKER_HOST" = ssh://me@host ] && ${ANSWER}; sleep 5`;
    await using cli = await fakeCli({ docker: `record $$; ${script}` });
    const api = apiOf(cli.env);
    expect(await describeEngine(api, NEVER)).toBe("Docker 20.10.24, API 1.41, at ssh://me@host");
    expect(await cli.running()).not.toEqual([]);
    api.close();
    while ((await cli.running()).length > 0) await Bun.sleep(10);
  });

  test("may take longer than anybody waits: the next one who asks has it", async () => {
    await using cli = await fakeCli({ docker: `sleep 0.4; ${ANSWER}; sleep 5` });
    const api = apiOf(cli.env);
    await expect(api.engine(AbortSignal.timeout(50))).rejects.toThrow("(not in time)");
    expect((await api.engine(NEVER)).version).toBe("20.10.24");
    api.close();
  });

  test.each([
    ["echo 'ssh: connect to host host port 22: Connection refused' >&2; exit 255"],
    [
      "echo 'command [ssh -T host] has exited with exit status 255, make sure: stderr=ssh: connect to host host port 22: Connection refused' >&2; exit 1",
    ],
    // Both sides of a pipe tell of its end, in either order.
    [
      "echo 'command [ssh -T host] has exited with exit status 255, make sure: stderr=ssh: connect to host host port 22: Connection refused' >&2; echo 'error while Copy (stdin to stream): write |1: broken pipe' >&2; exit 1",
    ],
  ])("fails in the words of ssh: %s", async (docker) => {
    await using cli = await fakeCli({ docker });
    const api = apiOf(cli.env);
    await expect(api.engine(NEVER)).rejects.toThrow(
      "no answer from the Docker engine at ssh://me@host (ssh: connect to host host port 22: Connection refused)",
    );
    api.close();
  });

  test("fails where there is no such command", async () => {
    const api = apiOf({ PATH: folder });
    await expect(api.engine(NEVER)).rejects.toThrow(
      "(the docker command, which leads there, is not on the PATH)",
    );
    api.close();
  });
});
