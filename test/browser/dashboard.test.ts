import assert from "node:assert/strict";
import { test } from "node:test";
import { newCluster, Program } from "../cli/program.js";
import { afterwards } from "../cli/temporary-directory.js";
import { openBrowser, overflows, overlappingTexts, PAPER_COLOR } from "./browser.js";

/** Long, because others may use the machine; nothing waits for it when all is well. */
const WAIT = { timeout: 120_000 };

test("the dashboard shows a view change as it happens, and outlives it all", async (context) => {
  const opened = await openBrowser(context);
  if (opened === null) return;
  const { browser, requests, errors } = opened;
  const dir = await newCluster(context);
  const words = ["--dashboard", "--dashboard-port", "0", "--allow-faults", "--json"];
  const up = new Program(["up", dir, ...words]);
  afterwards(context, async () => {
    up.process.kill("SIGTERM");
    await up.ended;
  });
  const { dashboard } = JSON.parse(await up.line()) as { dashboard: string };
  const page = await browser.newPage();
  await page.goto(dashboard);
  const card = (replica: number) => page.locator(`[data-replica="${replica}"]`);
  await card(3).getByText("serving", { exact: true }).waitFor(WAIT);
  await card(0).getByText("primary", { exact: true }).waitFor(WAIT);
  await page.locator("#flow .arrow.commit").first().waitFor(WAIT);
  for (const kind of ["request", "pre-prepare", "prepare", "commit", "reply"]) {
    await page
      .locator(`#flow .arrow.${kind}`)
      .first()
      .waitFor({ ...WAIT, state: "attached" });
  }
  await card(0).getByRole("button", { name: "Cut off" }).click();
  await card(0).getByText("cut off", { exact: true }).waitFor(WAIT);
  await card(1).getByText("primary", { exact: true }).waitFor(WAIT);
  assert.match((await page.locator("#summary").textContent()) ?? "", /led by replica 1\. 3 of 4/);
  await card(0).getByRole("button", { name: "Heal" }).click();
  await card(0).getByText("serving", { exact: true }).waitFor(WAIT);
  await card(2).getByRole("button", { name: "Crash" }).click();
  await card(2).getByText("crashed", { exact: true }).waitFor(WAIT);
  await card(3).getByRole("button", { name: "Crash" }).click();
  await page.getByText("2 of 4 replicas take part").waitFor(WAIT);
  // More than f are gone: nothing is answered, and the page says so.
  await page.getByText("so far had no answer in time").waitFor(WAIT);
  for (const replica of [2, 3]) {
    await card(replica).getByRole("button", { name: "Restart" }).click();
    await card(replica).getByText("serving", { exact: true }).waitFor(WAIT);
  }
  await page.getByText("4 of 4 replicas take part").waitFor(WAIT);
  assert.equal(await overflows(page), false);
  assert.deepEqual(await overlappingTexts(page), []);
  await page.emulateMedia({ media: "print", colorScheme: "dark" });
  assert.equal(await page.evaluate(PAPER_COLOR), "rgb(255, 255, 255)", "paper is white");
  await page.emulateMedia({ media: "screen" });
  await page.setViewportSize({ width: 420, height: 800 });
  assert.equal(await overflows(page), false, "it fits a telephone");
  assert.deepEqual(errors, []);
  assert.ok(
    requests.every((url) => url.startsWith(dashboard)),
    requests.join(),
  );
  up.process.kill("SIGTERM");
  await page.getByText("the cluster's supervisor is gone").waitFor(WAIT);
});
