// Where an applicant goes wrong, and what the desk says then (S2, S6, S7, S9-S15): refused at once, with every reason, at
// no cost, and the order can go on.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { Desk, until } from '../lib/desk.mjs';
import { Sql } from './database.mjs';
import { company } from './people.mjs';
import { refused } from './refused.mjs';
import { CHANNEL, MATERIALS, Walk } from './walk.mjs';

let desk;
let next = 1;
let offset = 0;

// Every walk is another company, with phones of its own.
const walker = (options = {}) => new Walk(desk, { who: company(next++), inPerson: true, ...options });
const later = (ms) => desk.setClock(offset += ms);
const asked = async () => (await desk.sim('/sim/log')).counts;

// The channel as it is shipped, with a change.
function importChannel(change) {
  const c = desk.channel('zheneng', 1);
  change(c);
  desk.importChannel(c);
}

before(async () => { desk = await new Desk({ clock: true }).start(); });
after(async () => { await desk?.stop(); });

describe('getting in', () => {
  test('a captcha serves once, and only when it is read rightly', async () => {
    const w = walker();
    const send = (captcha_id, captcha_text) => w.anyone.SendSmsCode({ channel: CHANNEL, phone: w.who.account.phone, purpose: 'SMS_PURPOSE_LOGIN', captcha_id, captcha_text });
    const one = await w.anyone.CreateCaptcha();
    assert.deepEqual([...one.png.subarray(1, 4)], [...Buffer.from('PNG')]);
    await refused(send(one.captcha_id, 'zzzz'), 'FAILED_PRECONDITION', 'CAPTCHA_WRONG');
    await refused(send(one.captcha_id, 'abcd'), 'FAILED_PRECONDITION', 'CAPTCHA_WRONG'); // the wrong try used it up
    assert.equal((await desk.messages(w.who.account.phone)).length, 0);
  });

  test('the initial password opens nothing but its own change', async () => {
    const w = walker();
    await w.register();
    const { phone } = w.who.account;
    const log = (login, password) => w.anyone.LoginByPassword({ channel: CHANNEL, login, password });
    const name = /用户名(\w+)/.exec(await w.read(phone, /账号已创建/))[1];
    await refused(log(name, '111111'), 'FAILED_PRECONDITION', 'MUST_CHANGE_PASSWORD');
    await refused(log(name, '222222'), 'UNAUTHENTICATED', 'LOGIN_FAILED');
    later(61000);
    const captcha = await w.anyone.CreateCaptcha();
    const seen = (await desk.messages(phone)).length;
    await w.anyone.SendSmsCode({ channel: CHANNEL, phone, purpose: 'SMS_PURPOSE_CHANGE_PASSWORD', captcha_id: captcha.captcha_id, captcha_text: 'abcd' });
    const code = /\d{6}/.exec(await w.read(phone, /\d{6}/, seen))[0];
    const change = (more) => w.anyone.ChangePassword({ channel: CHANNEL, phone, code, new_password: 'a better one', new_password_again: 'a better one', ...more });
    const bad = await refused(change({ new_password: '12345678' }), 'INVALID_ARGUMENT', 'INVALID');
    assert.deepEqual(bad.fields, ['new_password', 'new_password_again']);
    await change();
    assert.equal((await log(name, 'a better one')).account.must_change_password, false);
    await refused(w.call.GetAccount({}), 'UNAUTHENTICATED', 'UNAUTHENTICATED'); // older sessions ended
  });
});

