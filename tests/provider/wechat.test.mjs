// The sandbox as WeChat Pay: two SDKs are accepted and accept what it signs; what WeChat refuses is refused.

import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, beforeEach, describe, test } from 'node:test';
import { Listener, Sandbox, raw, until } from './sandbox.mjs';

const require = createRequire(import.meta.url);
const { Wechatpay, Rsa, Aes, Formatter } = require('wechatpay-axios-plugin');
const { default: axios } = require('axios');
const WxPay = require('wechatpay-node-v3');

let box, ear, sdk, wx;
before(async () => {
  box = await Sandbox.start();
  ear = await Listener.start();
  wx = box.conf.wechat;
  Formatter.timestamp = () => Math.floor(box.clock.now() / 1000); // the SDK lives by the sandbox's clock
  const pem = (file) => fs.readFileSync(file, 'utf8');
  const pub = Rsa.from(pem(wx.platform_key_file), Rsa.KEY_TYPE_PUBLIC);
  sdk = new Wechatpay({ mchid: wx.mchid, serial: wx.merchant_serial, baseURL: wx.url,
    privateKey: Rsa.from(pem(wx.merchant_key_file), Rsa.KEY_TYPE_PRIVATE),
    certs: { [wx.platform_key_id]: pub, [wx.platform_certificate_serial]: pub } });
});
after(async () => (await box.stop(), await ear.stop()));
beforeEach(async () => {
  box.clock.set(0);
  await box.post('reset');
  ear.answers.length = 0;
});

let count = 0;
function order(more) {
  const out_trade_no = `ord_${process.pid}_${++count}`;
  return { appid: wx.appid, mchid: wx.mchid, description: '数字证书 一年 UKEY', out_trade_no,
    notify_url: ear.url(`/notify/${out_trade_no}`), amount: { total: 28000, currency: 'CNY' }, ...more };
}
const place = async (o) => (await sdk.v3.pay.transactions.native.post(o)).data;
const query = async (no) => (await sdk.v3.pay.transactions.outTradeNo[no].get({ params: { mchid: wx.mchid } })).data;
const close = (no) => sdk.v3.pay.transactions.outTradeNo[no].close.post({ mchid: wx.mchid });
const pay = (no, status) => box.post('wechat/pay', { out_trade_no: no }, status);

async function refused(promise, status, code) {
  const error = await promise.then(() => assert.fail('it was accepted'), (e) => e);
  assert.ok(error.response, String(error));
  assert.deepEqual([error.response.status, error.response.data.code], [status, code]);
  assert.match(error.response.headers['request-id'], /-\d+$/);
}

// What a merchant does with a callback: verify, then open. Throws when it is not the platform's.
function open({ headers, body }, at = box.clock.now()) {
  assert.ok(Math.abs(at / 1000 - Number(headers['wechatpay-timestamp'])) < 300, 'fresh');
  assert.equal(headers['wechatpay-serial'], wx.platform_key_id);
  const text = Formatter.response(headers['wechatpay-timestamp'], headers['wechatpay-nonce'], body);
  assert.ok(Rsa.verify(text, headers['wechatpay-signature'],
    Rsa.from(fs.readFileSync(wx.platform_key_file, 'utf8'), Rsa.KEY_TYPE_PUBLIC)), 'the signature verifies');
  const event = JSON.parse(body);
  const { ciphertext, nonce, associated_data: aad } = event.resource;
  return { event, what: JSON.parse(Aes.AesGcm.decrypt(ciphertext, wx.apiv3_key, nonce, aad)) };
}

