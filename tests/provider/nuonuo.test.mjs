// The sandbox as Nuonuo. There is no SDK of the supplier's on npm: the signer here is written from the supplier's text
// with node:crypto, and the published vector is its judge.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { after, before, beforeEach, describe, test } from 'node:test';
import { Listener, Sandbox, raw, vectors } from './sandbox.mjs';

const hmac = (secret, text) => crypto.createHmac('sha1', secret).update(text).digest('base64');
const canonical = ({ key, senid, nonce, timestamp, body }) => `a=services&l=v1&p=open&k=${key}&i=${senid}&n=${nonce}&t=${timestamp}&f=${body}`;

let box, ear, conf, token;
before(async () => {
  box = await Sandbox.start();
  ear = await Listener.start();
  ear.normally = [200, '{"status":"0000","message":"同步成功"}'];
  conf = box.conf.nuonuo;
});
after(async () => (await box.stop(), await ear.stop()));
beforeEach(async () => {
  box.clock.set(0);
  await box.post('reset');
  await box.post('config', { nuonuo_ms: 0, callback_scale: 0.001 });
  token = (await takeToken()).access_token;
});

const Host = () => `nuonuo.localhost:${box.port}`;

async function takeToken(more = {}) {
  const fields = { client_id: conf.app_key, client_secret: conf.app_secret, grant_type: 'client_credentials', ...more };
  const { text } = await raw(box.port, { path: '/accessToken', body: new URLSearchParams(fields).toString(),
    headers: { Host: Host(), 'Content-Type': 'application/x-www-form-urlencoded;charset=UTF-8' } });
  return JSON.parse(text);
}

async function call(method, params, { secret = conf.app_secret, seconds = 0, changed, headers = {} } = {}) {
  const body = JSON.stringify(params), senid = crypto.randomUUID().replaceAll('-', ''), nonce = '12345678';
  const timestamp = Math.floor(box.clock.now() / 1000) + seconds;
  const sign = hmac(secret, canonical({ key: conf.app_key, senid, nonce, timestamp, body }));
  const { text } = await raw(box.port, { path: `/open/v1/services?senid=${senid}&nonce=${nonce}&timestamp=${timestamp}&appkey=${conf.app_key}`,
    body: changed ?? body, headers: { Host: Host(), 'Content-Type': 'application/json', 'X-Nuonuo-Sign': sign, accessToken: token,
      userTax: conf.seller_tax_number, method: `nuonuo.OpeMplatform.${method}`, sdkVer: '1.0.5', ...headers } });
  return JSON.parse(text);
}

let count = 0;
const number = () => `js${process.pid}n${++count}`;
const line = (more = {}) => ({ goodsName: '*信息技术服务*证书', goodsCode: '3040203000000000000', withTaxFlag: '1', price: '280.00', num: '1', taxRate: '0.06',
  tax: '15.85', taxExcludedAmount: '264.15', taxIncludedAmount: '280.00', invoiceLineProperty: '0', favouredPolicyFlag: '0', ...more });
const order = (orderNo, more = {}, lines = [line()]) => ({ order: { buyerName: '测试公司', salerTaxNum: conf.seller_tax_number, salerTel: '0571', salerAddress: '杭州',
  orderNo, invoiceDate: '2026-11-28 12:00:00', clerk: '王', pushMode: '-1', invoiceType: '1', invoiceLine: 'pc', callBackUrl: ear.url(`/told/${orderNo}`),
  invoiceDetail: lines, ...more } });
const issue = (orderNo, more, lines) => call('requestBillingNew', order(orderNo, more, lines));
const query = async (orderNo) => (await call('queryInvoiceResult', { orderNos: [orderNo], isOfferInvoiceDetail: '0' }));
const status = async (orderNo) => (await query(orderNo)).result[0].status;

test('the vector: what this file calls a signature is one', () => {
  const v = vectors.nuonuo_sign;
  const text = canonical({ key: 'appkey', senid: '0'.repeat(32), nonce: '12345678', timestamp: 1700000000, body: '{"order":{"orderNo":"O1","buyerName":"测试公司"}}' });
  assert.equal(text, v.string);
  assert.equal(hmac(v.app_secret, text), v['X-Nuonuo-Sign']);
});

