// kill -9 of the server while faces and micro-deposits are on their way (crash.test.mjs has the rest of an order). However
// it dies, one face session is used, money is sent once, and the order goes on to the next step.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { root, until } from '../lib/desk.mjs';
import { MortalDesk } from './mortal.mjs';
import { company } from './people.mjs';
import { Walk } from './walk.mjs';

let desk;
before(async () => {
  desk = new MortalDesk({ clock: true });
  await desk.start();
  await desk.sim('/sim/config', { callback_scale: 0.001 });
});
after(async () => desk?.stop());

// Does it while the server dies at these points, one after the other; time passes quickly meanwhile, over the pauses of
// what is tried again or looked at later.
async function dying(what, points, step) {
  await desk.arm(points);
  let over = false;
  const hurry = (async () => {
    while (!over) {
      await new Promise((r) => setTimeout(r, 250));
      desk.setClock((desk.clockOffset || 0) + 6000);
    }
  })();
  try {
    const result = await step();
    await desk.spent(what);
    return result;
  } catch (e) {
    const jobs = await desk.sql.rows("SELECT kind, state, attempt, last_error FROM outbox WHERE kind LIKE 'identity.%'");
    throw new Error(`${e.message}; ${[desk.armed, ...desk.points]} not passed; jobs ${JSON.stringify(jobs)}`);
  } finally {
    over = true;
    await hurry;
  }
}

const ended = () => until('every job at its end', async () => {
  desk.setClock((desk.clockOffset || 0) + 6000);
  return (await desk.sql.count(`SELECT COUNT(*) FROM outbox WHERE kind LIKE 'identity.%' AND ((state = 1 AND kind <> 'identity.deposit_end') OR state = 2)`)) === 0;
}, 30000);

test('a face: asked for, opened, looked at', async () => {
  const w = new Walk(desk, { who: company(7), method: 'FACE', individual: true });
  await w.to('SUBJECT_VERIFYING');
  await w.verified();
  await dying('StartFace', ['db.commit.before:1', 'db.commit.after:1', 'outbox.claimed', 'identity.before', 'identity.after', 'outbox.called', 'outbox.done'], () => w.openFace());
  await dying('the look', ['identity.before', 'identity.after', 'outbox.called', 'outbox.done'], async () => {
    await desk.sim('/sim/face', { name: w.who.agent.name, outcome: 'pass' });
    return w.reach('PURCHASE', 30000);
  });
  assert.equal(await desk.sql.value(`SELECT COUNT(*) FROM face_session WHERE order_id = '${w.order.id}'`), '1');
  assert.equal(await desk.sql.value(`SELECT COUNT(*) FROM verification_evidence WHERE order_id = '${w.order.id}'`), '1');
});

test('a random amount: opened, ordered, confirmed', async () => {
  const yaml = fs.readFileSync(path.join(root, 'server/catalog/zheneng.yaml'), 'utf8');
  const file = path.join(desk.dir, 'channel.yaml');
  fs.writeFileSync(file, yaml.replace('micro_deposit: [remittance]', 'micro_deposit: [esign]'));
  desk.command(['channel', 'import', '--apply', file]);
  const w = new Walk(desk, { who: company(8), method: 'MICRO_DEPOSIT' });
  await w.to('SUBJECT');
  // Four factors lost; asked again, and the flow lost; opened again, its branch found, the money ordered, the answer lost;
  // which is asked about.
  await dying('the money', ['db.commit.after:1', 'identity.after', 'identity.after:2', 'identity.after:3', 'identity.before', 'identity.after', 'outbox.called', 'outbox.done'],
    async () => {
      await w.submitOrganization();
      return until('the deposit sent', async () => (await w.refresh()).verification?.deposit?.sent_time, 30000);
    });
  const [[flow]] = await desk.sql.rows(`SELECT flow FROM deposit WHERE order_id = '${w.order.id}'`);
  const { transfers } = await desk.sim('/sim/esign/transfers');
  assert.deepEqual(transfers.filter((t) => t.orders > 0).map((t) => [t.flow, t.orders]), [[flow, 1]]);
  const fen = transfers.find((t) => t.flow === flow).transfer.amount_fen;
  await dying('the amount', ['db.commit.before:1', 'db.commit.after:1', 'identity.before', 'identity.after', 'outbox.called'], async () => {
    await w.call.ConfirmVerification({ verification_id: w.order.verification.id, code: `0.${String(fen).padStart(2, '0')}` });
    return w.reach('AGENT', 30000);
  });
  await ended();
  assert.deepEqual(await desk.sql.rows('SELECT kind, state, last_error FROM outbox WHERE state NOT IN (1, 3)'), []);
  assert.match(desk.command(['audit', 'verify']), /: intact/);
  console.log(`# the server was killed at ${desk.hits.length} points`);
});
