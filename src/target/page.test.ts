import { describe, expect, test } from "bun:test";
import { createPage, type PageSettings } from "./page.ts";

const cpu = { kind: "cpu", summary: "Burns.", example: { load: 80, duration: 30 } };

async function served(changes: Partial<PageSettings> = {}) {
  const page = createPage({ version: "1.2.3", kinds: [cpu], tokenRequired: false, ...changes });
  const { status, headers } = page();
  return { status, headers, html: await page().text() };
}

/** What stands in each element of that name; the pages of these tests have no other `<`. */
function contents(html: string, tag: "script" | "style"): string[] {
  const pattern = new RegExp(`<${tag}( [^>]*)?>([^]*?)</${tag}>`, "g");
  return [...html.matchAll(pattern)].map(([, , content]) => content ?? "");
}

function noscriptOf(html: string): string {
  return /<noscript>([^]*)<\/noscript>/.exec(html)?.[1] ?? "";
}

describe("the answer", () => {
  test("is one HTML document that nobody keeps, frames or sniffs", async () => {
    const { status, headers, html } = await served();
    expect(status).toBe(200);
    expect(Object.fromEntries(headers)).toMatchObject({
      "content-type": "text/html; charset=utf-8",
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "cache-control": "no-store",
    });
    expect(html).toStartWith("<!doctype html>");
    expect(html).not.toContain("<!-- ");
  });

  test("lets run what it has inside, by hash, and nothing else", async () => {
    const { headers, html } = await served();
    const [data, script] = contents(html, "script");
    const [style] = contents(html, "style");
    const hash = (text = "") => {
      return `'sha256-${new Bun.CryptoHasher("sha256").update(text).digest("base64")}'`;
    };
    expect(JSON.parse(data ?? "")).toMatchObject({ version: "1.2.3" });
    expect(headers.get("content-security-policy")?.split("; ")).toEqual([
      "default-src 'none'",
      `script-src ${hash(script)}`,
      `style-src ${hash(style)}`,
      "img-src data:",
      "connect-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ]);
  });

  test("needs no inline style or handler, which the policy would refuse", async () => {
    const { html } = await served();
    expect(html).not.toMatch(/<[^>]+\s(style|on[a-z]+)=/i);
  });

  test("names no other host", async () => {
    const { html } = await served();
    const hosts = [...html.matchAll(/https?:\/\/([^/:'"\s]+)/g)].map(([, host]) => host);
    // The first is the name of a vocabulary, which nobody fetches.
    expect(hosts).toEqual(["www.w3.org", "localhost"]);
  });
});

describe("what the script is told", () => {
  test.each([
    "</script><script>alert(1)</script>",
    "</SCRIPT >",
    "<!-- <script>",
    "<!-- shell -->",
    "$& $1 $` $'",
    "\u2028 \\u003c \"quoted\" 'so'",
  ])("%j comes out as it went in, and ends no element", async (text) => {
    const kinds = [{ kind: text, summary: text, example: { [text]: text, list: [text] } }];
    const settings = { version: text, kinds, tokenRequired: true };
    const { html } = await served(settings);
    const [data, ...scripts] = contents(html, "script");
    expect(JSON.parse(data ?? "")).toEqual(settings);
    expect(scripts).toHaveLength(1);
    expect(noscriptOf(html)).not.toMatch(/<script|<!--/i);
  });
});

describe("without scripts", () => {
  test("there is a curl line for each kind, and one that stops all", async () => {
    const kinds = [cpu, { kind: "logs", summary: "Writes.", example: { text: "it's <b>" } }];
    const { html } = await served({ kinds });
    const json = "{&quot;kind&quot;:&quot;cpu&quot;,&quot;load&quot;:80,&quot;duration&quot;:30}";
    expect(noscriptOf(html)).toContain(`curl --json &#x27;${json}&#x27; $TARGET/faults\n`);
    expect(noscriptOf(html)).toContain("it&#x27;\\&#x27;&#x27;s &lt;b&gt;");
    expect(noscriptOf(html)).toContain("curl -X DELETE $TARGET/faults");
  });

  test.each([
    [true, 1],
    [false, 0],
  ])("with a token needed: %p, it is sent %i times", async (tokenRequired, count) => {
    const { html } = await served({ tokenRequired });
    const sent = noscriptOf(html).match(/Authorization: Bearer \$FAULT_TOKEN/g) ?? [];
    expect(sent).toHaveLength(count);
  });
});