describe('the door', () => {
  test('fifty tokens in thirty days', async () => {
    for (let i = 1; i < 50; i++) assert.equal((await takeToken()).expires_in, 86400);
    assert.equal((await takeToken()).code, '070306');
    box.clock.advance(31 * 86400e3);
    assert.ok((await takeToken()).access_token);
  });
  test('a wrong key or secret gets none', async () => {
    assert.equal((await takeToken({ client_id: 'x' })).code, '070101');
    assert.equal((await takeToken({ client_secret: 'x' })).code, '070304');
    assert.equal((await takeToken({ grant_type: 'password' })).code, '070001');
  });
  test('a signature by another secret, of another body, of another time', async () => {
    assert.equal((await call('queryInvoiceResult', { orderNos: ['x'] })).code, 'E9500', 'the right one passes');
    assert.equal((await call('queryInvoiceResult', { orderNos: ['x'] }, { secret: 'other' })).code, '070305');
    assert.equal((await call('queryInvoiceResult', { orderNos: ['x'] }, { changed: '{"orderNos":["y"]}' })).code, '070305');
    assert.equal((await call('queryInvoiceResult', { orderNos: ['x'] }, { seconds: -3600 })).code, '070305');
  });
  test('a token that is none, or over', async () => {
    assert.equal((await call('queryInvoiceResult', { orderNos: ['x'] }, { headers: { accessToken: 'x' } })).code, '070303');
    await box.post('nuonuo/expire', { what: 'tokens' });
    assert.equal((await query('x')).code, '070303');
    token = (await takeToken()).access_token;
    box.clock.advance(86401e3);
    assert.equal((await query('x')).code, '070303');
  });
  test('another seller, a method that is none', async () => {
    assert.equal((await call('queryInvoiceResult', { orderNos: ['x'] }, { headers: { userTax: '1' } })).code, 'E9301');
    assert.equal((await issue(number(), { salerTaxNum: '1' })).code, 'E9302');
    assert.equal((await call('nothing', {})).code, '070002');
  });
});

