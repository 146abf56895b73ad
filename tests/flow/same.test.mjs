// The same thing asked many times at once happens once, and everybody gets the one answer (design 4; S10).
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import grpc from '@grpc/grpc-js';
import { Desk, until } from '../lib/desk.mjs';
import { png } from '../lib/corpus.mjs';
import { Sql } from './database.mjs';
import { ChannelWalk } from './channel_walk.mjs';
import { YUNQI, importChannel } from './channels.mjs';
import { company } from './people.mjs';
import { SoftKey } from './softkey.mjs';
import { CHANNEL, Walk } from './walk.mjs';

const MANY = 8;
const eight = (fn) => Promise.all(Array.from({ length: MANY }, (_, i) => fn(i)));
const one = (answers) => {
  for (const a of answers) assert.deepEqual(a, answers[0]);
  return answers[0];
};
const failure = (promise) => promise.then(() => assert.fail('it passed'), (e) => e);

let desk, sql, people;
before(async () => {
  desk = await new Desk().start();
  sql = new Sql(`${desk.state}/db/db.sock`);
  people = Object.fromEntries(await Promise.all(['li', 'wang', 'zhao', 'chen'].map(async (p) => [p, await walk(0).staff(p)])));
});
after(async () => {
  await sql?.close();
  await desk?.stop();
});

const walk = (n) => new Walk(desk, { who: company(n) });
const newOrder = async (w) => ({
  channel: CHANNEL, kind: 'ORDER_KIND_NEW', subject_kind: 'SUBJECT_KIND_ORGANIZATION', medium: 'MEDIUM_UKEY',
  method: 'VERIFICATION_METHOD_PHONE_THREE_FACTOR', consents: await w.consents(),
});

test('eight CreateOrder with one request_id make one order', async () => {
  const w = walk(11);
  await w.register();
  const request = { request_id: randomUUID(), ...(await newOrder(w)) };
  const { order } = one(await eight(() => w.call.CreateOrder(request)));
  assert.equal((await w.call.ListOrders({})).orders.length, 1);
  assert.deepEqual((await w.call.CreateOrder(request)).order, order, 'later too');
});

test('of eight different CreateOrder at once three are wrong: five orders are made, and each caller is told its own', async () => {
  const w = walk(26);
  await w.register();
  const request = await newOrder(w);
  const outcomes = await eight((i) => w.call.CreateOrder({ request_id: `of-eight-${i}`, ...request, ...[{}, { method: 'VERIFICATION_METHOD_UNSPECIFIED' }, { consents: [] }, {}, { channel: 'nobody' }][i] })
    .then((r) => r.order.id, (e) => e.info.reason));
  assert.deepEqual([outcomes[1], outcomes[2], outcomes[4]], ['INVALID', 'CONSENT_MISSING', 'NOT_FOUND']);
  const made = outcomes.filter((o) => o.startsWith('ord_')).sort();
  assert.equal(new Set(made).size, 5);
  assert.deepEqual((await w.call.ListOrders({})).orders.map((o) => o.id).sort(), made);
});

test('a request_id with another body is refused, and does nothing', async () => {
  const w = walk(12);
  await w.register();
  const request = { request_id: randomUUID(), ...(await newOrder(w)) };
  await w.call.CreateOrder(request);
  const e = await failure(w.call.CreateOrder({ ...request, method: 'VERIFICATION_METHOD_BANK_FOUR_FACTOR' }));
  assert.equal(e.code, grpc.status.INVALID_ARGUMENT);
  assert.equal(e.info.reason, 'REQUEST_ID_REUSED');
  assert.equal((await w.call.ListOrders({})).orders.length, 1);
});

test('of one request_id with eight bodies at once one wins and seven are refused', async () => {
  const w = walk(13);
  await w.to('SUBJECT');
  const request_id = randomUUID();
  const outcomes = await eight((i) => w.call.UpdateAccount({ request_id, user_name: `somebody${i}` }).then((r) => r.account.user_name, (e) => e.info.reason));
  const names = outcomes.filter((o) => o !== 'REQUEST_ID_REUSED');
  assert.equal(names.length, 1, String(outcomes));
  assert.equal((await w.call.GetAccount()).account.user_name, names[0]);
});

