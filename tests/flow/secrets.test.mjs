// Nothing personal lies open (issue of S7, S30): the database as a dump and as files, the log, what is on disk of the
// server, and what a core file would hold, contain none of the ID numbers, phones, cards, codes, passwords and PINs that
// went through.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { Desk } from '../lib/desk.mjs';
import { company, residentId } from './people.mjs';
import { Walk } from './walk.mjs';

let desk;
const seeded = new Map(); // value -> what it is
const seed = (what, ...values) => values.filter(Boolean).forEach((v) => seeded.set(String(v), what));

before(async () => {
  desk = await new Desk({ logLevel: 'debug' }).start();
});
after(async () => desk?.stop());

// Every form in which a careless hand would leave a text.
function forms(value) {
  const bytes = Buffer.from(value);
  const hex = bytes.toString('hex');
  return [bytes, Buffer.from(hex), Buffer.from(hex.toUpperCase()), Buffer.from(bytes.toString('base64').replace(/=+$/, '').slice(0, -1)), Buffer.from(value, 'utf16le')]
    .filter((b) => b.length >= 6);
}

function found(bytes, where, out) {
  for (const [value, what] of seeded) if (forms(value).some((f) => bytes.includes(f))) out.push(`${what} ${value} in ${where}`);
}

test('an order goes all its way, and another is given up', async () => {
  const w = new Walk(desk, { who: company(71) });
  const { account, legalRep, agent, name } = w.who;
  seed('phone', account.phone, legalRep.phone, agent.phone);
  seed('id number', legalRep.idNumber, agent.idNumber);
  seed('e-mail', agent.email);
  seed('name', name);
  seed('card', '6222021234567894');
  await w.to('CONFIRM');
  await w.to('FINISHED');
  const tell = (kind, said) => (kind === 'face' ? seed('link', said) : kind === 'deposit' && seed('account or remark', said[3], said.at(-1)));
  await new Walk(desk, { who: company(73), method: 'MICRO_DEPOSIT', agentMethod: 'FACE', tell }).to('PURCHASE');
  const person = { name: '欧阳密封', idNumber: residentId('33010619810101777'), phone: '13712340071', email: 'sealed71@example.com' };
  seed('name', person.name);
  seed('phone', person.phone);
  seed('id number', person.idNumber);
  seed('e-mail', person.email);
  const p = new Walk(desk, { who: company(72) });
  await p.register();
  seed('phone', p.who.account.phone);
  await p.createOrder({ subject_kind: 'SUBJECT_KIND_INDIVIDUAL' });
  // Wrong first: what was refused must not be kept in clear either.
  await p.call.SubmitPerson({ order_id: p.order.id, person: { name: person.name, document_type: 'DOCUMENT_TYPE_RESIDENT_ID', id_number: `${person.idNumber}9`, phone: person.phone, email: person.email, card_number: '6222021234567894' } }).catch((e) => assert.equal(e.info.reason, 'INVALID'));
  await p.call.SubmitPerson({ order_id: p.order.id, person: { name: person.name, document_type: 'DOCUMENT_TYPE_RESIDENT_ID', id_number: person.idNumber, phone: person.phone, email: person.email } });
  await p.verified();
  for (const phone of [account.phone, legalRep.phone, agent.phone, person.phone]) {
    for (const m of await desk.messages(phone)) for (const [code] of m.text.replace(/ord_\w+|介质号\d+|初始密码\d+/g, '').matchAll(/(?<![\d.])\d{6,8}(?!\d)/g)) seed('code', code);
  }
  for (const s of Object.values(desk.staff)) seed('staff secret', s.password, s.secret);
  assert.ok(seeded.size > 20, `${seeded.size} values`);
});

test('the database holds nothing in clear, neither as a dump nor as files', () => {
  const bad = [];
  const dump = execFileSync('mariadb-dump', ['-u', 'root', '-S', path.join(desk.state, 'db/db.sock'), '--all-databases', '--hex-blob'], { maxBuffer: 1 << 29 });
  assert.ok(dump.length > 50000 && dump.includes('INSERT INTO `orders`'), 'the dump holds the orders');
  // Codes of six digits also occur by chance in hex and numbers: they are looked for as words.
  const words = new Set(dump.toString('latin1').match(/(?<![0-9A-Fa-f])\d{6,8}(?![0-9A-Fa-f])/g));
  for (const [value, what] of seeded) {
    if (what === 'code') { if (words.has(value)) bad.push(`${what} ${value} in the dump`); continue; }
    if (forms(value).some((f) => dump.includes(f))) bad.push(`${what} ${value} in the dump`);
  }
  assert.deepEqual(bad, []);
});

test('nothing that the server keeps on disk holds any of it', () => {
  const bad = [];
  const codes = [...seeded].filter(([, what]) => what === 'code').map(([v]) => v);
  for (const c of codes) seeded.delete(c);
  const walk = (dir) => {
    for (const e of fs.readdirSync(dir, { withFileTypes: true })) {
      const file = path.join(dir, e.name);
      if (e.isDirectory()) walk(file);
      else if (e.isFile()) found(fs.readFileSync(file), path.relative(desk.state, file), bad);
    }
  };
  walk(desk.state);
  assert.deepEqual(bad, []);
  codes.forEach((c) => seed('code', c));
});

test('the log holds none of it', () => {
  const log = desk.log(), bad = [];
  assert.ok(log.split('\n').length > 100);
  for (const [value, what] of seeded) {
    if (what === 'code' ? new RegExp(`(?<![0-9a-z])${value}(?![0-9a-z])`).test(log.replace(/"(time|serial)":"[^"]*"/g, '')) : log.includes(value)) bad.push(`${what} ${value}`);
  }
  assert.deepEqual(bad, []);
});

test('there is no core file', () => {
  const limits = fs.readFileSync(`/proc/${desk.server.pid}/limits`, 'utf8');
  assert.match(limits, /Max core file size +0 +0 /);
});
