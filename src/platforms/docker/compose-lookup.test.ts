import { describe, expect, test } from "bun:test";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { fakeCli } from "../../../test/support/fake-cli.ts";
import { type ComposeLookup, composeLookup } from "./compose-lookup.ts";

const never = new AbortController().signal;

/** A container as `docker ps` tells it with our template. */
function container(name: string, changes: Readonly<Record<string, string>> = {}) {
  const none = { image: "shop:1", files: "", folder: "", envFiles: "", oneOff: "" };
  return { name, ...none, project: "", service: "", ...changes };
}

interface Given {
  readonly containers: readonly ReturnType<typeof container>[];
  readonly imageLabels?: Readonly<Record<string, string>>;
  /** What `docker compose config` answers. */
  readonly project?: object;
  readonly files?: Readonly<Record<string, string>>;
}

/** An engine by its command line, in whose folder `compose.yaml` is. */
async function engine({ containers, imageLabels = {}, project, files = {} }: Given) {
  const cli = await fakeCli({
    docker: `here=$(dirname "$0")
case "$1 $2" in
  "ps --all") cat "$here/ps" ;;
  "image inspect") cat "$here/labels.json" ;;
  "compose version") echo "Docker Compose version v2.40.3" ;;
  "compose config") cat "$here/project.json" ;;
  *) echo "unexpected: $*" >&2; exit 1 ;;
esac`,
  });
  const texts = {
    "compose.yaml": "",
    "labels.json": JSON.stringify(imageLabels),
    "project.json": JSON.stringify(project ?? null),
    ...files,
  };
  for (const [name, text] of Object.entries(texts)) await Bun.write(join(cli.folder, name), text);
  const has = (listed: readonly ReturnType<typeof container>[]) =>
    Bun.write(join(cli.folder, "ps"), listed.map((one) => JSON.stringify(one)).join("\n"));
  await has(containers.map((one) => place(one, cli.folder)));
  const composeFile = join(cli.folder, "compose.yaml");
  const lookup = composeLookup({ composeFile, env: cli.env });
  return {
    folder: cli.folder,
    lookup,
    has: (listed: readonly ReturnType<typeof container>[]) =>
      has(listed.map((one) => place(one, cli.folder))),
    [Symbol.asyncDispose]: () => cli[Symbol.asyncDispose](),
  };
}

/** `FOLDER` stands for where the files are. */
function place(one: ReturnType<typeof container>, folder: string) {
  const text = JSON.stringify(one).replaceAll("FOLDER", folder);
  return JSON.parse(text);
}

async function found(lookup: ComposeLookup, name = "api") {
  const finding = (await lookup.find([name], never)).get(name);
  return finding?.kind === "found" ? finding.value : finding?.reason;
}

const LABELS = {
  project: "shop",
  service: "api",
  files: "FOLDER/compose.yaml",
  folder: "FOLDER",
  oneOff: "False",
};

describe("a container that is there", () => {
  test("is the service that its labels tell", async () => {
    await using given = await engine({ containers: [container("api", LABELS)] });
    const files = [join(given.folder, "compose.yaml")];
    expect(await found(given.lookup)).toEqual({ project: "shop", service: "api", files });
  });

  test("with several files, a folder of its own and variables from elsewhere", async () => {
    const files = "FOLDER/compose.yaml,FOLDER/prod.yaml";
    const labels = { ...LABELS, files, folder: "/", envFiles: "FOLDER/prod.env" };
    await using given = await engine({
      containers: [container("api", labels)],
      files: { "prod.yaml": "", "prod.env": "" },
    });
    const at = (name: string) => join(given.folder, name);
    expect(await found(given.lookup)).toEqual({
      ...{ project: "shop", service: "api", projectFolder: "/" },
      files: [at("compose.yaml"), at("prod.yaml")],
      envFiles: [at("prod.env")],
    });
  });

  test("of version 1 of Compose, which names files as they were typed", async () => {
    const labels = { ...LABELS, files: "compose.yaml" };
    await using given = await engine({ containers: [container("api", labels)] });
    const files = [join(given.folder, "compose.yaml")];
    expect(await found(given.lookup)).toEqual({ project: "shop", service: "api", files });
  });

  test.each<[string, Readonly<Record<string, string>>, string]>([
    ["no labels", { project: "" }, "Compose has not made its container"],
    ["a project that is an option", { project: "--help" }, 'its project is "--help"'],
    ["a service that is an option", { service: "--all" }, 'its service is "--all"'],
    ["a service and another", { service: "api db" }, 'its service is "api db"'],
    ["no service", { service: "" }, 'its service is ""'],
    ["a command in a project", { project: "$(id)" }, 'its project is "$(id)"'],
    ["no file", { files: "" }, "no Compose file is named"],
    ["standard input as its file", { files: "-", folder: "" }, '"-" is not an absolute path'],
    ["an option as its file", { files: "--help", folder: "" }, '"--help" is not an absolute path'],
    ["a new line in its file", { files: "/a\nb" }, '"/a\\nb" is not an absolute path'],
    ["a file that is not there", { files: "/gone.yaml" }, "/gone.yaml is not on this machine"],
    ["a folder as its file", { files: "/" }, "its Compose file / is not on this machine"],
    ["a device as its file", { files: "/dev/zero" }, "/dev/zero is not on this machine"],
    ["variables that are not there", { envFiles: "/gone.env" }, "/gone.env is not on this machine"],
    ["`docker compose run`", { oneOff: "True" }, "`docker compose run` has made its container"],
  ])("%s: nothing is offered, and why", async (_, changes, reason) => {
    await using given = await engine({ containers: [container("api", { ...LABELS, ...changes })] });
    expect(await found(given.lookup)).toContain(reason);
  });

  test("an image that brings the path of a file with it names no file", async () => {
    await using given = await engine({
      containers: [container("api", { ...LABELS, files: "/etc/hostname", folder: "" })],
      imageLabels: { "com.docker.compose.project.config_files": "/etc/hostname" },
    });
    expect(await found(given.lookup)).toContain("its image brings the label");
  });

  test("an image that Compose has built brings project and service, which is as it should be", async () => {
    await using given = await engine({
      containers: [container("api", LABELS)],
      imageLabels: { "com.docker.compose.project": "shop", "com.docker.compose.service": "api" },
    });
    expect(await found(given.lookup)).toMatchObject({ service: "api" });
  });

  test.each([
    ["another container of its service", { oneOff: "False" }, "has 1 other container, such as b"],
    ["the container of a `docker compose run`", { oneOff: "True" }, undefined],
    ["one of another service", { service: "db" }, undefined],
    ["one of another project", { project: "blog" }, undefined],
  ])("beside %s", async (_, changes, reason) => {
    const other = container("b", { ...LABELS, ...changes });
    await using given = await engine({ containers: [container("api", LABELS), other] });
    const result = await found(given.lookup);
    if (reason === undefined) expect(result).toMatchObject({ service: "api" });
    else expect(result).toContain(reason);
  });
});

