// Every method of verification, walked through the calls (S6-S9, S11, S17): to the next step, and every way to go wrong on
// it. Another device watches the order meanwhile, as a person does who holds the QR code on one screen and the phone in
// the other hand.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Desk, until } from '../lib/desk.mjs';
import { company } from './people.mjs';
import { refused } from './refused.mjs';
import { Walk } from './walk.mjs';

let desk;
let next = 300;
let chief;
const walker = (options = {}) => new Walk(desk, { who: company(next++), inPerson: true, ...options });
const later = (ms) => desk.setClock((desk.clockOffset || 0) + ms);
const asked = async (action) => (await desk.sim('/sim/log')).counts[`tencent.${action}`] || 0;

before(async () => {
  desk = await new Desk({ clock: true }).start();
  chief = await walker().staff('chen');
});
after(async () => { await desk?.stop(); });

// What somebody sees who watches the order with a session of their own.
function watch(w) {
  const seen = [];
  const stream = desk.caller(w.token).WatchOrder({ order_id: w.order.id });
  stream.on('data', ({ order }) => seen.push(order));
  stream.on('error', () => {});
  return { seen, end: () => stream.cancel(), until: (what, fn) => until(what, () => seen.find(fn)) };
}

async function evidence(w) {
  const { review } = await chief.GetReview({ order_id: w.order.id });
  return review.evidence.map((e) => `${e.check}:${e.outcome}`);
}

describe('every method leads to the next step', () => {
  const checks = {
    MICRO_DEPOSIT: ['enterprise4:MATCH', 'deposit:MATCH'], PHONE_THREE_FACTOR: ['enterprise4:MATCH', 'phone3:MATCH'],
    BANK_FOUR_FACTOR: ['enterprise4:MATCH', 'bank4:MATCH'], FACE: ['enterprise4:MATCH', 'face:MATCH'],
  };
  for (const [method, want] of Object.entries(checks)) {
    test(`organization, ${method}`, async () => {
      const w = walker({ method });
      await w.to('AGENT');
      assert.deepEqual((await evidence(w)).sort(), [...want].sort());
    });
  }
  for (const agentMethod of ['BANK_FOUR_FACTOR', 'FACE']) {
    test(`agent, ${agentMethod}`, async () => {
      const w = walker({ agentMethod, inPerson: false });
      await w.to('PURCHASE');
      assert.equal((await evidence(w)).at(-1), `${agentMethod === 'FACE' ? 'face' : 'bank4'}:MATCH`);
    });
  }
  const persons = { MICRO_DEPOSIT: ['phone3:MATCH', 'deposit:MATCH'], PHONE_THREE_FACTOR: ['phone3:MATCH'], BANK_FOUR_FACTOR: ['bank4:MATCH'], FACE: ['face:MATCH'] };
  for (const [method, want] of Object.entries(persons)) {
    test(`individual, ${method}`, async () => {
      const w = walker({ method, individual: true });
      await w.to('PURCHASE');
      assert.deepEqual((await evidence(w)).sort(), [...want].sort());
    });
  }
});

