// Every call that changes something is run with its first SQL statement failing, then its second, and so on until it
// passes (design 9). After each failure the database is as it was and the caller was told to try again; with the same
// request_id it passes in the end, and a repeat of that changes nothing.
import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import grpc from '@grpc/grpc-js';
import { Desk, api, totp, until } from '../lib/desk.mjs';
import { noise, png } from '../lib/corpus.mjs';
import { Sql, changed } from './database.mjs';
import { ChannelWalk } from './channel_walk.mjs';
import { YUNQI, importChannel } from './channels.mjs';
import { company } from './people.mjs';
import { SoftKey } from './softkey.mjs';
import { CHANNEL, Walk } from './walk.mjs';

const UNAVAILABLE_TEXT = 'the service cannot answer now; try again';
const MOST = 200; // statements of one call

let desk, sql, w, anyone;
const done = new Map(); // method: statements that failed

before(async () => {
  desk = await new Desk().start();
  sql = new Sql(`${desk.state}/db/db.sock`);
  w = new Walk(desk, { who: company(31) });
  anyone = w.anyone;
});
after(async () => {
  await sql?.close();
  await desk?.stop();
});

const code = async (phone, pattern, seen = 0) => /(?<!\d)\d{6}(?!\d)/.exec((await desk.sms(phone, pattern, seen)).text.replace(/ord_\w+/, ''))[0];

// What a failed statement looks like from outside.
function told(e, what) {
  assert.equal(e.code, grpc.status.UNAVAILABLE, `${what}: ${e.message}`);
  assert.equal(e.details, UNAVAILABLE_TEXT, what);
  assert.equal(e.info.reason, 'UNAVAILABLE', what);
  assert.ok(e.info.retryMs > 0, `${what}: no RetryInfo`);
}

// ask(k) makes the call with its k-th statement failing (0: none). keeps: tables where an intent may stay behind, once.
async function each(method, ask, { keeps = [] } = {}) {
  await sql.quiet();
  let was = await sql.fingerprint(), kept = 0, answer, k = 1;
  for (; k < MOST; k++) {
    const e = await ask(k).then((v) => { answer = v; }, (error) => error);
    if (!e) break;
    told(e, `${method}, statement ${k}`);
    const is = await sql.fingerprint(), tables = changed(was, is);
    if (tables.length && tables.every((t) => keeps.includes(t)) && kept++ === 0) was = is;
    else assert.deepEqual(tables, [], `${method} left something behind when statement ${k} failed`);
  }
  assert.ok(k > 3, `${method} passed with statement ${k} failing: the faults are not compiled in`);
  assert.notDeepEqual(changed(was, await sql.fingerprint()), [], `${method} changes nothing`);
  await sql.quiet();
  was = await sql.fingerprint();
  assert.deepEqual(await ask(0), answer, `${method} repeated`);
  assert.deepEqual(changed(was, await sql.fingerprint()), [], `${method} did something again`);
  done.set(method, k - 1);
  return answer;
}

function eachStatement(method, caller, request, options) {
  const same = { request_id: randomUUID(), ...request };
  return each(method, (k) => caller[method](same, k ? { metadata: { 'x-certdesk-fail-statement': k } } : {}), options);
}

const sqlPhone = (purpose) => sql.rows(`UPDATE sms_allowance SET sent_ms = 0 WHERE purpose = ${purpose}`);

test('registration and login by SMS', async () => {
  const { phone } = w.who.account;
  const { captcha_id } = await anyone.CreateCaptcha();
  await eachStatement('SendSmsCode', anyone, { channel: CHANNEL, phone, purpose: 'SMS_PURPOSE_LOGIN', captcha_id, captcha_text: 'abcd' });
  const { session } = await eachStatement('LoginBySms', anyone, { channel: CHANNEL, phone, code: await code(phone, /登录验证码/) });
  assert.equal((await desk.messages(phone)).filter((m) => m.text.includes('登录验证码')).length, 1);
  w.call = desk.caller(w.token = session.token);
});

