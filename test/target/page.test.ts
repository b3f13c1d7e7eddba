/** The page of the target, served by the real executable, in a real browser. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Browser, BrowserContextOptions, Locator, Page } from "playwright-core";
import { type RunningProcess, runToEnd, sentinelBinary, startProcess } from "../support/binary.ts";
import { launchBrowser, type OpenedPage, openPage, whyNoBrowser } from "../support/browser.ts";
import { describeUnless } from "../support/docker.ts";

const SETUP_TIMEOUT_MS = 180_000;
const TEST_TIMEOUT_MS = 90_000;
const NARROW = { width: 360, height: 740 };
/** Of text against what is behind it. @see https://www.w3.org/TR/WCAG22/#contrast-minimum */
const LEAST_CONTRAST = 4.5;

interface Visit extends OpenedPage {
  readonly target: RunningProcess;
  readonly url: string;
}

describeUnless(whyNoBrowser(), "the page of the target", () => {
  let sentinel = "";
  let browser: Browser | undefined;
  beforeAll(async () => {
    sentinel = sentinelBinary();
    browser = await launchBrowser();
  }, SETUP_TIMEOUT_MS);
  afterAll(() => browser?.close());

  /** A target of its own, and the page that it serves. */
  async function visit(
    options: BrowserContextOptions = {},
    env: Readonly<Record<string, string>> = {},
  ): Promise<Visit> {
    if (browser === undefined) throw new Error("the browser was not launched");
    const target = startProcess([sentinel, "--role=target"], { env: { PORT: "0", ...env } });
    const { url } = await target.event(({ event }) => event === "target_started");
    const opened = await openPage(browser, String(url), options);
    return {
      ...opened,
      target,
      url: String(url),
      async [Symbol.asyncDispose]() {
        await opened[Symbol.asyncDispose]();
        await target[Symbol.asyncDispose]();
      },
    };
  }

  test(
    "starts a fault by keyboard alone, counts it down, stops it and remembers it",
    async () => {
      await using visited = await visit();
      const { page, complaints, strangers } = visited;
      await tabTo(page, card(page, "memory").getByLabel("megabytes"));
      await page.keyboard.press("ControlOrMeta+A");
      await page.keyboard.type("12");
      await page.keyboard.press("Enter");
      const row = active(page, "memory");
      await row.getByText("megabytes\u00a012").waitFor();
      await row.getByText(/of 12 MB/).waitFor();
      await button(page, "Stop every memory").waitFor();

      const first = await secondsLeft(row);
      expect(first).toBeGreaterThan(30);
      expect(first).toBeLessThanOrEqual(60);
      const seen = new Set([first]);
      while (Math.min(...seen) > first - 3) {
        seen.add(await secondsLeft(row));
        await Bun.sleep(100);
      }
      expect([...seen]).toEqual([...seen].toSorted((a, b) => b - a));

      await tabTo(page, button(page, "Stop memory"));
      await page.keyboard.press("Space");
      await row.waitFor({ state: "detached" });
      expect(await focused(page)).toBe("active-title");
      await page.getByText("Nothing is broken now.").waitFor();
      const ended = page.getByRole("region", { name: "Recent" }).getByRole("listitem");
      expect(await ended.innerText()).toMatch(/memory[^]*cancelled[^]*of 12 MB/);
      expect(await page.getByRole("status").innerText()).toBe("memory cancelled");
      expect({ complaints, strangers }).toEqual({ complaints: [], strangers: [] });
    },
    TEST_TIMEOUT_MS,
  );

  test(
    "stops all faults of a kind by its card, and all that there are by one button",
    async () => {
      await using visited = await visit();
      const { page } = visited;
      await button(page, "Start ready").click();
      await active(page, "ready").waitFor();
      await button(page, "Start health").click();
      await active(page, "health").waitFor();
      await button(page, "Stop every ready").click();
      await active(page, "ready").waitFor({ state: "detached" });
      expect(await active(page, "health").count()).toBe(1);
      await button(page, "Stop all").click();
      await page.getByText("Nothing is broken now.").waitFor();
      const recent = page.getByRole("region", { name: "Recent" }).getByRole("listitem");
      expect(await recent.count()).toBe(2);
    },
    TEST_TIMEOUT_MS,
  );

  test(
    "starts every kind with the values that its card proposes",
    async () => {
      await using visited = await visit();
      const { page, complaints } = visited;
      const kinds = await page.locator("form.card h3").allInnerTexts();
      // Those two take the target away, which is another test's matter.
      for (const kind of kinds.filter((name) => name !== "crash" && name !== "block")) {
        await button(page, `Start ${kind}`).click();
        await active(page, kind).waitFor();
      }
      await button(page, "Stop all").click();
      await page.getByText("Nothing is broken now.").waitFor();
      expect(kinds).toContain("cpu");
      expect(kinds.length).toBeGreaterThanOrEqual(12);
      expect(complaints).toEqual([]);
    },
    TEST_TIMEOUT_MS,
  );

  test(
    "says what is wrong with a value at its field, until it is changed",
    async () => {
      await using visited = await visit();
      const { page, complaints } = visited;
      const load = card(page, "cpu").getByLabel("load");
      await load.fill("900");
      await load.press("Enter");
      const message = card(page, "cpu").getByRole("alert").filter({ hasText: "100" });
      await message.waitFor();
      expect(await focused(page)).toBe("cpu-load");
      expect(await load.getAttribute("aria-invalid")).toBe("true");
      expect(await load.getAttribute("aria-describedby")).toBe(await message.getAttribute("id"));
      expect(complaints).toEqual([expect.stringContaining("422")]);

      await load.press("Backspace");
      expect(await load.getAttribute("aria-invalid")).toBe("false");
      expect(await message.count()).toBe(0);

      // What the browser itself does not take for a number never reaches the target.
      await load.press("ControlOrMeta+A");
      await load.pressSequentially("1e");
      await load.press("Enter");
      await card(page, "cpu").getByText("this is not a number").waitFor();
      expect(complaints).toHaveLength(1);
      expect(await page.getByRole("region", { name: "Active" }).getByRole("listitem").count()).toBe(
        0,
      );
    },
    TEST_TIMEOUT_MS,
  );

  test(
    "its curl lines follow the fields and say to a shell just that; Copy copies them",
    async () => {
      const permissions = ["clipboard-read", "clipboard-write"];
      await using visited = await visit({ permissions });
      const { page, url } = visited;
      await card(page, "logs").getByLabel("text").fill(`it's $HOME, "quoted" \\`);
      await card(page, "logs").getByLabel("rate").fill("2.5");
      await card(page, "logs").getByLabel("duration").fill("");
      const line = await card(page, "logs").locator("code").innerText();
      const [option, json, address, ...more] = await argumentsOf(line);
      expect({ option, address, more }).toEqual({
        option: "--json",
        address: `${url}/faults`,
        more: [],
      });
      expect(JSON.parse(json ?? "")).toEqual({
        kind: "logs",
        rate: 2.5,
        text: `it's $HOME, "quoted" \\`,
      });
      await card(page, "logs").getByRole("button", { name: "Copy" }).click();
      await card(page, "logs").getByText("Copied").waitFor();
      expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(line);
    },
    TEST_TIMEOUT_MS,
  );

  test(
    "copies without the clipboard API, which a page over http from another machine has not",
    async () => {
      await using visited = await visit({ permissions: ["clipboard-read"] });
      const { page } = visited;
      await page.evaluate(() => Object.defineProperty(window, "isSecureContext", { value: false }));
      await card(page, "ready").getByRole("button", { name: "Copy" }).click();
      await card(page, "ready").getByText("Copied").waitFor();
      const line = await card(page, "ready").locator("code").innerText();
      expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(line);
    },
    TEST_TIMEOUT_MS,
  );

  test(
    "says that the target does not answer, and that it answers again",
    async () => {
      await using visited = await visit();
      const { page, target } = visited;
      await page.getByText("Answering", { exact: true }).waitFor();
      target.kill("SIGSTOP");
      await page.locator("#connection").getByText("Not answering, trying again").waitFor();
      expect(await page.getByRole("status").innerText()).toContain("Not answering");
      target.kill("SIGCONT");
      await page.getByText("Answering", { exact: true }).waitFor();
    },
    TEST_TIMEOUT_MS,
  );

  test(
    "asks for the token where one is needed, and keeps it in the page alone",
    async () => {
      await using visited = await visit({}, { FAULT_TOKEN: "open-sesame-and-let-me-in" });
      const { page } = visited;
      const start = button(page, "Start ready");
      await start.click();
      await page.locator("#token-error:not(:empty)").waitFor();
      expect(await focused(page)).toBe("token");
      expect(await page.getByLabel("Token").getAttribute("type")).toBe("password");
      await page.keyboard.type("open-sesame-and-let-me-in");
      await start.click();
      await active(page, "ready").waitFor();
      const line = await card(page, "ready").locator("code").innerText();
      expect(line).toStartWith('curl -H "Authorization: Bearer $FAULT_TOKEN" --json ');
      expect(await page.content()).not.toContain("open-sesame-and-let-me-in");
      const kept = await page.evaluate(() => [localStorage.length, sessionStorage.length]);
      expect(kept).toEqual([0, 0]);
    },
    TEST_TIMEOUT_MS,
  );

  test(
    "is of use without scripts",
    async () => {
      await using visited = await visit({ javaScriptEnabled: false, viewport: NARROW });
      const { page, complaints } = visited;
      const text = await page.locator("noscript").innerText();
      for (const kind of ["cpu", "logs", "block"]) expect(text).toContain(`"kind":"${kind}"`);
      expect(await page.getByRole("button").count()).toBe(0);
      expect(await overflow(page)).toBe(0);
      expect(complaints).toEqual([]);
    },
    TEST_TIMEOUT_MS,
  );

  test(
    "lets nothing run that it did not bring",
    async () => {
      await using visited = await visit();
      const { page, complaints } = visited;
      await page.evaluate(() => {
        const script = document.createElement("script");
        script.textContent = "document.title = 'taken over'";
        document.body.append(script);
      });
      expect(await page.title()).toBe("Sentinel target");
      expect(complaints).toEqual([expect.stringContaining("Content Security Policy")]);
    },
    TEST_TIMEOUT_MS,
  );

  describe.each(["light", "dark"] as const)("in %s", (colorScheme) => {
    test(
      "fits a window of 360 px and can be read, whatever it shows",
      async () => {
        await using visited = await visit({ colorScheme, viewport: NARROW });
        const { page } = visited;
        const text = "a line without an end".replaceAll(" ", "").repeat(20);
        await card(page, "logs").getByLabel("text").fill(text);
        await button(page, "Start logs").click();
        await active(page, "logs").waitFor();
        await card(page, "cpu").getByLabel("load").fill("900");
        await button(page, "Start cpu").click();
        await card(page, "cpu").getByRole("alert").filter({ hasText: "100" }).waitFor();
        await button(page, "Start ready").click();
        await button(page, "Stop ready").click();
        await page.getByText("cancelled").first().waitFor();
        expect(await overflow(page)).toBe(0);
        expect(await hardToRead(page)).toEqual([]);
        const lightness = await page.evaluate(() => {
          return Number(/\d+/.exec(getComputedStyle(document.body).backgroundColor)?.[0]);
        });
        if (colorScheme === "light") expect(lightness).toBeGreaterThan(200);
        else expect(lightness).toBeLessThan(60);
      },
      TEST_TIMEOUT_MS,
    );
  });
});

