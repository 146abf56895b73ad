// A desk whose server is killed, and callers who do what a client should: repeat what was not answered, with the same
// request_id, until it is.
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import grpc from '@grpc/grpc-js';
import { Desk, until } from '../lib/desk.mjs';
import { Mariadb, Sql } from './database.mjs';

const REPEAT_MS = 60000; // a start takes a second, on a machine out of breath many

// Only the absence of an answer is repeated; every other error is one.
// broken(): why there will be none any more.
export async function repeat(ask, ms = REPEAT_MS, broken = () => undefined) {
  const end = Date.now() + ms;
  for (;;) {
    try {
      return await ask();
    } catch (e) {
      if (broken()) throw broken();
      if (e.code !== grpc.status.UNAVAILABLE || Date.now() > end) throw e;
      await new Promise((r) => setTimeout(r, 20));
    }
  }
}

// A caller of desk.caller(), each of whose unary methods repeats.
export function repeating(call, broken) {
  return new Proxy(call, {
    get(methods, name) {
      if (typeof methods[name] !== 'function') return methods[name];
      return (request, options) => {
        if (typeof request === 'function') return methods[name](request); // a stream of bytes
        const same = { request_id: randomUUID(), ...request };
        return repeat(() => methods[name](same, options), REPEAT_MS, broken);
      };
    },
  });
}

// Desk on a database of its own, which outlives the server.
export class MortalDesk extends Desk {
  constructor(options = {}) {
    const mariadb = new Mariadb();
    super({ ...options, database: `${options.database || ''}\n[database]\nsocket = ${mariadb.socket}` });
    this.mariadb = mariadb;
    this.hits = [];
    this.points = [];
  }

  async startServer(env) {
    if (!this.sql) {
      await this.mariadb.start();
      this.command(['migrate']);
      this.sql = new Sql(this.mariadb.socket);
      await super.startServer(env);
      this.hasten();
      this.keeping = this.keep();
      this.keeping.catch((e) => { this.broken = e; });
      return;
    }
    await super.startServer(env);
  }

  writeConfig() {
    super.writeConfig();
    this.passphrase = path.join(this.dir, 'passphrase');
    fs.writeFileSync(this.passphrase, 'only-for-this-test', { mode: 0o600 });
    fs.appendFileSync(this.config, `[ca]\npassphrase_file = ${this.passphrase}\n[server]\njob_threads = 1\n`);
  }

  // Most of a start is the work that guards the CA's keys against guessing: here they get as little of it as can be.
  hasten() {
    const folder = path.join(this.state, 'ca');
    for (const name of fs.readdirSync(folder, { recursive: true }).filter((n) => n.endsWith('.pem'))) {
      const file = path.join(folder, name);
      if (!fs.readFileSync(file, 'utf8').includes('ENCRYPTED')) continue;
      const quick = execFileSync('openssl', ['pkcs8', '-in', file, '-topk8', '-v2', 'aes-256-cbc', '-iter', '1', '-passin', `file:${this.passphrase}`, '-passout', `file:${this.passphrase}`]);
      fs.writeFileSync(file, quick);
    }
  }

  // As a supervisor does: whenever the server ends it is started again, here with the next of the points to die at.
  async keep() {
    for (;;) {
      const { signal } = await this.ended;
      if (this.stopping) return;
      if (this.armed && !this.deliberate && signal === 'SIGKILL') this.hits.push(this.armed);
      else if (!this.deliberate) throw new Error(`certdeskd ended (${signal}):\n${this.log().slice(-3000)}`);
      this.deliberate = false;
      this.armed = this.points.shift();
      this.starting = this.startServer(this.armed ? { CERTDESK_CRASH: this.armed } : {}).catch((e) => {
        if (this.server.signalCode !== 'SIGKILL') throw e; // it died of its point before it was ready
      });
      await this.starting;
    }
  }

  // kill -9 now; from now on it dies at these points, one after the other.
  async arm(points) {
    this.points = [...points];
    this.deliberate = true;
    this.server.kill('SIGKILL');
    await Promise.race([until('the armed server', () => !this.deliberate && this.server.exitCode === null && this.server.signalCode === null), this.keeping]);
  }

  // Waits until the last of the points was passed.
  async spent(what) {
    const all = until(`${what} to be killed`, () => this.armed === undefined).catch((e) => {
      throw new Error(`${e.message}: ${[this.armed, ...this.points]} not passed`);
    });
    await Promise.race([all, this.keeping]);
  }

  caller(token, more) {
    return repeating(super.caller(token, more), () => this.broken);
  }

  async stop(options) {
    this.stopping = true;
    await this.starting?.catch(() => {}); // a server that keep() starts just now would outlive everything, waiting for its database
    await this.sql?.close();
    await super.stop(options);
    await this.mariadb.remove();
  }
}
