// The sandbox as kuaidi100: signs as the published vectors do, knows what was scanned, pushes with a salt.

import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { after, before, beforeEach, describe, test } from 'node:test';
import { Listener, Sandbox, raw, until, vectors } from './sandbox.mjs';

const md5 = (text) => crypto.createHash('md5').update(text).digest('hex').toUpperCase();

let box, ear, keys;
before(async () => {
  box = await Sandbox.start();
  ear = await Listener.start();
  ear.normally = [200, '{"result":true,"returnCode":"200","message":"成功"}'];
  keys = box.conf.kuaidi100;
});
after(async () => (await box.stop(), await ear.stop()));
beforeEach(async () => {
  box.clock.set(0);
  await box.post('reset');
  ear.answers.length = 0;
});

async function form(path, fields) {
  const answer = await raw(box.port, { path, body: new URLSearchParams(fields).toString(),
    headers: { Host: `kuaidi100.localhost:${box.port}`, 'Content-Type': 'application/x-www-form-urlencoded' } });
  assert.equal(answer.status, 200);
  return JSON.parse(answer.text);
}
let count = 0;
const number = () => `SF12345678${process.pid}${++count}`;
function query(num, { param = {}, sign, customer = keys.customer } = {}) {
  const text = JSON.stringify({ com: 'shunfeng', num, phone: '0000', resultv2: '4', show: '0', order: 'desc', ...param });
  return form('/poll/query.do', { customer, sign: sign ?? md5(text + keys.key + customer), param: text });
}
function subscribe(num, { param = {}, parameters = {} } = {}) {
  return form('/poll', { schema: 'json', param: JSON.stringify({ company: 'shunfeng', number: num, from: '北京', to: '上海',
    key: keys.key, ...param, parameters: { callbackurl: ear.url(`/push/${num}`), salt: 'saltsalt', resultv2: '4', phone: '13800000000', ...parameters } }) });
}
const advance = (num, state, context = '', status) => box.post('kuaidi100/advance', { number: num, state, context }, status);
function read({ headers, body }) {
  assert.match(headers['content-type'], /^application\/x-www-form-urlencoded/);
  const fields = new URLSearchParams(body);
  return { param: fields.get('param'), sign: fields.get('sign'), what: JSON.parse(fields.get('param')) };
}
const genuine = ({ param, sign }) => sign === md5(param + 'saltsalt');

test('the vectors: what this file calls a signature is one', () => {
  const q = vectors.kuaidi100_query, p = vectors.kuaidi100_push;
  assert.equal(md5(q.param + q.key + q.customer), q.sign);
  assert.equal(md5(p.param + p.salt), p.sign);
});

