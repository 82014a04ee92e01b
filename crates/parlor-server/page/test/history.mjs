// Conversations that are kept.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { until } from './stage.mjs';

const row = (page, title) => page.locator('.kept', { hasText: title });

async function pick(page, title, item) {
  await row(page, title).hover();
  await row(page, title).getByRole('button', { name: /What to do/ }).click();
  await page.getByRole('menuitem', { name: item }).click();
}

export default {
  async 'is searched, renamed, exported and deleted'({ visit }) {
    const it = await visit();
    const { page } = it;
    await it.asked('plain', 'A word about marmalade');
    await row(page, 'marmalade').waitFor();
    await page.locator('#search').fill('marmal');
    await page.locator('.kept mark', { hasText: /marmal/i }).first().waitFor();
    await page.locator('#search').fill('nowheretobefound');
    await page.getByText('Nothing has these words.').waitFor();
    await page.locator('#search').fill('');
    await pick(page, 'marmalade', 'Rename');
    await page.getByLabel('Title').fill('Of oranges');
    await page.getByLabel('Title').press('Enter');
    await row(page, 'Of oranges').waitFor();
    const download = page.waitForEvent('download');
    await pick(page, 'Of oranges', 'Export as Markdown');
    const file = await (await download).path();
    assert.match(await readFile(file, 'utf8'), /marmalade/);
    await pick(page, 'Of oranges', 'Delete');
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await row(page, 'Of oranges').waitFor({ state: 'detached' });
    assert.equal(await page.locator('.turn').count(), 0);
    assert.equal(new URL(page.url()).hash, '');
  },

  async 'is the terminal’s, too'({ visit, service }) {
    await service.terminal('chat', '-m', 'stage/plain', 'From the terminal');
    const it = await visit();
    const { page } = it;
    await row(page, 'From the terminal').locator('a').click();
    await page.locator('.prose', { hasText: 'You said: From the terminal' }).waitFor();
    await it.asked('', 'And from the page');
    assert.match(await service.terminal('chat', '--continue', '-m', 'stage/plain', 'And on'), /You said: And on/);
    await page.reload();
    await page.locator('.prose', { hasText: 'You said: And on' }).waitFor();
    // Turns are made when they come into view.
    await until(async () => (await page.locator('.turn').count()) === 3, 5000);
  },

  async 'shows calls of tools, what they gave, and what a turn cost'({ visit }) {
    const { page } = await visit();
    const cost = { amount: 0.00421, currency: 'USD', as_of: '2026-11-21' };
    const usage = { input_tokens: 1204, output_tokens: 356, reasoning_tokens: 100 };
    const messages = [
      { role: 'user', parts: [{ type: 'text', text: 'What is the weather?' }] },
      { role: 'assistant', parts: [{ type: 'tool_call', id: 'a', name: 'weather', arguments: '{"city":"Ulm"}' }, { type: 'tool_call', id: 'b', name: 'broken', arguments: '{' }] },
      { role: 'tool', parts: [{ type: 'tool_result', call_id: 'a', parts: [{ type: 'text', text: '21 degrees' }] }, { type: 'tool_result', call_id: 'b', is_error: true, parts: [{ type: 'text', text: 'no such place' }] }] },
      { role: 'assistant', parts: [{ type: 'text', text: 'It is 21 degrees.' }] },
    ];
    const branch = [{ id: '1', siblings: ['1'], state: 'complete', model: 'stage/plain', usage, cost, messages }];
    const kept = { id: 'tools', title: 'Tools', model: 'plain', createdMs: 1, updatedMs: 1, turns: 1, usage, cost, branch };
    await page.route('**/api/conversations/tools', (route) => route.fulfill({ json: kept }));
    await page.evaluate(() => (location.hash = '#tools'));
    const calls = page.locator('.call');
    await calls.nth(1).waitFor();
    assert.match(await calls.nth(0).locator('summary').innerText(), /weather\s*city: Ulm\s*done/);
    assert.match(await calls.nth(1).locator('summary').innerText(), /broken[^]*failed/);
    await calls.nth(0).locator('summary').click();
    assert.match(await calls.nth(0).innerText(), /"city": "Ulm"[^]*21 degrees/);
    assert.match(await page.locator('.used').innerText(), /1,204 → 356 tokens\s+\$0\.00421/);
    await page.getByTitle('By the prices of Nov 21, 2026', { exact: true }).waitFor();
    assert.equal(await page.locator('.spent').innerText(), '$0.00421');
  },

  async 'of 2,000 turns opens at once'({ visit, tell }) {
    const { page } = await visit();
    const branch = [...Array(2000).keys()].map((n) => ({
      id: String(n + 1), parent: n ? String(n) : undefined, siblings: [String(n + 1)], state: 'complete', usage: {},
      messages: [
        { role: 'user', parts: [{ type: 'text', text: `Question ${n + 1}` }] },
        { role: 'assistant', parts: [{ type: 'text', text: `## Answer ${n + 1}\n\n${'Some **words** of it. '.repeat(20)}\n\n\`\`\`js\nlet n = ${n};\n\`\`\`\n` }] },
      ],
    }));
    const kept = { id: 'many', title: 'Many', model: 'plain', createdMs: 1, updatedMs: 1, turns: 2000, usage: {}, branch };
    await page.route('**/api/conversations/many', (route) => route.fulfill({ json: kept }));
    const since = await worked(page);
    await page.evaluate(() => (location.hash = '#many'));
    await page.getByText('Question 2000').waitFor();
    await page.getByRole('heading', { name: 'Answer 2000' }).waitFor();
    const took = await since();
    tell(`it took ${Math.round(1000 * took)} ms of its thread`);
    assert.ok(took < 1, `it took ${took} s of its thread`);
    assert.ok((await page.locator('.turn').count()) < 40);
    assert.ok(await page.evaluate(() => {
      const main = document.querySelector('main');
      return main.scrollHeight - main.scrollTop - main.clientHeight < 2;
    }), 'it isn’t at its end');
    await page.evaluate(() => document.querySelector('main').scrollTo(0, 0));
    await page.getByRole('heading', { name: 'Answer 1', exact: true }).waitFor();
    assert.ok((await page.locator('.turn').count()) < 40);
    await page.getByRole('button', { name: 'To the end' }).click();
    await page.getByRole('heading', { name: 'Answer 2000' }).waitFor();
  },
};

// Tells how many seconds the page's thread has worked since.
async function worked(page) {
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  const total = async () => (await session.send('Performance.getMetrics')).metrics.find((it) => it.name === 'TaskDuration').value;
  const before = await total();
  return async () => (await total()) - before;
}
