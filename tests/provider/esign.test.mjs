// The sandbox as e签宝's open platform. The supplier has no SDK that can be had here: the calls below are signed with
// node:crypto, written from the supplier's text and apart from the adapter and the sandbox, and held to the vector.

import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { after, before, beforeEach, describe, test } from 'node:test';
import { Listener, Sandbox, raw, until, vectors } from './sandbox.mjs';

const TYPE = 'application/json; charset=UTF-8';
const md5 = (body) => crypto.createHash('md5').update(body).digest('base64');
const hmac = (key, text, as) => crypto.createHmac('sha256', key).update(text).digest(as);
const textToSign = (method, digest, target) => [method, '*/*', digest, TYPE, '', target].join('\n');

const person = { name: '张三', idNo: '110101199003070134', mobileNo: '13800000000' };
const company = { name: '测试科技有限公司', orgCode: '91350100M000100Y43', legalRepName: '张三' };
const account = { bank: '平安银行', province: '浙江', city: '杭州市', subbranch: '平安银行杭州高新支行', cnapsCode: '307331002584' };
const days = 24 * 3600 * 1000;

let box, listener, accounts = 0;
before(async () => ((box = await Sandbox.start()), (listener = await Listener.start())));
after(() => Promise.all([box.stop(), listener.stop()]));
beforeEach(async () => {
  box.clock.set(0);
  listener.got.length = 0;
  await box.post('reset');
  await box.post('config', { callback_scale: 0.001 });
});

function signed(method, path, { body, query = {}, secret = box.conf.esign.app_secret, at = box.clock.now(), encoded = false } = {}) {
  const text = body === undefined ? '' : JSON.stringify(body);
  const digest = text && md5(text);
  const pairs = Object.entries(query).sort();
  const join = (encode) => pairs.map(([k, v]) => `${k}=${encode(v)}`).join('&');
  const tail = (encode) => (pairs.length ? `?${join(encode)}` : '');
  const target = path + tail(encoded ? encodeURIComponent : (v) => v);
  return { method, path: path + tail(encodeURIComponent), body: text, headers: {
    Host: `esign.localhost:${box.port}`, Accept: '*/*', 'Content-Type': TYPE, ...(text ? { 'Content-MD5': digest } : {}),
    'X-Tsign-Open-App-Id': box.conf.esign.app_id, 'X-Tsign-Open-Auth-Mode': 'Signature',
    'X-Tsign-Open-Ca-Timestamp': String(at), 'X-Tsign-Open-Ca-Signature': hmac(secret, textToSign(method, digest, target), 'base64') } };
}
async function send(request, status = 200) {
  const answer = await raw(box.port, request);
  assert.equal(answer.status, status, answer.text);
  return JSON.parse(answer.text);
}
const call = (method, path, options) => send(signed(method, path, options));
const verify = (what, body) => call('POST', `/v2/identity/verify/${what}`, { body });
const org = (flow, what) => `/v2/identity/auth/pub/organization/${flow}/${what}`;
const open = async (more) => (await call('POST', '/v2/identity/auth/api/organization/enterprise/fourFactors',
  { body: { ...company, legalRepIdNo: person.idNo, contextId: 'ours-1', notifyUrl: listener.url('/org'), ...more } })).data?.flowId;
const pay = (flow, more) => call('PUT', org(flow, 'transferRandomAmount'),
  { body: { ...account, cardNo: `110034916${String(++accounts).padStart(5, '0')}`, ...more } });
const process = async (flow) => (await call('GET', org(flow, 'transferProcess'))).data?.process;
const confirm = async (flow, amount) => (await call('PUT', org(flow, 'verifyRandomAmount'), { body: { amount } })).code;
const amountOf = async (flow) => (await box.get(`esign/transfers?flow=${flow}`)).transfers[0].transfer.amount_fen / 100;

