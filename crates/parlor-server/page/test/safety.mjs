// What never happens, whatever a model says.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';

const CORPUS = [
  '<script>pwn()</script>',
  '<img src=x onerror=pwn()>',
  '<svg onload=pwn()></svg>',
  '<svg><script>pwn()</script></svg>',
  '<iframe src="javascript:pwn()"></iframe>',
  '<iframe srcdoc="<script>parent.pwn()</script>"></iframe>',
  '<object data="data:text/html,<script>pwn()</script>"></object>',
  '<embed src="javascript:pwn()">',
  '<a href="javascript:pwn()">one</a>',
  '[two](javascript:pwn())',
  '[three](JaVaScRiPt:pwn())',
  '[four](java\tscript:pwn())',
  '[five](&#106;avascript:pwn())',
  '[six](data:text/html;base64,PHNjcmlwdD5wd24oKTwvc2NyaXB0Pg==)',
  '[seven](vbscript:pwn())',
  '[eight](https://example.com/" onmouseover="pwn())',
  '![nine](x" onerror="pwn())',
  '![ten](https://example.com/spy.png)',
  '<img src="https://example.com/spy.png" srcset="https://example.com/spy2.png 2x">',
  '<img src="api/conversations">',
  '<video src="https://example.com/v.mp4" autoplay onloadstart=pwn()></video>',
  '<audio src=x onerror=pwn()></audio>',
  '<link rel=stylesheet href="https://example.com/x.css">',
  '<style>@import "https://example.com/x.css"; * { display: none }</style>',
  '<div style="background: url(https://example.com/x.png)">eleven</div>',
  '<meta http-equiv=refresh content="0;url=https://example.com/">',
  '<base href="https://example.com/">',
  '<form action="https://example.com/"><input name=a><button>twelve</button></form>',
  '<details open ontoggle=pwn()><summary>x</summary></details>',
  '<body onload=pwn()>',
  '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=pwn()&gt;">',
  '<noscript><p title="</noscript><img src=x onerror=pwn()>">',
  '<template><img src=x onerror=pwn()></template>',
  '<a id=app name=location href="#">clobber</a><form id=document><input name=body></form>',
  '<select><option><iframe src=javascript:pwn()></select>',
  '<x-element onclick=pwn()>thirteen</x-element>',
  '<input autofocus onfocus=pwn()>',
  '<marquee onstart=pwn()>fourteen</marquee>',
  '<p>unclosed <b <img src=x onerror=pwn()>',
  '`<img src=x onerror=pwn()>`',
  '```html\n<img src=x onerror=pwn()><script>pwn()</script>\n```',
  '```"><img src=x onerror=pwn()>\ncode\n```',
  '| a | b |\n|---|---|\n| <img src=x onerror=pwn()> | <script>pwn()</script> |',
  '<a href="  javascript:pwn()" target=_self>fifteen</a>',
  '<use href="data:image/svg+xml,<svg id=x onload=pwn()>#x">',
  '<img src="data:image/svg+xml,<svg xmlns=\'http://www.w3.org/2000/svg\' onload=\'pwn()\'/>">',
];

// What axe finds, in words.
export const AUDIT = `axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations.map(({ id, nodes }) =>
  id + ': ' + nodes.map((node) => node.html + ' ' + node.failureSummary).join(' | ')))`;

export const AXE = new URL(import.meta.resolve('axe-core/axe.min.js'));