describe('query', () => {
  test('a parcel from pick-up to signature, newest event first', async () => {
    const num = number();
    assert.deepEqual((await query(num)).returnCode, '500', 'no record yet');
    await advance(num, '1', '顺丰速运 已收取快件');
    await advance(num, '0');
    await advance(num, '3', '已签收');
    const said = await query(num);
    assert.deepEqual([said.message, said.status, said.state, said.ischeck, said.nu, said.com],
      ['ok', '200', '3', '1', num, 'shunfeng']);
    assert.deepEqual(said.data.map((e) => e.statusCode), ['3', '0', '1']);
    assert.match(said.data[0].ftime, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
  });
  test('refusals', async () => {
    const num = number();
    await advance(num, '1');
    assert.equal((await query(num, { sign: '0'.repeat(32) })).returnCode, '503');
    const good = md5(JSON.stringify({ com: 'shunfeng', num, phone: '0000', resultv2: '4', show: '0', order: 'desc' }) +
      keys.key + keys.customer);
    assert.equal((await query(num, { sign: good })).message, 'ok');
    assert.equal((await query(num, { sign: good.toLowerCase() })).returnCode, '503', 'upper case');
    assert.equal((await query(num, { sign: good, param: { phone: '0001' } })).returnCode, '503', 'one digit changed');
    assert.equal((await query(num, { customer: 'NOBODY' })).returnCode, '400');
    assert.equal((await query(num, { param: { phone: '' } })).returnCode, '408', 'SF needs a phone');
    assert.equal((await query(num, { param: { com: 'nobody' } })).returnCode, '400');
    assert.equal((await query(num, { param: { com: 'ems' } })).returnCode, '500', 'another courier\'s');
  });
});

describe('subscription and push', () => {
  test('every scan is pushed with its sign, the last one as shutdown', async () => {
    const num = number();
    assert.deepEqual(await subscribe(num), { result: true, returnCode: '200', message: '提交成功' });
    assert.equal((await subscribe(num)).returnCode, '501');
    await advance(num, '1');
    const first = read(await ear.nth(`/push/${num}`));
    assert.ok(genuine(first));
    assert.deepEqual([first.what.status, first.what.lastResult.state, first.what.lastResult.nu], ['polling', '1', num]);
    await advance(num, '3');
    const last = read(await ear.nth(`/push/${num}`, 2));
    assert.ok(genuine(last));
    assert.deepEqual([last.what.status, last.what.lastResult.ischeck, last.what.lastResult.data.length], ['shutdown', '1', 2]);
    assert.deepEqual((await query(num)).data, last.what.lastResult.data);
  });
  test('refusals', async () => {
    assert.equal((await subscribe(number(), { param: { key: 'wrong' } })).returnCode, '600');
    assert.equal((await subscribe(number(), { param: { company: 'nobody' } })).returnCode, '700');
    assert.equal((await subscribe('x')).returnCode, '700');
    assert.equal((await subscribe(number(), { parameters: { callbackurl: '' } })).returnCode, '700');
    assert.equal((await subscribe(number(), { parameters: { phone: '' } })).returnCode, '700', 'SF needs a phone');
    assert.equal((await form('/poll', { schema: 'xml', param: '{}' })).returnCode, '500');
  });
  test('twice, forged, unsigned, late, never', async () => {
    const num = number(), where = `/push/${num}`;
    await subscribe(num);
    await box.fault('kuaidi100', 'push', 'twice');
    await advance(num, '1');
    const [a, b] = [read(await ear.nth(where, 1)), read(await ear.nth(where, 2))];
    assert.ok(genuine(a) && a.param === b.param);
    for (const [n, kind] of [[3, 'forged'], [5, 'unsigned']]) {
      ear.answers.push([200, '{"result":false,"returnCode":"500","message":"失败"}']);
      await box.fault('kuaidi100', 'push', kind);
      await advance(num, '0');
      assert.equal(genuine(read(await ear.nth(where, n))), false, kind);
      assert.ok(genuine(read(await ear.nth(where, n + 1))));
    }
    await box.fault('kuaidi100', 'push', 'late');
    await advance(num, '5');
    box.clock.advance(60_000);
    assert.equal(read(await ear.nth(where, 7)).what.lastResult.state, '5');
    await box.fault('kuaidi100', 'push', 'never');
    await advance(num, '3');
    assert.equal((await query(num)).state, '3', 'only a query tells');
    assert.equal((await box.get('deliveries')).deliveries.length, 0);
    assert.equal(ear.got.filter((g) => g.url === where).length, 7);
  });
  test('without a salt there is no sign; without result:true it comes again after 30 minutes', async () => {
    const num = number(), where = `/push/${num}`;
    await subscribe(num, { parameters: { salt: '' } });
    ear.answers.push([200, '{"result":false}']);
    await advance(num, '1');
    assert.equal(read(await ear.nth(where)).sign, null);
    await until('it is put off', async () => (await box.get('deliveries')).deliveries[0]?.attempt === 1);
    box.clock.advance(30 * 60_000);
    await ear.nth(where, 2);
  });
  test('states that do not exist, numbers that cannot be', async () => {
    await advance(number(), '99', '', 400);
    await advance('x', '1', '', 400);
  });
});

describe('faults of calls', () => {
  for (const [kind, want] of [['fail', '500'], ['busy', '500'], ['bad_signature', '503'], ['rate_limited', '505']])
    test(`${kind} is ${want}`, async () => {
      await box.fault('kuaidi100', 'subscribe', kind);
      const num = number();
      assert.equal((await subscribe(num)).returnCode, want);
      assert.equal((await subscribe(num)).returnCode, '200');
    });
  test('a lost answer: it is subscribed', async () => {
    const num = number();
    await box.fault('kuaidi100', 'subscribe', 'lose_answer');
    await assert.rejects(subscribe(num));
    assert.equal((await subscribe(num)).returnCode, '501');
  });
});
