/** Names of labels in a URL, where not every character may stand. */

const PREFIX = "U__";

/**
 * Takes back Prometheus' escaping: `U__http_2e_status` is `http.status`. A name that is not escaped,
 * or not rightly, stays as it is.
 *
 * @see https://github.com/prometheus/common/blob/main/model/metric.go (UnescapeName)
 */
export function unescapeLabelName(name: string): string {
  if (!name.startsWith(PREFIX)) return name;
  const parts = name.slice(PREFIX.length).match(/__|_[\da-f]{1,6}_|[^_]|_/gi) ?? [];
  let unescaped = "";
  for (const part of parts) {
    const codePoint = part.length > 2 ? Number.parseInt(part.slice(1), 16) : undefined;
    if (part === "_" || isNoCharacter(codePoint)) return name;
    if (codePoint !== undefined) unescaped += String.fromCodePoint(codePoint);
    else unescaped += part === "__" ? "_" : part;
  }
  return unescaped;
}

function isNoCharacter(codePoint: number | undefined): boolean {
  if (codePoint === undefined) return false;
  return codePoint > 0x10ffff || (codePoint >= 0xd800 && codePoint <= 0xdfff);
}