export default {
  async 'nothing that a model says is run'({ visit, upstream }) {
    const it = await visit();
    const { page } = it;
    await page.evaluate(() => {
      globalThis.hits = 0;
      globalThis.pwn = () => { globalThis.hits += 1; };
    });
    upstream.says = CORPUS.join('\n\n');
    await it.asked('says', CORPUS.slice(0, 9).join('\n'));
    await checked(page);
    // The same from the store.
    await page.reload();
    await page.evaluate(() => {
      globalThis.hits = 0;
      globalThis.pwn = () => { globalThis.hits += 1; };
    });
    await it.answer();
    await checked(page);
  },

  async 'the policies hold'({ visit, service }) {
    const { page, troubles } = await visit();
    const { headers } = await fetch(service.url);
    const policy = headers.get('content-security-policy');
    assert.match(policy, /default-src 'none'/);
    assert.match(policy, /require-trusted-types-for 'script'/);
    const thrown = await page.evaluate(() => {
      try {
        document.createElement('div').innerHTML = '<b>x</b>';
        return '';
      } catch (error) {
        return error.name;
      }
    });
    assert.equal(thrown, 'TypeError');
    await page.evaluate(() => new Promise((done) => {
      const script = document.createElement('img');
      script.onerror = done;
      script.src = 'http://127.0.0.1:9/x.png';
      document.body.append(script);
    }));
    // The browser's own complaints about what was tried here, and nothing that went out.
    const refused = (text) => /Trusted Type|TrustedHTML|Content Security Policy/.test(text);
    assert.ok(troubles.some(refused));
    troubles.splice(0, troubles.length, ...troubles.filter((text) => !refused(text) && !text.startsWith('asks http://127.0.0.1:9/')));
  },

  async 'axe finds nothing in light, dark and on a phone'({ visit, upstream }) {
    const source = await readFile(AXE, 'utf8');
    upstream.says = 'Text\n\n## Heading\n\n- [x] done\n- [ ] open\n\n| a | b |\n|---|---:|\n| 1 | 2 |\n\n> quoted [link](https://example.com)\n\n```js\nconst words = "some"; // said\n```\n';
    const looks = [
      { colorScheme: 'light' },
      { colorScheme: 'dark' },
      { colorScheme: 'light', viewport: { width: 390, height: 780 }, hasTouch: true, isMobile: true },
      { colorScheme: 'dark', viewport: { width: 390, height: 780 }, hasTouch: true, isMobile: true },
    ];
    for (const [at, look] of looks.entries()) {
      const it = await visit(look);
    const { page } = it;
      await page.evaluate(source);
      const found = async (where) => {
        const violations = await page.evaluate(AUDIT);
        assert.deepEqual(violations, [], `${where} of look ${at}`);
      };
      if (at < 2) await found('empty');
      await it.asked('says', 'Show everything.');
      await it.asked('thinks', 'Think.');
      await it.asked('fails', 'Fail.');
      await page.locator('.hl-string').waitFor();
      await page.getByRole('button', { name: 'This conversation' }).click();
      await page.locator('.thought summary').click();
      await page.getByRole('button', { name: 'This conversation' }).click();
      await found('conversation with its menu');
      await page.keyboard.press('Escape');
      await page.locator('.model').click();
      await page.getByLabel('Those without a key too').check();
      await page.locator('.picker .price').first().waitFor();
      await found('models');
      await page.keyboard.press('Escape');
      if (look.isMobile) {
        await page.getByRole('button', { name: 'Open the history' }).click();
        await found('history');
      }
    }
  },
};

async function checked(page) {
  const found = await page.evaluate(() => {
    const bad = [];
    const shown = document.querySelectorAll('.log *');
    for (const element of shown) {
      if (/^(?:SCRIPT|IFRAME|OBJECT|EMBED|STYLE|LINK|META|BASE|FORM|TEMPLATE|X-ELEMENT)$/i.test(element.tagName)) bad.push(element.outerHTML);
      for (const { name, value } of element.attributes) {
        if (/^on/i.test(name) || (name === 'style' && element.closest('.prose'))) bad.push(element.outerHTML);
        if (/^(?:href|src|srcset|action|data)$/.test(name) && element.closest('.prose') && !/^(?:https?:|mailto:|data:image\/(?:png|jpeg|gif|webp);)/i.test(value)) bad.push(element.outerHTML);
        if (name === 'src' && /^https?:/.test(value)) bad.push(element.outerHTML);
      }
      if (element.closest('.prose') && (element.id || element.getAttribute('name'))) bad.push(element.outerHTML);
    }
    for (const link of document.querySelectorAll('.prose a[href]')) {
      if (!/noopener/.test(link.rel)) bad.push(link.outerHTML);
    }
    return { bad, hits: globalThis.hits };
  });
  assert.deepEqual(found, { bad: [], hits: 0 });
}
