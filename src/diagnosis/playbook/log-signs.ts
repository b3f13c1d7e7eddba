/** PURE: what words of a log speak for which class of fault, and how often they were written. */

import type { LogTemplate } from "../../core/evidence.ts";
import type { Evidence } from "../../core/model.ts";

/** Words of programs, libraries and kernels, in whatever language. All of them run in linear time. */
const WORDS = {
  disk: /\bENOSPC\b|no space left on|\bdisk (?:is )?full|\bEROFS\b|read-only file ?system|\bEDQUOT\b|disk quota|\bEIO\b|input\/output error|database or disk is full|out of disk/i,
  network:
    /\bENETUNREACH\b|network is unreachable|\bEHOSTUNREACH\b|no route to host|\bEAI_AGAIN\b|temporary failure in name resolution|\bENETDOWN\b|network is down/i,
  name: /\bENOTFOUND\b|no such host|name or service not known|could not resolve|name resolution|getaddrinfo|unknown host/i,
  resource_limit:
    /\bEMFILE\b|\bENFILE\b|too many open files|\bENOMEM\b|cannot allocate memory|out of memory|OutOfMemory|heap limit|heap space|\bMemoryError\b|can't start new thread|cannot fork|fork: |pthread_create|resource temporarily unavailable|too many clients|too many connections|connection slots|pool (?:is )?exhausted|no free connection|file descriptors?\b/i,
  config:
    /(?:invalid|bad|missing|unknown|unrecognized|wrong|incorrect) (?:value|config\w*|setting|option|directive|key|flag|argument|environment|parameter|variable|credentials?|password|api key|port|url)|\bconfig\w*\b.{0,40}\b(?:invalid|error|missing|malformed|fail)|(?:is|are|was) (?:not set|required)|must be (?:set|a|an|one|between|at|in)\b|not (?:a )?valid|authentication fail|password authentication|access denied|permission denied|\bEACCES\b|unauthori[sz]ed|forbidden|\b40[13]\b|certificate|\bEADDRINUSE\b|address already in use|parse (?:error|failure)|cannot parse|syntax error|KeyError: '[A-Z_]+'/i,
  dependency:
    /\bECONNREFUSED\b|connection refused|\bECONNRESET\b|connection (?:was )?(?:reset|closed|lost|terminated)|server closed the connection|upstream|(?:can(?:no|')t|could not|couldn't|unable to|failed to) (?:connect|reach|call|fetch|query)|\bETIMEDOUT\b|deadline exceeded|connect\w* time(?:d ?out|out)|time(?:d )?out (?:while )?(?:connecting|calling|waiting for (?:the )?(?:response|answer|reply|upstream))|did not answer|service unavailable|bad gateway|gateway time|\b50[234]\b (?:from|by)|(?:answered|returned|responded)(?: with)? (?:status )?50\d|circuit (?:is )?open/i,
  overload:
    /overload|queue (?:is )?full|backlog|too many requests|rate limit|load shed|shedding|rejected (?:a )?request|at capacity|concurrency limit|\b429\b/i,
  hang: /deadlock|lock wait|waiting for (?:a |the )?lock|worker timeout|watchdog|stuck|not responding|blocked for more than|lock (?:held|timeout)/i,
  crash:
    /\bpanic\b|segmentation fault|segfault|\bSIG(?:SEGV|ABRT|BUS|ILL)\b|core dumped|uncaught|unhandled|assertion|assert fail|traceback|stack overflow|null ?pointer|nil pointer|index out of range|\bexception\b/i,
  own_error:
    /\b(?:TypeError|RangeError|ReferenceError|AttributeError|ValueError|IndexError|ZeroDivisionError|NullPointerException|IllegalStateException|RuntimeError)\b/,
  version:
    /is not a function|has no attribute|NoSuchMethod|ImportError|ModuleNotFound|cannot find (?:module|package)|no such column|undefined (?:method|symbol)|migration|incompatible|unsupported version|unknown field/i,
} as const satisfies Record<string, RegExp>;

/** What words are about. */
export type Topic = keyof typeof WORDS;

/** Words that were found. */
interface Said {
  /** How many lines have them. */
  readonly count: number;
  /** Such a line. */
  readonly example: string;
}

export type LogSigns = Readonly<Partial<Record<Topic, Said>>> & {
  /** What is logged as an error, in words that are not known here. */
  readonly unknown?: Said;
};

/** Said by the program itself, and not the line of a request that was answered with 500. */
const LOGGED_AS_ERROR = /"level":\s*"(?:error|fatal|critical)"|\b(?:ERROR|FATAL|CRITICAL|SEVERE)\b/;

/** Lines of longer before the onset are another story. */
const BEFORE_ONSET_MS = 60_000;

const TOPICS = Object.keys(WORDS).filter((word): word is Topic => word in WORDS);

/**
 * What the log since the onset says, and what was written before the last deaths.
 *
 * @param onsetMs `undefined` if it is not known: then all of it counts
 */
export function readLogSigns(
  { logDigest, logs, deaths = [] }: Pick<Evidence, "logDigest" | "logs" | "deaths">,
  onsetMs: number | undefined,
): LogSigns {
  const sinceMs = (onsetMs ?? -Infinity) - BEFORE_ONSET_MS;
  const isRecent = ({ topic, lastMs }: LogTemplate) =>
    topic === "error" && (lastMs === undefined || lastMs >= sinceMs);
  const folded = (logDigest?.templates ?? []).filter(isRecent);
  const plain = logDigest === undefined && logs.kind === "found" ? logs.value : [];
  const lines = [
    ...folded.map(({ count, example }) => ({ count, text: example })),
    ...[...plain, ...deaths.flatMap((death) => death.lines)].map((text) => ({ count: 1, text })),
  ];
  const signs = TOPICS.map((topic): readonly [Topic, Said | undefined] => {
    const found = lines.filter(({ text }) => WORDS[topic].test(text));
    const [first] = found.toSorted((a, b) => b.count - a.count);
    const count = found.reduce((sum, line) => sum + line.count, 0);
    return [topic, first && { count, example: first.text }];
  });
  const known = Object.values(WORDS);
  const others = lines.filter(
    ({ text }) => LOGGED_AS_ERROR.test(text) && !known.some((words) => words.test(text)),
  );
  const [other] = others.toSorted((a, b) => b.count - a.count);
  return {
    ...Object.fromEntries(signs.filter(([, said]) => said !== undefined)),
    ...(other && { unknown: { count: other.count, example: other.text } }),
  };
}
