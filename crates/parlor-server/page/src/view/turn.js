// One turn on the page. Far from what is looked at it is an empty place of its height.

import { signal, useSignal } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { html } from 'htm/preact';
import { ask, shown as addressOf } from '../api.js';
import { editWhole } from '../attach.js';
import { again, branch, fail, going, shown, tell } from '../chat.js';
import { copied } from '../copy.js';
import { Prose } from '../markdown.js';
import { called, day, find, money } from '../models.js';
import { fileName, isFile } from '../turn.js';
import { Icon, Tool, sentence } from './parts.js';

// How far beyond what is looked at turns are shown.
const NEAR = '1200px 0px';

let watch;
const watched = new WeakMap();

function near(element, tellWhether) {
  watch ??= new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) watched.get(target)?.(isIntersecting);
  }, { root: element.closest('main'), rootMargin: NEAR });
  watched.set(element, tellWhether);
  watch.observe(element);
  return () => watch.unobserve(element);
}

// About how high a turn is, until it was shown.
function guess(turn) {
  const letters = turn.said.length + turn.asked.length;
  return 120 + Math.ceil(letters / 80) * 27;
}

export function Turn({ turn, isLast }) {
  const place = useRef();
  const isNear = useSignal(isLast);
  const height = useRef(0);
  useLayoutEffect(() => near(place.current, (is) => {
    const stays = is || turn.isGoing || place.current.contains(document.activeElement);
    if (!stays && isNear.value) height.current = place.current.offsetHeight;
    isNear.value = stays;
  }), []);
  if (!isNear.value) {
    return html`<article ref=${place} style=${{ height: `${height.current || guess(turn)}px` }} aria-label="A turn that is not in view"></article>`;
  }
  return html`
    <article ref=${place} class="turn" aria-label=${turn.asked.slice(0, 80) || 'Turn'}>
      <${Question} turn=${turn} />
      <${Answer} turn=${turn} />
    </article>`;
}

function Question({ turn }) {
  const isMedia = (part) => part.type === 'media' || isFile(part.text ?? '');
  const shown = turn.question.filter(isMedia);
  return html`
    <div class="question">
      <h2 class="unseen">You</h2>
      ${shown.length > 0 && html`<div class="shown">${shown.map((part) => html`<${Shown} part=${part} />`)}</div>`}
      ${turn.asked && html`<div class="bubble">${turn.asked}</div>`}
      <div class="acts"><${Tool} name="edit" label="Edit and ask again" disabled=${going.value} onClick=${() => editWhole(turn)} /></div>
    </div>`;
}

const UNNAMED = { image: 'A picture', audio: 'A sound', video: 'A film' };

// A picture, a sound, a film or a file.
function Shown({ part }) {
  const address = useSignal('');
  const source = typeof part.source?.url === 'string' ? part.source.url : part.url;
  useEffect(() => {
    let made = '';
    if (source?.startsWith('/api/')) {
      addressOf(source).then((found) => { made = found; address.value = found; }, () => {});
    }
    return () => made.startsWith('blob:') && URL.revokeObjectURL(made);
  }, [source]);
  const name = part.name ?? fileName(part.text ?? '');
  const kind = part.mediaKind ?? part.kind;
  const said = name || UNNAMED[kind];
  if (address.value && kind === 'image') return html`<a href=${address.value} target="_blank" rel="noopener"><img src=${address.value} alt=${said} /></a>`;
  if (address.value && UNNAMED[kind]) return html`<div><${kind} controls src=${address.value} aria-label=${said}><//>${name && html`<small>${name}</small>`}</div>`;
  const label = html`<${Icon} name="file" />${name || part.media_type || kind || 'A file'}`;
  return address.value
    ? html`<a class="chip" href=${address.value} target="_blank" rel="noopener">${label}</a>`
    : html`<span class="chip">${label}</span>`;
}

function Answer({ turn }) {
  const { state, error } = turn.about.value;
  const parts = turn.parts.value;
  const isWaiting = turn.isGoing && !parts.length;
  return html`
    <div class="answer" aria-busy=${turn.isGoing}>
      <h2 class="unseen">Answer</h2>
      ${parts.map((part, at) => html`<${Part} key=${at} part=${part} turn=${turn} isLast=${at === parts.length - 1} />`)}
      ${isWaiting && html`<p class="waiting"><span></span><span></span><span></span><b class="unseen">Waiting for the answer</b></p>`}
      ${state === 'interrupted' && html`<p class="note">Stopped here.</p>`}
      ${error && state !== 'complete' && state !== 'interrupted' && html`<${Trouble} error=${error} again=${() => again(turn)} />`}
      ${!turn.isGoing && html`<${Foot} turn=${turn} />`}
    </div>`;
}