test('a request_id belongs to its caller', async () => {
  const [a, b] = [walk(14), walk(15)];
  await a.register();
  await b.register();
  const request = { request_id: 'order-1', ...(await newOrder(a)) };
  const [x, y] = await Promise.all([a.call.CreateOrder(request), b.call.CreateOrder(request)]);
  assert.notEqual(x.order.id, y.order.id);
});

test('two people with one identity number at once: one order is open (S10)', async () => {
  const several = await Promise.all([16, 17, 18, 19].map(async (n) => {
    const w = walk(n);
    await w.to('SUBJECT');
    return w;
  }));
  const outcomes = await Promise.all(several.map((w) => w.submitOrganization({ uscc: company(16).uscc }).then(() => 'open', (e) => e.info.reason)));
  assert.deepEqual(outcomes.sort(), ['ORDER_OPEN', 'ORDER_OPEN', 'ORDER_OPEN', 'open']);
});

test('an upload whose request_id was used for another file or another kind is refused', async () => {
  const w = walk(20);
  await w.to('SUBJECT');
  const picture = png();
  const first = await w.upload('business_license', picture, { request_id: 'file-1', file_name: 'a.png' });
  assert.deepEqual(await w.upload('business_license', picture, { request_id: 'file-1', file_name: 'a.png' }), first);
  const kind = await failure(w.upload('agent_id_front', picture, { request_id: 'file-1', file_name: 'a.png' }));
  assert.equal(kind.info.reason, 'REQUEST_ID_REUSED');
  const other = Buffer.concat([picture, Buffer.from('x')]);
  const file = await failure(w.upload('business_license', other, { request_id: 'file-1', file_name: 'a.png' }));
  assert.equal(file.info.reason, 'REQUEST_ID_REUSED');
  assert.equal((await w.call.ListMaterials({ order_id: w.order.id })).materials.length, 1);
});

test('eight uploads of one file make one material', async () => {
  const w = walk(21);
  await w.to('SUBJECT');
  const picture = png({ seed: 7 });
  one(await eight(() => w.upload('business_license', picture, { request_id: 'file-1', file_name: 'a.png' })));
  assert.equal(await sql.value(`SELECT COUNT(*) FROM material WHERE order_id = '${w.order.id}'`), '1');
});

test('eight StartFace with one request_id open one session, and everybody gets the one answer', async () => {
  const w = new Walk(desk, { who: company(27), method: 'FACE', individual: true });
  await w.to('SUBJECT_VERIFYING');
  await w.verified();
  const request = { request_id: randomUUID(), verification_id: w.order.verification.id };
  one(await eight(() => w.call.StartFace(request)));
  await w.openFace();
  assert.equal(await sql.value(`SELECT COUNT(*) FROM face_session WHERE order_id = '${w.order.id}'`), '1');
});

test('eight CreatePayment make one payment', async () => {
  const w = walk(22);
  await w.to('PAYMENT');
  const ids = await eight(async (i) => (await w.call.CreatePayment({ request_id: `pay-${i % 2 ? 'odd' : i}`, order_id: w.order.id, provider: 'PAYMENT_PROVIDER_WECHAT' })).payment.id);
  one(ids);
  assert.equal(await sql.value(`SELECT COUNT(*) FROM payment WHERE order_id = '${w.order.id}'`), '1');
});

