/** What `docker compose up` gives: a small image, hardened containers, a target that is scraped. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { PROJECT, runToEnd } from "../support/binary.ts";
import { describeUnless, docker, STACK_IMAGES, whyNoDocker } from "../support/docker.ts";
import { type Stack, startStack } from "./stack.ts";

const START_TIMEOUT_MS = 300_000;
const MAX_IMAGE_BYTES = 130e6;
/** What distroless adds upstream; the base on this machine may be a smaller stand-in for it. */
const UPSTREAM_BASE_BYTES = 16e6;

const inspected = z.array(
  z.object({
    Config: z.object({ User: z.string() }),
    HostConfig: z.object({
      ReadonlyRootfs: z.boolean(),
      CapDrop: z.array(z.string()),
      SecurityOpt: z.array(z.string()),
      Memory: z.number(),
      PidsLimit: z.number(),
      RestartPolicy: z.object({ Name: z.string() }),
      PortBindings: z.record(z.string(), z.array(z.object({ HostIp: z.string() }))),
      Privileged: z.boolean(),
    }),
    State: z.object({ Health: z.object({ Status: z.string() }).optional() }),
  }),
);

const missing = await whyNoDocker(STACK_IMAGES);

describeUnless(missing, "docker compose up", () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack();
  }, START_TIMEOUT_MS);
  afterAll(() => stack?.[Symbol.asyncDispose](), START_TIMEOUT_MS);

  async function inspect(container: string) {
    const [found] = inspected.parse(JSON.parse(await docker("inspect", container)));
    if (found === undefined) throw new Error(`no container ${container}`);
    return found;
  }

  test("the image is at most 130 MB, its base counted as upstream has it", async () => {
    const sizeOf = async (image: string) =>
      Number(await docker("image", "inspect", "--format", "{{.Size}}", image));
    const [, base = ""] = STACK_IMAGES;
    const own = (await sizeOf(stack.image)) - (await sizeOf(base));
    expect(own + UPSTREAM_BASE_BYTES).toBeLessThan(MAX_IMAGE_BYTES);
  });

  test("the target is healthy by its own health check, and scraped every 5 s", async () => {
    expect((await inspect(stack.container)).State.Health?.Status).toBe("healthy");
    const query = '{__name__=~"up|sentinel_build_info",job="sentinel-target-api"}';
    expect(await stack.query(`count(${query})`)).toBe(2);
    const prometheus = parse(await readFile(join(PROJECT, "prometheus.yml"), "utf8"));
    expect(prometheus.global.scrape_interval).toBe("5s");
  });

  test.each<[string, (stack: Stack) => string, string]>([
    ["target", ({ container }) => container, "65532:65532"],
    ["prometheus", ({ prometheusContainer }) => prometheusContainer, "65534"],
  ])("%s may do nothing but its work", async (_, containerOf, user) => {
    const { Config, HostConfig } = await inspect(containerOf(stack));
    expect(Config.User).toBe(user);
    expect(HostConfig).toMatchObject({
      ReadonlyRootfs: true,
      CapDrop: ["ALL"],
      SecurityOpt: ["no-new-privileges:true"],
      Privileged: false,
      RestartPolicy: { Name: "unless-stopped" },
    });
    expect(HostConfig.Memory).toBeGreaterThan(0);
    expect(HostConfig.PidsLimit).toBeGreaterThan(0);
    const addresses = Object.values(HostConfig.PortBindings).flat();
    expect(addresses.map(({ HostIp }) => HostIp)).toEqual(["127.0.0.1"]);
  });

  test("there is no shell in the target's image", async () => {
    const shell = ["--entrypoint", "/bin/sh", stack.image, "-c", "true"];
    const { exitCode, stderr } = await runToEnd(["docker", "run", "--rm", ...shell]);
    expect(stderr).toContain("no such file or directory");
    expect(exitCode).toBe(127);
  });
});