test('the user centre', async () => {
  const { phone } = w.who.account;
  const { account } = await eachStatement('UpdateAccount', w.call, { user_name: 'newname31' });
  assert.equal(account.user_name, 'newname31');
  await eachStatement('SetPicture', w.call, { image: png() });
  const { captcha_id } = await anyone.CreateCaptcha();
  const seen = (await desk.messages(phone)).length;
  await anyone.SendSmsCode({ channel: CHANNEL, phone, purpose: 'SMS_PURPOSE_CHANGE_PASSWORD', captcha_id, captcha_text: 'abcd' });
  await eachStatement('ChangePassword', anyone, { channel: CHANNEL, phone, new_password: 'a-Better-1', new_password_again: 'a-Better-1', code: await code(phone, /验证码/, seen) });
  const { session } = await eachStatement('LoginByPassword', anyone, { channel: CHANNEL, login: 'newname31', password: 'a-Better-1' });
  w.call = desk.caller(w.token = session.token);
  const other = await anyone.LoginByPassword({ channel: CHANNEL, login: phone, password: 'a-Better-1' });
  const leaving = desk.caller(other.session.token), request = { request_id: randomUUID() };
  // After it the session is over, so a repeat is not answered.
  await each('Logout', async (k) => leaving.Logout(request, { metadata: { 'x-certdesk-fail-statement': k } })
    .catch((e) => { if (k || e.code !== grpc.status.UNAUTHENTICATED) throw e; return {}; }));
  await assert.rejects(leaving.GetAccount(), { code: grpc.status.UNAUTHENTICATED });
});

test('another phone', async () => {
  const old = w.who.account.phone, fresh = '13600990031';
  const ask = async (phone, purpose) => {
    const { captcha_id } = await anyone.CreateCaptcha(), seen = (await desk.messages(phone)).length;
    await w.call.SendSmsCode({ channel: CHANNEL, phone, purpose, captcha_id, captcha_text: 'abcd' });
    return code(phone, /验证码/, seen);
  };
  const { ticket } = await eachStatement('ConfirmOldPhone', w.call, { code: await ask(old, 'SMS_PURPOSE_OLD_PHONE') });
  const { account } = await eachStatement('ChangePhone', w.call, { ticket, new_phone: fresh, code: await ask(fresh, 'SMS_PURPOSE_NEW_PHONE') });
  assert.equal(account.phone, '136****0031');
  assert.equal((await desk.messages(old)).filter((m) => m.text.includes('已变更')).length, 1);
});

test('an order up to its agent', async () => {
  await eachStatement('CreateOrder', w.call, {
    channel: CHANNEL, kind: 'ORDER_KIND_NEW', subject_kind: 'SUBJECT_KIND_ORGANIZATION', medium: 'MEDIUM_UKEY',
    method: 'VERIFICATION_METHOD_PHONE_THREE_FACTOR', consents: await w.consents(),
  }).then((r) => w.take(r));
  await eachStatement('ChangeMethod', w.call, { order_id: w.order.id, method: 'VERIFICATION_METHOD_PHONE_THREE_FACTOR' });
  w.take(await eachStatement('SubmitOrganization', w.call, { order_id: w.order.id, organization: w.organization() }));
  assert.equal(await w.verified(), 'CODE_SENT');
  await sqlPhone(16);
  const { phone } = w.who.legalRep, seen = (await desk.messages(phone)).length;
  await eachStatement('ResendVerificationCode', w.call, { verification_id: w.order.verification.id });
  w.take(await eachStatement('ConfirmVerification', w.call, { verification_id: w.order.verification.id, code: await code(phone, /正在核验/, seen) }));
  const { name, idNumber, email } = w.who.agent;
  await eachStatement('SubmitAgent', w.call, { order_id: w.order.id, agent: { method: 'VERIFICATION_METHOD_PHONE_THREE_FACTOR', name, id_number: idNumber, phone: w.who.agent.phone, email } });
  await w.confirmAgent();
  assert.equal(w.state, 'PURCHASE');
});