test('eight RetryInvoice ask once, eight ResendInvoice send once', async () => {
  await desk.sim('/sim/fault', { provider: 'nuonuo', action: 'result', kind: 'refused', count: 1 });
  const w = walk(129);
  await w.to('REVIEW');
  const failed = await until('the refusal', async () => {
    const { invoice } = await w.call.GetInvoice({ order_id: w.order.id });
    return invoice.state === 'INVOICE_STATE_FAILED' && invoice;
  });
  const outcomes = await eight((i) => w.call.RetryInvoice({ request_id: `retry-${i}`, invoice_id: failed.id }).then(() => 'asked', (e) => e.info.reason));
  assert.equal(outcomes.filter((o) => o === 'asked').length, 1, String(outcomes));
  assert.ok(outcomes.every((o) => ['asked', 'PRECONDITION', 'CONFLICT'].includes(o)), String(outcomes));
  await w.invoiced();
  one(await eight(() => w.call.ResendInvoice({ request_id: 'resend', invoice_id: failed.id })));
  const mails = async () => (await desk.sim(`/sim/mails?to=${encodeURIComponent(w.who.agent.email)}`)).mails.filter((m) => m.subject === '证书订单电子发票').length;
  await until('the second mail', async () => (await mails()) === 2);
  assert.equal(await sql.value(`SELECT COUNT(*) FROM outbox WHERE kind = 'invoice.mail' AND object = '${w.order.id}'`), '2');
});

test('eight CancelOrder of a paid order, and eight people who give its money back, make one refund', async () => {
  await desk.sim('/sim/config', { refund_ms: 0 });
  const w = walk(127), v = walk(128);
  await Promise.all([w.to('ISSUE'), v.to('REVIEW')]);
  const orders = await eight((i) => w.call.CancelOrder({ request_id: i < 4 ? 'cancel-same' : `cancel-${i}`, order_id: w.order.id }).then((r) => r.order, (e) => e.info.reason));
  const made = orders.filter((o) => o.id);
  assert.ok(made.length >= 1 && orders.every((o) => o.id === w.order.id || ['ORDER_STATE', 'CONFLICT'].includes(o)), JSON.stringify(orders));
  assert.equal(made[0].state, 'ORDER_STATE_REFUNDING');
  const given = await eight((i) => people.chen.RefundPayment({ request_id: `give-${i}`, payment_id: v.payment.id, reason: 'a test' }).then((r) => r.capture.refund.id, (e) => e.info.reason));
  assert.equal(new Set(given.filter((g) => g !== 'PAYMENT_STATE')).size, 1, String(given));
  await Promise.all([w.reach('CANCELLED'), v.reach('CANCELLED')]);
  const { refunds } = await desk.sim('/sim/wechat/refunds');
  for (const one of [w, v]) {
    assert.equal(refunds.filter((r) => r.out_trade_no === one.payment.id).length, 1);
    assert.equal(await sql.value(`SELECT COUNT(*) FROM payment_refund WHERE order_id = '${one.order.id}'`), '1');
    assert.equal(await sql.value(`SELECT COUNT(*) FROM audit WHERE object = '${one.order.id}' AND action = 'order.cancelled_paid'`), '1');
    for (const words of [/已取消，已支付的.*元将原路退回/, /元已原路退回，请查收/]) {
      await desk.sms(one.who.agent.phone, words);
      assert.equal((await desk.messages(one.who.agent.phone)).filter((m) => words.test(m.text)).length, 1);
    }
  }
});

