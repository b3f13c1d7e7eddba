/** Chromium, and a page in it of which every request and complaint is kept. */

import { existsSync } from "node:fs";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";

const CHROMIUM = "/usr/bin/chromium";
/** Nothing that the browser does by itself: no updates, no other hosts. */
const FLAGS = [
  ...["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
  ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
];
const ACTION_DEADLINE_MS = 15_000;

/** Why tests cannot use a browser; `undefined` if they can. See `describeUnless`. */
export function whyNoBrowser(): string | undefined {
  return existsSync(CHROMIUM) ? undefined : `there is no ${CHROMIUM}`;
}

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
}

export interface OpenedPage extends AsyncDisposable {
  readonly page: Page;
  /** What the browser complained of, refused scripts and answers of 400 and more among it. */
  readonly complaints: readonly string[];
  /** The addresses asked that do not begin with that of the page. */
  readonly strangers: readonly string[];
}

/** Opens an address in a browser profile of its own, closed when the test is over. */
export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<OpenedPage> {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(ACTION_DEADLINE_MS);
  const page = await context.newPage();
  const complaints: string[] = [];
  const strangers: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => {
    const asked = request.url();
    if (!asked.startsWith(`${url}/`) && !asked.startsWith("data:")) strangers.push(asked);
  });
  await page.goto(`${url}/`);
  return {
    page,
    complaints,
    strangers,
    [Symbol.asyncDispose]: () => context.close(),
  };
}