function card(page: Page, kind: string): Locator {
  const heading = page.getByRole("heading", { name: kind, exact: true });
  return page.locator("form.card").filter({ has: heading });
}

function active(page: Page, kind: string): Locator {
  const rows = page.getByRole("region", { name: "Active" }).getByRole("listitem");
  return rows.filter({ has: page.getByText(kind, { exact: true }) });
}

function button(page: Page, name: string): Locator {
  return page.getByRole("button", { name, exact: true });
}

async function secondsLeft(row: Locator): Promise<number> {
  const text = await row.innerText();
  const [, minutes, seconds] = /(?:(\d+):)?(\d+) (?:s|min) left/.exec(text) ?? [];
  if (seconds === undefined) throw new Error(`no time is left in ${text}`);
  return Number(minutes ?? 0) * 60 + Number(seconds);
}

/** As a person does: Tab until it has the focus, which has to be seen. */
async function tabTo(page: Page, wanted: Locator): Promise<void> {
  for (let presses = 0; presses < 200; presses += 1) {
    await page.keyboard.press("Tab");
    const outline = await wanted.evaluate((element) => {
      return element === document.activeElement
        ? getComputedStyle(element).outlineStyle
        : undefined;
    });
    if (outline === undefined) continue;
    expect(outline).toBe("solid");
    return;
  }
  throw new Error(`Tab never comes to ${wanted}`);
}

