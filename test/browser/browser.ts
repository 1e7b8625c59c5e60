import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { chromium } from "playwright-core";
import type { BrowserContext, Page } from "playwright-core";
import { afterwards, temporaryDirectory } from "../cli/temporary-directory.js";

/** Debian's. It must not be one that a package downloads: those come from elsewhere. */
const CHROMIUM_PATH = "/usr/bin/chromium";

/** It runs as root in containers, has no screen, and is to talk to nobody but the page's server. */
const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const VIEWPORT = { width: 1_280, height: 900 };

/** A browser of its own, closed after the test; and every address that its pages asked for. */
interface TestBrowser {
  readonly browser: BrowserContext;
  readonly requests: readonly string[];
  /** What pages wrote to their console as an error, and what their scripts threw. */
  readonly errors: readonly string[];
}

/**
 * Opens a browser, or skips the test where none is installed and says how to get one. In CI, which
 * installs one, its absence is a failure.
 */
export async function openBrowser(context: TestContext): Promise<TestBrowser | null> {
  if (!existsSync(CHROMIUM_PATH)) {
    const remedy = `no browser at ${CHROMIUM_PATH}: apt-get install chromium`;
    assert.equal(process.env["CI"], undefined, remedy);
    context.skip(`NOT TESTED: ${remedy}`);
    return null;
  }
  const profile = join(temporaryDirectory(context), "profile");
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath: CHROMIUM_PATH,
    args: FLAGS,
    viewport: VIEWPORT,
  });
  afterwards(context, () => browser.close());
  const requests: string[] = [];
  const errors: string[] = [];
  browser.on("request", (request) => requests.push(request.url()));
  browser.on("weberror", (error) => errors.push(error.error().message));
  browser.on("console", (message) => {
    if (message.type() === "error") errors.push(message.text());
  });
  return { browser, requests, errors };
}

/** What a page's script finds behind its text: white in print, whatever the reader prefers. */
export const PAPER_COLOR = "getComputedStyle(document.body).backgroundColor";

/** Whether the page is wider than its window: something in it then needs a scroll bar. */
export async function overflows(page: Page): Promise<boolean> {
  return page.evaluate("document.documentElement.scrollWidth > window.innerWidth");
}

/**
 * Pairs of texts in drawings that cover each other, as their words; empty when all can be read.
 */
export async function overlappingTexts(page: Page): Promise<string[]> {
  return page.evaluate(`[...document.querySelectorAll("svg")].flatMap((svg) => {
    const boxes = [...svg.querySelectorAll("text")]
      .map((text) => ({ words: text.textContent.trim(), box: text.getBoundingClientRect() }))
      .filter(({ words, box }) => words !== "" && box.width > 0);
    const pairs = [];
    for (const [index, a] of boxes.entries()) {
      for (const b of boxes.slice(index + 1)) {
        const width = Math.min(a.box.right, b.box.right) - Math.max(a.box.left, b.box.left);
        const height = Math.min(a.box.bottom, b.box.bottom) - Math.max(a.box.top, b.box.top);
        if (width > 1 && height > 3) pairs.push(a.words + " | " + b.words);
      }
    }
    return pairs;
  })`);
}
