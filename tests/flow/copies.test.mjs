// An order for several UKEYs (S12, S19, S28, S29): one price, one payment; the keys written one after another, each with a
// certificate and a PIN of its own; one parcel with all of them.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Desk, until } from '../lib/desk.mjs';
import { Sql } from './database.mjs';
import { company } from './people.mjs';
import { refused } from './refused.mjs';
import { verifyChain } from './softkey.mjs';
import { Walk } from './walk.mjs';

const MEDIA = ['61000001', '61000002', '61000003'], SPOILT = '61000009', SPARE = '61000010';
const N = MEDIA.length;

let desk, sql, w, wang, zhao, firstKey;
before(async () => {
  desk = await new Desk().start();
  await desk.sim('/sim/config', { callback_scale: 0.001, nuonuo_ms: 50 });
  sql = new Sql(`${desk.state}/db/db.sock`);
  w = new Walk(desk, { who: company(61), inPerson: true, quantity: N });
  wang = await w.staff('wang');
  zhao = await w.staff('zhao');
  await wang.RegisterTokens({ medium_numbers: [...MEDIA, SPOILT, SPARE], model: 'soft' });
});
after(async () => {
  await sql?.close();
  await desk?.stop();
});

const item = async (list) => (await list({})).items.find((i) => i.order_id === w.order.id);
const token = async (medium_number) => (await wang.GetToken({ medium_number })).token.state.replace('TOKEN_STATE_', '');
const begin = (medium_number) => wang.BeginPersonalisation({ order_id: w.order.id, medium_number, algorithms: ['KEY_ALGORITHM_P256'] });
const inForce = () => sql.rows(`SELECT copy, medium_number FROM certificate WHERE order_id = '${w.order.id}' AND revoked_ms = 0 ORDER BY copy`);
const live = () => sql.count(`SELECT COUNT(*) FROM issuance WHERE order_id = '${w.order.id}' AND live = 1`);

test('the price is that of three, and the channel says how many it may be', async () => {
  await w.to('PURCHASE');
  const { products } = await w.anyone.ListProducts({ channel: w.channel });
  const product = products.find((p) => p.subject_kind === w.kind);
  assert.equal(product.max_quantity, 5);
  const most = await refused(w.setPurchase({ quantity: 6 }), 'INVALID_ARGUMENT', 'INVALID');
  assert.deepEqual(most.fields, ['purchase.quantity']);
  assert.deepEqual((await refused(w.anyone.QuotePrice({ product_id: product.id, term_months: 12, quantity: -1 }), 'INVALID_ARGUMENT', 'INVALID')).fields, ['quantity']);
  await w.to('CONFIRM');
  const unit = product.options.find((o) => o.term_months === w.months && o.seal === w.seal).price_fen;
  const { quote } = w.order;
  assert.deepEqual(quote.lines.map((l) => [l.quantity, l.unit_fen, l.amount_fen]), [[N, unit, N * unit]]);
  assert.deepEqual([quote.quantity, quote.total_fen], [N, N * unit]);
});

test('it is paid once, for all', async () => {
  await w.to('REVIEW');
  assert.equal(w.payment.amount_fen, w.order.quote.total_fen);
  const [paid] = (await desk.sim('/sim/wechat/orders')).orders.filter((o) => o.out_trade_no === w.payment.id);
  assert.equal(paid.total, w.order.quote.total_fen, JSON.stringify(paid));
  await w.to('ISSUE');
  const i = await item(wang.ListIssues);
  assert.deepEqual([i.quantity, i.written, i.medium_number], [N, 0, '']);
});

test('what was signed says how many', async () => {
  const li = await w.staff('li');
  const { value } = await li.RevealField({ order_id: w.order.id, field: 'signed_text', reason: '核对数量' });
  const signed = JSON.parse(value);
  assert.deepEqual([signed.purchase.quantity, signed.quote.quantity, signed.price_fen], [N, N, w.order.quote.total_fen]);
});

test('the invoice says how many at which price', async () => {
  const unit = w.order.quote.lines[0].unit_fen, invoice = await w.invoiced();
  assert.equal(invoice.amount_fen, N * unit);
  const [{ lines }] = (await desk.sim('/sim/nuonuo/invoices')).invoices.filter((v) => v.number === invoice.number);
  assert.deepEqual(lines.map((l) => [l.num, l.price, l.taxIncludedAmount]), [[String(N), (unit / 100).toFixed(2), (N * unit / 100).toFixed(2)]]);
});

test('one UKEY at a time: two operators at once begin one', async () => {
  const both = await Promise.allSettled([begin(MEDIA[0]), begin(MEDIA[1])]);
  const won = both.filter((r) => r.status === 'fulfilled').map((r) => r.value.personalisation);
  assert.equal(won.length, 1);
  assert.equal(both.find((r) => r.status === 'rejected').reason.info.reason, 'PRECONDITION');
  assert.deepEqual([won[0].copy, won[0].quantity], [1, N]);
  assert.equal(await sql.count(`SELECT COUNT(*) FROM personalisation WHERE order_id = '${w.order.id}'`), 1);
  // The test goes on with the first of the list, whichever was first.
  if (won[0].medium_number === MEDIA[0]) return;
  w.take(await wang.QuarantineToken({ personalisation_id: won[0].id, reason: '先用另一个' }));
  assert.equal(w.state, 'ISSUE'); // none is written yet
  await sql.rows(`UPDATE token SET state = 1, order_id = '' WHERE medium_number = '${MEDIA[1]}'`);
});

