// Many orders at two providers, paid or not, cancelled or not, while answers are lost, callbacks come twice, late, wrong
// or never, and refunds go astray. In the end every capture is settled, refunded or held, per provider and day, and the
// sum is that of the provider's own bill.
//   MONEY_SEED=n repeats a run's stories, MONEY_ORDERS=n makes more of them.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Desk, until } from '../lib/desk.mjs';
import { Sql } from './database.mjs';
import { company } from './people.mjs';
import { Walk } from './walk.mjs';

const SEED = Number(process.env.MONEY_SEED || Date.now() % 1e9);
const ORDERS = Number(process.env.MONEY_ORDERS || 60);
const AT_ONCE = 20;
const HOUR = 3600000, DAY = 24 * HOUR;

// mulberry32
let seed = SEED >>> 0;
function random() {
  seed = (seed + 0x6d2b79f5) >>> 0;
  let t = Math.imul(seed ^ (seed >>> 15), seed | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}
const one = (list) => list[Math.floor(random() * list.length)];

const FAULTS = {
  wechat: {
    order: ['lose_answer', 'lose_request', 'busy', 'garbage'], callback: ['never', 'twice', 'late', 'wrong_amount', 'forged_signature', 'signtest'],
    query: ['lose_answer', 'busy', 'garbage'], close: ['lose_answer', 'busy'], refund: ['lose_answer', 'lose_request', 'busy', 'abnormal', 'closed', 'no_balance'], refund_query: ['busy', 'lose_answer'],
  },
  alipay: {
    precreate: ['lose_answer', 'lose_request', 'busy', 'paid_first'], callback: ['never', 'twice', 'late', 'wrong_amount', 'forged_signature'],
    query: ['lose_answer', 'busy'], close: ['lose_answer', 'busy'], refund: ['lose_answer', 'lose_request', 'doubtful', 'busy', 'closed', 'no_balance'], refund_query: ['busy'],
  },
};
const OTHER = { wechat: 'alipay', alipay: 'wechat' };
const proto = (provider) => `PAYMENT_PROVIDER_${provider.toUpperCase()}`;

let desk, sql, owner, chen, stories, date, ahead = 0;
const pass = (ms) => desk.setClock(ahead += ms);
const beijing = () => new Date(Date.now() + ahead + 8 * HOUR);

before(async () => {
  console.log(`# MONEY_SEED=${SEED}`);
  desk = await new Desk({ clock: true, logLevel: 'error' }).start();
  sql = new Sql(`${desk.state}/db/db.sock`);
  await desk.sim('/sim/config', { callback_scale: 0.01, refund_ms: 1500, alipay_refund_ms: 800 });
  pass(DAY + 12 * HOUR - beijing().getTime() % DAY); // noon, so that all of it is one day's
  date = beijing().toISOString().slice(0, 10);
  owner = new Walk(desk, { who: company(70) });
  await owner.register();
  chen = await owner.staff('chen');
});
after(async () => {
  await sql?.close();
  await desk?.stop();
});

// What happens to one order, drawn before anything happens.
const draw = () => ({
  provider: one(['wechat', 'alipay']), price: one([1, 100, 28000, 66000, 99999]), changes: random() < 0.25, pays: random() < 0.8, paysTwice: random() < 0.3,
  cancels: one(['', '', 'before', 'with', 'after']), faults: Array.from({ length: 2 }, () => one(['wechat', 'alipay'])).map((p) => [p, one(Object.keys(FAULTS[p]))])
    .map(([p, action]) => [p, action, one(FAULTS[p][action])]),
});

// Verified, agreed to and signed elsewhere (order.test.mjs): here it only has a price.
async function newOrder(price, n) {
  const order = await owner.createOrder();
  await sql.rows(`UPDATE orders SET state = 9, price_fen = ${price}, subject_key = UNHEX(SHA2('${n}', 256)) WHERE id = '${order.id}'`);
  return order.id;
}

const anyError = (promise) => promise.catch((e) => ({ error: e.info?.reason || e.message }));

// A thumb on whatever code there is; no if it is dead by now.
async function scan(payment) {
  const supplier = payment.provider.replace('PAYMENT_PROVIDER_', '').toLowerCase();
  return desk.sim(`/sim/${supplier}/pay`, { out_trade_no: payment.id }).catch(() => null);
}

async function live(story, n) {
  const order_id = await newOrder(story.price, n), { call } = owner;
  for (const [provider, action, kind] of story.faults) await desk.sim('/sim/fault', { provider, action, kind, count: 1, ms: 500 });
  const open = async (provider) => (await anyError(call.CreatePayment({ order_id, provider: proto(provider) }))).payment;
  const ready = (p) => until(`a code of ${order_id}`, async () => {
    const { payment } = await call.GetPayment({ payment_id: p.id });
    return payment.state !== 'PAYMENT_STATE_CREATING' && payment;
  }, 60000);
  const first = await open(story.provider);
  let shown = await ready(first);
  if (story.changes) {
    const second = await open(OTHER[story.provider]);
    if (second) {
      if (story.paysTwice) await scan(shown); // the code before, in the last moment
      shown = await ready(second);
    }
  }
  if (story.cancels === 'before') await anyError(call.CancelOrder({ order_id }));
  const acts = [story.pays && (() => scan(shown)), story.cancels === 'with' && (() => anyError(call.CancelOrder({ order_id })))].filter(Boolean);
  await Promise.all(acts.map((act) => act()));
  if (story.cancels === 'after') {
    await until('the money to be known', async () => (await call.GetOrder({ order_id })).order.state !== 'ORDER_STATE_PAYMENT' || !story.pays, 1500).catch(() => {});
    await sql.rows(`UPDATE orders SET state = 13, version = version + 1 WHERE id = '${order_id}' AND state = 11`); // while it is reviewed it is only seen
    await anyError(call.CancelOrder({ order_id }));
  }
  return order_id;
}

test(`${ORDERS} orders live through it`, async () => {
  stories = Array.from({ length: ORDERS }, draw);
  const left = stories.map((story, n) => [story, n]);
  const tick = setInterval(() => pass(1000), 200); // what failed is tried again after a pause
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (let next; (next = left.shift());) next[0].order = await live(...next);
  })).finally(() => clearInterval(tick));
});