describe('an order', () => {
  test('is placed, paid, called back and queried; the SDK verifies every answer', async () => {
    const o = order({ attach: '附加', time_expire: new Date(Date.now() + 3600_000).toISOString().replace(/\.\d+Z/, '+00:00') });
    const { code_url } = await place(o);
    assert.match(code_url, /^weixin:\/\/wxpay\/bizpayurl\?pr=\w+$/);
    const waiting = await query(o.out_trade_no);
    assert.deepEqual([waiting.trade_state, waiting.transaction_id], ['NOTPAY', undefined]);
    await pay(o.out_trade_no);
    const { event, what } = open(await ear.nth(`/notify/${o.out_trade_no}`));
    assert.deepEqual([event.event_type, event.resource_type, event.resource.original_type],
      ['TRANSACTION.SUCCESS', 'encrypt-resource', 'transaction']);
    const paid = await query(o.out_trade_no);
    assert.deepEqual(what, paid, 'callback and query tell the same');
    assert.deepEqual([paid.trade_state, paid.trade_type, paid.attach, paid.amount], ['SUCCESS', 'NATIVE', '附加',
      { total: 28000, currency: 'CNY', payer_total: 28000, payer_currency: 'CNY' }]);
    assert.match(paid.success_time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+08:00$/);
    const byId = await sdk.v3.pay.transactions.id[paid.transaction_id].get({ params: { mchid: wx.mchid } });
    assert.deepEqual(byId.data, paid);
  });
  test('again with the same parameters is the same order, with others it is refused', async () => {
    const o = order();
    await place(o);
    assert.ok((await place({ ...o })).code_url);
    await refused(place({ ...o, amount: { total: 1, currency: 'CNY' } }), 400, 'INVALID_REQUEST');
    await refused(place({ ...o, description: '别的' }), 400, 'INVALID_REQUEST');
    assert.equal((await box.get('wechat/orders')).orders.length, 1);
    await pay(o.out_trade_no);
    await refused(place(o), 400, 'ORDERPAID');
  });
  test('is closed once, and can then neither be paid nor placed', async () => {
    const o = order();
    await place(o);
    assert.equal((await close(o.out_trade_no)).status, 204);
    assert.equal((await query(o.out_trade_no)).trade_state, 'CLOSED');
    await pay(o.out_trade_no, 409);
    await refused(place(o), 400, 'ORDER_CLOSED');
    await refused(close(o.out_trade_no), 400, 'ORDER_CLOSED');
  });
  test('that is paid cannot be closed; one that is unknown cannot be found', async () => {
    const o = order();
    await place(o);
    await pay(o.out_trade_no);
    await pay(o.out_trade_no, 409);
    await refused(close(o.out_trade_no), 400, 'ORDERPAID');
    await refused(query('unknown_number'), 404, 'ORDER_NOT_EXIST');
    await refused(close('unknown_number'), 404, 'ORDER_NOT_EXIST');
  });
  test('the clocks: 2 hours for the code, time_expire or 7 days for the order', async () => {
    const [a, b] = [order({ time_expire: new Date(Date.now() + 4 * 3600_000).toISOString() }), order()];
    await place(a), await place(b);
    box.clock.set(2 * 3600_000 + 1000);
    await pay(a.out_trade_no, 409);
    await place(a); // a fresh code
    box.clock.set(4 * 3600_000 + 1000);
    const states = () => Promise.all([a, b].map(async (o) => (await query(o.out_trade_no)).trade_state));
    assert.deepEqual(await states(), ['CLOSED', 'NOTPAY']);
    box.clock.set(7 * 86400_000 + 1000);
    assert.deepEqual(await states(), ['CLOSED', 'CLOSED']);
  });
  for (const [field, change] of [
    ['out_trade_no', { out_trade_no: 'short' }], ['out_trade_no', { out_trade_no: 'with space' }],
    ['out_trade_no', { out_trade_no: 'x'.repeat(33) }], ['description', { description: '' }],
    ['description', { description: '长'.repeat(128) }], ['notify_url', { notify_url: 'https://a.b/c?d=e' }],
    ['amount/total', { amount: { total: 0 } }], ['amount/total', { amount: { total: '28000' } }],
    ['amount/total', { amount: { total: 1.5 } }], ['amount/currency', { amount: { total: 1, currency: 'USD' } }],
    ['attach', { attach: 'x'.repeat(129) }], ['time_expire', { time_expire: '2020-01-01T00:00:00+08:00' }],
    ['time_expire', { time_expire: 'tomorrow' }], ['mchid', { mchid: '1900000001' }],
  ]) test(`a wrong ${field} is named: ${JSON.stringify(change).slice(0, 50)}`, async () => {
    const error = await place(order(change)).then(() => assert.fail('accepted'), (e) => e.response);
    assert.deepEqual([error.status, error.data.code, error.data.detail.field], [400, 'PARAM_ERROR', `/${field}`]);
  });
  test('another appid', () => refused(place(order({ appid: 'wx0000000000000000' })), 400, 'APPID_MCHID_NOT_MATCH'));
});

