// Who may ask, and from where.

import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Service, under, Visit } from './stage.mjs';

const KEY = 'a-key-for-this-test-alone';

export default {
  async 'a key is asked for, and kept for the tab alone'({ browser, upstream, program }) {
    const locked = new Service(upstream, program);
    const keys = join(locked.folder, 'keys');
    writeFileSync(keys, `${KEY}\n`);
    chmodSync(keys, 0o600);
    await locked.start('--keys', keys);
    const it = await Visit.of(browser, locked.url, { isLocked: true });
    const { page } = it;
    const asked = page.getByRole('dialog', { name: 'This service asks for a key' });
    await asked.getByLabel('Key').fill('a wrong one');
    await asked.getByLabel('Key').press('Enter');
    await asked.getByText('The key that was used is wrong').waitFor();
    await asked.getByLabel('Key').fill(KEY);
    await asked.getByLabel('Key').press('Enter');
    const turn = await it.asked('plain', 'May I?');
    assert.match(await turn.innerText(), /You said: May I\?/);
    const kept = await page.evaluate(() => [location.href, JSON.stringify(localStorage), document.cookie].join());
    assert.ok(!kept.includes(KEY));
    await page.reload();
    await page.locator('.prose', { hasText: 'You said: May I?' }).waitFor();
    await page.getByRole('button', { name: 'Forget the key' }).click();
    await asked.waitFor();
  },

  async 'it works under a path'({ browser, service }) {
    const site = await under('/some/where/', service.url);
    const it = await Visit.of(browser, site.url);
    const missing = [];
    it.page.on('response', (response) => response.status() >= 400 && missing.push(response.url()));
    const turn = await it.asked('thinks', 'From under a path');
    await turn.locator('.thought').waitFor();
    await it.page.reload();
    await it.page.locator('.prose', { hasText: 'It is simple' }).waitFor();
    assert.deepEqual(missing, []);
  },

  async 'the keyboard is enough'({ visit }) {
    const { page } = await visit();
    const { keyboard } = page;
    const focused = () => page.evaluate(() => document.activeElement.getAttribute('aria-label') ?? document.activeElement.id);
    await page.locator('#ask:focus').waitFor();
    await keyboard.press('Alt+KeyM');
    await page.locator('[role=combobox]:focus').waitFor();
    await keyboard.type('pl');
    await keyboard.press('ArrowDown');
    await keyboard.press('ArrowUp');
    await keyboard.press('Enter');
    await page.locator('.model', { hasText: 'plain' }).waitFor();
    await page.locator('#ask').focus();
    await keyboard.type('By keys');
    await keyboard.press('Shift+Enter');
    await keyboard.type('alone');
    await keyboard.press('Enter');
    await page.locator('.prose', { hasText: 'You said: By keys' }).waitFor();
    await page.locator('.answer > footer').waitFor();
    await keyboard.press('ArrowUp');
    assert.equal(await page.locator('#ask').inputValue(), 'By keys\nalone');
    await keyboard.press('Escape');
    assert.equal(await page.locator('#ask').inputValue(), '');
    await keyboard.press('Control+k');
    await page.locator('#search:focus').waitFor();
    await keyboard.press('Tab');
    await keyboard.press('Tab');
    assert.match(await focused(), /What to do with “By keys/);
    await keyboard.press('ArrowDown');
    await page.locator('[role=menuitem]:focus', { hasText: 'Rename' }).waitFor();
    await keyboard.press('End');
    await keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await keyboard.press('Tab');
    await keyboard.press('Enter');
    await page.locator('.turn').waitFor({ state: 'detached' });
    await keyboard.press('Control+/');
    await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
    await keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.reload();
    await page.locator('#ask:focus').waitFor();
    assert.equal(await page.evaluate(() => document.querySelector('a, button, input, textarea').className), 'skip');
    await page.locator('.skip').focus();
    await keyboard.press('Enter');
    assert.equal(await focused(), 'ask');
  },

  async 'its files are packed, tagged and kept'({ service }) {
    const page = await fetch(service.url);
    const html = await page.text();
    assert.equal(page.headers.get('cache-control'), 'no-cache');
    const again = await fetch(service.url, { headers: { 'if-none-match': page.headers.get('etag') } });
    assert.equal(again.status, 304);
    const names = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, name]) => name);
    assert.equal(names.length, 4);
    for (const name of names) {
      assert.doesNotMatch(name, /^\/|:/);
      const file = await fetch(service.url + name);
      assert.equal(file.status, 200, name);
      assert.match(file.headers.get('cache-control'), /immutable/);
      assert.equal(file.headers.get('content-encoding'), name.endsWith('.svg') ? null : 'gzip');
    }
  },
};
