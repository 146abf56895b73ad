// What no proper client would send, to every method of the product: a clear status, nothing left behind, no memory lost.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import http2 from 'node:http2';
import { after, before, test } from 'node:test';
import grpc from '@grpc/grpc-js';
import { Desk, api, explain, totp, until } from '../lib/desk.mjs';
import { field, frame } from '../rpc/raw.mjs';
import { Sql, changed } from './database.mjs';
import { company } from './people.mjs';
import { CHANNEL, Walk } from './walk.mjs';

const { status } = grpc;
const GARBAGE = 8; // random messages for each method
const MEMORY_KIB = 8 * 1024;

let desk, sql, w, session, tokens;
before(async () => {
  desk = await new Desk().start();
  sql = new Sql(`${desk.state}/db/db.sock`);
  w = new Walk(desk, { who: company(51) });
  await w.to('SUBJECT');
  const { login, password, secret } = desk.staff.chen;
  tokens = { account: w.token, staff: (await w.anyone.LoginStaff({ login, password, totp: totp(secret) })).token };
  session = http2.connect(`http://${desk.address}`);
  session.on('error', () => {});
  await sql.quiet();
});
after(async () => {
  session?.close();
  await sql?.close();
  await desk?.stop();
});

// One call by hand: {status, message, info}.
function raw(path, body, headers = {}, on = session) {
  return new Promise((resolve, reject) => {
    const stream = on.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers', ...headers });
    let first = {}, last;
    stream.setTimeout(8000, () => reject(new Error(`${path}: no answer`)));
    stream.on('response', (h) => { first = h; });
    stream.on('trailers', (t) => { last = t; });
    stream.on('data', () => {});
    stream.on('error', () => {});
    stream.on('close', () => {
      const t = last ?? first, m = new grpc.Metadata();
      if (t['grpc-status-details-bin']) m.set('grpc-status-details-bin', Buffer.from(t['grpc-status-details-bin'], 'base64'));
      resolve({ http: first[':status'], status: t['grpc-status'] === undefined ? undefined : Number(t['grpc-status']), message: decodeURIComponent(t['grpc-message'] ?? ''), info: explain({ metadata: m }) });
    });
    if (body) stream.write(body);
    stream.end();
  });
}

const methods = Object.values(api.certdesk.v1).filter((s) => s.service).flatMap((s) => Object.entries(s.service).map(([name, d]) => ({ name, ...d })));
const who = (m) => ({ authorization: `Bearer ${/StaffService|ReviewService|IssuanceService\/(?!Download)|StockService|JobService|ShipmentService|AuditService|RemittanceService/.test(m.path) ? tokens.staff : tokens.account}` });
let served; // those that are built
const send = (m, bytes, headers) => raw(m.path, frame(bytes), { ...who(m), ...(m.responseStream ? { 'grpc-timeout': '300m' } : {}), ...headers });

// Strings of a message, also in messages in it: [path, bytes of the message with these bytes there].
function strings(type, bytes, depth = 0) {
  if (depth > 3) return [];
  return type.field.flatMap((f) => {
    const many = f.label === 'LABEL_REPEATED' ? '[0]' : '';
    if (f.type === 'TYPE_STRING') return [[f.name + many, field(f.number, bytes)]];
    if (f.type !== 'TYPE_MESSAGE' || f.typeName.includes('google.')) return [];
    return strings(messages[f.typeName.split('.').pop()], bytes, depth + 1).map(([name, inner]) => [`${f.name}${many}.${name}`, field(f.number, inner)]);
  });
}
const messages = Object.fromEntries(Object.entries(api.certdesk.v1).filter(([, v]) => v.type?.field).map(([name, v]) => [name, v.type]));

// Everything as it was, but for captchas: who asks for one gets one, whatever else is in the message.
async function leavesNothing(act) {
  await sql.quiet();
  const was = await sql.fingerprint();
  await act();
  assert.deepEqual(changed(was, await sql.fingerprint()).filter((t) => t !== 'captcha'), []);
  assert.equal((await w.call.GetOrder({ order_id: w.order.id })).order.id, w.order.id, 'it serves');
}

test('methods that are not built say so, whatever they are sent', async () => {
  served = [];
  for (const m of methods) {
    const r = await send(m, Buffer.alloc(0));
    if (r.status !== status.UNIMPLEMENTED) served.push(m);
    else assert.equal((await send(m, Buffer.alloc(40, 0xff))).status, status.UNIMPLEMENTED, m.path);
  }
  assert.ok(served.length > 50, `${served.length} methods`);
});

test('truncated, empty and undecodable messages are INVALID_ARGUMENT', () => leavesNothing(async () => {
  for (const m of served) {
    assert.equal((await send(m, Buffer.from([0x0a, 100, 1, 2, 3]))).status, status.INVALID_ARGUMENT, m.path);
    assert.equal((await send(m, Buffer.alloc(300, 0xff))).status, status.INVALID_ARGUMENT, m.path);
    const none = await raw(m.path, null, who(m));
    assert.equal(none.status, status.INVALID_ARGUMENT, m.path);
  }
}));

