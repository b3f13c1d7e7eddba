/** Each kind of credential by itself, as short as it may be, and one character shorter. */

import { describe, expect, test } from "bun:test";
import { maskText } from "./redact.ts";

/** So many characters of several kinds, put together here so that no scanner takes this file for a leak. */
const mixed = (length: number) => "A1b2C3d4E5".repeat(5).slice(0, length);
const upper = (length: number) => "A1B2C3D4E5".repeat(5).slice(0, length);
const hex = (length: number) => "0123456789abcdef".repeat(3).slice(0, length);

type Kind = readonly [mark: string, least: number, body: (length: number) => string, end?: string];

const kindsOf = (marks: string, least: number, body = mixed) =>
  marks.split(" ").map((mark): Kind => [mark, least, body]);

const KINDS: readonly Kind[] = [
  ...kindsOf("AKIA ASIA ABIA ACCA", 12, upper),
  ...kindsOf("AIza GOCSPX- ya29.", 20),
  ...kindsOf("sk- pk- rk- sk_ pk_ rk_", 12),
  ...kindsOf("gsk_ hf_ r8_ whsec_ npm_ rubygems_ sbp_ figd_ glsa_ glc_ ntn_ lin_api_", 10),
  ...kindsOf("dckr_pat_ pscale_tkn_ sntrys_ sntryu_", 10),
  ...kindsOf("xai- pplx- pypi- tskey- NRAK- PMAK- HRKU- sq0atp- sq0csp-", 10),
  ...kindsOf("gho_ ghp_ ghr_ ghs_ ghu_ github_pat_ glpat- glrt- glagent- doo_v1_ dop_v1_", 16),
  ...kindsOf("shpat_ shpss_ dp.pt. dp.st. dp.scim. hvs. hvb. hvr. ATATT3 dapi", 16),
  ...kindsOf("xoxb- xoxp- xapp-", 10),
  [`SG.${mixed(10)}.`, 10, mixed],
  ["SG.", 10, mixed, `.${mixed(10)}`],
  ["SK", 32, hex],
  ["key-", 32, hex],
  ["", 32, hex, "-us1"],
  ["AGE-SECRET-KEY-1", 20, upper],
  ["12345678:AA", 30, mixed],
  ["eyJ", 6, mixed, "."],
  ["abc8Q~", 31, mixed],
];

describe("a key of its issuer's kind", () => {
  test.each(KINDS)("%s and %d characters are masked, and not one less", (...kind) => {
    const [mark, least, body, end = ""] = kind;
    const key = `${mark}${body(least)}${end}`;
    expect(maskText(key)).toBe("[masked]");
    expect(maskText(`${key} and ${key}`)).toBe("[masked] and [masked]");
    const short = `${mark}${body(least - 1)}${end}`;
    expect(maskText(short)).toBe(short);
  });

  test.each([
    ["at the end of another word", `risk-${mixed(12)} xeyJ${mixed(6)}.`],
    ["without a digit", "sk-checkoutgateway"],
    ["of a digest that is longer", `${hex(33)}-us1`],
    ["of too few digits", `1234567:AA${mixed(30)}`],
    ["of a webhook's host alone", "hooks.slack.com/help discord.com/api/x"],
  ])("is none %s", (_, text) => {
    expect(maskText(text)).toBe(text);
  });

  test.each([
    ["with its digit first", `sk-1${"abcdefghijk"}`],
    ["of a longer list of parts", `eyJ${mixed(6)}.${mixed(6)}.${mixed(6)}.${mixed(6)}.${mixed(6)}`],
    ["of one more part", `eyJ${mixed(6)}.${mixed(6)}`],
    ["of the longest kind", `123456789:AA${mixed(35)}`],
  ])("is one %s", (_, text) => {
    expect(maskText(text)).toBe("[masked]");
  });
});

describe("a webhook keeps its host and the kind of hook", () => {
  test.each([
    "hooks.slack.com/services/",
    "hooks.slack.com/workflows/",
    "hooks.slack.com/triggers/",
    "discord.com/api/webhooks/",
    "discordapp.com/api/webhooks/",
    "webhook.office.com/webhookb2/",
  ])("%s", (place) => {
    const line = `POST https://${place}T0/B0/x@y and https://${place}T1`;
    const masked = `POST https://${place}[masked] and https://${place}[masked]`;
    expect(maskText(line)).toBe(masked);
    expect(maskText(`https://not${place}T0/B0`)).toBe(`https://not${place}T0/B0`);
  });
});

describe("the name of a secret", () => {
  const KEYED = [
    ...["api", "access", "secret", "private", "auth", "session", "encryption", "signing"],
    "account",
  ].flatMap((what) => [`${what}_key`, `${what}-token`, `${what}id`, `${what}Keys`]);
  const WORDS = [
    ...["password", "passwd", "passphrase", "passcode", "passwort", "secret", "token"],
    ...["credential", "signature", "sessid", "apikey", "pwd", "credentials", "tokens"],
    ...["a_pass", "db-pass", "jwt", "authorization", "proxy-authorization"],
    ...["cookie", "set-cookie", "http_cookie"],
  ];
  test.each([...KEYED, ...WORDS])("%s", (name) => {
    expect(maskText(`${name}=abcd`)).toBe(`${name}=[masked]`);
    expect(maskText(`MY_${name.toUpperCase()}: abcd`)).toBe(`MY_${name.toUpperCase()}: [masked]`);
  });

  test("connect.sid", () => {
    expect(maskText("connect.sid=abcd")).toBe("connect.sid=[masked]");
  });

  test.each(["key", "sig", "auth", "code", "pass", "pw", "sid", "session", "otp", "ticket"])(
    "%s is one in a query, and a word elsewhere",
    (name) => {
      expect(maskText(`GET /x?${name}=ab&n=1&${name}=cd`)).toBe(
        `GET /x?${name}=[masked]&n=1&${name}=[masked]`,
      );
      expect(maskText(`the ${name}=ab`)).toBe(`the ${name}=ab`);
    },
  );
});

describe("what stands between a name and its value", () => {
  test.each(["=", ":", "=>", ":>", "->", "%3a", "%3D", " = ", "   :   ", '":'])("%s", (between) => {
    expect(maskText(`token${between}abc, token${between}de`)).toBe(
      `token${between}[masked], token${between}[masked]`,
    );
  });

  test.each(["token    = abc", "token abc", "token/abc", "tokenizer=abc"])("%s is none", (text) => {
    expect(maskText(text)).toBe(text);
  });
});
