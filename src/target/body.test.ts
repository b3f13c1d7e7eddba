import { describe, expect, jest, test } from "bun:test";
import { MAX_BODY_BYTES, readJson } from "./body.ts";
import { HttpError } from "./http-error.ts";

const JSON_TYPE = { "content-type": "application/json" };

function post(body: BodyInit | undefined, headers: Record<string, string> = JSON_TYPE): Request {
  const init = { method: "POST", headers, ...(body !== undefined && { body }) };
  return new Request("http://localhost/faults", init);
}

async function refusalOf(request: Request): Promise<HttpError> {
  try {
    await readJson(request);
  } catch (error) {
    if (error instanceof HttpError) return error;
    throw error;
  }
  throw new Error("it was accepted");
}

/** A body that arrives in these parts, its length not told. */
function streamed(parts: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const part of parts) controller.enqueue(part);
      controller.close();
    },
  });
}

const bytes = (text: string) => new TextEncoder().encode(text);
/** `{"a":"xxx"}` of exactly that size. */
const bodyOf = (size: number) => `{"a":"${"x".repeat(size - '{"a":""}'.length)}"}`;

describe("a JSON body", () => {
  test("is read whatever its value is", async () => {
    for (const text of ['{"a":[1,{"b":null}]}', "[]", "1", '"text"', " {}\n"]) {
      expect(await readJson(post(text))).toEqual(JSON.parse(text));
    }
  });

  test("may come in parts that cut a character in two", async () => {
    const whole = bytes('{"text":"ü€😀"}');
    const parts = Array.from(whole, (byte) => Uint8Array.of(byte));
    expect(await readJson(post(streamed(parts)))).toEqual({ text: "ü€😀" });
  });

  test.each([
    "application/json",
    "Application/JSON",
    "application/json;charset=utf-8",
    "application/json ; charset=utf-8",
  ])("may be declared as %s", async (type) => {
    expect(await readJson(post("{}", { "content-type": type }))).toEqual({});
  });

  test.each([
    "text/plain",
    "application/x-www-form-urlencoded",
    "application/jsonp",
    "application/json-patch+json",
    "multipart/form-data; boundary=application/json",
    "text/plain, application/json",
  ])("may not be declared as %s: a form of another site could send it", async (type) => {
    const refusal = await refusalOf(post("{}", { "content-type": type }));
    expect(refusal).toMatchObject({ status: 415, details: { field: "content-type" } });
  });

  test("that is not declared at all is refused", async () => {
    expect(await refusalOf(post(bytes("{}"), {}))).toMatchObject({ status: 415 });
  });

  test("that is not there is refused", async () => {
    expect(await refusalOf(post(undefined))).toMatchObject({ status: 400, code: "no_body" });
  });

  test("may have the size of the limit, and no byte more, counted while it comes", async () => {
    const atLimit = bytes(bodyOf(MAX_BODY_BYTES));
    expect(await readJson(post(streamed([atLimit])))).toBeObject();
    const over = bytes(bodyOf(MAX_BODY_BYTES + 1));
    const refusal = await refusalOf(post(streamed([over.slice(0, 60_000), over.slice(60_000)])));
    expect(refusal).toMatchObject({
      status: 413,
      code: "body_too_large",
      details: { field: "body" },
    });
  });

  test("without an end is given up at the limit", async () => {
    let pulled = 0;
    let isCancelled = false;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled += 1;
        controller.enqueue(bytes(" ".repeat(1_000)));
      },
      cancel() {
        isCancelled = true;
      },
    });
    expect(await refusalOf(post(endless))).toMatchObject({ status: 413 });
    expect(pulled).toBeLessThan(100);
    expect(isCancelled).toBe(true);
  });

  test.each([
    ["cut short", '{"kind":"cpu"'],
    ["empty", ""],
    ["only blanks", "  "],
    ["two values", "{}{}"],
    ["a comment", "{/* */}"],
    ["a comma too many", '{"a":1,}'],
    ["single quotes", "{'a':1}"],
    ["NaN", '{"a":NaN}'],
    ["Infinity", '{"a":Infinity}'],
    ["a leading zero", '{"a":01}'],
    ["a hexadecimal", '{"a":0x1}'],
    ["a raw control character", '{"a":"\u0001"}'],
    ["an unfinished string of escapes", `"${'\\"'.repeat(30_000)}`],
  ])("that is %s is no JSON", async (_, text) => {
    const refusal = await refusalOf(post(streamed([bytes(text)])));
    expect(refusal).toMatchObject({
      status: 400,
      code: "invalid_json",
      details: { field: "body" },
    });
  });

  test.each([
    ["no UTF-8", [0x22, 0xff, 0x22]],
    ["cut short within a character", [0x22, 0xe2, 0x82]],
    ["UTF-16", [0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00]],
  ])("that is %s is refused", async (_, body) => {
    const refusal = await refusalOf(post(streamed([Uint8Array.from(body)])));
    expect(refusal).toMatchObject({
      status: 400,
      code: "invalid_body",
      details: { field: "body" },
    });
  });

  test("whose client fails while it is sent is refused", async () => {
    const broken = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(bytes('{"a"'));
        controller.error(new Error("connection lost"));
      },
    });
    expect(await refusalOf(post(broken))).toMatchObject({ status: 400, code: "invalid_body" });
  });

  test("that does not come is given up", async () => {
    jest.useFakeTimers();
    try {
      let isCancelled = false;
      const never = new ReadableStream<Uint8Array>({
        cancel() {
          isCancelled = true;
        },
      });
      const refusal = refusalOf(post(never));
      await Promise.resolve();
      jest.advanceTimersByTime(9_999);
      expect(jest.getTimerCount()).toBe(1);
      jest.advanceTimersByTime(1);
      expect(await refusal).toMatchObject({ status: 408, details: { field: "body" } });
      expect(isCancelled).toBe(true);
      expect(jest.getTimerCount()).toBe(0);
    } finally {
      jest.useRealTimers();
    }
  });
});

