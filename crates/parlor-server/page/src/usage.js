// The usage page begins: what was used, how everything fares, and what goes on.

import { html } from 'htm/preact';
import { render } from 'preact';
import { App } from './usage/app.js';
import { begin } from './usage/state.js';

render(html`<${App} />`, document.getElementById('app'));
begin();