describe('faces (S8)', () => {
  test('the QR code is on one device, the order moves on on another', async () => {
    const w = walker({ method: 'FACE' });
    await w.to('SUBJECT_VERIFYING');
    assert.equal(await w.verified(), 'FACE');
    assert.ok(w.order.actions.includes('StartFace') && !w.order.actions.includes('ConfirmVerification'));
    const other = watch(w);
    const face = await w.openFace();
    assert.match(face.url, /^http/);
    assert.ok(Number(face.expire_time.seconds) > 0 && !face.link_sent);
    await other.until('the code on the other device', (o) => o.verification?.face?.url === face.url);
    await w.look(w.who.legalRep.name);
    await other.until('the next step', (o) => o.state === 'ORDER_STATE_AGENT');
    other.end();
    // The link was nobody else's: the desk never saw it, and the log does not know it.
    assert.ok(!JSON.stringify(await chief.GetReview({ order_id: w.order.id })).includes(face.url));
    assert.ok(!desk.log().includes(face.url));
  });

  test('by SMS the link goes to the person, once; nobody else gets it', async () => {
    const w = walker({ method: 'FACE' });
    await w.to('SUBJECT_VERIFYING');
    await w.verified();
    const first = await w.call.StartFace({ verification_id: w.order.verification.id, by_sms: true });
    assert.equal(first.url, '');
    const text = await w.read(w.who.legalRep.phone, /刷脸/);
    const url = /http[^，]+/.exec(text)[0];
    const again = await w.call.StartFace({ verification_id: w.order.verification.id, by_sms: true });
    assert.equal(again.url, '');
    assert.equal(again.verification.face.url, '');
    assert.ok(again.verification.face.link_sent);
    assert.match(again.verification.sent_to, /^138\*{4}/);
    assert.equal((await desk.messages(w.who.legalRep.phone)).filter((m) => m.text.includes(url)).length, 1);
    await w.look(w.who.legalRep.name);
    await w.reach('AGENT');
  });

  test('another face is a mismatch, and the step may be tried again', async () => {
    const w = walker({ method: 'FACE' });
    await w.to('SUBJECT_VERIFYING');
    await w.verified();
    await w.openFace();
    await w.look(w.who.legalRep.name, 'other_person');
    await w.reach('SUBJECT');
    assert.equal(w.order.verification.state, 'VERIFICATION_STATE_MISMATCH');
    assert.deepEqual(w.order.verification.mismatched_fields, ['face']);
    await refused(w.call.StartFace({ verification_id: w.order.verification.id }), 'FAILED_PRECONDITION', 'PRECONDITION');
    await w.submitOrganization();
    await w.confirmSubject();
    assert.equal(w.state, 'AGENT');
  });

  test('a session that nobody used ends; another can be begun', async () => {
    const w = walker({ method: 'FACE', individual: true });
    await w.to('SUBJECT_VERIFYING');
    await w.verified();
    const old = await w.openFace();
    later(3 * 3600 * 1000);
    await until('the session over', async () => !(await w.refresh()).verification?.face);
    if (w.state === 'SUBJECT') await w.submitOrganization();
    const { url } = await w.openFace();
    assert.notEqual(url, old.url);
    await w.look(w.who.agent.name);
    await w.reach('PURCHASE');
  });

  test('eight StartFace at once make one session', async () => {
    const w = walker({ method: 'FACE', individual: true });
    await w.to('SUBJECT_VERIFYING');
    await w.verified();
    const n = await asked('DetectAuth');
    const calls = Array.from({ length: 8 }, (_, i) => w.call.StartFace({ verification_id: w.order.verification.id, by_sms: i % 2 === 0 }));
    for (const { verification } of await Promise.all(calls)) assert.equal(verification.id, w.order.verification.id);
    await w.openFace();
    assert.equal(await asked('DetectAuth'), n + 1);
    await w.read(w.who.agent.phone, /刷脸/);
    assert.equal((await desk.messages(w.who.agent.phone)).filter((m) => /刷脸/.test(m.text)).length, 1);
  });

  test('somebody else cannot start it, and a code does not end it', async () => {
    const w = walker({ method: 'FACE' });
    await w.to('SUBJECT_VERIFYING');
    await w.verified();
    const stranger = walker();
    await stranger.register();
    await refused(stranger.call.StartFace({ verification_id: w.order.verification.id }), 'NOT_FOUND', 'NOT_FOUND');
    await refused(w.call.ConfirmVerification({ verification_id: w.order.verification.id, code: '000000' }), 'FAILED_PRECONDITION', 'PRECONDITION');
    await w.call.ChangeMethod({ order_id: w.order.id, method: 'VERIFICATION_METHOD_PHONE_THREE_FACTOR' });
    await refused(w.call.StartFace({ verification_id: w.order.verification.id }), 'FAILED_PRECONDITION', 'PRECONDITION');
    w.method = 'PHONE_THREE_FACTOR';
    await w.submitOrganization();
    await w.confirmSubject();
    assert.equal(w.state, 'AGENT');
  });
});

// The bank's answer to the last lines of the export, as a file.
function answer(...lines) {
  const file = path.join(desk.dir, `bank-${next++}.csv`);
  fs.writeFileSync(file, `批次,编号,结果,银行流水号,原因\r\n${lines.map((l) => `${l.join(',')}\r\n`).join('')}`);
  return () => desk.command(['remittance', 'import', file]);
}