test('eight people who record one refund by hand record it once, and see to it once', async () => {
  await desk.sim('/sim/fault', { provider: 'wechat', action: 'refund', kind: 'abnormal', count: 1 });
  const w = walk(130);
  await w.to('ISSUE');
  await w.call.CancelOrder({ order_id: w.order.id });
  const stuck = await until('the refusal', async () => (await people.chen.ListCaptures({ attention: true })).captures.find((c) => c.order_id === w.order.id));
  const paid = { capture_id: stuck.id, amount_fen: stuck.amount_fen, reference: 'bank 20261128', reason: 'a test' };
  const said = await eight((i) => people.chen.RecordRefund({ request_id: i < 4 ? 'record-same' : `record-${i}`, ...paid }).then((r) => r.capture.refund.id, (e) => e.info.reason));
  assert.equal(new Set(said.filter((s) => s.startsWith('rfd_'))).size, 1, String(said));
  assert.ok(said.every((s) => /^rfd_|^PAYMENT_STATE$|^CONFLICT$/.test(s)), String(said));
  await w.reach('CANCELLED');
  assert.equal(await sql.value(`SELECT COUNT(*) FROM audit WHERE action = 'refund.recorded'`), '1');
  await desk.sms(w.who.agent.phone, /元已退还/);
  assert.equal((await desk.messages(w.who.agent.phone)).filter((m) => /元已退还/.test(m.text)).length, 1);
  await desk.sim('/sim/wechat/payout', { out_refund_no: stuck.refund.id }); // the payer has it twice
  await until('the second payment', async () => (await people.chen.ListCaptures({ attention: true })).captures.find((c) => c.id === stuck.id));
  const seen = await eight((i) => people.chen.ResolveCapture({ request_id: i < 4 ? 'seen-same' : `seen-${i}`, capture_id: stuck.id, reason: 'a test' }).then((r) => r.capture.id, (e) => e.info.reason));
  assert.ok(seen.includes(stuck.id) && seen.every((s) => s === stuck.id || /^PAYMENT_STATE$|^CONFLICT$/.test(s)), String(seen));
  assert.equal(await sql.value(`SELECT COUNT(*) FROM audit WHERE action = 'capture.resolved'`), '1');
});

test('eight people who stop one refund stop it once; the provider is asked, and then one records it', async () => {
  await desk.sim('/sim/fault', { provider: 'wechat', action: 'refund', kind: 'no_balance', count: 1 });
  const w = walk(133);
  await w.to('ISSUE');
  await w.call.CancelOrder({ order_id: w.order.id });
  const stuck = await until('the refusal', async () => (await people.chen.ListCaptures({ attention: true })).captures.find((c) => c.order_id === w.order.id));
  const said = await eight((i) => people.chen.StopRefund({ request_id: i < 4 ? 'stop-same' : `stop-${i}`, capture_id: stuck.id, reason: 'a test' }).then((r) => r.capture.refund.state, (e) => e.info.reason));
  assert.ok(said.includes('REFUND_STATE_STOPPING') && said.every((s) => ['REFUND_STATE_STOPPING', 'CONFLICT'].includes(s)), String(said));
  assert.equal(await sql.value(`SELECT COUNT(*) FROM audit WHERE action = 'refund.stopped'`), '1');
  await sql.rows(`UPDATE payment_refund SET sent_ms = 0 WHERE id = '${stuck.refund.id}'`); // as if the minutes had passed
  await sql.rows(`UPDATE outbox SET run_at_ms = 0 WHERE state = 1 AND kind = 'payment.refund' AND object = '${w.order.id}'`);
  await until('the answer', async () => (await people.chen.GetCapture({ capture_id: stuck.id })).capture.refund.state === 'REFUND_STATE_CLOSED');
  await people.chen.RecordRefund({ capture_id: stuck.id, amount_fen: stuck.amount_fen, reference: 'bank 20261129', reason: 'a test' });
  await w.reach('CANCELLED');
  assert.ok(!(await desk.sim('/sim/wechat/refunds')).refunds.some((r) => r.out_trade_no === w.payment.id));
});