describe('organization', () => {
  test('every field of table 2 wrong at once: every violation at once, and nobody was asked', async () => {
    const w = walker();
    await w.to('SUBJECT');
    const before = await asked();
    const wrong = {
      name: '甲', uscc: '91350100M000100Y44', legal_rep_name: '', legal_rep_id_number: '110105194912310021', legal_rep_phone: '1380000000',
      legal_rep_card_number: '6222000000000001', account: { number: '12', bank: '甲', branch: '乙', cnaps_code: '1' },
    };
    const said = await refused(w.submitOrganization(wrong), 'INVALID_ARGUMENT', 'INVALID');
    assert.deepEqual(said.fields.sort(), ['organization.account.bank', 'organization.account.branch', 'organization.account.cnaps_code',
      'organization.account.number', 'organization.legal_rep_card_number', 'organization.legal_rep_id_number', 'organization.legal_rep_name',
      'organization.legal_rep_phone', 'organization.name', 'organization.uscc']);
    const reason = Object.fromEntries(said.violations.map((v) => [v.field.replace('organization.', ''), v.reason]));
    assert.equal(reason.uscc, 'CHECK_DIGIT');
    assert.equal(reason.legal_rep_id_number, 'CHECK_DIGIT');
    assert.equal(reason.legal_rep_name, 'REQUIRED');
    assert.deepEqual(await asked(), before);
    assert.equal((await w.refresh()).state, 'ORDER_STATE_SUBJECT');
    assert.equal(w.order.version, 1);
  });

  test('a mismatch says what does not match; corrected, it goes on', async () => {
    const w = walker();
    await w.to('SUBJECT');
    await w.submitOrganization({ legal_rep_name: '王不一致' });
    assert.equal(await w.verified(), 'MISMATCH');
    assert.equal(w.state, 'SUBJECT');
    assert.deepEqual(w.order.verification.mismatched_fields, ['legal_rep_name']);
    const left = w.order.verification.attempts_left;
    const { counts } = await desk.sim('/sim/log');
    assert.equal((await desk.messages(w.who.legalRep.phone)).length, 0); // no code to somebody who is not them
    await w.submitOrganization();
    assert.equal(await w.verified(), 'CODE_SENT');
    assert.equal(w.order.verification.attempts_left, left - 1);
    assert.ok((await asked())['tencent.PhoneVerification'] > (counts['tencent.PhoneVerification'] || 0)); // now the phone was checked too
    await w.confirmSubject();
    assert.equal(w.state, 'AGENT');
  });

  test('wrong codes are counted; another code opens the way again', async () => {
    const w = walker();
    await w.to('SUBJECT_VERIFYING');
    await w.verified();
    const { phone } = w.who.legalRep;
    const right = /\d{6}/.exec(await w.read(phone, /正在核验/))[0];
    const wrong = right === '000000' ? '000001' : '000000';
    const confirm = (code) => w.call.ConfirmVerification({ verification_id: w.order.verification.id, code });
    for (let i = 0; i < 5; i++) await refused(confirm(wrong), 'FAILED_PRECONDITION', 'CODE_WRONG');
    await refused(confirm(right), 'FAILED_PRECONDITION', 'CODE_EXPIRED');
    const again = () => w.call.ResendVerificationCode({ verification_id: w.order.verification.id });
    const wait = await refused(again(), 'RESOURCE_EXHAUSTED', 'RATE_LIMITED');
    assert.ok(wait.retryMs > 0 && wait.retryMs <= 60000, `${wait.retryMs}`);
    later(61000);
    await again();
    const code = /\d{6}/.exec(await w.read(phone, /正在核验/, 1))[0];
    await confirm(code);
    assert.equal((await w.refresh()).state, 'ORDER_STATE_AGENT');
  });

  test('a provider that does not answer is asked again; nothing is sent twice', async () => {
    const w = walker();
    await w.to('SUBJECT');
    await desk.sim('/sim/fault', { provider: 'tencent', action: 'SendSms', kind: 'lose_answer' });
    await w.submitOrganization();
    await w.verified();
    await w.read(w.who.legalRep.phone, /正在核验/);
    await until('the unanswered call settled', async () => {
      later(5000);
      return (await (await w.staff('chen')).ListJobs({ state: 'JOB_STATE_WAITING' })).jobs.filter((j) => j.kind === 'sms.send').length === 0;
    });
    assert.equal((await desk.messages(w.who.legalRep.phone)).length, 1);
    await w.confirmSubject();
  });
});

