import { describe, expect, test } from "bun:test";
import { mkdir } from "node:fs/promises";
import { join, relative } from "node:path";
import { fakeCli } from "../../../test/support/fake-cli.ts";
import { allowlistFor } from "../../allowlist.ts";
import { composeActions } from "./compose.ts";

const never = new AbortController().signal;
const actions = allowlistFor("svc");

const PLUGIN = 'if [ "$2" = version ]; then echo "Docker Compose version v2.40.3"; exit 0; fi';
const STANDALONE = 'if [ "$1" = version ]; then echo "docker-compose version 1.29.2"; exit 0; fi';

describe("which Compose", () => {
  test.each([
    { name: "no plugin", docker: "echo \"docker: 'compose' is not a docker command\" >&2; exit 1" },
    { name: "an old docker prints its help", docker: "echo 'Usage: docker COMMAND'; exit 0" },
  ])("$name: docker-compose runs instead", async ({ docker }) => {
    await using cli = await fakeCli({
      docker,
      "docker-compose": `${STANDALONE}\necho "$@"`,
      "compose.yaml": "",
    });
    const act = composeActions({
      composeFile: join(cli.folder, "compose.yaml"),
      env: cli.env,
    });
    expect(await act(actions["compose-up"], never)).toMatchObject({
      kind: "succeeded",
      argv: ["docker-compose", "up", "-d"],
      output: "up -d\n",
    });
  });

  test("only docker-compose is there, without docker", async () => {
    await using cli = await fakeCli({ "docker-compose": STANDALONE, "compose.yaml": "" });
    const act = composeActions({
      composeFile: join(cli.folder, "compose.yaml"),
      env: cli.env,
    });
    const outcome = await act(actions["compose-restart"], never);
    expect(outcome).toMatchObject({ kind: "succeeded", argv: ["docker-compose", "restart"] });
  });

  test("with both, the plugin runs", async () => {
    await using cli = await fakeCli({
      docker: PLUGIN,
      "docker-compose": STANDALONE,
      "compose.yaml": "",
    });
    const act = composeActions({
      composeFile: join(cli.folder, "compose.yaml"),
      env: cli.env,
    });
    const outcome = await act(actions["compose-restart"], never);
    expect(outcome).toMatchObject({ argv: ["docker", "compose", "restart"] });
  });

  test("it is looked up once", async () => {
    await using cli = await fakeCli({
      docker: `[ "$2" = version ] && echo x >> "$(dirname "$0")/probes"\n${PLUGIN}`,
      "compose.yaml": "",
    });
    const act = composeActions({
      composeFile: join(cli.folder, "compose.yaml"),
      env: cli.env,
    });
    await act(actions["compose-restart"], never);
    await act(actions["compose-restart"], never);
    expect(await Bun.file(join(cli.folder, "probes")).text()).toBe("x\n");
  });

  test("one that is installed later is found", async () => {
    await using cli = await fakeCli({ docker: "exit 1", "compose.yaml": "" });
    const act = composeActions({
      composeFile: join(cli.folder, "compose.yaml"),
      env: cli.env,
    });
    const first = await act(actions["compose-restart"], never);
    expect(first).toMatchObject({ kind: "not_started", argv: ["docker", "compose", "restart"] });
    expect(first.output).toContain("install the Compose plugin");
    await Bun.write(join(cli.folder, "docker"), `#!/bin/sh\n${PLUGIN}\n`);
    expect((await act(actions["compose-restart"], never)).kind).toBe("succeeded");
  });
});