function focused(page: Page): Promise<string | undefined> {
  return page.evaluate(() => document.activeElement?.id);
}

/** By how much one could scroll to the side; px. */
function overflow(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
}

/** What a shell makes of a curl line: the arguments of curl. */
async function argumentsOf(line: string): Promise<readonly string[]> {
  const script = `curl() { printf '%s\\n' "$@"; }\n${line}`;
  const { stdout } = await runToEnd(["sh", "-c", script]);
  return stdout.trimEnd().split("\n");
}

/** The texts that stand out too little from what is behind them, and by how much they do. */
function hardToRead(page: Page): Promise<readonly string[]> {
  return page.evaluate((least) => {
    const channels = (color: string) => (color.match(/[\d.]+/g) ?? []).map(Number);
    const luminance = (color: string) => {
      const [r = 0, g = 0, b = 0] = channels(color).map((channel) => {
        const share = channel / 255;
        return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = (element: Element | null): string => {
      if (element === null) return "rgb(255, 255, 255)";
      const color = getComputedStyle(element).backgroundColor;
      return channels(color)[3] === 0 ? behind(element.parentElement) : color;
    };
    const hasText = (element: Element) =>
      [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent?.trim());
    return [...document.body.querySelectorAll("*")]
      .filter(
        (element) => element.checkVisibility() && (hasText(element) || element.matches("input")),
      )
      .flatMap((element) => {
        const both = [getComputedStyle(element).color, behind(element)].map(luminance);
        const contrast = (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
        const text = `${element.tagName} ${element.textContent?.trim()}: ${contrast.toFixed(2)}`;
        return contrast < least ? [text] : [];
      });
  }, LEAST_CONTRAST);
}
