// A whole desk for tests and for the demonstration: sandbox, certdeskd with its private database, staff and a channel,
// in a folder of its own, on free ports; and clients for every service by grpc-js, which is not ours.
import { spawn, execFileSync } from 'node:child_process';
import { createHmac, randomUUID } from 'node:crypto';
import dgram from 'node:dgram';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import grpc from '@grpc/grpc-js';
import protoLoader from '@grpc/proto-loader';
import protobuf from 'protobufjs';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
export const build = process.env.CERTDESK_BUILD || path.join(root, 'build');
export const certdeskd = path.join(build, 'server/certdeskd');
const DIES_WITH_US = ['--pdeathsig', 'TERM']; // a killed test leaves nothing running

const files = fs.readdirSync(path.join(root, 'proto/certdesk/v1')).filter((f) => f.endsWith('.proto'));
const definition = protoLoader.loadSync(
  files.map((f) => `certdesk/v1/${f}`).concat('grpc/health/v1/health.proto'),
  { includeDirs: [path.join(root, 'proto'), '/usr/include'], keepCase: true, longs: Number, enums: String, defaults: true });
export const api = grpc.loadPackageDefinition(definition);
export const details = new protobuf.Root(); // google.rpc
details.resolvePath = (_, target) => (target.startsWith('google/protobuf') ? `/usr/include/${target}` : path.join(root, 'proto', target));
details.loadSync('google/rpc/status.proto');
details.loadSync('google/rpc/error_details.proto');

// What google.rpc.Status says in an error's trailing metadata: {reason, state, fields, retryMs, resource, zh}.
export function explain(error) {
  const packed = error?.metadata?.get('grpc-status-details-bin')?.[0];
  if (!packed) return { reason: '', fields: [] };
  const out = { reason: '', fields: [], violations: [] };
  for (const any of details.lookupType('google.rpc.Status').decode(packed).details) {
    const name = (any.type_url || any.typeUrl).split('/').pop();
    const d = details.lookupType(name).decode(any.value);
    if (name.endsWith('ErrorInfo')) Object.assign(out, { reason: d.reason, state: d.metadata?.state });
    if (name.endsWith('BadRequest')) {
      out.violations = d.fieldViolations;
      out.fields = d.fieldViolations.map((v) => v.field);
    }
    if (name.endsWith('RetryInfo')) out.retryMs = Number(d.retryDelay?.seconds || 0) * 1000 + (d.retryDelay?.nanos || 0) / 1e6;
    if (name.endsWith('ResourceInfo')) out.resource = d.resourceName;
    if (name.endsWith('LocalizedMessage')) out.zh = d.message;
  }
  return out;
}

// Waits for a condition; the only way that tests wait. Patience costs nothing when the thing comes: a machine out of breath
// needs it.
export async function until(what, fn, ms = 60000) {
  const end = Date.now() + ms;
  for (;;) {
    const v = await fn();
    if (v) return v;
    if (Date.now() > end) throw new Error(`timed out waiting for ${what}`);
    await new Promise((r) => setTimeout(r, 30));
  }
}

// Holds the port of this number for UDP, as a sign to the other tests on the machine, as long as this process lives.
const mark = (port) => new Promise((resolve) => {
  const s = dgram.createSocket('udp4').unref();
  s.once('error', () => resolve(false)).bind({ port, address: '127.0.0.1', exclusive: true }, () => resolve(true));
});
const bindable = (port) => new Promise((resolve) => {
  const s = net.createServer().once('error', () => resolve(false));
  s.listen(port, '127.0.0.1', () => s.close(() => resolve(true)));
});

// A port that stays free for this process until a server of its takes it, also while that is being started again: below
// those that the system gives to whoever asks for any.
export async function freePort() {
  for (;;) {
    const port = 10000 + Math.floor(Math.random() * 20000);
    if (await mark(port) && await bindable(port)) return port;
  }
}

// RFC 6238 with SHA-1, 30 s, six digits.
export function totp(base32, ms = Date.now()) {
  const bits = [...base32.replace(/=+$/, '')].map((c) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g).map((b) => parseInt(b, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(ms / 30000)));
  const h = createHmac('sha1', key).update(counter).digest();
  const at = h[19] & 15;
  return String((h.readUInt32BE(at) & 0x7fffffff) % 1e6).padStart(6, '0');
}

