// What is the same for all suppliers: the page for people, restarts, seeds, the closed door.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';
import { after, before, beforeEach, describe, test } from 'node:test';
import { Listener, Sandbox, build, raw, vectors } from './sandbox.mjs';

const require = createRequire(import.meta.url);
const { CommonClient } = require('tencentcloud-sdk-nodejs-common');
const { Wechatpay, Rsa } = require('wechatpay-axios-plugin');
const jsQR = require('jsqr');

let box;
before(async () => (box = await Sandbox.start()));
after(() => box.stop());
beforeEach(() => box.post('reset'));

const sendSms = (b, param) => new CommonClient('', '2021-01-11', { region: 'ap-guangzhou',
  credential: { secretId: b.conf.tencent.secret_id, secretKey: b.conf.tencent.secret_key },
  profile: { httpProfile: { endpoint: `sms.localhost:${b.port}`, protocol: 'http://' } },
}).request('SendSms', { PhoneNumberSet: ['+8613800000000'], SmsSdkAppId: b.conf.tencent.sms_sdk_app_id, TemplateId: '1',
  SignName: '证书', TemplateParamSet: [param], SessionContext: param });
function place(b, out_trade_no, notify_url = 'https://example.com/n') {
  const wx = b.conf.wechat;
  return new Wechatpay({ mchid: wx.mchid, serial: wx.merchant_serial, baseURL: wx.url,
    privateKey: Rsa.from(fs.readFileSync(wx.merchant_key_file, 'utf8'), Rsa.KEY_TYPE_PRIVATE),
    certs: { [wx.platform_key_id]: Rsa.from(fs.readFileSync(wx.platform_key_file, 'utf8'), Rsa.KEY_TYPE_PUBLIC) },
  }).v3.pay.transactions.native.post({ appid: wx.appid, mchid: wx.mchid, description: '证书 <b>', out_trade_no,
    notify_url, amount: { total: 28000 } });
}
const page = async () => (await fetch(`http://127.0.0.1:${box.port}/`)).text();

