// The page begins: what was open is shown, what is on its way is followed.

import { html } from 'htm/preact';
import { render } from 'preact';
import { catchUp, draft, fail, going, open, shown, stop, trouble } from './chat.js';
import { isHistoryOpen, refresh } from './history.js';
import { keepDraft } from './kept.js';
import { loadModels } from './models.js';
import { App } from './view/app.js';
import { begin } from './view/history.js';
import { isPicking } from './view/picker.js';
import { areShortcutsShown } from './view/settings.js';

async function start() {
  try {
    await loadModels();
    trouble.value = null;
  } catch (error) {
    fail(error, start);
    return;
  }
  await Promise.all([refresh(), open(location.hash.slice(1) || null)]);
}

// A question in the address fills the field; it is never sent by itself.
function prefill() {
  const question = new URLSearchParams(location.search).get('q');
  if (question === null) return;
  history.replaceState(null, '', location.pathname + location.hash);
  keepDraft(location.hash.slice(1), question);
  draft.value = question;
}

addEventListener('hashchange', () => {
  const id = location.hash.slice(1) || null;
  if (id !== shown.value) open(id);
});
addEventListener('popstate', () => {
  const id = location.hash.slice(1) || null;
  if (id !== shown.value) open(id);
});
document.addEventListener('visibilitychange', () => {
  if (document.hidden) return;
  refresh();
  catchUp();
});
addEventListener('keydown', (event) => {
  const isCommand = event.ctrlKey || event.metaKey;
  const isAsked = document.querySelector('dialog[open]');
  if (isCommand && event.key === '/') areShortcutsShown.value = !areShortcutsShown.value;
  else if (isAsked) return;
  else if (event.key === 'Escape' && isHistoryOpen.value) isHistoryOpen.value = false;
  else if (event.key === 'Escape' && going.value) stop();
  else if (isCommand && event.key.toLowerCase() === 'k') {
    isHistoryOpen.value = true;
    setTimeout(() => document.getElementById('search').focus());
  } else if (event.altKey && event.code === 'KeyN') begin();
  else if (event.altKey && event.code === 'KeyM') isPicking.value = true;
  else return;
  event.preventDefault();
});

render(html`<${App} />`, document.getElementById('app'));
prefill();
start().then(() => {
  // What is loaded when there is code, so that it is there without the service too.
  (globalThis.requestIdleCallback ?? setTimeout)(() => import('./highlight.js').catch(() => {}));
});
