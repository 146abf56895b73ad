// kill -9 of the server at every labelled point of an order. The client repeats what was not answered with the same
// request_id; the order goes on to its end, and everything has happened once: one certificate, one payment, one SMS for
// each event, one mail.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { root, until } from '../lib/desk.mjs';
import { REFUND_POINTS } from './crash_points.mjs';
import { MortalDesk, repeat } from './mortal.mjs';
import { ChannelWalk } from './channel_walk.mjs';
import { YUNQI, importChannel } from './channels.mjs';
import { company } from './people.mjs';
import { SoftKey, verifyChain } from './softkey.mjs';
import { Walk } from './walk.mjs';

const COMMIT = ['db.commit.before:1', 'db.commit.after:1'];
const PREPARED = [...COMMIT, 'db.commit.before:2', 'db.commit.after:2']; // an intent is committed first

// What the server dies of while the order is in this step, one after the other. "label:n": the n-th time it is passed by
// the process that was started after the death before. Jobs of a step come after its own commit.
const POINTS = {
  register: ['db.commit.before:1', 'db.commit.after:2', 'outbox.claimed', 'sms.before', 'sms.after', 'outbox.done'],
  createOrder: [...COMMIT],
  submitOrganization: [...COMMIT, 'identity.before', 'identity.after', 'identity.after:2', 'outbox.called'],
  confirmSubject: [...COMMIT],
  submitAgent: [...COMMIT, 'outbox.claimed', 'outbox.done'],
  confirmPurchase: [...COMMIT],
  uploadAll: ['blob.renamed', ...COMMIT, 'blob.renamed'],
  requestSignature: [...COMMIT, 'sms.after', 'outbox.called'],
  sign: [...COMMIT],
  createPayment: [...COMMIT, 'outbox.claimed', 'payment.before', 'payment.after', 'outbox.called', 'outbox.done'],
  pay: ['payment.settle.before', 'payment.settle.after', 'db.commit.before:1', 'db.commit.after:1', 'mail.before', 'mail.after', 'outbox.done'],
  decide: [...COMMIT, 'mail.after', 'outbox.claimed', 'outbox.done'],
  begin: [...COMMIT, 'db.commit.before:2', 'db.commit.after:1'], // two calls, a commit each; the first is over by then
  record: [...COMMIT],
  issueCertificate: ['issue.intent', ...PREPARED.slice(0, 2), 'issue.signed', 'issue.stored', ...PREPARED.slice(2)],
  finishIssue: [...COMMIT, 'sms.before', 'sms.after', 'outbox.done'],
  ship: [...COMMIT, 'outbox.claimed', 'courier.before', 'courier.after', 'outbox.called', 'outbox.done'],
  deliver: [...COMMIT, 'db.commit.before:2', 'db.commit.after:2', 'sms.after', 'outbox.called'],
};

// What it dies of on the way of another order's invoice, from the moment when it is paid. Whatever job is the first.
const INVOICE_POINTS = ['invoice.before', 'invoice.after:2', 'outbox.called', 'invoice.after', 'blob.renamed', 'invoice.before', 'mail.after', 'outbox.done'];

// And of the holder's own download: between its intent and the signature, and after it.
const DOWNLOAD_POINTS = ['issue.intent', ...PREPARED.slice(0, 2), 'issue.signed', 'issue.stored', ...PREPARED.slice(2), 'sms.after', 'outbox.done'];

class MortalWalk extends Walk {
  killed = new Set();

  upload(...args) {
    return repeat(() => super.upload(...args));
  }
}
// The order is for two UKEYs: what is done twice kills the server on the way of the last one, with the first one written.
const TWICE = ['begin', 'record', 'issueCertificate', 'finishIssue'];
// Every step that the table names kills the server on its way.
for (const step of Object.keys(POINTS))
  MortalWalk.prototype[step] = async function (...args) {
    if (!this.mortal || this.killed.has(step) || (TWICE.includes(step) && this.order.certificates.length === 0)) return Walk.prototype[step].apply(this, args);
    this.killed.add(step);
    await this.desk.arm(POINTS[step]);
    const result = await Walk.prototype[step].apply(this, args);
    await this.desk.spent(step);
    return result;
  };

let desk;
before(async () => {
  desk = new MortalDesk();
  await desk.start();
  await desk.sim('/sim/config', { callback_scale: 0.001, nuonuo_ms: 200 });
});
after(async () => desk?.stop());

