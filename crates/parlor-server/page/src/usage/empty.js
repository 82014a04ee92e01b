// Before the first request: how to send one.

import { html } from 'htm/preact';
import { useEffect, useState } from 'preact/hooks';
import { ask, key } from '../api.js';
import { copied } from '../copy.js';
import { Icon } from '../view/parts.js';
import { chooseRange, range, rangeName } from './state.js';

export function Empty() {
  const [model, setModel] = useState('echo/echo');
  const [isCopied, setCopied] = useState(false);
  useEffect(() => { ask('GET', 'models').then((known) => setModel(known.default), () => {}); }, []);
  const address = new URL('v1/chat/completions', location.href).href;
  const lines = [
    `curl ${address} \\`,
    ...(key.value ? ['  -H "authorization: Bearer $KEY" \\'] : []),
    "  -H 'content-type: application/json' \\",
    `  -d '{"model": "${model}", "messages": [{"role": "user", "content": "Hello"}]}'`,
  ];
  const copy = async () => {
    setCopied(await copied(lines.join('\n')));
    setTimeout(() => setCopied(false), 1600);
  };
  return html`
    <section class="empty">
      <h2>No request in ${rangeName.value}</h2>
      <p>Each request is counted once, however it ends. Ask something <a href="./">in the chat</a>, or send one:</p>
      <div class="try">
        <pre tabindex="0" aria-label="A request to send">${lines.join('\n')}</pre>
        <button type="button" class="quiet" onClick=${copy}><${Icon} name=${isCopied ? 'check' : 'copy'} />${isCopied ? 'Copied' : 'Copy'}</button>
      </div>
      ${range.value !== 'month' && html`<p><button type="button" class="quiet wider" onClick=${() => chooseRange('month')}>Look at the last month</button></p>`}
    </section>`;
}