describe("the project", () => {
  const SHOW = `${PLUGIN}\necho "$PWD [\${COMPOSE_FILE-unset}]"`;

  test.each([
    { name: "a default name is left to Compose", files: ["compose.yaml"], given: "compose.yaml" },
    { name: "the older default too", files: ["docker-compose.yml"], given: "docker-compose.yml" },
    { name: "another name is set", files: ["stack.yaml"], given: "stack.yaml", set: true },
    {
      name: "a default that Compose would pass over for another is set",
      files: ["compose.yaml", "docker-compose.yml"],
      given: "docker-compose.yml",
      set: true,
    },
  ])("$name", async ({ files, given, set = false }) => {
    await using cli = await fakeCli({ docker: SHOW });
    const folder = join(cli.folder, "project");
    await mkdir(folder);
    for (const file of files) await Bun.write(join(folder, file), "");
    const composeFile = join(folder, given);
    // An inherited value would be read relative to the project's folder.
    const env = { ...cli.env, COMPOSE_FILE: "project/compose.yaml" };
    const outcome = await composeActions({ composeFile: relative(".", composeFile), env })(
      actions["compose-restart"],
      never,
    );
    expect(outcome.output).toBe(`${folder} [${set ? composeFile : "unset"}]\n`);
  });

  test("without its file nothing starts", async () => {
    await using cli = await fakeCli({ docker: SHOW });
    const composeFile = join(cli.folder, "compose.yaml");
    const outcome = await composeActions({ composeFile, env: cli.env })(
      actions["compose-up"],
      never,
    );
    expect(outcome.kind).toBe("not_started");
    expect(outcome.output).toBe(
      `the Compose file ${composeFile} does not exist; set COMPOSE_FILE to the one that runs the service`,
    );
  });
});

describe("one service", () => {
  const service = { project: "shop", service: "api", files: ["/srv/a.yaml", "/srv/b.yaml"] };
  const table = allowlistFor("svc", {
    platform: "docker",
    compose: { ...service, projectFolder: "/srv/app", envFiles: ["/srv/prod.env"] },
  });
  const NAMED = "-p shop --project-directory /srv/app --env-file /srv/prod.env";
  const FILES = "-f /srv/a.yaml -f /srv/b.yaml";

  async function run(
    id: "compose-service-restart" | "compose-service-up",
    scripts: Readonly<Record<string, string>>,
  ) {
    await using cli = await fakeCli(scripts);
    const env = {
      ...cli.env,
      COMPOSE_FILE: "/other.yaml",
      COMPOSE_ENV_FILES: "/other.env",
      COMPOSE_REMOVE_ORPHANS: "true",
    };
    // No Compose file is needed beside those that the command names.
    const composeFile = join(cli.folder, "none.yaml");
    const action = table[id];
    if (action === undefined) throw new Error(`${id} is not offered`);
    return await composeActions({ composeFile, env })(action, never);
  }

  test.each([
    ["compose-service-restart", `${NAMED} ${FILES} restart --no-deps api`],
    ["compose-service-up", `${NAMED} ${FILES} up -d --no-deps api`],
  ] as const)("%s runs the command of the table", async (id, expected) => {
    const outcome = await run(id, { docker: `${PLUGIN}\necho "$@"` });
    expect(outcome.output).toBe(`compose ${expected}\n`);
    expect(outcome.argv).toEqual([...(table[id]?.argv ?? [])]);
  });

  test("what the environment says of files and of other services does not count", async () => {
    const show = "[${COMPOSE_FILE-unset}] [${COMPOSE_ENV_FILES-unset}] [$COMPOSE_REMOVE_ORPHANS]";
    const outcome = await run("compose-service-up", { docker: `${PLUGIN}\necho "$PWD ${show}"` });
    expect(outcome.output).toBe("/ [unset] [unset] [false]\n");
  });

  test.each([
    ["docker-compose version 1.29.2, build unknown", "restart api"],
    ["Docker Compose version v2.40.3", "restart --no-deps api"],
  ])("with %s alone", async (version, expected) => {
    const standalone = `if [ "$1" = version ]; then echo "${version}"; exit 0; fi\necho "$@"`;
    const outcome = await run("compose-service-restart", { "docker-compose": standalone });
    expect(outcome.output).toBe(`${NAMED} ${FILES} ${expected}\n`);
    expect(outcome.argv.slice(0, 3)).toEqual(["docker-compose", "-p", "shop"]);
  });

  test("version 1 starts one service alone as well", async () => {
    const standalone = `${STANDALONE}\necho "$@"`;
    const outcome = await run("compose-service-up", { "docker-compose": standalone });
    expect(outcome.output).toBe(`${NAMED} ${FILES} up -d --no-deps api\n`);
  });

  test("a Compose that can't restart one service alone restarts none, and says what to do", async () => {
    const old = `${PLUGIN}\necho "unknown flag: --no-deps" >&2; exit 16`;
    const outcome = await run("compose-service-restart", { docker: old });
    expect(outcome).toMatchObject({ kind: "failed", exitCode: 16 });
    expect(outcome.output).toBe(
      "unknown flag: --no-deps; update Compose to 2.17 or later, which can restart one service alone",
    );
  });
});
