// Bundles the page into ../src/page, where the crate takes it from. With --check nothing is written:
// what is there must be what the sources give.

import { build } from 'esbuild';
import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';

const here = dirname(fileURLToPath(import.meta.url));
const source = (name) => join(here, 'src', name);
const target = join(here, '..', 'src', 'page');

// The most bytes that a first visit to the chat loads, and all there is, both in gzip.
const FIRST = 60_000;
const ALL = 120_000;

const LICENCES = [
  'preact', '@preact/signals', '@preact/signals-core', 'htm', 'marked', 'dompurify', 'highlight.js',
];

async function bundles() {
  const common = {
    bundle: true, minify: true, write: false, outdir: target, target: ['es2022', 'chrome111', 'firefox115', 'safari16.4'],
    charset: 'utf8', legalComments: 'none', entryNames: '[name]-[hash]', chunkNames: '[name]-[hash]', metafile: true,
  };
  const modules = await build({ ...common, entryPoints: [source('page.js')], format: 'esm', splitting: true, loader: { '.css': 'text' } });
  // By itself: what both have in common costs less twice than the chat would wait for a file more.
  const usage = await build({ ...common, entryPoints: [source('usage.js')], format: 'esm' });
  const rest = await build({ ...common, entryPoints: ['theme.js', 'page.css', 'usage.css'].map(source), format: 'iife' });
  const files = new Map();
  for (const file of [...modules.outputFiles, ...usage.outputFiles, ...rest.outputFiles]) {
    files.set(file.path.slice(target.length + 1), Buffer.from(file.contents));
  }
  const icon = await readFile(source('icon.svg'));
  const hash = createHash('sha256').update(icon).digest('hex').slice(0, 8).toUpperCase();
  files.set(`icon-${hash}.svg`, icon);
  const named = (name, ending) => [...files.keys()].find((it) => it.startsWith(`${name}-`) && it.endsWith(`.${ending}`));
  for (const page of ['index.html', 'usage.html']) {
    const text = await readFile(source(page), 'utf8');
    files.set(page, Buffer.from(text.replace(/\{(\w+)\.(\w+)\}/g, (_, name, ending) => named(name, ending))));
  }
  files.set('licences.txt', Buffer.from(await licences()));
  return { files, first: firstOf(files, modules.metafile.outputs, 'index.html') };
}

// What a page loads at once: what it names, and what these import before they run.
function firstOf(files, outputs, page) {
  const imports = new Map();
  for (const [path, { imports: all }] of Object.entries(outputs)) {
    imports.set(basename(path), all.filter((it) => it.kind === 'import-statement').map((it) => basename(it.path)));
  }
  const found = new Set([page]);
  for (const [, name] of files.get(page).toString().matchAll(/(?:src|href)="([^"]+)"/g)) found.add(name);
  for (const name of found) for (const other of imports.get(name) ?? []) found.add(other);
  return found;
}

async function licences() {
  let text = 'The page is made with these programs. They are used under the licences below.\n';
  for (const name of LICENCES) {
    const folder = join(here, 'node_modules', name);
    const { version, license, homepage } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
    const file = (await readdir(folder)).find((it) => /^licen[cs]e/i.test(it));
    const words = file ? await readFile(join(folder, file), 'utf8') : `Licence: ${license}\n`;
    text += `\n${'-'.repeat(78)}\n${name} ${version}${homepage ? ` (${homepage})` : ''}\n\n${words.trim()}\n`;
  }
  return text;
}

// What the crate includes.
const table = (names) => `//! The files of the page, written by \`page/build.mjs\`.

use super::{File, file};

pub(super) const FILES: &[File] = &[
${names.map((name) => `    file!("${name}"),\n`).join('')}];
`;

const { files, first: atOnce } = await bundles();
const pack = (bytes) => gzipSync(bytes, { level: 9 });
const isPacked = (name) => /\.(?:js|css)$/.test(name);

const total = (which) => [...files].filter(([name]) => which(name)).reduce((sum, [, bytes]) => sum + pack(bytes).length, 0);
const isPage = (name) => name !== 'licences.txt';
const first = total((name) => atOnce.has(name));
const all = total(isPage);
console.log(`in gzip: a first visit ${first} bytes, everything ${all}`);
let isRight = first <= FIRST && all <= ALL;
if (!isRight) console.error(`that is more than ${FIRST} and ${ALL}`);

const written = new Map([...files].map(([name, bytes]) => (isPacked(name) ? [`${name}.gz`, pack(bytes)] : [name, bytes])));
written.set('files.rs', Buffer.from(table([...written.keys()].sort())));

if (process.argv.includes('--check')) {
  const there = new Set(await readdir(target));
  for (const [name, bytes] of written) {
    // How gzip packs may differ; what it packs may not.
    const unpacked = (packed) => (name.endsWith('.gz') ? gunzipSync(packed) : packed);
    if (there.delete(name) && unpacked(bytes).equals(unpacked(await readFile(join(target, name))))) continue;
    console.error(`src/page/${name} isn't what the sources give: npm run build`);
    isRight = false;
  }
  for (const name of there) {
    console.error(`src/page/${name} is no file of the page`);
    isRight = false;
  }
} else {
  await rm(target, { recursive: true, force: true });
  await mkdir(target, { recursive: true });
  for (const [name, bytes] of written) await writeFile(join(target, name), bytes);
}
process.exit(isRight ? 0 : 1);
