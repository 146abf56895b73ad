// Nothing personal lies open (issue of S7, S30): the database as a dump and as files, the log, what is on disk of the
// server contain none of the ID numbers, phones, cards, accounts, addresses, codes, links, passwords, tokens and PINs that
// went through. Its memory does hold some of them for a while (buffers of the libraries that carried them): nobody gets at
// that, neither as a core file nor by /proc.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { build, Desk } from '../lib/desk.mjs';
import { company, residentId } from './people.mjs';
import { Walk } from './walk.mjs';

// What root has beside its number would open everything; and cores are allowed, if they can be.
const root = process.getuid() === 0;
const BARE = root ? ['setpriv', '--bounding-set=-all', '--inh-caps=-all'] : [];
const CORES = root ? ['prlimit', '--core=unlimited'] : [];

let desk;
const seeded = new Map(); // value -> what it is
const seed = (what, ...values) => values.filter(Boolean).forEach((v) => seeded.set(String(v), what));

before(async () => {
  desk = await new Desk({ logLevel: 'debug', under: [...CORES, ...BARE] }).start();
  desk.mortal = spawn('setpriv', ['--pdeathsig', 'TERM', ...CORES, ...BARE, 'sleep', '3600'], { stdio: 'ignore' }); // the same, without the server's care
  desk.importChannel({ ...desk.channel(), first_password: 'random' });
});
after(async () => {
  desk?.mortal.kill();
  await desk?.stop();
});

// Every form in which a careless hand would leave a text.
function forms(value) {
  const bytes = Buffer.from(value);
  const hex = bytes.toString('hex');
  return [bytes, Buffer.from(hex), Buffer.from(hex.toUpperCase()), Buffer.from(bytes.toString('base64').replace(/=+$/, '').slice(0, -1)), Buffer.from(value, 'utf16le')]
    .filter((b) => b.length >= 6);
}

// What is empty of a database's files, most of them, is not looked at again for every value.
function filled(bytes) {
  const empty = Buffer.alloc(4096), kept = [];
  for (let at = 0; at < bytes.length; at += 4096) {
    const page = bytes.subarray(at, at + 4096);
    if (!page.equals(empty.subarray(0, page.length))) kept.push(page);
  }
  return Buffer.concat(kept);
}

function found(bytes, where, out) {
  for (const [value, what] of seeded) if (forms(value).some((f) => bytes.includes(f))) out.push(`${what} ${value} in ${where}`);
}

// The last digit that a card's number has.
function card(fifteen) {
  const sum = [...fifteen].reduce((s, d, i) => s + (i % 2 ? Number(d) : Number(d) * 2 - (d > 4 ? 9 : 0)), 0);
  return fifteen + ((10 - (sum % 10)) % 10);
}

// Everything that can be given is, and each is another: cards, the invoice's account, who takes the parcel.
class Sealed extends Walk {
  constructor(options) {
    super(desk, { method: 'BANK_FOUR_FACTOR', agentMethod: 'BANK_FOUR_FACTOR', ...options });
    const n = this.who.account.phone.slice(-2);
    this.cards = [card(`6222021234560${n}`), card(`6222029876540${n}`)];
    this.parcelTo = { province: '浙江省', city: '杭州市', street: `密封路${n}0071号`, recipient: `收件密封${n}`, phone: `135712345${n}` };
    this.invoiceOf = { wanted: true, email: `invoice${n}@sealed.example`, bank: '中国工商银行杭州密封支行', bank_account: `12020212090000710${n}`, address: `开票密封路${n}0072号`, phone: `0571-880071${n}` };
    seed('card', this.cards[0], this.individual ? '' : this.cards[1]);
    seed('parcel', this.parcelTo.street, this.parcelTo.recipient, this.parcelTo.phone);
    const { email, bank_account, address, phone } = this.invoiceOf;
    seed('invoice', email, bank_account, address, phone);
    phones(this.who);
  }

  organization(more) { return super.organization({ legal_rep_card_number: this.cards[0], ...more }); }
  person(more) { return super.person({ card_number: this.cards[0], ...more }); }
  submitAgent(more) { return super.submitAgent({ card_number: this.cards[1], ...more }); }
  purchase(more) { return super.purchase({ delivery: this.parcelTo, invoice: this.invoiceOf, ...more }); }