// What a person of the desk does: pays out what is abnormal, stops what is not accepted, tries again what was closed, or
// pays it by the bank and records that.
const by = (id) => id.charCodeAt(id.length - 1) % 2 === 0; // of a capture, always the same way
async function attend() {
  const { captures } = await chen.ListCaptures({ attention: true, page_size: 100 });
  for (const { id, provider, amount_fen, refund } of captures) {
    if (refund?.state === 'REFUND_STATE_ABNORMAL' && provider === 'PAYMENT_PROVIDER_WECHAT')
      await desk.sim('/sim/wechat/payout', { out_refund_no: refund.id }).catch(() => desk.sim('/sim/wechat/payout', { out_refund_no: `${refund.id}_2` })).catch(() => {});
    else if (refund?.state === 'REFUND_STATE_REQUESTED' && by(id))
      await anyError(chen.StopRefund({ capture_id: id, reason: '余额不足' })); // perhaps it is accepted in this moment
    else if (refund?.state === 'REFUND_STATE_CLOSED' && by(id))
      await chen.RecordRefund({ capture_id: id, amount_fen, reference: `bank ${id}`, reason: '电汇' });
    else if (refund?.state === 'REFUND_STATE_CLOSED') await chen.RefundPayment({ capture_id: id, reason: '再退一次' });
  }
}

test('in time everything comes to rest', async () => {
  const unrest = `SELECT (SELECT COUNT(*) FROM payment WHERE state IN (1, 2, 9)) + (SELECT COUNT(*) FROM payment_refund WHERE state <> 3)
    + (SELECT COUNT(*) FROM orders WHERE state = 20) + (SELECT COUNT(*) FROM outbox WHERE state = 2)`;
  let quiet = 0;
  await until('rest', async () => {
    if (beijing().getUTCHours() < 22) pass(30000); // the day began at noon
    await attend();
    quiet = (await sql.count(unrest)) === 0 && (await desk.sim('/sim/deliveries')).deliveries.length === 0 ? quiet + 1 : 0;
    return quiet > 8; // also for what nobody knows of yet: a callback that is late
  }, 180000).catch(async (e) => {
    const rows = await sql.rows('SELECT id, state, error, reason, provider FROM payment_refund WHERE state <> 3 UNION ALL SELECT id, state, order_id, amount_fen, provider FROM payment WHERE state IN (1, 2, 9)');
    throw new Error(`${e.message}: ${JSON.stringify(rows)} ${desk.log().slice(-2000)}`);
  });
  assert.equal(beijing().toISOString().slice(0, 10), date, 'still the same day');
});