describe('one open order for one identity number (S10)', () => {
  let first;
  before(async () => {
    first = walker();
    await first.to('AGENT');
  });

  test('its owner is told which; others are not', async () => {
    const mine = new Walk(desk, { who: { ...first.who, legalRep: company(next++).legalRep } });
    mine.call = first.call;
    await mine.createOrder();
    const said = await refused(mine.submitOrganization(), 'ALREADY_EXISTS', 'ORDER_OPEN');
    assert.equal(said.resource, first.order.id);
    const other = walker();
    await other.to('SUBJECT');
    const told = await refused(other.submitOrganization({ uscc: first.who.uscc }), 'ALREADY_EXISTS', 'ORDER_OPEN');
    assert.ok(!told.resource);
    assert.ok(!JSON.stringify(told).includes(first.order.id));
    await first.call.CancelOrder({ order_id: first.order.id });
    await other.submitOrganization({ uscc: first.who.uscc });
    assert.equal(other.state, 'SUBJECT_VERIFYING'); // cancelling freed the number
    assert.equal((await first.refresh()).state, 'ORDER_STATE_CANCELLED');
    assert.deepEqual(first.order.actions, []);
    await refused(first.call.CancelOrder({ order_id: first.order.id }), 'FAILED_PRECONDITION', 'ORDER_STATE');
  });

  test('who gave a number with data that do not match keeps nobody out', async () => {
    const typed = walker(), owner = new Walk(desk, { who: { ...typed.who, account: company(next++).account } });
    await typed.to('SUBJECT');
    await typed.submitOrganization({ legal_rep_name: '王不一致' });
    assert.equal(await typed.verified(), 'MISMATCH');
    await owner.to('AGENT');
    await refused(typed.submitOrganization(), 'ALREADY_EXISTS', 'ORDER_OPEN');
    const told = await refused(typed.call.SwitchToPaperRoute({ order_id: typed.order.id }), 'ALREADY_EXISTS', 'ORDER_OPEN'); // it would be held again
    assert.ok(!told.resource);
  });

  test('the desk closes what is not paid, with a reason; the account is told', async () => {
    const held = walker();
    await held.to('AGENT');
    const reviewer = await held.staff('li'), shipper = await held.staff('zhao'), order_id = held.order.id;
    await refused(shipper.CancelOrder({ order_id, reason: '不相干' }), 'PERMISSION_DENIED', 'DENIED');
    const bad = await refused(reviewer.CancelOrder({ order_id }), 'INVALID_ARGUMENT', 'INVALID');
    assert.deepEqual(bad.violations.map((v) => v.field), ['reason']);
    assert.ok((await reviewer.GetOrder({ order_id })).order.actions.includes('CancelOrder'));
    assert.equal((await reviewer.CancelOrder({ order_id, reason: '单位来电：非本单位申请' })).order.state, 'ORDER_STATE_CANCELLED');
    assert.match(await held.read(held.who.account.phone, /已由受理机构关闭/), new RegExp(order_id));
    const owner = new Walk(desk, { who: { ...held.who, account: company(next++).account } });
    await owner.to('SUBJECT');
    await owner.submitOrganization();
    const paid = walker();
    await paid.to('REVIEW');
    await refused(reviewer.CancelOrder({ order_id: paid.order.id, reason: '已支付' }), 'FAILED_PRECONDITION', 'ORDER_STATE');
    assert.ok(!(await reviewer.GetOrder({ order_id: paid.order.id })).order.actions.includes('CancelOrder'));
  });
});

describe('consent, agent, purchase', () => {
  test('no order without every agreement in force, in its version', async () => {
    const w = walker();
    await w.register();
    const all = await w.consents();
    const [a, b] = all.map((x) => x.agreement_id);
    const older = { ...all[1], agreement_version: all[1].agreement_version - 1 };
    for (const [consents, missing] of [[[], [[a, 'REQUIRED'], [b, 'REQUIRED']]], [all.slice(1), [[a, 'REQUIRED']]], [[all[0], older], [[b, 'VERSION']]]]) {
      const said = await refused(w.createOrder({ consents }), 'FAILED_PRECONDITION', 'CONSENT_MISSING');
      assert.deepEqual(said.violations.map((v) => [v.field, v.reason]), missing);
    }
    assert.deepEqual((await w.call.ListOrders({})).orders, []);
  });

  test('the agent\'s fields come back all at once; a step that is not the next is refused', async () => {
    const w = walker({ inPerson: false });
    await w.to('AGENT');
    const said = await refused(w.submitAgent({ name: '', id_number: '1', phone: '2', email: 'nobody', method: 'VERIFICATION_METHOD_UNSPECIFIED' }), 'INVALID_ARGUMENT', 'INVALID');
    assert.deepEqual(said.fields.sort(), ['agent.email', 'agent.id_number', 'agent.method', 'agent.name', 'agent.phone']);
    await refused(w.setPurchase(), 'FAILED_PRECONDITION', 'ORDER_STATE');
    await refused(w.requestSignature(), 'FAILED_PRECONDITION', 'ORDER_STATE');
    await refused(w.createPayment(), 'FAILED_PRECONDITION', 'ORDER_STATE');
    assert.equal((await w.refresh()).state, 'ORDER_STATE_AGENT');
  });

  test('a price that moved is shown before it is agreed to', async () => {
    const w = walker();
    await w.to('CONFIRM');
    const shown = w.order.quote.total_fen;
    importChannel((c) => { for (const p of c.products[0].prices) p.price_fen += 1000; });
    await refused(w.confirmPurchase(), 'ABORTED', 'PRICE_CHANGED');
    assert.equal((await w.refresh()).quote.total_fen, shown + 1000);
    await w.confirmPurchase();
    importChannel(() => {});
    assert.equal((await w.refresh()).quote.total_fen, shown + 1000); // frozen
    await w.uploadAll();
    await w.requestSignature();
    await w.sign();
    await w.createPayment();
    assert.equal(w.payment.amount_fen, shown + 1000);
  });
});

