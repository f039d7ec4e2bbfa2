// Looks at every page as a browser shows it; called by pages.sh.
//
// usage: node pages.mjs BROWSER URL-OF-SERVE URL-OF-SITE SHOTS-FOLDER

import { readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const [browser, served, site, shots] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
let failed = false;
function check(what, holds, more = "") {
  console.log(`${holds ? "PASS" : "FAIL"} ${what}${holds ? "" : ` ${more}`}`);
  failed ||= !holds;
}

const pages = {
  "look-up": `${served}/`,
  "an answer": `${served}/?q=198.18.0.1%20Sql.WestEurope%20192.0.2.200`,
  "an answer to nonsense": `${served}/?q=%3Cscript%3Ealert(1)%3C/script%3E`,
  tags: `${served}/tags/`,
  "a tag": `${served}/tags/public/Storage.WestEurope/`,
  changes: `${served}/changes/`,
  environments: `${served}/environments/`,
  "an environment": `${served}/environments/training/`,
  "what passes": `${served}/environments/training/explain/`,
  "what passes to a tag": `${served}/environments/training/explain/?direction=outbound&far=Sql.WestEurope&protocol=any&port=`,
  "a host": `${served}/?q=features.example.com`,
  report: `${served}/v1/environments/training/report.html`,
  "static look-up": `${site}/`,
  "static answer": `${site}/?q=198.18.0.1%20192.0.2.0/23%202001:db8:1::1%20::ffff:203.0.113.1%2010.1.2.3%20nonsense`,
  "static tag": `${site}/tags/public/Storage.WestEurope/`,
  "static changes": `${site}/changes/`,
  "static environment": `${site}/environments/training/`,
};

const chrome = await chromium.launch({ executablePath: browser, args: ["--no-sandbox"] });

async function look(name, url, width, colorScheme) {
  const context = await chrome.newContext({ viewport: { width, height: 900 }, colorScheme });
  const page = await context.newPage();
  const said = [];
  page.on("console", (message) => said.push(message.text()));
  page.on("pageerror", (error) => said.push(String(error)));
  page.on("dialog", (dialog) => { said.push(`a dialog: ${dialog.message()}`); return dialog.dismiss(); });
  const answer = await page.goto(url);
  const what = `${name}, ${width} wide, ${colorScheme}`;
  check(`${what}: opens`, answer.status() === 200, answer.status());
  check(`${what}: no word on the console`, said.length === 0, said.join("; "));
  await page.waitForLoadState("networkidle");
  const wide = await page.evaluate(() => document.scrollingElement.scrollWidth - document.documentElement.clientWidth);
  check(`${what}: the page is not moved sideways`, wide <= 0, `by ${wide}`);
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  const found = violations.map((one) => `${one.id} (${one.nodes[0].html.slice(0, 80)})`);
  check(`${what}: axe finds nothing`, found.length === 0, found.join("; "));
  await page.screenshot({ path: `${shots}/${what.replaceAll(/[ ,]+/g, "-")}.png`, fullPage: true });
  await context.close();
}

for (const [name, url] of Object.entries(pages)) {
  for (const width of [390, 1280]) {
    for (const scheme of ["light", "dark"]) await look(name, url, width, scheme);
  }
}

// With the keyboard, and without script.
const page = await chrome.newPage();
await page.goto(pages.tags);
await page.keyboard.press("Tab");
const first = await page.evaluate(() => document.activeElement.textContent);
check("keyboard: the first stop skips to the content", /skip/i.test(first), first);
const plain = await (await chrome.newContext({ javaScriptEnabled: false })).newPage();
await plain.goto(pages["look-up"]);
await plain.fill("[name=q]", "198.18.0.1");
await plain.click("main button");
check("without script: the answer stands in the address", plain.url().includes("198.18.0.1"), plain.url());
const verdict = await plain.textContent("main");
check("without script: it names the tag and the rule's environment", verdict.includes("Storage.WestEurope") && verdict.includes("training"), verdict.slice(0, 300));
await plain.goto(pages["an answer to nonsense"]);
check("what was asked is shown as text", (await plain.content()).includes("&lt;script&gt;alert(1)"));

// The same answers from the copy as files, by its script, as from the server.
const tags = (text) => [...text.matchAll(/\/tags\/public\/([^/]+)\//g)].map((match) => match[1]).sort();
for (const asked of ["198.18.0.1", "198.18.0.0/30", "192.0.2.0/23", "2001:db8:1::1", "::ffff:203.0.113.1", "10.1.2.3", "203.0.113.64"]) {
  await page.goto(`${site}/?q=${asked}`);
  await page.waitForSelector("#answers h2");
  const own = tags(await page.innerHTML("#answers"));
  const theirs = (await (await fetch(`${served}/v1/lookup?ip=${asked}`)).json()).results[0].tags.map((one) => one.name).sort();
  // Of a prefix that is in part in a tag there may be several of that tag's prefixes.
  check(`static look-up of ${asked}: as the server`, [...new Set(own)].join() === [...new Set(theirs)].join(), `${own} and not ${theirs}`);
}

// From an answer to what all rules of an environment together let through.
await page.goto(pages["an answer"]);
await page.click("text=what passes");
check("an answer leads to what passes", /(Some|Everything).*passes to/.test(await page.textContent("main")), page.url());
await page.goto(pages.report);
const report = await page.textContent("main");
check("report: what changed stands behind the verdict", /Verdict[\s\S]*What changed since last time[\s\S]*What to do next/.test(report));
check("report: the weeks have a picture, and a limit its day", /What the weeks changed/.test(report) && /full about 20\d\d/.test(report));

// On paper.
for (const name of ["an answer", "a tag", "an environment", "what passes to a tag", "report"]) {
  await page.goto(pages[name]);
  await page.pdf({ path: `${shots}/page.pdf`, format: "A4" });
  const bytes = readFileSync(`${shots}/page.pdf`, "latin1");
  const sheets = bytes.split(/\/Type\s*\/Page\b/).length - 1;
  check(`${name}: prints`, sheets >= 1 && sheets < 30 && statSync(`${shots}/page.pdf`).size > 5000, `${sheets} sheets`);
}
await chrome.close();
process.exit(failed ? 1 : 0);
