/** Which requests a fault is for: patterns such as `/api/*`, and what is spared from them. */

/** First segments of what probes, scrapes and people use to see and end a fault. */
const SPARED = new Set(["", "health", "ready", "metrics", "faults", "openapi", "stress"]);

/** `/a/:b/*`: literal segments, `:name` or `*` for one segment, `*` at the end for all that follow. */
export const PATTERN =
  /^\/(?:[\w.~%!$&'()+,;=@-]+|:\w+|\*)?(?:\/(?:[\w.~%!$&'()+,;=@-]+|:\w+|\*))*$/;

/**
 * A test of paths. Probes, metrics and the fault API are spared unless a pattern names them: its first
 * segment is theirs, and no wildcard.
 *
 * @param patterns without them, all ordinary traffic
 */
export function pathMatcher(patterns?: readonly string[]): (path: string) => boolean {
  if (patterns === undefined) return (path) => !isSpared(path);
  const tests = patterns.map(matcherOf);
  return (path) => tests.some((matches) => matches(path));
}

function matcherOf(pattern: string): (path: string) => boolean {
  const segments = pattern.slice(1).split("/");
  const takesRest = segments.at(-1) === "*";
  const names = !isWildcard(segments[0] ?? "");
  return (path) => {
    if (!names && isSpared(path)) return false;
    const parts = path.slice(1).split("/");
    const isLongEnough = takesRest
      ? parts.length >= segments.length
      : parts.length === segments.length;
    return isLongEnough && segments.every((segment, at) => fits(segment, parts[at] ?? ""));
  };
}

function fits(segment: string, part: string): boolean {
  return segment === part || (isWildcard(segment) && part !== "");
}

function isWildcard(segment: string): boolean {
  return segment === "*" || segment.startsWith(":");
}

function isSpared(path: string): boolean {
  const end = path.indexOf("/", 1);
  return SPARED.has(path.slice(1, end === -1 ? undefined : end));
}
