// Plots: bars that stand on each other, and lines; as SVG, with the same in words and as a table.

import { signal } from '@preact/signals';
import { html } from 'htm/preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { drawn, rangeName, series } from './state.js';
import { NONE, beginning, mark, span } from './words.js';

const HEIGHT = 168;
const BASE = HEIGHT - 22;
const TOP = 10;
// Where the axis' numbers stand.
const LEFT = 46;

// The span that is pointed at, in all plots.
const pointed = signal(-1);

function useWidth() {
  const place = useRef();
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const watch = new ResizeObserver(([entry]) => setWidth(Math.round(entry.contentRect.width)));
    watch.observe(place.current);
    return () => watch.disconnect();
  }, []);
  return [place, width];
}

// A round number from which on an axis has a few steps.
export function steps(most, wanted = 3) {
  if (!(most > 0)) return [];
  const rough = most / wanted;
  const size = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((it) => it * size).find((it) => it >= rough - 1e-12);
  const all = [];
  for (let at = 1; all.length < 2 || all.at(-1) < most; at += 1) all.push(at * step);
  return all;
}

const fixed = (number) => Number(number.toFixed(2));

function bars(groups, values, x, y, wide) {
  const top = new Map();
  return groups.map((group, at) => {
    let path = '';
    for (const [index, value] of values[at]) {
      if (!value) continue;
      const from = top.get(index) ?? 0;
      top.set(index, from + value);
      const [low, high] = [y(from), y(from + value)];
      path += `M${fixed(x(index))} ${fixed(low)}V${fixed(high)}h${fixed(wide)}V${fixed(low)}z`;
    }
    return html`<path key=${group.name} class=${`fill c-${group.colour}`} d=${path} />`;
  });
}

function lines(groups, values, x, y, wide) {
  return groups.map((group, at) => {
    const points = [...values[at]].sort(([one], [other]) => one - other);
    const place = ([index, value]) => `${fixed(x(index) + wide / 2)} ${fixed(y(value))}`;
    let path = '';
    let dots = '';
    points.forEach((point, n) => {
      // What lies far apart isn't joined; what stands alone is a dot.
      const isJoined = (other) => other && Math.abs(other[0] - point[0]) <= 2;
      path += `${isJoined(points[n - 1]) ? 'L' : 'M'}${place(point)}`;
      if (!isJoined(points[n - 1]) && !isJoined(points[n + 1])) dots += `M${place(point)}h0`;
    });
    return html`<g key=${group.name} class=${`c-${group.colour}`}><path class="line" d=${path} /><path class="dots" d=${dots} /></g>`;
  });
}

