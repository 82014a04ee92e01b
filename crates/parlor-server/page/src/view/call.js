// A call of a tool: what is to run and where it comes from, what came of it, and, where it waits for
// a person, the answers.

import style from './call.css';

// What would hide in arguments, or turn the way that they are read.
const HIDDEN = /(?![\n\t])[\p{Cc}\p{Cf}\u2028\u2029]/gu;
const visible = (text) => text.replace(HIDDEN, (letter) => `\\u{${letter.codePointAt(0).toString(16)}}`);

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

// The fields of the arguments on a line.
function brief(text) {
  try {
    const fields = Object.entries(JSON.parse(text));
    return fields.map(([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`).join(', ');
  } catch {
    return text;
  }
}

const span = (ms) => (ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`);
const clock = (ms) => new Date(ms).toLocaleTimeString('en', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });

const DAY = 86_400_000;

// What became of a call, as a class and in words.
function stateOf({ approval, decided, tool_started: started, tool_result: result }, isGoing) {
  if (decided && !decided.allow) return ['denied', decided.by === 'time' ? 'denied: nobody answered' : 'denied'];
  if (result) {
    if (/^Not run: the call was denied/.test(result.text)) return ['denied', 'denied'];
    const took = result.tookMs === undefined ? '' : ` in ${span(result.tookMs)}`;
    return result.isError ? ['failed', `failed${took}`] : ['done', `done${took}`];
  }
  if (!isGoing) return ['denied', 'not run'];
  if (started) return ['going', 'running…'];
  if (decided) return ['going', 'allowed'];
  return approval ? ['waits', 'waits for you'] : ['going', 'called'];
}

export function make({ html, useEffect, useRef, useSignal, signal, ask, tell, fail, Icon, shown }) {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(style);
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];

  // What the service's tools are called, and where they come from.
  const tools = signal(new Map());
  ask('GET', 'tools').then((listed) => {
    tools.value = new Map(listed.tools.map((tool) => [tool.name, tool]));
  }, () => {});

  addEventListener('keydown', (event) => {
    const first = event.altKey && event.code === 'KeyA' && document.querySelector('.call .answers button');
    if (!first || document.querySelector('dialog[open]')) return;
    event.preventDefault();
    first.focus();
  });

  return function Call({ part, turn }) {
    const box = useRef();
    const turned = useSignal(null);
    const isBusy = useSignal(false);
    const told = part.told.value;
    const [state, words] = stateOf(told, turn.isGoing);
    const isWaiting = state === 'waits';
    const { title = part.name, source = '' } = told.approval ?? tools.value.get(part.name) ?? {};
    const isOpen = turned.value ?? isWaiting;
    const path = `conversations/${shown.value}/turns/${turn.id}/approvals/${encodeURIComponent(part.id)}`;
    useEffect(() => {
      if (isWaiting) tell(`${title} waits for your approval.`);
    }, [isWaiting]);
    const answer = async (allow, always) => {
      isBusy.value = true;
      try {
        await ask('POST', path, { allow, always });
        tell(allow ? `${title} is allowed.` : `${title} is denied.`);
        // What had the focus goes.
        box.current?.querySelector('summary').focus();
        turned.value = null;
      } catch (error) {
        isBusy.value = false;
        // Decided elsewhere, it is told as such.
        if (error.status !== 409) fail(error, () => answer(allow, always));
      }
    };
    const fold = (event) => { event.preventDefault(); turned.value = !isOpen; };
    const until = told.approval?.untilMs - Date.now() < DAY && clock(told.approval.untilMs);
    const result = told.tool_result;
    return html`
      <div class="call ${state}" role="group" aria-label=${`Tool ${title}, ${words}`} ref=${box}>
        <details open=${isOpen}>
          <summary onClick=${fold}>
            <${Icon} name="tool" /><code>${title}</code>
            <small>${!isOpen && visible(brief(part.arguments))}</small>
            <span>${words}</span>
          </summary>
          ${source && html`<p>${source === 'built-in' ? 'Built-in' : `From ${source}`}</p>`}
          <h3>Arguments</h3><pre tabindex="0">${visible(pretty(part.arguments))}</pre>
          ${result && html`<h3>Result</h3><pre tabindex="0">${pretty(result.text) || 'Nothing.'}</pre>`}
        </details>
        ${isWaiting && html`
          <div class="answers">
            <button type="button" class="strong" disabled=${isBusy.value} onClick=${() => answer(true, false)}>Allow once</button>
            <button type="button" class="lined" disabled=${isBusy.value} onClick=${() => answer(true, true)}>Always in this chat</button>
            <button type="button" class="lined deny" disabled=${isBusy.value} onClick=${() => answer(false, false)}>Deny</button>
            ${until && html`<small>No answer by ${until} is a no.</small>`}
          </div>`}
      </div>`;
  };
}
