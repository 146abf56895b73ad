// What the measurements run against: a whole desk with several people who are logged in and have orders, and
// the programs of this folder.
import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { Desk, api, build } from '../lib/desk.mjs';

const bin = (name) => path.join(build, 'tests', name);
const PLACE = 'x'.repeat(30); // where bench-load puts a fresh id

// One JSON line of a program of this folder; anything but success is an error that says what it wrote.
export async function run(name, ...args) {
  const { stdout } = await promisify(execFile)(bin(name), args.map(String)).catch((e) => {
    throw new Error(`${name} ${args.join(' ')}: ${e.stdout || ''}${e.stderr || e.message}`);
  });
  return JSON.parse(stdout);
}

export async function startEcho(name) {
  const child = spawn(bin(name), { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(child.stdout, 'data');
  return {
    target: `127.0.0.1:${/port (\d+)/.exec(line)[1]}`,
    pid: child.pid,
    async stop() {
      child.kill('SIGTERM');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
  };
}

export class World {
  constructor({ people = 8, orders = 2048 } = {}) {
    Object.assign(this, { people, orders });
    this.desk = new Desk();
  }

  get target() { return this.desk.address; }
  get socket() { return path.join(this.desk.state, 'db/db.sock'); }
  get serverPid() { return this.desk.server.pid; }
  get databasePid() { return Number(fs.readFileSync(path.join(this.desk.state, 'db/mariadbd.pid'), 'utf8')); }

  sql(text) {
    return execFileSync('mariadb', ['--no-defaults', '--default-character-set=utf8mb4', '-uroot', '-S', this.socket, '-N', '-B', 'certdesk', '-e', text],
      { encoding: 'utf8', maxBuffer: 1 << 28 }).trimEnd();
  }

  file(name) { return path.join(this.desk.dir, name); }

  async start() {
    await this.desk.start();
    this.sql('SET GLOBAL max_connections = 400'); // bench-direct with 256 threads
    this.tokens = await Promise.all(Array.from({ length: this.people }, (_, i) => this.login(`1391000${String(i).padStart(4, '0')}`)));
    await this.writeCreates();
    await run('bench-load', ...this.create(), '-n', 64, '-k', this.orders, '-w', 0);
    await this.writeGets();
    return this;
  }

  async login(phone) {
    const anybody = this.desk.caller();
    const { captcha_id } = await anybody.CreateCaptcha();
    await anybody.SendSmsCode({ channel: 'zheneng', phone, purpose: 'SMS_PURPOSE_LOGIN', captcha_id, captcha_text: 'abcd' });
    const { text } = await this.desk.sms(phone, /\d{6}/);
    const { session } = await anybody.LoginBySms({ channel: 'zheneng', phone, code: /\d{6}/.exec(text)[0] });
    return session.token;
  }

  // One line a person: the same order asked for, by everybody.
  async writeCreates() {
    const { agreements } = await this.desk.caller(this.tokens[0]).ListAgreements({ channel: 'zheneng' });
    const bytes = api.certdesk.v1.OrderService.service.CreateOrder.requestSerialize({
      request_id: PLACE, channel: 'zheneng', kind: 'ORDER_KIND_NEW', subject_kind: 'SUBJECT_KIND_ORGANIZATION',
      medium: 'MEDIUM_UKEY', method: 'VERIFICATION_METHOD_PHONE_THREE_FACTOR',
      consents: agreements.map((a) => ({ agreement_id: a.id, agreement_version: a.version })),
    });
    fs.writeFileSync(this.file('creates'), this.tokens.map((t) => `${bytes.toString('hex')} Bearer ${t}\n`).join(''));
  }

  // One line an order, with a token of its owner.
  async writeGets() {
    const owners = new Map();
    for (const t of this.tokens) owners.set((await this.desk.caller(t).GetAccount()).account.id, t);
    const get = api.certdesk.v1.OrderService.service.GetOrder.requestSerialize;
    const lines = this.sql(`SELECT id, account_id FROM orders LIMIT ${this.orders}`).split('\n').map((l) => l.split('\t'));
    fs.writeFileSync(this.file('gets'), lines.map(([id, owner]) => `${get({ order_id: id }).toString('hex')} Bearer ${owners.get(owner)}\n`).join(''));
    return lines.length;
  }

  pids() { return ['-P', this.serverPid, '-D', this.databasePid]; }
  create() { return ['-t', this.target, '-m', '/certdesk.v1.OrderService/CreateOrder', '-f', this.file('creates'), '-u', PLACE, ...this.pids()]; }
  get() { return ['-t', this.target, '-m', '/certdesk.v1.OrderService/GetOrder', '-f', this.file('gets'), ...this.pids()]; }
  direct(op) { return ['--socket', this.socket, '--schema', 'certdesk', '--op', op, '--pid', this.databasePid]; }

  // What the database was told during work(), by connection, from its general log. Values are shown as "?": the
  // log itself has them only for statements that were prepared while it was on.
  async trace(work) {
    const log = this.file('general.log');
    fs.rmSync(log, { force: true });
    this.sql(`SET GLOBAL general_log_file='${log}'; SET GLOBAL log_output='FILE'; SET GLOBAL general_log=1`);
    await work();
    this.sql('SET GLOBAL general_log=0');
    const told = new Map();
    for (const line of fs.readFileSync(log, 'utf8').split('\n')) {
      const [, connection, statement] = /^\S*[ \d:]*\t+ *(\d+) (?:Execute|Query)\t(.*)/.exec(line) ?? [];
      if (connection) told.set(connection, [...(told.get(connection) ?? []),
        statement.replace(/'(?:\\.|[^'\\])*'|\b\d+\b|\bNULL\b/g, '?')]);
    }
    return [...told.values()];
  }

  // The statements of one whole call, which begins with the look-up of its session.
  async traceCall(work) {
    const isFirst = (s) => s.startsWith('SELECT token_digest');
    const calls = (await this.trace(work)).filter((list) => list.some(isFirst)).map((list) => list.slice(list.findLastIndex(isFirst)));
    return calls.reduce((a, b) => (b.length > a.length ? b : a));
  }

  // What the server sends for a call, and what bench-direct sends for the same.
  async statements(op) {
    const load = (...time) => run('bench-load', ...(op === 'create' ? this.create() : this.get()), '-w', 0, ...time);
    await load('-n', 32, '-k', 500); // every connection has prepared its statements and begun its audit chain
    return {
      server: await this.traceCall(() => load('-n', 1, '-k', 1)),
      direct: await this.traceCall(() => run('bench-direct', ...this.direct(op), '--threads', 1, '--calls', 1, '--warmup', 0)),
    };
  }

  async stop() { await this.desk.stop(); }
}
