/** What the code of `src` may not say, and where: purity, output, exits, the environment, types. */

import { PURE_ROOMS } from "./imports.ts";

interface CodeRule {
  readonly name: string;
  /** Looked for in each line, without its comments. */
  readonly forbidden: RegExp;
  /** The files that it holds for; without it, all. */
  readonly within?: RegExp;
  /** The files that it does not hold for. */
  readonly except?: RegExp;
  readonly inComments?: boolean;
}

const PURE_FILES = new RegExp(`^src/(${PURE_ROOMS.join("|")})(/|$)`);

export const CODE_RULES: readonly CodeRule[] = [
  {
    // `new Date(timeMs)` only formats.
    name: "no clock",
    forbidden: /\bDate\.now\b|\bDate\(\)|new Date\b(?!\()|\bperformance\b\.|\bTemporal\.Now\b/,
    within: PURE_FILES,
  },
  {
    name: "no randomness",
    forbidden: /\bMath\.random\b|\bcrypto\b\./,
    within: PURE_FILES,
  },
  {
    name: "no input or output",
    forbidden:
      /\bfetch\(|\bprocess\.|\bBun\.|\bglobalThis\b|\bWebSocket\b|\bset(Timeout|Interval|Immediate)\(|\bimport\.meta\b/,
    within: PURE_FILES,
  },
  {
    // The guardian is a process of its own: main.ts hands all of it over.
    name: "only main.ts exits and handles signals",
    forbidden: /\bprocess\.(exit|exitCode|abort|on|once|addListener|prependListener)\b/,
    except: /^src\/(main|platforms\/process\/guardian)\.ts$/,
  },
  {
    // main.ts hands the environment to config/; run-command.ts hands it to the commands that it starts.
    name: "only config/ reads the environment",
    forbidden: /\bprocess\.env\b|\bBun\.env\b|\bimport\.meta\.env\b/,
    except: /^src\/(main|platforms\/run-command)\.ts$/,
  },
  {
    name: "nobody reads one key past config/",
    forbidden: /\b(process|Bun|import\.meta)\.env(\[|\.|\?)/,
  },
  {
    name: "only log.ts writes output",
    forbidden:
      /\bconsole\.|\bprocess\.(stdout|stderr)\.write\b|\bBun\.(stdout|stderr)\b|\bwriteSync\(/,
    except: /^src\/log\.ts$/,
  },
  {
    name: "no shell, and processes only in platforms/",
    forbidden: /\bBun\.\$|\bBun\.spawn(Sync)?\b|\bshell:/,
    except: /^src\/platforms\//,
  },
  { name: "no any", forbidden: /(?:[:<|&,(=[]|\bas|\bextends)\s*any\b(?!\s+\w|['-])/ },
  { name: "no silenced checker", forbidden: /@ts-(ignore|nocheck|expect-error)/, inComments: true },
  { name: "no `!` for what may be undefined", forbidden: /[\w)\]]!(?=[.;,)[\]])|[\w)\]]!$/ },
  { name: "no empty catch", forbidden: /\bcatch\s*(\([^)]*\)\s*)?\{\s*\}/ },
];

/** Longer than that, a file is about more than one noun. */
export const MAX_LINES = 350;

/** What a file breaks: the rule, the line, and its text. */
export function violations(file: string, code: string): string[] {
  const rules = CODE_RULES.filter(
    ({ within, except }) => (within?.test(file) ?? true) && !except?.test(file),
  );
  const broken = code.split("\n").flatMap((line, index) => {
    const said = withoutComment(line);
    return rules
      .filter(({ forbidden, inComments }) => forbidden.test(inComments ? line : said))
      .map(({ name }) => `${file}:${index + 1}: ${name}: ${line.trim()}`);
  });
  const lines = code.trimEnd().split("\n").length;
  return lines > MAX_LINES
    ? [...broken, `${file}: ${lines} lines, more than ${MAX_LINES}`]
    : broken;
}

/** In the form of `bun fmt`: a comment has its own lines, or stands at the end of one. */
function withoutComment(line: string): string {
  return /^\s*(\/\/|\/\*|\*[ /]|\*$)/.test(line) ? "" : line.replace(/\s\/\/\s.*$/, "");
}
