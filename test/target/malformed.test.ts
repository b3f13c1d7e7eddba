/** Whatever nonsense is sent: a 4xx that names what is wrong, no fault, and a target that lives. */

import { expect, test } from "bun:test";
import { z } from "zod";
import { FAULT_KINDS, type FaultKind } from "../../src/target/fault.ts";
import { KINDS } from "../../src/target/kinds.ts";
import { startBreakable } from "./breaking.ts";

const LEAST_REQUESTS = 300;

interface Malformed {
  readonly what: string;
  readonly path: string;
  /** Default: POST. */
  readonly method?: string;
  readonly body?: BodyInit;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default: 422. */
  readonly status?: number;
  readonly field: string;
}

const JSON_TYPE = { "content-type": "application/json" };
const WRONG_TYPES: readonly unknown[] = [null, "1", "", [], [1], {}, { value: 1 }, [[[]]]];
const FAR = "x".repeat(60_000);

const fault = (what: string, body: string, field: string, status = 422): Malformed => {
  return { what, path: "/faults", body, headers: JSON_TYPE, field, status };
};

/** A number as JSON, and such as `1e999` that no number of ours is. */
function wrongNumbers(schema: z.ZodType): readonly string[] {
  const {
    minimum = 0,
    maximum = 0,
    type,
  } = z
    .looseObject({ minimum: z.number(), maximum: z.number(), type: z.string() })
    .partial()
    .parse(z.toJSONSchema(schema, { io: "input" }));
  if (type !== "number" && type !== "integer") return [];
  const outside = [minimum - 1, minimum - 1e-6, maximum + 1, maximum * 2 + 1, -1e308, 1e308];
  const fractions = type === "integer" ? [minimum + 0.5, maximum - 0.5] : [];
  return [...outside, ...fractions].map(String).concat("1e999", "-1e999", "9".repeat(400));
}

/** From the schema of a kind: each parameter of a wrong type, out of range, twice; and unknown ones. */
function ofKind(kind: FaultKind): readonly Malformed[] {
  const { shape } = KINDS[kind].schema();
  const cases: Malformed[] = [
    fault(`${kind} with an unknown field`, `{"kind":"${kind}","nonsense":1}`, "nonsense"),
    fault(`${kind} with a field of the prototype`, `{"kind":"${kind}","__proto__":1}`, "__proto__"),
    fault(`${kind} twice`, `{"kind":"${kind}","kind":"${kind}"}`, "kind"),
    fault(`${kind} in capitals`, `{"kind":"${kind.toUpperCase()}"}`, "kind"),
    fault(`${kind} with NaN`, `{"kind":"${kind}","duration":NaN}`, "body", 400),
    fault(`${kind} cut short`, `{"kind":"${kind}","duration":1`, "body", 400),
  ];
  for (const [name, schema] of Object.entries(shape)) {
    if (name === "kind") continue;
    const refused = (json: string) => {
      const what = `${kind} with ${name} ${json.slice(0, 30)}`;
      return fault(what, `{"kind":"${kind}","${name}":${json}}`, name);
    };
    const wrongTypes = WRONG_TYPES.filter((value) => !schema.safeParse(value).success);
    cases.push(...wrongTypes.map((value) => refused(JSON.stringify(value))));
    cases.push(...wrongNumbers(schema).map(refused));
    cases.push(
      fault(`${kind} with ${name} twice`, `{"kind":"${kind}","${name}":1,"${name}":1}`, name),
      fault(
        `${kind} with ${name} in capitals`,
        `{"kind":"${kind}","${name.toUpperCase()}":1}`,
        name.toUpperCase(),
      ),
    );
  }
  return cases;
}

