import { expect, test } from "bun:test";
import { checkBearer } from "./bearer.ts";

const TOKEN = "0123456789abcdef";

test.each([
  ["the token itself", `Bearer ${TOKEN}`, "right"],
  ["the scheme in another case", `bearer ${TOKEN}`, "right"],
  ["no header", null, "missing"],
  ["an empty one", "", "missing"],
  ["no token", "Bearer ", "missing"],
  ["another scheme", `Basic ${TOKEN}`, "missing"],
  ["two tokens", `Bearer ${TOKEN} ${TOKEN}`, "missing"],
  ["another token", "Bearer 0123456789abcdee", "wrong"],
  ["the beginning of it", "Bearer 0123456789abcde", "wrong"],
  ["more than it", `Bearer ${TOKEN}0`, "wrong"],
  ["it twice", `Bearer ${TOKEN}${TOKEN}`, "wrong"],
  ["it in upper case", `Bearer ${TOKEN.toUpperCase()}`, "wrong"],
] as const)("%s is %s: %s", (_, header, expected) => {
  expect(checkBearer(header, TOKEN)).toBe(expected);
});
