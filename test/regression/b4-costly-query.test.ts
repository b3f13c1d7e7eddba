/** A question that anybody on this machine may ask, and that took all memory. */

import { expect, test } from "bun:test";
import { type Observing, startObserving } from "../support/observing.ts";

const doubled = (inner: string) => `label_replace(${inner}, "a", "$1$1", "a", "(.*)")`;
const joined = (inner: string) => `label_join(${inner}, "a", "", "a", "a")`;

const times = (count: number, around: (inner: string) => string): string =>
  Array.from({ length: count }).reduce<string>(
    around,
    `label_replace(vector(1), "a", "xxxxxxxx", "", "")`,
  );

async function ask(observer: Observing, query: string, headers: Record<string, string> = {}) {
  const [api = ""] = (await observer.notice("series")).split(", ");
  const response = await fetch(`${api}/query`, {
    method: "POST",
    body: new URLSearchParams({ query }),
    headers,
  });
  return { status: response.status, text: await response.text() };
}

test("B4: a label that is doubled again and again is refused, and costs nobody else", async () => {
  await using observer = startObserving();
  for (const query of [times(25, doubled), times(60, joined)]) {
    const { status, text } = await ask(observer, query);
    // On a busy machine its time is over first.
    expect([422, 503]).toContain(status);
    expect(text).toMatch(/would write more than 16777216 bytes of labels|query timed out/);
  }
  expect(await ask(observer, "1")).toMatchObject({ status: 200 });
}, 30_000);

test("B4: a page of another site may not ask, by navigation or otherwise", async () => {
  await using observer = startObserving();
  const site = { "sec-fetch-site": "cross-site" };
  for (const headers of [
    { ...site, "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" },
    { ...site, "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image" },
    { origin: "https://evil.example" },
  ])
    expect(await ask(observer, "up", headers)).toMatchObject({
      status: 403,
      text: expect.stringContaining("another web site asked"),
    });
});
