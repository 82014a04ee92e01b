// The conversation that is shown, and what is done in it. The service has the conversation and
// answers whether the page is there or not; the page follows.

import { batch, computed, signal } from '@preact/signals';
import { Failure, ask, call, events } from './api.js';
import { refresh } from './history.js';
import { keepDraft, keptDraft } from './kept.js';
import { chosen, effort, has, model } from './models.js';
import { Turn } from './turn.js';

// Its id, `null` for one that is yet to begin; what is known of it; its turns.
export const shown = signal(null);
export const about = signal(null);
export const turns = signal([]);
export const isLoading = signal(false);

// The turn that is on its way here.
export const going = computed(() => turns.value.findLast((turn) => turn.isGoing) ?? null);

// What a screen reader is told, and what went wrong outside of a turn.
export const told = signal('');
export const trouble = signal(null);

// What is about to be asked, and what is shown with it; the turn that it takes the place of.
export const draft = signal('');
export const attached = signal([]);
export const editing = signal(null);

let following = null;

export function tell(text) {
  told.value = text;
}

// Says what went wrong, with a way to try it again.
export function fail(error, again) {
  if (error.name === 'AbortError' || error.status === 401) return;
  trouble.value = { message: error.message, help: error.help ?? '', again };
}

function leave() {
  following?.abort();
  following = null;
}

// Shows a conversation, or the beginning of a new one.
export async function open(id) {
  leave();
  batch(() => {
    shown.value = id;
    about.value = null;
    turns.value = [];
    trouble.value = null;
    editing.value = null;
    attached.value = [];
    draft.value = keptDraft(id);
    isLoading.value = Boolean(id);
  });
  if (id) await load(id);
}

async function load(id) {
  try {
    const kept = await ask('GET', `conversations/${id}`);
    if (shown.value === id) show(kept);
  } catch (error) {
    if (shown.value !== id) return;
    isLoading.value = false;
    fail(error, () => open(id));
  }
}

function show({ branch, ...kept }) {
  const known = new Map(turns.value.map((turn) => [turn.id, turn]));
  batch(() => {
    isLoading.value = false;
    about.value = kept;
    if (kept.model) chosen.value = kept.model;
    turns.value = branch.map((data) => {
      const turn = known.get(data.id);
      // What is shown already stays as it is.
      if (!turn || turn.isGoing || turn.about.value.state !== data.state) return new Turn(data);
      turn.siblings = data.siblings;
      turn.about.value = { ...turn.about.value, cost: data.cost ?? turn.about.value.cost };
      return turn;
    });
  });
  if (going.value) follow(kept.id, going.value);
}

// Looks whether somebody went on with the conversation elsewhere.
export async function catchUp() {
  const id = shown.value;
  if (!id || going.value || !about.value) return;
  try {
    const kept = await ask('GET', `conversations/${id}`);
    const isNews = kept.updatedMs !== about.value.updatedMs || kept.going;
    if (shown.value === id && !going.value && isNews) show(kept);
  } catch {
    // It is looked for again next time.
  }
}

export function setDraft(text) {
  draft.value = text;
  if (!editing.value) keepDraft(shown.value, text);
}

// Edits the question of a turn: the answer comes on a branch of its own.
export function edit(turn) {
  batch(() => {
    editing.value = turn;
    draft.value = turn ? turn.asked : keptDraft(shown.value);
    attached.value = [];
  });
}

// Asks what is in the draft.
export async function send() {
  const text = draft.value.trim();
  const attachments = attached.value.map(({ name, mediaType, content }) => ({ name, mediaType, ...content }));
  if (going.value || (!text && !attachments.length)) return;
  const replaces = editing.value?.id;
  const at = shown.value;
  const isSent = await begin({ text, attachments, replaces });
  if (!isSent) return;
  keepDraft(at, '');
  batch(() => {
    editing.value = null;
    draft.value = keptDraft(shown.value);
    attached.value = [];
  });
}

// Asks the same again.
export const again = (turn) => begin({ replaces: turn.id });

let isBeginning = false;

