/** The page for people at `/`: what this is, what is broken now, and the buttons for it. */

import { bundlePage } from "./page/bundle.ts" with { type: "macro" };

/** A kind of fault as a person meets it. */
export interface KindCard {
  readonly kind: string;
  /** One line for people. */
  readonly summary: string;
  /** Parameters that work as they are; each becomes an input of the type of its value. */
  readonly example: Readonly<Record<string, number | string | boolean | readonly string[]>>;
}

/** What the script in the page is told, as JSON. */
export interface PageSettings {
  readonly version: string;
  readonly kinds: readonly KindCard[];
  /** Whether starting one takes `Authorization: Bearer`. */
  readonly tokenRequired: boolean;
}

/** Builds the page once; it is the same for everybody, as it learns the rest from `/faults`. */
export function createPage(settings: PageSettings): () => Response {
  const { html, policy } = bundlePage();
  const body = html
    .replace("<!-- settings -->", () => inScript(settings))
    .replace("<!-- shell -->", () => Bun.escapeHTML(shellLines(settings)));
  const headers = {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": policy,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
  };
  return () => new Response(body, { headers });
}

/** JSON that cannot end the element it stands in, nor open a comment there. */
function inScript(value: unknown): string {
  return JSON.stringify(value).replaceAll("<", "\\u003c");
}

/** For those who allow no scripts: the same from a shell, given the address in `$TARGET`. */
function shellLines({ kinds, tokenRequired }: PageSettings): string {
  const curl = tokenRequired ? 'curl -H "Authorization: Bearer $FAULT_TOKEN"' : "curl";
  const start = kinds.map(({ kind, example }) => {
    const json = JSON.stringify({ kind, ...example }).replaceAll("'", "'\\''");
    return `${curl} --json '${json}' $TARGET/faults`;
  });
  return ["curl $TARGET/faults", ...start, "curl -X DELETE $TARGET/faults"].join("\n");
}