test('a face', async () => {
  const f = new Walk(desk, { who: company(37), method: 'FACE', individual: true });
  await f.to('SUBJECT_VERIFYING');
  await f.verified();
  await eachStatement('StartFace', f.call, { verification_id: f.order.verification.id, by_sms: true });
  await f.read(f.who.agent.phone, /刷脸/);
});

// Chunks have no request_id: the same bytes at the same place are it.
async function inSingleCalls(order_id, bytes) {
  const header = { request_id: randomUUID(), order_id, kind: 'other', file_name: 'a.png', size_bytes: bytes.length, digest: createHash('sha256').update(bytes).digest('hex') };
  const { upload_id } = await eachStatement('StartUpload', w.call, { header });
  for (const offset of [0, 256 * 1024])
    await eachStatement('UploadChunk', w.call, { upload_id, offset, chunk: bytes.subarray(offset, offset + 256 * 1024) });
  const { material } = await eachStatement('FinishUpload', w.call, { upload_id });
  assert.equal(material.digest, header.digest);
  await w.call.DeleteMaterial({ material_id: material.id });
}

test('an order up to its payment', async () => {
  const order_id = w.order.id;
  await eachStatement('SetPurchase', w.call, { order_id, purchase: await w.purchase() });
  await eachStatement('ReturnToPurchase', w.call, { order_id });
  await w.setPurchase();
  w.take(await eachStatement('ConfirmPurchase', w.call, { order_id, total_fen: w.order.quote.total_fen }));
  const picture = png();
  const call = w.call, header = { request_id: randomUUID(), file_name: 'a.png' };
  const material = await each('UploadMaterial', async (k) => {
    w.call = k ? desk.caller(w.token, { 'x-certdesk-fail-statement': k }) : call;
    return w.upload('other', picture, header).finally(() => { w.call = call; });
  });
  await eachStatement('DeleteMaterial', w.call, { material_id: material.id });
  await inSingleCalls(order_id, noise(300 * 1024));
  await w.uploadAll();
  const seen = (await desk.messages(w.who.agent.phone)).length;
  await eachStatement('RequestApplicationSignature', w.call, { order_id });
  await eachStatement('SignApplication', w.call, { order_id, code: await code(w.who.agent.phone, /正在签署/, seen), consents: await w.consents() });
  const { payment } = await eachStatement('CreatePayment', w.call, { order_id, provider: 'PAYMENT_PROVIDER_WECHAT' });
  await sql.rows(`UPDATE outbox SET run_at_ms = 0 WHERE kind = 'payment.create' AND state = 1`);
  w.payment = (await w.call.GetPayment({ payment_id: payment.id })).payment;
  await desk.sim('/sim/config', { nuonuo_ms: 0 });
  await desk.sim('/sim/fault', { provider: 'nuonuo', action: 'result', kind: 'refused', count: 1 });
  await desk.sim('/sim/fault', { provider: 'nuonuo', action: 'callback', kind: 'never', count: 2 }); // nothing comes in between
  await w.pay();
});

// Looks that were put off are made now.
const invoice = (walk, state, mailed) => until(`an invoice ${state}`, async () => {
  await sql.rows("UPDATE outbox SET run_at_ms = 0 WHERE kind = 'invoice.poll' AND state = 1");
  const v = (await walk.call.GetInvoice({ order_id: walk.order.id })).invoice;
  return v.state === `INVOICE_STATE_${state}` && (!mailed || v.mail_time) && v;
}, 60000);

// Nothing of a paid order moves by itself any more: its invoice is there, and no supplier has a callback left to make (they
// wait in the sandbox, so the outbox alone may be quiet before they come).
async function settled(walk) {
  await invoice(walk, 'ISSUED', true);
  await until('nothing more to tell', async () => (await desk.sim('/sim/deliveries')).deliveries.length === 0);
  await sql.quiet();
}

