/** Our API beside a real Prometheus, with the same samples and the same questions. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { z } from "zod";
import { describeUnless } from "../support/docker.ts";
import { type RealPrometheus, startPrometheus, whyNoPrometheus } from "../promql/prometheus.ts";
import { apiSources, type AskedFor, askOurs, requestTo, SERIES } from "./dataset.ts";
import { DIFFERENT, SAME, SAME_KIND } from "./requests.ts";

const START_DEADLINE_MS = 30_000;
const sources = apiSources();

const title = ({ method, path, form, type }: AskedFor) =>
  [method, path, JSON.stringify(form), type].filter((part) => part !== undefined).join(" ");
const titled = (all: readonly AskedFor[]) => all.map((asked) => [title(asked), asked] as const);

const errorSchema = z.object({ status: z.literal("error"), errorType: z.string() });

const objects = z.array(z.looseObject({}));
const resultSchema = z.object({ data: z.object({ resultType: z.string(), result: objects }) });
const seriesSchema = z.object({ data: objects });

async function read(response: Response, { method, path }: AskedFor) {
  const { status, headers } = response;
  const type = headers.get("content-type")?.split(";")[0];
  const text = await response.text();
  // A server leaves the body of a HEAD away; without a socket there is none that would.
  const body = method === "HEAD" ? "" : normalised(text, path);
  return { status, type, allow: headers.get("allow"), body };
}

/** JSON without the remarks on the expression and, where there is none, without order. */
function normalised(text: string, path: string): string {
  if (!text.startsWith("{")) return text;
  const { infos: _, ...answer } = z.looseObject({}).parse(JSON.parse(text));
  const result = resultSchema.safeParse(answer).data?.data;
  const rows = result?.result ?? seriesSchema.safeParse(answer).data?.data;
  if (rows === undefined || isOrdered(path)) return JSON.stringify(answer);
  const sorted = rows.map((row) => JSON.stringify(row)).toSorted();
  return JSON.stringify({ ...answer, data: { ...result, result: sorted } });
}

/** Vectors are not, unless they are sorted; series are if they come from several selectors. */
function isOrdered(path: string): boolean {
  if (path.startsWith("query?")) return path.startsWith("query?query=sort");
  return !path.startsWith("series?") || path.split("match[]").length > 2;
}

describeUnless(whyNoPrometheus(), "the API beside a real Prometheus", () => {
  let real: RealPrometheus;
  beforeAll(async () => {
    real = await startPrometheus();
    await real.write(SERIES);
  }, START_DEADLINE_MS);
  afterAll(() => real[Symbol.asyncDispose]());

  const theirs = (asked: AskedFor) => fetch(requestTo(real.url, asked), { proxy: false });

  describe("answers the same", () => {
    test.each(titled(SAME))("%s", async (_, asked) => {
      const expected = await read(await theirs(asked), asked);
      expect(await read(await askOurs(asked, sources), asked)).toEqual(expected);
    });
  });

  describe("refuses for the same kind of reason", () => {
    test.each(titled(SAME_KIND))("%s", async (_, asked) => {
      const expected = await theirs(asked);
      const ours = await askOurs(asked, sources);
      expect(ours.status).toBe(expected.status);
      const { errorType } = errorSchema.parse(await expected.json());
      expect(errorSchema.parse(await ours.json()).errorType).toBe(errorType);
    });
  });

  describe("differs as it is known to", () => {
    test.each(
      DIFFERENT.map(
        ([theirStatus, ourStatus, asked]) => [title(asked), theirStatus, ourStatus, asked] as const,
      ),
    )("%s: %d there, %d here", async (_, theirStatus, ourStatus, asked) => {
      expect((await theirs(asked)).status).toBe(theirStatus);
      expect((await askOurs(asked, sources)).status).toBe(ourStatus);
    });
  });
});
