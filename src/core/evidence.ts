/** What a diagnosis may see of a log: nothing that looks like a credential, nor what was injected. */

const MASK = "[masked]";

const PREFIX = "[a-z0-9_-]{0,40}";

const SECRET_NAMES = [
  `${PREFIX}(?:api|access|secret|private|auth|session|encryption|signing|account)[_-]?(?:key|token|id)s?`,
  `${PREFIX}(?:password|passwd|passphrase|secret|token|credential|signature)s?`,
  "[a-z0-9_-]{1,40}[_-]pass|pwd|apikey",
].join("|");

const HEADER_NAMES = "(?:proxy-)?authorization|(?:set-)?cookie";

/** A name and what stands between it and its value; quotes may be escaped, as within a JSON line. */
const NAMED = `\\b(?:${SECRET_NAMES}|${HEADER_NAMES})\\\\{0,3}["']?\\s{0,3}[:=]\\s{0,3}`;

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
  [/(\bhooks\.slack\.com\/services\/)[A-Za-z0-9/_-]+/g, `$1${MASK}`],
  // A header's value has spaces and semicolons of its own.
  [
    new RegExp(`(\\b(?:${HEADER_NAMES})\\s{0,3}[:=]\\s{0,3})[^\\s"'\\\\][^"'\\\\]*`, "gi"),
    `$1${MASK}`,
  ],
  // "name": "value", with escaped quotes, with double ones and with single ones
  [new RegExp(`(${NAMED}\\\\{1,3}["'])[^"'\\\\]+`, "gi"), `$1${MASK}`],
  [new RegExp(`(${NAMED}")(?:[^"\\\\]|\\\\.)+`, "gi"), `$1${MASK}`],
  [new RegExp(`(${NAMED}')(?:[^'\\\\]|\\\\.)+`, "gi"), `$1${MASK}`],
  // name=value and name: value
  [new RegExp(`(${NAMED})(?!\\[masked\\]|["'\\\\])[^\\s,;&"']+`, "gi"), `$1${MASK}`],
  // --name value
  [new RegExp(`((?:^|\\s)--?(?:${SECRET_NAMES})\\s{1,3})[^\\s"'-][^\\s"']*`, "gi"), `$1${MASK}`],
];

/** What Sentinel's own target says of the faults in it, and who asked for them. */
const GROUND_TRUTH = /"event":\s*"fault_(?:started|ended)"|"path":\s*"\/faults[/"]/;

/** Log lines without those that give an injected fault away: a diagnosis has to find it out. */
export function withoutGroundTruth(lines: readonly string[]): string[] {
  return lines.filter((line) => !GROUND_TRUTH.test(line));
}

const PRIVATE_KEY_BEGIN = /-----BEGIN [A-Z ]*PRIVATE KEY-----/;
const PRIVATE_KEY_END = /-----END [A-Z ]*PRIVATE KEY-----/;

/**
 * Log lines with everything that looks like a credential replaced by `[masked]`.
 *
 * It errs on the side of masking: a diagnosis loses little by it.
 */
export function maskCredentials(lines: readonly string[]): string[] {
  const firstEnd = lines.findIndex((line) => PRIVATE_KEY_END.test(line));
  const firstBegin = lines.findIndex((line) => PRIVATE_KEY_BEGIN.test(line));
  // The last lines of a log may start in the midst of a key.
  let inPrivateKey = firstEnd >= 0 && (firstBegin < 0 || firstBegin > firstEnd);
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