test('written, the order waits for the next; nothing is posted or given back', async () => {
  await w.issueOne({ medium: MEDIA[0] });
  firstKey = w.key;
  assert.equal(w.state, 'PERSONALISING');
  assert.deepEqual(w.order.certificates.map((c) => c.medium_number), [MEDIA[0]]);
  const i = await item(wang.ListIssues);
  assert.deepEqual([i.quantity, i.written, i.medium_number], [N, 1, '']);
  assert.equal(await item(zhao.ListShips), undefined);
  assert.equal(await token(MEDIA[0]), 'WRITTEN');
  await refused(w.call.CancelOrder({ order_id: w.order.id }), 'FAILED_PRECONDITION', 'ORDER_STATE');
  const said = await refused(begin(MEDIA[0]), 'FAILED_PRECONDITION', 'PRECONDITION');
  assert.match(said.zh, /已写好，请插入下一个/);
});

test('the next UKEY has a key of its own', async () => {
  await w.begin(SPOILT);
  assert.deepEqual([w.personalisation.copy, w.personalisation.certificate_der.length], [2, 0]);
  await refused(wang.IssueCertificate({ personalisation_id: w.personalisation.id, csr_der: firstKey.csr() }), 'FAILED_PRECONDITION', 'KEY_USED');
  assert.equal(await live(), 1);
  await w.issueCertificate();
  assert.equal(await live(), 2);
});

test('put aside, it leaves those that are written alone', async () => {
  const [written] = w.order.certificates;
  w.take(await wang.QuarantineToken({ personalisation_id: w.personalisation.id, reason: '插口损坏' }));
  assert.equal(w.state, 'PERSONALISING'); // one is written
  assert.deepEqual(w.order.certificates, [written]);
  assert.deepEqual(await inForce(), [['1', MEDIA[0]]]);
  assert.equal(await live(), 1);
  assert.deepEqual([await token(MEDIA[0]), await token(SPOILT)], ['WRITTEN', 'QUARANTINED']);
  await refused(w.issueCertificate(), 'FAILED_PRECONDITION', 'PRECONDITION');
  await refused(w.finishIssue(), 'FAILED_PRECONDITION', 'PRECONDITION');
  assert.equal((await item(wang.ListIssues)).written, 1);
});

test('the last one sends the order on; there are as many certificates as were bought', async () => {
  await w.issueOne({ medium: MEDIA[1] });
  assert.equal(w.state, 'PERSONALISING');
  const lost = w.issued;
  await w.issueOne({ medium: MEDIA[2] });
  assert.equal(w.state, 'SHIP');
  await w.finishIssue(); // said twice
  assert.notDeepEqual(w.issued.certificate_der, lost.certificate_der);
  assert.match(verifyChain(desk.dir, w.issued.certificate_der, w.issued.chain_der, false), /OK/);
  assert.deepEqual(await inForce(), MEDIA.map((m, i) => [String(i + 1), m]));
  assert.deepEqual(w.order.certificates.map((c) => c.medium_number), MEDIA);
  assert.equal(new Set(w.order.certificates.map((c) => c.serial_number)).size, N);
  const { certificates } = await w.call.ListCertificates({});
  assert.deepEqual(certificates.filter((c) => c.state === 'CERTIFICATE_STATE_VALID').map((c) => c.medium_number).sort(), MEDIA);
  await refused(begin(SPARE), 'FAILED_PRECONDITION', 'ORDER_STATE'); // there is no fourth
  assert.equal(await token(SPARE), 'BLANK');
  assert.equal(await item(wang.ListIssues), undefined);
});

test('each PIN goes by a message of its own', async () => {
  const pins = await until('the PINs', async () => {
    const all = (await desk.messages(w.who.legalRep.phone)).filter((m) => /密码为/.test(m.text)).map((m) => m.text);
    return all.length >= N && all;
  });
  assert.equal(pins.length, N);
  for (const m of MEDIA) assert.equal(pins.filter((t) => t.includes(m)).length, 1, m);
  assert.equal(new Set(pins.map((t) => /密码为(\d{8})/.exec(t)[1])).size, N);
});

