// Asking and being answered.

import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { Service, until, Visit } from './stage.mjs';

export default {
  async 'a question is answered, with what it took'({ visit, upstream }) {
    const it = await visit();
    const { page } = it;
    const turn = await it.asked('plain', 'Hello there');
    assert.equal(await turn.locator('.prose').innerText(), 'You said: Hello there');
    assert.match(await turn.locator('.used').innerText(), /plain\s+12 → 34 tokens/);
    assert.equal(upstream.last.body.model, 'plain');
    assert.match(page.url(), /#\w+$/);
  },

  async 'stop ends the upstream within 300 ms and keeps the text'({ visit, upstream, tell }) {
    const it = await visit();
    const { page } = it;
    await it.choose('slow');
    await it.ask('Say much.');
    await page.locator('.prose', { hasText: 'steady answers come' }).waitFor();
    const stopped = performance.now();
    await page.evaluate(() => document.querySelector('[aria-label=Stop]').click());
    await until(() => upstream.last.left, 2000);
    const took = upstream.last.left - stopped;
    tell(`it took ${took.toFixed(0)} ms`);
    assert.ok(took <= 300, `it took ${took} ms`);
    const turn = await it.answer();
    await turn.getByText('Stopped here.').waitFor();
    const text = await turn.locator('.prose').innerText();
    assert.ok(text.length > 20);
    await page.reload();
    assert.equal(await (await it.answer()).locator('.prose').innerText(), text);
  },

  async 'Escape stops, too'({ visit, upstream }) {
    const it = await visit();
    const { page } = it;
    await it.choose('slow');
    await it.ask('Say much.');
    await page.locator('.prose', { hasText: 'calm' }).waitFor();
    await page.keyboard.press('Escape');
    await (await it.answer()).getByText('Stopped here.').waitFor();
    assert.ok(upstream.last.left);
  },

  async 'a reload goes on where the answer is'({ visit, upstream }) {
    const it = await visit();
    const { page } = it;
    await it.choose('slow');
    await it.ask('Go on.');
    await page.locator('.prose', { hasText: 'steady' }).waitFor();
    await page.reload();
    await page.locator('.prose', { hasText: 'steady' }).waitFor();
    const before = (await page.locator('.prose').innerText()).length;
    await until(async () => (await page.locator('.prose').innerText()).length > before, 5000);
    assert.equal(upstream.requests.length, 1);
    await page.locator('[aria-label=Stop]').click();
    await it.answer();
  },

  async 'a failure says what to do, and can be tried again'({ visit, upstream }) {
    const it = await visit();
    const { page } = it;
    const turn = await it.asked('fails', 'Will this work?');
    const trouble = turn.locator('.trouble');
    assert.match(await trouble.innerText(), /This model only fails\..+Try again/s);
    const before = upstream.requests.length;
    await it.choose('plain');
    await page.locator('.turn').last().getByRole('button', { name: 'Try again' }).click();
    await page.locator('.prose', { hasText: 'You said: Will this work?' }).waitFor();
    assert.equal(upstream.requests.length, before + 1);
  },

  async 'an answer that breaks off is kept, and said to be broken'({ visit }) {
    const it = await visit();
    const turn = await it.asked('cut', 'Begin.');
    assert.match(await turn.locator('.prose').innerText(), /This breaks off/);
    await turn.locator('.trouble').waitFor();
  },

  async 'thoughts are folded until they are wanted'({ visit }) {
    const it = await visit();
    const turn = await it.asked('thinks', 'Think.');
    assert.equal(await turn.locator('.thought .prose').count(), 0);
    await turn.locator('.thought summary').click();
    assert.match(await turn.locator('.thought .prose').innerText(), /First I look/);
    assert.equal(await turn.locator('.thought strong').innerText(), 'simple');
    assert.equal(await turn.locator('.answer > .prose').innerText(), 'It is simple: 42.');
  },

  async 'an edited question and another answer are branches'({ visit }) {
    const it = await visit();
    const { page } = it;
    await it.asked('plain', 'first');
    const question = page.locator('.question').last();
    await question.hover();
    await question.getByRole('button', { name: 'Edit and ask again' }).click();
    assert.equal(await page.locator('#ask').inputValue(), 'first');
    await it.ask('second');
    await page.locator('.prose', { hasText: 'You said: second' }).waitFor();
    const branches = (await it.answer()).locator('.branches');
    assert.match(await branches.innerText(), /2\/2/);
    await branches.getByRole('button', { name: 'Earlier version' }).click();
    await page.locator('.prose', { hasText: 'You said: first' }).waitFor();
    await page.getByRole('button', { name: 'Answer again' }).click();
    await page.getByText('3/3').waitFor();
    assert.equal(await page.locator('.turn').count(), 1);
    assert.match(await page.locator('.bubble').innerText(), /first/);
    await page.reload();
    await page.getByText('3/3').waitFor();
  },

  async 'a question in the address is put in, and never sent'({ visit, upstream }) {
    const { page } = await visit({}, '?q=Is%20this%20%3Cb%3Esent%3C/b%3E%3F');
    assert.equal(await page.locator('#ask').inputValue(), 'Is this <b>sent</b>?');
    await page.locator('.model', { hasText: /\w/ }).waitFor();
    assert.equal(upstream.requests.length, 0);
    assert.equal(new URL(page.url()).search, '');
  },

  async 'a draft is kept'({ visit }) {
    const it = await visit();
    const { page } = it;
    await it.asked('plain', 'A beginning');
    await page.locator('#ask').fill('not yet sent');
    await page.reload();
    await page.locator('.bubble').waitFor();
    assert.equal(await page.locator('#ask').inputValue(), 'not yet sent');
  },

  async 'what is dropped is sent and shown, and how much to think is chosen'({ browser, program, upstream }) {
    const service = new Service(upstream, program);
    // A model that takes them all, of a provider that the upstream stands in for.
    appendFileSync(service.config, `sees = "gemini/gemini-2.5-flash"\n[providers.gemini]\ntype = "openai-chat"\nbase_url = "${upstream.url}"\napi_key_env = "STAGE_KEY"\n`);
    await service.start();
    const it = await Visit.of(browser, service.url);
    const { page } = it;
    await it.choose('sees');
    await page.evaluate(async () => {
      const data = new DataTransfer();
      const dot = Uint8Array.from(atob('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='), (it) => it.charCodeAt(0));
      data.items.add(new File([dot], 'dot.png', { type: 'image/png' }));
      data.items.add(new File(['%PDF-1.4\n%%EOF'], 'page.pdf', { type: 'application/pdf' }));
      // A second of silence: what it is, how long, one channel of 8,000 bytes a second, and these.
      const head = new DataView(new ArrayBuffer(44));
      for (const [at, word] of [[0, 'RIFF'], [8, 'WAVE'], [12, 'fmt '], [36, 'data']]) {
        for (let n = 0; n < 4; n += 1) head.setUint8(at + n, word.charCodeAt(n));
      }
      for (const [at, number] of [[4, 8036], [16, 16], [24, 8000], [28, 8000], [40, 8000]]) head.setUint32(at, number, true);
      for (const [at, number] of [[20, 1], [22, 1], [32, 1], [34, 8]]) head.setUint16(at, number, true);
      data.items.add(new File([head, new Uint8Array(8000).fill(128)], 'hush.wav', { type: 'audio/wav' }));
      const canvas = document.createElement('canvas');
      canvas.getContext('2d').fillRect(0, 0, 9, 9);
      const recorder = new MediaRecorder(canvas.captureStream());
      const film = new Promise((done) => recorder.addEventListener('dataavailable', (event) => done(event.data), { once: true }));
      recorder.addEventListener('start', () => recorder.stop());
      recorder.start();
      data.items.add(new File([await film], 'film.webm', { type: 'video/webm' }));
      const stage = document.querySelector('.stage');
      for (const type of ['dragover', 'drop']) stage.dispatchEvent(new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }));
    });
    await page.locator('.attached').getByText('page.pdf').waitFor();
    assert.equal(await page.locator('.composer .warning').count(), 0);
    await page.getByRole('button', { name: 'How much to think' }).click();
    await page.getByRole('menuitemradio', { name: 'Much' }).click();
    await it.ask('What is in them?');
    const turn = await it.answer();
    const { body } = upstream.last;
    assert.equal(body.reasoning_effort, 'high');
    assert.deepEqual(body.messages.at(-1).content.map((part) => part.type).sort(), ['file', 'image_url', 'input_audio', 'text', 'video_url']);
    await turn.locator('.shown img').waitFor();
    await page.reload();
    await page.locator('.shown img').waitFor();
    await page.locator('.shown .chip', { hasText: 'page.pdf' }).waitFor();
    assert.ok(await page.locator('.shown img').evaluate((it) => it.decode().then(() => it.naturalWidth === 1)));
    await page.locator('.shown video[aria-label="film.webm"] + small', { hasText: 'film.webm' }).waitFor();
    const sound = page.locator('.shown audio[aria-label="hush.wav"]');
    await sound.locator('+ small', { hasText: 'hush.wav' }).waitFor();
    await page.waitForFunction((it) => it.duration === 1, await sound.elementHandle());
  },

  async 'pictures and texts go along, and what a model may not take is said'({ visit, upstream }) {
    const it = await visit();
    const { page } = it;
    await it.choose('plain');
    const picture = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');
    await page.locator('input[type=file]').setInputFiles([
      { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('some notes') },
      { name: 'more.md', mimeType: 'text/markdown', buffer: Buffer.from('more notes') },
    ]);
    await page.locator('.attached').getByText('notes.txt').waitFor();
    await page.locator('.attached').getByText('more.md').waitFor();
    await page.evaluate((bytes) => {
      const data = new DataTransfer();
      data.items.add(new File([new Uint8Array(bytes)], 'dot.png', { type: 'image/png' }));
      document.querySelector('#ask').dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
    }, [...picture]);
    await page.getByText('plain isn’t known to take pictures').waitFor();
    await page.getByRole('button', { name: 'Remove dot.png' }).click();
    assert.equal(await page.locator('.composer .warning').count(), 0);
    await it.ask('What is in it?');
    const turn = await it.answer();
    await turn.locator('.chip', { hasText: 'notes.txt' }).waitFor();
    assert.match(JSON.stringify(upstream.last.body.messages), /some notes[^]*more notes/);
    assert.equal(await page.locator('.attached').count(), 0);
    // Edited, the question keeps what was shown in it.
    await turn.locator('.question').hover();
    await turn.getByRole('button', { name: 'Edit and ask again' }).click();
    await page.locator('.attached').getByText('more.md').waitFor();
    await it.ask('And now?');
    await until(() => /And now[^]*some notes[^]*more notes/.test(JSON.stringify(upstream.last.body.messages)), 5000);
    await page.getByText('2/2').waitFor();
  },

  async 'nothing is told for each word that comes'({ visit }) {
    const it = await visit();
    const { page } = it;
    await page.evaluate(() => {
      globalThis.told = [];
      const status = document.querySelector('.foot > [role=status]');
      new MutationObserver(() => told.push(status.textContent)).observe(status, { characterData: true, childList: true, subtree: true });
    });
    await it.asked('thinks', 'Think.');
    assert.equal(await page.locator('[role=log]').getAttribute('aria-live'), 'off');
    const told = await page.evaluate(() => globalThis.told);
    assert.deepEqual(told, ['Answering…', 'Answer: It is simple: 42.']);
  },
};
