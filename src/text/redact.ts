/** Replaces what looks like a credential, whatever text it stands in. */

export const MASK = "[masked]";
const EMAIL_MASK = "[email]";

const PREFIX = "[a-z0-9_-]{0,40}";

const SECRET_NAMES = [
  `${PREFIX}(?:api|access|secret|private|auth|session|encryption|signing|account)[_-]?(?:key|id)s?`,
  `${PREFIX}(?:password|passwd|passphrase|passcode|passwort|secret|token|credential|signature|sessid|jwt|pwd)s?`,
  "[a-z0-9_-]{1,40}[_-]pass|connect\\.sid",
].join("|");

/** A gateway gives them as variables: `HTTP_AUTHORIZATION`. */
const HEADER_NAMES = `${PREFIX}(?:authorization|cookie)`;

/** What of a query string is secret there, and an ordinary word elsewhere. */
const QUERY_NAMES = "key|sig|auth|code|pass|pw|sid|session|otp|ticket";

const SEPARATOR = "(?:[:=]>?|->|%3[ad])";

/** A name and what stands between it and its value; quotes may be escaped, as within a JSON line. */
const NAMED = `\\b(?:${SECRET_NAMES}|${HEADER_NAMES})\\\\{0,3}["']?\\s{0,3}${SEPARATOR}\\s{0,3}`;

/** It may be escaped, as within a JSON line; and YAML and XML have names without one. */
const QUOTE = `(?:\\\\{0,3}["'])?`;

/** Up to a separator; a comma is part of the value unless another name and value follow. */
const BARE_VALUE = `(?!\\{?\\[masked\\]|[>"'\\\\])(?:[^\\s,;&"']|,(?!\\s|$|[\\w.-]{1,40}[:=]))+`;

/** Their issuers' own marks, each followed by at least this many characters of these kinds. */
const ISSUED = [
  // AWS, Google
  "(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{12,}",
  "(?:AIza|GOCSPX-|ya29\\.)[A-Za-z0-9_.-]{20,}",
  // OpenAI, Anthropic, Stripe and others
  "(?:sk|pk|rk)[-_](?=[A-Za-z_-]{0,60}\\d)[A-Za-z0-9_-]{12,}",
  "(?:gsk|hf|r8|whsec|npm|rubygems|sbp|figd|glsa|glc|ntn|lin_api|dckr_pat|pscale_tkn|sntry[su])_[A-Za-z0-9_.+/=-]{10,}",
  "(?:xai|pplx|pypi|tskey|NRAK|PMAK|HRKU|sq0[a-z]{3})-[A-Za-z0-9_-]{10,}",
  "(?:gh[oprsu]_|github_pat_|gl[a-z]{2,6}-|do[opr]_v1_|shp[a-z]{2}_|dp\\.[a-z]{2,5}\\.|hv[sbr]\\.|ATATT3|dapi)[A-Za-z0-9_.=-]{16,}",
  "(?:xox[a-z]|xapp)-[A-Za-z0-9-]{10,}",
  "SG\\.[A-Za-z0-9_-]{10,}\\.[A-Za-z0-9_-]{10,}",
  "SK[0-9a-f]{32}|key-[0-9a-f]{32}|[0-9a-f]{32}-us\\d{1,2}",
  "AGE-SECRET-KEY-1[A-Z0-9]{20,}",
  // Telegram's bots
  "\\d{8,10}:AA[A-Za-z0-9_-]{30,}",
].join("|");

const PRIVATE_KEY = "[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----";
const PRIVATE_KEY_MARK = new RegExp(`-----(BEGIN|END) ${PRIVATE_KEY}`, "g");

/** Where private keys begin and end in a text, in its order. */
export function privateKeyMarks(text: string): ("BEGIN" | "END")[] {
  return [...text.matchAll(PRIVATE_KEY_MARK)].map(([, mark]) => (mark === "END" ? "END" : "BEGIN"));
}

/** What to look for, and what stands in its place: it keeps what says of which kind it was. */
type Replacement = readonly [RegExp, string];

// All of them run in linear time.

/** Known by themselves, even as a text of one word. */
const MARKED: readonly Replacement[] = [
  // JSON Web Tokens, by their head.
  [/\beyJ[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]*){1,4}/g, MASK],
  [new RegExp(`(?<![A-Za-z0-9])(?:${ISSUED})`, "g"), MASK],
  // A client's secret in Azure
  [/[A-Za-z0-9_~.-]{3}\dQ~[A-Za-z0-9_~.-]{31,34}/g, MASK],
  [
    /(\b(?:hooks\.slack\.com\/(?:services|workflows|triggers)|discord(?:app)?\.com\/api\/webhooks|webhook\.office\.com\/webhookb2)\/)[A-Za-z0-9/@_-]+/g,
    `$1${MASK}`,
  ],
];

