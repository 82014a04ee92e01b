// Tools: asked about, answered, shown.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { AUDIT, AXE } from './safety.mjs';

const POSTED = '{"to":"Oslo","text":"Hello from here"}';

async function waiting(it, question = 'Post a card.') {
  await it.choose('calls');
  await it.ask(question);
  const card = it.page.locator('.call.waits');
  await card.first().waitFor();
  return card;
}

const button = (card, name) => card.getByRole('button', { name });

export default {
  async 'a call waits, is allowed, and its result is shown'({ visit, upstream }) {
    const it = await visit();
    const { page } = it;
    const card = await waiting(it);
    assert.match(await card.innerText(), /post\s+waits for you\s+From program \/bin\/cat\s+Arguments\s+\{\s+"to": "Oslo",\s+"text": "Hello from here"\s+\}/);
    assert.match(await card.innerText(), /No answer by \d\d:\d\d is a no\./);
    assert.equal(upstream.requests.length, 1);
    await button(card, 'Allow once').click();
    await (await it.answer()).getByText('It came to').waitFor();
    assert.equal(upstream.last.body.messages.at(-1).content, POSTED);
    const done = page.locator('.call.done');
    assert.match(await done.innerText(), /post\s+to: Oslo, text: Hello from here\s+done in \d/);
    assert.equal(await done.locator('.answers').count(), 0);
    await done.locator('summary').click();
    assert.match(await done.innerText(), /Result\s+\{\s+"to": "Oslo"/);
    // From the store it looks the same, but for the time.
    await page.reload();
    assert.match(await done.innerText(), /post\s+to: Oslo, text: Hello from here\s+done$/);
    await done.locator('summary').click();
    await done.getByText('program /bin/cat').waitFor();
    // Allowed once, it is asked about again.
    await waiting(it);
    await button(page.locator('.call.waits'), 'Deny').click();
    await it.answer();
  },

  async 'a call that is denied is not run, and the answer goes on'({ visit, upstream }) {
    const it = await visit();
    const { page } = it;
    const card = await waiting(it);
    await button(card, 'Deny').click();
    await (await it.answer()).getByText('It came to: Not run').waitFor();
    assert.match(upstream.last.body.messages.at(-1).content, /the person said no/);
    await page.locator('.call.denied', { hasText: 'denied' }).waitFor();
    await page.reload();
    await page.locator('.call.denied', { hasText: 'denied' }).waitFor();
  },

  async 'allowed for the chat, it is asked about no more there'({ visit }) {
    const it = await visit();
    const { page } = it;
    // What touches nothing runs at once, and two wait side by side.
    const card = await waiting(it, 'A sum, and post twice.');
    await card.nth(1).waitFor();
    assert.equal(await page.locator('.call').count(), 3);
    await button(card.nth(1), 'Always in this chat').click();
    await it.answer();
    assert.equal(await page.locator('.call.done').count(), 3);
    assert.match(await page.locator('.call.done').first().innerText(), /calculator/);
    await it.ask('Post again.');
    await page.locator('.turn').nth(1).locator('.answer > footer').waitFor();
    assert.equal(await page.locator('.call.done').count(), 4);
    assert.equal(await page.locator('.call.waits').count(), 0);
  },

  async 'a reload shows what waits, and another browser may answer'({ visit, browser, service }) {
    const it = await visit();
    const { page } = it;
    await waiting(it);
    await page.reload();
    await page.locator('.call.waits').waitFor();
    const other = await visit();
    await other.page.goto(page.url());
    await other.page.reload();
    await button(other.page.locator('.call.waits'), 'Allow once').click();
    for (const one of [it, other]) {
      await one.page.locator('.call.done').waitFor();
      await one.page.locator('.prose', { hasText: 'It came to' }).waitFor();
    }
    assert.ok(browser.isConnected() && service.url);
  },

  async 'it can be stopped while it waits'({ visit }) {
    const it = await visit();
    const { page } = it;
    await waiting(it);
    await page.locator('[aria-label=Stop]').click();
    await (await it.answer()).getByText('Stopped here.').waitFor();
    await page.locator('.call.denied', { hasText: 'not run' }).waitFor();
    assert.equal(await page.locator('.answers').count(), 0);
  },

  async 'the keyboard answers, and a screen reader is told'({ visit, upstream }) {
    let answers;
    upstream.mayAnswer = new Promise((done) => { answers = done; });
    const it = await visit();
    const { page } = it;
    const { keyboard } = page;
    await it.choose('calls');
    await page.evaluate(() => {
      globalThis.told = [];
      const status = document.querySelector('.foot > [role=status]');
      new MutationObserver(() => told.push(status.textContent)).observe(status, { characterData: true, childList: true, subtree: true });
    });
    await page.locator('#ask').focus();
    await keyboard.type('By keys');
    await keyboard.press('Enter');
    await page.getByRole('group', { name: 'Tool post, waits for you' }).waitFor();
    // Nothing takes the focus by itself.
    assert.equal(await page.evaluate(() => document.activeElement.id), 'ask');
    await keyboard.press('Alt+KeyA');
    await page.locator('button:focus', { hasText: 'Allow once' }).waitFor();
    await keyboard.press('Tab');
    await page.locator('button:focus', { hasText: 'Always in this chat' }).waitFor();
    await keyboard.press('Shift+Tab');
    await keyboard.press('Enter');
    await page.locator('.call.done').waitFor();
    await page.waitForFunction(() => told.includes('post is allowed.')).finally(answers);
    await page.locator('.call summary:focus').waitFor();
    await keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Result' }).waitFor();
    await it.answer();
    const told = await page.evaluate(() => globalThis.told);
    assert.deepEqual(told.slice(0, 3), ['Answering…', 'post waits for your approval.', 'post is allowed.']);
  },

  async 'nothing hides in the arguments'({ visit, upstream }) {
    const it = await visit();
    const { page } = it;
    upstream.card = { to: 'Os\u202elo\u200b', text: '<img src=x onerror=alert(1)>' };
    const card = await waiting(it);
    assert.match(await card.locator('pre').innerText(), /Os\\u\{202e\}lo\\u\{200b\}[^]*<img src=x/);
    assert.equal(await card.locator('img').count(), 0);
    await button(card, 'Deny').click();
    await it.answer();
    assert.equal(await page.locator('.call img').count(), 0);
  },

  async 'axe finds nothing in calls, and a phone shows them whole'({ visit }) {
    const source = await readFile(AXE, 'utf8');
    const looks = [
      { colorScheme: 'light' },
      { colorScheme: 'dark' },
      { colorScheme: 'light', viewport: { width: 390, height: 780 }, hasTouch: true, isMobile: true },
      { colorScheme: 'dark', viewport: { width: 390, height: 780 }, hasTouch: true, isMobile: true },
    ];
    for (const [at, look] of looks.entries()) {
      const it = await visit(look);
      const { page } = it;
      await page.evaluate(source);
      const found = async (where) => {
        if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/${at}-${where}.png` });
        assert.deepEqual(await page.evaluate(AUDIT), [], `${where} of look ${at}`);
        const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(over <= 0, `${where} of look ${at} is ${over} px too wide`);
      };
      const card = await waiting(it, 'A sum, and post twice.');
      await card.nth(1).waitFor();
      await found('waiting');
      await button(card.first(), 'Deny').click();
      await button(card.last(), 'Allow once').click();
      await it.answer();
      await page.locator('.call.done summary').last().click();
      await found('done');
    }
  },
};
