/**
 * Answers in each dialect, one file each in `answers/`, and lists of models in `lists/`. Their shapes are
 * those that a vendor documents or that a bug report holds, as `from` says; the diagnosis within is ours.
 */

import { basename, join } from "node:path";
import { Glob } from "bun";
import { z } from "zod";
import { MODEL_APIS } from "../../../src/diagnosers/model-list.ts";

const answerFile = z.strictObject({
  from: z.string().min(10),
  api: z.enum(MODEL_APIS),
  /** What it refuses for as long as the request has such a field, in this order. */
  refuses: z.array(z.strictObject({ field: z.string(), status: z.int(), answer: z.unknown() })),
  status: z.int(),
  answer: z.unknown(),
  expected: z.strictObject({
    action: z.string().optional(),
    /** Whether the diagnosis tells its tokens; so it does if nothing is said. */
    tokens: z.literal(false).optional(),
    failure: z.string().optional(),
    message: z.string().optional(),
    /** Without it, one for each refusal and one for the answer. */
    requests: z.int().optional(),
  }),
});
export type RecordedAnswer = z.infer<typeof answerFile>;

const listFile = z.strictObject({
  from: z.string().min(10),
  api: z.enum(MODEL_APIS),
  /** The answer at each path. */
  get: z.record(z.string(), z.unknown()),
  models: z.array(z.strictObject({ name: z.string(), contextTokens: z.int().optional() })),
});
export type RecordedList = z.infer<typeof listFile>;

const read = async <T>(folder: string, schema: z.ZodType<T>) => {
  const paths = [...new Glob("*.json").scanSync(join(import.meta.dir, folder))].toSorted();
  const entries = paths.map(async (path) => {
    const json: unknown = await Bun.file(join(import.meta.dir, folder, path)).json();
    return [basename(path, ".json"), schema.parse(json)] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
};

export const ANSWERS = await read("answers", answerFile);
export const LISTS = await read("lists", listFile);

export function answerNamed(name: string): RecordedAnswer {
  const found = ANSWERS[name];
  if (found === undefined) throw new Error(`there is no answers/${name}.json`);
  return found;
}

export function listNamed(name: string): RecordedList {
  const found = LISTS[name];
  if (found === undefined) throw new Error(`there is no lists/${name}.json`);
  return found;
}

export interface DialectServer extends AsyncDisposable {
  readonly url: string;
  /** The bodies that were posted, as text. */
  readonly posted: readonly string[];
  /** The paths that were asked with GET. */
  readonly got: readonly string[];
}

export interface DialectOptions {
  readonly answer?: RecordedAnswer;
  readonly list?: RecordedList;
  /** Without it, everybody is answered. */
  readonly key?: string;
}

/** Answers as recorded, on a free port of the loopback. */
export function startDialectServer({ answer, list, key }: DialectOptions): DialectServer {
  const posted: string[] = [];
  const got: string[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const { pathname } = new URL(request.url);
      const given = request.headers.get("authorization") ?? request.headers.get("x-goog-api-key");
      if (key !== undefined && given?.replace("Bearer ", "") !== key)
        return Response.json(
          { error: { message: `Incorrect API key: ${given}` } },
          { status: 401 },
        );
      if (request.method === "GET") {
        got.push(pathname);
        const told = list?.get[pathname];
        return told === undefined ? notFound() : Response.json(told);
      }
      const body = await request.text();
      posted.push(body);
      if (answer === undefined) return notFound();
      const refusal = answer.refuses.find(({ field }) => body.includes(`"${field}":`));
      const { status, answer: said } = refusal ?? answer;
      return Response.json(said, { status });
    },
  });
  return {
    url: server.url.origin,
    posted,
    got,
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}

function notFound(): Response {
  return Response.json({ error: { message: "Not Found" } }, { status: 404 });
}