describe('the gateway', () => {
  test('this file signs as the vector says', () => {
    const v = vectors.esign_sign;
    assert.equal(md5(v.body), v.content_md5);
    const text = textToSign('POST', v.content_md5, '/v2/identity/verify/individual/telecom3Factors');
    assert.equal(text, v.string_to_sign);
    assert.equal(hmac(v.app_secret, text, 'base64'), v.signature);
  });
  const path = '/v2/identity/verify/individual/telecom3Factors';
  const spoil = (change) => {
    const request = signed('POST', path, { body: person });
    change(request);
    return send(request, 401).then((said) => said.message);
  };
  for (const [what, change, message] of [
    ['another secret', (r) => (r.headers['X-Tsign-Open-Ca-Signature'] = hmac('x', '', 'base64')), 'INVALID_SIGNATURE'],
    ['one bit of the signature', (r) => {
      const raw = Buffer.from(r.headers['X-Tsign-Open-Ca-Signature'], 'base64');
      raw[3] ^= 4;
      r.headers['X-Tsign-Open-Ca-Signature'] = raw.toString('base64');
    }, 'INVALID_SIGNATURE'],
    ['another path', (r) => (r.path = '/v2/identity/verify/individual/bank4Factors'), 'INVALID_SIGNATURE'],
    ['another method', (r) => ((r.method = 'PUT'), (r.path = org('3', 'verifyRandomAmount'))), 'INVALID_SIGNATURE'],
    ['one byte of the body', (r) => (r.body = r.body.replace('张三', '张四')), 'INVALID_CONTENT_MD5'],
    ['no Content-MD5', (r) => delete r.headers['Content-MD5'], 'INVALID_CONTENT_MD5'],
    ['a Content-MD5 of another body', (r) => ((r.body = '{}'), (r.headers['Content-MD5'] = md5('{}'))), 'INVALID_SIGNATURE'],
    ['another application', (r) => (r.headers['X-Tsign-Open-App-Id'] = '7438999999'), '无效的应用'],
    ['no signature', (r) => delete r.headers['X-Tsign-Open-Ca-Signature'], '缺少参数'],
    ['another way of proof', (r) => delete r.headers['X-Tsign-Open-Auth-Mode'], 'AUTHSTRATEGY_NOT_FOUND'],
    ['a clock that is 16 minutes late', (r) => (r.headers['X-Tsign-Open-Ca-Timestamp'] = String(box.clock.now() - 16 * 60000)), 'INVALID_TIMESTAMP'],
    ['a clock that is 16 minutes early', (r) => (r.headers['X-Tsign-Open-Ca-Timestamp'] = String(box.clock.now() + 16 * 60000)), 'INVALID_TIMESTAMP'],
    ['no clock', (r) => (r.headers['X-Tsign-Open-Ca-Timestamp'] = 'now'), 'INVALID_TIMESTAMP'],
  ]) test(`${what}: ${message}`, async () => assert.equal(await spoil(change), message));
  test('a clock that is 14 minutes off is taken', async () =>
    assert.equal((await send(signed('POST', path, { body: person, at: box.clock.now() - 14 * 60000 }))).code, 0));
  test('a query may be signed as it is sent or as it reads', async () => {
    const flow = await open();
    for (const encoded of [false, true]) {
      const said = await call('GET', org(flow, 'subbranch'), { query: { keyWord: '平安银行杭州高新支行' }, encoded });
      assert.equal(said.data.list[0].cnapsCode, '307331002584');
    }
  });
  test('an address that is none', () => send(signed('GET', '/v2/none'), 404));
});

describe('comparisons', () => {
  for (const [what, change, plain, detailed] of [
    ['data that match', {}, 0, 0],
    ['data that do not', { name: '张不一致' }, 30504001, 30501006],
    ['no record', { name: '张查无' }, 30504002, 30504002],
    ['a malformed number', { idNo: '110101199003070135' }, 30500101, 30500118],
    ['a malformed phone', { mobileNo: '1' }, 30500101, 30500120],
    ['a malformed name', { name: '3' }, 30500101, 30500119],
    ['a missing phone', { mobileNo: '' }, 30500100, 30500100],
  ]) test(`phone three-factor: ${what}`, async () => {
    assert.equal((await verify('individual/telecom3Factors', { ...person, ...change })).code, plain);
    assert.equal((await verify('individual/telecom3Factors/detail', { ...person, ...change })).code, detailed);
  });
  for (const [what, change, plain, detailed] of [
    ['data that match', {}, 0, 0],
    ['data that do not', { name: '张不一致' }, 30504001, 30504038],
    ['a malformed card', { cardNo: '6222020200000000005' }, 30500101, 30504034],
  ]) test(`bank four-factor: ${what}`, async () => {
    const card = { ...person, cardNo: '6222020200000000006', ...change };
    assert.equal((await verify('individual/bank4Factors', card)).code, plain);
    assert.equal((await verify('individual/bank4Factors/detail', card)).code, detailed);
  });
  test('enterprise four-factor', async () => {
    const ask = (more) => verify('organization/enterprise/bureau4Factors', { ...company, legalRepCertNo: person.idNo, ...more });
    const said = await ask();
    assert.deepEqual([said.code, said.data.compareDetails], [0, null]);
    assert.match(said.data.verifyId, /^[0-9a-f-]{36}$/);
    assert.equal((await ask({ legalRepName: '李不一致' })).code, 30504001);
    assert.equal((await ask({ name: '查无公司' })).code, 30504002);
    await box.post('config', { esign_details: true });
    assert.deepEqual((await ask({ name: '注销公司', legalRepName: '李不一致' })).data.compareDetails,
      { sameOrgName: '1', sameOrgCode: '1', sameLegalRepresentative: '0', sameLegalRepresentativeCode: '1', legalOrgState: '2' });
  });
  test('what is ordered to go wrong', async () => {
    for (const [kind, code] of [['busy', 30500000], ['rate_limited', 30504900], ['daily_limit', 30500052], ['arrears', 30503107]]) {
      await box.fault('esign', 'telecom3Factors', kind);
      assert.equal((await verify('individual/telecom3Factors', person)).code, code);
    }
    await box.fault('esign', 'telecom3Factors', 'fail');
    await send(signed('POST', '/v2/identity/verify/individual/telecom3Factors', { body: person }), 500);
  });
  test('the log is masked', async () => {
    await verify('individual/telecom3Factors', person);
    assert.doesNotMatch(JSON.stringify(await box.calls('esign', 'telecom3Factors')), /110101199003070134|13800000000|张三/);
  });
});

