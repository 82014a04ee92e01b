// A block of code: shown as it grows, coloured when it is whole, copied with one press.

import { copied } from './copy.js';
import { icon } from './icons.js';

// How many lines are laid out together, so that a long block is not laid out again for each line.
const LINES = 64;

// Code that is longer stays in one colour.
const COLOURED = 20_000;

const idle = globalThis.requestIdleCallback ?? ((run) => setTimeout(run, 1));

function make(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

async function colour(code, text, language) {
  let spans;
  try {
    const { spansOf } = await import('./highlight.js');
    spans = spansOf(text, language);
  } catch {
    // Without the service there are no colours.
    return;
  }
  if (spans && code.isConnected) code.replaceChildren(...spans);
}

export function codeBlock(language) {
  let text = '';
  let lines = LINES;
  let last = null;
  const code = make('code');
  const pre = make('pre', '', code);
  pre.tabIndex = 0;
  const copy = make('button', 'quiet', icon('copy'), 'Copy');
  copy.type = 'button';
  copy.addEventListener('click', async () => {
    const done = await copied(text);
    copy.lastChild.data = done ? 'Copied' : 'Can’t copy here';
    setTimeout(() => (copy.lastChild.data = 'Copy'), 1600);
  });
  const name = language.toLowerCase();
  const head = make('figcaption', '', make('span', '', name), copy);
  return {
    element: make('figure', 'code', head, pre),
    grow(more) {
      text += more;
      for (const line of more.split(/(?<=\n)/)) {
        if (lines >= LINES) {
          last = document.createTextNode('');
          code.append(make('span', 'lines', last));
          lines = 0;
        }
        last.appendData(line);
        if (line.endsWith('\n')) lines += 1;
      }
    },
    finish() {
      if (name && text.length <= COLOURED) idle(() => colour(code, text, name));
    },
  };
}