test('its invoice', async () => {
  const { id } = await invoice(w, 'FAILED');
  await eachStatement('RetryInvoice', w.call, { invoice_id: id, correction: { tax_number: w.who.uscc, email: w.who.agent.email } });
  await invoice(w, 'ISSUED', true);
  await eachStatement('ResendInvoice', w.call, { invoice_id: id });
  const mails = await until('the mail again', async () => {
    const all = (await desk.sim(`/sim/mails?to=${encodeURIComponent(w.who.agent.email)}`)).mails.filter((m) => m.subject === '证书订单电子发票');
    return all.length > 1 && all;
  });
  assert.equal(mails.length, 2);
});

test('review', async () => {
  const li = await w.staff('li'), order_id = w.order.id;
  await eachStatement('RevealField', li, { order_id, field: 'agent.phone', reason: 'a test' });
  const { review } = await li.GetReview({ order_id });
  await eachStatement('DecideReview', li, { order_id, etag: review.etag, approve: true, decisions: review.materials.map((m) => ({ material_id: m.id, verdict: 'MATERIAL_VERDICT_APPROVED' })) });
});

test('issuance', async () => {
  const wang = await w.staff('wang'), order_id = w.order.id;
  const begin = (medium_number) => ({ order_id, medium_number, algorithms: ['KEY_ALGORITHM_P256'] });
  await eachStatement('RegisterTokens', wang, { medium_numbers: ['80000001', '80000002'], model: 'soft' });
  const { personalisation } = await eachStatement('BeginPersonalisation', wang, begin('80000001'));
  await eachStatement('RecordStep', wang, { personalisation_id: personalisation.id, step: 'PERSONALISATION_STEP_IDENTIFIED' });
  await eachStatement('QuarantineToken', wang, { personalisation_id: personalisation.id, reason: 'a test' });
  await w.begin('80000003');
  const issue = { personalisation_id: w.personalisation.id, csr_der: w.key.csr() };
  w.issued = await eachStatement('IssueCertificate', wang, issue, { keeps: ['issuance', 'serial_used', 'orders', 'audit', 'audit_writer'] });
  for (const table of ['certificate', 'issuance', 'serial_used'])
    assert.equal(await sql.value(`SELECT COUNT(*) FROM ${table} WHERE order_id = '${order_id}'`), '1', table);
  const { id } = w.personalisation;
  w.take(await eachStatement('FinishPersonalisation', wang, { personalisation_id: id, certificate_der: w.issued.certificate_der, signature: w.key.sign(`certdesk personalisation ${id}`) }));
  assert.equal(w.state, 'SHIP');
});

test('a download by the holder', async () => {
  importChannel(desk, YUNQI);
  const v = await ChannelWalk.of(desk, { channel: 'yunqi', who: company(45), individual: true });
  await v.to('DOWNLOAD');
  v.key = new SoftKey(desk.dir, 'download');
  await eachStatement('DownloadCertificate', v.call, { order_id: v.order.id, csr_der: v.key.csr(), medium_number: '' },
    { keeps: ['issuance', 'personalisation', 'serial_used', 'orders', 'audit', 'audit_writer'] });
  assert.equal((await v.refresh()).state, 'ORDER_STATE_FINISHED');
  for (const table of ['certificate', 'issuance', 'serial_used', 'personalisation'])
    assert.equal(await sql.value(`SELECT COUNT(*) FROM ${table} WHERE order_id = '${v.order.id}'`), '1', table);
});

test('a UKEY that is bound, logs in and is unbound', async () => {
  const { phone } = w.who.account, { certificate_der } = w.issued;
  const proof = (challenge) => ({ challenge_id: challenge.challenge_id, certificate_der, signature: w.key.sign(challenge.to_be_signed) });
  const challenge = await eachStatement('CreateBindChallenge', w.call, {});
  const { binding } = await eachStatement('BindCertificate', w.call, proof(challenge));
  assert.equal(await sql.value(`SELECT COUNT(*) FROM outbox WHERE dedupe = 'sms:bound:${challenge.challenge_id}'`), '1', `the SMS to ${phone}`);
  const { session } = await eachStatement('LoginByUkey', anyone, proof(await anyone.CreateLoginChallenge({ channel: CHANNEL })));
  assert.ok((await desk.caller(session.token).GetAccount()).account);
  await eachStatement('UnbindCertificate', w.call, { certificate_id: binding.certificate_id });
  await assert.rejects(desk.caller(session.token).GetAccount(), { code: grpc.status.UNAUTHENTICATED });
});