// Labels of the server's sources: FI("label"), and before and after each call of a provider's port.
test('no label is missing in the table', () => {
  const text = fs.readdirSync(path.join(root, 'server'), { recursive: true }).filter((f) => f.endsWith('.c'))
    .map((f) => fs.readFileSync(path.join(root, 'server', f), 'utf8')).join('');
  const labels = [...text.matchAll(/\bFI\("([^"]+)"\)/g)].map((m) => m[1]);
  for (const [, port] of text.matchAll(/(?:\.point = |transport_point\()"(\w+)"/g)) labels.push(`${port}.before`, `${port}.after`);
  const elsewhere = ['remittance.batched']; // of a command: verify.test.mjs
  const points = [POINTS, REFUND_POINTS].flatMap((t) => Object.values(t)).flat();
  const known = new Set([...points, ...INVOICE_POINTS, ...elsewhere].map((p) => p.replace(/:\d+$/, '')));
  assert.ok(labels.length > 15, `${labels.length} labels found`);
  assert.deepEqual([...new Set(labels)].filter((l) => !known.has(l)), []);
});

let walk;
test('the order goes to its end though the server dies at every point', async () => {
  walk = new MortalWalk(desk, { who: company(7), quantity: 2 });
  await Promise.all(['li', 'wang', 'zhao'].map((p) => walk.staff(p)));
  walk.mortal = true;
  await walk.to('REVIEW');
  await walk.invoiced(); // in peace: its own deaths come below
  await walk.to('FINISHED');
  assert.deepEqual([...walk.killed].sort(), Object.keys(POINTS).sort());
  assert.deepEqual([...desk.hits].sort(), Object.values(POINTS).flat().sort());
  console.log(`# the server was killed at ${desk.hits.length} points, ${new Set(desk.hits).size} of them different`);
});

test('an invoice is issued, archived and mailed though the server dies at every point of its way', async () => {
  const died = desk.hits.length;
  const w = new Walk(desk, { who: company(8) });
  await w.to('PAYMENT');
  await w.createPayment();
  await desk.arm(INVOICE_POINTS);
  await w.pay();
  const invoice = await w.invoiced();
  await desk.spent('the invoice');
  assert.deepEqual(desk.hits.slice(died), INVOICE_POINTS);
  assert.equal(invoice.state, 'INVOICE_STATE_ISSUED');
  const { invoices } = await desk.sim('/sim/nuonuo/invoices');
  assert.equal(invoices.filter((v) => v.buyerTaxNum === w.who.uscc).length, 1);
  assert.equal((await desk.sim('/sim/log?provider=nuonuo')).counts['nuonuo.token'], 1);
  const { mails } = await desk.sim(`/sim/mails?to=${encodeURIComponent(w.who.agent.email)}`);
  assert.equal(new Set(mails.filter((m) => m.subject === '证书订单电子发票').map((m) => m.message_id)).size, 1);
  assert.equal(await desk.sql.value(`SELECT COUNT(*) FROM invoice_file WHERE invoice_id = '${invoice.id}'`), '3');
});

test('a certificate is downloaded though the server dies at every point of its way', async () => {
  const died = desk.hits.length;
  importChannel(desk, YUNQI);
  const w = await ChannelWalk.of(desk, { channel: 'yunqi', who: company(9), individual: true });
  await w.to('DOWNLOAD');
  w.key = new SoftKey(desk.dir, 'download');
  await desk.arm(DOWNLOAD_POINTS);
  await w.download();
  await desk.spent('the download');
  assert.deepEqual(desk.hits.slice(died), DOWNLOAD_POINTS);
  assert.equal(w.state, 'FINISHED');
  assert.match(verifyChain(desk.dir, w.issued.certificate_der, w.issued.chain_der, false), /: OK/);
  for (const t of ['certificate', 'issuance', 'serial_used', 'personalisation'])
    assert.equal(await desk.sql.value(`SELECT COUNT(*) FROM ${t} WHERE order_id = '${w.order.id}'`), '1', t);
  await until('one SMS of it', async () => (await desk.messages(w.signer)).filter((m) => m.text.includes('已下载')).length === 1);
  const versions = await desk.sql.rows(`SELECT COUNT(*), MAX(version) FROM audit WHERE object = '${w.order.id}' AND version > 0`);
  assert.equal(versions[0][0], versions[0][1]);
});

test('every job came to its end', async () => {
  await until('the jobs', async () => (await desk.sql.count(`SELECT COUNT(*) FROM outbox WHERE (state = 1 AND run_at_ms < UNIX_TIMESTAMP(NOW(3)) * 1000 + 1800000) OR state = 2`)) === 0);
  assert.deepEqual(await desk.sql.rows('SELECT kind, state, last_error FROM outbox WHERE state NOT IN (1, 3)'), []);
});

test('there is one certificate a UKEY, and its intent is settled', async () => {
  const { id } = walk.order;
  for (const t of ['certificate', 'issuance', 'personalisation'])
    assert.deepEqual(await desk.sql.rows(`SELECT copy FROM ${t} WHERE order_id = '${id}' ORDER BY copy`), [['1'], ['2']], t);
  assert.equal(await desk.sql.value(`SELECT COUNT(*) FROM serial_used WHERE order_id = '${id}'`), '2');
});

test('there is one payment, captured and settled once', async () => {
  const { id } = walk.order;
  const paid = (await desk.sim('/sim/wechat/orders')).orders.filter((o) => o.state === 'SUCCESS');
  assert.equal(paid.length, 2, JSON.stringify(paid)); // this order and the one of the invoice
  assert.equal((await desk.sim('/sim/wechat/orders')).orders.length, 2);
  assert.deepEqual((await desk.sim('/sim/wechat/refunds')).refunds, []);
  for (const t of ['payment', 'payment_capture', 'payment_settlement'])
    assert.equal(await desk.sql.value(`SELECT COUNT(*) FROM ${t} WHERE order_id = '${id}'`), '1', t);
});

// What each phone was told, in words of the template.
const WORDS = { 登录验证码: 'LOGIN', 账号已创建: 'ACCOUNT', 正在核验: 'VERIFY', 正在签署: 'SIGN', 已支付: 'PAID', 审核通过: 'APPROVED', '）密码为': 'PIN', UKEY已寄出: 'SHIPPED', 已签收: 'RECEIVED' };
const event = (m) => Object.entries(WORDS).find(([w]) => m.text.includes(w))?.[1] ?? m.text;

test('every event was told by SMS once', async () => {
  const told = async (phone) => (await desk.messages(phone)).map(event);
  assert.deepEqual(await told(walk.who.account.phone), ['LOGIN', 'ACCOUNT']);
  assert.deepEqual((await told(walk.who.legalRep.phone)).sort(), ['PIN', 'PIN', 'VERIFY']);
  assert.deepEqual((await told(walk.who.agent.phone)).sort(), ['APPROVED', 'PAID', 'RECEIVED', 'SHIPPED', 'SIGN', 'VERIFY']);
});

// A mail server cannot be asked what it has taken: a death after DATA sends again, under the same Message-ID, which
// mailboxes show once.
test('every event was told by one mail', async () => {
  const { mails } = await desk.sim(`/sim/mails?to=${encodeURIComponent(walk.who.agent.email)}`);
  const subjects = new Map(mails.map((m) => [m.message_id, m.subject]));
  assert.deepEqual([...subjects.values()].sort(), ['UKEY 已寄出', '证书订单审核通过', '证书订单已支付', '证书订单已签收', '证书订单电子发票'].sort());
  assert.ok(mails.length <= subjects.size + desk.hits.filter((p) => p.startsWith('mail.after')).length, `${mails.length} mails`);
});

test('every version of the order has its audit row, and the trail is intact', async () => {
  const { id } = walk.order;
  const [[rows, versions, highest, version]] = await desk.sql.rows(
    `SELECT COUNT(*), COUNT(DISTINCT a.version), MAX(a.version), o.version FROM audit a JOIN orders o ON o.id = a.object WHERE o.id = '${id}' AND a.version > 0`);
  assert.deepEqual([rows, versions, highest], [version, version, version]);
  assert.equal(await desk.sql.value('SELECT COUNT(*) FROM idempotency WHERE response IS NULL'), '0');
  assert.match(desk.command(['audit', 'verify']), /: intact/);
});

test('a row that is missing at the end of a chain is named', async () => {
  desk.stopping = true;
  await desk.terminate(); // which seals
  assert.match(desk.command(['audit', 'verify']), /: intact/);
  const [[writer, seq]] = await desk.sql.rows('SELECT writer, MAX(seq) FROM audit GROUP BY writer ORDER BY MAX(at_ms) DESC LIMIT 1');
  await desk.sql.rows('DROP TRIGGER audit_keeps_all');
  await desk.sql.rows(`DELETE FROM audit WHERE writer = '${writer}' AND seq = ${seq}`);
  assert.throws(() => desk.command(['audit', 'verify']), (e) => `${e.stdout}${e.stderr}`.includes(writer) && e.status !== 0);
});