export function Trouble({ error, again: retry, onClose }) {
  return html`
    <div class="trouble" role="alert">
      <div><strong>${sentence(error.message)}</strong>${error.help && html` <span>${error.help}</span>`}</div>
      <div class="row">
        ${retry && html`<button type="button" disabled=${going.value} onClick=${retry}>Try again</button>`}
        ${onClose && html`<button type="button" class="quiet" onClick=${onClose}>Dismiss</button>`}
      </div>
    </div>`;
}

function Part({ part, turn, isLast }) {
  if (part.kind === 'text') return html`<${Written} part=${part} />`;
  if (part.kind === 'thought') return html`<${Thought} part=${part} isGoing=${isLast && !part.isOver} />`;
  if (part.kind === 'tool') return html`<${Call} part=${part} turn=${turn} />`;
  return html`<div class="shown"><${Shown} part=${part} /></div>`;
}

function Written({ part }) {
  const element = useRef();
  useLayoutEffect(() => {
    const prose = new Prose(element.current);
    prose.text = part.text;
    prose.isOver = part.isOver;
    prose.begin();
    part.views.add(prose);
    return () => {
      part.views.delete(prose);
      prose.end();
    };
  }, [part]);
  return html`<div class="prose" ref=${element}></div>`;
}

function Thought({ part, isGoing }) {
  const isOpen = useSignal(false);
  return html`
    <details class="thought" onToggle=${(event) => (isOpen.value = event.currentTarget.open)}>
      <summary class=${isGoing ? 'going' : ''}><${Icon} name="right" />${isGoing ? 'Thinking…' : 'Thought'}</summary>
      ${isOpen.value && html`<${Written} part=${part} />`}
    </details>`;
}

// How calls are shown, loaded when there is one. It is given what it needs, so that the page isn't
// cut in more files than two.
const calls = signal(null);

async function loadCalls() {
  const { make } = await import('./call.js');
  calls.value ??= make({ html, useEffect, useRef, useSignal, signal, ask, tell, fail, Icon, shown });
}

function Call(call) {
  useEffect(() => { if (!calls.value) loadCalls().catch(fail); }, []);
  return calls.value ? html`<${calls.value} ...${call} />` : html`<p class="note">${call.part.name}</p>`;
}

// What can be done with an answer, and what it took.
function Foot({ turn }) {
  const { model, usage = {}, cost } = turn.about.value;
  const at = turn.siblings.indexOf(turn.id);
  const isBusy = Boolean(going.value);
  const copy = async () => tell((await copied(turn.said)) ? 'Copied.' : 'It can’t be copied here.');
  const input = usage.input_tokens;
  const output = usage.output_tokens;
  const used = input === undefined && output === undefined ? ''
    : `${(input ?? 0).toLocaleString('en')} → ${(output ?? 0).toLocaleString('en')} tokens`;
  const used_ = `${(input ?? 0).toLocaleString('en')} tokens in, ${(output ?? 0).toLocaleString('en')} out`
    + (usage.reasoning_tokens ? `, ${usage.reasoning_tokens.toLocaleString('en')} of them thinking` : '')
    + (usage.cached_input_tokens ? `, ${usage.cached_input_tokens.toLocaleString('en')} from the cache` : '');
  return html`
    <footer>
      ${turn.siblings.length > 1 && html`
        <span class="branches" role="group" aria-label="Versions of this turn">
          <${Tool} name="left" label="Earlier version" disabled=${isBusy || at < 1} onClick=${() => branch(turn.siblings[at - 1])} />
          <span aria-label=${`Version ${at + 1} of ${turn.siblings.length}`} role="img">${at + 1}/${turn.siblings.length}</span>
          <${Tool} name="right" label="Later version" disabled=${isBusy || at > turn.siblings.length - 2} onClick=${() => branch(turn.siblings[at + 1])} />
        </span>`}
      <${Tool} name="copy" label="Copy the answer" onClick=${copy} />
      <${Tool} name="again" label="Answer again" disabled=${isBusy} onClick=${() => again(turn)} />
      <span class="used">
        ${model && html`<span>${called(find(model) ?? { id: model })}</span>`}
        ${used && html`<span title=${used_}>${used}</span>`}
        ${cost && html`<span title=${cost.as_of ? `By the prices of ${day(cost.as_of)}` : ''}>${money(cost.amount, cost.currency)}</span>`}
      </span>
    </footer>`;
}
