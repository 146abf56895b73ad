// The invoice of a paid order, through the public RPCs (S15, S12): issued, its files as the supplier made them, mailed once
// with them; for its owner alone; asked for again after a refusal; taken back when the money goes back.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { after, before, test } from 'node:test';
import grpc from '@grpc/grpc-js';
import { Desk, until } from '../lib/desk.mjs';
import { Sql } from './database.mjs';
import { company } from './people.mjs';
import { Walk } from './walk.mjs';

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
const failure = (promise) => promise.then(() => assert.fail('it passed'), (e) => e);

let desk, sql, chief;
before(async () => {
  desk = await new Desk().start();
  await desk.sim('/sim/config', { callback_scale: 0.001, nuonuo_ms: 50 });
  sql = new Sql(`${desk.state}/db/db.sock`);
  chief = await desk.staffCaller('chen');
});
after(async () => {
  await sql?.close();
  await desk?.stop();
});

async function paid(n, more) {
  const w = new Walk(desk, { who: company(n) });
  await w.to('PURCHASE');
  await w.setPurchase(more);
  w.done += 1;
  return w.to('REVIEW');
}
const invoiceOf = async (w) => (await w.call.GetInvoice({ order_id: w.order.id })).invoice;
const reached = (w, state, also = () => true) => until(`an invoice ${state}`, async () => {
  const v = await invoiceOf(w);
  return v.state === `INVOICE_STATE_${state}` && also(v) && v;
});
const mailsTo = async (address, subject) => (await desk.sim(`/sim/mails?to=${encodeURIComponent(address)}`)).mails.filter((m) => m.subject === subject);
const atSupplier = async () => (await desk.sim('/sim/nuonuo/invoices')).invoices;

let walk, invoice;
test('a paid order is invoiced within moments', async () => {
  walk = await paid(201);
  invoice = await reached(walk, 'ISSUED', (v) => v.mail_time);
  assert.match(invoice.number, /^\d{20}$/);
  assert.equal(invoice.amount_fen, 38000);
  assert.equal(invoice.tax_fen, 2151);
  assert.deepEqual(invoice.files.map((f) => f.content_type), ['application/pdf', 'application/ofd', 'application/xml']);
  const [there] = (await atSupplier()).filter((v) => v.number === invoice.number);
  assert.equal(there.buyerName, walk.who.name);
  assert.equal(there.buyerTaxNum, walk.who.uscc);
  assert.ok(there.orderNo.length <= 20);
});

test('its files are what the mail carries, once', async () => {
  const mails = await mailsTo(walk.who.agent.email, '证书订单电子发票');
  assert.equal(mails.length, 1);
  assert.match(mails[0].text, new RegExp(invoice.number));
  assert.deepEqual(mails[0].attachments, invoice.files.map((f) => `${invoice.number}.${f.content_type.split('/')[1]}`));
  assert.deepEqual(mails[0].digests, invoice.files.map((f) => f.digest));
  for (const file of invoice.files) {
    const got = await walk.call.DownloadInvoice({ invoice_id: invoice.id, kind: file.kind });
    assert.equal(sha256(got.file), file.digest);
    assert.deepEqual([got.digest, got.content_type, got.file.length], [file.digest, file.content_type, file.size_bytes]);
  }
  const pdf = await walk.call.DownloadInvoice({ invoice_id: invoice.id });
  assert.equal(pdf.file.subarray(0, 5).toString(), '%PDF-');
});

test('its owner and the desk alone see it', async () => {
  const stranger = new Walk(desk, { who: company(202) });
  await stranger.register();
  for (const who of [stranger.call, desk.caller()]) {
    for (const [method, request] of [['GetInvoice', { order_id: walk.order.id }], ['DownloadInvoice', { invoice_id: invoice.id }],
      ['ResendInvoice', { invoice_id: invoice.id }], ['RetryInvoice', { invoice_id: invoice.id }]]) {
      const e = await failure(who[method](request));
      assert.ok([grpc.status.NOT_FOUND, grpc.status.UNAUTHENTICATED].includes(e.code), e.message);
    }
  }
  assert.equal((await chief.GetInvoice({ order_id: walk.order.id })).invoice.id, invoice.id);
  assert.equal(sha256((await chief.DownloadInvoice({ invoice_id: invoice.id })).file), invoice.files[0].digest);
});

