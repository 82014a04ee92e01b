// What the page's tests stand on: services with scripted providers behind them, and a browser.

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request as requestTo } from 'node:http';
import { createServer as createSocket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Upstream } from './upstream.mjs';

const BROWSERS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

// A browser to test in, if there is one.
export const browserPath = () => [process.env.CHROMIUM, ...BROWSERS].find((path) => path && existsSync(path));

async function freePort() {
  const socket = createSocket();
  await new Promise((done) => socket.listen(0, '127.0.0.1', done));
  const { port } = socket.address();
  await new Promise((done) => socket.close(done));
  return port;
}

// What a test has started and not stopped.
const started = new Set();

// Ends what a test has started, whatever became of the test.
export function stopAll() {
  for (const it of started) it.stop();
}

// A service with a folder of its own.
export class Service {
  constructor(upstream, program) {
    started.add(this);
    this.upstream = upstream;
    this.program = program;
    this.folder = mkdtempSync(join(tmpdir(), 'parlor-page-'));
    this.config = join(this.folder, 'config.toml');
    writeFileSync(this.config, `
[providers.stage]
base_url = "${upstream.url}"
api_key_env = "STAGE_KEY"
[serve]
tools = ["calculator", "post"]
[tools.post]
command = ["/bin/cat"]
description = "Posts a card."
parameters = { type = "object" }
[models]
${['plain', 'slow', 'long', 'long-code', 'long-list', 'thinks', 'cut', 'says', 'fails', 'calls'].map((name) => `"${name}" = "stage/${name}"\n`).join('')}`);
    this.env = {
      PATH: process.env.PATH, HOME: this.folder, STAGE_KEY: 'key-of-the-stage', NO_PROXY: '*',
      XDG_DATA_HOME: join(this.folder, 'data'), XDG_CONFIG_HOME: join(this.folder, 'config'), XDG_STATE_HOME: join(this.folder, 'state'),
    };
  }

  async start(...more) {
    const port = await freePort();
    this.url = `http://127.0.0.1:${port}/`;
    const args = ['serve', '--config', this.config, '--bind', `127.0.0.1:${port}`, ...more];
    this.process = spawn(this.program, args, { env: this.env, stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    await new Promise((done, failed) => {
      this.process.stderr.on('data', (text) => {
        said += text;
        if (said.includes('Serving at')) done();
      });
      this.process.on('exit', () => failed(new Error(`the service ended: ${said}`)));
    });
    return this;
  }

  // What the terminal program says in the same folder.
  async terminal(...args) {
    const run = spawn(this.program, [...args, '--config', this.config], { env: this.env, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const out of [run.stdout, run.stderr]) out.on('data', (text) => (said += text));
    await new Promise((done) => run.on('close', done));
    return said;
  }

  stop() {
    started.delete(this);
    this.process?.removeAllListeners('exit');
    this.process?.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }
}

// The same service somewhere under another site.
export async function under(prefix, url) {
  const { hostname, port } = new URL(url);
  const server = createServer((request, response) => {
    if (!request.url.startsWith(prefix)) return response.writeHead(404).end();
    const path = request.url.slice(prefix.length - 1);
    const headers = { ...request.headers, host: `${hostname}:${port}`, origin: undefined };
    delete headers.origin;
    const passed = requestTo({ hostname, port, path, method: request.method, headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    passed.on('error', () => response.destroy());
    response.on('close', () => passed.destroy());
    return request.pipe(passed);
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const stop = () => {
    started.delete(site);
    server.closeAllConnections();
    server.close();
  };
  const site = { url: `http://127.0.0.1:${server.address().port}${prefix}`, stop };
  started.add(site);
  return site;
}

// Waits until something holds; fails where it doesn't in time.
export async function until(holds, ms) {
  const end = performance.now() + ms;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`not in ${ms} ms: ${holds}`);
    await new Promise((done) => setTimeout(done, 5));
  }
}

export async function stage(program) {
  const upstream = await new Upstream().start();
  const service = await new Service(upstream, program).start();
  // It stays for all tests.
  started.delete(service);
  return { upstream, service };
}

// A page of the service with what is done on it, and what should never happen on it.
export class Visit {
  static #open = [];
  troubles = [];

  static async of(browser, url, { isLocked = false, ...options } = {}) {
    const visit = new Visit();
    visit.context = await browser.newContext({ viewport: { width: 1200, height: 800 }, reducedMotion: 'reduce', ...options });
    const origin = new URL(url).origin;
    visit.context.on('request', (request) => {
      const to = request.url();
      if (!/^(?:data|blob):/.test(to) && new URL(to).origin !== origin) visit.troubles.push(`asks ${to}`);
    });
    visit.context.on('console', (message) => {
      // A status that says no is said by the page, too.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) visit.troubles.push(message.text());
    });
    visit.context.on('weberror', (error) => visit.troubles.push(String(error.error())));
    visit.page = await visit.context.newPage();
    Visit.#open.push(visit);
    visit.page.setDefaultTimeout(10_000);
    await visit.page.goto(url);
    if (!isLocked) await visit.page.locator('.model', { hasText: /\w/ }).waitFor();
    return visit;
  }

  // Ends all visits, and tells what should not have happened in them.
  static async endAll() {
    const visits = Visit.#open.splice(0);
    await Promise.all(visits.map((visit) => visit.context.close()));
    return visits.flatMap((visit) => visit.troubles);
  }

  async choose(model) {
    const { page } = this;
    await page.locator('.model').click();
    await page.getByRole('combobox').fill(model);
    // The list may still be on its way.
    await page.getByRole('option').first().waitFor();
    await page.getByRole('combobox').press('Enter');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  }

  async ask(text) {
    await this.page.locator('#ask').fill(text);
    await this.page.getByRole('button', { name: 'Send' }).click();
  }

  // The last turn, when it is over.
  async answer() {
    const turn = this.page.locator('.turn').last();
    await turn.locator('.answer > footer').waitFor();
    return turn;
  }

  async asked(model, text) {
    if (model) await this.choose(model);
    await this.ask(text);
    await this.page.locator('.bubble', { hasText: text.slice(0, 40) }).last().waitFor();
    return this.answer();
  }
}