test('eight people who record a part of what pays for an order record one word; the order and its invoice stay', async () => {
  const w = walk(132);
  await w.to('ISSUE');
  const [{ id }] = (await people.chen.GetPayment({ payment_id: w.payment.id })).payment.captures;
  const invoice = async () => { const v = (await w.call.GetInvoice({ order_id: w.order.id })).invoice; return v.mail_time && [v.state, v.amount_fen, v.red_number]; };
  const before = await until('the invoice', invoice);
  const said = await eight((i) => people.chen.RecordPartialRefund({ request_id: i < 4 ? 'part-same' : `part-${i}`, capture_id: id, provider_fen: 100, reason: 'a test' }).then((r) => r.capture.partial_fen, (e) => e.info.reason));
  assert.ok(said.includes(100) && said.every((s) => s === 100 || s === 'CONFLICT'), String(said));
  const { payment } = await w.call.GetPayment({ payment_id: w.payment.id });
  assert.deepEqual([payment.state, payment.refunded_fen, payment.captures[0].partial_fen], ['PAYMENT_STATE_PAID', 100, 100]);
  assert.equal((await w.refresh()).state, 'ORDER_STATE_ISSUE');
  assert.deepEqual(await invoice(), before);
  const words = new RegExp(`${w.order.id}.*截至目前累计退款1\\.00元`), mails = async () => (await desk.sim(`/sim/mails?to=${encodeURIComponent(w.who.agent.email)}`)).mails.filter((m) => m.subject === '证书订单退款情况');
  await desk.sms(w.who.agent.phone, words);
  assert.match((await until('the mail', async () => (await mails())[0])).text, words);
  assert.deepEqual([(await desk.messages(w.who.agent.phone)).filter((m) => words.test(m.text)).length, (await mails()).length], [1, 1]);
  assert.equal(await sql.value(`SELECT version FROM payment_partial WHERE capture_id = '${id}'`), await sql.value(`SELECT COUNT(*) FROM audit WHERE action = 'capture.partly_refunded'`));
});

test('eight exports of the deposits that wait make one batch; eight imports of its answer change it once', async () => {
  const w = new Walk(desk, { who: company(131), method: 'MICRO_DEPOSIT' });
  await w.to('SUBJECT');
  await w.submitOrganization();
  await until('a deposit that waits', async () => (await people.chen.ListRemittances()).waiting === 1);
  const said = await eight((i) => people.chen.ExportRemittance({ request_id: i < 4 ? 'export-same' : `export-${i}` }).then((r) => r, (e) => e.info.reason));
  const files = said.filter((s) => s.file);
  assert.ok(files.length >= 1 && said.every((s) => s.file || ['PRECONDITION', 'CONFLICT'].includes(s)), JSON.stringify(said));
  assert.equal(new Set(files.map((f) => f.number)).size, 1);
  const id = /"(dep_\w+)"/.exec(files[0].file.toString())[1];
  const file = Buffer.from(`批次,编号,结果,银行流水号,原因\n${files[0].number},${id},成功,F1,\n`);
  const taken = await eight((i) => people.chen.ImportRemittance({ request_id: `import-${i}`, file }).then((r) => r.sent, (e) => e.info.reason));
  assert.equal(taken.filter((t) => t === 1).length, 1, String(taken));
  assert.ok(taken.every((t) => t === 0 || t === 1 || t === 'CONFLICT'), String(taken));
});

let issued;
test('eight approvals of one reviewer make one decision', async () => {
  issued = walk(23);
  await issued.to('REVIEW');
  const { review } = await people.li.GetReview({ order_id: issued.order.id });
  const request = {
    request_id: randomUUID(), order_id: issued.order.id, etag: review.etag, approve: true,
    decisions: review.materials.map((m) => ({ material_id: m.id, verdict: 'MATERIAL_VERDICT_APPROVED' })),
  };
  const { order } = one(await eight(() => people.li.DecideReview(request)));
  assert.equal(order.state, 'ORDER_STATE_ISSUE');
  assert.equal(await sql.value(`SELECT COUNT(*) FROM review_decision WHERE order_id = '${order.id}'`), '1');
  assert.equal((await desk.sms(issued.who.agent.phone, /审核通过/)).text.includes(order.id), true);
  const late = await failure(people.chen.DecideReview({ ...request, request_id: randomUUID() }));
  assert.equal(late.code, grpc.status.ABORTED, 'a decision on what has changed meanwhile');
});

