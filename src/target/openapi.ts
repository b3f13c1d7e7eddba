/** The description of the API, for people and for programs. Imported when somebody asks for it. */

import { openapi } from "@elysiajs/openapi";
import { Elysia } from "elysia";
import { z } from "zod";
import { FAULT_KINDS, FAULT_OUTCOMES } from "./fault.ts";
import { KINDS } from "./kinds.ts";
import { MAX_CPU_S, MAX_DELAY_S } from "./stress.ts";
import { orderSchema } from "./shop.ts";
import { gzippedFile } from "./swagger-ui.ts" with { type: "macro" };

interface DescribedApi {
  readonly version: string;
  /** Starting a fault needs a token. */
  readonly needsToken: boolean;
}

/** A service of its own for `/openapi` and what is below it; everything it needs is on this machine. */
export function describeApi(api: DescribedApi): (request: Request) => Response | Promise<Response> {
  const app = new Elysia()
    .use(
      openapi({
        provider: "swagger-ui",
        documentation: document(api),
        swagger: { cdn: "/openapi/swagger-ui.js", theme: "/openapi/swagger-ui.css" },
      }),
    )
    .get("/openapi/swagger-ui.js", () => asset(SCRIPT, "text/javascript"))
    .get("/openapi/swagger-ui.css", () => asset(STYLES, "text/css"));
  return (request) => app.fetch(request);
}

const SCRIPT = gzippedFile("swagger-ui-bundle.js");
const STYLES = gzippedFile("swagger-ui.css");

function asset(gzipped: string, type: string): Response {
  const headers = { "content-type": `${type}; charset=utf-8`, "content-encoding": "gzip" };
  return new Response(Buffer.from(gzipped, "base64"), { headers });
}

function document({ version, needsToken }: DescribedApi) {
  const starts = needsToken ? { security: [{ token: [] }] } : {};
  return {
    info: {
      title: "Sentinel target",
      version,
      description:
        "A service that misbehaves on command. Every fault has an id, a bound, an end and a measured effect.",
    },
    tags: [
      { name: "faults", description: "What is broken, and for how long" },
      { name: "traffic", description: "A small shop to break" },
      { name: "probes", description: "Health, readiness, metrics" },
      { name: "stress", description: "One fault by one request" },
    ],
    components: {
      schemas: { Fault: FAULT, Error: ERROR },
      securitySchemes: { token: { type: "http" as const, scheme: "bearer" } },
    },
    paths: { ...faultPaths(starts), ...trafficPaths(), ...probePaths(), ...stressPaths(starts) },
  };
}

/** What a request needs that starts a fault. */
type Starts = { readonly security?: { token: never[] }[] };

function faultPaths(starts: Starts) {
  return {
    "/faults": {
      get: {
        tags: ["faults"],
        summary: "The faults that are active, and the last 50 that have ended",
        responses: { "200": json("newest first", LIST) },
      },
      post: {
        tags: ["faults"],
        summary: "Start a fault",
        requestBody: { required: true, content: { "application/json": faultBody() } },
        responses: { "201": json("the fault", reference("Fault")), ...REFUSALS },
        ...starts,
      },
      delete: {
        tags: ["faults"],
        summary: "End all faults",
        responses: { "200": json("those that were ended", ENDED) },
      },
    },
    "/faults/{id}": {
      get: {
        tags: ["faults"],
        summary: "One fault, also one that has ended",
        parameters: [ID],
        responses: { "200": json("the fault", reference("Fault")), "404": refused("unknown id") },
      },
      delete: {
        tags: ["faults"],
        summary: "End one fault",
        parameters: [ID],
        responses: { "200": json("the fault", reference("Fault")), "404": refused("unknown id") },
      },
    },
  };
}

function trafficPaths() {
  return {
    "/api/items": {
      get: {
        tags: ["traffic"],
        summary: "All items",
        parameters: [FAULT_OF_THIS_REQUEST],
        responses: { "200": says("the items") },
      },
    },
    "/api/items/{id}": {
      get: {
        tags: ["traffic"],
        summary: "One item",
        parameters: [{ ...ID, example: "1" }, FAULT_OF_THIS_REQUEST],
        responses: { "200": says("the item"), "404": refused("no such item") },
      },
    },
    "/api/orders": {
      post: {
        tags: ["traffic"],
        summary: "Place an order, which waits for a payment provider",
        parameters: [FAULT_OF_THIS_REQUEST],
        requestBody: {
          required: true,
          content: {
            "application/json": {
              schema: jsonSchema(orderSchema()),
              example: { item_id: 1, quantity: 2 },
            },
          },
        },
        responses: { "201": says("the order"), "422": refused("a bad order") },
      },
    },
  };
}