// One plot. `of` gives a group's value from the points of a span, or nothing.
export function Plot({ title, sum, note, of, format, kind = 'bars', children }) {
  const [place, width] = useWidth();
  const [isOver, setOver] = useState(false);
  const [isOpen, setOpen] = useState(false);
  const { spans, groups: all } = drawn.value;
  const { every_ms: every } = series.value;
  const found = all.map((group) => ({
    group, values: new Map([...group.points].map(([at, points]) => [at, of(points, group)]).filter(([, it]) => it !== undefined && it !== null)),
  })).filter(({ values }) => [...values.values()].some((it) => it > 0));
  const groups = found.map(({ group }) => group);
  const values = found.map((it) => it.values);
  const isStacked = kind === 'bars';
  const totals = spans.map((_, at) => {
    const here = values.map((it) => it.get(at) ?? 0);
    return isStacked ? here.reduce((one, other) => one + other, 0) : Math.max(0, ...here);
  });
  const most = Math.max(0, ...totals);
  const marks = steps(most);
  const end = marks.at(-1) ?? 1;
  const slot = Math.max(0, width - LEFT) / Math.max(1, spans.length);
  const gap = Math.min(3, slot * 0.25);
  const x = (index) => LEFT + index * slot + gap / 2;
  const y = (value) => BASE - (value / end) * (BASE - TOP);
  const hover = pointed.value;
  const point = (event) => {
    const box = event.currentTarget.getBoundingClientRect();
    pointed.value = Math.min(spans.length - 1, Math.max(0, Math.floor((event.clientX - box.left - LEFT) / slot)));
    setOver(true);
  };
  const leave = () => { pointed.value = -1; setOver(false); };
  const every5 = Math.max(1, Math.ceil(spans.length / Math.max(2, Math.floor(width / 84))));
  const peak = totals.indexOf(most);
  const words = most > 0
    ? `${title} in ${rangeName.value}, ${sum ? `${sum}; ` : ''}most at ${beginning(spans[peak], every)}: ${format(most)}.`
    : `${title} in ${rangeName.value}: none.`;
  return html`
    <figure class="plot">
      <figcaption><h3>${title}</h3>${children}<b class="sum">${sum}</b></figcaption>
      <div class="canvas" ref=${place} onPointerMove=${point} onPointerDown=${point} onPointerLeave=${leave}>
        ${width > 0 && html`
          <svg width=${width} height=${HEIGHT} viewBox=${`0 0 ${width} ${HEIGHT}`} role="img" aria-label=${words}>
            ${marks.map((it) => html`<g key=${it}><path class="rule" d=${`M${LEFT} ${fixed(y(it))}H${width}`} /><text class="size" x=${LEFT - 8} y=${fixed(y(it)) + 4}>${format(it)}</text></g>`)}
            ${hover >= 0 && hover < spans.length && html`<rect class="band" x=${fixed(LEFT + hover * slot)} y=${TOP - 6} width=${fixed(slot)} height=${BASE - TOP + 6} />`}
            ${(isStacked ? bars : lines)(groups, values, x, y, Math.max(0.5, slot - gap))}
            <path class="rule base" d=${`M${LEFT} ${BASE + 0.5}H${width}`} />
            ${spans.map((at, index) => index % every5 === 0 && LEFT + index * slot < width - 44 && html`<text key=${at} class="mark" x=${fixed(LEFT + index * slot)} y=${HEIGHT - 4}>${mark(at, every)}</text>`)}
            ${most === 0 && html`<text class="none" x=${(LEFT + width) / 2} y=${(BASE + TOP) / 2}>none</text>`}
          </svg>`}
        ${isOver && hover >= 0 && hover < spans.length && html`<${Readout} at=${hover} width=${width} slot=${slot} when=${span(spans[hover], every)} groups=${groups} values=${values} format=${format} total=${isStacked ? totals[hover] : null} />`}
      </div>
      <div class="under">
        <details onToggle=${(event) => setOpen(event.currentTarget.open)}>
          <summary>As a table</summary>
          ${isOpen && html`<${Table} title=${title} spans=${spans} every=${every} groups=${groups} values=${values} totals=${isStacked ? totals : null} format=${format} />`}
        </details>
        ${note && html`<span class="note">${note}</span>`}
      </div>
    </figure>`;
}

// What stands at the span that is pointed at.
function Readout({ at, width, slot, when, groups, values, format, total }) {
  const rows = groups.map((group, index) => ({ group, value: values[index].get(at) })).filter(({ value }) => value > 0);
  rows.sort((one, other) => other.value - one.value);
  const middle = LEFT + (at + 0.5) * slot;
  const side = middle > width / 2 ? { right: `${width - middle + 12}px` } : { left: `${middle + 12}px` };
  return html`
    <div class="readout" style=${side} aria-hidden="true">
      <strong>${when}</strong>
      ${rows.map(({ group, value }) => html`<div key=${group.name}><i class=${`c-${group.colour}`}></i><span>${group.name}</span><b>${format(value)}</b></div>`)}
      ${rows.length === 0 && html`<div><span>none</span></div>`}
      ${total !== null && rows.length > 1 && html`<div class="total"><span>together</span><b>${format(total)}</b></div>`}
    </div>`;
}

function Table({ title, spans, every, groups, values, totals, format }) {
  const rows = spans.map((from, at) => ({ from, at })).filter(({ at }) => values.some((it) => it.get(at) > 0)).reverse();
  const cell = (value) => html`<td>${value > 0 ? format(value) : NONE}</td>`;
  if (!rows.length) return html`<p class="note">There is nothing to tell.</p>`;
  return html`
    <div class="scroll" tabindex="0" role="region" aria-label=${`${title}, as a table`}>
      <table>
        <thead><tr><th scope="col">Time</th>${groups.map(({ name }) => html`<th key=${name} scope="col">${name}</th>`)}${totals && groups.length > 1 && html`<th scope="col">Together</th>`}</tr></thead>
        <tbody>${rows.map(({ from, at }) => html`<tr key=${from}><th scope="row">${span(from, every)}</th>${values.map((it) => cell(it.get(at)))}${totals && groups.length > 1 && cell(totals[at])}</tr>`)}</tbody>
      </table>
    </div>`;
}
