// Two servers on one database, and somebody who asks for everything at once (issue of S2-S4, the measure): never more than
// the policy allows. What counts is what stands in the database and what came to the phones, not what callers were told.
//   CERTDESK_ABUSE=full takes the numbers: 10,000 requests on one number, 1,000 numbers, 1,000,000 guesses.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import grpc from '@grpc/grpc-js';
import { Desk, freePort, until } from '../lib/desk.mjs';
import { Mariadb, Sql } from './database.mjs';
import { CHANNEL } from './walk.mjs';

const FULL = process.env.CERTDESK_ABUSE === 'full';
const ONE_NUMBER = FULL ? 10000 : 1000;
const NUMBERS = FULL ? 1000 : 320;
const PEOPLE = FULL ? 2000 : 200;
const GUESSES = FULL ? 1000000 : 6000;
// sms_limits of server/catalog/zheneng.yaml, and what account/ keeps for itself.
const POLICY = { phoneHour: 5, phoneDay: 10, addressHour: 200, channelDay: 50000, tries: 5, captchas: 300, captchasWrong: 60 };
const AT_ONCE = 96;
const HOUR = 3600 * 1000;

let mariadb, desks, sql, callers;

// The first has sandbox and clock; the second the first's keys, as a second machine would.
async function startTwo() {
  mariadb = await new Mariadb().start();
  const options = { logLevel: 'warn', clock: true, database: `[server]\naddress_header = x-real-ip\n[database]\nsocket = ${mariadb.socket}` };
  const [a, b] = desks = [new Desk(options), new Desk(options)];
  const startServer = a.startServer.bind(a);
  a.startServer = (env) => { a.command(['migrate']); return startServer(env); };
  await a.start();
  for (const folder of ['keys', 'ca']) fs.cpSync(path.join(a.state, folder), path.join(b.state, folder), { recursive: true });
  Object.assign(b, { sandbox: a.sandbox, clockFile: a.clockFile, port: await freePort(), callbackPort: await freePort() });
  b.writeConfig();
  await b.startServer();
}

before(async () => {
  await startTwo();
  sql = new Sql(mariadb.socket);
  callers = desks.map((d) => d.caller());
});
after(async () => {
  await sql?.close();
  for (const d of [...(desks || [])].reverse()) await d.stop();
  await mariadb?.remove();
});

const later = (ms) => desks[0].setClock((desks[0].clockOffset || 0) + ms);
const address = (n) => `198.51.${(n >> 8) & 255}.${n & 255}`;
// Codes made since now; older ones may be thrown away meanwhile.
const sinceNow = () => `created_ms >= ${Date.now() + (desks[0].clockOffset || 0)}`;
const from = (ip) => ({ metadata: { 'x-real-ip': ip }, timeout: 60000 });
const outcome = (promise) => promise.then(() => 'OK', (e) => e.info?.reason || grpc.status[e.code]);

// How often each outcome came; half of the calls go to each server.
async function flood(n, ask) {
  const said = {};
  let next = 0;
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (let i; (i = next++) < n;) {
      const o = await ask(callers[i % 2], i);
      said[o] = (said[o] || 0) + 1;
    }
  }));
  return said;
}

// One code asked for, captcha and all, as a person would who has read it.
async function ask(caller, phone, ip, captchaIp = ip) {
  const captcha = await caller.CreateCaptcha({}, from(captchaIp)).catch((e) => e);
  if (captcha instanceof Error) return captcha.info?.reason;
  return outcome(caller.SendSmsCode({ channel: CHANNEL, phone, purpose: 'SMS_PURPOSE_LOGIN', captcha_id: captcha.captcha_id, captcha_text: 'abcd' }, from(ip)));
}

// Codes that were made, and messages that came, when no more are on their way.
async function sent(where = '1') {
  await until('the jobs', async () => (await sql.count("SELECT COUNT(*) FROM outbox WHERE kind = 'sms.send' AND state IN (1, 2)")) === 0, 60000);
  return sql.count(`SELECT COUNT(*) FROM sms_code WHERE ${where}`);
}
const allowed = (said, ...known) => assert.deepEqual(Object.keys(said).filter((k) => !['OK', 'RATE_LIMITED', ...known].includes(k)), [], JSON.stringify(said));
const tell = (what, said, began) => console.log(`# ${what}: ${JSON.stringify(said)} in ${((Date.now() - began) / 1000).toFixed(1)} s`);

