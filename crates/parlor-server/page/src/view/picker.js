// The model that is asked next, and the list to choose it from.

import { signal } from '@preact/signals';
import { useEffect, useRef, useState } from 'preact/hooks';
import { html } from 'htm/preact';
import { about, change, fail, shown } from '../chat.js';
import { abilities, areAll, called, choose, chosen, day, loadModels, model, models, money, tokens } from '../models.js';
import { Dialog, Icon, sentence } from './parts.js';

export const isPicking = signal(false);

// The most models that are listed at once; a search finds the others.
const LISTED = 80;

export function Chosen() {
  const name = model.value ? called(model.value) : chosen.value;
  return html`
    <button type="button" class="worded model" aria-haspopup="dialog" aria-label=${`Model: ${name || 'none'}. Choose another`} onClick=${() => (isPicking.value = true)}>
      <span>${name || 'Choose a model'}</span><${Icon} name="down" />
    </button>
    ${isPicking.value && html`<${Picker} />`}`;
}

function Picker() {
  const [words, setWords] = useState('');
  const [at, setAt] = useState(() => Math.max(0, models.value.slice(0, LISTED).findIndex((it) => it.id === chosen.value)));
  const list = useRef();
  const close = () => (isPicking.value = false);
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  const text = (it) => [it.id, it.name, it.provider, ...abilities(it)].join(' ').toLowerCase();
  const found = models.value.filter((it) => wanted.every((word) => text(it).includes(word)));
  const listed = found.slice(0, LISTED);
  useEffect(() => {
    list.current.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest' });
  }, [at, words]);
  const pick = (it) => {
    if (!it?.ready) return;
    choose(it.id);
    if (shown.value && about.value && about.value.model !== it.id) change({ model: it.id });
    close();
  };
  const type = (event) => {
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + 8, PageUp: at - 8 }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      setAt(Math.max(0, Math.min(listed.length - 1, to)));
    } else if (event.key === 'Enter') {
      event.preventDefault();
      pick(listed[at]);
    }
  };
  const all = (event) => loadModels(event.currentTarget.checked).catch(fail);
  return html`
    <${Dialog} title="Model" onClose=${close} className="picker">
      <div class="search">
        <${Icon} name="search" />
        <input role="combobox" aria-label="Search models" aria-expanded="true" aria-controls="models" aria-autocomplete="list"
          aria-activedescendant=${listed[at] ? `model-${at}` : undefined} autofocus autocomplete="off" spellcheck="false"
          placeholder="Name, provider or ability" value=${words} onKeyDown=${type}
          onInput=${(event) => { setWords(event.currentTarget.value); setAt(0); }} />
      </div>
      <ul role="listbox" id="models" aria-label="Models" ref=${list} tabindex="-1">
        ${listed.map((it, n) => html`<${Option} key=${it.id} it=${it} id=${`model-${n}`} isAt=${n === at} pick=${() => pick(it)} />`)}
      </ul>
      ${!found.length && html`<p class="note">No model has these words.</p>`}
      <div class="row">
        <label class="check"><input type="checkbox" checked=${areAll.value} onChange=${all} />Those without a key too</label>
        <span class="room"></span>
        <span class="note" role="status">${found.length > LISTED ? `${LISTED} of ${found.length.toLocaleString('en')}` : `${found.length}`}</span>
      </div>
    <//>`;
}

function Option({ it, id, isAt, pick }) {
  const { price } = it;
  // The provider needn't be said twice.
  const isFull = it.id === `${it.provider}/${it.model}`;
  const facts = [
    it.provider && it.provider !== it.id ? it.provider : '', it.over?.length ? `over ${it.over.join(', ')}` : '',
    it.contextWindow ? `${tokens(it.contextWindow)} context` : '',
  ].filter(Boolean);
  const cost = price && `${money(price.input, price.currency)} in · ${money(price.output, price.currency)} out`;
  return html`
    <li role="option" id=${id} aria-selected=${isAt} aria-disabled=${!it.ready} onClick=${pick}>
      <div><strong>${it.name ?? (isFull ? it.model : it.id)}</strong>${it.id === chosen.value && html`<${Icon} name="check" />`}
        ${cost && html`<span class="price" title=${`A million tokens, by the prices of ${day(price.as_of)}`}>${cost}</span>`}</div>
      <div class="facts"><span>${facts.join(' · ')}</span>${abilities(it).map((name) => html`<em>${name}</em>`)}</div>
      ${it.why && html`<div class="why">${sentence(it.why.message)} ${it.why.help}</div>`}
    </li>`;
}
