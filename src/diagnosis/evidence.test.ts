import { describe, expect, test } from "bun:test";
import { maskCredentials, withoutGroundTruth } from "./evidence.ts";

function mask(line: string): string {
  return maskCredentials([line])[0] ?? "";
}

// Put together here, so that no scanner takes this file for a leak.
const HEX = "0123456789abcdef".repeat(2);
const JWT = `ey${"JhbGciOiJIUzI1NiJ9"}.ey${"JzdWIiOiIxIn0"}.${HEX}`;

describe("credentials are masked", () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ["a password in a URL", `postgres://app:${HEX}@db:5432/x`, "postgres://app:[masked]@db:5432/x"],
    ["a bearer token", `got Bearer ${HEX} from 1.2.3.4`, "got Bearer [masked] from 1.2.3.4"],
    ["a JSON Web Token", `session ${JWT} ended`, "session [masked] ended"],
    ["an AWS key id", `key AKIA${"ABCDEFGHIJKLMNOP"} used`, "key [masked] used"],
    ["a Google key", `with AIza${HEX}`, "with [masked]"],
    ["an OpenAI key", `with sk-proj-${HEX}`, "with [masked]"],
    ["a Stripe key", `with sk_live_${HEX}`, "with [masked]"],
    ["a GitHub token", `with ghp_${HEX}`, "with [masked]"],
    ["a fine-grained GitHub token", `with github_pat_${HEX}`, "with [masked]"],
    ["a GitLab token", `with glpat-${HEX}`, "with [masked]"],
    ["a Slack token", `with xoxb-${HEX}`, "with [masked]"],
    [
      "a Slack webhook",
      `POST https://hooks.slack.com/services/T0/B0/${HEX} 200`,
      "POST https://hooks.slack.com/services/[masked] 200",
    ],
    ["name=value", `password=${HEX} user=bob`, "password=[masked] user=bob"],
    ["name: value", `Password: ${HEX}`, "Password: [masked]"],
    ["a name with a prefix", `DB_PASSWORD=${HEX}`, "DB_PASSWORD=[masked]"],
    ["a short name with a prefix", `DB_PASS=${HEX}`, "DB_PASS=[masked]"],
    ["a key with a prefix", `STRIPE_API_KEY=${HEX}`, "STRIPE_API_KEY=[masked]"],
    ["the secret key of AWS", `AWS_SECRET_ACCESS_KEY=${HEX}`, "AWS_SECRET_ACCESS_KEY=[masked]"],
    [
      "camel case",
      `clientSecret=${HEX} accessToken=${HEX}`,
      "clientSecret=[masked] accessToken=[masked]",
    ],
    [
      "a query parameter",
      `GET /x?access_token=${HEX}&page=2`,
      "GET /x?access_token=[masked]&page=2",
    ],
    [
      "a signature in a URL",
      `GET /x?X-Amz-Signature=${HEX}&page=2`,
      "GET /x?X-Amz-Signature=[masked]&page=2",
    ],
    [
      "an option of a command",
      `run --password ${HEX} --verbose`,
      "run --password [masked] --verbose",
    ],
    ["JSON", `{"token":"${HEX}","user":"bob"}`, '{"token":"[masked]","user":"bob"}'],
    [
      "JSON with a quote in the value",
      `{"token":"ab\\"${HEX}","user":"bob"}`,
      '{"token":"[masked]","user":"bob"}',
    ],
    [
      "JSON with an apostrophe in the value",
      `{"password":"don't","user":"bob"}`,
      '{"password":"[masked]","user":"bob"}',
    ],
    [
      "JSON within JSON",
      `{"body":"{\\"token\\":\\"${HEX}\\",\\"a\\":1}"}`,
      '{"body":"{\\"token\\":\\"[masked]\\",\\"a\\":1}"}',
    ],
    [
      "Python's way",
      `{'api_key': '${HEX}', 'user': 'bob'}`,
      "{'api_key': '[masked]', 'user': 'bob'}",
    ],
    [
      "all of an Authorization header",
      `Authorization: Token ${HEX} ${HEX}`,
      "Authorization: [masked]",
    ],
    ["all of a Cookie header", `cookie: a=${HEX}; session=${HEX}`, "cookie: [masked]"],
    [
      "a header within JSON",
      `{"cookie":"a=1; session=${HEX}","path":"/"}`,
      '{"cookie":"[masked]","path":"/"}',
    ],
    ["a value of 5000 characters", `token=${"x".repeat(5000)}`, "token=[masked]"],
    ["a quoted value of 5000 characters", `"token":"${"x".repeat(5000)}"`, '"token":"[masked]"'],
  ];
  test.each(cases)("%s", (_, line, expected) => {
    expect(mask(line)).toBe(expected);
  });
});

describe("near-misses are left as they are", () => {
  const cases = [
    "GET /health 200 in 3 ms",
    "http://localhost:8000/metrics",
    "user@example.org signed in",
    "password reset was asked for by user 17",
    "the token has expired",
    "wrong password",
    "the monkey: 3",
    "bearer of bad news",
    "compass=north bypass: on",
    "sk-short pk_1",
    "AKIAshort AIzashort ghp_short",
    "eyJ is how a JWT begins",
    "commit 0123456789abcdef0123456789abcdef01234567",
    "550e8400-e29b-41d4-a716-446655440000",
    "design=9 signals: 3",
    "path=/api/keys/3 key=7",
  ];
  test.each(cases)("%s", (line) => {
    expect(mask(line)).toBe(line);
  });

  test("what is masked already stays as it is", () => {
    const once = mask(`password=${HEX} "token":"${HEX}" postgres://app:${HEX}@db`);
    expect(mask(once)).toBe(once);
  });
});

