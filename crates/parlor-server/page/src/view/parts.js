// Small things that views are made of.

import { useEffect, useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { html } from 'htm/preact';
import { shape } from '../icons.js';

export const Icon = ({ name }) => html`
  <svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d=${shape(name)} /></svg>`;

// What the service says, as a sentence.
export function sentence(text) {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}

// A button that is a drawing; its label is what it does.
export const Tool = ({ name, label, ...more }) => html`
  <button type="button" class="tool" aria-label=${label} title=${label} ...${more}><${Icon} name=${name} /></button>`;

// A button with a list of what can be done. Arrows walk in it, Escape leaves it.
export function Menu({ label, name = 'more', items, children, up = false, side = 'right', ...more }) {
  const [isOpen, setOpen] = useState(false);
  const box = useRef();
  const id = useId();
  const close = (isBack) => {
    setOpen(false);
    if (isBack) box.current?.firstElementChild.focus();
  };
  useEffect(() => {
    if (!isOpen) return undefined;
    const checked = box.current.querySelector('[aria-checked="true"]') ?? box.current.querySelector('[role^="menuitem"]');
    checked?.focus();
    const outside = (event) => !box.current?.contains(event.target) && setOpen(false);
    document.addEventListener('pointerdown', outside);
    return () => document.removeEventListener('pointerdown', outside);
  }, [isOpen]);
  const walk = (event) => {
    const all = [...box.current.querySelectorAll('[role^="menuitem"]')];
    const at = all.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (event.key === 'Escape') close(true);
    else if (event.key === 'Tab') close(false);
    else if (to !== undefined) all.at(to % all.length).focus();
    else return;
    if (event.key !== 'Tab') event.preventDefault();
    event.stopPropagation();
  };
  const opens = (event) => {
    if (isOpen || !['ArrowDown', 'ArrowUp'].includes(event.key)) return;
    event.preventDefault();
    setOpen(true);
  };
  const item = ({ text, run, isOn, isGrave }) => html`
    <button type="button" role=${isOn === undefined ? 'menuitem' : 'menuitemradio'} tabindex="-1"
      aria-checked=${isOn === undefined ? undefined : String(isOn)} class=${isGrave ? 'grave' : ''}
      onClick=${() => { close(true); run(); }}>
      ${text}${isOn && html`<${Icon} name="check" />`}
    </button>`;
  return html`
    <div class="menu" ref=${box} onKeyDown=${isOpen ? walk : opens}>
      <button type="button" class=${children ? 'worded' : 'tool'} aria-label=${label} title=${label} aria-haspopup="menu"
        aria-expanded=${isOpen} aria-controls=${isOpen ? id : undefined} onClick=${() => setOpen(!isOpen)} ...${more}>
        ${children ?? html`<${Icon} name=${name} />`}
      </button>
      ${isOpen && html`<div role="menu" id=${id} class="list ${up ? 'up' : ''} ${side}" aria-label=${label}>${items.map(item)}</div>`}
    </div>`;
}

// Something to be answered before anything else.
export function Dialog({ title, onClose, children, className = '' }) {
  const dialog = useRef();
  const id = useId();
  useLayoutEffect(() => {
    const before = document.activeElement;
    const element = dialog.current;
    element.showModal();
    element.querySelector('[autofocus]')?.focus();
    return () => {
      element.close();
      // What has the focus back from a dialog takes letters only when it is given it anew.
      setTimeout(() => {
        before?.blur();
        before?.focus();
      });
    };
  }, []);
  const cancel = (event) => { event.preventDefault(); onClose(); };
  const outside = (event) => event.target === dialog.current && onClose();
  return html`
    <dialog ref=${dialog} class=${className} aria-labelledby=${id} onCancel=${cancel} onPointerDown=${outside}>
      <div class="sheet">
        <div class="title"><h2 id=${id}>${title}</h2><${Tool} name="close" label="Close" onClick=${onClose} /></div>
        ${children}
      </div>
    </dialog>`;
}