function probePaths() {
  return {
    "/health": {
      get: {
        tags: ["probes"],
        summary: "Liveness",
        responses: { "200": says("alive"), "503": refused("a fault makes it fail") },
      },
    },
    "/ready": {
      get: {
        tags: ["probes"],
        summary: "Readiness",
        responses: { "200": says("takes traffic"), "503": refused("stopping, or a fault") },
      },
    },
    "/metrics": {
      get: {
        tags: ["probes"],
        summary: "Prometheus text format",
        responses: { "200": { description: "text format 0.0.4" } },
      },
    },
  };
}

function stressPaths(starts: Starts) {
  const stress = (summary: string, parameters: QueryParameter[], status = "200") => ({
    get: {
      tags: ["stress"],
      summary,
      parameters,
      responses: { [status]: says("when it is over"), ...REFUSALS },
      ...starts,
    },
  });
  return {
    "/stress/cpu": stress("Burn every core", [
      query("duration", `s, above 0 and up to ${MAX_CPU_S}`, 5),
    ]),
    "/stress/memory": stress("Leak memory until the process stops, or all faults are ended", [
      query("megabytes", "a whole number, within what the machine or container has left", 10),
    ]),
    "/stress/latency": stress("Answer after a random delay", [
      query("min_delay", `s, up to ${MAX_DELAY_S}`, 1),
      query("max_delay", `s, up to ${MAX_DELAY_S}`, 5),
    ]),
    "/stress/crash": stress("Raise a simulated exception; the process lives", [], "500"),
  };
}

function faultBody() {
  const schemas = FAULT_KINDS.map((kind) => ({ title: kind, ...jsonSchema(KINDS[kind].schema()) }));
  const examples = FAULT_KINDS.map((kind) => {
    const { summary, example } = KINDS[kind];
    return [kind, { summary, value: { kind, ...example } }] as const;
  });
  return { schema: { oneOf: schemas }, examples: Object.fromEntries(examples) };
}

function jsonSchema(schema: z.ZodType): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: "input" });
  return rest;
}

function reference(name: "Fault" | "Error") {
  return { $ref: `#/components/schemas/${name}` };
}

function json(description: string, schema: object) {
  return { description, content: { "application/json": { schema } } };
}

function says(description: string) {
  return json(description, { type: "object" });
}

function refused(description: string) {
  return json(description, reference("Error"));
}

type QueryParameter = ReturnType<typeof query>;

function query(name: string, description: string, byDefault: number) {
  const schema = { type: "number" as const, default: byDefault };
  return { in: "query" as const, name, description, schema };
}

const object = { type: "object" } as const;
const text = { type: "string" } as const;
const number = { type: "number" } as const;
const numberOrNull = { type: ["number" as const, "null" as const] };

const FAULT = {
  ...object,
  properties: {
    id: text,
    kind: { enum: [...FAULT_KINDS] },
    state: { enum: ["active", ...FAULT_OUTCOMES] },
    plan: { ...object, description: "the parameters in force" },
    seed: { type: "integer" as const },
    started_at: { ...text, format: "date-time" },
    ends_at: { ...text, format: "date-time" },
    remaining_s: number,
    requested: { ...number, description: "the effect that was asked for, in the unit" },
    measured: { ...numberOrNull, description: "the effect that it has; null before there is one" },
    unit: text,
    effect_ratio: { ...numberOrNull, description: "measured over requested" },
    reason: { ...text, description: "why it failed, or who ended it" },
  },
};

const ERROR = {
  ...object,
  properties: {
    error: { ...text, description: "a closed code" },
    message: { ...text, description: "what is wrong, and what to write instead" },
    field: { ...text, description: "the parameter that is wrong" },
  },
};

const LIST = {
  type: "object",
  properties: {
    active: { type: "array", items: reference("Fault") },
    recent: { type: "array", items: reference("Fault") },
  },
};
const ENDED = {
  type: "object",
  properties: { ended: { type: "array", items: reference("Fault") } },
};

const ID = { in: "path", name: "id", required: true, schema: text } as const;
const FAULT_OF_THIS_REQUEST = {
  in: "header",
  name: "X-Sentinel-Fault",
  description: "breaks this request alone: latency=S, status=N, or both with a comma",
  schema: text,
  example: "latency=0.5,status=503",
} as const;

const REFUSALS = {
  "401": refused("a token is needed"),
  "403": refused("another web site asks"),
  "422": refused("a bad parameter"),
  "429": refused("too many faults are active"),
};
