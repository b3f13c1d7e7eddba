import { expect, test } from "bun:test";
import { unescapeLabelName } from "./label-name.ts";

test.each([
  ["job", "job"],
  ["U__http_2e_status", "http.status"],
  ["U__a__b", "a_b"],
  ["U__gr_f6__df_e", "größe"],
  ["U___1f600_", "😀"],
  ["U__", ""],
  // Without the prefix, or with something that is no escape, nothing is taken back.
  ["u__http_2e_status", "u__http_2e_status"],
  ["http_2e_status", "http_2e_status"],
  ["U__bad_zz_", "U__bad_zz_"],
  ["U__open_2e", "U__open_2e"],
  ["U__half_d800_", "U__half_d800_"],
  ["U__beyond_110000_", "U__beyond_110000_"],
  ["U__last_10ffff_", "last\u{10ffff}"],
  ["U__toolong_0000020_", "U__toolong_0000020_"],
])("%s is %s", (name, expected) => {
  expect(unescapeLabelName(name)).toBe(expected);
});
