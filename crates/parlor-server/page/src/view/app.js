// The whole page.

import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { html } from 'htm/preact';
import { isKeyWanted } from '../api.js';
import { attach } from '../attach.js';
import { about, change, fail, going, isLoading, shown, told, trouble, turns } from '../chat.js';
import { isHistoryOpen, save } from '../history.js';
import { day, model, money } from '../models.js';
import { Composer } from './composer.js';
import { History, Remove, Rename } from './history.js';
import { Dialog, Menu, Tool } from './parts.js';
import { Chosen } from './picker.js';
import { Key, Shortcuts, areShortcutsShown } from './settings.js';
import { Trouble, Turn } from './turn.js';

export function App() {
  const [isOver, setOver] = useState(false);
  const holds = (event) => event.dataTransfer?.types.includes('Files');
  const drop = {
    onDragOver: (event) => { if (holds(event)) { event.preventDefault(); setOver(true); } },
    onDragLeave: (event) => { if (!event.relatedTarget) setOver(false); },
    onDrop: (event) => { if (holds(event)) { event.preventDefault(); setOver(false); attach(event.dataTransfer.files); } },
  };
  return html`
    <a class="skip" href="#ask" onClick=${(event) => { event.preventDefault(); document.getElementById('ask').focus(); }}>Skip to the message</a>
    <${History} />
    ${isHistoryOpen.value && html`<div class="shade" onClick=${() => (isHistoryOpen.value = false)}></div>`}
    <div class="stage" ...${drop}>
      <${Head} />
      <${Log} />
      <div class="foot">
        ${trouble.value && html`<${Trouble} error=${trouble.value} again=${trouble.value.again} onClose=${() => (trouble.value = null)} />`}
        <${Composer} />
        <p class="unseen" role="status">${told.value}</p>
      </div>
      ${isOver && html`<div class="over" aria-hidden="true"><span>Drop to attach</span></div>`}
    </div>
    ${areShortcutsShown.value && html`<${Shortcuts} />`}
    ${isKeyWanted.value && html`<${Key} />`}`;
}

function Head() {
  const [asked, ask] = useState('');
  const it = about.value;
  useEffect(() => { document.title = it?.title ? `${it.title} – parlor` : 'parlor'; }, [it?.title]);
  const close = () => ask('');
  const items = it && [
    { text: 'Rename', run: () => ask('rename') },
    { text: 'Instructions', run: () => ask('instructions') },
    { text: 'Export as Markdown', run: () => save(it.id, 'markdown').catch(fail) },
    { text: 'Export as JSON', run: () => save(it.id, 'json').catch(fail) },
    { text: 'Delete', isGrave: true, run: () => ask('delete') },
  ];
  const cost = it?.cost;
  return html`
    <header class="head">
      ${turns.value.length > 0 && html`<h1 class="unseen">${it?.title || 'Conversation'}</h1>`}
      <${Tool} name="menu" label="Open the history" class="tool narrow" aria-expanded=${isHistoryOpen.value} aria-controls="history" onClick=${() => (isHistoryOpen.value = true)} />
      <${Chosen} />
      <span class="room"></span>
      ${cost?.amount > 0 && html`<span class="spent" title=${`What this conversation cost${cost.as_of ? `, by the prices of ${day(cost.as_of)}` : ''}`}>${money(cost.amount, cost.currency)}</span>`}
      ${it && html`<${Menu} label="This conversation" items=${items} />`}
      ${asked === 'rename' && html`<${Rename} it=${it} onClose=${close} />`}
      ${asked === 'delete' && html`<${Remove} it=${it} onClose=${close} />`}
      ${asked === 'instructions' && html`<${Instructions} it=${it} onClose=${close} />`}
    </header>`;
}

function Instructions({ it, onClose }) {
  const submit = (event) => {
    event.preventDefault();
    const system = new FormData(event.currentTarget).get('system').trim();
    onClose();
    change({ system: system || null });
  };
  return html`
    <${Dialog} title="Instructions" onClose=${onClose}>
      <form onSubmit=${submit}>
        <label>What the model is told before everything else<textarea name="system" rows="6" autofocus>${it.system ?? ''}</textarea></label>
        <div class="row end"><button type="button" class="quiet" onClick=${onClose}>Cancel</button><button type="submit" class="strong">Keep</button></div>
      </form>
    <//>`;
}

// How far from the end somebody is who still follows it.
const AT_END = 48;

function Log() {
  const frame = useRef();
  const inner = useRef();
  const isFollowing = useRef(true);
  const [isAway, setAway] = useState(false);
  const all = turns.value;
  const toEnd = () => { frame.current.scrollTop = frame.current.scrollHeight; };
  useLayoutEffect(() => {
    const element = frame.current;
    const grown = new ResizeObserver(() => isFollowing.current && toEnd());
    grown.observe(inner.current);
    grown.observe(element);
    let top = 0;
    const scrolled = () => {
      const rest = element.scrollHeight - element.scrollTop - element.clientHeight;
      // Only who scrolls up leaves the end; what grows below doesn't.
      if (rest < AT_END) isFollowing.current = true;
      else if (element.scrollTop < top - 4) isFollowing.current = false;
      top = element.scrollTop;
      setAway(!isFollowing.current && rest > element.clientHeight / 2);
    };
    element.addEventListener('scroll', scrolled, { passive: true });
    return () => {
      grown.disconnect();
      element.removeEventListener('scroll', scrolled);
    };
  }, []);
  useLayoutEffect(() => {
    isFollowing.current = true;
    toEnd();
  }, [shown.value, isLoading.value, going.value?.id]);
  const follow = () => { isFollowing.current = true; toEnd(); setAway(false); };
  return html`
    <main ref=${frame} tabindex="-1">
      <div class="log" role="log" aria-live="off" aria-label="Conversation" ref=${inner}>
        ${all.map((turn, at) => html`<${Turn} key=${turn.id} turn=${turn} isLast=${at > all.length - 3} />`)}
        ${isLoading.value && html`<p class="note loading">Opening…</p>`}
        ${!all.length && !isLoading.value && html`<${Welcome} />`}
      </div>
      ${isAway && html`<button type="button" class="tool toend" aria-label="To the end" onClick=${follow}>↓</button>`}
    </main>`;
}

const Welcome = () => html`
  <div class="welcome">
    <h1>What would you like to know?</h1>
    <p>${model.value ? html`<b>${model.value.name ?? model.value.id}</b> answers. Conversations are kept here and in the terminal.` : 'Conversations are kept here and in the terminal.'}</p>
  </div>`;