function readyLine(child, what) {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout.on('data', (d) => {
      text += d;
      const line = text.split('\n').find((l) => l.startsWith('{'));
      if (line && text.includes('\n')) resolve(JSON.parse(line));
    });
    child.once('exit', (code, signal) => reject(new Error(`${what} ended (${code ?? signal}) before it was ready`)));
  });
}

export class Desk {
  constructor(options = {}) {
    this.options = options;
    this.dir = options.dir || fs.mkdtempSync(path.join(os.tmpdir(), 'desk-'));
    this.state = path.join(this.dir, 's');
    this.clients = [];
    fs.mkdirSync(this.state, { recursive: true, mode: 0o700 });
    if (options.clock) {
      this.clockFile = path.join(this.dir, 'clock');
      fs.writeFileSync(this.clockFile, Buffer.alloc(8));
    }
  }

  get env() {
    const lsan = `suppressions=${path.join(root, 'tests/lib/lsan.supp')}:print_suppressions=0`;
    return { LSAN_OPTIONS: lsan, ...process.env, ...(this.clockFile ? { CERTDESK_CLOCK: this.clockFile } : {}), ...this.options.env };
  }

  // Moves the clock of server, sandbox and console.
  setClock(ms) {
    const b = Buffer.alloc(8);
    b.writeBigInt64LE(BigInt(ms));
    // In place: a file that is cut to nothing, even for a moment, is a bus error in whoever has it mapped.
    const fd = fs.openSync(this.clockFile, 'r+');
    fs.writeSync(fd, b, 0, 8, 0);
    fs.closeSync(fd);
    this.clockOffset = ms;
  }

  async startSandbox() {
    const dir = path.join(this.dir, 'sandbox');
    fs.mkdirSync(dir, { recursive: true });
    const listen = `127.0.0.1:${this.sandboxPort || 0}`;
    const log = fs.openSync(path.join(this.dir, 'sandbox.log'), 'a');
    this.sandboxProcess = spawn('setpriv', [...DIES_WITH_US, path.join(build, 'server/certdesk-sandbox'), '--listen', listen, '--state', dir],
      { stdio: ['ignore', 'pipe', log], env: this.env });
    fs.closeSync(log);
    await readyLine(this.sandboxProcess, 'certdesk-sandbox');
    this.sandbox = JSON.parse(fs.readFileSync(path.join(dir, 'sandbox.json')));
    this.sandboxPort = this.sandbox.port;
    await this.sim('/sim/sms/templates', { templates: JSON.parse(execFileSync(certdeskd, ['notices'])) });
  }