// The signature of a callback as the text says it.
function believed({ url, headers, body }) {
  const values = [...new URL(url, 'http://x').searchParams].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, v]) => v).join('');
  assert.equal(headers['x-tsign-open-signature-algorithm'], 'hmac-sha256');
  assert.equal(headers['x-tsign-open-app-id'], box.conf.esign.app_id);
  const ts = headers['x-tsign-open-timestamp'];
  return Math.abs(box.clock.now() - Number(ts)) < 900_000 &&
    headers['x-tsign-open-signature'] === hmac(box.conf.esign.app_secret, ts + values + body, 'hex');
}

describe('faces', () => {
  const start = (more) => call('POST', '/v2/identity/auth/api/individual/face', { body: { name: person.name, idNo: person.idNo,
    faceauthMode: 'TENCENT', contextId: 'fac-1', callbackUrl: 'https://desk.example/', notifyUrl: listener.url('/face?b=2&a=%E4%B8%80'), ...more } });
  const state = (flow) => call('GET', `/v2/identity/auth/pub/individual/${flow}/face`);
  test('a flow, its state, its callback', async () => {
    const { data } = await start();
    assert.match(data.flowId, /^\d{18}$/);
    assert.equal(data.authUrl, `http://127.0.0.1:${box.port}/face/${data.flowId}`);
    assert.ok(data.expire > box.clock.now());
    assert.equal((await state(data.flowId)).data.status, 'ING');
    await box.post('face', { token: data.flowId, outcome: 'pass' });
    assert.deepEqual((({ status, failedReasonCode }) => [status, failedReasonCode])((await state(data.flowId)).data), ['SUCCESS', null]);
    const told = await listener.nth('/face?b=2&a=%E4%B8%80');
    assert.ok(believed(told));
    const { flowId, success, contextId, verifycode } = JSON.parse(told.body);
    assert.deepEqual([flowId, success, contextId, typeof verifycode], [data.flowId, true, 'fac-1', 'string']);
  });
  for (const [outcome, name, reason] of [['other_person', '张三', '1445900'], ['not_live', '张三', '1445011'], ['pass', '张不一致', '1445902']])
    test(`${outcome} of ${name} fails with ${reason}`, async () => {
      const { data } = await start({ name });
      await box.post('face', { token: data.flowId, outcome });
      const said = (await state(data.flowId)).data;
      assert.deepEqual([said.status, said.failedReasonCode], ['FAIL', reason]);
    });
  test('over, unknown, malformed', async () => {
    const { data } = await start();
    await box.post('face', { token: data.flowId, outcome: 'abandon' });
    assert.equal((await state(data.flowId)).data.status, 'ING');
    box.clock.set(2 * 3600 * 1000);
    assert.equal((await state(data.flowId)).code, 30500003);
    assert.equal((await state('1')).code, 30500001);
    assert.equal((await start({ faceauthMode: 'X' })).code, 30500101);
    assert.ok(!listener.got.some((one) => one.body.includes(data.flowId)), 'nobody is told');
  });
});

