/** Puts the page together while the program is built: one HTML text, with all that it needs inside. */

import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The page without what only the running target knows. */
interface Bundle {
  /** With `<!-- settings -->` and `<!-- shell -->` still to be filled in. */
  readonly html: string;
  /** For `content-security-policy`: what is inside may run, and nothing else. */
  readonly policy: string;
}

/** The script, in the order in which its files build on each other. */
const SCRIPT = ["dom.ts", "field.ts", "api.ts", "card.ts", "rows.ts", "client.ts"];

/** A macro: it runs when the file that imports it is built, or loaded from source. */
export function bundlePage(): Bundle {
  const read = (name: string) => readFileSync(join(import.meta.dir, name), "utf8");
  const script = oneModule(SCRIPT.map(read));
  const style = read("page.css");
  const html = read("page.html")
    // The replacements are functions, as `$&` and the like have a meaning in a text.
    .replace("<!-- style -->", () => `<style>${style}</style>`)
    .replace("<!-- script -->", () => `<script type="module">${script}</script>`);
  return { html, policy: policyFor(script, style) };
}

/**
 * Bun.build is not available in a macro. As these files import each other and types alone, joined they are one
 * module; a name that two of them declare is a syntax error of the build.
 */
function oneModule(files: readonly string[]): string {
  const joined = files
    .join("\n")
    .replace(/^import [^;]*;$/gm, "")
    .replace(/^export /gm, "");
  const options = { loader: "ts", target: "browser", minifyWhitespace: true } as const;
  return new Bun.Transpiler(options).transformSync(joined);
}

/** @see https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Content-Security-Policy */
function policyFor(script: string, style: string): string {
  return [
    "default-src 'none'",
    `script-src '${hashOf(script)}'`,
    `style-src '${hashOf(style)}'`,
    // The icon: without one, each visit asks for /favicon.ico, a 404 in the metrics of the target.
    "img-src data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

function hashOf(text: string): string {
  return `sha256-${new Bun.CryptoHasher("sha256").update(text).digest("base64")}`;
}
