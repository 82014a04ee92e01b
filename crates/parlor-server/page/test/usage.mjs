// The usage page: what was used, how everything fares, and requests as they end.

import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AUDIT, AXE } from './safety.mjs';
import { Service, under, until, Visit } from './stage.mjs';

const OPERATOR = 'a-key-of-those-who-run-it';

// A request as any client sends one.
async function ask(service, model, key) {
  const headers = { 'content-type': 'application/json', ...(key && { authorization: `Bearer ${key}` }) };
  const body = JSON.stringify({ model, messages: [{ role: 'user', content: 'a word in private' }] });
  const answer = await fetch(`${service.url}v1/chat/completions`, { method: 'POST', headers, body });
  await answer.text();
}

// The service counts what has ended within moments.
const counted = (service, number, key) => until(async () => {
  const headers = key ? { authorization: `Bearer ${key}` } : {};
  const told = await (await fetch(`${service.url}api/usage/series`, { headers })).json();
  return told.sum.requests >= number;
}, 10_000);

// A service of the test's own, so that it is known what was asked.
async function own({ upstream, program }, run, ...options) {
  const service = new Service(upstream, program);
  const more = options.flatMap((it) => it(service));
  await service.start(...more);
  await run(service);
}

const locked = (service) => {
  const keys = join(service.folder, 'keys');
  writeFileSync(keys, `${OPERATOR}\n`);
  chmodSync(keys, 0o600);
  return ['--keys', keys];
};

const open = (browser, service, options = {}, path = 'usage') =>
  Visit.of(browser, service.url + path, { isLocked: true, ...options });

const tile = (page, name) => page.locator('.tiles > div', { has: page.locator('dt', { hasText: name }) }).locator('b');

