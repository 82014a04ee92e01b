// The foot of the history: the theme, the shortcuts, the key.

import { signal } from '@preact/signals';
import { html } from 'htm/preact';
import { key, useKey } from '../api.js';
import { chosenTheme, keepTheme, wear } from '../kept.js';
import { Dialog, Icon, Menu, Tool } from './parts.js';

const theme = signal(chosenTheme());
export const areShortcutsShown = signal(false);

const THEMES = [['', 'As the system'], ['light', 'Light'], ['dark', 'Dark']];
const command = /Mac|iP(?:ad|hone)/.test(navigator.platform) ? '⌘' : 'Ctrl';

const SHORTCUTS = [
  ['Send', 'Enter'], ['New line', 'Shift Enter'], ['Stop the answer', 'Escape'], ['Edit the last question', '↑'],
  ['New conversation', 'Alt N'], ['Choose the model', 'Alt M'], ['Search the history', `${command} K`],
  ['Answer a tool that waits', 'Alt A'],
  ['Show these', `${command} /`],
];

function setTheme(name) {
  theme.value = name;
  keepTheme(name);
  wear(name);
}

export function Theme(more) {
  const items = THEMES.map(([id, text]) => ({ text, isOn: theme.value === id, run: () => setTheme(id) }));
  return html`<${Menu} name="theme" label="Theme" items=${items} ...${more} />`;
}

export const Forget = () => key.value && html`<button type="button" class="quiet" onClick=${() => { useKey(''); location.reload(); }}>Forget the key</button>`;

export const Settings = () => html`
  <footer>
    <${Theme} up side="left" />
    <${Tool} name="keys" label="Keyboard shortcuts" onClick=${() => (areShortcutsShown.value = true)} />
    <a class="tool" href="usage" aria-label="Usage" title="Usage"><${Icon} name="usage" /></a>
    <${Forget} />
  </footer>`;

export const Shortcuts = () => html`
  <${Dialog} title="Keyboard shortcuts" onClose=${() => (areShortcutsShown.value = false)}>
    <dl class="keys">${SHORTCUTS.map(([what, keys]) => html`<div><dt>${what}</dt><dd>${keys.split(' ').map((it) => html`<kbd>${it}</kbd>`)}</dd></div>`)}</dl>
    <p class="note"><a href="licences.txt" target="_blank" rel="noopener">What this page is made of</a></p>
  <//>`;

export function Key() {
  const submit = (event) => {
    event.preventDefault();
    const text = new FormData(event.currentTarget).get('key');
    if (!text.trim()) return;
    useKey(text);
    location.reload();
  };
  return html`
    <${Dialog} title="This service asks for a key" onClose=${() => {}} className="key">
      <form onSubmit=${submit}>
        <p>Whoever runs the service gives keys out. Yours is kept until this tab is closed, and sent to this service alone.</p>
        <label>Key<input name="key" type="password" autocomplete="off" autofocus required /></label>
        ${key.value && html`<p class="warning">The key that was used is wrong, or not valid any more.</p>`}
        <div class="row end"><button type="submit" class="strong"><${Icon} name="check" />Use it</button></div>
      </form>
    <//>`;
}