test('posting', async () => {
  const zhao = await w.staff('zhao');
  const { shipment } = await eachStatement('CreateShipment', zhao, { order_id: w.order.id, medium_numbers: ['80000003'], courier: 'shunfeng', tracking_number: 'SF80000003' });
  await eachStatement('ResolveShipment', zhao, { shipment_id: shipment.id, post_again: true, reason: 'it came back' });
  assert.equal((await w.refresh()).state, 'ORDER_STATE_SHIP');
});

test('a statement that fails for one of eight at once takes nothing from the other seven', async () => {
  const order = {
    channel: CHANNEL, kind: 'ORDER_KIND_NEW', subject_kind: 'SUBJECT_KIND_ORGANIZATION', medium: 'MEDIUM_UKEY',
    method: 'VERIFICATION_METHOD_PHONE_THREE_FACTOR', consents: await w.consents(),
  };
  const orders = () => sql.count('SELECT COUNT(*) FROM orders');
  for (let k = 1; k <= done.get('CreateOrder') + 2; k++) {
    const was = await orders(), ids = Array.from({ length: 8 }, () => randomUUID());
    const outcomes = await Promise.all(ids.map((request_id, i) => w.call.CreateOrder({ request_id, ...order }, i === 3 ? { metadata: { 'x-certdesk-fail-statement': k } } : {})
      .then((r) => r.order.id, (e) => { told(e, `statement ${k}`); })));
    const again = await Promise.all(ids.map(async (request_id) => (await w.call.CreateOrder({ request_id, ...order })).order.id));
    outcomes.forEach((o, i) => assert.ok(!o || o === again[i], `statement ${k}: ${o} became ${again[i]}`));
    assert.equal(new Set(again).size, 8);
    assert.equal(await orders(), was + 8, `statement ${k}`);
  }
});

test('a material of an order that is over', async () => {
  const v = new Walk(desk, { who: company(39) });
  await v.to('SUBJECT');
  const { id } = await v.uploadScan('business_license');
  await v.submitOrganization();
  await v.call.CancelOrder({ order_id: v.order.id });
  await v.createOrder();
  await v.submitOrganization();
  const { material } = await eachStatement('TakeOverMaterial', v.call, { order_id: v.order.id, material_id: id });
  assert.notEqual(material.id, id);
});

test('an individual, and an order that is given up', async () => {
  const v = new Walk(desk, { who: company(32) });
  await v.register();
  v.take(await v.call.CreateOrder({
    channel: CHANNEL, kind: 'ORDER_KIND_NEW', subject_kind: 'SUBJECT_KIND_INDIVIDUAL', medium: 'MEDIUM_UKEY',
    method: 'VERIFICATION_METHOD_PHONE_THREE_FACTOR', consents: await v.consents(),
  }));
  const { name, idNumber, phone, email } = v.who.agent;
  await eachStatement('SubmitPerson', v.call, { order_id: v.order.id, person: { name, document_type: 'DOCUMENT_TYPE_RESIDENT_ID', id_number: idNumber, phone, email } });
  await v.verified();
  await eachStatement('CancelOrder', v.call, { order_id: v.order.id });
});

test('by paper', async () => {
  const v = new Walk(desk, { who: { ...company(38), name: '杭州不一致有限公司' } });
  await v.register();
  await v.createOrder();
  await v.submitOrganization();
  assert.equal(await v.verified(), 'MISMATCH');
  v.take(await eachStatement('SwitchToPaperRoute', v.call, { order_id: v.order.id }));
  await v.submitAgent();
  await v.setPurchase();
  await v.confirmPurchase();
  await v.createPayment();
  await v.capture();
  await v.reach('PAPERS');
  await settled(v);
  v.take(await eachStatement('RecordPaperArrival', await w.staff('zhao'), { order_id: v.order.id }));
  assert.equal(v.state, 'REVIEW');
});

