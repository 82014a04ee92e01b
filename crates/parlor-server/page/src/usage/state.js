// What is shown: the time that is looked at, what was used in it, and how everything fares.

import { computed, signal } from '@preact/signals';
import { ask, isKeyWanted } from '../api.js';
import { follow, onEnd } from './live.js';

export const RANGES = [['hour', 'Hour'], ['day', 'Day'], ['week', 'Week'], ['month', 'Month']];
export const KINDS = [['model', 'Model'], ['provider', 'Provider'], ['key', 'Key']];

const address = new URLSearchParams(location.hash.slice(1));
const said = (name, among, otherwise) => (among.some(([id]) => id === address.get(name)) ? address.get(name) : otherwise);

export const range = signal(said('range', RANGES, 'day'));
export const by = signal(said('by', KINDS, 'model'));
export const series = signal(null);
export const trouble = signal(null);
export const isLoading = signal(true);
// Whether somebody waits for it.
export const isAsked = signal(false);
export const status = signal(null);
// Who holds a key that was given out sees that key alone, and nothing of the house.
export const isOperator = signal(true);
export const told = signal('');

export const rangeName = computed(() => `the last ${range.value}`);

// How many have a colour of their own in plots.
const COLOURS = 6;
const colours = new Map();

export function nameOf(group) {
  if (group.others) return `${group.others} others`;
  if (group.key !== undefined) return group.key;
  const { provider, model } = group;
  if (model) return `${provider}/${model}`;
  return provider ?? { model: 'no model found', provider: 'no provider found', key: 'without a key' }[series.value.by];
}

// Those who asked most keep their colours as long as they do; all others are one.
function coloured(groups) {
  const few = groups.filter((it) => !it.others).slice(0, COLOURS).map(nameOf);
  for (const name of colours.keys()) if (!few.includes(name)) colours.delete(name);
  for (const name of few) {
    if (colours.has(name)) continue;
    const taken = new Set(colours.values());
    colours.set(name, [...Array(COLOURS).keys()].find((it) => !taken.has(it)));
  }
}

// The groups as plots draw them: a name, a colour, and the points by their spans.
export const drawn = computed(() => {
  const it = series.value;
  if (!it) return { spans: [], groups: [] };
  const spans = [];
  for (let at = it.since_ms; at < it.until_ms; at += it.every_ms) spans.push(at);
  coloured(it.groups);
  const groups = [];
  const rest = { name: 'others', colour: 'rest', points: new Map(), of: 0 };
  for (const group of it.groups) {
    const name = nameOf(group);
    const colour = colours.get(name);
    const points = new Map(group.points.map((point) => [(point.at_ms - it.since_ms) / it.every_ms, [point]]));
    if (colour !== undefined) {
      groups.push({ name, colour, points });
      continue;
    }
    rest.of += group.others ?? 1;
    for (const [at, [point]] of points) rest.points.set(at, [...(rest.points.get(at) ?? []), point]);
  }
  if (rest.of) groups.push({ ...rest, name: rest.of === 1 ? '1 other' : `${rest.of} others` });
  return { spans, groups };
});

let asked = 0;
let loaded = 0;
// How long it took: what costs the store much is asked for seldom.
let took = 0;

export async function load() {
  const mine = (asked += 1);
  const began = Date.now();
  isLoading.value = true;
  try {
    const answer = await ask('GET', `usage/series?range=${range.value}&by=${by.value}`);
    if (mine !== asked) return;
    series.value = answer;
    trouble.value = null;
    loaded = Date.now();
    took = loaded - began;
  } catch (error) {
    if (mine === asked) trouble.value = error;
  }
  if (mine === asked) isLoading.value = false;
}

export async function look() {
  if (!isOperator.value || isKeyWanted.value) return;
  try {
    status.value = await ask('GET', 'status');
  } catch (error) {
    if (error.status === 403) isOperator.value = false;
  }
}

function choose(signalOf, value) {
  signalOf.value = value;
  history.replaceState(null, '', `#range=${range.value}&by=${by.value}`);
  isAsked.value = true;
  load().then(() => { isAsked.value = false; told.value = `${RANGES.find(([id]) => id === range.value)[1]}, by ${by.value}: ${series.value?.sum.requests ?? 0} requests.`; });
}

export const chooseRange = (value) => choose(range, value);
export const chooseBy = (value) => choose(by, value);

// How soon what has ended is in the figures, and how often they are asked for without that.
const SOON = 4_000;
const STILL = 30_000;
const STATUS = 15_000;

export async function begin() {
  const isSeen = () => !document.hidden && !isKeyWanted.value;
  await Promise.all([load(), look()]);
  if (isKeyWanted.value) return;
  follow();
  let hasNews = false;
  onEnd(() => { hasNews = true; });
  setInterval(() => {
    const since = Date.now() - loaded;
    if (!isSeen() || isLoading.value || since < Math.max(SOON, 20 * took) || (!hasNews && since < STILL)) return;
    hasNews = false;
    load();
  }, 1000);
  setInterval(() => isSeen() && look(), STATUS);
}
