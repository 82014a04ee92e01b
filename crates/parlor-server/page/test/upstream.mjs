// A provider with scripted answers: the chat API of OpenAI's dialect on a loopback port. The name
// of the model says what it answers.

import { createServer } from 'node:http';

const WORDS = 'calm steady answers come in order and each one ends where it should '.split(' ');

// About so many bytes of Markdown in blocks of several kinds.
export function markdown(bytes) {
  const kinds = [
    (n) => `## Part ${n}\n\nA paragraph with **strong words**, \`code\` and [a link](https://example.com/${n}). ${WORDS.join(' ')}\n\n`,
    (n) => `- one of ${n}\n- two with *emphasis*\n  - inner\n- three\n\n`,
    (n) => `\`\`\`js\nfunction part${n}(words) {\n  // says how many\n  return words.map((word) => word.length + ${n});\n}\n\`\`\`\n\n`,
    (n) => `| name | count |\n|---|---:|\n| a${n} | ${n} |\n| b${n} | ${n * 2} |\n\n`,
    (n) => `> A quotation, number ${n}. ${WORDS.join(' ')}\n\n`,
  ];
  let text = '';
  for (let n = 1; text.length < bytes; n += 1) text += kinds[n % kinds.length](n);
  return text;
}

function pieces(text, size) {
  const all = [];
  for (let at = 0; at < text.length; at += size) all.push(text.slice(at, at + size));
  return all;
}

const wait = (ms) => new Promise((done) => setTimeout(done, ms));

export class Upstream {
  constructor() {
    this.reset();
  }

  // As it is before a test.
  reset() {
    // What was asked, with when the connection ended before its answer did.
    this.requests = [];
    // What the model `says` answers.
    this.says = 'Said.';
    // What the model `calls` has posted.
    this.card = { to: 'Oslo', text: 'Hello from here' };
    // When it may answer what a tool gave.
    this.mayAnswer = Promise.resolve();
  }

  async start() {
    this.server = createServer((request, response) => {
      this.answer(request, response).catch(() => response.destroy());
    });
    await new Promise((done) => this.server.listen(0, '127.0.0.1', done));
    this.url = `http://127.0.0.1:${this.server.address().port}/v1`;
    return this;
  }

  stop() {
    this.server.closeAllConnections();
    this.server.close();
  }

  get last() {
    return this.requests.at(-1);
  }

  async answer(request, response) {
    let text = '';
    for await (const chunk of request) text += chunk;
    const body = JSON.parse(text || '{}');
    const asked = { body, ended: null, left: null };
    this.requests.push(asked);
    response.on('close', () => {
      if (!response.writableEnded) asked.left = performance.now();
    });
    if (body.model === 'fails') {
      response.writeHead(400, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ error: { message: 'this model only fails', type: 'invalid_request_error' } }));
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const put = (delta, more = {}) => {
      const chunk = { id: 'c', object: 'chat.completion.chunk', created: 1, model: body.model, choices: [{ index: 0, delta, ...more }] };
      response.write(`data: ${JSON.stringify(chunk)}\n\n`);
    };
    put({ role: 'assistant' });
    await this.script(body, put, () => response.destroyed);
    if (response.destroyed) return;
    if (body.model === 'cut') return response.destroy();
    put({}, { finish_reason: 'stop' });
    const usage = { prompt_tokens: 12, completion_tokens: 34, total_tokens: 46 };
    response.write(`data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: body.model, choices: [], usage })}\n\n`);
    response.end('data: [DONE]\n\n');
    asked.ended = performance.now();
  }

  async script(body, put, isGone) {
    const said = body.messages.at(-1).content;
    const question = typeof said === 'string' ? said : said.map((part) => part.text ?? `[${part.type}]`).join(' ');
    switch (body.model) {
      case 'slow':
        for (let n = 0; n < 400 && !isGone(); n += 1) {
          put({ content: `${WORDS[n % WORDS.length] || 'and'}${n % 40 === 39 ? '.\n\n' : ' '}` });
          await wait(25);
        }
        return;
      case 'long':
        for (const piece of pieces(markdown(50_000), 100)) {
          if (isGone()) return;
          put({ content: piece });
          await wait(0);
        }
        return;
      case 'long-code':
      case 'long-list': {
        const line = body.model === 'long-code' ? '  const value = compute("text", 42); // a line\n' : '- an item with `code` and **weight**\n';
        const text = body.model === 'long-code' ? '```js\n' + line.repeat(1100) + '```\n' : line.repeat(1350);
        for (const piece of pieces(text, 100)) {
          if (isGone()) return;
          put({ content: piece });
          await wait(0);
        }
        return;
      }
      case 'thinks':
        for (const piece of pieces('First I look at what is asked.\n\nThen I see that it is **simple**.', 8)) put({ reasoning_content: piece });
        await wait(30);
        for (const piece of pieces('It is simple: 42.', 5)) put({ content: piece });
        return;
      case 'cut':
        put({ content: 'This breaks off in the mid' });
        await wait(20);
        return;
      case 'says':
        for (const piece of pieces(this.says, 7)) put({ content: piece });
        return;
      case 'calls': {
        if (body.messages.at(-1).role === 'tool') {
          await this.mayAnswer;
          const results = body.messages.filter((it) => it.role === 'tool').map((it) => it.content);
          put({ content: `It came to: ${results.at(-1)}` });
          return;
        }
        // The question says which: `post`, or both.
        const calls = [['post', JSON.stringify(this.card)]];
        if (question.includes('sum')) calls.unshift(['calculator', '{"expression":"6*7"}']);
        if (question.includes('twice')) calls.push(['post', '{"to":"Rome"}']);
        put({ content: 'I use a tool. ' });
        put({ tool_calls: calls.map(([name, args], index) => ({ index, id: `call_${index}`, type: 'function', function: { name, arguments: args } })) });
        return;
      }
      default:
        put({ content: `You said: ${question}` });
    }
  }
}