  async register() {
    const login = await super.register();
    seed('session', this.token);
    return login;
  }
}

const asked = new Set(); // phones whose messages are secrets, too
function phones({ account, legalRep, agent }) {
  seed('phone', account.phone, legalRep.phone, agent.phone);
  seed('id number', legalRep.idNumber, agent.idNumber);
  seed('e-mail', agent.email);
  for (const { phone } of [account, legalRep, agent]) asked.add(phone);
}

test('an organization and a person pay by their cards to the end', async () => {
  const organization = new Sealed({ who: company(74) }), person = new Sealed({ who: company(75), individual: true });
  await organization.to('FINISHED');
  await person.to('FINISHED');
  await Promise.all([organization.invoiced(), person.invoiced()]);
});

test('somebody has a password of their own', async () => {
  const w = new Walk(desk, { who: company(76) }), { phone } = w.who.account, password = 'Sealed-word-of-76';
  await w.register();
  phones(w.who);
  const { captcha_id } = await w.anyone.CreateCaptcha(), n = (await desk.messages(phone)).length;
  await w.anyone.SendSmsCode({ channel: w.channel, phone, purpose: 'SMS_PURPOSE_CHANGE_PASSWORD', captcha_id, captcha_text: 'abcd' });
  const code = /\d{6}/.exec((await desk.sms(phone, /验证码/, n)).text)[0];
  await w.call.ChangePassword({ channel: w.channel, phone, new_password: password, new_password_again: password, code });
  const { session } = await w.anyone.LoginByPassword({ channel: w.channel, login: phone, password });
  seed('password', password);
  seed('session', w.token, session.token);
});

test('an order goes all its way, and another is given up', async () => {
  const w = new Walk(desk, { who: company(71) });
  phones(w.who);
  seed('name', w.who.name);
  seed('card', '6222021234567894');
  await w.to('CONFIRM');
  await w.to('FINISHED');
  const tell = (kind, said) => (kind === 'face' ? seed('link', said, said.split('/').at(-1)) : kind === 'deposit' && (seed('account', said[3]), seed('code', said.at(-1))));
  const d = new Walk(desk, { who: company(73), method: 'MICRO_DEPOSIT', agentMethod: 'FACE', tell });
  phones(d.who);
  await d.to('PURCHASE');
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
  let first = 0;
  for (const phone of [...asked, person.phone]) for (const { text } of await desk.messages(phone)) {
    for (const [, password] of text.matchAll(/初始密码([^，]+)/g)) { seed('first password', password); first++; }
    for (const [code] of text.replace(/ord_\w+|介质号\d+|初始密码[^，]+/g, '').matchAll(/(?<![\d.])\d{6,8}(?!\d)/g)) seed('code', code);
  }
  assert.ok(first >= 4, `${first} first passwords`);
  for (const s of Object.values(desk.staff)) seed('staff secret', s.password, s.secret);
  for (const what of ['card', 'invoice', 'parcel', 'account', 'link', 'code', 'session', 'first password']) assert.ok([...seeded.values()].includes(what), what);
  assert.ok(seeded.size > 80, `${seeded.size} values`);
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
      else if (e.isFile()) found(filled(fs.readFileSync(file)), path.relative(desk.state, file), bad);
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
  const core = (pid) => /Max core file size +(\S+) +(\S+) /.exec(fs.readFileSync(`/proc/${pid}/limits`, 'utf8')).slice(1);
  if (root) assert.match(core(desk.mortal.pid).join(), /unlimited/, 'whoever starts it may have asked for cores');
  assert.deepEqual(core(desk.server.pid), ['0', '0']);
});

// Nor does whoever is the same user read its memory: what may be dumped may be read. (Not where a sanitizer's leak check has to.)
test('its memory is nobody else\'s', { skip: /sanitize/.test(build) && 'a sanitizer reads it' }, () => {
  const read = (pid) => execFileSync('env', [...BARE, 'cat', `/proc/${pid}/environ`], { stdio: ['ignore', 'pipe', 'pipe'] });
  assert.ok(read(desk.mortal.pid).length > 10, 'another process of the same user is read');
  assert.throws(() => read(desk.server.pid), /Permission denied/);
});
