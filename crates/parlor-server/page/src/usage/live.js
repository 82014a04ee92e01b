// Requests as they end. While nobody looks, nothing is asked for; then it goes on where it was.

import { signal } from '@preact/signals';
import { call, events, isKeyWanted } from '../api.js';

// The most that are shown.
const MOST = 200;
// How long until a service that went away is asked again.
const AGAIN = 2000;

export const seen = signal([]);
export const isPaused = signal(false);
export const isAway = signal(false);

let last = '';
let number = 0;
let stop = new AbortController();
let tell = () => {};

export function onEnd(run) {
  tell = run;
}

const wait = (ms) => new Promise((done) => setTimeout(done, ms));

// Several that come at once are shown at once.
let waiting = [];
function add(entry) {
  if (!waiting.length) setTimeout(() => {
    seen.value = [...waiting.reverse(), ...seen.value].slice(0, MOST);
    waiting = [];
  }, 60);
  number += 1;
  waiting.push({ ...entry, number });
}

export async function follow() {
  for (;;) {
    stop = new AbortController();
    try {
      const headers = last ? { 'last-event-id': last } : {};
      const response = await call('GET', 'requests', null, { headers, signal: stop.signal });
      isAway.value = false;
      for await (const { id, name, data } of events(response.body)) {
        if (id) last = id;
        if (name === 'missed') add({ missed: data.requests ?? null });
        else {
          add(data);
          tell();
        }
      }
    } catch {
      // It is tried again, unless it was stopped here.
    }
    if (isKeyWanted.value) return;
    if (isPaused.value || document.hidden) await resumed();
    else {
      isAway.value = true;
      await wait(AGAIN);
    }
  }
}

let resume = () => {};
const resumed = () => new Promise((done) => { resume = done; });

export function pause(is) {
  isPaused.value = is;
  if (is) stop.abort();
  else resume();
}

document.addEventListener('visibilitychange', () => {
  if (isPaused.value) return;
  if (document.hidden) stop.abort();
  else resume();
});
