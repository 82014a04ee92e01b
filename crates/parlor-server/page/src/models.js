// The models that can be asked, and the one that is.

import { computed, signal } from '@preact/signals';
import { ask } from './api.js';
import { keepModel, keptModel } from './kept.js';

export const models = signal([]);
export const areAll = signal(false);
// The id of the model that is asked next, and how much it is to think: nothing for as it likes.
export const chosen = signal('');
export const effort = signal('');

export const model = computed(() => find(chosen.value));

// A model by the name that clients call it, or by the one that answers carry.
export function find(id) {
  const is = (it) => it.id === id || `${it.provider}/${it.model}` === id;
  return models.value.find((it) => it.id === id) ?? models.value.find(is);
}

export const has = (feature) => model.value?.features.includes(feature) ?? false;

export async function loadModels(all = areAll.value) {
  const known = await ask('GET', all ? 'models?all=true' : 'models');
  areAll.value = all;
  models.value = known.models;
  if (!chosen.value) {
    // What is built in answers where nothing else can.
    const isReady = (it) => it?.ready && !/^(?:echo|embedded)\b/.test(it.id);
    const wanted = [keptModel(), known.default].map(find).find(isReady) ?? known.models.find(isReady);
    chosen.value = wanted?.id ?? known.default;
  }
}

export function choose(id) {
  chosen.value = id;
  keepModel(id);
}

export const called = ({ id, name }) => name ?? id;

const ABILITIES = {
  reasoning: 'thinks', tools: 'tools', image_input: 'images', document_input: 'PDF',
  audio_input: 'audio', video_input: 'video', image_output: 'makes images', audio_output: 'speaks',
};

export const abilities = ({ features }) =>
  Object.entries(ABILITIES).filter(([id]) => features.includes(id)).map(([, name]) => name);

// A number of tokens in few letters.
export function tokens(count) {
  if (count >= 1_000_000) return `${Number((count / 1_000_000).toFixed(1))}M`;
  if (count >= 10_000) return `${Math.round(count / 1000)}k`;
  return count.toLocaleString('en');
}

const SIGNS = { USD: '$', CNY: '¥', EUR: '€' };

export function money(amount, currency) {
  const sign = SIGNS[currency] ?? `${currency} `;
  const digits = amount >= 1 || amount === 0 ? 2 : Math.min(6, 2 - Math.floor(Math.log10(amount)));
  return sign + amount.toFixed(digits).replace(/(\.\d\d\d*?)0+$/, '$1');
}

export function day(text) {
  const date = new Date(`${text}T12:00:00`);
  return Number.isNaN(date.getTime()) ? text
    : date.toLocaleDateString('en', { day: 'numeric', month: 'short', year: 'numeric' });
}
