import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { htmlOf, sampleReport } from "../cli/report/sample-report.js";
import { temporaryDirectory } from "../cli/temporary-directory.js";
import { openBrowser, overflows, overlappingTexts, PAPER_COLOR } from "./browser.js";

for (const [what, reports] of [
  ["a run", [sampleReport("AMD EPYC")]],
  ["two runs", [sampleReport("AMD EPYC"), sampleReport("AMD EPYC", 2)]],
] as const) {
  test(`the report of ${what} opens from the disk and can be read`, async (context) => {
    const opened = await openBrowser(context);
    if (opened === null) return;
    const { browser, requests, errors } = opened;
    const path = join(temporaryDirectory(context), "report.html");
    writeFileSync(path, htmlOf(...reports));
    const page = await browser.newPage();
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      await page.goto(pathToFileURL(path).href);
      assert.deepEqual(await overlappingTexts(page), []);
      assert.equal(await overflows(page), false);
    }
    assert.deepEqual(
      [...new Set(requests)],
      [pathToFileURL(path).href],
      "it asks for nothing else",
    );
    assert.deepEqual(errors, []);
    await page.setViewportSize({ width: 420, height: 800 });
    assert.equal(await overflows(page), false, "a telephone scrolls tables, not the page");
    await page.emulateMedia({ media: "print", colorScheme: "dark" });
    await page.setViewportSize(PAPER);
    assert.deepEqual(await page.evaluate(CUT_OFF), [], "paper does not scroll");
    assert.equal(await page.evaluate(PAPER_COLOR), "rgb(255, 255, 255)", "paper is white");
  });
}

test("text and lines have contrast on the page, in light and in dark", async (context) => {
  const opened = await openBrowser(context);
  if (opened === null) return;
  const page = await opened.browser.newPage();
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    await page.setContent(htmlOf(sampleReport("words")));
    const weak: string[] = await page.evaluate(WEAK_COLORS);
    assert.deepEqual(weak, [], colorScheme);
  }
});

/** A page of A4 without its margins, in pixels of 1/96 inch. */
const PAPER = { width: 688, height: 1_000 };

/** Tables and drawings that are wider than the page. */
const CUT_OFF = `[...document.querySelectorAll("table, svg")]
  .filter((element) => element.getBoundingClientRect().right > window.innerWidth + 1)
  .map((element) => element.textContent.slice(0, 80))`;

/** The colours of the palette whose contrast with the page is below 4.5 (WCAG 2, 1.4.3). */
const WEAK_COLORS = `(() => {
  const style = getComputedStyle(document.documentElement);
  const luminance = (name) => {
    const hex = style.getPropertyValue(name).trim();
    const parts = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255);
    const [r, g, b] = parts.map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const series = Array.from({ length: 8 }, (_, index) => "--series-" + index);
  const names = ["--text", "--quiet", "--good", "--bad", "--cut", "--catch", ...series];
  return names.filter((name) => {
    const [light, dark] = [luminance(name), luminance("--paper")].sort((a, b) => b - a);
    return !((light + 0.05) / (dark + 0.05) >= 4.5);
  });
})()`;
