// What the rpc tests share: the test server as a child process, and clients for it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { createInterface } from 'node:readline';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import grpc from '@grpc/grpc-js';
import loader from '@grpc/proto-loader';

const here = path.dirname(fileURLToPath(import.meta.url));
export const root = path.resolve(here, '../..');
export const build = path.resolve(here, process.env.CERTDESK_BUILD ?? '../../build');

export function load(file) {
  const definition = loader.loadSync(file, {
    includeDirs: [path.join(root, 'proto'), '/usr/include'], keepCase: true, defaults: true, oneofs: true,
    longs: Number, enums: String,
  });
  return grpc.loadPackageDefinition(definition);
}

// Polls until the condition holds; fails loudly instead of hanging.
export async function until(condition, what, ms = 30000) {
  const end = Date.now() + ms;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`waited ${ms} ms for: ${what}`);
    await new Promise(r => setTimeout(r, 5));
  }
}

export class TestServer {
  // args: of rpc-testserver; env: added to ours.
  static async start(args = [], env = {}) {
    const s = new TestServer();
    s.lines = [];
    s.stderr = '';
    s.child = spawn(path.join(build, 'tests/rpc-testserver'), args,
      { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
    s.exit = once(s.child, 'exit');
    s.exit.catch(() => {}); // a program that is not there: said by the line below
    s.child.stderr.on('data', d => { s.stderr += d; });
    createInterface({ input: s.child.stdout }).on('line', l => s.lines.push(l));
    await until(() => s.lines.length || s.child.exitCode !== null, 'the port');
    if (!s.lines.length) throw new Error(`rpc-testserver did not start: ${s.stderr}`);
    s.port = Number(/port (\d+)/.exec(s.lines[0])?.[1]);
    s.address = `127.0.0.1:${s.port}`;
    return s;
  }

  count(line) { return this.lines.filter(l => l === line).length; }

  rss() { // KiB
    const status = fs.readFileSync(`/proc/${this.child.pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+)/.exec(status)[1]);
  }

  // SIGTERM, then the exit code; everything the server wrote to stderr is the answer of its sanitizers.
  async stop() {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), 20000);
    const [code] = await this.exit;
    clearTimeout(timer);
    return code;
  }
}

// unary as a promise: {response, initial, trailing, status} or an error with the same metadata.
export function unary(client, method, request, metadata = new grpc.Metadata(), options = {}) {
  return new Promise((resolve, reject) => {
    const out = {};
    const call = client[method](request, metadata, options, (error, response) => {
      if (error) reject(Object.assign(error, out));
      else { out.response = response; if (out.status) resolve(out); }
    });
    out.call = call;
    call.on('metadata', m => { out.initial = m; });
    call.on('status', s => { out.status = s; if (out.response) resolve(out); });
  });
}

// Everything a readable stream says, and how it ended.
export function collect(stream) {
  return new Promise(resolve => {
    const messages = [];
    let error = null;
    stream.on('data', m => messages.push(m));
    stream.on('error', e => { error = e; });
    stream.on('status', status => resolve({ messages, status, error }));
  });
}