// The mail of this subject to who the order's notices go to.
const mail = (w, subject) => until(`the mail "${subject}"`, async () => (await desk.sim(`/sim/mails?to=${encodeURIComponent(w.who.agent.email)}`)).mails
  .find((m) => m.subject === subject && m.text.includes(w.order.id)));

describe('deposits (S6)', () => {
  test('out, in, told, confirmed; and the PIN goes the same way, not by SMS', async () => {
    const w = walker({ method: 'MICRO_DEPOSIT' });
    await w.to('SUBJECT_VERIFYING');
    assert.equal(await w.verified(), 'DEPOSIT');
    assert.equal(w.order.verification.deposit.secret, 'DEPOSIT_SECRET_REMARK_CODE');
    const confirm = (code) => w.call.ConfirmVerification({ verification_id: w.order.verification.id, code });
    await refused(confirm('123456'), 'FAILED_PRECONDITION', 'PRECONDITION'); // it is in no file yet
    const other = watch(w);
    const [batch, number, name, account, , , , amount, code] = await w.remitted();
    assert.deepEqual([name, account, amount], [w.who.name, '33050161823500001234', '0.01']);
    assert.match(code, /^\d{6}$/);
    assert.match(answer([batch, number, '成功', 'F1', ''])(), /1 sent/);
    await w.read(w.who.account.phone, /附言/);
    assert.match(answer([batch, number, '成功', 'F1', ''])(), /0 sent, 0 failed, 1 known/);
    await until('the deposit seen as sent', async () => (await w.refresh()).verification.deposit.sent_time);
    await refused(confirm(code === '000000' ? '000001' : '000000'), 'FAILED_PRECONDITION', 'CODE_WRONG');
    await confirm(code);
    await other.until('the next step', (o) => o.state === 'ORDER_STATE_AGENT');
    other.end();
    w.done = 4;
    await w.to('SHIP');
    const [, , , , , , , , pin] = await w.remitted().then(() => until('the PIN in a file', () => desk.remitted.findLast((l) => l[2] === w.who.name && l[8].length > 6)));
    assert.match(pin, /^密码\d{8}$/); // 12 bytes of GBK
    assert.deepEqual((await desk.messages(w.who.legalRep.phone)).filter((m) => /密码为/.test(m.text)), []);
    // What is on its way is said to be the password of this UKEY, not a code to type in; it came back: that too.
    const [pinBatch, pinNumber] = desk.remitted.findLast((l) => l[8] === pin);
    assert.match(answer([pinBatch, pinNumber, '成功', 'F2', ''])(), /1 sent/);
    assert.match(await w.read(w.signer, /密码已随0\.01元打款汇出/), new RegExp(`介质号${w.medium}）.*附言`));
    assert.match((await mail(w, '证书密码已汇出')).text, new RegExp(`介质号 ${w.medium}`));
    assert.equal((await desk.messages(w.signer)).filter((m) => /附言中的数字/.test(m.text)).length, 0);
    answer([pinBatch, pinNumber, '失败', 'F2', '账户已注销'])();
    assert.match(await w.read(w.signer, /密码打款被银行退回/), new RegExp(w.medium));
    await mail(w, '证书密码打款被退回');
    assert.doesNotMatch(desk.log(), new RegExp(`${code}|${pin.slice(2)}|33050161823500001234`));
  });

  test('a bad file is named line by line, and nothing of it is taken', async () => {
    const w = walker({ method: 'MICRO_DEPOSIT' });
    await w.to('SUBJECT_VERIFYING');
    await w.verified();
    const [batch, number] = await w.remitted();
    assert.throws(answer([batch, number, '成功', 'F1', ''], [batch, 'dep_0', '成功', 'F2', ''], [Number(batch) + 7, number, '失败', 'F3', 'x']),
      (e) => e.status === 2 && /line 3, column 2:.*\n.*line 4, column 1:/.test(e.stderr) && !/line 2/.test(e.stderr));
    assert.equal((await w.refresh()).verification.deposit.sent_time, null);
    answer([batch, number, '失败', 'F1', '账号不存在'])();
    await w.reach('SUBJECT');
    assert.deepEqual(w.order.verification.mismatched_fields, ['account.number']);
    assert.match(await w.read(w.who.account.phone, /核验打款未成功/), new RegExp(w.order.id)); // no agent yet: to the account
    await w.submitOrganization();
    await w.confirmSubject();
    assert.equal(w.state, 'AGENT');
  });

  test('a batch is committed before its file is written: a death in between loses nothing', async () => {
    const w = walker({ method: 'MICRO_DEPOSIT', individual: true });
    await w.to('SUBJECT_VERIFYING');
    await w.verified();
    const file = path.join(desk.dir, 'killed.csv'), { env } = desk.options;
    desk.options.env = { ...env, CERTDESK_CRASH: 'remittance.batched:1' };
    assert.throws(() => desk.command(['remittance', 'export', file]));
    desk.options.env = env;
    assert.ok(!fs.existsSync(file));
    const batch = /^batch (\d+)/m.exec(desk.command(['remittance', 'list']))[1];
    assert.throws(() => desk.command(['remittance', 'export']), (e) => e.status === 4 && e.stdout === '');
    desk.command(['remittance', 'batch', batch, file]);
    const text = fs.readFileSync(file, 'utf8');
    assert.equal(fs.statSync(file).mode & 0o777, 0o600);
    assert.equal(desk.command(['remittance', 'batch', batch]), text);
    const code = /"(\d{6})"\r\n$/.exec(text)[1];
    w.take(await w.call.ConfirmVerification({ verification_id: w.order.verification.id, code }));
    assert.equal(w.state, 'PURCHASE');
  });

  test('eight right codes at once pass once; five wrong ones end it', async () => {
    const w = walker({ method: 'MICRO_DEPOSIT', individual: true });
    await w.to('SUBJECT_VERIFYING');
    await w.verified();
    const code = (await w.remitted()).at(-1), verification_id = w.order.verification.id;
    const got = await Promise.all(Array.from({ length: 8 }, () => w.call.ConfirmVerification({ verification_id, code }).then(() => 'OK', (e) => e.info.reason)));
    assert.equal(got.filter((x) => x === 'OK').length, 1, String(got));
    const x = walker({ method: 'MICRO_DEPOSIT', individual: true });
    await x.to('SUBJECT_VERIFYING');
    await x.verified();
    const right = (await x.remitted()).at(-1), wrong = right === '000000' ? '000001' : '000000';
    for (let i = 0; i < 5; i++) await refused(x.call.ConfirmVerification({ verification_id: x.order.verification.id, code: wrong }), 'FAILED_PRECONDITION', 'CODE_WRONG');
    await x.reach('SUBJECT');
    assert.equal(x.order.verification.state, 'VERIFICATION_STATE_FAILED');
    await refused(x.call.ConfirmVerification({ verification_id: x.order.verification.id, code: right }), 'FAILED_PRECONDITION', 'PRECONDITION');
  });
});