test('a NUL and bytes that are not UTF-8 are named, in every string of every request', () => leavesNothing(async () => {
  let n = 0;
  for (const m of served)
    for (const [bytes, reason] of [['a\0b', 'NUL'], [Buffer.from([0x61, 0xff]), 'UTF8']])
      for (const [name, message] of strings(m.requestType.type, bytes)) {
        const r = await send(m, message);
        assert.equal(r.status, status.INVALID_ARGUMENT, `${m.path} ${name}`);
        assert.deepEqual(r.info.violations.map((v) => [v.field, v.reason]), [[name, reason]], `${m.path} ${name}`);
        n++;
      }
  console.log(`# ${n} bad strings in ${served.length} methods`);
}));

// The same numbers every time.
function random(seed) {
  let x = seed;
  return (n) => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) % n;
  };
}

test('garbage has a clear status', () => leavesNothing(async () => {
  const dice = random(20261122), fine = new Set([status.INVALID_ARGUMENT, status.NOT_FOUND, status.FAILED_PRECONDITION, status.PERMISSION_DENIED, status.RESOURCE_EXHAUSTED, status.OK]);
  // Not those that end the session: now and then the dice make a right request.
  for (const m of served.filter(({ name }) => !name.startsWith('Logout')))
    for (let i = 0; i < GARBAGE; i++) {
      // fields that exist, with lengths that are right more often than not, and random content
      const parts = Array.from({ length: 1 + dice(6) }, () => field(1 + dice(12), Buffer.from(Array.from({ length: dice(40) }, () => (dice(4) ? 32 + dice(90) : dice(256))))));
      const message = Buffer.concat(parts);
      const r = await send(m, dice(5) ? message : message.subarray(0, dice(message.length + 1)));
      assert.ok(fine.has(r.status) || (m.responseStream && r.status === status.DEADLINE_EXCEEDED), `${m.path}: ${r.status} ${r.message} ${message.toString('hex')}`);
    }
}));

test('a message over its limit, of 1 MiB for nearly all, is RESOURCE_EXHAUSTED', () => leavesNothing(async () => {
  for (const m of served) {
    const most = { SetPicture: 6 << 20, ImportRemittance: 5 << 20 }[m.name] ?? 1 << 20; // a picture or a bank's file may be larger
    const r = await send(m, field(15, Buffer.alloc(most + 1)));
    assert.equal(r.status, status.RESOURCE_EXHAUSTED, `${m.path}: ${r.message}`);
  }
}));

test('unknown fields change nothing', async () => {
  const m = served.find((s) => s.name === 'GetOrder');
  const r = await send(m, Buffer.concat([field(1, w.order.id), field(1000, 'news from the future')]));
  assert.equal(r.status, status.OK, r.message);
});

test('compression, another content type, another path are refused', () => leavesNothing(async () => {
  const m = served.find((s) => s.name === 'CreateOrder');
  const body = field(1, 'x');
  assert.equal((await raw(m.path, frame(body, { compressed: 1 }), { ...who(m), 'grpc-encoding': 'gzip' })).status, status.UNIMPLEMENTED);
  const lying = await raw(m.path, frame(body, { compressed: 1 }), who(m));
  assert.notEqual(lying.status ?? status.INTERNAL, status.OK);
  const type = await raw(m.path, frame(body), { ...who(m), 'content-type': 'text/html' });
  assert.ok(type.http === 415 || (type.status ?? status.UNKNOWN) !== status.OK, JSON.stringify(type));
  assert.equal((await raw('/certdesk.v1.OrderService/NoSuchMethod', frame(body), who(m))).status, status.UNIMPLEMENTED);
  assert.equal((await raw('/', frame(body), who(m))).status, status.UNIMPLEMENTED);
}));

test('metadata that is too large, and tokens that are none', () => leavesNothing(async () => {
  const m = served.find((s) => s.name === 'GetOrder'), body = frame(field(1, w.order.id));
  for (const authorization of ['Bearer ', 'Bearer x', `Bearer ${'a'.repeat(4000)}`, `Basic ${tokens.account}`, tokens.account, `Bearer ${tokens.account}x`])
    assert.equal((await raw(m.path, body, { authorization })).status, status.UNAUTHENTICATED, authorization.slice(0, 20));
  const other = http2.connect(`http://${desk.address}`);
  other.on('error', () => {});
  assert.equal((await raw(m.path, body, who(m), other)).status, status.OK); // by now both sides know the limits
  const large = await raw(m.path, body, { ...who(m), 'x-long': 'a'.repeat(20000) }, other);
  assert.notEqual(large.status ?? status.RESOURCE_EXHAUSTED, status.OK);
  other.destroy();
}));

const newOrder = async () => ({
  channel: CHANNEL, kind: 'ORDER_KIND_NEW', subject_kind: 'SUBJECT_KIND_ORGANIZATION', medium: 'MEDIUM_UKEY',
  method: 'VERIFICATION_METHOD_PHONE_THREE_FACTOR', consents: await w.consents(),
});

