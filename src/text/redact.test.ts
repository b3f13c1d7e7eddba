import { describe, expect, test } from "bun:test";
import { maskEmails, maskFields, maskText } from "./redact.ts";

// Put together here, so that no scanner takes this file for a leak.
const HEX = "0123456789abcdef".repeat(2);
const LONG = "Ab1".repeat(14);

describe("keys that tell their issuer", () => {
  const keys = [
    `ASIA${"ABCDEFGHIJKLMNOP"}`,
    `GOCSPX-${LONG}`,
    `ya29.${LONG}`,
    `sk-ant-api03-${LONG}`,
    `gsk_${LONG}`,
    `hf_${LONG}`,
    `r8_${LONG}`,
    `whsec_${LONG}`,
    `rk_live_${LONG}`,
    `npm_${LONG}`,
    `pypi-${LONG}`,
    `glrt-${LONG}`,
    `gho_${LONG}`,
    `dop_v1_${LONG}`,
    `shpat_${HEX}`,
    `dckr_pat_${LONG}`,
    `hvs.${LONG}`,
    `dapi${HEX}`,
    `xapp-1-${LONG}`,
    `SG.${LONG}.${LONG}`,
    `SK${HEX}`,
    `key-${HEX}`,
    `${HEX}-us12`,
    `glsa_${LONG}`,
    `sntrys_${LONG}`,
    `NRAK-${LONG}`,
    `AGE-SECRET-KEY-1${"A1".repeat(20)}`,
    `123456789:AA${LONG}`,
    `abc8Q~${LONG.slice(0, 34)}`,
  ];
  test.each(keys)("%s", (key) => {
    expect(maskText(`sent ${key}, then left`)).toBe("sent [masked], then left");
    expect(maskText(`{"note":"${key}"}`)).toBe('{"note":"[masked]"}');
  });
});