test('the parcel holds all of them and no other', async () => {
  const post = (...medium_numbers) => zhao.CreateShipment({ order_id: w.order.id, medium_numbers, courier: 'shunfeng', tracking_number: 'SF61000001' });
  assert.deepEqual((await item(zhao.ListShips)).medium_numbers, MEDIA);
  const few = await refused(post(MEDIA[0], MEDIA[0]), 'INVALID_ARGUMENT', 'INVALID');
  assert.deepEqual(few.violations.map((v) => v.field), ['medium_numbers']);
  assert.match(few.violations[0].description, new RegExp(`2 still to be packed and scanned: ${MEDIA[1]}, ${MEDIA[2]}`));
  const foreign = await refused(post(MEDIA[0], SPOILT, MEDIA[2]), 'INVALID_ARGUMENT', 'INVALID');
  assert.deepEqual(foreign.violations.map((v) => v.field).sort(), ['medium_numbers', 'medium_numbers[1]']);
  assert.match(foreign.violations.find((v) => v.field === 'medium_numbers[1]').description, new RegExp(`^${SPOILT} is not a UKEY of this order`));
  const odd = await refused(post(...MEDIA, '介质'.repeat(40), '\u001b[2J'), 'INVALID_ARGUMENT', 'INVALID');
  assert.deepEqual(odd.violations.map((v) => v.description), Array(2).fill('this is not a UKEY of this order'));
  assert.deepEqual((await refused(post(), 'INVALID_ARGUMENT', 'INVALID')).fields, ['medium_numbers']);
  assert.deepEqual((await refused(post(...Array(50).fill(MEDIA[0])), 'INVALID_ARGUMENT', 'INVALID')).fields, ['medium_numbers']);
  assert.equal((await w.refresh()).state, 'ORDER_STATE_SHIP');
  const { shipment } = await post(MEDIA[2], MEDIA[0], MEDIA[1]);
  assert.deepEqual(shipment.medium_numbers, MEDIA);
  w.parcel = 'SF61000001';
  assert.deepEqual(await Promise.all(MEDIA.map(token)), MEDIA.map(() => 'POSTED'));
});

test('it comes back with all of them, and is posted again and received', async () => {
  const { shipment } = await zhao.GetShipment({ order_id: w.order.id });
  await zhao.ResolveShipment({ shipment_id: shipment.id, post_again: true, reason: '收件人不在' });
  assert.deepEqual(await Promise.all(MEDIA.map(token)), MEDIA.map(() => 'WRITTEN'));
  assert.equal((await w.refresh()).state, 'ORDER_STATE_SHIP');
  await w.ship({ number: 'SF61000002' });
  assert.deepEqual(await Promise.all(MEDIA.map(token)), MEDIA.map(() => 'POSTED'));
  assert.deepEqual((await w.call.GetShipment({ order_id: w.order.id })).shipment.medium_numbers, MEDIA);
  await w.deliver();
  assert.equal(w.state, 'FINISHED');
  await w.read(w.signer, /已签收/);
});

// S6: by the remark of a deposit a UKEY, which says which one it opens.
test('what cannot be completed staff gives up: what is written is revoked and put aside, the money goes back', async () => {
  const v = new Walk(desk, { who: company(63), inPerson: true, quantity: 2 }), chen = await v.staff('chen');
  await v.to('ISSUE');
  await v.begin('61000021');
  assert.equal((await refused(chen.RefundPayment({ payment_id: v.payment.id, reason: 'a test' }), 'FAILED_PRECONDITION', 'PRECONDITION')).zh, '介质 61000021 正在制证，请先隔离该介质');
  await v.issueCertificate();
  await v.finishIssue();
  await v.refresh();
  assert.equal(v.state, 'PERSONALISING');
  assert.ok(!v.order.actions.includes('CancelOrder'), String(v.order.actions));
  await refused(v.call.CancelOrder({ order_id: v.order.id }), 'FAILED_PRECONDITION', 'ORDER_STATE');
  await chen.RefundPayment({ payment_id: v.payment.id, reason: 'no stock' });
  await v.reach('CANCELLED');
  assert.equal(await sql.count(`SELECT COUNT(*) FROM certificate WHERE order_id = '${v.order.id}' AND revoked_ms = 0`), 0);
  assert.equal(await sql.count(`SELECT COUNT(*) FROM issuance WHERE order_id = '${v.order.id}' AND live = 1`), 0);
  assert.equal(await token('61000021'), 'QUARANTINED');
});

test('by micro-deposit each PIN goes by a remark of its own', async () => {
  const d = new Walk(desk, { who: company(62), inPerson: true, method: 'MICRO_DEPOSIT', quantity: 2 });
  await d.to('SHIP');
  const remarks = await until('both PINs in the bank\'s files', async () => {
    await d.remitted();
    const found = new Set(desk.remitted.filter((l) => l[2] === d.who.name && /密码/.test(l[8])).map((l) => l[8]));
    return found.size === 2 && [...found];
  });
  for (const { medium_number } of d.order.certificates) assert.ok(remarks.some((r) => new RegExp(`^介质${medium_number}密码\\d{8}$`).test(r)), remarks.join());
  assert.deepEqual((await desk.messages(d.who.legalRep.phone)).filter((m) => /密码为/.test(m.text)), []);
});

test('the order is found by the number of each', async () => {
  const li = await w.staff('li');
  for (const query of MEDIA) assert.deepEqual((await li.FindOrders({ query })).orders.map((o) => o.order_id), [w.order.id]);
});
