'use strict';
// Text is put in as text, never as markup.
const part = (id) => document.getElementById(id);
// The conversation that is shown, the turn that is followed, and what ends the following.
let shown = null;
let turn = null;
let following = null;

async function api(method, path, body, more = {}) {
  const key = part('key').value;
  const headers = key ? { authorization: 'Bearer ' + key, ...more.headers } : { ...more.headers };
  if (body) headers['content-type'] = 'application/json';
  const response = await fetch('api/' + path, {
    method, headers, signal: more.signal, body: body && JSON.stringify(body),
  });
  if (response.ok) return response;
  if (response.status === 401) part('locked').hidden = false;
  const { error } = await response.json();
  throw new Error([error.message, error.help].filter(Boolean).join('. '));
}

const ask = async (...request) => (await api(...request)).json();

function tell(text) {
  part('status').textContent = text;
}

function add(role) {
  const article = document.createElement('article');
  article.className = role;
  part('log').append(article);
  return article;
}

function put(article, kind, text) {
  const log = part('log');
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  let last = article.lastElementChild;
  if (!last || last.className !== kind) {
    last = document.createElement('div');
    last.className = kind;
    article.append(last);
  }
  last.append(text);
  if (atEnd) log.scrollTop = log.scrollHeight;
}

// The events of a body, each with its id, its name and its data.
async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split('\n\n');
    rest = blocks.pop();
    for (const block of blocks) {
      const event = {};
      for (const line of block.split('\n')) {
        const at = line.indexOf(': ');
        if (at > 0) event[line.slice(0, at)] = line.slice(at + 2);
      }
      if (event.data) yield { ...event, data: JSON.parse(event.data) };
    }
  }
}

function say(article, { event, data }) {
  if (event === 'text') put(article, 'text', data.text);
  if (event === 'reasoning') put(article, 'thought', data.text);
  if (event === 'tool_call') put(article, 'thought', `→ ${data.name}(${data.arguments})\n`);
  if (event === 'tool_result') put(article, 'thought', `${data.isError ? '✗' : '✓'} ${data.name ?? ''}\n`);
  if (event !== 'end') return;
  if (data.error) put(article, 'wrong', [data.error.message, data.error.help].filter(Boolean).join('. '));
  else if (data.state === 'interrupted') put(article, 'thought', 'Stopped.');
  const { input_tokens: into = '?', output_tokens: out = '?' } = data.usage ?? {};
  const cost = data.cost ? `, ${data.cost.amount.toFixed(4)} ${data.cost.currency}` : '';
  tell(data.error ? 'It failed; what came is kept.' : `${into} tokens in, ${out} out${cost}`);
}

// Follows a turn to its end. The service goes on whether anybody reads or not, so a connection that
// breaks is opened again where it broke.
async function follow(id, of) {
  const article = add('assistant');
  const reading = new AbortController();
  [turn, following] = [of, reading];
  part('send').hidden = true;
  part('stop').hidden = false;
  tell('Answering…');
  let last = '';
  for (let isOver = false, pause = 250; !isOver && !reading.signal.aborted; ) {
    try {
      const more = { signal: reading.signal, headers: last ? { 'last-event-id': last } : {} };
      const { body } = await api('GET', `conversations/${id}/turns/${of}/events`, null, more);
      for await (const event of events(body)) {
        say(article, event);
        last = event.id;
        isOver = event.event === 'end';
        pause = 250;
      }
    } catch (error) {
      if (reading.signal.aborted) return;
      tell(`The service doesn't answer (${error.message}); trying again…`);
    }
    if (!isOver) {
      await new Promise((again) => setTimeout(again, pause));
      pause = Math.min(2 * pause, 8000);
    }
  }
  if (following !== reading) return;
  rest();
  list();
}

function rest() {
  following?.abort();
  [turn, following] = [null, null];
  part('send').hidden = false;
  part('stop').hidden = true;
}

async function send(text) {
  const model = part('model').value;
  try {
    if (!shown) {
      shown = (await ask('POST', 'conversations', { model })).id;
      location.hash = shown;
    }
    const begun = await ask('POST', `conversations/${shown}/turns`, { text, model });
    put(add('user'), 'text', text);
    part('text').value = '';
    follow(shown, begun.id);
    list();
  } catch (error) {
    tell(error.message);
  }
}

// Shows a kept conversation, and follows its turn if one is on its way.
async function open(id) {
  rest();
  part('log').replaceChildren();
  tell('');
  shown = id || null;
  mark();
  if (!id) return;
  try {
    const kept = await ask('GET', 'conversations/' + id);
    if (shown !== id) return;
    part('model').value = kept.model ?? part('model').value;
    for (const said of kept.branch) {
      const answer = document.createElement('article');
      answer.className = 'assistant';
      for (const { role, parts } of said.messages) {
        const article = role === 'user' ? add('user') : answer;
        for (const it of parts) {
          const kind = it.type === 'reasoning' ? 'thought' : 'text';
          if (it.text) put(article, kind, it.text);
          if (it.type === 'media') put(article, 'thought', `[${it.name ?? it.kind}]`);
          if (it.type === 'tool_call') put(article, 'thought', `→ ${it.name}`);
        }
      }
      if (said.state === 'going') {
        follow(id, said.id);
        continue;
      }
      if (said.error) put(answer, 'wrong', said.error.message);
      else if (said.state === 'interrupted') put(answer, 'thought', 'Stopped.');
      part('log').append(answer);
    }
    part('log').scrollTop = part('log').scrollHeight;
  } catch (error) {
    tell(error.message);
  }
}

function mark() {
  for (const link of part('list').children) {
    link.toggleAttribute('aria-current', link.hash === '#' + shown);
  }
}

async function list() {
  try {
    const words = part('find').value.trim();
    const query = words ? '?q=' + encodeURIComponent(words) : '';
    const { conversations } = await ask('GET', 'conversations' + query);
    part('list').replaceChildren(...conversations.map(({ id, title, going }) => {
      const link = document.createElement('a');
      link.href = '#' + id;
      link.textContent = (going ? '… ' : '') + (title || 'New');
      return link;
    }));
    mark();
  } catch (error) {
    tell(error.message);
  }
}

async function start() {
  try {
    const known = await ask('GET', 'models');
    const ready = known.models.filter((model) => model.ready);
    part('models').replaceChildren(...ready.map(({ id, name }) => new Option(name ?? id, id)));
    part('model').value ||= known.default;
    await list();
  } catch (error) {
    tell(error.message);
    return;
  }
  await open(location.hash.slice(1));
}

part('ask').addEventListener('submit', (event) => {
  event.preventDefault();
  const text = part('text').value.trim();
  if (text && !turn && part('model').reportValidity()) send(text);
});
part('text').addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  part('ask').requestSubmit();
});
part('stop').addEventListener('click', () => {
  if (turn) api('POST', `conversations/${shown}/turns/${turn}/stop`).catch((error) => tell(error.message));
});
part('key').addEventListener('change', start);
part('find').addEventListener('input', list);
part('new').addEventListener('click', () => {
  location.hash = '';
  part('text').focus();
});
addEventListener('hashchange', () => {
  const id = location.hash.slice(1) || null;
  if (id !== shown) open(id);
});
// A question in the address fills the field; it is never sent by itself.
part('text').value = new URLSearchParams(location.search).get('q') ?? '';
start();