describe('the other SDK (wechatpay-node-v3)', () => {
  test('places, queries, verifies and opens the callback, fetches the certificate', async () => {
    const it = new WxPay({ appid: wx.appid, mchid: wx.mchid, publicKey: Buffer.from('unused'),
      serial_no: wx.merchant_serial, privateKey: fs.readFileSync(wx.merchant_key_file), key: wx.apiv3_key });
    const here = (url) => url.replace('https://api.mch.weixin.qq.com', wx.url);
    const send = (method) => async (url, ...rest) => {
      const headers = rest.pop(), data = rest.pop();
      const a = await axios.request({ url: here(url), method, data, headers, validateStatus: () => true });
      return { status: a.status, data: a.data, headers: a.headers };
    };
    it.createHttp({ get: send('get'), post: send('post') });
    const o = order();
    const { appid, mchid, ...rest } = o;
    const placed = await it.transactions_native(rest);
    assert.match(placed.data.code_url, /^weixin:/);
    await pay(o.out_trade_no);
    const seen = await it.query({ out_trade_no: o.out_trade_no });
    assert.equal(seen.data.trade_state, 'SUCCESS');
    const { headers, body } = await ear.nth(`/notify/${o.out_trade_no}`);
    const [certificate] = await it.get_certificates(wx.apiv3_key);
    assert.equal(certificate.serial_no, wx.platform_certificate_serial);
    assert.ok(it.verifySign({ timestamp: headers['wechatpay-timestamp'], nonce: headers['wechatpay-nonce'], body,
      serial: certificate.serial_no, signature: headers['wechatpay-signature'], apiSecret: wx.apiv3_key }));
    const { resource } = JSON.parse(body);
    const what = it.decipher_gcm(resource.ciphertext, resource.associated_data, resource.nonce, wx.apiv3_key);
    assert.equal(what.out_trade_no, o.out_trade_no);
  });
});

