// CreateOrder of callers who wait together shares a transaction (design 3): each is answered as if it had been alone, and
// what one of them does wrong is not the others' business.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { Desk, until } from '../lib/desk.mjs';
import { Sql } from './database.mjs';
import { company } from './people.mjs';
import { CHANNEL, Walk } from './walk.mjs';

let desk, sql, walk, request;
before(async () => {
  desk = await new Desk({ database: '[server]\nworkers = 1' }).start(); // so that all but the first have to wait
  sql = new Sql(`${desk.state}/db/db.sock`);
  walk = new Walk(desk, { who: company(31) });
  await walk.register();
  request = {
    channel: CHANNEL, kind: 'ORDER_KIND_NEW', subject_kind: 'SUBJECT_KIND_ORGANIZATION', medium: 'MEDIUM_UKEY',
    method: 'VERIFICATION_METHOD_PHONE_THREE_FACTOR', consents: await walk.consents(),
  };
  await walk.call.CreateOrder(request); // the connection is open
});
after(async () => {
  await sql?.close();
  await desk?.stop();
});

const commits = async () => Number((await sql.rows("SHOW GLOBAL STATUS LIKE 'Com_commit'"))[0][1]);
const outcome = (more = {}) => walk.call.CreateOrder({ ...request, ...more }).then((r) => r.order.id, (e) => e.info.reason);

// 64 orders at once: their ids, and how many commits they took.
async function burst() {
  const had = await commits();
  const ids = await Promise.all(Array.from({ length: 64 }, () => outcome()));
  const took = (await commits()) - had;
  assert.equal(new Set(ids).size, 64);
  return { ids, took };
}

test('64 orders at once: fewer commits, and every order whole', async () => {
  // 9 or a few more; what else the server does meanwhile is in it. A client that is kept from running sends them one by one:
  // the best of three counts.
  const bursts = [await burst()];
  while (bursts.at(-1).took >= 48 && bursts.length < 3) bursts.push(await burst());
  assert.ok(bursts.at(-1).took < 48, `${bursts.map((b) => b.took)} commits`);
  const ids = bursts.flatMap((b) => b.ids);
  const list = ids.map((id) => `'${id}'`);
  assert.equal(await sql.count(`SELECT COUNT(*) FROM orders WHERE id IN (${list})`), ids.length);
  assert.equal(await sql.count(`SELECT COUNT(*) FROM consent WHERE object_id IN (${list})`), ids.length * request.consents.length);
  assert.equal(await sql.count(`SELECT COUNT(*) FROM audit WHERE action = 'order.created' AND object IN (${list})`), ids.length);
  assert.match(desk.command(['audit', 'verify']), /: intact/);
});

test('among them repeats, other bodies under a used request_id, missing consents: each gets its own answer', async () => {
  const had = await sql.count('SELECT COUNT(*) FROM orders');
  const twice = randomUUID(), used = randomUUID();
  await outcome({ request_id: used });
  const all = await Promise.all(Array.from({ length: 40 }, (_, i) => [
    () => outcome(),
    () => outcome({ request_id: twice }),
    () => outcome({ consents: [] }),
    () => outcome({ request_id: used, method: 'VERIFICATION_METHOD_FACE' }),
    () => outcome(),
  ][i % 5]()));
  const kind = (k) => all.filter((_, i) => i % 5 === k);
  assert.deepEqual(new Set(kind(2)), new Set(['CONSENT_MISSING']));
  assert.deepEqual(new Set(kind(3)), new Set(['REQUEST_ID_REUSED']));
  assert.equal(new Set(kind(1)).size, 1);
  const good = [...kind(0), ...kind(4), kind(1)[0]];
  for (const id of good) assert.match(id, /^ord_/);
  assert.equal(new Set(good).size, 17);
  assert.equal(await sql.count('SELECT COUNT(*) FROM orders'), had + 1 + 17);
  assert.equal(await sql.count('SELECT COUNT(*) FROM consent c LEFT JOIN orders o ON o.id = c.object_id WHERE o.id IS NULL'), 0);
  assert.match(desk.command(['audit', 'verify']), /: intact/);
});

test('a connection that is lost under a group makes it run again', async () => {
  const had = await sql.count('SELECT COUNT(*) FROM orders');
  const mine = await sql.value('SELECT CONNECTION_ID()');
  const ids = [];
  let killed = 0;
  await until('a statement to be caught', async () => {
    let answered = false;
    const calls = Promise.all(Array.from({ length: 64 }, () => outcome())).finally(() => { answered = true; });
    while (!answered && killed < 2) {
      const [id] = await sql.rows(`SELECT ID FROM information_schema.PROCESSLIST WHERE ID <> ${mine} AND INFO LIKE 'INSERT INTO%'`);
      if (id) await sql.rows(`KILL CONNECTION ${id}`);
      if (id) killed++;
    }
    ids.push(...(await calls));
    return killed;
  });
  for (const id of ids) assert.match(id, /^ord_/);
  assert.equal(new Set(ids).size, ids.length);
  assert.equal(await sql.count('SELECT COUNT(*) FROM orders'), had + ids.length);
  assert.match(desk.command(['audit', 'verify']), /: intact/);
});