test('it is mailed again when asked, not too often', async () => {
  await walk.call.ResendInvoice({ invoice_id: invoice.id, email: 'accounts@example.org' });
  const mails = await until('the mail', async () => {
    const m = await mailsTo('accounts@example.org', '证书订单电子发票');
    return m.length && m;
  });
  assert.equal(mails.length, 1);
  const e = await failure(walk.call.ResendInvoice({ invoice_id: invoice.id }));
  assert.equal(e.info.reason, 'RATE_LIMITED');
  assert.ok(e.info.retryMs > 0);
  const bad = await failure(walk.call.ResendInvoice({ invoice_id: invoice.id, email: 'a@b\r\nBcc: x@y' }));
  assert.deepEqual(bad.info.fields, ['email']);
});

test('an order that wants none gets none', async () => {
  const w = await paid(203, { invoice: { wanted: false } });
  assert.equal((await failure(invoiceOf(w))).code, grpc.status.NOT_FOUND);
  assert.equal(await sql.value(`SELECT COUNT(*) FROM invoice WHERE order_id = '${w.order.id}'`), '0');
});

test('one that failed is asked for again with what was corrected; the title stays', async () => {
  await desk.sim('/sim/fault', { provider: 'nuonuo', action: 'result', kind: 'refused', count: 1 });
  const w = await paid(204);
  const failed = await reached(w, 'FAILED');
  assert.match(failed.cause, /购方税号/);
  assert.match(await w.read(w.who.agent.phone, /发票未能开具/), new RegExp(w.order.id)); // who can correct it hears of it
  const [told] = await until('the mail', async () => {
    const m = await mailsTo(w.who.agent.email, '发票未能开具');
    return m.length && m;
  });
  assert.ok(told.text.includes(failed.cause), told.text);
  assert.equal((await failure(w.call.DownloadInvoice({ invoice_id: failed.id }))).code, grpc.status.NOT_FOUND);
  assert.equal((await failure(w.call.ResendInvoice({ invoice_id: failed.id }))).code, grpc.status.FAILED_PRECONDITION);
  const bad = await failure(w.call.RetryInvoice({ invoice_id: failed.id, correction: { tax_number: 'x', email: 'no', phone: 'x' } }));
  assert.deepEqual(bad.info.fields.sort(), ['correction.email', 'correction.phone', 'correction.tax_number']);
  const guess = await failure(w.call.RetryInvoice({ invoice_id: failed.id, correction: { bank_account: '3305************9999' } })); // not what is held
  assert.deepEqual(guess.info.fields, ['correction.bank_account']);
  await w.call.RetryInvoice({ invoice_id: failed.id, correction: { tax_number: company(205).uscc, email: 'books@example.org' } });
  const v = await reached(w, 'ISSUED', (i) => i.mail_time);
  assert.equal(v.email, 'books@example.org');
  const [there] = (await atSupplier()).filter((i) => i.number === v.number);
  assert.deepEqual([there.buyerName, there.buyerTaxNum], [w.who.name, company(205).uscc]);
  assert.equal((await mailsTo('books@example.org', '证书订单电子发票')).length, 1);
  assert.equal((await failure(w.call.RetryInvoice({ invoice_id: v.id }))).code, grpc.status.FAILED_PRECONDITION);
});