test('a deadline of a nanosecond is met or told to have passed; a repeat makes each order once', async () => {
  const m = served.find((s) => s.name === 'CreateOrder'), order = await newOrder(), was = await sql.count('SELECT COUNT(*) FROM orders');
  const ids = Array.from({ length: 40 }, () => randomUUID());
  const body = (request_id) => m.requestSerialize({ request_id, ...order });
  const outcomes = await Promise.all(ids.map(async (id) => (await send(m, body(id), { 'grpc-timeout': '1n' })).status));
  assert.ok(outcomes.every((o) => o === status.OK || o === status.DEADLINE_EXCEEDED), String(outcomes));
  assert.ok(outcomes.includes(status.DEADLINE_EXCEEDED), 'none was too late');
  for (const id of ids) assert.equal((await send(m, body(id))).status, status.OK);
  assert.equal(await sql.count('SELECT COUNT(*) FROM orders'), was + ids.length);
});

test('cancelled calls happened or did not: a repeat makes each once', async () => {
  const client = new api.certdesk.v1.OrderService(desk.address, grpc.credentials.createInsecure());
  const metadata = new grpc.Metadata(), order = await newOrder(), before_ = await sql.count('SELECT COUNT(*) FROM orders');
  metadata.set('authorization', `Bearer ${tokens.account}`);
  const ids = Array.from({ length: 60 }, () => randomUUID());
  await Promise.all(ids.map((request_id, i) => new Promise((resolve) => {
    const call = client.CreateOrder({ request_id, ...order }, metadata, resolve);
    setTimeout(() => call.cancel(), i / 4);
  })));
  client.close();
  const made = await Promise.all(ids.map((request_id) => w.call.CreateOrder({ request_id, ...order })));
  assert.equal(new Set(made.map((r) => r.order.id)).size, ids.length);
  assert.equal(await sql.count('SELECT COUNT(*) FROM orders'), before_ + ids.length);
});

test('uploads that are none', () => leavesNothing(async () => {
  const { path } = served.find((s) => s.name === 'UploadMaterial'), account = { authorization: `Bearer ${tokens.account}` };
  const header = (more) => field(1, Buffer.concat([field(1, randomUUID()), field(2, w.order.id), field(3, 'other'), field(4, 'a.png'), ...more]));
  const png = Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), Buffer.alloc(100)]), chunk = field(2, png);
  const cases = {
    'a message that is empty': [Buffer.alloc(0)],
    'a chunk first': [chunk, header([])],
    'two headers': [header([]), header([]), chunk],
    'a header alone': [header([])],
    'an empty message among chunks': [header([]), chunk, Buffer.alloc(0)],
    'another digest': [header([field(6, 'f'.repeat(64))]), chunk],
    'no picture': [header([]), field(2, 'MZ this is a program')],
  };
  for (const [name, parts] of Object.entries(cases)) {
    const r = await raw(path, Buffer.concat(parts.map((p) => frame(p))), account);
    assert.equal(r.status, status.INVALID_ARGUMENT, `${name}: ${r.status} ${r.message}`);
  }
}));

// S7: all at once, and nobody is paid for input that fails its check digit.
test('every wrong field is named at once, before any paid check', () => leavesNothing(async () => {
  const calls = async () => (await desk.sim('/sim/log?provider=tencent')).calls.filter((c) => c.action !== 'SendSms').length;
  const paid = await calls();
  const wrong = { name: '', uscc: '91350100M000100Y44', legal_rep_name: '1', legal_rep_id_number: '330106197003120001', legal_rep_phone: '23800000051' };
  const e = await w.submitOrganization(wrong).then(() => assert.fail('it passed'), (x) => x);
  assert.equal(e.code, status.INVALID_ARGUMENT);
  assert.deepEqual(e.info.fields.sort(), Object.keys(wrong).map((f) => `organization.${f}`).sort());
  for (const one of ['uscc', 'legal_rep_id_number']) await assert.rejects(w.submitOrganization({ [one]: wrong[one] }), { code: status.INVALID_ARGUMENT });
  assert.equal(await calls(), paid);
}));

test('memory stays flat', async () => {
  const rss = () => Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${desk.server.pid}/status`, 'utf8'))[1]);
  const round = async () => {
    for (const m of served) {
      await Promise.all([send(m, Buffer.alloc(2000, 0xff)), send(m, field(1, 'a\0b')), send(m, field(15, Buffer.alloc((1 << 20) + 1)))]);
    }
  };
  for (let i = 0; i < 3; i++) await round();
  const was = rss();
  for (let i = 0; i < 6; i++) await round();
  assert.ok(rss() - was < MEMORY_KIB, `${rss() - was} KiB more`);
});

test('it goes on, and the audit trail is intact', async () => {
  await w.to('AGENT');
  await until('the audit trail', () => /: intact/.test(desk.command(['audit', 'verify'])));
});