test(`${ONE_NUMBER} requests on one number within a day, from as many addresses`, async () => {
  const phone = '13611110001', rounds = 20, each = ONE_NUMBER / rounds, began = Date.now();
  const total = {};
  const after_ = [];
  for (let r = 0; r < rounds; r++) {
    const said = await flood(each, (caller, i) => ask(caller, phone, address(r * each + i)));
    for (const [k, v] of Object.entries(said)) total[k] = (total[k] || 0) + v;
    after_.push(await sql.count('SELECT COUNT(*) FROM sms_code'));
    later(r % 10 === 9 ? HOUR : 61000); // ten minutes of trying, and an hour of rest
  }
  tell('one number', total, began);
  allowed(total);
  assert.equal(after_[0], 1, 'in the first minute');
  assert.equal(after_[9], POLICY.phoneHour, 'in the first hour');
  assert.equal(after_.at(-1), POLICY.phoneDay, 'in the day');
  assert.equal(await sent(), POLICY.phoneDay);
  assert.equal((await desks[0].messages(phone)).length, POLICY.phoneDay);
  assert.equal(total.OK, POLICY.phoneDay);
  later(24 * HOUR);
  assert.equal(await ask(callers[1], phone, address(1)), 'OK', 'the next day');
});

test(`${NUMBERS} numbers from one address at once`, async () => {
  const phone = (i) => `1362222${String(i).padStart(4, '0')}`, began = Date.now(), those = sinceNow();
  const said = await flood(NUMBERS, (caller, i) => ask(caller, phone(i), '203.0.113.7', address(i)));
  tell('one address', said, began);
  allowed(said);
  assert.equal(await sent(those), POLICY.addressHour);
  let came = 0;
  for (let i = 0; i < NUMBERS; i++) came += (await desks[0].messages(phone(i))).length;
  assert.equal(came, POLICY.addressHour);
  assert.equal(await ask(callers[0], '13622229999', '203.0.113.8'), 'OK', 'another address is not its fault');
  assert.equal(await ask(callers[0], '13622229998', '2001:db8:0:1::7'), 'OK', 'nor is a network of version 6');
});

const ofChannel = () => sql.count('SELECT COALESCE(SUM(taken), 0) FROM allowance WHERE kind = 2');
test(`${PEOPLE} people from as many addresses at once: everybody gets a code, and nobody is asked to try again`, async () => {
  const began = Date.now(), those = sinceNow(), counted = await ofChannel();
  const said = await flood(PEOPLE, (caller, i) => ask(caller, `1367777${String(i).padStart(4, '0')}`, address(20000 + i)));
  tell('many people', said, began);
  assert.deepEqual(said, { OK: PEOPLE });
  assert.equal(await sent(those), PEOPLE);
  assert.equal(await ofChannel() - counted, PEOPLE, 'each was counted');
});

test('a channel has its codes of a day, and then no more', async () => {
  const left = 7, began = Date.now(), those = sinceNow();
  await sql.rows(`UPDATE allowance SET taken = ${POLICY.channelDay - left} WHERE kind = 2`);
  const said = await flood(60, (caller, i) => ask(caller, `1363333${String(i).padStart(4, '0')}`, address(5000 + i)));
  tell('one channel', said, began);
  allowed(said);
  assert.equal(await sent(those), left);
  assert.equal(await sql.count('SELECT taken FROM allowance WHERE kind = 2'), POLICY.channelDay);
  later(24 * HOUR);
  assert.equal(await ask(callers[0], '13633339999', address(1)), 'OK');
});

