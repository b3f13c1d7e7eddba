/** What a diagnosis may see of a log: bounded, and without what looks like a credential. */

const MASK = "[masked]";

const KEY_NAMES =
  "(?:api|access|secret|private|auth|session|encryption|signing)[_-]?(?:key|token|id)s?|[a-z0-9_-]{0,40}(?:password|passwd|passphrase|secret|token|credential)s?|pwd|apikey|authorization|cookie|set-cookie|x-api-key";

/** Each replaces the secret and keeps what says of which kind it was. All of them run in linear time. */
const CREDENTIALS: readonly (readonly [RegExp, string])[] = [
  // scheme://user:password@host; the user stays.
  [/(\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s:/@]{0,100}):[^\s/@]{1,500}@/gi, `$1:${MASK}@`],
  [/\b(Bearer|Basic|Digest|Negotiate|ApiKey)\s+[A-Za-z0-9+/=._~-]{6,}/gi, `$1 ${MASK}`],
  // JSON Web Tokens, by their head.
  [/\beyJ[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]*){1,4}/g, MASK],
  // Keys that tell their issuer by their first letters.
  [/\b(?:AKIA|ASIA)[A-Z0-9]{12,}/g, MASK],
  [/\bAIza[A-Za-z0-9_-]{20,}/g, MASK],
  [/\b(?:sk|pk|rk)[-_][A-Za-z0-9_-]{12,}/g, MASK],
  [
    /\b(?:gh[oprsu]_|github_pat_|glpat-|npm_|hf_|dop_v1_|xox[a-z]-|ya29\.)[A-Za-z0-9_.-]{10,}/g,
    MASK,
  ],
  // "name": "value", with the quotes as they may be escaped within a JSON log line.
  [
    new RegExp(
      `(["']?\\b(?:${KEY_NAMES})\\\\?["']?\\s{0,3}[:=]\\s{0,3}\\\\?["'])[^"'\\\\]{1,2000}`,
      "gi",
    ),
    `$1${MASK}`,
  ],
  // name=value and name: value
  [
    new RegExp(
      `(\\b(?:${KEY_NAMES})\\s{0,3}[:=]\\s{0,3})(?!\\[masked\\]|["'\\\\])[^\\s,;&"']{1,2000}`,
      "gi",
    ),
    `$1${MASK}`,
  ],
];

const PRIVATE_KEY_BEGIN = /-----BEGIN [A-Z ]*PRIVATE KEY-----/;
const PRIVATE_KEY_END = /-----END [A-Z ]*PRIVATE KEY-----/;

/**
 * Log lines with everything that looks like a credential replaced by `[masked]`.
 *
 * It errs on the side of masking: a diagnosis loses little by it.
 */
export function maskCredentials(lines: readonly string[]): string[] {
  let inPrivateKey = false;
  return lines.map((line) => {
    const begins = PRIVATE_KEY_BEGIN.test(line);
    const ends = PRIVATE_KEY_END.test(line);
    const masked = begins || ends || inPrivateKey;
    inPrivateKey = (inPrivateKey || begins) && !ends;
    return masked ? MASK : maskLine(line);
  });
}

function maskLine(line: string): string {
  return CREDENTIALS.reduce((text, [pattern, by]) => text.replace(pattern, by), line);
}