// What is paid, with its jobs done, so that only the call itself changes something.
async function paid(n, state = 'REVIEW') {
  const v = new Walk(desk, { who: company(n), inPerson: true });
  await v.to(state);
  await settled(v);
  return v;
}

test('a paid order is given up, by its owner and by the desk', async () => {
  await desk.sim('/sim/config', { refund_ms: 0 });
  const [mine, theirs] = [await paid(43, 'ISSUE'), await paid(44)];
  await eachStatement('CancelOrder', mine.call, { order_id: mine.order.id });
  await mine.reach('CANCELLED');
  desk.addStaff('gao', '高主管', 'admin');
  const gao = await w.staff('gao');
  await eachStatement('RefundPayment', gao, { payment_id: theirs.payment.id, reason: 'a test' });
  await theirs.reach('CANCELLED');
  const { refunds } = await desk.sim('/sim/wechat/refunds');
  assert.deepEqual(refunds.map((r) => r.out_trade_no).sort(), [mine.payment.id, theirs.payment.id].sort());
});

test('money that a person sees to: recorded by hand, a day held against its bill, an invoice', async () => {
  const gao = await w.staff('gao'), v = await paid(48, 'ISSUE');
  await desk.sim('/sim/fault', { provider: 'wechat', action: 'refund', kind: 'abnormal', count: 1 });
  await v.call.CancelOrder({ order_id: v.order.id });
  const stuck = await until('the refusal', async () => (await gao.ListCaptures({ attention: true })).captures.find((c) => c.order_id === v.order.id));
  await sql.quiet();
  await eachStatement('RecordRefund', gao, { capture_id: stuck.id, amount_fen: stuck.amount_fen, reference: 'bank 20261128', reason: 'a test' });
  await v.reach('CANCELLED');
  await desk.sim('/sim/wechat/payout', { out_refund_no: stuck.refund.id }); // and at the provider's desk as well
  await until('the second payment', async () => (await gao.ListCaptures({ attention: true })).captures.find((c) => c.id === stuck.id));
  await sql.quiet();
  await eachStatement('ResolveCapture', gao, { capture_id: stuck.id, reason: 'a test' });
  assert.ok(!(await gao.ListCaptures({ attention: true })).captures.some((c) => c.id === stuck.id));
  const poor = await paid(50, 'ISSUE');
  await desk.sim('/sim/fault', { provider: 'wechat', action: 'refund', kind: 'no_balance', count: 1 });
  await poor.call.CancelOrder({ order_id: poor.order.id });
  const waits = await until('the refusal', async () => (await gao.ListCaptures({ attention: true })).captures.find((c) => c.order_id === poor.order.id));
  await sql.quiet();
  assert.equal((await eachStatement('StopRefund', gao, { capture_id: waits.id, reason: 'a test' })).capture.refund.state, 'REFUND_STATE_STOPPING');
  const kept = await paid(49, 'ISSUE'), [pays] = (await gao.GetPayment({ payment_id: kept.payment.id })).payment.captures;
  await sql.quiet();
  await eachStatement('RecordPartialRefund', gao, { capture_id: pays.id, provider_fen: 100, reason: 'a test' });
  assert.equal((await kept.refresh()).state, 'ORDER_STATE_ISSUE');
  const yesterday = new Date(Date.now() + (8 - 24) * 3600000).toISOString().slice(0, 10);
  await sql.quiet();
  await eachStatement('ReconcileDay', gao, { provider: 'PAYMENT_PROVIDER_ALIPAY', date: yesterday });
});

