// How the stores, the providers and the models of the configuration fare.

import { html } from 'htm/preact';
import { sentence } from '../view/parts.js';
import { status } from './state.js';
import { ago, count, duration, ended } from './words.js';

// A word and a dot: nothing is told by a colour alone.
const Mark = ({ is, text }) => html`<span class=${`state ${is}`}><i></i>${text}</span>`;

function standing({ ready, has_key: hasKey, why }) {
  if (hasKey === false) return html`<${Mark} is="off" text="no key" />`;
  if (!ready) return html`<${Mark} is="bad" text=${why?.kind === 'configuration' ? 'not ready' : 'down'} />`;
  return why ? html`<${Mark} is="odd" text="shaky" />` : html`<${Mark} is="good" text="ready" />`;
}

const failure = ({ kind, at_ms: at }) => `last failed ${at ? `${ago(at)} ` : ''}with ${ended(kind)}`;

function Provider({ it }) {
  const notes = [];
  if (it.why) notes.push(`${sentence(it.why.message)} ${it.has_key ? '' : it.why.help}`);
  else if (it.last_failure) notes.push(`${failure(it.last_failure)}, well since`);
  return html`<li><div><b>${it.name}</b>${standing(it)}</div>${notes.length > 0 && html`<p>${notes.join(' ')}</p>`}</li>`;
}

function Target({ it }) {
  const { breaker } = it;
  const notes = [];
  if (breaker?.open) notes.push(breaker.due_in_ms ? `left out, tried again in ${duration(breaker.due_in_ms)}` : 'left out, being tried');
  if (breaker?.last_failure) notes.push(failure(breaker.last_failure));
  if (breaker?.in_flight) notes.push(`${breaker.in_flight} on their way`);
  if (breaker?.first_event_ms && !breaker.open) notes.push(`begins in ${duration(breaker.first_event_ms)}`);
  return html`<li class=${breaker?.open ? 'open' : ''}><span>${it.model}</span>${notes.length > 0 && html` <small>${notes.join(', ')}</small>`}</li>`;
}

const Model = ({ it }) => html`
  <li>
    <div><b>${it.name}</b>${standing(it)}</div>
    ${it.why && !it.ready && html`<p>${sentence(it.why.message)}</p>`}
    <ul>${it.over.map((target) => html`<${Target} key=${target.model} it=${target} />`)}</ul>
  </li>`;

// How many are shown at once.
const FEW = 6;

// What fares badly first; of many the rest when it is asked for.
function Things({ all, of }) {
  const worse = (it) => (it.ready ? (it.why ? 1 : 2) : 0);
  const sorted = [...all].sort((one, other) => worse(one) - worse(other));
  const list = (some) => html`<ul class="things">${some.map((it) => html`<${of} key=${it.name} it=${it} />`)}</ul>`;
  const rest = sorted.slice(FEW);
  return html`${list(sorted.slice(0, FEW))}${rest.length > 0 && html`<details class="further"><summary>${rest.length} more</summary>${list(rest)}</details>`}`;
}

export function Status() {
  const it = status.value;
  if (!it) return null;
  const refused = Object.entries(it.refused);
  const queue = it.queue;
  return html`
    <section class="status">
      <h2>Status</h2>
      <div class="columns">
        <div>
          <h3>Providers</h3>
          <${Things} all=${it.providers} of=${Provider} />
        </div>
        <div>
          <h3>Models of the configuration</h3>
          ${it.models.length
            ? html`<${Things} all=${it.models} of=${Model} />`
            : html`<p class="note">It names none. Models are asked for as provider/model.</p>`}
        </div>
        <div>
          <h3>This instance</h3>
          <dl class="facts">
            <div><dt>Version</dt><dd>${it.version}</dd></div>
            <div><dt>On their way</dt><dd>${count(it.in_flight)} of ${count(it.max_in_flight)}</dd></div>
            ${it.stores.map(({ name, ready, why }) => html`<div key=${name}><dt>${sentence(name).slice(0, -1)}</dt><dd>${ready ? html`<${Mark} is="good" text="ready" />` : html`<${Mark} is="bad" text="away" />`}${why && html`<p>${sentence(why)}</p>`}</dd></div>`)}
            ${queue && html`<div><dt>Waiting to be counted</dt><dd>${count(queue.waiting)}${queue.dropped > 0 ? `, ${count(queue.dropped)} dropped` : ''}</dd></div>`}
            ${refused.length > 0 && html`<div><dt>Not let in</dt><dd>${refused.map(([why, times]) => `${count(times)} (${ended(why)})`).join(', ')}</dd></div>`}
          </dl>
        </div>
      </div>
    </section>`;
}
