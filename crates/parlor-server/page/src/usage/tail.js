// Requests as they end, the newest first.

import { html } from 'htm/preact';
import { isAway, isPaused, pause, seen } from './live.js';
import { NONE, amount, brief, count, duration, ended, spoken, time } from './words.js';

function Row({ it }) {
  if (it.missed !== undefined) {
    return html`<tr class="missed"><td colspan="8">${it.missed === null ? 'Some requests' : `${count(it.missed)} requests`} before these came too fast to be shown.</td></tr>`;
  }
  const { input_tokens: input, output_tokens: output } = it.usage;
  const hasTokens = input !== undefined || output !== undefined;
  const isGood = it.outcome === 'completed';
  const model = it.model ? `${it.provider}/${it.model}` : it.asked || NONE;
  return html`
    <tr class=${isGood ? '' : it.outcome === 'left' ? 'left' : 'failed'}>
      <td class="when"><time datetime=${new Date(it.at_ms).toISOString()}>${time(it.at_ms)}</time></td>
      <th scope="row" class="what" title=${it.asked === model ? it.id : `asked as ${it.asked}; ${it.id}`}>${model}</th>
      <td class=${it.key ? 'who' : 'who none'}>${it.key ?? NONE}</td>
      <td class="how">${spoken(it.dialect)}</td>
      <td class="end">${ended(it.outcome)}${!isGood && it.status !== 200 && html` <small>${it.status}</small>`}${it.is_reused && html` <small>from the cache</small>`}</td>
      <td class="tokens">${hasTokens ? `${it.is_estimated ? '~' : ''}${brief(input ?? 0)} → ${brief(output ?? 0)}` : NONE}</td>
      <td class="cost" title=${it.cost?.as_of ? `prices of ${it.cost.as_of}` : undefined}>${it.cost ? (it.is_estimated ? '~' : '') + amount(it.cost) : NONE}</td>
      <td class="took" title=${it.first_event_ms === undefined ? undefined : `first event after ${duration(it.first_event_ms)}`}>${duration(it.total_ms)}</td>
    </tr>`;
}

export function Live() {
  const all = seen.value;
  const state = isPaused.value ? 'paused' : isAway.value ? 'the service doesn’t answer' : 'as they end';
  return html`
    <section class="live">
      <div class="row">
        <h2 id="live">Requests <small class=${isPaused.value || isAway.value ? '' : 'on'}>${state}</small></h2>
        <span class="room"></span>
        <button type="button" class="quiet" aria-pressed=${isPaused.value} onClick=${() => pause(!isPaused.value)}>${isPaused.value ? 'Go on' : 'Pause'}</button>
      </div>
      ${!all.length && html`<p class="note">None since the service began. They will be here as they end, without what was said in them.</p>`}
      ${all.length > 0 && html`
        <div class="scroll" tabindex="0" role="region" aria-labelledby="live">
          <table class="requests">
            <thead><tr><th scope="col">Time</th><th scope="col">Model</th><th scope="col">Key</th><th scope="col">Dialect</th><th scope="col">End</th><th scope="col">Tokens</th><th scope="col">Cost</th><th scope="col">Took</th></tr></thead>
            <tbody>${all.map((it) => html`<${Row} key=${it.number} it=${it} />`)}</tbody>
          </table>
        </div>`}
      <p class="note">Those of this instance, and nothing of what was said in them.</p>
    </section>`;
}