export default {
  async 'before the first request it says how to send one, then shows it'(given) {
    await own(given, async (service) => {
      const { page } = await open(given.browser, service);
      await page.getByRole('heading', { name: 'No request in the last day' }).waitFor();
      const curl = await page.locator('.try pre').innerText();
      assert.ok(curl.includes(`curl ${service.url}v1/chat/completions`), curl);
      await page.getByText('None since the service began.').waitFor();
      await ask(service, 'plain');
      // Without a reload: at the end of the tail, and soon in the figures.
      await page.locator('.requests tbody tr', { hasText: 'stage/plain' }).waitFor();
      await tile(page, 'Requests').waitFor();
      assert.equal(await tile(page, 'Requests').innerText(), '1');
      assert.equal(await page.locator('.try').count(), 0);
    });
  },

  async 'its figures are what was asked'(given) {
    await own(given, async (service) => {
      for (const model of ['plain', 'plain', 'thinks', 'fails', 'cut']) await ask(service, model);
      await counted(service, 5);
      const { page } = await open(given.browser, service);
      await tile(page, 'Requests').waitFor();
      assert.equal(await tile(page, 'Requests').innerText(), '5');
      assert.equal(await tile(page, 'Failed').innerText(), '40 %');
      // Nobody knows what the stage's models cost.
      assert.equal(await tile(page, 'Cost').innerText(), '—');
      const row = page.locator('.sums tbody tr', { hasText: 'stage/plain' });
      assert.match(await row.innerText(), /stage\/plain\s+2\s+0 %\s+24\s+68\s+—\s+\d.* ms/);
      const failures = await page.locator('.failures').innerText();
      assert.match(failures, /invalid request\s+1/);
      assert.match(failures, /truncated\s+1/);
      // A plot in words, and as a table.
      const plot = page.locator('.plot', { hasText: 'Requests' }).first();
      assert.match(await plot.getByRole('img').getAttribute('aria-label'), /^Requests in the last day, 5; most at .+: \d\.$/);
      await plot.locator('summary').click();
      const cells = await plot.locator('tbody td:last-child').allInnerTexts();
      assert.equal(cells.reduce((sum, it) => sum + Number(it), 0), 5);
      // What is pointed at is read out.
      const box = await plot.locator('.canvas').boundingBox();
      await page.mouse.move(box.x + box.width - 3, box.y + 60);
      await plot.locator('.readout', { hasText: 'stage/plain' }).waitFor();
      await page.getByRole('radio', { name: 'Provider' }).check();
      await page.locator('.sums tbody th', { hasText: /^stage$/ }).waitFor();
      await page.getByRole('radio', { name: 'Hour' }).check();
      assert.match(page.url(), /#range=hour&by=provider$/);
      await page.getByRole('img', { name: /^Requests in the last hour, 5/ }).waitFor();
      await page.reload();
      await page.getByRole('img', { name: /^Requests in the last hour, 5/ }).waitFor();
    });
  },

  async 'the tail is paused and goes on where it was'(given) {
    await own(given, async (service) => {
      const { page } = await open(given.browser, service);
      const rows = page.locator('.requests tbody tr');
      await ask(service, 'plain');
      await rows.filter({ hasText: 'stage/plain' }).waitFor();
      await page.getByRole('button', { name: 'Pause' }).click();
      await page.getByText('paused', { exact: true }).waitFor();
      await ask(service, 'fails');
      await ask(service, 'thinks');
      await counted(service, 3);
      assert.equal(await rows.count(), 1);
      await page.getByRole('button', { name: 'Go on' }).click();
      await until(async () => (await rows.count()) === 3, 5000);
      const told = await rows.allInnerTexts();
      assert.match(told[0], /stage\/thinks/);
      assert.match(told[1], /stage\/fails.+invalid request/s);
      assert.match(told[2], /stage\/plain.+12 → 34/s);
      // Nothing of what was said is here.
      assert.ok(!(await page.content()).includes('a word in private'));
    });
  },

  async 'it says which provider fails, and how'(given) {
    await own(given, async (service) => {
      for (let n = 0; n < 3; n += 1) await ask(service, 'cut');
      const { page } = await open(given.browser, service);
      const provider = page.locator('.things > li', { has: page.locator('b', { hasText: /^stage$/ }) });
      await provider.getByText('down').waitFor();
      assert.match(await provider.innerText(), /Stage failed 3 times in a row, last \d+ s ago \(truncated\)/);
      await ask(service, 'plain');
      await page.reload();
      await provider.getByText('ready').waitFor();
      assert.match(await provider.innerText(), /last failed \d+ s ago with truncated, well since/);
    });
  },

  async 'a key that was given out sees its own'(given) {
    await own(given, async (service) => {
      const made = await service.terminal('serve', 'keys', 'add', 'team');
      const key = /sk-parlor-\w+/.exec(made)[0];
      await ask(service, 'plain', key);
      await ask(service, 'thinks', OPERATOR);
      await counted(service, 2, OPERATOR);
      const { page } = await open(given.browser, service);
      const asked = page.getByRole('dialog', { name: 'This service asks for a key' });
      await asked.getByLabel('Key').fill(key);
      await asked.getByLabel('Key').press('Enter');
      await tile(page, 'Requests').waitFor();
      assert.equal(await tile(page, 'Requests').innerText(), '1');
      await page.getByText('These are the figures of your key.').waitFor();
      assert.equal(await page.getByRole('heading', { name: 'Status' }).count(), 0);
      const rows = page.locator('.requests tbody tr');
      await rows.filter({ hasText: 'stage/plain' }).waitFor();
      assert.equal(await rows.count(), 1);
      await page.getByRole('button', { name: 'Forget the key' }).click();
      await asked.getByLabel('Key').fill(OPERATOR);
      await asked.getByLabel('Key').press('Enter');
      await page.getByRole('heading', { name: 'Status' }).waitFor();
      assert.equal(await tile(page, 'Requests').innerText(), '2');
      await until(async () => (await rows.count()) === 2, 5000);
    }, locked);
  },

  async 'a service that is away is said to be, and found again'(given) {
    const { page } = await open(given.browser, given.service);
    await page.locator('.choice').first().waitFor();
    await page.locator('.live').waitFor();
    await page.route('**/api/usage/series*', (route) => route.abort());
    await page.getByRole('radio', { name: 'Week' }).check();
    await page.getByRole('alert').getByText('The service doesn’t answer.').waitFor();
    await page.unroute('**/api/usage/series*');
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('alert').waitFor({ state: 'detached' });
  },

  async 'it is reached from the chat and back, under a path, by keyboard'({ browser, service }) {
    const site = await under('/some/where/', service.url);
    const it = await Visit.of(browser, site.url);
    const { page } = it;
    const missing = [];
    page.on('response', (response) => response.status() >= 400 && missing.push(response.url()));
    await page.getByRole('link', { name: 'Usage' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Usage', exact: true }).waitFor();
    assert.ok(page.url().startsWith(`${site.url}usage`));
    await page.locator('.live').waitFor();
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement.className), 'skip');
    await page.keyboard.press('Enter');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'sums');
    await page.keyboard.press('Tab');
    await page.keyboard.press('ArrowRight');
    assert.ok(await page.getByRole('radio', { name: 'Week' }).isChecked());
    await page.getByRole('link', { name: 'Chat', exact: true }).focus();
    await page.keyboard.press('Enter');
    await page.locator('.model').waitFor();
    assert.deepEqual(missing, []);
  },

  async 'axe finds nothing in light, dark and on a phone'(given) {
    const source = await readFile(AXE, 'utf8');
    const phone = { viewport: { width: 390, height: 780 }, hasTouch: true, isMobile: true };
    await own(given, async (service) => {
      const looks = [{ colorScheme: 'light' }, { colorScheme: 'dark' }, { colorScheme: 'light', ...phone }, { colorScheme: 'dark', ...phone }];
      const look = async (what, wanted, act) => {
        for (const [at, options] of looks.entries()) {
          const { page } = await open(given.browser, service, options);
          await page.locator(wanted).first().waitFor();
          await act?.(page);
          await page.evaluate(source);
          assert.deepEqual(await page.evaluate(AUDIT), [], `${what} of look ${at}`);
          const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
          assert.ok(over <= 0, `${what} of look ${at} is ${over} wider than it may be`);
        }
      };
      await look('empty', '.try');
      for (const model of ['plain', 'thinks', 'fails', 'cut', 'nowhere/to/be/found']) await ask(service, model);
      await counted(service, 5);
      await look('figures', '.requests tr', async (page) => {
        for (const summary of await page.locator('.plot summary').all()) await summary.click();
        await page.getByRole('button', { name: 'Pause' }).click();
      });
    });
  },
};