  async sim(route, body) {
    const r = await fetch(`${this.sandbox.url}${route}`, body ? { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } } : {});
    const text = await r.text();
    if (!r.ok) throw new Error(`${route}: ${r.status} ${text}`);
    return text ? JSON.parse(text) : null;
  }

  writeConfig() {
    const s = this.sandbox;
    const secret = (name, value) => {
      const file = path.join(this.dir, name);
      fs.writeFileSync(file, value, { mode: 0o600 });
      return file;
    };
    const tencentKey = secret('tencent.key', s.tencent.secret_key);
    this.config = path.join(this.dir, 'certdeskd.ini');
    fs.writeFileSync(this.config, `[server]
state_dir = ${this.state}
listen = ${this.options.listen || `127.0.0.1:${this.port} unix:${path.join(this.dir, 'desk.sock')}`}
callback_listen = 127.0.0.1:${this.callbackPort}
log_level = ${this.options.logLevel || 'info'}
[account]
captcha_fixed = abcd
${this.options.database || ''}
[identity.tencent]
secret_id = ${s.tencent.secret_id}
secret_key_file = ${tencentKey}
region = ${s.tencent.region}
faceid_url = ${s.tencent.faceid_url}
rule_id = ${s.tencent.rule_id}
ocr_url = ${s.tencent.ocr_url}
[identity.esign]
base_url = ${s.esign.base_url}
app_id = ${s.esign.app_id}
app_secret_file = ${secret('esign.key', s.esign.app_secret)}
[identity.http]
key_file = ${secret('identity-http.key', s.http.key)}
phone3_url = ${s.http.phone3_url}
bank4_url = ${s.http.bank4_url}
enterprise4_url = ${s.http.enterprise4_url}
face_start_url = ${s.http.face_start_url}
face_query_url = ${s.http.face_query_url}
[sms.tencent]
secret_id = ${s.tencent.secret_id}
secret_key_file = ${tencentKey}
sms_url = ${s.tencent.sms_url}
sms_app_id = ${s.tencent.sms_sdk_app_id}
sms_sign_name = 证书受理
sms_settle_ms = 1000
[mail.smtp]
url = smtp://${s.smtp.host}:${s.smtp.port}
user = ${s.smtp.user}
password_file = ${secret('smtp.key', s.smtp.password)}
from = notice@certdesk.test
[payment.wechat]
base_url = ${s.wechat.url}
mchid = ${s.wechat.mchid}
appid = ${s.wechat.appid}
merchant_serial = ${s.wechat.merchant_serial}
merchant_key_file = ${s.wechat.merchant_key_file}
apiv3_key_file = ${secret('apiv3.key', s.wechat.apiv3_key)}
public_key_id = ${s.wechat.platform_key_id}
public_key_file = ${s.wechat.platform_key_file}
[payment.alipay]
base_url = ${s.alipay.url}
app_id = ${s.alipay.app_id}
seller_id = ${s.alipay.seller_id}
app_key_file = ${s.alipay.app_key_file}
alipay_public_key_file = ${s.alipay.alipay_public_key_file}
[courier.kuaidi100]
base_url = ${s.kuaidi100.url}
key_file = ${secret('kuaidi.key', s.kuaidi100.key)}
customer = ${s.kuaidi100.customer}
[invoice.nuonuo]
base_url = ${s.nuonuo.url}
token_url = ${s.nuonuo.token_url}
app_key = ${s.nuonuo.app_key}
app_secret_file = ${secret('nuonuo.key', s.nuonuo.app_secret)}
seller_tax_number = ${s.nuonuo.seller_tax_number}
seller_address = 杭州市西湖区样本路100号
seller_phone = 0571-88880000
clerk = 王开票
`);
  }

  async startServer(env = {}) {
    const log = fs.openSync(path.join(this.dir, 'certdeskd.log'), 'a');
    const { size } = fs.fstatSync(log); // what is there already is of another start
    this.server = spawn('setpriv', [...DIES_WITH_US, ...(this.options.under || []), certdeskd, '--config', this.config, 'serve'], { stdio: ['ignore', 'pipe', log], env: { ...this.env, ...env } });
    fs.closeSync(log);
    this.ended = new Promise((resolve) => this.server.once('exit', (code, signal) => resolve({ code, signal })));
    return readyLine(this.server, 'certdeskd').catch((e) => {
      throw new Error(`${e.message}\n${this.log(size).split('\n').slice(-15).join('\n')}`);
    });
  }

  log(from = 0) {
    return fs.readFileSync(path.join(this.dir, 'certdeskd.log')).subarray(from).toString();
  }

  command(args, input) {
    return execFileSync(certdeskd, ['--config', this.config, ...args], { input, encoding: 'utf8', env: this.env, stdio: ['pipe', 'pipe', 'pipe'] });
  }

  // The deposits that wait, as the finance desk's file; '' when there are none.
  exported() {
    try {
      return this.command(['remittance', 'export']);
    } catch (e) {
      if (e.status === 4) return '';
      throw e;
    }
  }

  // A channel's file as it was imported (0: as it is in force), and another in its place.
  channel(code = 'zheneng', version = 0) {
    return JSON.parse(this.command(['channel', 'show', code, '--json', ...(version ? ['--version', String(version)] : [])]));
  }

  importChannel(channel) {
    const file = path.join(this.dir, 'channel.json');
    fs.writeFileSync(file, JSON.stringify(channel));
    return this.command(['channel', 'import', '--apply', file]);
  }

  // A person of the desk; keeps password and secret for login.
  addStaff(login, name, roles) {
    const password = `pw-${login}-long`;
    const url = this.command(['staff', 'add', login, name, roles], `${password}\n`);
    this.staff = { ...this.staff, [login]: { login, name, password, secret: /secret=([A-Z2-7]+)/.exec(url)[1] } };
  }

  async start() {
    this.port = await freePort();
    this.callbackPort = await freePort();
    await this.startSandbox();
    this.writeConfig();
    await this.startServer();
    this.command(['channel', 'import', '--apply', path.join(root, 'server/catalog/zheneng.yaml')]);
    this.addStaff('li', '李审核', 'reviewer');
    this.addStaff('wang', '王制证', 'operator');
    this.addStaff('zhao', '赵邮寄', 'shipper');
    this.addStaff('chen', '陈主管', 'reviewer,operator,shipper,admin,auditor');
    this.addStaff('fang', '方财务', 'finance');
    return this;
  }

  get address() {
    return `127.0.0.1:${this.port}`;
  }

  // A caller: one client per service, made when it is first used (most callers use two of them), `call.CreateOrder({...})`
  // resolves to the response. Metadata goes with each call.
  caller(token, more = {}) {
    const call = {};
    for (const name of Object.keys(api.certdesk.v1)) {
      const Service = api.certdesk.v1[name];
      if (!Service.service) continue;
      const { address } = this;
      let made;
      const client = () => {
        if (made) return made;
        made = new Service(address, grpc.credentials.createInsecure(), { 'grpc.enable_retries': 0, 'grpc.initial_reconnect_backoff_ms': 50, 'grpc.max_reconnect_backoff_ms': 200 });
        this.clients.push(made);
        return made;
      };
      for (const [method, d] of Object.entries(Service.service)) {
        const metadata = (extra = {}) => {
          const m = new grpc.Metadata();
          if (token) m.set('authorization', `Bearer ${token}`);
          for (const [k, v] of Object.entries({ ...more, ...extra })) m.set(k, String(v));
          return m;
        };
        if (d.requestStream) call[method] = (done) => client()[method](metadata(), done);
        else if (d.responseStream) call[method] = (request) => client()[method](request, metadata());
        else {
          const hasId = !!d.requestType.type.field.find((f) => f.name === 'request_id');
          call[method] = (request = {}, options = {}) => new Promise((resolve, reject) => {
            const r = hasId && request.request_id === undefined ? { request_id: randomUUID(), ...request } : request;
            client()[method](r, metadata(options.metadata), { deadline: Date.now() + (options.timeout || 20000) },
              (e, v) => (e ? reject(Object.assign(e, { info: explain(e) })) : resolve(v)));
          });
        }
      }
    }
    return call;
  }

  async staffCaller(login) {
    const s = this.staff[login];
    const now = Date.now() + (this.clockOffset || 0);
    const { token } = await this.caller().LoginStaff({ login, password: s.password, totp: totp(s.secret, now) });
    return this.caller(token);
  }

  // The newest SMS on a phone whose text matches; waits for it.
  // A sending that failed on a machine out of breath is tried again after a pause; where the clock is the test's it is
  // over at once.
  async sms(phone, pattern, after = 0) {
    const look = async () => (await this.messages(phone)).slice(after).reverse().find((m) => pattern.test(m.text));
    const wait = (ms) => until(`an SMS on ${phone} like ${pattern}`, look, ms);
    if (!this.clockFile) return wait(90000);
    return wait(15000).catch(() => { this.setClock((this.clockOffset || 0) + 61000); return wait(60000); });
  }

  async messages(phone) {
    const r = await this.sim(`/sim/sms?phone=${encodeURIComponent(phone)}`);
    return Array.isArray(r) ? r : r.sms || r.messages || [];
  }

  // Asks the server to end, and waits until it did: {code, signal}.
  async terminate() {
    this.asked = this.server;
    this.server.kill('SIGTERM');
    return this.ended;
  }

  async stop({ keep = false } = {}) {
    for (const c of this.clients) c.close();
    this.clients = [];
    if (this.server && this.server.exitCode === null && this.server.signalCode === null) await this.terminate();
    // What a sanitizer found, or an end that nobody asked for, fails the test. Tests that kill do it by SIGKILL.
    const asked = this.asked === this.server;
    const bad = this.server && (this.server.exitCode || (!asked && this.server.exitCode === 0)) && `certdeskd ended with ${this.server.exitCode}${asked ? '' : ' by itself'}\n${this.log().slice(-6000)}`;
    if (this.sandboxProcess && this.sandboxProcess.exitCode === null) {
      const gone = new Promise((r) => this.sandboxProcess.once('exit', r));
      this.sandboxProcess.kill('SIGTERM');
      await gone;
    }
    if (!keep) fs.rmSync(this.dir, { recursive: true, force: true });
    if (bad) throw new Error(bad);
  }
}