const nested = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`;

const BODIES: readonly Malformed[] = [
  fault("an empty body", "", "body", 400),
  fault("blanks", "   ", "body", 400),
  fault("half an object", "{", "body", 400),
  fault("a list of faults", '[{"kind":"health"}]', "body"),
  fault("a text", '"health"', "body"),
  fault("a number", "1", "body"),
  fault("null", "null", "body"),
  fault("two objects", '{"kind":"health"}{"kind":"health"}', "body", 400),
  fault("a comment", '{"kind":"health"/**/}', "body", 400),
  fault("single quotes", "{'kind':'health'}", "body", 400),
  fault("a comma too many", '{"kind":"health",}', "body", 400),
  fault("no kind", "{}", "kind"),
  fault("a kind that is null", '{"kind":null}', "kind"),
  fault("a kind that is a list", '{"kind":["health"]}', "kind"),
  fault("an unknown kind", '{"kind":"network"}', "kind"),
  fault("a kind of the prototype", '{"kind":"constructor"}', "kind"),
  fault("a kind with a blank", '{"kind":"health "}', "kind"),
  fault("a kind with NUL", String.raw`{"kind":"health\u0000"}`, "kind"),
  fault("half a surrogate pair as kind", String.raw`{"kind":"\ud800"}`, "kind"),
  fault("an endless kind", `{"kind":"${FAR}"}`, "kind"),
  fault("a kind twice, once escaped", String.raw`{"kind":"cpu","k\u0069nd":"health"}`, "kind"),
  fault("an endless field", `{"kind":"health","${FAR}":1}`, `${FAR.slice(0, 40)}…`),
  fault("deep JSON", nested(30_000), "body", 400),
  fault("deep JSON as kind", `{"kind":${nested(30_000)}}`, "body", 400),
  fault("deep JSON as a parameter", `{"kind":"cpu","load":${nested(30_000)}}`, "body", 400),
  fault("deep objects", `${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}`, "body", 400),
  fault("deep JSON without an end", "[".repeat(60_000), "body", 400),
  fault("an endless text of escapes", `"${'\\"'.repeat(30_000)}`, "body", 400),
  fault("an endless number", "9".repeat(60_000), "body"),
  fault("a body over 64 kB", `{"kind":"health","x":"${"x".repeat(70_000)}"}`, "body", 413),
  { ...fault("no UTF-8", "", "body", 400), body: Uint8Array.of(0x22, 0xff, 0xfe, 0x22) },
  { ...fault("UTF-16", "", "body", 400), body: Buffer.from('{"kind":"health"}', "utf16le") },
  { ...fault("gzip", "", "body", 400), body: Bun.gzipSync('{"kind":"health"}') },
  fault("bounds the wrong way round", '{"kind":"latency","min":2,"max":1}', "min"),
  fault("a profile without p99", '{"kind":"latency","p50":1,"p90":2}', "p99"),
  fault("a falling profile", '{"kind":"latency","p50":3,"p90":2,"p99":3}', "p90"),
  fault("bounds and a profile", '{"kind":"latency","min":1,"p50":1,"p90":1,"p99":1}', "min"),
  fault("two ways to choose", '{"kind":"errors","every":2,"probability":1}', "every"),
  fault("oom without a permit", '{"kind":"crash","mode":"oom"}', "allow_oom"),
  fault("oom not permitted", '{"kind":"crash","mode":"oom","allow_oom":false}', "allow_oom"),
  fault("a code without exit", '{"kind":"crash","code":1}', "code"),
  fault("a signal without its mode", '{"kind":"crash","signal":"SIGKILL"}', "signal"),
  fault("a signal that stops", '{"kind":"crash","mode":"signal","signal":"SIGSTOP"}', "signal"),
  fault("all of the memory there is", '{"kind":"memory","megabytes":999999}', "megabytes"),
  fault("all of the disk there is", '{"kind":"disk","megabytes":100000}', "megabytes"),
  ...[
    "",
    "api/*",
    "/api/**",
    "/api*",
    "/api/",
    "//",
    "/a?b",
    "http://x/",
    `/${"a/".repeat(150)}`,
  ].map((pattern) =>
    fault(
      `the pattern ${pattern.slice(0, 20)}`,
      JSON.stringify({ kind: "hang", routes: [pattern] }),
      "routes",
    ),
  ),
  fault(
    "too many patterns",
    JSON.stringify({ kind: "hang", routes: Array.from({ length: 21 }, () => "/a") }),
    "routes",
  ),
  ...[
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/jsonp",
    "text/json",
    "application/json, text/plain",
    " ",
  ].map((type) => ({
    ...fault(`the content type ${type}`, '{"kind":"health"}', "content-type", 415),
    headers: { "content-type": type },
  })),
];