describe('invoices', () => {
  test('20, 21, 2, and a callback with the result', async () => {
    await box.post('config', { nuonuo_ms: 20000 });
    const n = number(), said = await issue(n);
    assert.equal(said.code, 'E0000');
    assert.equal(await status(n), '20');
    box.clock.advance(11000);
    assert.equal(await status(n), '21');
    assert.equal((await query(n)).result[0].pdfUrl, undefined);
    box.clock.advance(10000);
    const { result: [v] } = await query(n);
    assert.deepEqual([v.status, v.serialNo, v.orderAmount, v.taxAmount, v.exTaxAmount], ['2', said.result.invoiceSerialNum, '280.00', '15.85', '264.15']);
    assert.match(v.allElectronicInvoiceNumber, /^\d{20}$/);
    const told = new URLSearchParams((await ear.nth(`/told/${n}`)).body), content = JSON.parse(told.get('content'));
    assert.deepEqual([told.get('operater'), told.get('orderno'), content.c_status, content.c_fpqqlsh], ['callback', n, '1', v.serialNo]);
  });
  test('a number is used once, and has twenty places', async () => {
    const n = number();
    await issue(n);
    assert.equal((await issue(n)).code, 'E9106');
    assert.equal((await issue('x'.repeat(21))).code, 'E9105');
    assert.equal((await issue('')).code, 'E9105');
  });
  test('the arithmetic is checked', async () => {
    const wrong = [{ tax: '15.80' }, { tax: '22.00', taxExcludedAmount: '258.00' }, { taxIncludedAmount: '280.001' }, { price: '281.00' }, { goodsCode: '1' }, { taxRate: '' },
      { taxIncludedAmount: '-280.00', taxExcludedAmount: '-264.15', tax: '-15.85', price: '-280.00' }];
    for (const w of wrong) assert.equal((await issue(number(), {}, [line(w)])).code, 'E9002', JSON.stringify(w));
    assert.equal((await issue(number(), {}, [])).code, 'E9002');
    assert.equal((await issue(number(), {}, [line({ tax: '15.90', taxExcludedAmount: '264.10' })])).code, 'E0000', '0.06 is allowed');
    assert.equal((await issue(number(), { buyerName: '' })).code, 'E9001');
    assert.equal((await issue(number(), { invoiceDate: '28.11.2026' })).code, 'E9001');
    assert.equal((await issue(number(), { email: `${'x'.repeat(50)}@x.example` })).code, 'E9104');
  });
  test('fails (22) and seals badly (24) on order, and is tried again', async () => {
    for (const [fate, code, told] of [['refused', '22', '2'], ['unsealed', '24', '3']]) {
      const n = number();
      await box.fault('nuonuo', 'result', fate);
      const { result } = await issue(n);
      assert.equal(await status(n), code);
      assert.equal(JSON.parse(new URLSearchParams((await ear.nth(`/told/${n}`)).body).get('content')).c_status, told);
      assert.equal((await call('reInvoice', { fpqqlsh: result.invoiceSerialNum, orderno: n })).code, 'E0000');
      assert.equal(await status(n), '2');
      assert.equal((await call('reInvoice', { fpqqlsh: result.invoiceSerialNum, orderno: n })).code, 'E9612');
    }
  });
  test('files are what they say, the same each time, until their links expire', async () => {
    const n = number();
    await issue(n);
    const { result: [v] } = await query(n);
    const get = async (url) => {
      const { pathname, search } = new URL(url);
      const r = await fetch(`http://127.0.0.1:${box.port}/nuonuo${pathname}${search}`);
      return [r.status, r.headers.get('content-type'), Buffer.from(await r.arrayBuffer())];
    };
    const [, type, pdf] = await get(v.pdfUrl);
    assert.equal(type, 'application/pdf');
    assert.equal(pdf.subarray(0, 5).toString(), '%PDF-');
    assert.deepEqual((await get(v.pdfUrl))[2], pdf);
    assert.equal((await get(v.ofdUrl))[2].subarray(0, 4).toString('latin1'), 'PK\x03\x04');
    assert.match((await get(v.xmlUrl))[2].toString(), new RegExp(v.allElectronicInvoiceNumber));
    assert.equal((await get(v.pdfUrl.replace('s=', 's=0')))[0], 403);
    box.clock.advance(8 * 86400e3);
    assert.equal((await get(v.pdfUrl))[0], 403);
  });
  test('callbacks that do not come, come twice, or are forged', async () => {
    const [a, b, c] = [number(), number(), number()];
    await box.fault('nuonuo', 'callback', 'never');
    await issue(a);
    await box.fault('nuonuo', 'callback', 'twice');
    await issue(b);
    await ear.nth(`/told/${b}`, 2);
    await box.fault('nuonuo', 'callback', 'forged');
    await issue(c);
    const first = await ear.nth(`/told/${c}`), second = await ear.nth(`/told/${c}`, 2);
    assert.deepEqual([first, second].map((t) => new URLSearchParams(t.body).get('orderno')).sort(), [c, 'somebodyelses0000001'].sort());
    assert.equal(ear.got.filter((t) => t.url === `/told/${a}`).length, 0);
  });
});

test('red: once, the whole, by the number of the blue one', async () => {
  const n = number();
  const { result } = await issue(n);
  const { result: [blue] } = await query(n);
  const red = (orderNo, more = {}) => call('fastInvoiceRed', { orderNo, taxNum: conf.seller_tax_number, invoiceId: result.invoiceSerialNum,
    elecInvoiceNumber: blue.allElectronicInvoiceNumber, invoiceLine: 'pc', applySource: '0', redReason: '1', ...more });
  assert.equal((await red(number(), { elecInvoiceNumber: '1' })).code, 'E9001');
  assert.equal((await red(number(), { invoiceId: 'x' })).code, 'E9500');
  const m = number();
  assert.equal((await red(m)).code, 'E0000');
  assert.equal((await query(m)).result[0].orderAmount, '-280.00');
  assert.equal((await red(m)).code, 'E9106');
  assert.equal((await red(number())).code, 'E9702');
});