test('captchas of one address: made, and read wrong', async () => {
  const began = Date.now();
  const made = await flood(POLICY.captchas + 100, (caller) => outcome(caller.CreateCaptcha({}, from('203.0.113.20'))));
  allowed(made);
  assert.ok(made.OK <= POLICY.captchas, JSON.stringify(made));
  assert.ok(made.RATE_LIMITED > 0, JSON.stringify(made));
  const wrong = await flood(200, async (caller, i) => {
    const { captcha_id } = await caller.CreateCaptcha({}, from(address(9000 + i)));
    return outcome(caller.SendSmsCode({ channel: CHANNEL, phone: '13644440001', purpose: 'SMS_PURPOSE_LOGIN', captcha_id, captcha_text: 'wxyz' }, from('203.0.113.21')));
  });
  tell('captchas', { made, wrong }, began);
  allowed(wrong, 'CAPTCHA_WRONG');
  assert.equal(wrong.OK, undefined);
  assert.ok(wrong.CAPTCHA_WRONG <= POLICY.captchasWrong, JSON.stringify(wrong));
  assert.equal(await ask(callers[0], '13644440001', '203.0.113.21', '203.0.113.22'), 'RATE_LIMITED', 'not even a right one');
  assert.equal((await desks[0].messages('13644440001')).length, 0);
});

test(`${GUESSES} guesses of one code, every one another`, async () => {
  const phone = '13655550001', began = Date.now();
  assert.equal(await ask(callers[0], phone, address(1)), 'OK');
  const code = /\d{6}/.exec((await desks[0].sms(phone, /登录验证码/)).text)[0];
  // All of them when there are a million; the right one is among them in any case, in the middle.
  const step = 1000000 / GUESSES, shift = Number(code) - Math.floor(GUESSES / 2) * step;
  const guess = (i) => String((((shift + i * step) % 1000000) + 1000000) % 1000000).padStart(6, '0');
  assert.equal(guess(Math.floor(GUESSES / 2)), code);
  const said = await flood(GUESSES, (caller, i) => outcome(caller.LoginBySms({ channel: CHANNEL, phone, code: guess(Math.floor(i)) }, from(address(i % 65536)))));
  tell('one code', said, began);
  allowed(said, 'CODE_WRONG', 'CODE_EXPIRED');
  assert.ok((said.CODE_WRONG || 0) + (said.OK || 0) <= POLICY.tries, JSON.stringify(said));
  assert.equal(said.OK, undefined, 'one chance in two hundred thousand');
  const [[tries, used]] = await sql.rows("SELECT tries, used FROM sms_code ORDER BY created_ms DESC, id DESC LIMIT 1");
  assert.deepEqual([Number(tries), used], [POLICY.tries, '0']);
  assert.equal(await outcome(callers[1].LoginBySms({ channel: CHANNEL, phone, code })), 'CODE_EXPIRED', 'nor the right one any more');
  assert.equal(await sql.count('SELECT COUNT(*) FROM session WHERE caller_kind = 1'), 0);
  assert.equal(await sql.count('SELECT COUNT(*) FROM account'), 0);
});

test('many logins by password at once leave the others their turn', async () => {
  let slowest = 0, running = true;
  const began = Date.now();
  const crowd = flood(400, (caller, i) => outcome(callers[0].LoginByPassword({ channel: CHANNEL, login: `nobody_${i}`, password: 'guess' }, from(address(1))))).finally(() => { running = false; });
  let asked = 0;
  while (running) {
    const at = Date.now();
    await callers[0].GetChannel({ channel: CHANNEL });
    slowest = Math.max(slowest, Date.now() - at);
    asked++;
  }
  const said = await crowd;
  tell('passwords', { ...said, others: asked, slowest }, began);
  allowed(said, 'LOGIN_FAILED', 'EXHAUSTED');
  assert.ok(said.EXHAUSTED > 100 && said.LOGIN_FAILED >= 4, JSON.stringify(said));
  assert.ok(asked >= 5 && slowest < 10000, `${asked} others, the slowest ${slowest} ms`);
  const e = await Promise.all(Array.from({ length: 12 }, (_, i) => callers[0].LoginByPassword({ channel: CHANNEL, login: `nobody_else_${i}`, password: 'guess' }).catch((x) => x)));
  const turned = e.find((x) => x.info.reason === 'EXHAUSTED');
  assert.equal(turned?.code, grpc.status.RESOURCE_EXHAUSTED);
  assert.ok(turned.info.retryMs > 0 && turned.info.zh);
});

test('the audit trail is intact', () => {
  assert.match(desks[0].command(['audit', 'verify']), /: intact/);
});