test('what a form was shown may be sent back: the masked bank account stays; the desk lists what was refused', async () => {
  await desk.sim('/sim/fault', { provider: 'nuonuo', action: 'result', kind: 'refused', count: 1 });
  const w = await paid(215, { invoice: { wanted: true, bank: '中国建设银行杭州分行', bank_account: '33050161823500001234' } });
  const failed = await reached(w, 'FAILED');
  assert.match(failed.data.bank_account, /^3305\*+1234$/);
  const listed = (await chief.ListInvoices({ attention: true })).invoices;
  assert.deepEqual(listed.map((v) => [v.id, v.title, v.state]), [[failed.id, w.who.name, 'INVOICE_STATE_FAILED']]);
  assert.deepEqual([listed[0].data, listed[0].email], [null, '']);
  assert.equal((await chief.GetInvoice({ order_id: w.order.id })).invoice.email, failed.data.email);
  const zhao = await desk.staffCaller('zhao'); // posts parcels: sees an order's invoice, but corrects none
  const masked = (await zhao.GetInvoice({ order_id: w.order.id })).invoice;
  assert.equal(masked.title, w.who.name);
  for (const shown of [masked.email, masked.data.email, masked.data.tax_number, masked.data.address, masked.data.phone]) assert.match(shown, /^$|\*\*/);
  assert.notEqual(masked.data.tax_number, failed.data.tax_number);
  const { purchase } = (await zhao.GetOrder({ order_id: w.order.id })).order; // the order tells him no more
  assert.deepEqual(['tax_number', 'email', 'bank_account', 'address', 'phone'].map((k) => purchase.invoice[k]),
    ['tax_number', 'email', 'bank_account', 'address', 'phone'].map((k) => masked.data[k]));
  assert.equal((await chief.GetOrder({ order_id: w.order.id })).order.purchase.invoice.tax_number, failed.data.tax_number);
  assert.equal((await failure(zhao.ListInvoices({}))).code, grpc.status.PERMISSION_DENIED);
  assert.ok((await chief.ListInvoices({ page_size: 1 })).next_page_token);
  await chief.RetryInvoice({ invoice_id: failed.id, correction: { ...failed.data, address: '杭州市样本路2号' } });
  const v = await reached(w, 'ISSUED');
  assert.equal(v.data.address, '杭州市样本路2号');
  assert.equal(v.data.bank_account, failed.data.bank_account); // a star for every digit: the stars themselves are none
  assert.deepEqual((await chief.ListInvoices({ attention: true })).invoices, []);
  const e = await failure(w.call.ListInvoices({}));
  assert.ok([grpc.status.PERMISSION_DENIED, grpc.status.UNAUTHENTICATED].includes(e.code), e.message);
});

test('callbacks that come twice, are forged, unknown or late change nothing', async () => {
  const url = `http://127.0.0.1:${desk.callbackPort}/callback/nuonuo/`;
  const post = async (key, body) => (await fetch(url + key, { method: 'POST', body, headers: { 'content-type': 'application/x-www-form-urlencoded' } })).status;
  for (const kind of ['twice', 'forged', 'never']) {
    await desk.sim('/sim/fault', { provider: 'nuonuo', action: 'callback', kind, count: 1 });
    const w = await paid({ twice: 206, forged: 207, never: 208 }[kind]);
    const v = await reached(w, 'ISSUED', (i) => i.mail_time);
    assert.equal((await mailsTo(w.who.agent.email, '证书订单电子发票')).length, 1, kind);
    const [[key, orderNo]] = await sql.rows(`SELECT callback_key, order_no FROM invoice WHERE id = '${v.id}'`);
    const told = (state, no = orderNo) => new URLSearchParams({ operater: 'callback', orderno: no, content: JSON.stringify({ c_orderno: no, c_status: state }) });
    assert.equal(await post(key, told('2')), 200); // late, and wrong
    assert.equal(await post(key, told('1', 'another')), 400);
    assert.equal(await post('0'.repeat(43), told('1')), 404);
    assert.equal(await post('', told('1')), 404);
    assert.equal(await post(key, 'x'), 400);
    assert.deepEqual((await invoiceOf(w)).state, 'INVOICE_STATE_ISSUED');
  }
});

test('one token served all of it', async () => {
  const { counts } = await desk.sim('/sim/log?provider=nuonuo');
  assert.equal(counts['nuonuo.token'], 1);
  assert.equal(await sql.value('SELECT COUNT(*) FROM supplier_token'), '1');
  await desk.terminate();
  await desk.startServer();
  await sql.close();
  sql = new Sql(`${desk.state}/db/db.sock`);
  const w = await paid(209);
  await reached(w, 'ISSUED');
  assert.equal((await desk.sim('/sim/log?provider=nuonuo')).counts['nuonuo.token'], 1, 'after a restart, too');
});

test('neither log nor plain columns hold what is on it', async () => {
  const log = desk.log();
  for (const secret of [walk.who.agent.email, walk.who.name, desk.sandbox.nuonuo.app_secret]) assert.ok(!log.includes(secret));
  assert.equal(await sql.value(`SELECT COUNT(*) FROM invoice WHERE data LIKE '%${walk.who.uscc}%'`), '0');
  assert.match(desk.command(['audit', 'verify']), /: intact/);
  assert.ok(!fs.readFileSync(desk.config, 'utf8').includes(desk.sandbox.nuonuo.app_secret));
});