describe("a member that is given twice", () => {
  test.each([
    ["as it is", '{"kind":"cpu","kind":"memory"}'],
    ["with the same value", '{"kind":1,"kind":1}'],
    ["with an escaped letter", String.raw`{"kind":"cpu","k\u0069nd":"memory"}`],
    ["behind a nested object", '{"kind":{"a":[{"b":1}]},"x":"{","kind":2}'],
    ["behind a text with braces and quotes", String.raw`{"kind":"}{\"","x":"\\","kind":2}`],
    ["with blanks around the colon", '{"kind" : 1, "kind"\n:\t2}'],
  ])("%s is refused by its name", async (_, text) => {
    expect(await refusalOf(post(text))).toMatchObject({
      status: 422,
      details: { field: "kind" },
    });
  });

  test.each([
    ["in another object", '{"a":{"kind":1},"kind":2}'],
    ["as a value", '{"a":"kind","kind":"kind"}'],
    ["in a list", '[{"kind":1},{"kind":2}]'],
    ["in another case", '{"kind":1,"Kind":2}'],
    ["as a text that looks like it", String.raw`{"a":"\"kind\":1","kind":2}`],
  ])("%s is not given twice", async (_, text) => {
    expect(await readJson(post(text))).toEqual(JSON.parse(text));
  });

  test("with an endless name is not echoed", async () => {
    const name = "n".repeat(20_000);
    const refusal = await refusalOf(post(`{"${name}":1,"${name}":2}`));
    expect(refusal.message.length + (refusal.details.field ?? "").length).toBeLessThan(200);
  });

  test("by a name of the prototype is one as well", async () => {
    const refusal = await refusalOf(post('{"__proto__":1,"__proto__":2}'));
    expect(refusal.details.field).toBe("__proto__");
  });
});

describe("a nested body", () => {
  const nested = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`;

  test("may be as deep as anybody needs, and is refused when it is deeper", async () => {
    expect(await readJson(post(nested(32)))).toBeArray();
    expect(await refusalOf(post(nested(33)))).toMatchObject({
      status: 400,
      code: "body_too_deep",
      details: { field: "body" },
    });
  });

  test("of 64 kB of brackets is refused at once", async () => {
    const fromMs = performance.now();
    const refusal = await refusalOf(post(`{"kind":${nested(32_000)}}`));
    expect(refusal.status).toBe(400);
    expect(performance.now() - fromMs).toBeLessThan(5000);
  });
});
