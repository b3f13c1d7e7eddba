import { describe, expect, test } from "bun:test";
import { requireToken } from "./fault-token.ts";
import { HttpError } from "./http-error.ts";

const TOKEN = "s3cret-Token";
const ANYBODY = { emit: () => {}, nowMs: () => 0, addressOf: () => "::1", onRefused: () => {} };

function refusal(token: string | undefined, authorization?: string): HttpError | undefined {
  const headers = authorization === undefined ? {} : { authorization };
  try {
    requireToken(token, ANYBODY)(new Request("http://localhost/faults", { headers }));
    return undefined;
  } catch (error) {
    if (error instanceof HttpError) return error;
    throw error;
  }
}

describe("the token", () => {
  test("that is not set lets everybody", () => {
    expect(refusal(undefined)).toBeUndefined();
    expect(refusal(undefined, "Bearer anything")).toBeUndefined();
  });

  test.each([`Bearer ${TOKEN}`, `bearer ${TOKEN}`, `BEARER   ${TOKEN}`])("lets %s", (given) => {
    expect(refusal(TOKEN, given)).toBeUndefined();
  });

  test.each([
    ["another one", "Bearer other"],
    ["its beginning", `Bearer ${TOKEN.slice(0, -1)}`],
    ["more than it", `Bearer ${TOKEN}x`],
    ["another case", `Bearer ${TOKEN.toUpperCase()}`],
    ["its digest", `Bearer ${new Bun.CryptoHasher("sha256").update(TOKEN).digest("hex")}`],
  ])("refuses %s, and does not tell it", (_, given) => {
    const error = refusal(TOKEN, given);
    expect(error).toMatchObject({
      status: 401,
      code: "unauthorized",
      message: "the token is not the FAULT_TOKEN of this target",
      details: { field: "authorization" },
    });
    expect(error?.toResponse().headers.get("www-authenticate")).toStartWith("Bearer");
  });

  test.each([
    ["no header", undefined],
    ["an empty header", ""],
    ["no scheme", TOKEN],
    ["another scheme", `Basic ${btoa(`user:${TOKEN}`)}`],
    ["the scheme alone", "Bearer"],
    ["no blank behind the scheme", `Bearer${TOKEN}`],
    ["two tokens", `Bearer other ${TOKEN}`],
    ["something in front", `x Bearer ${TOKEN}`],
  ])("is missing from %s", (_, given) => {
    expect(refusal(TOKEN, given)).toMatchObject({
      status: 401,
      message: "starting a fault needs the header Authorization: Bearer, with FAULT_TOKEN",
    });
  });
});