describe('a random amount, where the channel has a supplier send it', () => {
  let channel;
  before(() => {
    channel = desk.channel();
    desk.importChannel({ ...channel, suppliers: { ...channel.suppliers, micro_deposit: ['esign'] } });
  });
  after(() => desk.importChannel(channel));

  test('the amount is judged by the supplier: wrong, right; the order moves on by itself', async () => {
    const w = walker({ method: 'MICRO_DEPOSIT' });
    await w.to('SUBJECT_VERIFYING');
    await until('the deposit sent', async () => {
      later(6000);
      return (await w.refresh()).verification?.deposit?.sent_time;
    });
    assert.equal(w.order.verification.deposit.secret, 'DEPOSIT_SECRET_AMOUNT');
    await w.read(w.who.account.phone, /到账金额/);
    const fen = (await desk.sim('/sim/esign/transfers')).transfers.at(-1).transfer.amount_fen;
    const enter = (n) => w.call.ConfirmVerification({ verification_id: w.order.verification.id, code: (n / 100).toFixed(2) });
    const said = await refused(enter(200), 'INVALID_ARGUMENT', 'INVALID');
    assert.deepEqual(said.fields, ['code']);
    const left = w.order.verification.deposit.tries_left;
    assert.equal((await enter((fen % 99) + 1)).order.verification.state, 'VERIFICATION_STATE_PENDING');
    await until('the wrong amount told', async () => (await w.refresh()).verification?.deposit?.tries_left === left - 1);
    await enter(fen);
    await w.reach('AGENT');
    assert.deepEqual((await evidence(w)).sort(), ['deposit:MATCH', 'enterprise4:MATCH']);
  });
});

