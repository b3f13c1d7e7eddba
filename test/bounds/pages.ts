/** What a target may answer instead of an honest page. */

import { gzipSync } from "node:zlib";
import type { Costly } from "./costly.ts";

const MIB = 1024 * 1024;
const text = (body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) =>
  new Response(body, { headers: { "content-type": "text/plain", ...headers } });
const page = (name: string, make: () => Response): Costly => ({ name, page: make });
/** Made once: it is sent several times. */
const body = (name: string, make: () => string): Costly => {
  let made: string | undefined;
  return page(name, () => text((made ??= make())));
};

const lines = (count: number, line: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => line(index)).join("\n");
const labels = (count: number) => lines(count, (i) => `l${i}="v"`).replaceAll("\n", ",");

const PACKED = new Uint8Array(gzipSync(Buffer.alloc(200 * MIB, 0x61), { level: 9 }));

let scrapes = 0;

export const PAGES: readonly Costly[] = [
  body("one series of 800,000 labels", () => `a{${labels(800_000)}} 1\n`),
  body("a label of 15 MB", () => `a{b="${"x".repeat(15 * MIB)}"} 1\n`),
  body("a name of 15 MB", () => `${"x".repeat(15 * MIB)} 1\n`),
  body("a label's name of 15 MB", () => `a{${"x".repeat(15 * MIB)}="1"} 1\n`),
  body("escapes of 15 MB", () => `a{b="${"\\n".repeat(7 * MIB)}"} 1\n`),
  body("a label without an end", () => `a{b="${"x".repeat(15 * MIB)}`),
  body("600 series of 128 labels of 100 characters", () =>
    lines(600, (i) => `a{${labels(120).replaceAll('"v"', `"${"v".repeat(100)}${i}"`)}} 1`),
  ),
  body("500 labels of 30 kB", () => lines(500, (i) => `a{b="${"x".repeat(30_000)}${i}"} 1`)),
  body("19,000 series", () => lines(19_000, (i) => `a{i="${i}"} 1`)),
  body("500,000 series", () => lines(500_000, (i) => `a{i="${i}"} 1`)),
  body("40,000 samples of one series", () => "a 1\n".repeat(40_000)),
  page("5,000 other series each time", () => {
    scrapes += 1;
    return text(lines(5000, (i) => `a{i="${scrapes}-${i}"} 1`));
  }),
  body("16 MB of line ends", () => "\n".repeat(15 * MIB)),
  body("16 MB of comments", () => "#\n".repeat(7 * MIB)),
  body("bad lines alone", () => "!\n".repeat(39_000)),
  body("bad labels alone", () => 'a{b="c" d="e"} 1\n'.repeat(39_000)),
  body("a help text of 15 MB", () => `# HELP a ${"x".repeat(15 * MIB)}\na 1\n`),
  body("values of 1,000 digits", () => lines(5000, (i) => `a{i="${i}"} ${"9".repeat(1000)}`)),
  body("labels of surrogates and zero bytes", () => `a{b="${"\ud800\u0000".repeat(9000)}"} 1\n`),
  page("200 MB that were 200 kB", () => text(PACKED, { "content-encoding": "gzip" })),
  page("a body without end", () => {
    const chunk = Buffer.alloc(64 * 1024, "a 1\n");
    const stream = new ReadableStream({ pull: (controller) => controller.enqueue(chunk) });
    return new Response(stream, { headers: { "content-type": "text/plain" } });
  }),
];