describe("a container that is gone", () => {
  const project = {
    name: "shop",
    services: {
      named: { container_name: "api" },
      web: {},
      other: { container_name: "elsewhere" },
    },
  };

  test("is what was last seen of it", async () => {
    await using given = await engine({ containers: [container("api", LABELS)] });
    const seen = await found(given.lookup);
    await given.has([]);
    expect(await found(given.lookup)).toEqual(seen);
    await rm(join(given.folder, "compose.yaml"));
    expect(await found(given.lookup)).toContain("compose.yaml is not on this machine");
  });

  test("one that Compose had not made is not made by it", async () => {
    await using given = await engine({ containers: [container("api")], project });
    expect(await found(given.lookup)).toBe("Compose has not made its container");
    await given.has([]);
    expect(await found(given.lookup)).toBe("Compose has not made its container");
  });

  test.each<[string, string, string | undefined]>([
    ["a service with that name for its container", "api", "named"],
    ["a service whose container Compose names so", "shop-web-1", "web"],
    ["a service of that name", "web", "web"],
    ["a service of that name, whose container has another", "other", undefined],
    ["no such service", "nobody", undefined],
  ])("by the Compose file: %s", async (_, name, service) => {
    await using given = await engine({ containers: [], project });
    const result = await found(given.lookup, name);
    const files = [join(given.folder, "compose.yaml")];
    if (service === undefined) expect(result).toContain("has no service for it");
    else expect(result).toEqual({ project: "shop", service, files });
  });

  test("with the override that Compose reads as well", async () => {
    const files = { "compose.override.yaml": "" };
    await using given = await engine({ containers: [], project, files });
    const at = (name: string) => join(given.folder, name);
    expect(await found(given.lookup)).toMatchObject({
      files: [at("compose.yaml"), at("compose.override.yaml")],
    });
  });

  test("a service that has another container by now is left alone", async () => {
    const web = container("shop-web-2", { ...LABELS, service: "web" });
    await using given = await engine({ containers: [web], project });
    expect(await found(given.lookup, "web")).toContain("has 1 other container, such as shop-web-2");
  });

  test("without a Compose file, or with one that Compose can't read, there is a reason", async () => {
    await using given = await engine({ containers: [] });
    expect(await found(given.lookup)).toContain("answered in an unknown form");
    await rm(join(given.folder, "compose.yaml"));
    expect(await found(given.lookup)).toContain("and no Compose file ");
  });
});

test("an engine that does not answer is the reason for each, and nothing is forgotten", async () => {
  await using given = await engine({ containers: [container("api", LABELS)] });
  const seen = await found(given.lookup);
  await rm(join(given.folder, "ps"));
  for (const name of ["api", "b"])
    expect(await found(given.lookup, name)).toContain("the engine's containers cannot be listed: ");
  await given.has([]);
  expect(await found(given.lookup)).toEqual(seen);
});

test("an image that can't be asked for is no word on its container", async () => {
  await using given = await engine({ containers: [container("api", LABELS)] });
  const seen = await found(given.lookup);
  await rm(join(given.folder, "labels.json"));
  expect(await found(given.lookup)).toContain("the labels of its image cannot be read: ");
  await given.has([]);
  expect(await found(given.lookup)).toEqual(seen);
});

test("many at once have an answer each", async () => {
  const names = Array.from({ length: 50 }, (_, index) => `api-${index}`);
  const containers = names.map((name) =>
    container(name, { ...LABELS, service: name, image: `image-${name}` }),
  );
  await using given = await engine({ containers });
  const all = await given.lookup.find([...names, "nobody"], never);
  expect([...all.keys()].toSorted()).toEqual([...names, "nobody"].toSorted());
  expect([...all.values()].filter(({ kind }) => kind === "found")).toHaveLength(50);
});