describe("by what stands around them", () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ["a password with an @", "redis://u:p@s@db:6379", "redis://u:[masked]@db:6379"],
    ["a password that is cut", "redis://u:abcdef…", "redis://u:[masked]…"],
    ["a password without a user", `redis://:${HEX}@db`, "redis://:[masked]@db"],
    [
      "a token for a user",
      `https://${HEX}@git.example.com/x`,
      "https://[masked]@git.example.com/x",
    ],
    ["?password=", "GET /x?password=a&b=1", "GET /x?password=[masked]&b=1"],
    ["&token=", "GET /x?b=1&token=a.b", "GET /x?b=1&token=[masked]"],
    ["?key=", "GET /x?key=abc#top", "GET /x?key=[masked]#top"],
    ["?sig=", "PUT /x?sv=1&sig=a%2Bb HTTP/1.1", "PUT /x?sv=1&sig=[masked] HTTP/1.1"],
    ["?code=", '"/callback?code=abc&x=1"', '"/callback?code=[masked]&x=1"'],
    ["within an encoded URL", "next=%2Fx%3Ftoken%3Dabc", "next=%2Fx%3Ftoken%3D[masked]"],
    [
      "a connection string",
      "Server=db;User Id=sa;Password=two words,;Encrypt=true",
      "Server=db;User Id=sa;Password=[masked];Encrypt=true",
    ],
    [
      "a storage account",
      `AccountName=a;AccountKey=${LONG}==;EndpointSuffix=x`,
      "AccountName=a;AccountKey=[masked];EndpointSuffix=x",
    ],
    ["a value with commas", "password=a,b,c d", "password=[masked] d"],
    ["a list of names", "a=1,token=x,b=2", "a=1,token=[masked],b=2"],
    ["MYSQL_PWD", "MYSQL_PWD=abc", "MYSQL_PWD=[masked]"],
    ["PGPASSWORD", "PGPASSWORD=abc", "PGPASSWORD=[masked]"],
    ["a list", '{"tokens":["a","b"],"n":1}', '{"tokens":[masked],"n":1}'],
    ["an object", '{"credentials":{"a":"b"},"n":1}', '{"credentials":{[masked]},"n":1}'],
    [
      "an environment",
      '[{"name":"DB_PASSWORD","value":"abc"},{"name":"A","value":"b"}]',
      '[{"name":"DB_PASSWORD","value":"[masked]"},{"name":"A","value":"b"}]',
    ],
    [
      "an environment within JSON",
      '{"env":"[{\\"name\\":\\"DB_PASSWORD\\",\\"value\\":\\"abc\\"}]"}',
      '{"env":"[{\\"name\\":\\"DB_PASSWORD\\",\\"value\\":\\"[masked]\\"}]"}',
    ],
    [
      "an environment in YAML",
      "- name: DB_PASSWORD, value: 'abc'",
      "- name: DB_PASSWORD, value: '[masked]'",
    ],
    ["Ruby", '{:password=>"abc", :id=>1}', '{:password=>"[masked]", :id=>1}'],
    ["XML", "<password>abc</password>", "<password>[masked]</password>"],
    ["a session", "PHPSESSID=abc; theme=dark", "PHPSESSID=[masked]; theme=dark"],
    ["an option in brackets", "(--token abc was refused)", "(--token [masked] was refused)"],
    ["a quoted option", 'run --password "two words" -v', 'run --password "[masked]" -v'],
    ["a list of arguments", '["run","--token","abc","-v"]', '["run","--token","[masked]","-v"]'],
    ["curl", "curl -u bob:abc http://x", "curl -u bob:[masked] http://x"],
    ["SQL", "CREATE USER a IDENTIFIED BY 'abc'", "CREATE USER a IDENTIFIED BY '[masked]'"],
    [".netrc", "machine h login a password abc", "machine h login a password [masked]"],
    [
      "a name in another colour than its value",
      "\u001b[36mtoken\u001b[0m=\u001b[1;32mabc\u001b[0m n=1",
      "token=[masked] n=1",
    ],
    ["the same within JSON", '{"msg":"token\\u001b[0m=abc"}', '{"msg":"token=[masked]"}'],
    [
      "a webhook",
      `https://discord.com/api/webhooks/1/${LONG}`,
      "https://discord.com/api/webhooks/[masked]",
    ],
    [
      "a private key within a text",
      "a\n-----BEGIN PGP PRIVATE KEY BLOCK-----\nx\n-----END PGP PRIVATE KEY BLOCK-----\nb",
      "a\n[masked]\nb",
    ],
    ["a private key that is cut", "a -----BEGIN PRIVATE KEY-----\\nMIIE", "a [masked]"],
    ["a scheme, a user and a password of one letter each", "ab://u:p@h", "ab://u:[masked]@h"],
    ["a token of 20 characters", `ab://${LONG.slice(0, 20)}@h`, "ab://[masked]@h"],
    ["a password in quotes of SQL", "SET PASSWORD 'abc def'", "SET PASSWORD '[masked]'"],
    ["curl at the start of a line", "-u bob:abc http://x", "-u bob:[masked] http://x"],
    ["curl's long option", "curl --user b:abc http://x", "curl --user b:[masked] http://x"],
    ["a pwd with spaces", "Uid=sa;Pwd=two words;x=1", "Uid=sa;Pwd=[masked];x=1"],
    [
      "a key of a message bus with spaces",
      "SharedAccessKey=two words;x=1",
      "SharedAccessKey=[masked];x=1",
    ],
    [
      "what is masked before a sentence goes on",
      "pwd=[masked] and more;",
      "pwd=[masked] and more;",
    ],
    ["an account's key with spaces", "AccountKey=two words;x=1", "AccountKey=[masked];x=1"],
    ["a list that ends with a comma", "b=2,token=x,", "b=2,token=[masked],"],
    [
      "an environment by keys",
      '{"key":"DB_PASSWORD","value":"two words"}',
      '{"key":"DB_PASSWORD","value":"[masked]"}',
    ],
    ["colours with a capital in them", "token\\x1B[0m=abc", "token=[masked]"],
    ["a colour's own character", "token\u001b[0;1m=abc", "token=[masked]"],
    ...["Bearer", "Basic", "Digest", "Negotiate", "ApiKey"].map(
      (scheme) =>
        [`the scheme ${scheme}`, `got ${scheme} Ab1=/+`, `got ${scheme} [masked]`] as const,
    ),
    ["a token that begins like a word", "Bearer realmAbc12", "Bearer [masked]"],
  ];
  test.each(cases)("%s", (_, text, expected) => {
    expect(maskText(text)).toBe(expected);
    expect(maskText(expected)).toBe(expected);
  });

  test("an environment without a comma", () => {
    expect(maskText("name: DB_PASSWORD value: abc")).toBe("name: DB_PASSWORD value: [masked]");
  });

  const whole = cases.filter(([name]) => !name.includes("is cut"));
  test.each(whole)("%s, twice in one text", (_, text, expected) => {
    expect(maskText(`${text}\n${text}`)).toBe(`${expected}\n${expected}`);
  });

  test.each([
    ["REDIS://U:ABC@DB", "REDIS://U:[masked]@DB"],
    [`HTTPS://${LONG}@GIT`, "HTTPS://[masked]@GIT"],
    ["BEARER ABCDEF", "BEARER [masked]"],
    ["COOKIE: A=1; B=2", "COOKIE: [masked]"],
    ['"TOKENS":["A"]', '"TOKENS":[masked]'],
    ['"CREDENTIALS":{"A":"B"}', '"CREDENTIALS":{[masked]}'],
    ['\\"TOKEN\\":\\"A B\\"', '\\"TOKEN\\":\\"[masked]\\"'],
    ['"TOKEN":"A B"', '"TOKEN":"[masked]"'],
    ["'TOKEN':'A B'", "'TOKEN':'[masked]'"],
    ['"NAME":"DB_TOKEN","VALUE":"A B"', '"NAME":"DB_TOKEN","VALUE":"[masked]"'],
    ["PWD=TWO WORDS;X", "PWD=[masked];X"],
    ["TOKEN=ABC", "TOKEN=[masked]"],
    ["/X?SIG=ABC", "/X?SIG=[masked]"],
    ["<PASSWORD>ABC</PASSWORD>", "<PASSWORD>[masked]</PASSWORD>"],
    ["RUN --TOKEN ABC", "RUN --TOKEN [masked]"],
    ["identified by 'abc'", "identified by '[masked]'"],
    ["MACHINE H LOGIN A PASSWORD ABC", "MACHINE H LOGIN A PASSWORD [masked]"],
  ])("%s, in letters of the other size", (text, expected) => {
    expect(maskText(text)).toBe(expected);
  });
});