const QUERIES: readonly Malformed[] = (
  [
    ["/stress/cpu", "duration"],
    ["/stress/memory", "megabytes"],
    ["/stress/latency", "min_delay"],
    ["/stress/latency", "max_delay"],
  ] as const
).flatMap(([path, name]) => {
  const value = (text: string): Malformed => {
    return {
      what: `${path} ${name}=${text}`,
      path: `${path}?${name}=${text}`,
      method: "GET",
      field: name,
    };
  };
  const wrong = [
    "",
    "NaN",
    "Infinity",
    "-1",
    "%2B1",
    "1e3",
    "0x10",
    "1,5",
    "1%20",
    "%31%00",
    "%ZZ",
  ];
  const more = [
    "9".repeat(400),
    "1e999",
    "1_000",
    "١",
    "true",
    "null",
    "[1]",
    "999999999",
    "1.2.3",
  ];
  return [
    ...[...wrong, ...more].map(value),
    { ...value("1&"), path: `${path}?${name}=1&${name}=1` },
    { ...value("unknown"), path: `${path}?${name}s=1`, field: `${name}s` },
    { ...value("in capitals"), path: `${path}?${name.toUpperCase()}=1`, field: name.toUpperCase() },
    { ...value("a name of the prototype"), path: `${path}?__proto__=1`, field: "__proto__" },
    { ...value("bad percent-encoding"), path: `${path}?%ZZ=1`, field: "%ZZ" },
  ];
});

const STRESS: readonly Malformed[] = [
  { path: "/stress/latency?min_delay=3&max_delay=2", field: "min_delay" },
  { path: "/stress/latency?min_delay=6", field: "min_delay" },
  { path: "/stress/cpu?duration=0", field: "duration" },
  { path: "/stress/cpu?duration=600.001", field: "duration" },
  { path: "/stress/memory?megabytes=0", field: "megabytes" },
  { path: "/stress/memory?megabytes=1.5", field: "megabytes" },
  { path: "/stress/latency?max_delay=120.001", field: "max_delay" },
  { path: "/stress/crash?mode=exit", field: "mode" },
].map((request) => ({ what: request.path, method: "GET", ...request }));

const ORDERS: readonly Malformed[] = (
  [
    ["{}", "item_id"],
    ['{"item_id":1}', "quantity"],
    ['{"item_id":0,"quantity":1}', "item_id"],
    ['{"item_id":21,"quantity":1}', "item_id"],
    ['{"item_id":1.5,"quantity":1}', "item_id"],
    ['{"item_id":"1","quantity":1}', "item_id"],
    ['{"item_id":1e999,"quantity":1}', "item_id"],
    ['{"item_id":1,"quantity":0}', "quantity"],
    ['{"item_id":1,"quantity":101}', "quantity"],
    ['{"item_id":1,"quantity":null}', "quantity"],
    ['{"item_id":1,"quantity":1,"price":0}', "price"],
    ['{"item_id":1,"quantity":1,"__proto__":{}}', "__proto__"],
    ['{"item_id":1,"quantity":1,"quantity":2}', "quantity"],
    ["[]", "body"],
    ["null", "body"],
  ] as const
)
  .map(([body, field]): Malformed => {
    return { what: `the order ${body}`, path: "/api/orders", body, headers: JSON_TYPE, field };
  })
  .concat(
    ["", "{", "NaN", nested(30_000)].map((body) => ({
      what: `the order ${body.slice(0, 10)}`,
      path: "/api/orders",
      body,
      headers: JSON_TYPE,
      status: 400,
      field: "body",
    })),
    {
      what: "an order as a form",
      path: "/api/orders",
      body: "item_id=1&quantity=1",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      status: 415,
      field: "content-type",
    },
    {
      what: "an order over 64 kB",
      path: "/api/orders",
      body: `{"item_id":1,"quantity":1,"x":"${"x".repeat(70_000)}"}`,
      headers: JSON_TYPE,
      status: 413,
      field: "body",
    },
  );