describe('a code that a limit holds back', () => {
  // The second company of the same legal representative, within the phone's minute.
  async function held() {
    const first = walker(), w = walker();
    w.who = { ...w.who, legalRep: first.who.legalRep };
    await first.to('SUBJECT_VERIFYING');
    assert.equal(await first.verified(), 'CODE_SENT');
    await w.to('SUBJECT_VERIFYING');
    assert.equal(await w.verified(), 'CODE_HELD');
    return w;
  }
  const messages = async (w) => (await desk.messages(w.who.legalRep.phone)).filter((m) => /正在核验/.test(m.text)).length;
  const now = () => Date.now() + (desk.clockOffset || 0);

  test('is told, and goes by itself when it may', async () => {
    const w = await held(), { verification: v } = w.order;
    assert.equal(v.sent_to, '');
    const wait = Number(v.code_available_time.seconds) * 1000 - now();
    assert.ok(wait > 30000 && wait <= 60000, `${wait} ms`);
    assert.ok(!w.order.actions.includes('ConfirmVerification'));
    await refused(w.call.ConfirmVerification({ verification_id: v.id, code: '123456' }), 'FAILED_PRECONDITION', 'PRECONDITION');
    const said = await refused(w.call.ResendVerificationCode({ verification_id: v.id }), 'RESOURCE_EXHAUSTED', 'RATE_LIMITED');
    assert.ok(Math.abs(said.retryMs - wait) < 5000, `${said.retryMs} ms, told ${wait}`);
    const other = watch(w);
    later(60000);
    await other.until('the code on its way', (o) => o.verification?.state === 'VERIFICATION_STATE_CODE_SENT' && /^138\*{4}/.test(o.verification.sent_to));
    other.end();
    await until('the second code', async () => (await messages(w)) === 2); // the first was another's
    await w.confirmSubject();
    assert.equal(w.state, 'AGENT');
    assert.equal(await messages(w), 2);
  });

  test('does not go when the form was corrected meanwhile', async () => {
    const w = await held();
    await w.submitOrganization({ legal_rep_phone: company(next++).legalRep.phone });
    assert.equal(await w.verified(), 'CODE_SENT');
    const waits = async () => (await chief.ListJobs({ state: 'JOB_STATE_WAITING' })).jobs.some((j) => j.kind === 'identity.code' && j.object_id === w.order.id);
    assert.ok(await waits());
    later(60000);
    await until('the job', async () => !(await waits()));
    await until('the job\'s end', async () => (await chief.ListJobs({ state: 'JOB_STATE_RUNNING' })).jobs.length === 0);
    assert.equal(await messages(w), 1);
  });
});

describe('what it costs', () => {
  test('a mismatch is corrected within limits, which a new order does not lift', async () => {
    const w = walker({ method: 'BANK_FOUR_FACTOR', individual: true });
    await w.to('SUBJECT');
    for (let i = 0; i < 5; i++) {
      await w.submitOrganization({ name: '王不一致' });
      assert.equal(await w.verified(), 'MISMATCH');
      await w.call.CancelOrder({ order_id: w.order.id });
      await w.createOrder();
    }
    const said = await refused(w.submitOrganization(), 'RESOURCE_EXHAUSTED', 'RATE_LIMITED');
    assert.ok(said.retryMs > 0);
    assert.match(said.zh, /核验/);
    assert.ok(said.retryMs <= 24 * 3600 * 1000);
  });

  test('the day is read on the command line', async () => {
    await walker({ method: 'BANK_FOUR_FACTOR', individual: true }).to('PURCHASE');
    const rows = desk.command(['identity', 'costs']).trim().split('\n').map((l) => l.split('\t'));
    assert.deepEqual(rows[0], ['channel', 'supplier', 'check', 'answers', 'billed', 'matched']);
    const bank = rows.find((r) => r[1] === 'tencent' && r[2] === 'bank4');
    assert.ok(bank && Number(bank[4]) >= 1, JSON.stringify(rows));
    assert.throws(() => desk.command(['identity', 'costs', 'yesterday']));
  });

  test('no number, card, account or link stands in the log', () => {
    const log = desk.log();
    for (const secret of ['6222020200000000006', '33050161823500001234', company(300).legalRep.idNumber, '王建国']) assert.ok(!log.includes(secret), secret);
    assert.match(desk.command(['audit', 'verify']), /: intact/);
  });
});
