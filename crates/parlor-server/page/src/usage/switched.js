// Plots of which there are several: money by currency, times by what was timed.

import { signal } from '@preact/signals';
import { html } from 'htm/preact';
import { money } from '../models.js';
import { Plot } from './plot.js';
import { series } from './state.js';
import { NONE, amount, duration, priced } from './words.js';

const currency = signal('');
const timed = signal('first_event_ms');
const part = signal('median');

// Turns through a few words.
const Turn = ({ label, all, of, chosen = of.value }) => html`
  <select aria-label=${label} value=${chosen} onChange=${(event) => (of.value = event.currentTarget.value)}>
    ${all.map(([id, text]) => html`<option key=${id} value=${id} selected=${id === chosen}>${text}</option>`)}
  </select>`;

export function Money() {
  const { sum } = series.value;
  const all = sum.costs.map((it) => it.currency);
  const chosen = all.includes(currency.value) ? currency.value : all[0] ?? '';
  const whole = sum.costs.find((it) => it.currency === chosen);
  const of = (points) => points.flatMap((it) => it.costs).filter((it) => it.currency === chosen).reduce((one, it) => one + it.amount, 0);
  const format = (value) => (value === 0 ? money(0, chosen) : amount({ amount: value, currency: chosen }));
  return html`
    <${Plot} title="Cost" sum=${whole ? (sum.estimated ? '~' : '') + amount(whole) : NONE} of=${of} format=${format} note=${priced(sum)}>
      ${all.length > 1 && html`<${Turn} label="Currency" all=${all.map((it) => [it, it])} of=${currency} chosen=${chosen} />`}
    <//>`;
}

export function Latency() {
  const { times } = series.value;
  // The times of several together can't be told from those of each.
  const of = ([point], group) => (group.of > 1 ? undefined : point.times?.[timed.value][part.value]);
  return html`
    <${Plot} title="Latency" kind="lines" sum=${times ? duration(times[timed.value][part.value]) : NONE} of=${of} format=${duration}
      note="whole answers alone; one that isn’t streamed has its first event at its end">
      <${Turn} label="What is timed" all=${[['first_event_ms', 'first event'], ['total_ms', 'whole answer']]} of=${timed} />
      <${Turn} label="Of the times" all=${[['median', 'median'], ['p95', '95th of 100']]} of=${part} />
    <//>`;
}
