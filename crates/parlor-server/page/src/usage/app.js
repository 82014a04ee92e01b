// The whole usage page.

import { html } from 'htm/preact';
import { isKeyWanted } from '../api.js';
import { Icon, sentence } from '../view/parts.js';
import { Forget, Key, Theme } from '../view/settings.js';
import { Empty } from './empty.js';
import { Live } from './tail.js';
import { Plot } from './plot.js';
import { Failures, Groups } from './sums.js';
import {
  KINDS, RANGES, by, chooseBy, chooseRange, drawn, isAsked, isLoading, isOperator, load, range, rangeName, series, told, trouble,
} from './state.js';
import { Status } from './status.js';
import { Latency, Money } from './switched.js';
import { brief, cost, count, duration, percent, priced, tokensOf } from './words.js';

export function App() {
  const it = series.value;
  return html`
    <a class="skip" href="#sums" onClick=${(event) => { event.preventDefault(); document.getElementById('sums').focus(); }}>Skip to the figures</a>
    <header class="top">
      <a class="name" href="./">parlor</a>
      <h1>Usage</h1>
      <span class="room"></span>
      <a class="back" href="./"><${Icon} name="left" />Chat</a>
      <${Forget} />
      <${Theme} />
    </header>
    <main tabindex="-1" id="sums">
      <div class="wish">
        <${Choice} label="Time" all=${RANGES} chosen=${range.value} choose=${chooseRange} />
        <${Choice} label="By" all=${KINDS} chosen=${by.value} choose=${chooseBy} />
        <span class="busy" aria-hidden="true">${isAsked.value ? 'Looking…' : ''}</span>
      </div>
      <p class="unseen" role="status">${told.value}</p>
      ${trouble.value && html`<${Trouble} error=${trouble.value} />`}
      ${!it && isLoading.value && html`<p class="note loading">Adding up…</p>`}
      ${it && it.sum.requests === 0 && html`<${Empty} />`}
      ${it && it.sum.requests > 0 && html`<${Tiles} /><${Legend} /><${Plots} /><${Groups} />`}
      ${it && !isOperator.value && html`<p class="note whose">These are the figures of your key. How the service fares is for those who run it.</p>`}
      ${isOperator.value && html`<${Status} />`}
      ${(it || trouble.value) && html`<${Live} />`}
    </main>
    ${isKeyWanted.value && html`<${Key} />`}`;
}

const Choice = ({ label, all, chosen, choose }) => html`
  <fieldset class="choice">
    <legend>${label}</legend>
    <div>${all.map(([id, text]) => html`
      <label key=${id}><input type="radio" name=${label} value=${id} checked=${chosen === id} onChange=${() => choose(id)} /><span>${text}</span></label>`)}</div>
  </fieldset>`;

const Trouble = ({ error }) => html`
  <div class="trouble" role="alert">
    <strong>${sentence(error.message ?? String(error))}</strong> ${error.help && sentence(error.help)}
    <div class="row"><button type="button" onClick=${load}>Try again</button></div>
  </div>`;

function Tiles() {
  const { sum, times } = series.value;
  const about = sum.estimated ? '~' : '';
  const { input_tokens: input, output_tokens: output, cached_input_tokens: cached } = sum.usage;
  const tiles = [
    ['Requests', count(sum.requests), sum.left ? `${count(sum.left)} left by their clients` : ''],
    ['Tokens', about + brief(tokensOf(sum)), `${brief(input ?? 0)} in${cached ? ` (${brief(cached)} cached)` : ''}, ${brief(output ?? 0)} out`],
    ['Cost', cost(sum), priced(sum)],
    ['Failed', percent(sum.failed, sum.requests), `${count(sum.failed)} of ${count(sum.requests)}`],
    ['First event', times ? duration(times.first_event_ms.median) : '—', times ? `95 of 100 within ${duration(times.first_event_ms.p95)}` : 'no whole answer yet'],
    ['Whole answer', times ? duration(times.total_ms.median) : '—', times ? `95 of 100 within ${duration(times.total_ms.p95)}` : 'no whole answer yet'],
  ];
  return html`
    <dl class="tiles" aria-label=${`In ${rangeName.value}`}>
      ${tiles.map(([name, value, more]) => html`<div key=${name}><dt>${name}</dt><dd><b>${value}</b><small>${more}</small></dd></div>`)}
    </dl>`;
}

const Legend = () => drawn.value.groups.length > 1 && html`
  <ul class="legend" aria-label="Colours">
    ${drawn.value.groups.map(({ name, colour }) => html`<li key=${name}><i class=${`c-${colour}`}></i>${name}</li>`)}
  </ul>`;

const added = (figure) => (points) => points.reduce((sum, point) => sum + figure(point), 0);

function Plots() {
  const { sum } = series.value;
  return html`
    <section class="plots" aria-labelledby="over">
      <h2 class="unseen" id="over">Over ${rangeName.value}</h2>
      <${Plot} title="Requests" sum=${count(sum.requests)} of=${added((it) => it.requests)} format=${brief} />
      <${Plot} title="Tokens" sum=${(sum.estimated ? '~' : '') + brief(tokensOf(sum))} of=${added(tokensOf)} format=${brief}
        note=${sum.estimated ? `~ ${count(sum.estimated)} broke off and are estimated` : ''} />
      <${Money} />
      <${Latency} />
      <${Plot} title="Failed" sum=${count(sum.failed)} of=${added((it) => it.failed)} format=${brief} />
      <${Failures} />
    </section>`;
}
