// What each model, provider or key was used for, and how its requests failed.

import { html } from 'htm/preact';
import { KINDS, by, nameOf, rangeName, series } from './state.js';
import { NONE, brief, cost, count, duration, ended, percent, priced } from './words.js';

// What part of requests may fail before that is marked.
const MUCH = 0.05;

const kind = () => KINDS.find(([id]) => id === by.value)[1];

const two = (times, of) => (times ? html`${duration(times[of].median)} <small>${duration(times[of].p95)}</small>` : NONE);

export function Groups() {
  const { groups } = series.value;
  const rows = groups.map((group) => {
    const { sum, times } = group;
    const about = sum.estimated ? '~' : '';
    const { input_tokens: input, output_tokens: output } = sum.usage;
    return html`
      <tr key=${nameOf(group)}>
        <th scope="row">${nameOf(group)}</th>
        <td>${count(sum.requests)}</td>
        <td class=${sum.failed > sum.requests * MUCH ? 'bad' : ''}>${percent(sum.failed, sum.requests)}</td>
        <td>${input === undefined || input === null ? NONE : about + brief(input)}</td>
        <td>${output === undefined || output === null ? NONE : about + brief(output)}</td>
        <td title=${priced(sum)}>${cost(sum)}${sum.unpriced > 0 && sum.costs.length > 0 && html` <small>${count(sum.unpriced)} unpriced</small>`}</td>
        <td>${two(times, 'first_event_ms')}</td>
        <td>${two(times, 'total_ms')}</td>
      </tr>`;
  });
  return html`
    <section class="sums">
      <h2 id="by">By ${by.value}</h2>
      <div class="scroll" tabindex="0" role="region" aria-labelledby="by">
        <table>
          <thead><tr><th scope="col">${kind()}</th><th scope="col">Requests</th><th scope="col">Failed</th><th scope="col">Input</th><th scope="col">Output</th><th scope="col">Cost</th>
            <th scope="col">First event <small>95th</small></th><th scope="col">Whole answer <small>95th</small></th></tr></thead>
          <tbody>${rows}</tbody>
        </table>
      </div>
    </section>`;
}

export function Failures() {
  const kinds = new Map();
  for (const group of series.value.groups) {
    for (const [outcome, requests] of Object.entries(group.outcomes)) {
      if (outcome === 'completed' || outcome === 'left') continue;
      const known = kinds.get(outcome) ?? { requests: 0, of: [] };
      known.requests += requests;
      known.of.push([nameOf(group), requests]);
      kinds.set(outcome, known);
    }
  }
  const all = [...kinds].sort(([, one], [, other]) => other.requests - one.requests);
  const most = Math.max(1, ...all.map(([, { requests }]) => requests));
  const shown = (of) => of.sort(([, one], [, other]) => other - one).slice(0, 4).map(([name, requests]) => (of.length > 1 ? `${name} (${count(requests)})` : name));
  return html`
    <div class="failures">
      <h3>Failed with</h3>
      ${!all.length && html`<p class="note">Nothing failed in ${rangeName.value}.</p>`}
      ${all.length > 0 && html`
        <ul>${all.map(([outcome, { requests, of }]) => html`
          <li key=${outcome}>
            <div><span>${ended(outcome)}</span><b>${count(requests)}</b></div>
            <meter min="0" max=${most} value=${requests} aria-label=${`${ended(outcome)}: ${requests}`}></meter>
            <small>${shown(of).join(', ')}${of.length > 4 ? `, and ${of.length - 4} more` : ''}</small>
          </li>`)}</ul>`}
    </div>`;
}
