// Numbers and times as people read them.

import { day, money } from '../models.js';

export const NONE = '—';

export const count = (number) => number.toLocaleString('en');

// A number in few letters, for axes and tiles.
export function brief(number) {
  for (const [size, letter] of [[1e9, 'B'], [1e6, 'M'], [1e4, 'k']]) {
    if (number < size) continue;
    const unit = letter === 'k' ? 1e3 : size;
    return `${Number((number / unit).toPrecision(3))}${letter}`;
  }
  return count(Number(number.toPrecision(4)));
}

export function duration(ms) {
  if (ms < 10) return `${Number(ms.toFixed(1))} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round(ms / 1000) % 60} s`;
}

export function percent(part, whole) {
  if (!part || !whole) return '0 %';
  const share = (part / whole) * 100;
  return share < 0.1 ? '< 0.1 %' : `${Number(share.toFixed(share < 10 ? 1 : 0))} %`;
}

export const amount = ({ amount: of, currency }) => money(of >= 1 || of === 0 ? of : Number(of.toPrecision(3)), currency);

// What something cost; a dash where nobody knows.
export function cost({ costs, estimated }) {
  if (!costs.length) return NONE;
  return (estimated ? '~' : '') + costs.map(amount).join(' + ');
}

// Since when the prices hold that are in a sum.
export function priced({ costs, unpriced }) {
  const from = costs.map((it) => it.as_of).filter(Boolean).sort()[0];
  const notes = [];
  if (from) notes.push(`prices of ${day(from)}`);
  if (unpriced) notes.push(`${count(unpriced)} without a known price`);
  return notes.join(', ');
}

export const tokensOf = ({ usage }) => (usage.input_tokens ?? 0) + (usage.output_tokens ?? 0);

const WORDS = { completed: 'answered', left: 'client left' };
export const ended = (outcome) => WORDS[outcome] ?? outcome.replaceAll('_', ' ');

const DIALECTS = {
  chat: 'the chat', 'openai-chat': 'OpenAI chat', 'openai-responses': 'OpenAI Responses', 'anthropic-messages': 'Anthropic', gemini: 'Gemini', ollama: 'Ollama',
};
export const spoken = (dialect) => DIALECTS[dialect] ?? dialect.replaceAll('-', ' ');

const clock = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' };
export const time = (ms) => new Date(ms).toLocaleTimeString('en', { ...clock, second: '2-digit' });
const hours = (ms) => new Date(ms).toLocaleTimeString('en', clock);
const date = (ms, more) => new Date(ms).toLocaleDateString('en', { day: 'numeric', month: 'short', ...more });

// When a span begins. Whole days are those of UTC, as they are counted.
export function beginning(ms, every) {
  if (every >= 86_400_000) return date(ms, { timeZone: 'UTC' });
  return every > 3_600_000 ? `${date(ms, { weekday: 'short' })}, ${hours(ms)}` : hours(ms);
}

export function span(ms, every) {
  if (every >= 86_400_000) return `${date(ms, { timeZone: 'UTC', weekday: 'short' })} (UTC)`;
  return `${beginning(ms, every)} – ${hours(ms + every)}`;
}

// The same on an axis, where there is little room.
export function mark(ms, every) {
  if (every >= 86_400_000 || every <= 3_600_000) return beginning(ms, every);
  return date(ms, {});
}

export function ago(ms) {
  const seconds = Math.max(0, Math.round((Date.now() - ms) / 1000));
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min ago`;
  return seconds < 86_400 ? `${Math.round(seconds / 3600)} h ago` : `${Math.round(seconds / 86_400)} days ago`;
}