async function begin({ text, attachments, replaces }) {
  if (isBeginning) return false;
  isBeginning = true;
  trouble.value = null;
  const question = { model: model.value?.id ?? chosen.value, reasoning: (has('reasoning') && effort.value) || undefined };
  if (text) question.text = text;
  if (attachments?.length) question.attachments = attachments;
  if (replaces) question.replaces = replaces;
  try {
    if (!shown.value) {
      const kept = await ask('POST', 'conversations', { model: question.model });
      batch(() => {
        shown.value = kept.id;
        about.value = kept;
      });
      history.replaceState(null, '', `#${kept.id}`);
    }
    const id = shown.value;
    const begun = await ask('POST', `conversations/${id}/turns`, question);
    await join(id, begun.id, question);
    refresh();
    return true;
  } catch (error) {
    const retry = text || attachments?.length ? send : () => begin({ replaces });
    fail(error, error.status === 409 ? catchUp : retry);
    return false;
  } finally {
    isBeginning = false;
  }
}

// Shows a turn that has begun, and follows it.
async function join(id, turnId, question) {
  const at = question.replaces ? turns.value.findIndex((turn) => turn.id === question.replaces) : -1;
  let data = { id: turnId, state: 'going', createdMs: Date.now() };
  if (question.text && !question.attachments && at < 0) {
    data.messages = [{ role: 'user', parts: [{ type: 'text', text: question.text }] }];
  } else {
    const kept = await ask('GET', `conversations/${id}/turns/${turnId}`);
    data = { ...data, siblings: kept.siblings, messages: kept.messages.filter((it) => it.role === 'user') };
  }
  if (shown.value !== id) return;
  const turn = new Turn(data);
  turns.value = [...(at < 0 ? turns.value : turns.value.slice(0, at)), turn];
  follow(id, turn);
}

const pause = (ms, signal) => new Promise((done) => {
  const timer = setTimeout(done, ms);
  signal.addEventListener('abort', () => { clearTimeout(timer); done(); });
});

// Follows a turn to its end. A connection that breaks is opened again where it broke.
async function follow(id, turn) {
  leave();
  following = new AbortController();
  const { signal: left } = following;
  turn.begin();
  tell('Answering…');
  let last = '';
  for (let wait = 250; turn.isGoing && !left.aborted;) {
    try {
      const headers = last ? { 'last-event-id': last } : {};
      const more = { signal: left, headers };
      const { body } = await call('GET', `conversations/${id}/turns/${turn.id}/events`, null, more);
      for await (const event of events(body)) {
        if (left.aborted) return;
        turn.hear(event);
        last = event.id;
        wait = 250;
      }
      if (turn.isGoing) await pause(wait, left);
    } catch (error) {
      if (left.aborted) return;
      if (error instanceof Failure && error.status === 404) return load(id);
      tell('The connection broke; trying again…');
      await pause(wait, left);
      wait = Math.min(2 * wait, 8000);
    }
  }
  if (left.aborted) return;
  following = null;
  ended(turn);
  refresh();
  const kept = await ask('GET', `conversations/${id}`).catch(() => null);
  if (kept && shown.value === id && !going.value) show(kept);
}

const WORDS_TOLD = 80;

function ended(turn) {
  const { state, error } = turn.about.value;
  const words = turn.said.split(/\s+/).filter(Boolean);
  if (error && state !== 'complete') tell(`The answer failed. ${error.message}`);
  else if (state === 'interrupted') tell('Stopped. What had come is kept.');
  else if (words.length > WORDS_TOLD) tell(`Answered in ${words.length} words.`);
  else tell(`Answer: ${words.join(' ')}`);
}

export async function stop() {
  const turn = going.value;
  if (!turn) return;
  try {
    await ask('POST', `conversations/${shown.value}/turns/${turn.id}/stop`);
  } catch (error) {
    fail(error, stop);
  }
}

// Goes on with the branch that another turn is on.
export const branch = (turnId) => change({ head: turnId });

// Changes the title, the instructions, the model or the branch.
export async function change(what, id = shown.value) {
  try {
    const kept = await ask('PATCH', `conversations/${id}`, what);
    if (shown.value === id) show(kept);
    refresh();
  } catch (error) {
    fail(error, () => change(what, id));
  }
}
