// kill -9 of the server at every point of money's way back: of a paid order that is given up, and of a payment that came
// when its order was cancelled. The provider has given back each once, and everybody was told once.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { until } from '../lib/desk.mjs';
import { REFUND_POINTS } from './crash_points.mjs';
import { MortalDesk } from './mortal.mjs';
import { company } from './people.mjs';
import { Walk } from './walk.mjs';

let desk, given, late;
before(async () => {
  desk = new MortalDesk({ clock: true });
  await desk.start();
  await desk.sim('/sim/config', { callback_scale: 0.001, refund_ms: 0 });
});
after(async () => desk?.stop());

// Runs `act` with the server dying at the step's points until all are passed.
async function dying(step, act) {
  await desk.arm(REFUND_POINTS[step]);
  await act();
  await desk.spent(step);
}

const refundsOf = async (w) => (await desk.sim('/sim/wechat/refunds')).refunds.filter((r) => r.out_trade_no === w.payment.id);

test('a paid order is given up though the server dies at every point', async () => {
  given = new Walk(desk, { who: company(8) });
  await given.to('ISSUE');
  await dying('cancelPaid', async () => {
    given.take(await given.call.CancelOrder({ order_id: given.order.id }));
    await given.reach('CANCELLED', 60000);
  });
  assert.equal((await refundsOf(given)).length, 1);
});

test('money that came when its order was cancelled goes back though the server dies at every point', async () => {
  late = new Walk(desk, { who: company(9) });
  await late.to('PAYMENT');
  await late.createPayment();
  await dying('cancelWhilePaid', async () => {
    await desk.sim('/sim/fault', { provider: 'wechat', action: 'callback', kind: 'never' });
    await desk.sim('/sim/wechat/pay', { out_trade_no: late.payment.id });
    late.take(await late.call.CancelOrder({ order_id: late.order.id }));
    await until('the money to be held', async () => (await late.call.GetPayment({ payment_id: late.payment.id })).payment.state === 'PAYMENT_STATE_HELD', 60000);
  });
  await dying('goesBack', async () => {
    desk.setClock(61000);
    await until('the money to go back', async () => (await late.call.GetPayment({ payment_id: late.payment.id })).payment.state === 'PAYMENT_STATE_REFUNDED', 60000);
  });
  assert.equal((await late.refresh()).state, 'ORDER_STATE_CANCELLED');
  assert.equal((await refundsOf(late)).length, 1);
});

test('every job came to its end, and all of the points were passed', async () => {
  await until('the jobs', async () => (await desk.sql.count(`SELECT COUNT(*) FROM outbox WHERE (state = 1 AND run_at_ms < UNIX_TIMESTAMP(NOW(3)) * 1000 + 1800000 AND kind <> 'payment.poll') OR state = 2`)) === 0);
  assert.deepEqual(await desk.sql.rows("SELECT kind, state, last_error FROM outbox WHERE state NOT IN (1, 3) AND NOT (kind = 'payment.poll' AND state = 5)"), []); // a look that died too often is followed by the next
  assert.deepEqual([...desk.hits].sort(), Object.values(REFUND_POINTS).flat().sort());
  console.log(`# the server was killed at ${desk.hits.length} points`);
});

test('each was given back, booked and told once', async () => {
  for (const w of [given, late]) {
    for (const t of ['payment', 'payment_capture', 'payment_refund']) assert.equal(await desk.sql.value(`SELECT COUNT(*) FROM ${t} WHERE order_id = '${w.order.id}'`), '1', t);
    assert.equal(await desk.sql.value(`SELECT state FROM payment_refund WHERE order_id = '${w.order.id}'`), '3');
    const told = (await desk.messages(w.who.agent.phone)).filter((m) => /原路退回/.test(m.text)).map((m) => /已取消/.test(m.text));
    assert.deepEqual(told.sort(), w === given ? [false, true] : [false]);
  }
  assert.match(desk.command(['audit', 'verify']), /: intact/);
});
