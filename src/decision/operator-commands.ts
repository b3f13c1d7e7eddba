/** What a person may say to a running observer, as entries of its journal. Pure. */

import { z } from "zod";
import { isServiceName } from "../allowlist.ts";
import { parseDuration } from "../core/duration.ts";
import { SentinelError } from "../core/errors.ts";
import { parseJson } from "../text/json.ts";
import { nearest } from "../text/did-you-mean.ts";
import type { NewJournalEntry } from "../core/ports.ts";
import type { IncidentRecord } from "../core/incident-record.ts";

/** Who says it, and when. */
export interface Saying {
  readonly by: string;
  readonly atMs: number;
}

/** What is to be added to the journal, and what it means, as one sentence. */
export interface Said {
  readonly entry: NewJournalEntry;
  readonly meaning: string;
}

/** A request that waits for an answer. */
interface OpenRequest {
  readonly id: string;
  readonly service: string;
  readonly alert: string;
  readonly argv: readonly string[];
  readonly expiresAtMs: number;
}

/** The longest pause: one that is forgotten ends, and alerts count again. */
const MAX_PAUSE_MS = 30 * 86_400_000;

export function openRequests(
  records: readonly IncidentRecord[],
  nowMs: number,
): readonly OpenRequest[] {
  return records.flatMap(({ phase, request, service, alert }) => {
    if (phase !== "waiting" || request === undefined || request.given !== undefined) return [];
    const { id, argv, expiresAtMs } = request;
    return expiresAtMs <= nowMs ? [] : [{ id, service, alert: alert.name, argv, expiresAtMs }];
  });
}

/**
 * @param text a request's id, or the beginning of it if that is enough to tell it from the others
 * @throws SentinelError `usage` when no such request waits
 */
export function answerRequest(
  { text, answer }: { readonly text: string; readonly answer: "approved" | "denied" },
  records: readonly IncidentRecord[],
  { by, atMs }: Saying,
): Said {
  const { id, service, alert, argv } = findRequest(text, records, atMs);
  const fields = { request: id, answer, by };
  const command = argv.join(" ");
  return {
    entry: { atMs, service, incident: id, type: "approval_given", fields },
    meaning:
      answer === "approved"
        ? `approved: the observer runs \`${command}\` at its next poll, if ${alert} still fires on ${service} and nobody has paused it`
        : `denied: \`${command}\` is not run`,
  };
}

function findRequest(text: string, records: readonly IncidentRecord[], nowMs: number): OpenRequest {
  const open = openRequests(records, nowMs);
  const exact = open.find(({ id }) => id === text);
  const found = exact ? [exact] : open.filter(({ id }) => text !== "" && id.startsWith(text));
  const [request, second] = found;
  if (request !== undefined && second === undefined) return request;
  const ids = open.map(({ id }) => id);
  if (second !== undefined)
    throw new SentinelError("usage", `${text} is the beginning of several requests`, {
      hint: `Write one of ${found.map(({ id }) => id).join(", ")}.`,
    });
  const past = records.find(({ id, request }) => request?.id === text || id === text);
  if (past !== undefined)
    throw new SentinelError("usage", `${text} does not wait for an answer any more`, {
      hint: `sentinel incidents ${text} tells what became of it.`,
    });
  const near = nearest(text, ids);
  throw new SentinelError("usage", `no request ${text} waits for an answer`, {
    hint:
      ids.length === 0
        ? "No request waits."
        : near === undefined
          ? `These wait: ${ids.join(", ")}.`
          : `Did you mean ${near}?`,
  });
}

/** The services that a command may name. */
export interface KnownServices {
  readonly names: readonly string[];
  /** False where containers come by their label: a name that is not known may be one to come. */
  readonly isComplete: boolean;
}

const resumeBody = z.strictObject({ service: z.string().optional() });
const pauseBody = resumeBody.extend({ for: z.string().optional() });

interface PauseOptions {
  /** `undefined` for all of them. */
  readonly service?: string | undefined;
  /** Such as `2h`; without it, until somebody resumes. */
  readonly length?: string | undefined;
}

/**
 * What is sent to pause: nothing, or JSON such as `{"service": "my-api", "for": "2h"}`.
 *
 * @throws SentinelError `usage`
 */
export function readPause(text: string): PauseOptions {
  const { service, for: length } = readBody(text, pauseBody, '{"service": "my-api", "for": "2h"}');
  return { service, length };
}

/**
 * What is sent to resume: nothing, or JSON such as `{"service": "my-api"}`.
 *
 * @returns the service; `undefined` for all of them
 * @throws SentinelError `usage`
 */
export function readResume(text: string): string | undefined {
  return readBody(text, resumeBody, '{"service": "my-api"}').service;
}

function readBody<Body>(text: string, schema: z.ZodType<Body>, example: string): Body {
  const parsed = schema.safeParse(text.trim() === "" ? {} : parseJson(text));
  if (parsed.success) return parsed.data;
  throw new SentinelError("usage", "the body cannot be read", {
    hint: `Send nothing, or JSON such as ${example}.`,
  });
}

/** @throws SentinelError `usage` */
export function pause(
  { service, length }: PauseOptions,
  services: KnownServices,
  { by, atMs }: Saying,
): Said {
  const name = checkedName(service, services);
  const until = length === undefined ? {} : { until_ms: atMs + parseLength(length) };
  const end =
    length === undefined
      ? `until sentinel resume${service === undefined ? "" : ` ${service}`}`
      : `for ${length}`;
  return {
    entry: { atMs, service: name, incident: undefined, type: "paused", fields: { ...until, by } },
    meaning: `paused: ${whom(service)} left alone ${end}${doubt(name, services)}`,
  };
}

/**
 * Ends a pause, and lets Sentinel act again after an action that made things worse.
 *
 * @throws SentinelError `usage`
 */
export function resumeAutomation(
  service: string | undefined,
  services: KnownServices,
  { by, atMs }: Saying,
): Said {
  const name = checkedName(service, services);
  return {
    entry: { atMs, service: name, incident: undefined, type: "resumed", fields: { by } },
    meaning: `resumed: ${whom(service)} acted on again${doubt(name, services)}`,
  };
}

/** A misspelt name is an error: a person would believe the service paused. */
function checkedName(service: string | undefined, { names, isComplete }: KnownServices): string {
  if (service === undefined) return "";
  if (!isServiceName(service))
    throw new SentinelError("usage", `${JSON.stringify(service)} is not the name of a service`, {
      hint: "Write the name of its container, such as sentinel-target-api.",
    });
  if (names.includes(service) || !isComplete) return service;
  const near = nearest(service, names);
  throw new SentinelError("usage", `no service ${service} is watched`, {
    hint: near === undefined ? `These are: ${names.join(", ")}.` : `Did you mean ${near}?`,
  });
}

function doubt(name: string, { names }: KnownServices): string {
  return name === "" || names.includes(name) ? "" : "; no service of that name is known yet";
}

function whom(service: string | undefined): string {
  return service === undefined ? "all services are" : `${service} is`;
}

function parseLength(text: string): number {
  const durationMs = parseDuration(text, "the length of a pause");
  if (durationMs > 0 && durationMs <= MAX_PAUSE_MS) return durationMs;
  throw new SentinelError("usage", `a pause is up to 30d long, such as 2h, not ${text}`);
}