describe('materials and signature', () => {
  let w;
  before(async () => {
    w = walker();
    await w.to('CONFIRM');
    await w.confirmPurchase();
  });
  const jpeg = (n) => Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), Buffer.alloc(n - 4, 7)]);
  const bad = async (field, kind, bytes, more) => {
    const said = await refused(w.upload(kind, bytes, more), 'INVALID_ARGUMENT', 'MATERIAL_BAD');
    assert.deepEqual(said.fields, [field]);
  };

  test('a material of the wrong type, digest, size or kind is refused; nothing of it stays', async () => {
    await bad('content', 'business_license', Buffer.from('MZ not a picture'));
    await bad('content', 'agent_id_front', Buffer.from('%PDF-1.7 where a photo is wanted'));
    await bad('digest', 'business_license', jpeg(1000), { digest: '00'.repeat(32) });
    await bad('size_bytes', 'business_license', jpeg(1000), { size_bytes: 999 });
    await bad('kind', 'passport', jpeg(1000));
    await bad('size_bytes', 'business_license', jpeg(10 * 1024 * 1024 + 1));
    assert.deepEqual((await w.call.ListMaterials({ order_id: w.order.id })).materials, []);
  });

  test('what is missing is named; what is there may be replaced', async () => {
    await w.uploadScan('agent_id_front');
    const said = await refused(w.requestSignature(), 'FAILED_PRECONDITION', 'MATERIAL_MISSING');
    assert.deepEqual(said.fields.sort(), ['agent_id_back', 'business_license']);
    assert.deepEqual((await w.call.ListMaterials({ order_id: w.order.id })).missing_kinds.sort(), ['agent_id_back', 'business_license']);
    await w.uploadAll();
    const { materials, missing_kinds: missing } = await w.call.ListMaterials({ order_id: w.order.id });
    assert.deepEqual(materials.map((m) => m.kind).sort(), Object.keys(MATERIALS).sort());
    assert.deepEqual(missing, []);
  });

  test('a wrong code does not sign; without consent the right one does not either', async () => {
    await w.requestSignature();
    const code = /验证码(\d{6})/.exec(await w.read(w.signer, /正在签署/))[1];
    const sign = (more) => w.call.SignApplication({ order_id: w.order.id, code, ...more });
    const consents = await w.consents();
    await refused(sign({ code: code === '000000' ? '1' : '000000', consents }), 'FAILED_PRECONDITION', 'CODE_WRONG');
    await refused(sign({ consents: consents.slice(1) }), 'FAILED_PRECONDITION', 'CONSENT_MISSING');
    assert.equal((await w.refresh()).state, 'ORDER_STATE_SIGNATURE');
    await sign({ consents });
    assert.equal((await w.refresh()).state, 'ORDER_STATE_PAYMENT');
    await refused(w.uploadScan('business_license', { request_id: 'another' }), 'FAILED_PRECONDITION', 'ORDER_STATE'); // signed is signed
  });

  test('no callback at all: the poller finds the payment; told twice it is paid once', async (t) => {
    await desk.sim('/sim/fault', { provider: 'wechat', action: 'callback', kind: 'never' });
    await w.createPayment();
    const { orders } = await desk.sim('/sim/wechat/orders');
    await desk.sim('/sim/wechat/pay', { out_trade_no: orders.find((o) => o.code_url === w.payment.code_url).out_trade_no });
    later(6000);
    await w.reach('REVIEW');
    const other = walker();
    await other.to('PAYMENT');
    await desk.sim('/sim/fault', { provider: 'wechat', action: 'callback', kind: 'twice' });
    await other.pay();
    await until('two callbacks', async () => (await desk.sim('/sim/deliveries')).deliveries.length === 0);
    const { payments } = await other.call.ListPayments({ order_id: other.order.id });
    assert.deepEqual(payments.map((p) => p.state), ['PAYMENT_STATE_PAID']);
    await other.read(other.signer, /已支付/);
    const sql = new Sql(`${desk.state}/db/db.sock`);
    t.after(() => sql.close());
    await until('no job to be due', async () => await sql.count(`SELECT COUNT(*) FROM outbox WHERE state = 2 OR (state = 1 AND run_at_ms <= ${Date.now() + offset})`) === 0);
    assert.equal((await desk.messages(other.signer)).filter((m) => /已支付/.test(m.text)).length, 1);
  });
});