describe('who calls', () => {
  // Signed by hand; anything can be changed after signing.
  function signed(body, { method = 'POST', target = '/v3/pay/transactions/native', at = box.clock.now(),
    nonce = crypto.randomBytes(16).toString('hex'), mchid = wx.mchid, serial = wx.merchant_serial,
    key = fs.readFileSync(wx.merchant_key_file) } = {}) {
    const timestamp = Math.floor(at / 1000);
    const signature = crypto.sign('sha256', Buffer.from(`${method}\n${target}\n${timestamp}\n${nonce}\n${body}\n`), key);
    return { method, path: target, body, headers: { Host: `wechat.localhost:${box.port}`, Accept: 'application/json',
      'User-Agent': 'test', 'Content-Type': 'application/json',
      Authorization: `WECHATPAY2-SHA256-RSA2048 mchid="${mchid}",nonce_str="${nonce}",timestamp="${timestamp}",` +
        `serial_no="${serial}",signature="${signature.toString('base64')}"` } };
  }
  const outcome = async (request) => {
    const answer = await raw(box.port, request);
    return [answer.status, answer.text ? JSON.parse(answer.text).code ?? 'OK' : 'empty'];
  };
  const body = () => JSON.stringify(order());
  const bad = [401, 'SIGN_ERROR'];

  test('a good request, by name and by path', async () => {
    assert.deepEqual(await outcome(signed(body())), [200, 'OK']);
    const byPath = signed(body());
    byPath.path = `/wechat${byPath.path}`;
    byPath.headers.Host = `127.0.0.1:${box.port}`;
    assert.deepEqual(await outcome(byPath), [200, 'OK'], 'signed without the prefix');
    const whole = signed(body(), { target: '/wechat/v3/pay/transactions/native' });
    whole.headers.Host = `127.0.0.1:${box.port}`;
    assert.deepEqual(await outcome(whole), [200, 'OK'], 'signed with the prefix');
  });
  test('one bit changed in the body', async () => {
    const request = signed(body());
    for (const at of [1, 40, request.body.length - 1]) {
      const bytes = Buffer.from(request.body);
      bytes[at] ^= 1;
      assert.deepEqual(await outcome({ ...request, body: bytes }), bad);
    }
    assert.equal((await box.get('wechat/orders')).orders.length, 0);
  });
  test('another path, another method, another nonce, another time than was signed', async () => {
    const at = `/v3/pay/transactions/out-trade-no/abcdef?mchid=${wx.mchid}`;
    assert.deepEqual(await outcome(signed('', { method: 'GET', target: at })), [404, 'ORDER_NOT_EXIST']);
    const moved = signed('', { method: 'GET', target: at });
    moved.path = moved.path.replace('abcdef', 'abcdeg');
    assert.deepEqual(await outcome(moved), bad);
    const wrong = signed(body());
    for (const [from, to] of [[/nonce_str="./, 'nonce_str="Z'], [/timestamp="(\d+)\d"/, 'timestamp="$1x"'],
      [/signature="./, 'signature="!'], [/mchid="1/, 'mchid="2'], [/WECHATPAY2/, 'WECHATPAY3']]) {
      const headers = { ...wrong.headers, Authorization: wrong.headers.Authorization.replace(from, to) };
      assert.notEqual(headers.Authorization, wrong.headers.Authorization);
      assert.deepEqual(await outcome({ ...wrong, headers }), bad, String(from));
    }
  });
  test('301 s are too old or too new', async () => {
    const base = Math.floor(box.clock.now() / 1000) * 1000;
    assert.deepEqual(await outcome(signed(body(), { at: base - 301_000 })), bad);
    assert.deepEqual(await outcome(signed(body(), { at: base + 303_000 })), bad);
    assert.deepEqual(await outcome(signed(body(), { at: base - 298_000 })), [200, 'OK']);
    assert.deepEqual(await outcome(signed(body(), { at: base + 298_000 })), [200, 'OK']);
  });
  test('an unknown certificate, another key', async () => {
    assert.deepEqual(await outcome(signed(body(), { serial: 'F'.repeat(40) })), bad);
    const { privateKey } = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
    assert.deepEqual(await outcome(signed(body(), { key: privateKey })), bad);
  });
  test('a replay, even after a restart', async () => {
    const request = signed(body());
    assert.deepEqual(await outcome(request), [200, 'OK']);
    assert.deepEqual(await outcome(request), bad);
    await box.kill();
    await box.run();
    assert.deepEqual(await outcome(request), bad);
    assert.equal((await box.get('wechat/orders')).orders.length, 1);
  });
  test('headers that WeChat insists on; a platform key that is not its own', async () => {
    for (const [name, value] of [['Accept', undefined], ['User-Agent', undefined], ['Content-Type', 'text/plain'],
      ['Wechatpay-Serial', 'PUB_KEY_ID_0000000000000000000000000000000']]) {
      const request = signed(body());
      if (value === undefined) delete request.headers[name];
      else request.headers[name] = value;
      assert.deepEqual(await outcome(request), [400, 'PARAM_ERROR'], name);
    }
  });
  test('the answer is signed under the name that was asked for', async () => {
    for (const serial of [wx.platform_certificate_serial, wx.platform_key_id]) {
      const request = signed(body());
      request.headers['Wechatpay-Serial'] = serial;
      assert.equal((await raw(box.port, request)).headers['wechatpay-serial'], serial);
    }
    await box.post('config', { wechat_serial: 'certificate' });
    assert.equal((await raw(box.port, signed(body()))).headers['wechatpay-serial'], wx.platform_certificate_serial);
  });
  test('a body that is no JSON', async () => assert.deepEqual(await outcome(signed('{"a":')), [400, 'PARAM_ERROR']));
});

describe('faults of calls', () => {
  test('a lost answer: the order is there; asking again with the same parameters gives its code', async () => {
    const o = order();
    await box.fault('wechat', 'order', 'lose_answer');
    await assert.rejects(place(o), (e) => !e.response);
    assert.equal((await query(o.out_trade_no)).trade_state, 'NOTPAY');
    assert.match((await place(o)).code_url, /^weixin:/);
    assert.equal((await box.get('wechat/orders')).orders.length, 1);
  });
  test('a lost request: nothing is there', async () => {
    const o = order();
    await box.fault('wechat', 'order', 'lose_request');
    await assert.rejects(place(o), (e) => !e.response);
    await refused(query(o.out_trade_no), 404, 'ORDER_NOT_EXIST');
  });
  for (const [kind, status, code] of [['fail', 500, 'SYSTEM_ERROR'], ['busy', 500, 'BANK_ERROR'],
    ['rate_limited', 429, 'FREQUENCY_LIMITED']]) test(`${kind} is ${code}`, async () => {
    await box.fault('wechat', 'order', kind);
    const o = order();
    await refused(place(o), status, code);
    assert.ok((await place(o)).code_url);
  });
  test('an answer that is not the platform\'s is refused by the SDK', async () => {
    const o = order();
    for (const [kind, code] of [['bad_signature', 'EV3_RES_HEADER_SIGNATURE_DIGEST'], ['garbage', 'EV3_RES_HEADERS_INCOMPLATE']]) {
      await box.fault('wechat', 'order', kind);
      await assert.rejects(place(o), { code });
    }
  });
});

describe('callbacks', () => {
  async function paid(kind, more) {
    const o = order();
    await place(o);
    if (kind) await box.fault('wechat', 'callback', kind, more);
    await pay(o.out_trade_no);
    return o;
  }
  const where = (o) => `/notify/${o.out_trade_no}`;

  test('twice: the same event and the same bytes', async () => {
    const o = await paid('twice');
    const [a, b] = [await ear.nth(where(o)), await ear.nth(where(o), 2)];
    assert.equal(a.body, b.body);
    assert.notEqual(a.headers['wechatpay-nonce'], b.headers['wechatpay-nonce']);
    open(a), open(b);
  });
  test('late: after the query has found it', async () => {
    const o = await paid('late', { ms: 60_000 });
    assert.equal((await query(o.out_trade_no)).trade_state, 'SUCCESS');
    assert.equal((await box.get('deliveries')).deliveries.length, 1);
    assert.equal(ear.got.filter((g) => g.url === where(o)).length, 0);
    box.clock.advance(60_000);
    assert.equal(open(await ear.nth(where(o))).what.out_trade_no, o.out_trade_no);
  });
  test('never: only a query tells', async () => {
    const o = await paid('never');
    assert.equal((await box.get('deliveries')).deliveries.length, 0);
    assert.equal((await query(o.out_trade_no)).trade_state, 'SUCCESS');
  });
  test('a wrong amount and a wrong merchant are properly signed', async () => {
    const a = open(await ear.nth(where(await paid('wrong_amount'))));
    assert.equal(a.what.amount.total, 0);
    const b = open(await ear.nth(where(await paid('wrong_mchid'))));
    assert.equal(b.what.mchid, '1900009999');
  });
  test('a forgery does not verify, and the true one follows; likewise the platform\'s probe', async () => {
    ear.answers.push([401, '{"code":"FAIL","message":"no"}']);
    const o = await paid('forged_signature');
    const forged = await ear.nth(where(o));
    assert.throws(() => open(forged), /the signature verifies/);
    open(await ear.nth(where(o), 2));
    ear.answers.push([401, '{"code":"FAIL","message":"no"}']);
    const p = await paid('signtest');
    const probe = await ear.nth(where(p));
    assert.match(probe.headers['wechatpay-signature'], /^WECHATPAY\/SIGNTEST\//);
    assert.throws(() => open(probe), /the signature verifies/);
    open(await ear.nth(where(p), 2));
    await until('both are done', async () => (await box.get('deliveries')).deliveries.length === 0);
  });
  test('is tried again on schedule until it is accepted: 15 s, 15 s, 30 s', async () => {
    ear.answers.push([500, '{}'], [400, '{}'], [302, ''], [204, '']);
    const o = await paid();
    open(await ear.nth(where(o), 1));
    for (const [n, pause] of [[2, 15], [3, 15], [4, 30]]) {
      const { due_ms } = await until('it is put off', async () =>
        (await box.get('deliveries')).deliveries.find((d) => d.attempt === n - 1));
      assert.ok(Math.abs(due_ms - box.clock.now() - pause * 1000) < 2000, `pause ${n}`);
      box.clock.advance(pause * 1000);
      open(await ear.nth(where(o), n));
    }
    await until('it is done', async () => (await box.get('deliveries')).deliveries.length === 0);
  });
  test('survives a restart of the sandbox, and nobody but this machine is called', async () => {
    ear.answers.push([500, '{}']);
    await box.post('config', { callback_scale: 0.01 });
    const o = await paid();
    await ear.nth(where(o));
    await until('it is put off', async () => (await box.get('deliveries')).deliveries[0]?.attempt === 1);
    await box.kill();
    await box.run();
    open(await ear.nth(where(o), 2));
    const far = order({ notify_url: 'https://example.com/notify' });
    await place(far);
    await pay(far.out_trade_no);
    await until('it is not called', async () =>
      (await box.calls('wechat', 'callback')).some((c) => c.outcome.startsWith('not loopback')));
  });
});

describe('refunds and bills', () => {
  const refund = async (body) => (await sdk.v3.refund.domestic.refunds.post(body)).data;
  const refundQuery = async (no) => (await sdk.v3.refund.domestic.refunds[no].get()).data;
  async function bought() {
    const o = order();
    await place(o);
    await pay(o.out_trade_no);
    return o;
  }
  const back = (o, n, fen = 28000) => ({ out_trade_no: o.out_trade_no, out_refund_no: `${o.out_trade_no}_r${n}`,
    reason: '重复付款', notify_url: ear.url(`/refund/${o.out_trade_no}`), amount: { refund: fen, total: 28000, currency: 'CNY' } });

  test('accepted, then done, then told; the same number is the same refund', async () => {
    const o = await bought(), r = back(o, 1);
    assert.equal((await refund(r)).status, 'PROCESSING');
    box.clock.advance(2000);
    const { event, what } = open(await ear.nth(`/refund/${o.out_trade_no}`));
    assert.deepEqual([event.event_type, what.refund_status, what.amount.refund], ['REFUND.SUCCESS', 'SUCCESS', 28000]);
    const done = await refundQuery(r.out_refund_no);
    assert.deepEqual([done.status, done.amount.refund, done.refund_id], ['SUCCESS', 28000, what.refund_id]);
    assert.equal((await refund(r)).refund_id, done.refund_id);
    assert.equal((await query(o.out_trade_no)).trade_state, 'REFUND');
    await refused(refund(back(o, 2)), 400, 'INVALID_REQUEST');
    await refused(refund({ ...r, amount: { ...r.amount, refund: 1 } }), 400, 'INVALID_REQUEST');
  });
  test('in parts; abnormal; unpaid; unknown', async () => {
    const o = await bought();
    await refund(back(o, 1, 10000));
    await box.fault('wechat', 'refund', 'abnormal');
    await refund(back(o, 2, 18000));
    box.clock.advance(2000);
    assert.equal((await refundQuery(`${o.out_trade_no}_r2`)).status, 'ABNORMAL');
    const unpaid = order();
    await place(unpaid);
    await refused(refund(back(unpaid, 1)), 400, 'INVALID_REQUEST');
    await refused(refund(back(order(), 1)), 404, 'RESOURCE_NOT_EXISTS');
    await refused(refundQuery('nothing'), 404, 'RESOURCE_NOT_EXISTS');
  });
  test('the day\'s bill adds up, in yuan, with its digest', async () => {
    const day = box.clock.noon();
    const o = await bought();
    await refund(back(o, 1, 1005));
    const ask = () => sdk.v3.bill.tradebill.get({ params: { bill_date: day, bill_type: 'ALL' } });
    await refused(ask(), 400, 'STATEMENT_CREATING');
    box.clock.advance(2 * 86400_000);
    const { data: told } = await ask();
    const { pathname, search } = new URL(told.download_url);
    const token = new URLSearchParams(search).get('token');
    assert.equal(pathname, '/v3/billdownload/file');
    const { data: bill } = await sdk.v3.billdownload.file.get({ params: { token }, responseType: 'text' });
    assert.equal(crypto.createHash('sha1').update(bill).digest('hex'), told.hash_value);
    const lines = bill.trim().split('\r\n');
    assert.equal(lines.length, 5);
    assert.equal(lines[0].split(',').length, lines[1].split(',`').length);
    assert.match(lines.at(-1), /^`2,`280\.00,`10\.05,/);
  });
});