test("files for the desk's bank, its answer, and a PIN that came back", async () => {
  const gao = await w.staff('gao');
  const v = new Walk(desk, { who: company(46), method: 'MICRO_DEPOSIT' });
  await v.to('SUBJECT');
  await v.submitOrganization();
  await until('a deposit that waits', async () => (await gao.ListRemittances()).waiting === 1);
  await sql.quiet();
  const { number, file } = await eachStatement('ExportRemittance', gao, {});
  await eachStatement('DownloadRemittance', gao, { number });
  const id = /"(dep_\w+)"/.exec(file.toString())[1];
  await sql.rows(`UPDATE deposit SET state = 4, purpose = 2 WHERE id = '${id}'`); // as one with a PIN that came back
  const again = await eachStatement('RepeatDeposit', gao, { deposit_id: id });
  await sql.rows(`UPDATE deposit SET purpose = 1 WHERE id = '${again.deposit_id}'`);
  const next = (await gao.ExportRemittance({})).number;
  await sql.quiet();
  await eachStatement('ImportRemittance', gao, { file: Buffer.from(`批次,编号,结果,银行流水号,原因\n${next},${again.deposit_id},成功,F1,\n`) });
});

test('people of the desk, and a job that needs a hand', async () => {
  const { login, password, secret } = desk.staff.chen;
  const { token } = await eachStatement('LoginStaff', anyone, { login, password, totp: totp(secret) });
  const chen = desk.caller(token), request = { request_id: randomUUID() };
  await sql.quiet();
  const job = await sql.value("SELECT id FROM outbox WHERE kind = 'sms.send' AND state = 3 ORDER BY id LIMIT 1");
  await sql.rows(`UPDATE outbox SET state = 4, last_error = 'PROVIDER_REFUSED' WHERE id = '${job}'`);
  await eachStatement('RetryJob', chen, { job_id: job });
  await each('LogoutStaff', async (k) => chen.LogoutStaff(request, { metadata: { 'x-certdesk-fail-statement': k } })
    .catch((e) => { if (k || e.code !== grpc.status.UNAUTHENTICATED) throw e; return {}; }));
});

// Methods with a request_id in the request or its header; those that are not built yet say so.
test('no method is missing here', async () => {
  const has = (type, name) => type.type.field.some((f) => f.name === name);
  const missing = [];
  for (const Service of Object.values(api.certdesk.v1).filter((s) => s.service)) {
    const client = new Service(desk.address, grpc.credentials.createInsecure());
    for (const [method, d] of Object.entries(Service.service)) {
      if (!has(d.requestType, 'request_id') && !has(d.requestType, 'header')) continue;
      const e = await new Promise((resolve) => {
        const stream = d.requestStream ? client[method](resolve) : client[method]({ request_id: 'probe' }, resolve);
        stream.on('error', () => {});
        if (d.requestStream) stream.end();
      });
      if (e?.code !== grpc.status.UNIMPLEMENTED && !done.has(method)) missing.push(method);
      if (e?.code === grpc.status.UNIMPLEMENTED && done.has(method)) missing.push(`${method} is said to be missing`);
    }
    client.close();
  }
  assert.deepEqual(missing, []);
  console.log(`# ${done.size} methods, ${[...done.values()].reduce((a, b) => a + b)} statements failed: ${[...done].map(([m, k]) => `${m} ${k}`).join(', ')}`);
});

test('the audit trail is intact; an edited row is named', async () => {
  assert.match(desk.command(['audit', 'verify']), /: intact/);
  const [[writer, seq]] = await sql.rows("SELECT writer, seq FROM audit WHERE action = 'order.created' OR object LIKE 'ord_%' ORDER BY at_ms LIMIT 1");
  await sql.rows('DROP TRIGGER audit_keeps_rows');
  await sql.rows(`UPDATE audit SET caller = 'somebody else' WHERE writer = '${writer}' AND seq = ${seq}`);
  assert.throws(() => desk.command(['audit', 'verify']), (e) => {
    assert.notEqual(e.status, 0);
    assert.ok(`${e.stdout}${e.stderr}`.includes(writer), `${e.stdout}${e.stderr}`);
    assert.match(`${e.stdout}${e.stderr}`, new RegExp(`\\b${seq}\\b`));
    return true;
  });
});
