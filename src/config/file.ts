/** Files of settings: `sentinel.yaml` and rule files, read strictly. */

import { closeSync, openSync, readSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { z } from "zod";
import { actionIdsOf, defaultActions, isServiceName, PLATFORM_NAMES } from "../allowlist.ts";
import { isHttpUrl } from "../text/url.ts";
import { readHealth } from "./health.ts";
import { SentinelError } from "../core/errors.ts";
import type { HealthCheck } from "../core/health.ts";
import type { Service } from "../core/model.ts";
import { readRuleGroups, type RuleGroupSource } from "../rules/files/rule-file.ts";
import { CONVENTION_NAMES } from "../rules/conventions/find.ts";
import { explainFault } from "../text/schema-words.ts";
import { readYaml, type YamlFile } from "./yaml-file.ts";

/** Far more than anybody writes; the time that YAML takes grows with the square of its keys. */
const MAX_FILE_BYTES = 1024 * 1024;

/** A file names no command for the supervisor: that is SUPERVISE's. */
const FILE_PLATFORMS = PLATFORM_NAMES.filter((name) => name !== "process");
const FILE_ACTIONS = FILE_PLATFORMS.flatMap(actionIdsOf);

const AVAILABILITY =
  "must be the percentage of requests that are to be answered without an error, such as 99.9";

const serviceSchema = z
  .strictObject({
    name: z.string().refine(isServiceName, "must be the name of a container, such as my-api"),
    job: z.string().min(1).optional(),
    instance: z.string().min(1).optional(),
    convention: z.enum(CONVENTION_NAMES).optional(),
    slo: z
      .strictObject({
        availability: z.number().refine((percent) => percent >= 50 && percent < 100, AVAILABILITY),
      })
      .optional(),
    health: z
      .unknown()
      .transform((value, context): HealthCheck => {
        const health = readHealth(value);
        if (typeof health === "string" || !("fault" in health)) return health;
        context.addIssue({ code: "custom", message: health.fault });
        return z.NEVER;
      })
      // Every container has a state, so that this needs nothing else.
      .default("container"),
    metrics: z
      .string()
      .refine(
        (text) => text === "none" || isHttpUrl(text),
        "must be none, or an http URL, such as http://localhost:8080/metrics",
      )
      .optional(),
    platform: z.enum(FILE_PLATFORMS).default("docker"),
    actions: z.array(z.enum(FILE_ACTIONS)).optional(),
  })
  .superRefine(({ metrics, job, instance }, context) => {
    const named = job !== undefined ? "job" : instance !== undefined ? "instance" : undefined;
    if (metrics !== "none" || named === undefined) return;
    const message = `names whose metrics it has, and metrics is none: remove one of the two`;
    context.addIssue({ code: "custom", path: [named], message });
  })
  .superRefine(({ metrics, slo }, context) => {
    if (metrics !== "none" || slo === undefined) return;
    const message =
      "is told by the metrics of the service, and metrics is none: remove one of the two";
    context.addIssue({ code: "custom", path: ["slo"], message });
  })
  .superRefine(({ platform, actions = [] }, context) => {
    const ids = actionIdsOf(platform);
    for (const [index, id] of actions.entries())
      if (!ids.includes(id))
        context.addIssue({
          code: "custom",
          path: ["actions", index],
          message: `must be an action of ${platform}: ${ids.join(", ")}`,
        });
  });

const scrapeSchema = z.strictObject({
  job: z.string().min(1).max(200),
  url: z.string().refine(isHttpUrl, "must be an http URL, such as http://localhost:8080/metrics"),
});

const fileSchema = z.strictObject({
  services: z.array(serviceSchema).optional(),
  scrape: z.array(scrapeSchema).min(1).optional(),
  rule_files: z.array(z.string().min(1)).default([]),
});

export interface SettingsFile {
  /** The path of the file that was read; `undefined` without a file. */
  readonly path: string | undefined;
  /** `undefined` if the file has none: then the environment names the one service. */
  readonly services: readonly Service[] | undefined;
  /** Pages of metrics that services name. */
  readonly pages: readonly { readonly job: string; readonly url: string }[];
  /** What Sentinel scrapes by itself, with PROMETHEUS_URL=embedded. */
  readonly scrape: readonly { readonly job: string; readonly url: string }[] | undefined;
  /** Absolute paths. */
  readonly ruleFiles: readonly string[];
}

export const NO_FILE: SettingsFile = {
  path: undefined,
  services: undefined,
  pages: [],
  scrape: undefined,
  ruleFiles: [],
};

/**
 * @param configFile must exist; without it `sentinel.yaml` is read if it is there
 * @throws SentinelError `configuration`, naming the file, the place in it and what is wrong
 */
export function readSettingsFile(folder: string, configFile: string | undefined): SettingsFile {
  const path = resolve(folder, configFile ?? "sentinel.yaml");
  const text = readText(path, { optional: configFile === undefined });
  if (text === undefined) return NO_FILE;
  // A file whose every line is commented out sets nothing.
  const yaml = readYaml(text, path);
  const parsed = fileSchema.safeParse(yaml.value ?? {});
  if (!parsed.success) throw badFile(yaml, parsed.error);
  const services = parsed.data.services?.map(readService);
  const pages = (parsed.data.services ?? []).flatMap(({ name, job, metrics }) =>
    metrics === undefined || metrics === "none" ? [] : [{ job: job ?? name, url: metrics }],
  );
  const names = services?.map(({ name }) => name) ?? [];
  const twice = names.findIndex((name, index) => names.indexOf(name) !== index);
  if (twice >= 0)
    throw new SentinelError(
      "configuration",
      `${yaml.at(["services", twice, "name"])}: the service ${names[twice]} is there twice`,
      { hint: "Give each service a name of its own." },
    );
  const ruleFiles = parsed.data.rule_files.map((file) => resolve(dirname(path), file));
  return { path, services, pages, scrape: parsed.data.scrape, ruleFiles };
}

function readService(given: z.output<typeof serviceSchema>): Service {
  const { name, job, instance, convention, slo, health, metrics, platform, actions } = given;
  const isNamed = job !== undefined || instance !== undefined || metrics !== undefined;
  return {
    name,
    job: metrics === "none" ? undefined : (job ?? name),
    ...(isNamed ? {} : { isJobAssumed: true }),
    instance,
    ...(convention === undefined ? {} : { convention }),
    ...(slo === undefined ? {} : { availability: shareOf(slo.availability) }),
    health,
    platform,
    ...(platform === "docker" && { usesCompose: true }),
    actions: actions ?? defaultActions(platform),
  };
}

/** Without the noise of binary fractions: 99.9 is 0.999. */
function shareOf(percent: number): number {
  return Number((percent / 100).toPrecision(12));
}

function badFile(yaml: YamlFile, error: z.ZodError): SentinelError {
  const { path, message, hint } = explainFault(fileSchema, error, yaml.value);
  const said = `${yaml.at(path)}: ${placeOf(yaml.value, path)}${message}`;
  return new SentinelError("configuration", said, hint === undefined ? {} : { hint });
}

const ITEMS: Readonly<Record<string, string>> = { services: "service", scrape: "scrape" };
const named = z.looseObject({ name: z.string().optional(), job: z.string().optional() });

/** Which service it is about: by its name if it has one, else by its place in the list. */
function placeOf(value: unknown, [list, index, key]: readonly PropertyKey[]): string {
  const noun = ITEMS[String(list)];
  if (noun === undefined || typeof index !== "number" || key === undefined) return "";
  const item = z.record(z.string(), z.array(z.unknown()).catch([])).safeParse(value);
  const { name, job } = named.safeParse(item.data?.[String(list)]?.[index]).data ?? {};
  return `${noun} ${name ?? job ?? index + 1}: `;
}

/**
 * @param path absolute
 * @throws SentinelError `configuration`
 */
export function readRuleFile(path: string): RuleGroupSource[] {
  const text = readText(path, { optional: false }) ?? "";
  return readRuleGroups(readYaml(text, path, { asTexts: true }));
}

/**
 * @returns `undefined` if the file is not there and need not be
 * @throws SentinelError `configuration`
 */
export function readText(path: string, { optional }: { optional: boolean }): string | undefined {
  let bytes: Buffer;
  try {
    bytes = readAtMost(path, MAX_FILE_BYTES + 1);
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    if (optional && code === "ENOENT") return undefined;
    const what = code === "ENOENT" ? "is not there" : `cannot be read (${code})`;
    throw new SentinelError("configuration", `${path} ${what}`, { cause });
  }
  if (bytes.length > MAX_FILE_BYTES)
    throw new SentinelError("configuration", `${path} has more than ${MAX_FILE_BYTES} bytes`);
  if (bytes.includes(0))
    throw new SentinelError("configuration", `${path} is not text: it has a byte of value 0`);
  return bytes.toString("utf8");
}

/** Not `readFile`: a device such as /dev/zero has no end. */
function readAtMost(path: string, maxBytes: number): Buffer {
  const descriptor = openSync(path, "r");
  try {
    const bytes = Buffer.alloc(maxBytes);
    let used = 0;
    for (let read = -1; read !== 0 && used < maxBytes; used += read)
      read = readSync(descriptor, bytes, used, maxBytes - used, null);
    return bytes.subarray(0, used);
  } finally {
    closeSync(descriptor);
  }
}