/** Known by what stands around them. */
const NAMED_OR_PLACED: readonly Replacement[] = [
  [new RegExp(`-----BEGIN ${PRIVATE_KEY}[^]*?(?:-----END ${PRIVATE_KEY}|$)`, "g"), MASK],
  // scheme://user:password@host; the user stays. A password may hold an @ that was not encoded, and
  // end where a long line was cut.
  [/(\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s:/@"']{0,100}):[^\s/"'<>]{1,500}(@|…$)/gi, `$1:${MASK}$2`],
  // scheme://token@host
  [/(\b[a-z][a-z0-9+.-]{1,20}:\/\/)[A-Za-z0-9_-]{20,500}@/gi, `$1${MASK}@`],
  // Not where a sentence goes on: "Basic authentication".
  [
    /\b(Bearer|Basic|Digest|Negotiate|ApiKey)\s{1,3}(?!(?:auth(?:entication|orization)?|tokens?|credentials?|realm)\b)[A-Za-z0-9+/=._~-]{6,}/gi,
    `$1 ${MASK}`,
  ],
  // A header's value has spaces and semicolons of its own.
  [
    new RegExp(`(\\b(?:${HEADER_NAMES})\\s{0,3}[:=]\\s{0,3})[^\\s"'\\\\][^"'\\\\]*`, "gi"),
    `$1${MASK}`,
  ],
  // A list or an object under such a name
  [new RegExp(`(${NAMED})\\[(?!masked\\])[^\\]]*`, "gi"), `$1[masked`],
  [new RegExp(`(${NAMED}\\{)[^}]*`, "gi"), `$1${MASK}`],
  // "name": "value", with escaped quotes, with double ones and with single ones
  [new RegExp(`(${NAMED}\\\\{1,3}["'])[^"'\\\\]+`, "gi"), `$1${MASK}`],
  [new RegExp(`(${NAMED}")(?:[^"\\\\]|\\\\.)+`, "gi"), `$1${MASK}`],
  [new RegExp(`(${NAMED}')(?:[^'\\\\]|\\\\.)+`, "gi"), `$1${MASK}`],
  // {"name":"DB_PASSWORD","value":"..."}, as a container's environment is told
  [
    new RegExp(
      `(${QUOTE}(?:name|key)${QUOTE}\\s{0,3}[:=]\\s{0,3}${QUOTE}(?:${SECRET_NAMES})${QUOTE},?\\s{0,3}${QUOTE}value${QUOTE}\\s{0,3}[:=]\\s{0,3}${QUOTE})[^"'\\\\]+`,
      "gi",
    ),
    `$1${MASK}`,
  ],
  // A connection string: its values may hold spaces.
  [
    /(\b(?:password|pwd|accountkey|sharedaccesskey)\s{0,3}=\s{0,3})(?!\[masked\])[^;"'\r\n]{1,500};/gi,
    `$1${MASK};`,
  ],
  // name=value and name: value
  [new RegExp(`(${NAMED})${BARE_VALUE}`, "gi"), `$1${MASK}`],
  [new RegExp(`([?&](?:${QUERY_NAMES})=)(?!\\[masked\\])[^\\s&#"'<>]+`, "gi"), `$1${MASK}`],
  // <password>value</password>
  [new RegExp(`(<(?:${SECRET_NAMES})(?:\\s[^<>]{0,100})?>)[^<>]+`, "gi"), `$1${MASK}`],
  // --name value, also as a list of arguments, and user:password of curl
  [
    new RegExp(
      `((?:^|[\\s("'=[])--?(?:${SECRET_NAMES})["']?(?:\\s{1,3}|,\\s{0,3})["']?)(?!\\[masked\\])(?:(?<=")[^"]+|(?<=')[^']+|[^\\s"',-][^\\s"']*)`,
      "gi",
    ),
    `$1${MASK}`,
  ],
  [/((?:^|\s)(?:-u|--user)\s{1,3}[^\s:"']{1,100}:)[^\s"']+/g, `$1${MASK}`],
  // SQL, and .netrc
  [/(\b(?:IDENTIFIED\s{1,3}BY|PASSWORD)\s{1,3}')[^']+/gi, `$1${MASK}`],
  [/(\blogin\s{1,3}\S{1,100}\s{1,3}password\s{1,3})\S+/gi, `$1${MASK}`],
];

/** Colours, which a terminal's log puts between a name and its value; also as they stand in JSON. */
const COLOURS = /(?:\u001b|\\(?:u001b|x1b|033|e))\[[0-9;:]{0,20}m/gi;

/** No credential that is known here is shorter, its name included. */
const SHORTEST = 8;

/**
 * A text with everything that looks like a credential replaced by `[masked]`, in linear time; and
 * without the colours of a terminal.
 *
 * It errs on the side of masking: whoever reads it loses little by it.
 */
export function maskText(text: string): string {
  if (text.length < SHORTEST) return text;
  const marked = replaceAll(MARKED, text.replace(COLOURS, ""));
  // Most texts are names, and there are thousands of them in a log of a thousand services.
  return BETWEEN_WORDS.test(marked) ? replaceAll(NAMED_OR_PLACED, marked) : marked;
}

/** What has none of these is one word, without a name or a place for a secret. */
const BETWEEN_WORDS = /[\s:=@"'<>%]/;

function replaceAll(replacements: readonly Replacement[], text: string): string {
  return replacements.reduce((masked, [pattern, by]) => masked.replace(pattern, by), text);
}

const SECRET_NAME = new RegExp(`^(?:${SECRET_NAMES}|${HEADER_NAMES})$`, "i");

/** The fields of an event with the credentials in every text masked; a text with a secret name is masked whole. */
export function maskFields(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      typeof value === "string" && value !== "" && SECRET_NAME.test(name) ? MASK : maskValue(value),
    ]),
  );
}

function maskValue(value: unknown): unknown {
  if (typeof value === "string") return maskText(value);
  if (Array.isArray(value)) return value.map(maskValue);
  return typeof value === "object" && value !== null ? maskFields({ ...value }) : value;
}

const EMAIL = /[\p{L}\p{N}._%+-]{1,64}(?:@|%40)(?:[\p{L}\p{N}-]{1,63}\.){1,8}\p{L}{2,24}/gu;

/** A text with every address of electronic mail replaced by `[email]`. */
export function maskEmails(text: string): string {
  return text.replace(EMAIL, EMAIL_MASK);
}