describe("near-misses are left as they are", () => {
  test.each([
    "GET /monkey?keyboard=1&signal=2&codes=3",
    "GET /faults?state=active",
    "Basic authentication is required; Bearer token missing",
    'WWW-Authenticate: Bearer realm="faults"',
    "sk-checkout-gateway pk_payments_api",
    "npm_config_x hf_short whsec_ab",
    "risk-management-of-everything",
    "task-1234567890123456",
    "SG.1.2 key-value 12345678:AA",
    "http://localhost:8000/a@b",
    "https://bob@git.example.com/x",
    "0 passed, 3 failed; pass: 3",
    "GET /login 200",
    "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    "curl --user-agent x -u",
    "run --password --verbose --token-file",
    "<passage>text</passage>",
    '{"name":"HOME","value":"/root"}',
    "-----BEGIN PUBLIC KEY-----",
    "sentinel-target-api",
    "9redis://u:p@h",
    `9ab://${LONG}@h`,
    "http://localhost:8000… and more",
    "theBearer abcdefgh",
    "Bearer abcde",
    "Basic auth-scheme, Basic authorization, Bearer tokens-x, Bearer token-x",
    "Digest credential-x, Digest credentials, Digest realm=x",
    "sub-u bob:abc",
    "unidentified by 'abc'",
    "blogin a password abc",
    "a=1; b=2",
  ])("%s", (text) => {
    expect(maskText(text)).toBe(text);
  });
});

describe("fields", () => {
  test.each(["authorization", "Cookie", "PASSWORD", "http_cookie", "jwt"])(
    "%s is masked whole",
    (name) => {
      expect(maskFields({ [name]: "two words" })).toEqual({ [name]: "[masked]" });
      expect(maskFields({ [`${name}less`]: "two words" })).toEqual({
        [`${name}less`]: "two words",
      });
    },
  );

  test("are masked however deep, and whole where their name says so", () => {
    const fields = {
      labels: { path: "/x?token=abcdef", password: "a", api_key: "", count: "3" },
      argv: ["docker", "restart", `sk-${LONG}`],
      nothing: undefined,
      tokens: 1020,
      alert: { summary: "password=abcdef", value: Number.NaN, none: null },
    };
    expect(maskFields(fields)).toEqual({
      labels: { path: "/x?token=[masked]", password: "[masked]", api_key: "", count: "3" },
      argv: ["docker", "restart", "[masked]"],
      nothing: undefined,
      tokens: 1020,
      alert: { summary: "password=[masked]", value: Number.NaN, none: null },
    });
  });
});

describe("addresses of electronic mail", () => {
  test.each([
    ["bob@example.org signed in", "[email] signed in"],
    ["<bob.o'neil+x@mail.example.co.uk>", "<bob.o'[email]>"],
    ["?to=bob%40example.org&n=1", "?to=[email]&n=1"],
    ["jürgen@köln.example", "[email]"],
    ["a@example.org,b@example.org", "[email],[email]"],
    ["a@b.cd", "[email]"],
  ])("%s becomes %s", (text, expected) => {
    expect(maskEmails(text)).toBe(expected);
  });

  test.each(["root@localhost", "@media", "image@sha256:0123", "left-pad@1.2.3", "a @ b.org", "@"])(
    "%s is none",
    (text) => {
      expect(maskEmails(text)).toBe(text);
    },
  );
});

test("no text, however hostile, takes long", () => {
  const pieces = [
    ...["?key=", "a=,", "password=a,", "tokens:[", "credentials:{", "<password ", "-u a", "a@"],
    ...[
      "-----BEGIN PRIVATE KEY-----",
      "password ",
      "login a ",
      "\u001b[0",
      '"name":"',
      "0a.",
      "%40",
    ],
    ...[
      "SG.aaaaaaaaaa",
      "sk-",
      "ghp_",
      "a8Q~",
      "pwd=a",
      "eyJaaaaaa.",
      "IDENTIFIED BY ",
      "http://a",
    ],
  ];
  for (const piece of pieces) {
    const text = piece.repeat(Math.ceil((64 * 1024) / piece.length));
    const fromMs = performance.now();
    maskText(text);
    maskEmails(text);
    // Tens of milliseconds, where a quadratic one takes minutes.
    expect(performance.now() - fromMs).toBeLessThan(5000);
  }
});