describe('micro-deposits', () => {
  test('compared, paid, told, confirmed', async () => {
    const flow = await open();
    assert.equal(await process(flow), 'INIT');
    assert.equal((await pay(flow, { contextId: 'ours-2', notifyUrl: listener.url('/paid') })).code, 0);
    assert.equal(await process(flow), 'PAID_SUCCESS');
    const told = await listener.nth('/paid');
    assert.ok(believed(told));
    const { result, pizId, flowId, action } = JSON.parse(told.body);
    assert.deepEqual([result, pizId, flowId, action], ['PAY_SUCCESS', 'ours-2', flow, 'identity_org_payed']);
    const amount = await amountOf(flow);
    assert.ok(amount >= 0.01 && amount <= 0.99);
    assert.equal(await confirm(flow, amount === 0.99 ? 0.01 : amount + 0.01), 30502002);
    assert.equal(await confirm(flow, amount), 0);
    assert.equal(await process(flow), 'ORGANFINISHED');
    assert.equal(await confirm(flow, amount), 30500002);
    assert.equal(JSON.parse((await listener.nth('/org')).body).action, 'identity_org_end');
  });
  test('three wrong amounts end the flow', async () => {
    const flow = await open();
    await pay(flow);
    const amount = await amountOf(flow), wrong = amount === 0.5 ? 0.51 : 0.5;
    assert.deepEqual([await confirm(flow, wrong), await confirm(flow, wrong), await confirm(flow, wrong), await confirm(flow, amount)],
      [30502002, 30502002, 30502003, 30500002]);
    assert.equal((await pay(flow)).code, 30500002);
  });
  test('an amount is confirmed within seven days, or is paid again', async () => {
    const flow = await open();
    await pay(flow);
    const first = await amountOf(flow);
    box.clock.set(7 * days + 60000);
    assert.equal(await confirm(flow, first), 30502014);
    assert.equal((await pay(flow)).code, 0);
    assert.equal(await confirm(flow, await amountOf(flow)), 0);
  });
  test('an account gets ten orders a day', async () => {
    const flow = await open();
    for (let i = 0; i < 10; i++) assert.equal((await pay(flow, { cardNo: '11003491675702' })).code, 0);
    assert.equal((await pay(flow, { cardNo: '11003491675702' })).code, 30500052);
    box.clock.set(days);
    assert.equal((await pay(flow, { cardNo: '11003491675702' })).code, 0);
  });
  test('the bank refuses, waits, sends back', async () => {
    const flow = await open();
    await box.fault('esign', 'transferRandomAmount', 'closed');
    await pay(flow);
    assert.equal(await process(flow), 'PAID_FAILED');
    assert.equal(await confirm(flow, 0.01), 30502013);
    await box.post('config', { transfer: 'wait' });
    await pay(flow);
    assert.equal(await process(flow), 'PAID');
    await box.post('esign/transfer', { flow, outcome: 'sent' });
    assert.equal(await process(flow), 'PAID_SUCCESS');
    await box.post('esign/transfer', { our_no: 'ours-1', outcome: 'fail' });
    assert.equal(await process(flow), 'PAID_FAILED');
    await box.post('esign/transfer', { flow: 'x', outcome: 'sent' }, 409);
  });
  test('what is refused', async () => {
    assert.equal(await open({ legalRepName: '李不一致' }), undefined);
    assert.equal((await call('GET', org('1', 'transferProcess'))).code, 30500004);
    const flow = await open();
    assert.equal((await pay(flow, { province: '' })).code, 30500100);
    assert.equal((await pay(flow, { cardNo: 'ab' })).code, 30500101);
    assert.equal((await call('PUT', org(flow, 'verifyRandomAmount'), { body: {} })).code, 30500100);
    assert.equal((await call('GET', org(flow, 'subbranch'))).code, 30500100);
    assert.equal((await call('GET', org(flow, 'subbranch'), { query: { cnapsCode: 'x' } })).code, 30500101);
    assert.equal((await call('GET', org(flow, 'subbranch'), { query: { keyWord: '某银行' } })).data.list.length, 2);
  });
});

describe('callbacks', () => {
  const end = async (kind, more) => {
    const flow = await open({ notifyUrl: '' });
    if (kind) await box.fault('esign', 'callback', kind, more);
    await pay(flow, { notifyUrl: listener.url('/cb') });
    return flow;
  };
  for (const kind of ['forged', 'unsigned', 'stale'])
    test(`${kind}: first one that is not to be believed`, async () => {
      await end(kind);
      assert.ok(!believed(await listener.nth('/cb', 1)));
      assert.ok(believed(await listener.nth('/cb', 2)));
    });
  test('twice, never, late', async () => {
    await end('twice');
    assert.equal((await listener.nth('/cb', 1)).body, (await listener.nth('/cb', 2)).body);
    await end('never');
    await end('late', { ms: 3600_000 });
    await until('one waits', async () => (await box.get('deliveries')).deliveries.length === 1);
    assert.equal(listener.got.length, 2);
    box.clock.set(3601_000);
    await listener.nth('/cb', 3);
  });
  test('tried three times', async () => {
    listener.answers = [[500, ''], [302, ''], [204, '']];
    await end();
    await listener.nth('/cb', 3);
    await until('given up', async () => (await box.get('deliveries')).deliveries.length === 0);
    assert.equal(listener.got.length, 3);
  });
});
