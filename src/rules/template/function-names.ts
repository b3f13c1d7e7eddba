/** Which functions a template may call. */

/** Go's own. */
const BUILT_IN = [
  ...["and", "call", "eq", "ge", "gt", "html", "index", "js", "le", "len", "lt", "ne", "not", "or"],
  ...["print", "printf", "println", "slice", "urlquery"],
] as const;

/** Prometheus' own, as of 3.5. @see https://prometheus.io/docs/prometheus/latest/configuration/template_reference/ */
const OF_PROMETHEUS = [
  ...["args", "externalURL", "first", "graphLink", "humanize", "humanize1024", "humanizeDuration"],
  ...["humanizePercentage", "humanizeTimestamp", "label", "match", "parseDuration", "pathPrefix"],
  ...["query", "reReplaceAll", "safeHtml", "sortByLabel", "stripDomain", "stripPort", "strvalue"],
  ...["tableLink", "title", "toLower", "toTime", "toUpper", "value"],
] as const;

export const FUNCTION_NAMES = [...BUILT_IN, ...OF_PROMETHEUS] as const;
export type FunctionName = (typeof FUNCTION_NAMES)[number];
