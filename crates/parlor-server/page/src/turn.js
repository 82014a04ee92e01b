// One turn as the page has it: the question, and the answer that may still grow.

import { signal } from '@preact/signals';

// Text that grows; whoever shows it is told.
export class Text {
  text = '';
  isOver = false;
  views = new Set();

  constructor(kind, text = '') {
    this.kind = kind;
    this.text = text;
  }

  grow(text) {
    this.text += text;
    for (const view of this.views) view.grow(text);
  }

  finish() {
    if (this.isOver) return;
    this.isOver = true;
    for (const view of this.views) view.finish();
  }
}

export class Turn {
  constructor({ id, siblings = [id], messages = [], ...about }) {
    this.id = id;
    this.siblings = siblings;
    this.question = [];
    this.parts = signal([]);
    // Its state, model, usage, cost and error.
    this.about = signal(about);
    for (const { role, parts } of messages) {
      for (const part of parts) this.#take(role, part);
    }
    if (!this.isGoing) this.#finish();
  }

  get isGoing() {
    return this.about.value.state === 'going';
  }

  // Its answer's text, without what was thought.
  get said() {
    const texts = this.parts.value.filter((part) => part.kind === 'text');
    return texts.map((part) => part.text).join('');
  }

  // Its question's text.
  get asked() {
    const texts = this.question.filter((part) => part.type === 'text' && !isFile(part.text));
    return texts.map((part) => part.text).join('');
  }

  #take(role, part) {
    if (role === 'user') this.question.push(part);
    else if (part.type === 'text' || part.type === 'refusal') this.#say('text', part.text);
    else if (part.type === 'reasoning') this.#say('thought', part.text);
    else if (part.type === 'tool_call') this.#call(part.id, part.name, argumentsOf(part));
    else if (part.type === 'tool_result') {
      const text = (part.parts ?? part.content ?? []).map((it) => it.text ?? '').join('');
      this.#mark('tool_result', { id: part.call_id, text, isError: part.is_error });
    } else if (part.type === 'media') this.#add({ kind: 'media', ...part, mediaKind: part.kind });
  }

  #add(part) {
    this.parts.value.at(-1)?.finish?.();
    this.parts.value = [...this.parts.value, part];
  }

  #say(kind, text) {
    if (!text) return;
    const last = this.parts.value.at(-1);
    if (last?.kind === kind) last.grow(text);
    else this.#add(new Text(kind, text));
  }

  #call(id, name, args) {
    this.#add({ kind: 'tool', id, name, arguments: args, told: signal({}) });
  }

  // What is told of a call: that it waits, what was decided, that it runs, what came of it.
  #mark(what, data) {
    const call = this.parts.value.find((part) => part.kind === 'tool' && part.id === data.id);
    if (call) call.told.value = { ...call.told.value, [what]: data };
  }

  #finish() {
    for (const part of this.parts.value) part.finish?.();
  }

  // Takes an event of the service.
  hear({ name, data }) {
    if (name === 'start') this.about.value = { ...this.about.value, model: data.model };
    else if (name === 'text') this.#say('text', data.text);
    else if (name === 'reasoning') this.#say('thought', data.text);
    else if (name === 'tool_call') this.#call(data.id, data.name, data.arguments);
    else if (name === 'media') this.#add({ ...data, kind: 'media', mediaKind: data.kind });
    else if (name === 'end') {
      this.about.value = { ...this.about.value, ...data };
      this.#finish();
    } else this.#mark(name, data);
  }

  // Forgets what it heard, to hear it again from the beginning.
  begin() {
    this.parts.value = [];
    this.about.value = { ...this.about.value, state: 'going', error: undefined };
  }
}

function argumentsOf({ arguments: args }) {
  if (typeof args === 'string') return args;
  return typeof args?.text === 'string' ? args.text : JSON.stringify(args ?? {});
}

const FILE = /^<file name="([^"]*)">\n/;

// Whether a part of a question is a text file that was attached, and its name.
export const isFile = (text) => FILE.test(text);
export const fileName = (text) => FILE.exec(text)?.[1] ?? '';
export const fileText = (text) => text.replace(FILE, '').replace(/\n<\/file>\s*$/, '');
