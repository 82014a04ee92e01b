// The service's API. All addresses are relative, so that the page works wherever it is served.

import { signal } from '@preact/signals';
import { keepKey, keptKey } from './kept.js';

// The key that the service asks for, and whether it asks for one now.
export const key = signal(keptKey());
export const isKeyWanted = signal(false);

export function useKey(text) {
  key.value = text.trim();
  keepKey(key.value);
  isKeyWanted.value = false;
}

// What went wrong, and what to do next.
export class Failure extends Error {
  constructor({ kind, message, help }, status = 0) {
    super(message);
    this.kind = kind;
    this.help = help ?? '';
    this.status = status;
  }
}

const AWAY = {
  kind: 'connection',
  message: 'The service doesn’t answer.',
  help: 'See whether it still runs, then try again. What you wrote is kept.',
};

export async function call(method, path, body, more = {}) {
  const headers = { ...more.headers };
  if (key.value) headers.authorization = `Bearer ${key.value}`;
  if (body) headers['content-type'] = 'application/json';
  let response;
  try {
    response = await fetch(`api/${path}`, {
      method, headers, signal: more.signal, body: body && JSON.stringify(body),
    });
  } catch (error) {
    throw more.signal?.aborted ? error : new Failure(AWAY);
  }
  if (response.ok) return response;
  if (response.status === 401) isKeyWanted.value = true;
  let told;
  try {
    told = (await response.json()).error;
  } catch {
    told = null;
  }
  told ??= { kind: 'server', message: `The service answered with status ${response.status}.` };
  throw new Failure(told, response.status);
}

export async function ask(...request) {
  const response = await call(...request);
  return response.status === 204 ? null : response.json();
}

// The server-sent events of a body, each with its id, its name and its data.
export async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split('\n\n');
    rest = blocks.pop();
    for (const block of blocks) {
      const event = {};
      for (const line of block.split('\n')) {
        const at = line.indexOf(': ');
        if (at > 0) event[line.slice(0, at)] = line.slice(at + 2);
      }
      if (event.data) yield { id: event.id, name: event.event, data: JSON.parse(event.data) };
    }
  }
}

// The bytes at one of the service's own addresses, as an address that an element can show. With a
// key they are asked for here, since an element can't show one.
export async function shown(address) {
  const relative = address.replace(/^\/+api\//, '');
  if (!key.value) return `api/${relative}`;
  const response = await call('GET', relative);
  return URL.createObjectURL(await response.blob());
}