test('eight reviewers at once: one decides, the others are told', async () => {
  const w = walk(24);
  await w.to('REVIEW');
  const { review } = await people.li.GetReview({ order_id: w.order.id });
  const decide = (who, i) => who.DecideReview({
    order_id: w.order.id, etag: review.etag, approve: i % 2 === 0,
    decisions: review.materials.map((m) => ({ material_id: m.id, verdict: i % 2 ? 'MATERIAL_VERDICT_REFUSED' : 'MATERIAL_VERDICT_APPROVED', reason: 'x' })),
  }).then(() => 'decided', (e) => e.code);
  const outcomes = await eight((i) => decide(i % 2 ? people.li : people.chen, i));
  assert.equal(outcomes.filter((o) => o === 'decided').length, 1, String(outcomes));
  assert.ok(outcomes.every((o) => o === 'decided' || o === grpc.status.ABORTED || o === grpc.status.FAILED_PRECONDITION), String(outcomes));
  assert.equal(await sql.value(`SELECT COUNT(*) FROM review_decision WHERE order_id = '${w.order.id}'`), '1');
});

test('eight BeginPersonalisation of one UKEY begin once', async () => {
  await people.wang.RegisterTokens({ medium_numbers: ['90000001'], model: 'soft' });
  const begun = await eight((i) => people.wang.BeginPersonalisation({ request_id: `begin-${i}`, order_id: issued.order.id, medium_number: '90000001', algorithms: ['KEY_ALGORITHM_P256'] }));
  one(begun.map((b) => b.personalisation.id));
  await people.wang.QuarantineToken({ personalisation_id: begun[0].personalisation.id, reason: 'a test' });
});

test('eight IssueCertificate make one certificate, whether they are one request or eight', async () => {
  await issued.begin('90000002');
  const request = { personalisation_id: issued.personalisation.id, csr_der: issued.key.csr() };
  const answers = await eight((i) => people.wang.IssueCertificate({ request_id: i < 4 ? 'issue-same' : `issue-${i}`, ...request }));
  issued.issued = one(answers);
  assert.equal(await sql.value(`SELECT COUNT(*) FROM certificate WHERE order_id = '${issued.order.id}'`), '1');
  assert.equal(await sql.value(`SELECT COUNT(*) FROM issuance WHERE order_id = '${issued.order.id}'`), '1');
  assert.equal(await sql.value(`SELECT COUNT(*) FROM serial_used WHERE order_id = '${issued.order.id}'`), '1');
  assert.deepEqual(await people.wang.IssueCertificate({ request_id: 'issue-same', ...request }), issued.issued);
});

test('eight DownloadCertificate make one certificate; of eight keys at once one wins', async () => {
  importChannel(desk, YUNQI);
  const [w, v] = await Promise.all([28, 29].map((n) => ChannelWalk.of(desk, { channel: 'yunqi', who: company(n), individual: true })));
  await Promise.all([w.to('DOWNLOAD'), v.to('DOWNLOAD')]);
  const request = { order_id: w.order.id, csr_der: new SoftKey(desk.dir, 'eight').csr() };
  one(await eight((i) => w.call.DownloadCertificate({ request_id: i < 4 ? 'download-same' : `download-${i}`, ...request })));
  const csrs = Array.from({ length: MANY }, (_, i) => new SoftKey(desk.dir, `of-eight-${i}`).csr());
  const outcomes = await eight((i) => v.call.DownloadCertificate({ order_id: v.order.id, csr_der: csrs[i] }).then((r) => r.certificate_id, (e) => e.info.reason));
  assert.equal(outcomes.filter((o) => o === 'PRECONDITION').length, MANY - 1, String(outcomes));
  for (const { order } of [w, v])
    for (const table of ['certificate', 'issuance', 'serial_used', 'personalisation'])
      assert.equal(await sql.value(`SELECT COUNT(*) FROM ${table} WHERE order_id = '${order.id}'`), '1', table);
  // one key for two orders at once: one of them
  const [x, y] = await Promise.all([30, 31].map((n) => ChannelWalk.of(desk, { channel: 'yunqi', who: company(n), individual: true })));
  await Promise.all([x.to('DOWNLOAD'), y.to('DOWNLOAD')]);
  const csr_der = new SoftKey(desk.dir, 'shared').csr();
  const both = await Promise.all([x, y].map((o) => o.call.DownloadCertificate({ order_id: o.order.id, csr_der }).then(() => 'OK', (e) => e.info.reason)));
  assert.deepEqual(both.sort(), ['KEY_USED', 'OK']);
});

