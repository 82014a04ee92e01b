// Markdown into elements: marked reads it, DOMPurify leaves what is harmless, and nothing in it makes
// the browser ask anybody for anything.

import DOMPurify from 'dompurify';
import { Lexer, Parser, marked } from 'marked';
import { codeBlock } from './code.js';

const TAGS = ('a b blockquote br code del details dd div dl dt em h1 h2 h3 h4 h5 h6 hr i img input ins ' +
  'kbd li mark ol p pre s samp small span strong sub summary sup table tbody td th thead tr u ul var').split(' ');
const CLEAN = {
  ALLOWED_TAGS: TAGS,
  ALLOWED_ATTR: ['href', 'title', 'alt', 'src', 'start', 'align', 'class', 'type', 'checked', 'disabled', 'open'],
  // What these say is no address.
  ADD_URI_SAFE_ATTR: ['align', 'checked', 'disabled', 'open', 'start', 'type'],
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  ALLOWED_URI_REGEXP: /^(?:https?:|mailto:|data:image\/(?:png|jpeg|gif|webp);)/i,
  RETURN_DOM_FRAGMENT: true,
};

const PLAIN = ('b br code dd del details dl dt em h1 h2 h3 h4 h5 h6 hr i ins kbd li mark ol p pre s samp small ' +
  'strong sub summary sup table tbody td th thead tr u ul var').split(' ').join('|');
const TAG = new RegExp(`^(?:</?(?:${PLAIN})\\s*/?>|<details open>|</a>|<a href="https?:[^"<>]*">)$`, 'i');
const escaped = (text) => text.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);

// Of HTML only plain tags are taken; others are shown as they are written. So the browser's parser
// gets nothing that it would complain of.
const html = ({ text }) => text.replace(/<!--[^]*?-->/g, '').replace(/<[^>]*>?/g, (tag) => (TAG.test(tag) ? tag : escaped(tag)));

marked.use({ gfm: true, breaks: false, renderer: { html } });

function link(href, text) {
  const element = document.createElement('a');
  element.href = href;
  element.textContent = text;
  return element;
}

// Mends what DOMPurify left, in a document that nothing is loaded for.
function mend(fragment) {
  for (const image of fragment.querySelectorAll('img')) {
    // A picture elsewhere would tell its host who reads; it is a link instead.
    const source = image.getAttribute('src') ?? '';
    if (/^data:image\/(?:png|jpeg|gif|webp);/.test(source)) continue;
    image.replaceWith(/^https?:/i.test(source) ? link(source, image.alt || source) : image.alt);
  }
  for (const input of fragment.querySelectorAll('input')) {
    if (input.type !== 'checkbox') input.remove();
    else {
      input.disabled = true;
      input.setAttribute('aria-label', input.checked ? 'done' : 'to do');
    }
  }
  for (const it of fragment.querySelectorAll('a[href]')) {
    it.target = '_blank';
    it.rel = 'noopener noreferrer';
  }
  for (const it of fragment.querySelectorAll('[class]')) {
    if (!it.matches('pre > code')) it.removeAttribute('class');
  }
  for (const pre of fragment.querySelectorAll('pre')) {
    const language = /language-(\S+)/.exec(pre.firstElementChild?.className ?? '')?.[1] ?? '';
    const block = codeBlock(language);
    block.grow(pre.textContent.replace(/\n$/, ''));
    block.finish();
    pre.replaceWith(block.element);
  }
  for (const table of fragment.querySelectorAll('table')) {
    const frame = document.createElement('div');
    frame.className = 'table';
    frame.tabIndex = 0;
    frame.setAttribute('role', 'group');
    frame.setAttribute('aria-label', 'Table');
    table.replaceWith(frame);
    frame.append(table);
  }
  return fragment;
}

const clean = (text) => document.adoptNode(mend(DOMPurify.sanitize(text, CLEAN)));

// How many items of a list are one block: a longer list is several of them.
const ITEMS = 12;