// Draws the squares of the page's QR code, 4 pixels each, as a camera would see them.
function photograph(svg) {
  const side = Number(/viewBox="0 0 (\d+)/.exec(svg)[1]), zoom = 4, pixels = new Uint8ClampedArray((side * zoom) ** 2 * 4).fill(255);
  for (const [, x, y] of svg.matchAll(/M(\d+) (\d+)h1v1h-1z/g))
    for (let i = 0; i < zoom * zoom; i++) {
      const at = ((y * zoom + Math.floor(i / zoom)) * side * zoom + x * zoom + (i % zoom)) * 4;
      pixels.fill(0, at, at + 3);
    }
  return jsQR(pixels, side * zoom, side * zoom)?.data;
}

describe('the page', () => {
  test('shows what came, escaped, in Chinese, with a QR code and a button that pays', async () => {
    const ear = await Listener.start();
    await sendSms(box, '<script>alert(1)</script>');
    const { data: { code_url } } = await place(box, 'page_order_1', ear.url('/n'));
    await box.post('kuaidi100/advance', { number: 'SF1234567890', state: '1' });
    const html = await page();
    for (const part of ['短信', '微信支付', '邮件', '快递', '待支付', '280.00', 'page_order_1', '揽收', '<svg',
      '&lt;script&gt;', '证书 &lt;b&gt;']) assert.ok(html.includes(part), part);
    assert.ok(!html.includes('<script>'));
    assert.equal(photograph(/<svg.*?<\/svg>/s.exec(html)[0]), code_url);
    const pressed = await raw(box.port, { path: '/sim/wechat/pay', body: 'out_trade_no=page_order_1',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' } });
    assert.deepEqual([pressed.status, pressed.headers.location], [303, '/']);
    assert.match(await page(), /已支付/);
    await ear.nth('/n');
    await ear.stop();
  });
  test('its buttons cannot be pressed by another site, nor under another name', async () => {
    const press = (headers) => raw(box.port, { path: '/sim/reset', body: '', headers });
    assert.equal((await press({ Origin: 'https://evil.example' })).status, 403);
    assert.equal((await press({ Host: `evil.example:${box.port}` })).status, 421);
    assert.equal((await press({ Origin: `http://127.0.0.1:${box.port}` })).status, 200);
  });
});

describe('the control interface', () => {
  test('says what is wrong', async () => {
    for (const [method, where, body, status] of [['GET', 'nothing', '', 404], ['GET', 'reset', '', 405],
      ['POST', 'fault', '{"provider":"nobody","kind":"slow"}', 400], ['POST', 'fault', '{"provider":"wechat"}', 400],
      ['POST', 'fault', '{"provider":"wechat","action":"order","kind":"lose_answers"}', 400],
      ['POST', 'fault', '{', 400], ['POST', 'people', '{"name":"张三","id_number":"1"}', 400],
      ['POST', 'companies', '{"name":"x"}', 400], ['POST', 'wechat/pay', '{"out_trade_no":"unknown"}', 409]]) {
      const answer = await raw(box.port, { method, path: `/sim/${where}`, body });
      assert.equal(answer.status, status, `${method} ${where}`);
      assert.ok(JSON.parse(answer.text).error);
    }
    assert.equal((await raw(box.port, { path: '/', headers: { Host: 'unionpay.localhost' } })).status, 421);
    assert.equal((await raw(box.port, { path: '/sim/people', body: 'x'.repeat(9 << 20) })).status, 413);
  });
  test('a fault without action is any call\'s but no callback\'s; faults are used up in order', async () => {
    await box.post('fault', { provider: 'tencent', kind: 'fail' });
    await box.post('fault', { provider: 'tencent', action: 'SendSms', kind: 'rate_limited' });
    await assert.rejects(sendSms(box, '1'), { code: 'InternalError' });
    await assert.rejects(sendSms(box, '1'), { code: 'RequestLimitExceeded' });
    await sendSms(box, '1');
    assert.deepEqual((await box.get('fault')).faults, []);
  });
  test('lists can be read on from where one was', async () => {
    await sendSms(box, 'a');
    const { sms: [first] } = await box.get('sms');
    await sendSms(box, 'b');
    assert.deepEqual((await box.get(`sms?after=${first.seq}`)).sms.map((s) => s.params), [['b']]);
  });
});

test('a killed sandbox starts again where it was, on the same ports with the same keys', async () => {
  await sendSms(box, 'before');
  await place(box, 'restart_order');
  await box.post('fault', { provider: 'wechat', action: 'query', kind: 'fail', count: 3 });
  const [ready, conf] = [box.ready, box.conf];
  await box.kill();
  fs.appendFileSync(path.join(box.dir, 'state', 'journal.jsonl'), '{"s":"sms","k":"torn","v":{"se');
  await box.run();
  assert.deepEqual([box.ready, box.conf], [ready, conf]);
  assert.deepEqual((await box.get('sms')).sms.map((s) => s.params), [['before']]);
  assert.equal((await box.get('wechat/orders')).orders[0].state, 'NOTPAY');
  assert.equal((await box.get('fault')).faults[0].count, 3);
  assert.equal((await box.get('log')).counts['tencent.SendSms'], 1);
  await box.post('wechat/pay', { out_trade_no: 'restart_order' });
});

test('a seed makes the same ids', async () => {
  const ids = [];
  for (let i = 0; i < 2; i++) {
    const one = await Sandbox.start({ seed: 7 });
    ids.push([one.conf.tencent.secret_id, one.conf.wechat.mchid, (await sendSms(one, 'x')).SendStatusSet[0].SerialNo]);
    await one.stop();
  }
  assert.deepEqual(ids[0], ids[1]);
  assert.notEqual(ids[0][0], box.conf.tencent.secret_id);
});

test('a port that another has is refused, not shared', () => {
  const other = fs.mkdtempSync(path.join(box.dir, 'second-'));
  const run = spawnSync(path.join(build, 'server', 'certdesk-sandbox'),
    ['--listen', `127.0.0.1:${box.port}`, '--state', other], { timeout: 20_000 });
  assert.equal(run.status, 1);
  assert.match(run.stderr.toString(), /cannot listen/);
});

describe('the published vectors, against the sandbox itself', () => {
  // a sandbox that has the vectors' keys and lives at their time
  async function withKeys(change, clock, use) {
    const one = await Sandbox.start();
    await one.kill();
    const journal = path.join(one.dir, 'state', 'journal.jsonl');
    const line = fs.readFileSync(journal, 'utf8').split('\n').map((l) => l && JSON.parse(l)).find((l) => l.s === 'keys');
    Object.assign(line.v, change);
    fs.appendFileSync(journal, `${JSON.stringify(line)}\n`);
    if (clock) one.clock.set(clock - Date.now());
    await one.run();
    await use(one);
    await one.stop();
  }
  for (const [name, v] of [['old', vectors.tc3_published_old], ['new', vectors.tc3_published_new]])
    test(`TC3 (${name})`, () => withKeys({ tencent_id: 'AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE', tencent_key: v.secret_key }, v.ts * 1000,
      async (one) => {
        const ask = async (signature, body = v.payload) => {
          const answer = await raw(one.port, { path: '/faceid/', body, headers: { Host: 'cvm.tencentcloudapi.com',
            'Content-Type': 'application/json; charset=utf-8', 'X-TC-Action': 'DescribeInstances', 'X-TC-Version': '2017-03-12',
            'X-TC-Timestamp': String(v.ts), Authorization: 'TC3-HMAC-SHA256 Credential=AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE/2019-02-25/' +
              `cvm/tc3_request, SignedHeaders=${v.signed_headers}, Signature=${signature}` } });
          return JSON.parse(answer.text).Response.Error.Message;
        };
        // nobody sells cvm here: the signature is good, and the door is the wrong one
        assert.match(await ask(v.signature), /credential scope is not this one/);
        assert.match(await ask(v.signature, v.payload.replace('1', '2')), /could not be validated/);
        assert.match(await ask(v.signature.replace(/.$/, (c) => (c === 'c' ? 'd' : 'c'))), /could not be validated/);
      }));
  test('kuaidi100 query', () => {
    const v = vectors.kuaidi100_query;
    return withKeys({ kuaidi100_key: v.key, kuaidi100_customer: v.customer }, 0, async (one) => {
      await one.post('kuaidi100/advance', { number: JSON.parse(v.param).num, state: '1' });
      const ask = async (param) => JSON.parse((await raw(one.port, { path: '/kuaidi100/poll/query.do',
        headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({ customer: v.customer, sign: v.sign, param }).toString() })).text);
      assert.equal((await ask(v.param)).message, 'ok');
      assert.equal((await ask(v.param.replace('"0000"', '"0001"'))).returnCode, '503');
    });
  });
});

test('it listens on this machine only, one in a folder, and its secrets are nobody else\'s to read', () => {
  const run = (...args) => spawnSync(path.join(build, 'server', 'certdesk-sandbox'), args, { timeout: 5000 });
  for (const listen of ['0.0.0.0:0', ':8080', '127.0.0.1:99999', '127.0.0.1:80x', 'localhost:1'])
    assert.equal(run('--listen', listen, '--state', path.join(box.dir, 'other')).status, 2, listen);
  assert.equal(run('--listen', '127.0.0.1:0').status, 2);
  assert.equal(run('--listen', '127.0.0.1:0', '--state', path.join(box.dir, 'state')).status, 1, 'in use');
  for (const file of ['apiclient_key.pem', 'sandbox.json', 'journal.jsonl'])
    assert.equal(fs.statSync(path.join(box.dir, 'state', file)).mode & 0o777, 0o600, file);
});
