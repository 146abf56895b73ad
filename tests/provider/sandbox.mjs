// What the tests of this folder share: a sandbox of their own, a clock that can be moved, a server for callbacks.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import dns from 'node:dns';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
export const build = path.resolve(here, process.env.CERTDESK_BUILD ?? '../../build');
export const vectors = JSON.parse(fs.readFileSync(path.join(here, 'provider-vectors.json')));

// RFC 6761 6.3: names under localhost are this machine; the C library does not know that everywhere.
const lookup = dns.lookup;
dns.lookup = (name, options, done) => {
  if (!String(name).endsWith('.localhost')) return lookup(name, options, done);
  const callback = done ?? options;
  const many = typeof options === 'object' && options?.all;
  return process.nextTick(() =>
    many ? callback(null, [{ address: '127.0.0.1', family: 4 }]) : callback(null, '127.0.0.1', 4));
};

// A number of milliseconds added to everybody's clock (api/base/clock.h).
export class Clock {
  constructor(file) {
    this.file = file;
    this.set(0);
  }
  set(ms) {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(ms));
    // in place: the sandbox has the file mapped
    const fd = fs.openSync(this.file, fs.existsSync(this.file) ? 'r+' : 'w');
    fs.writeSync(fd, bytes, 0, 8, 0);
    fs.closeSync(fd);
    this.offset = ms;
  }
  advance(ms) {
    this.set(this.offset + ms);
  }
  now() {
    return Date.now() + this.offset;
  }
  // On to the next noon in Beijing, so that what comes now is of one day; says which.
  noon() {
    const day = 86400_000, beijing = this.now() + day / 3;
    this.advance(day + day / 2 - (beijing % day));
    return new Date(this.now() + day / 3).toISOString().slice(0, 10);
  }
}

export class Sandbox {
  static async start({ seed, dir } = {}) {
    const s = new Sandbox();
    s.seed = seed;
    s.dir = dir ?? fs.mkdtempSync(path.join(os.tmpdir(), 'certdesk-sandbox-'));
    s.clock = new Clock(path.join(s.dir, 'clock'));
    await s.run();
    return s;
  }
  async run() {
    const program = path.join(build, 'server', 'certdesk-sandbox');
    const args = ['--listen', '127.0.0.1:0', '--state', path.join(this.dir, 'state')];
    if (this.seed !== undefined) args.push('--seed', String(this.seed));
    this.child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, CERTDESK_CLOCK: this.clock.file },
    });
    this.exited = once(this.child, 'exit');
    const lines = readline.createInterface({ input: this.child.stdout });
    const [line] = await Promise.race([
      once(lines, 'line'),
      this.exited.then(([code]) => assert.fail(`the sandbox ended with ${code} before it was ready`)),
    ]);
    this.ready = JSON.parse(line);
    this.conf = JSON.parse(fs.readFileSync(path.join(this.dir, 'state', 'sandbox.json')));
    this.port = this.ready.port;
  }
  async kill() {
    this.child.kill('SIGKILL');
    await this.exited;
  }
  async stop() {
    this.child.kill('SIGTERM');
    const [code, signal] = await this.exited;
    fs.rmSync(this.dir, { recursive: true, force: true });
    assert.equal(signal ?? code, 0, 'the sandbox ends well');
  }
  async get(where) {
    const answer = await fetch(`http://127.0.0.1:${this.port}/sim/${where}`);
    assert.equal(answer.status, 200, where);
    return answer.json();
  }
  async post(where, body, status = 200) {
    const answer = await fetch(`http://127.0.0.1:${this.port}/sim/${where}`, {
      method: 'POST', body: JSON.stringify(body ?? {}),
    });
    const said = await answer.json();
    assert.equal(answer.status, status, JSON.stringify(said));
    return said;
  }
  fault(provider, action, kind, more = {}) {
    return this.post('fault', { provider, action, kind, ...more });
  }
  calls(provider, action) {
    return this.get(`log?provider=${provider}&action=${action}`).then((log) => log.calls);
  }
}

// One HTTP request as it is written here: nothing added but Content-Length and Connection. Answers
// {status, headers, text} or throws what the connection did.
export function raw(port, { method = 'POST', path: target = '/', headers = {}, body = '' }) {
  return new Promise((resolve, reject) => {
    const request = http.request({ host: '127.0.0.1', port, method, path: target, agent: false,
      headers: { 'Content-Length': Buffer.byteLength(body), ...headers } }, (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part));
      answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers,
        text: Buffer.concat(parts).toString() }));
    });
    request.on('error', reject);
    request.end(body);
  });
}

// A server for callbacks: keeps what came, answers as told.
export class Listener {
  static async start() {
    const l = new Listener();
    l.got = [];
    l.waiting = [];
    l.answers = [];
    l.server = http.createServer(async (request, response) => {
      const parts = [];
      for await (const part of request) parts.push(part);
      const [status, body] = l.answers.shift() ?? l.normally;
      response.writeHead(status, { 'Content-Type': 'application/json' }).end(body);
      l.got.push({ method: request.method, url: request.url, headers: request.headers,
        body: Buffer.concat(parts).toString() });
      l.waiting.forEach((wake) => wake());
    });
    l.normally = [200, '{"code":"SUCCESS","message":"成功"}'];
    l.server.listen(0, '127.0.0.1');
    await once(l.server, 'listening');
    l.port = l.server.address().port;
    return l;
  }
  url(where) {
    return `http://127.0.0.1:${this.port}${where}`;
  }
  // The n-th request for a path (1 is the first), waited for.
  async nth(where, n = 1, within = 10_000) {
    const deadline = Date.now() + within;
    for (;;) {
      const found = this.got.filter((one) => one.url === where);
      if (found.length >= n) return found[n - 1];
      const left = deadline - Date.now();
      assert.ok(left > 0, `callback ${n} of ${where} came within ${within} ms (${found.length} came)`);
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, left);
        this.waiting.push(() => (clearTimeout(timer), resolve()));
      });
    }
  }
  stop() {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(resolve));
  }
}

// Asks until the answer is right; for things that a sandbox's thread does in its own time.
export async function until(what, ask, within = 10_000) {
  const deadline = Date.now() + within;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    assert.ok(Date.now() < deadline, `${what} within ${within} ms`);
    await new Promise((resolve) => setTimeout(resolve, 10)); // between two looks
  }
}
