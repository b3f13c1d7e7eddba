/** Secrets that were never anybody's, made when a test runs: no file holds one. */

export interface Secret {
  /** What may not be seen anywhere: each of these, and neither end of it. */
  readonly parts: readonly string[];
  /** As it stands in a log, in one or several lines. */
  readonly written: string;
}

const LOWER = "abcdefghijklmnopqrstuvwxyz";
const DIGITS = "0123456789";
const LETTERS = LOWER + LOWER.toUpperCase();
const WORD = LETTERS + DIGITS;

/** Characters out of the alphabet given, none of which follows from another. */
export function random(length: number, alphabet = WORD): string {
  const bytes = crypto.getRandomValues(new Uint32Array(length));
  return Array.from(bytes, (value) => alphabet[value % alphabet.length]).join("");
}

/** A secret that is written by itself, by the mark of its issuer. */
function issued(mark: string, length: number, alphabet = WORD): () => Secret {
  return () => {
    const part = random(length, alphabet);
    return { parts: [part], written: `calling with ${mark}${part} failed` };
  };
}

/** A secret that is known by what stands around it. */
function within(write: (secret: string) => string, length = 24, alphabet = WORD): () => Secret {
  return () => {
    const part = random(length, alphabet);
    return { parts: [part], written: write(part) };
  };
}

const base64url = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

function jsonWebToken(): Secret {
  const payload = base64url({ sub: random(12), n: random(12) });
  const signature = random(43);
  const written = `session ${base64url({ alg: "HS256", typ: "JWT" })}.${payload}.${signature} ended`;
  return { parts: [payload, signature], written };
}

function privateKey(kind: string, joint: string): () => Secret {
  return () => {
    const body = Array.from({ length: 6 }, () => random(64));
    const [begin, end] = ["BEGIN", "END"].map((word) => `-----${word} ${kind}-----`);
    return { parts: body, written: ["key:", begin, ...body, end].join(joint) };
  };
}

/** Each makes a new one. */
export const SECRET_KINDS: Readonly<Record<string, () => Secret>> = {
  "AWS key id": issued("AKIA", 16, LOWER.toUpperCase() + DIGITS),
  "AWS secret key": within((s) => `aws_secret_access_key = ${s}`, 40, `${WORD}/+`),
  "Google API key": issued("AIza", 35),
  "Google OAuth secret": issued("GOCSPX-", 28),
  "service account": privateKey("PRIVATE KEY", "\\n"),
  "Azure storage": within((s) => `AccountName=shop;AccountKey=${s}==;EndpointSuffix=x`, 86),
  "Azure client secret": () => {
    const [head, tail] = [random(3), random(34)];
    return { parts: [tail], written: `client ${head}8Q~${tail}` };
  },
  "Azure shared access": within((s) => `GET https://shop.example.com/a?sv=1&sig=${s}&se=2`, 43),
  GitHub: issued("ghp_", 36),
  "GitHub, fine-grained": issued("github_pat_", 60),
  GitLab: issued("glpat-", 20),
  Slack: issued("xoxb-", 40, WORD),
  "Slack webhook": within((s) => `POST https://hooks.slack.com/services/T0/B0/${s} 404`),
  Stripe: issued("sk_live_", 24),
  npm: issued("npm_", 36),
  OpenAI: issued("sk-proj-", 40),
  Anthropic: issued("sk-ant-api03-", 60),
  "Hugging Face": issued("hf_", 34),
  SendGrid: () => {
    const [a, b] = [random(22), random(43)];
    return { parts: [a, b], written: `mail by SG.${a}.${b}` };
  },
  Telegram: issued(`${random(9, "123456789")}:AA`, 33),
  Vault: issued("hvs.", 24),
  "JSON Web Token": jsonWebToken,
  bearer: within((s) => `> Authorization: Bearer ${s}`),
  "bearer elsewhere": within((s) => `got Bearer ${s} from 192.0.2.1`),
  basic: within((s) => `proxy said Basic ${s}==`),
  cookie: within((s) => `Cookie: theme=dark; sid=${s}; n=1`),
  "set-cookie": within((s) => `"set-cookie": "sid=${s}; HttpOnly; Path=/"`),
  "session id": within((s) => `JSESSIONID=${s}`),
  "password in a URL": within((s) => `postgres://shop:${s}@db:5432/shop refused`),
  "token in a URL": within((s) => `fetching https://${s}@git.example.com/shop.git`),
  "password in a query": within((s) => `GET /login?user=bob&password=${s} 200`),
  "token in a query": within((s) => `GET /x?page=2&token=${s}#top 200`),
  "access token": within((s) => `GET /x?access_token=${s}&page=2`),
  "connection string": within((s) => `Server=db;User Id=sa;Password=${s};Encrypt=true`),
  "environment variable": within((s) => `DB_PASSWORD=${s} PORT=80`),
  "JSON field": within((s) => `{"user":"bob","password":"${s}","n":1}`),
  "JSON in JSON": within((s) => `{"body":"{\\"api_key\\":\\"${s}\\"}"}`),
  "container's environment": within((s) => `[{"name":"API_TOKEN","value":"${s}"}]`),
  "YAML field": within((s) => `client_secret: ${s}`),
  option: within((s) => `exec: shop --db-password ${s} --verbose`),
  "coloured field": within((s) => `\u001b[36mtoken\u001b[0m=\u001b[1m${s}\u001b[0m`),
  "private key": privateKey("RSA PRIVATE KEY", "\n"),
  "OpenSSH key": privateKey("OPENSSH PRIVATE KEY", "\n"),
  "PGP key": privateKey("PGP PRIVATE KEY BLOCK", "\n"),
};

/** Seen in part, a secret is half guessed. */
const SEEN = 10;

/** Which of the secrets a text holds, or an end of them. */
export function leaked(text: string, secrets: readonly Secret[]): string[] {
  return secrets
    .filter(({ parts }) =>
      parts.some((part) => text.includes(part.slice(0, SEEN)) || text.includes(part.slice(-SEEN))),
    )
    .map(({ written }) => written);
}