// The blocks of a text: `raw` is what of the text each of them is.
function blocks(text, links) {
  const lexer = new Lexer(marked.defaults);
  Object.assign(lexer.tokens.links, links);
  const tokens = lexer.lex(text);
  Object.assign(links, tokens.links);
  return tokens;
}

// Where the open fence that a text begins with has its code, if it begins with one.
function fence(text) {
  const found = /^ {0,3}(`{3,}|~{3,})[^\S\n]*([^\s`]*)[^\n`]*\n/.exec(text);
  return found && { mark: found[1], language: found[2], at: found[0].length };
}

// A text in Markdown that may grow. Blocks that can't change any more are left alone; only the last
// one is made again. No single step takes long.
export class Prose {
  text = '';
  isOver = false;
  #parent;
  #from = 0;
  #links = {};
  #tail = [];
  #code = null;
  #due = 0;
  #rest = 0;

  constructor(parent) {
    this.#parent = parent;
  }

  grow(text) {
    this.text += text;
    this.#plan();
  }

  finish() {
    this.isOver = true;
    this.#plan();
  }

  // Makes as much as a step may take, at once.
  begin() {
    cancelAnimationFrame(this.#due);
    this.#due = 0;
    this.#step();
  }

  end() {
    cancelAnimationFrame(this.#due);
    this.#due = -1;
  }

  #plan() {
    if (this.#due === 0) this.#due = requestAnimationFrame(() => this.#frame());
  }

  #frame() {
    this.#due = 0;
    // What was dear to make isn't made again at once.
    if (performance.now() < this.#rest && !this.isOver) return this.#plan();
    this.#step();
  }

  #step() {
    const began = performance.now();
    const isLate = () => performance.now() - began > 8;
    while (this.#from < this.text.length || this.#code) {
      if (this.#code ? !this.#growCode() : !this.#growBlocks(isLate)) break;
      if (isLate()) {
        this.#plan();
        break;
      }
    }
    this.#rest = performance.now() + 3 * (performance.now() - began);
  }

  // Puts in blocks that can't change any more, and the last one as it is now. Says whether there is
  // more to do.
  #growBlocks(isLate) {
    for (const element of this.#tail) element.remove();
    this.#tail = [];
    const text = this.text.slice(this.#from);
    const open = fence(text);
    if (open) {
      const block = codeBlock(open.language);
      this.#parent.append(block.element);
      this.#from += open.at;
      this.#code = { block, mark: open.mark };
      return true;
    }
    const tokens = blocks(text, this.#links);
    const last = this.isOver ? tokens.length : tokens.findLastIndex((token) => token.type !== 'space');
    for (const [at, token] of tokens.entries()) {
      if (at > 0 && (isLate() || token.type === 'code')) return true;
      if (token.type === 'list' && token.items.length > ITEMS) {
        const items = token.items.slice(0, ITEMS);
        this.#parent.append(...this.#elements({ ...token, items }));
        this.#from += items.reduce((length, item) => length + item.raw.length, 0);
        return true;
      }
      const elements = this.#elements(token);
      this.#parent.append(...elements);
      if (at >= last) this.#tail.push(...elements);
      else this.#from += token.raw.length;
    }
    return false;
  }

  // Puts what was added into the open block of code, line by line. Says whether it was closed.
  #growCode() {
    const { block, mark } = this.#code;
    const rest = this.text.slice(this.#from);
    const closing = new RegExp(`(^|\n) {0,3}\\${mark[0]}{${mark.length},}[^\\S\n]*(\n|$)`);
    const found = closing.exec(rest);
    // A line that isn't whole may yet become another.
    const isClosed = found && (found[2] || this.isOver);
    const end = isClosed ? found.index : this.isOver ? rest.length : Math.max(0, rest.lastIndexOf('\n'));
    block.grow(rest.slice(0, end));
    this.#from += isClosed ? end + found[0].length : end;
    if (!isClosed && !this.isOver) return false;
    block.finish();
    this.#code = null;
    return true;
  }

  #elements(token) {
    if (token.type === 'space' || token.type === 'def') return [];
    return [...clean(Parser.parse([token], marked.defaults)).childNodes];
  }
}
