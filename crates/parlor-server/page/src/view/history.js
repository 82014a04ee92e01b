// The conversations that are kept, beside the one that is shown.

import { useEffect, useRef, useState } from 'preact/hooks';
import { html } from 'htm/preact';
import { change, fail, open, shown } from '../chat.js';
import { age, conversations, isHistoryOpen, more, next, refresh, remove, save, words } from '../history.js';
import { Dialog, Icon, Menu, Tool } from './parts.js';
import { Settings } from './settings.js';

export function begin() {
  isHistoryOpen.value = false;
  history.pushState(null, '', location.pathname);
  open(null);
}

export function History() {
  const [asked, ask] = useState(null);
  const timer = useRef();
  const search = (event) => {
    words.value = event.currentTarget.value;
    clearTimeout(timer.current);
    timer.current = setTimeout(refresh, 120);
  };
  const isSearch = words.value.trim() !== '';
  let last = '';
  const rows = conversations.value.map((it) => {
    const heading = isSearch ? '' : age(it.updatedMs);
    const isNew = heading !== last;
    last = heading;
    return html`${isNew && html`<h2 key=${heading}>${heading}</h2>`}<${Row} key=${it.id} it=${it} ask=${ask} />`;
  });
  return html`
    <aside class=${isHistoryOpen.value ? 'open' : ''} id="history">
      <header>
        <span class="name">parlor</span>
        <${Tool} name="close" label="Close the history" class="tool narrow" onClick=${() => (isHistoryOpen.value = false)} />
      </header>
      <button type="button" class="new" onClick=${begin}><${Icon} name="plus" />New conversation</button>
      <div class="search" role="search">
        <label class="unseen" for="search">Search the history</label>
        <${Icon} name="search" /><input id="search" type="search" placeholder="Search" autocomplete="off" value=${words.value} onInput=${search} />
      </div>
      <nav aria-label="History">
        ${rows}
        ${!rows.length && html`<p class="note">${isSearch ? 'Nothing has these words.' : 'Conversations will be here, those of the terminal too.'}</p>`}
        ${next.value && !isSearch && html`<${More} />`}
      </nav>
      <${Settings} />
      ${asked && html`<${Asked} ...${asked} onClose=${() => ask(null)} />`}
    </aside>`;
}

// Loads what follows when it comes into view, or is pressed.
function More() {
  const button = useRef();
  const load = () => more().catch((error) => fail(error, load));
  useEffect(() => {
    const seen = new IntersectionObserver(([entry]) => entry.isIntersecting && load());
    seen.observe(button.current);
    return () => seen.disconnect();
  }, [conversations.value.length]);
  return html`<button type="button" class="quiet more" ref=${button} onClick=${load}>More</button>`;
}

function Row({ it, ask }) {
  const title = it.title || 'New conversation';
  const items = [
    { text: 'Rename', run: () => ask({ what: 'rename', it }) },
    { text: 'Export as Markdown', run: () => save(it.id, 'markdown').catch(fail) },
    { text: 'Export as JSON', run: () => save(it.id, 'json').catch(fail) },
    { text: 'Delete', isGrave: true, run: () => ask({ what: 'delete', it }) },
  ];
  const isShown = shown.value === it.id;
  return html`
    <div class="kept">
      <a href=${`#${it.id}`} aria-current=${isShown ? 'page' : undefined} title=${title} onClick=${() => (isHistoryOpen.value = false)}>
        <span>${title}</span>
        ${it.going && html`<i class="going"><b class="unseen">is being answered</b></i>`}
        ${it.found?.length > 0 && html`<small>${it.found.map((text, at) => (at % 2 ? html`<mark>${text}</mark>` : text))}</small>`}
      </a>
      <${Menu} label=${`What to do with “${title}”`} items=${items} />
    </div>`;
}

function Asked({ what, it, onClose }) {
  return what === 'rename' ? html`<${Rename} it=${it} onClose=${onClose} />` : html`<${Remove} it=${it} onClose=${onClose} />`;
}

export function Rename({ it, onClose }) {
  const submit = (event) => {
    event.preventDefault();
    const title = new FormData(event.currentTarget).get('title').trim();
    onClose();
    if (title && title !== it.title) change({ title }, it.id);
  };
  return html`
    <${Dialog} title="Rename" onClose=${onClose}>
      <form onSubmit=${submit}>
        <label>Title<input name="title" value=${it.title} maxlength="200" autofocus autocomplete="off" /></label>
        <div class="row end"><button type="button" class="quiet" onClick=${onClose}>Cancel</button><button type="submit" class="strong">Rename</button></div>
      </form>
    <//>`;
}

export function Remove({ it, onClose }) {
  const run = async () => {
    onClose();
    try {
      await remove(it.id);
      if (shown.value === it.id) begin();
    } catch (error) {
      fail(error, run);
    }
  };
  return html`
    <${Dialog} title="Delete this conversation?" onClose=${onClose}>
      <p>“${it.title || 'New conversation'}” is deleted with all its branches, in the terminal too. It can’t be had back.</p>
      <div class="row end"><button type="button" class="quiet" autofocus onClick=${onClose}>Cancel</button><button type="button" class="grave strong" onClick=${run}>Delete</button></div>
    <//>`;
}