test('an answer is given again after the order has gone on', async () => {
  const request = { request_id: 'issue-same', personalisation_id: issued.personalisation.id, csr_der: issued.key.csr() };
  const mine = { request_id: 'issue-again', personalisation_id: issued.personalisation.id, csr_der: request.csr_der };
  const before_ = await people.wang.IssueCertificate(mine);
  await issued.finishIssue();
  assert.equal(issued.state, 'SHIP');
  assert.deepEqual(await people.wang.IssueCertificate(mine), before_);
});

test('eight FinishPersonalisation and eight CreateShipment happen once', async () => {
  await issued.refresh();
  const post = { order_id: issued.order.id, medium_numbers: ['90000002'], courier: 'shunfeng', tracking_number: 'SF90000002' };
  const shipments = await eight(() => people.zhao.CreateShipment({ request_id: 'ship', ...post }));
  one(shipments);
  assert.equal(await sql.value(`SELECT COUNT(*) FROM shipment WHERE order_id = '${issued.order.id}'`), '1');
  const again = await failure(people.zhao.CreateShipment(post));
  assert.equal(again.info.reason, 'ORDER_STATE');
});

test('of eight right codes at once one logs in', async () => {
  const w = walk(25);
  const captcha = await w.anyone.CreateCaptcha();
  const { phone } = w.who.account;
  await w.anyone.SendSmsCode({ channel: CHANNEL, phone, purpose: 'SMS_PURPOSE_LOGIN', captcha_id: captcha.captcha_id, captcha_text: 'abcd' });
  const code = /\d{6}/.exec((await desk.sms(phone, /登录验证码/)).text)[0];
  const outcomes = await eight(() => w.anyone.LoginBySms({ channel: CHANNEL, phone, code }).then(() => 'in', (e) => e.info.reason));
  assert.equal(outcomes.filter((o) => o === 'in').length, 1, String(outcomes));
  assert.equal(await sql.value(`SELECT COUNT(*) FROM session s JOIN account a ON a.id = s.owner_id WHERE a.phone_digest = (SELECT phone_digest FROM account ORDER BY created_ms DESC LIMIT 1)`), '1');
});

test('eight BindCertificate and eight LoginByUkey with one answer to one challenge happen once', async () => {
  const proof = (c) => ({ challenge_id: c.challenge_id, certificate_der: issued.issued.certificate_der, signature: issued.key.sign(c.to_be_signed) });
  const bind = { request_id: 'bind-1', ...proof(await issued.call.CreateBindChallenge()) };
  const { binding } = one(await eight(() => issued.call.BindCertificate(bind)));
  assert.equal(binding.certificate_id, issued.issued.certificate_id);
  assert.equal(await sql.value("SELECT COUNT(*) FROM outbox WHERE dedupe LIKE 'sms:bound:%'"), '1');
  const anyone = desk.caller(), before_ = await sql.count('SELECT COUNT(*) FROM session WHERE how = 3');
  const login = proof(await anyone.CreateLoginChallenge({ channel: CHANNEL }));
  const outcomes = await eight(() => anyone.LoginByUkey(login).then(() => 'in', (e) => e.info.reason));
  assert.equal(outcomes.filter((o) => o === 'in').length, 1, String(outcomes));
  assert.ok(outcomes.every((o) => o === 'in' || o === 'CHALLENGE_EXPIRED'), String(outcomes));
  const same = { request_id: 'login-1', ...proof(await anyone.CreateLoginChallenge({ channel: CHANNEL })) };
  one(await eight(() => anyone.LoginByUkey(same)));
  assert.equal(await sql.count('SELECT COUNT(*) FROM session WHERE how = 3'), before_ + 2);
});

test('the audit trail is intact', () => {
  assert.match(desk.command(['audit', 'verify']), /: intact/);
});
