// The sandbox as a supplier that speaks the desk's own protocol: driven by calls that are signed here with node:crypto,
// written from the text at the top of identity_http.c.

import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { after, before, beforeEach, test } from 'node:test';
import { Sandbox, raw } from './sandbox.mjs';

const person = { name: '张三', id_number: '110101199003070134', phone: '13800000000' };
const sign = (kind, ts, nonce, body, key = box.conf.http.key) =>
  crypto.createHmac('sha256', key).update(`${kind}\n${ts}\n${nonce}\n${body}`).digest('hex');

let box;
before(async () => (box = await Sandbox.start()));
after(() => box.stop());
beforeEach(() => (box.clock.set(0), box.post('reset')));

function question(check, fields, { at = box.clock.now(), key, nonce = crypto.randomBytes(16).toString('hex') } = {}) {
  const body = JSON.stringify({ check, ...fields });
  const ts = String(Math.floor(at / 1000));
  return { path: `/${check}`, body, headers: { Host: new URL(box.conf.http[`${check}_url`]).host, 'Content-Type': 'application/json',
    'X-Certdesk-Timestamp': ts, 'X-Certdesk-Nonce': nonce, 'X-Certdesk-Signature': sign('request', ts, nonce, body, key) } };
}
async function ask(check, fields) {
  const q = question(check, fields);
  const { status, headers, text } = await raw(box.port, q);
  assert.equal(status, 200, text);
  assert.equal(headers['x-certdesk-nonce'], q.headers['X-Certdesk-Nonce'], 'the answer to this question');
  assert.equal(headers['x-certdesk-signature'], sign('answer', headers['x-certdesk-timestamp'], headers['x-certdesk-nonce'], text));
  return JSON.parse(text);
}
const status = async (q) => (await raw(box.port, q)).status;

test('checks', async () => {
  const said = await ask('phone3', person);
  assert.deepEqual([said.verdict, said.fields, said.billed, typeof said.id], ['MATCH', [], true, 'string']);
  assert.equal((await ask('phone3', { ...person, name: '张不一致' })).verdict, 'MISMATCH');
  assert.deepEqual((({ verdict, fields }) => [verdict, fields])(await ask('phone3', { ...person, phone: '1' })), ['INVALID', ['PHONE']]);
  assert.equal((await ask('bank4', { ...person, card_number: '6222020200000000006' })).verdict, 'MATCH');
  const company = { name: '注销公司', uscc: '91350100M000100Y43', legal_rep_name: '李不一致', legal_rep_id: person.id_number };
  assert.deepEqual((({ verdict, fields, operating }) => [verdict, fields, operating])(await ask('enterprise4', company)),
    ['MISMATCH', ['LEGAL_REP_NAME'], 'CANCELLED']);
});
test('faces', async () => {
  const { token, url, expires_ms: until } = await ask('face_start', { name: person.name, id_number: person.id_number, our_no: 'n' });
  assert.ok(until > box.clock.now() && url.endsWith(`/face/${token}`));
  assert.equal((await ask('face_query', { token })).verdict, 'PENDING');
  await box.post('face', { token, outcome: 'pass' });
  assert.equal((await ask('face_query', { token })).verdict, 'MATCH');
  assert.equal((await ask('face_query', { token: 'x' })).verdict, 'NO_SESSION');
});
test('what is not signed well is refused, and a replay is', async () => {
  assert.equal(await status(question('phone3', person, { key: 'x' })), 401);
  assert.equal(await status(question('phone3', person, { at: box.clock.now() - 302_000 })), 401);
  assert.equal(await status(question('phone3', person, { at: box.clock.now() + 302_000 })), 401);
  assert.equal(await status(question('phone3', person, { nonce: 'short' })), 401);
  const changed = question('phone3', person);
  changed.body = changed.body.replace('138', '139');
  assert.equal(await status(changed), 401);
  const elsewhere = question('phone3', person);
  elsewhere.path = '/bank4';
  assert.equal(await status(elsewhere), 404, 'what is asked is signed');
  for (const name of ['X-Certdesk-Timestamp', 'X-Certdesk-Nonce', 'X-Certdesk-Signature']) {
    const less = question('phone3', person);
    delete less.headers[name];
    assert.equal(await status(less), 401, name);
  }
  const once = question('phone3', person);
  assert.deepEqual([await status(once), await status(once)], [200, 401]);
});
test('what is ordered to go wrong', async () => {
  for (const [kind, code] of [['busy', 503], ['rate_limited', 429], ['fail', 500]]) {
    await box.fault('http', 'phone3', kind);
    assert.equal(await status(question('phone3', person)), code);
  }
  await box.fault('http', 'phone3', 'daily_limit');
  assert.equal((await ask('phone3', person)).verdict, 'LIMIT');
  for (const kind of ['bad_signature', 'stale', 'forged']) {
    await box.fault('http', 'phone3', kind);
    const q = question('phone3', person);
    const { headers, text } = await raw(box.port, q);
    const good = headers['x-certdesk-signature'] === sign('answer', headers['x-certdesk-timestamp'], q.headers['X-Certdesk-Nonce'], text) &&
      Math.abs(box.clock.now() / 1000 - Number(headers['x-certdesk-timestamp'])) < 300;
    assert.ok(!good, kind);
  }
  assert.doesNotMatch(JSON.stringify(await box.calls('http', 'phone3')), /110101199003070134|张三/);
});
