'use strict';
// Text is put in as text, never as markup.
const part = (id) => document.getElementById(id);
const said = [];
let asking = null;

const headers = () => {
  const key = part('key').value;
  return key ? { authorization: 'Bearer ' + key } : {};
};

function shown(role) {
  const article = document.createElement('article');
  article.className = role;
  part('log').append(article);
  return article;
}

function piece(article, kind) {
  const last = article.lastElementChild;
  if (last && last.className === kind) return last;
  const next = document.createElement('div');
  next.className = kind;
  article.append(next);
  return next;
}

function put(article, kind, text) {
  const log = part('log');
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  piece(article, kind).append(text);
  if (atEnd) log.scrollTop = log.scrollHeight;
}

async function* lines(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    const all = (rest + value).split('\n');
    rest = all.pop();
    yield* all.filter((line) => line);
  }
}

async function ask(text) {
  said.push({ role: 'user', content: text });
  shown('user').textContent = text;
  const article = shown('assistant');
  let answer = '';
  let told = '';
  asking = new AbortController();
  part('send').hidden = true;
  part('stop').hidden = false;
  part('status').textContent = 'Answering…';
  try {
    const response = await fetch('api/chat/stream', {
      method: 'POST',
      signal: asking.signal,
      headers: { 'content-type': 'application/json', ...headers() },
      body: JSON.stringify({ model: part('model').value, messages: said }),
    });
    if (!response.ok) {
      const { error } = await response.json();
      if (response.status === 401) part('locked').hidden = false;
      throw new Error([error.message, error.help].filter(Boolean).join('. '));
    }
    for await (const line of lines(response.body)) {
      const it = JSON.parse(line);
      if (it.reasoning) put(article, 'thought', it.reasoning);
      if (it.content) {
        answer += it.content;
        put(article, 'text', it.content);
      }
      if (it.error) throw new Error(it.error.message);
      if (it.finished && it.usage) {
        told = `${it.usage.input_tokens ?? '?'} tokens in, ${it.usage.output_tokens ?? '?'} out`;
      }
    }
  } catch (error) {
    const stopped = error.name === 'AbortError';
    put(article, stopped ? 'thought' : 'wrong', stopped ? 'Stopped.' : error.message);
    told = stopped ? 'Stopped; what came is kept.' : 'It failed.';
  }
  // What came counts, whatever ended it; a question without an answer is taken back.
  if (answer) said.push({ role: 'assistant', content: answer });
  else said.pop();
  asking = null;
  part('send').hidden = false;
  part('stop').hidden = true;
  part('status').textContent = told;
  part('text').focus();
}

async function list() {
  const response = await fetch('v1/models', { headers: headers() });
  if (response.status === 401) {
    part('locked').hidden = false;
    return;
  }
  const { data } = await response.json();
  part('models').replaceChildren(...data.map(({ id }) => new Option(id, id)));
  part('model').value ||= data[0]?.id ?? 'echo';
}

part('ask').addEventListener('submit', (event) => {
  event.preventDefault();
  const text = part('text').value.trim();
  if (!text || asking || !part('model').reportValidity()) return;
  part('text').value = '';
  ask(text);
});
part('text').addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  part('ask').requestSubmit();
});
part('stop').addEventListener('click', () => asking?.abort());
part('key').addEventListener('change', list);
part('new').addEventListener('click', () => {
  asking?.abort();
  said.length = 0;
  part('log').replaceChildren();
  part('status').textContent = '';
  part('text').focus();
});
// A question in the address fills the field; it is never sent by itself.
part('text').value = new URLSearchParams(location.search).get('q') ?? '';
list();