test('every order is where it must be, and nobody paid for nothing', async () => {
  for (const { order } of stories) {
    const { state } = (await owner.call.GetOrder({ order_id: order })).order;
    const { payments } = await owner.call.ListPayments({ order_id: order });
    const captures = payments.flatMap((p) => p.captures), settled = captures.filter((c) => c.state === 'CAPTURE_STATE_SETTLED');
    assert.ok(settled.length <= 1, order);
    assert.ok(['ORDER_STATE_PAYMENT', 'ORDER_STATE_REVIEW', 'ORDER_STATE_CANCELLED'].includes(state), `${order}: ${state}`);
    assert.equal(state === 'ORDER_STATE_REVIEW', settled.length === 1 && !settled[0].refund, `${order}: ${state} ${JSON.stringify(captures)}`);
    for (const c of captures) if (c !== settled[0] || state !== 'ORDER_STATE_REVIEW') assert.equal(c.refund?.state, 'REFUND_STATE_DONE', JSON.stringify(c));
    for (const p of payments) assert.equal(p.refunded_fen, p.captures.filter((c) => c.refund).reduce((sum, c) => sum + c.amount_fen, 0), p.id);
  }
});

test('the providers gave back what they say, each capture once', async () => {
  for (const [supplier, provider] of [['wechat', 1], ['alipay', 2]]) {
    const paid = (await desk.sim(`/sim/${supplier}/orders`)).orders.filter((o) => o.success_ms || o.paid_ms);
    const { refunds } = await desk.sim(`/sim/${supplier}/refunds`);
    const back = refunds.filter((r) => r.end !== 'CLOSED');
    assert.equal(new Set(back.map((r) => r.out_trade_no)).size, back.length, 'one each');
    const ours = await sql.rows(`SELECT payment_id, amount_fen FROM payment_capture WHERE provider = ${provider} ORDER BY payment_id`);
    assert.deepEqual(ours, paid.map((o) => [o.out_trade_no, String(o.total)]).sort(), supplier);
    const gone = await sql.rows(`SELECT payment_id, amount_fen FROM payment_refund WHERE provider = ${provider} AND reference IS NULL ORDER BY payment_id`);
    assert.deepEqual(gone, back.map((r) => [r.out_trade_no, String(r.refund)]).sort(), supplier);
  }
});

test('the bills of the day agree with the books', async () => {
  pass(DAY);
  const sums = {};
  for (const supplier of ['wechat', 'alipay']) {
    const report = JSON.parse(desk.command(['reconcile', supplier, date, '-o', 'json']));
    assert.equal(report.state, 'CLEAN', JSON.stringify(report));
    assert.deepEqual(report.differences, []);
    assert.equal(report.captured.fen, report.settled.fen + report.refunded.fen + report.held.fen);
    assert.deepEqual(report.captured, report.bill_captured);
    assert.equal(report.held.fen, 0);
    sums[supplier] = report;
    assert.match(desk.command(['reconcile', supplier, date]), new RegExp(`^${supplier} ${date}: CLEAN\\n`));
  }
  delete desk.sessions.chen; // a session is over by then
  chen = await owner.staff('chen');
  const { reconciliations } = await until('the daily job', async () => {
    const list = await chen.ListReconciliations({ page_size: 10 });
    return list.reconciliations.filter((r) => r.date === date && r.runs >= 3).length === 2 && list;
  });
  for (const r of reconciliations.filter((x) => x.date === date)) assert.equal(r.state, 'RECONCILIATION_STATE_CLEAN');
  console.log(`# ${await sql.count('SELECT COUNT(*) FROM payment_refund WHERE reference IS NOT NULL')} recorded by hand, ${await sql.count("SELECT COUNT(*) FROM audit WHERE action = 'refund.stopped'")} stopped`);
  console.log(`# ${Object.entries(sums).map(([s, r]) => `${s}: ${r.captured.n} captures, ${r.settled.n} settled, ${r.refunded.n} refunded`).join('; ')}`);
});

test('a day that does not agree is said by the command, and its exit', async () => {
  await sql.rows(`UPDATE payment_capture SET txn_no = CONCAT('X', txn_no) WHERE provider = 1 AND state = 1 AND id NOT IN (SELECT capture_id FROM payment_refund) LIMIT 1`);
  assert.throws(() => desk.command(['reconcile', 'wechat', date]), (e) => {
    assert.equal(e.status, 3);
    assert.match(e.stdout, /DIFFERENT[\s\S]*! BOOKED[\s\S]*! NOT_IN_BILL/);
    assert.match(e.stderr, /2 differences/);
    return true;
  });
  assert.throws(() => desk.command(['reconcile', 'wechat', beijing().toISOString().slice(0, 10)]), (e) => /no bill/.test(e.stderr));
  assert.throws(() => desk.command(['reconcile', 'cash', date]), (e) => /no provider cash/.test(e.stderr));
});
