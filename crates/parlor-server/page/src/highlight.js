// Colours of code, loaded when there is some. What highlight.js finds becomes elements, never markup.

import hljs from 'highlight.js/lib/core';
import bash from 'highlight.js/lib/languages/bash';
import c from 'highlight.js/lib/languages/c';
import cpp from 'highlight.js/lib/languages/cpp';
import csharp from 'highlight.js/lib/languages/csharp';
import css from 'highlight.js/lib/languages/css';
import diff from 'highlight.js/lib/languages/diff';
import go from 'highlight.js/lib/languages/go';
import ini from 'highlight.js/lib/languages/ini';
import java from 'highlight.js/lib/languages/java';
import javascript from 'highlight.js/lib/languages/javascript';
import json from 'highlight.js/lib/languages/json';
import kotlin from 'highlight.js/lib/languages/kotlin';
import markdown from 'highlight.js/lib/languages/markdown';
import python from 'highlight.js/lib/languages/python';
import ruby from 'highlight.js/lib/languages/ruby';
import rust from 'highlight.js/lib/languages/rust';
import sql from 'highlight.js/lib/languages/sql';
import typescript from 'highlight.js/lib/languages/typescript';
import xml from 'highlight.js/lib/languages/xml';
import yaml from 'highlight.js/lib/languages/yaml';

const LANGUAGES = {
  bash, c, cpp, csharp, css, diff, go, ini, java, javascript, json, kotlin, markdown, python, ruby,
  rust, sql, typescript, xml, yaml,
};
for (const [name, language] of Object.entries(LANGUAGES)) hljs.registerLanguage(name, language);

function element(node) {
  if (typeof node === 'string') return node;
  const span = document.createElement('span');
  const scope = node.scope ?? '';
  if (scope) span.className = `hl-${scope.split('.')[0]}`;
  span.append(...node.children.map(element));
  return span;
}

// The parts of some code, or nothing for a language that isn't known.
export function spansOf(text, language) {
  if (!hljs.getLanguage(language)) return null;
  const { _emitter: tree } = hljs.highlight(text, { language, ignoreIllegals: true });
  return tree.rootNode.children.map(element);
}