const HEADERS: readonly Malformed[] = [
  ...["", "x", "latency", "latency=", "latency=-1", "latency=121", "latency=1e2", "latency=NaN"],
  ...["latency=1s", "status=200", "status=399", "status=600", "status=500.5", "status=0x1F4"],
  ...["latency=1,latency=1", "status=500,status=500", "latency=1;status=500", "latency=1,"],
  ...["Latency=1", "__proto__=1", "kind=cpu", '{"latency":1}', `status=${"5".repeat(500)}`],
  ...["latency =1", "latency= 1", "a".repeat(3_000)],
].map((header) => ({
  what: `the header ${header.slice(0, 30)}`,
  path: "/api/items",
  method: "GET",
  headers: { "x-sentinel-fault": header },
  field: "x-sentinel-fault",
}));

const IDS: readonly Malformed[] = [
  "%ZZ",
  "%",
  "%E0%A4%A",
  "%00",
  "%FF",
  "..%2f",
  "x",
  "cpu-0",
  "a".repeat(3_000),
]
  .flatMap((id) => ["GET", "DELETE"].map((method) => ({ id, method, path: `/faults/${id}` })))
  .concat(
    ["%ZZ", "0", "21", "01", "1.0", "-1", "1e0", "%31%00", "NaN"].map((id) => {
      return { id, method: "GET", path: `/api/items/${id}` };
    }),
  )
  .map(({ id, ...request }) => ({
    what: `the id ${id.slice(0, 20)} to ${request.method}`,
    ...request,
    status: 404,
    field: "id",
  }));

const ALL = [
  ...FAULT_KINDS.flatMap(ofKind),
  ...BODIES,
  ...QUERIES,
  ...STRESS,
  ...ORDERS,
  ...HEADERS,
  ...IDS,
];

test(`at least ${LEAST_REQUESTS} malformed requests are all refused by name, and break nothing`, async () => {
  expect(new Set(ALL.map(({ what }) => what)).size).toBeGreaterThanOrEqual(LEAST_REQUESTS);
  await using target = await startBreakable();
  const wrong: unknown[] = [];
  let slowest = { what: "", ms: 0 };
  for (const { what, path, method = "POST", body, headers = {}, status = 422, field } of ALL) {
    const fromMs = performance.now();
    const response = await fetch(`${target.url}${path}`, {
      method,
      headers,
      ...(body !== undefined && { body }),
    });
    const text = await response.text();
    const ms = performance.now() - fromMs;
    if (ms > slowest.ms) slowest = { what, ms };
    const told = readRefusal(text);
    const isRight =
      response.status === status && told.field === field && text.length < 600 && ms < 1_000;
    if (!isRight) wrong.push({ what, status: response.status, text: text.slice(0, 200), ms });
  }
  expect(wrong).toEqual([]);

  const metrics = await (await fetch(`${target.url}/metrics`)).text();
  for (const kind of FAULT_KINDS) {
    expect(metrics).toContain(`sentinel_faults_started_total{kind="${kind}"} 0\n`);
  }
  target.process.kill("SIGTERM");
  expect(await target.process.exited).toBe(0);
  const names = new Set(target.process.events().map(({ event }) => event));
  expect([...names].map(String).toSorted()).toEqual([
    "request_processed",
    "target_started",
    "target_stopped",
  ]);
  expect(target.process.stderr()).toBe("");
  console.log(
    `${ALL.length} malformed requests refused; the slowest took ${slowest.ms.toFixed(0)} ms: ${slowest.what}`,
  );
});

const Refusal = z.object({ error: z.string(), message: z.string(), field: z.string() }).partial();

function readRefusal(text: string): z.infer<typeof Refusal> {
  try {
    return Refusal.parse(JSON.parse(text));
  } catch {
    // It is no JSON, so it names no field: which the caller reports.
    return {};
  }
}
