// The conversations that are kept, those of the terminal program among them.

import { signal } from '@preact/signals';
import { ask, call } from './api.js';

export const conversations = signal([]);
export const next = signal('');
export const words = signal('');
export const isHistoryOpen = signal(false);

let asked = 0;

// Lists them anew.
export async function refresh() {
  asked += 1;
  const mine = asked;
  const q = words.value.trim();
  const query = q ? `?q=${encodeURIComponent(q)}` : `?limit=${Math.min(200, Math.max(50, conversations.value.length))}`;
  const listed = await ask('GET', `conversations${query}`).catch(() => null);
  // A later question was answered already, or is about to be.
  if (!listed || mine !== asked) return;
  conversations.value = listed.conversations;
  next.value = listed.next ?? '';
}

export async function more() {
  const cursor = next.value;
  if (!cursor) return;
  const listed = await ask('GET', `conversations?cursor=${encodeURIComponent(cursor)}`);
  if (next.value !== cursor) return;
  const known = new Set(conversations.value.map((it) => it.id));
  conversations.value = [...conversations.value, ...listed.conversations.filter((it) => !known.has(it.id))];
  next.value = listed.next ?? '';
}

export async function remove(id) {
  await ask('DELETE', `conversations/${id}`);
  conversations.value = conversations.value.filter((it) => it.id !== id);
}

// Hands out a conversation as a file.
export async function save(id, format) {
  const response = await call('GET', `conversations/${id}/export?format=${format}`);
  const address = URL.createObjectURL(await response.blob());
  const link = document.createElement('a');
  link.href = address;
  link.download = `conversation-${id}.${format === 'json' ? 'json' : 'md'}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

const DAY = 86_400_000;

// When a conversation was gone on with, as a heading of the list.
export function age(ms, now = Date.now()) {
  const midnight = new Date(now).setHours(0, 0, 0, 0);
  if (ms >= midnight) return 'Today';
  if (ms >= midnight - DAY) return 'Yesterday';
  if (ms >= midnight - 6 * DAY) return 'This week';
  if (ms >= midnight - 30 * DAY) return 'This month';
  return new Date(ms).toLocaleDateString('en', { month: 'long', year: 'numeric' });
}