describe("private keys", () => {
  const begin = "-----BEGIN RSA PRIVATE KEY-----";
  const end = "-----END RSA PRIVATE KEY-----";
  const cases: readonly (readonly [string, readonly string[], readonly string[]])[] = [
    ["a block", ["a", begin, "MIIE", "abcd", end, "b"], ["a", "*", "*", "*", "*", "b"]],
    ["a block without its end", [begin, "MIIE", "abcd"], ["*", "*", "*"]],
    ["a block without its beginning", ["MIIE", "abcd", end, "b"], ["*", "*", "*", "b"]],
    [
      "two blocks",
      [begin, "x", end, "between", begin, "y", end],
      ["*", "*", "*", "between", "*", "*", "*"],
    ],
    ["its midst alone", ["a", `${"Ab1/".repeat(16)}`, "b"], ["a", "*", "b"]],
    ["a digest is none", ["a", "0a".repeat(32)], ["a", "0a".repeat(32)]],
    ["all on one line", [`key ${begin}\\nMIIE\\n${end}`, "b"], ["*", "b"]],
    [
      "a certificate is no secret",
      ["-----BEGIN CERTIFICATE-----", "MIIE"],
      ["-----BEGIN CERTIFICATE-----", "MIIE"],
    ],
    [
      "the end of a certificate says nothing of what was before",
      ["a", "MIIE", "-----END CERTIFICATE-----", "b"],
      ["a", "MIIE", "-----END CERTIFICATE-----", "b"],
    ],
    [
      "the end of one block and the whole of another",
      ["MIIE", end, "between", begin, "y", end, "b"],
      ["*", "*", "between", "*", "*", "*", "b"],
    ],
    ["an end in the first line", [end, "b"], ["*", "b"]],
    ["an end in the second line", ["MIIE", end, "b"], ["*", "*", "b"]],
    ["a beginning in the first line", [begin, "y", end, "b"], ["*", "*", "*", "b"]],
    ["whole blocks only", ["a", begin, "y", end, "b"], ["a", "*", "*", "*", "b"]],
    ["a block on one line, and another's end", [`${begin}${end}`, "b"], ["*", "b"]],
    [
      "an end before a block on the line that begins it",
      [begin, "x", `${end}${begin}`, "y", end, "b"],
      ["*", "*", "*", "*", "*", "b"],
    ],
    ["several ends", ["x", end, "b", end, "c"], ["*", "*", "b", "*", "c"]],
    ...[
      ["letters of one size alone", "AB1/".repeat(16)],
      ["small letters alone", "ab1/".repeat(16)],
      ["letters alone", "AbC/".repeat(16)],
      ["59 characters", "Ab1/".repeat(16).slice(0, 59)],
      ["81 characters", `${"Ab1/".repeat(20)}A`],
      ["a word after it", `${"Ab1/".repeat(16)} x`],
    ].map(([name = "", text = ""]) => [`${name} is none`, [text], [text]] as const),
    ...[
      ["60 characters", "Ab1/".repeat(15)],
      ["80 characters with its filling", `  ${"Ab1/".repeat(19)}Ab1/== `],
      ["its digit first", `${"1".repeat(58)}aB`],
      ["its small letter first", `a${"B1".repeat(30)}`],
      ["its capital first", `A${"b1".repeat(30)}`],
      ["its digit first of all", `1${"bA".repeat(30)}`],
    ].map(([name = "", text = ""]) => [`${name} is one`, [text], ["*"]] as const),
    [
      "a public key is none either",
      ["-----BEGIN PUBLIC KEY-----", "MIIE"],
      ["-----BEGIN PUBLIC KEY-----", "MIIE"],
    ],
  ];
  test.each(cases)("%s", (_, lines, expected) => {
    expect(maskCredentials(lines)).toEqual(
      expected.map((line) => (line === "*" ? "[masked]" : line)),
    );
  });
});

test("no line, however hostile, takes long", () => {
  const pieces = [
    "a",
    "-",
    "_",
    "password",
    "token=",
    '"',
    "\\",
    "eyJaaaaaa",
    ".",
    "http://",
    "a:",
    "@",
    "secret_",
    "Bearer ",
    "--",
    "cookie",
    '"token":"\\"',
    "token='\\",
    " ",
    "-----BEGIN ",
  ];
  for (const piece of pieces) {
    const line = piece.repeat(Math.ceil((64 * 1024) / piece.length));
    const fromMs = performance.now();
    mask(line);
    // Tens of milliseconds, where a quadratic one takes minutes.
    expect(performance.now() - fromMs).toBeLessThan(5000);
  }
});

describe("the ground truth of injected faults", () => {
  test.each([
    '{"event":"fault_started","level":"info","id":"cpu-1"}',
    '{"event": "fault_ended", "kind": "cpu"}',
    ...["cpu", "memory", "latency", "crash"].map((kind) => `{"event":"${kind}_stress_started"}`),
    '{"event":"request_processed","method":"POST","path":"/stress/cpu","status":202}',
    '{"event":"request_processed","method":"POST","path":"/faults","status":201}',
    '{"event":"request_processed","method":"DELETE","path":"/faults/cpu-1","status":200}',
  ])("%s is kept from a diagnosis", (line) => {
    expect(withoutGroundTruth(["before", line, "after"])).toEqual(["before", "after"]);
  });

  test.each([
    "fault_started is what the target logs",
    '{"event":"default_started"}',
    '{"event":"request_processed","path":"/faultsearch"}',
    '{"event":"request_processed","path":"/api/faults"}',
    '{"event":"stress_started"}',
    '{"event":"disk_stress_started"}',
    '{"event":"request_processed","path":"/stressful"}',
  ])("%s is not", (line) => {
    expect(withoutGroundTruth([line])).toEqual([line]);
  });
});
