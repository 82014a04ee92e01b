// The page in a headless Chromium: node test/run.mjs [words of the names of tests]
// Needs the program as PARLOR, or built in the workspace's target; skips where there is no browser.

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { browserPath, stage, stopAll, Visit } from './stage.mjs';

const program = process.env.PARLOR
  ?? fileURLToPath(new URL(`../../../../${process.env.CARGO_TARGET_DIR ?? 'target'}/debug/parlor`, import.meta.url));

function skip(why) {
  console.log(`skipped: the tests of the page: ${why}`);
  process.exit(0);
}

const executablePath = browserPath();
if (!executablePath) skip('there is no Chromium (apt-get install chromium, or CHROMIUM=…)');
if (!existsSync(program)) skip(`there is no program at ${program} (cargo build -p parlor-cli, or PARLOR=…)`);
const { chromium } = await import('playwright-core').catch(() => skip('playwright-core isn’t installed (npm ci)'));

const files = ['talk', 'history', 'safety', 'access', 'tools', 'usage', 'speed'];
const cases = [];
for (const file of files) {
  const { default: tests } = await import(`./${file}.mjs`);
  for (const [name, run] of Object.entries(tests)) cases.push({ name: `${file}: ${name}`, run });
}
const wanted = process.argv.slice(2).join(' ');

const began = performance.now();
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
const { upstream, service } = await stage(program);
let failed = 0;
let passed = 0;
for (const { name, run } of cases.filter((it) => it.name.includes(wanted))) {
  const at = performance.now();
  let error = null;
  let told = '';
  try {
    upstream.reset();
    await run({
      tell: (text) => { told = `: ${text}`; }, browser, upstream, service, program,
      visit: (options, path = '') => Visit.of(browser, service.url + path, options),
    });
  } catch (thrown) {
    error = thrown;
  }
  // Of all tests: nothing is asked of anybody else, and no policy is broken.
  const troubles = await Visit.endAll();
  stopAll();
  if (troubles.length) error = new Error([...troubles, error?.stack].join('\n'));
  console.log(`${error ? 'FAILED' : 'ok'}  ${name} (${Math.round(performance.now() - at)} ms)${told}`);
  if (error) console.log(`    ${(error.stack ?? String(error)).replaceAll('\n', '\n    ')}`);
  if (error) failed += 1;
  else passed += 1;
}
await browser.close();
service.stop();
upstream.stop();
const seconds = ((performance.now() - began) / 1000).toFixed(1);
console.log(`test result: ${failed ? 'FAILED' : 'ok'}. ${passed} passed; ${failed} failed; finished in ${seconds}s`);
process.exit(failed ? 1 : 0);
