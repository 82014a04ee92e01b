// Where a question is written, with what is shown besides, and sent or stopped.

import { useLayoutEffect, useRef } from 'preact/hooks';
import { html } from 'htm/preact';
import { accept, attach, editWhole, refused } from '../attach.js';
import { attached, draft, edit, editing, going, send, setDraft, shown, stop, turns } from '../chat.js';
import { effort, has, model } from '../models.js';
import { Icon, Menu, Tool } from './parts.js';

const EFFORTS = [['', 'As the model likes'], ['off', 'Off'], ['low', 'Little'], ['medium', 'Some'], ['high', 'Much']];
const isTouched = () => matchMedia('(pointer: coarse)').matches;

export function Composer() {
  const field = useRef();
  const picker = useRef();
  const text = draft.value;
  useLayoutEffect(() => {
    const { style } = field.current;
    style.height = 'auto';
    style.height = `${Math.min(field.current.scrollHeight, innerHeight * 0.4)}px`;
  }, [text]);
  // At once, so that it takes the focus from nothing that was wanted meanwhile.
  useLayoutEffect(() => {
    if (!isTouched() || editing.value) field.current.focus({ preventScroll: true });
  }, [shown.value, editing.value]);
  const type = (event) => {
    if (event.isComposing) return;
    if (event.key === 'Enter' && !event.shiftKey && !isTouched()) {
      event.preventDefault();
      send();
    } else if (event.key === 'ArrowUp' && !text && !editing.value && !going.value && turns.value.length) {
      event.preventDefault();
      editWhole(turns.value.at(-1));
    } else if (event.key === 'Escape' && editing.value) {
      event.stopPropagation();
      edit(null);
    }
  };
  const paste = (event) => {
    const { files } = event.clipboardData;
    if (!files.length) return;
    event.preventDefault();
    attach(files);
  };
  const submit = (event) => {
    event.preventDefault();
    send();
  };
  const wrong = model.value ? attached.value.map((it) => refused(it, model.value)).find(Boolean) : '';
  const isEmpty = !text.trim() && !attached.value.length;
  const thinking = EFFORTS.find(([id]) => id === effort.value)?.[1];
  return html`
    <form class="composer" onSubmit=${submit} aria-label="Ask">
      ${editing.value && html`
        <div class="editing"><span><${Icon} name="edit" />Editing; the answer comes on a branch of its own.</span>
          <button type="button" class="quiet" onClick=${() => edit(null)}>Cancel</button></div>`}
      ${attached.value.length > 0 && html`
        <ul class="attached" aria-label="Attached">${attached.value.map((it) => html`<${Attached} key=${it.id} it=${it} />`)}</ul>`}
      ${wrong && html`<p class="warning" role="status">${wrong}</p>`}
      <label class="unseen" for="ask">Message</label>
      <textarea id="ask" ref=${field} rows="1" placeholder="Ask anything" value=${text} enterkeyhint="enter"
        onInput=${(event) => setDraft(event.currentTarget.value)} onKeyDown=${type} onPaste=${paste}></textarea>
      <div class="row">
        <${Tool} name="clip" label="Attach files" onClick=${() => picker.current.click()} />
        <input ref=${picker} type="file" multiple hidden accept=${accept} aria-label="Files to attach" tabindex="-1"
          onChange=${(event) => { attach(event.currentTarget.files); event.currentTarget.value = ''; }} />
        ${has('reasoning') && html`
          <${Menu} up side="left" label="How much to think" items=${EFFORTS.map(([id, name]) => ({ text: name, isOn: effort.value === id, run: () => (effort.value = id) }))}>
            Thinking${effort.value ? `: ${thinking.toLowerCase()}` : ''}<${Icon} name="down" />
          <//>`}
        <span class="room"></span>
        ${going.value
          ? html`<button type="button" class="go" aria-label="Stop" title="Stop (Escape)" onClick=${stop}><${Icon} name="stop" /></button>`
          : html`<button type="submit" class="go" aria-label="Send" title="Send (Enter)" disabled=${isEmpty}><${Icon} name="send" /></button>`}
      </div>
    </form>`;
}

function Attached({ it }) {
  return html`
    <li>
      ${it.preview ? html`<img src=${it.preview} alt="" />` : html`<${Icon} name="file" />`}
      <span>${it.name}</span><small>${it.size}</small>
      <${Tool} name="close" label=${`Remove ${it.name}`} onClick=${() => (attached.value = attached.value.filter((other) => other !== it))} />
    </li>`;
}
