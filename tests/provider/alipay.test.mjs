// The sandbox as Alipay: Alipay's own SDK is accepted, in both modes, and accepts what it signs; what Alipay refuses is
// refused.

process.env.TZ = 'Asia/Shanghai'; // the SDK writes its timestamp in local time and means Beijing's
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { execFileSync } from 'node:child_process';
import { after, before, beforeEach, describe, test } from 'node:test';
import { Listener, Sandbox, raw, until } from './sandbox.mjs';

const { AlipaySdk } = await import('alipay-sdk');

let box, ear, ali, sdk, certified;
before(async () => {
  box = await Sandbox.start();
  ear = await Listener.start();
  ear.normally = [200, 'success'];
  ali = box.conf.alipay;
  const pem = (file) => fs.readFileSync(file, 'utf8');
  // by address and path: the SDK resolves names by itself
  const common = { appId: ali.app_id, privateKey: pem(ali.app_key_file), keyType: 'PKCS8',
    gateway: `http://127.0.0.1:${box.port}/alipay/gateway.do` };
  sdk = new AlipaySdk({ ...common, alipayPublicKey: pem(ali.alipay_public_key_file) });
  certified = new AlipaySdk({ ...common, appCertContent: pem(ali.app_certificate_file),
    alipayPublicCertContent: pem(ali.alipay_certificate_file), alipayRootCertContent: pem(ali.alipay_root_certificates_file) });
});
after(async () => (await box.stop(), await ear.stop()));
beforeEach(async () => {
  box.clock.set(0);
  await box.post('reset');
  ear.answers.length = 0;
});

let count = 0;
const order = (more) => ({ outTradeNo: `ord_${process.pid}_${++count}`, totalAmount: '280.00', subject: '数字证书 一年', ...more });
const beijing = (ms) => new Date(ms + 8 * 3600_000).toISOString().replace('T', ' ').slice(0, 19);
// Where the sandbox's clock was moved, the SDK is told the time.
const exec = async (name, bizContent, by = sdk, more = {}) => by.exec(`alipay.${name}`,
  { bizContent, ...(box.clock.offset ? { timestamp: beijing(box.clock.now()) } : {}), ...more }, { validateSign: true });
const where = (o) => `/notify/${o.outTradeNo}`;
const place = (o, by) => exec('trade.precreate', o, by, { notifyUrl: ear.url(where(o)) });
const query = (o, by) => exec('trade.query', { outTradeNo: o.outTradeNo }, by);
const close = (o) => exec('trade.close', { outTradeNo: o.outTradeNo });
const pay = (o, status) => box.post('alipay/pay', { out_trade_no: o.outTradeNo }, status);
const scan = (o, status) => box.post('alipay/scan', { out_trade_no: o.outTradeNo }, status);
async function bought(more) {
  const o = order(more);
  assert.equal((await place(o)).code, '10000');
  await pay(o);
  return o;
}
const says = (r) => [r.code, r.subCode];
const form = ({ body }) => Object.fromEntries(new URLSearchParams(body));

describe('a trade', () => {
  for (const [mode, by] of [['the public key', () => sdk], ['certificates', () => certified]])
    test(`with ${mode}: placed, scanned, paid, told and queried; the SDK verifies every answer`, async () => {
      const o = order();
      const placed = await place(o, by());
      assert.deepEqual([placed.code, placed.outTradeNo], ['10000', o.outTradeNo]);
      assert.match(placed.qrCode, /^https:\/\/qr\.alipay\.com\/bax\w+$/);
      assert.deepEqual(says(await query(o, by())), ['40004', 'ACQ.TRADE_NOT_EXIST'], 'nobody has scanned it');
      await scan(o);
      assert.equal((await query(o, by())).tradeStatus, 'WAIT_BUYER_PAY');
      await pay(o);
      const told = form(await ear.nth(where(o)));
      assert.ok(by().checkNotifySign(told) && by().checkNotifySignV2(told), 'the SDK verifies the notification');
      assert.deepEqual([told.trade_status, told.total_amount, told.app_id, told.seller_id, told.out_trade_no],
        ['TRADE_SUCCESS', '280.00', ali.app_id, ali.seller_id, o.outTradeNo]);
      const seen = await query(o, by());
      assert.deepEqual([seen.tradeStatus, seen.totalAmount, seen.tradeNo], ['TRADE_SUCCESS', '280.00', told.trade_no]);
      assert.equal(seen.sendPayDate, told.gmt_payment);
      assert.deepEqual(says(await place(o, by())), ['40004', 'ACQ.TRADE_HAS_SUCCESS']);
      assert.deepEqual(says(await close(o)), ['40004', 'ACQ.TRADE_STATUS_ERROR']);
    });
  test('the certificates have the numbers that the SDK computes', () => {
    assert.match(certified.config.alipayRootCertSn, /^[0-9a-f]{32}_[0-9a-f]{32}$/); // the third is not RSA
    assert.match(certified.config.appCertSn, /^[0-9a-f]{32}$/);
  });
  test('is closed after scanning; before, there is nothing to close and the code lives', async () => {
    const o = order();
    await place(o);
    assert.deepEqual(says(await close(o)), ['40004', 'ACQ.TRADE_NOT_EXIST']);
    const nothing = await exec('trade.cancel', { outTradeNo: o.outTradeNo });
    assert.deepEqual([nothing.code, nothing.action, nothing.retryFlag], ['10000', undefined, 'N']);
    await scan(o);
    assert.equal((await close(o)).code, '10000');
    assert.equal((await query(o)).tradeStatus, 'TRADE_CLOSED');
    await pay(o, 409);
    assert.deepEqual(says(await place(o)), ['40004', 'ACQ.TRADE_HAS_CLOSE']);
  });
  test('is cancelled: closed when unpaid, given back when paid', async () => {
    const [a, b] = [order(), await bought()];
    await place(a);
    await scan(a);
    assert.equal((await exec('trade.cancel', { outTradeNo: a.outTradeNo })).action, 'close');
    assert.equal((await exec('trade.cancel', { outTradeNo: b.outTradeNo })).action, 'refund');
    assert.equal((await query(b)).tradeStatus, 'TRADE_CLOSED');
  });
  test('the clocks: 2 hours for a code, time_expire or timeout_express for the trade', async () => {
    const [a, b, c] = [order({ timeExpire: beijing(Date.now() + 1800_000) }), order({ timeoutExpress: '5h' }), order()];
    for (const o of [a, b, c]) assert.equal((await place(o)).code, '10000');
    await scan(c);
    box.clock.set(1801_000);
    await pay(a, 409);
    assert.deepEqual(says(await query(a)), ['40004', 'ACQ.TRADE_NOT_EXIST'], 'a code that died is no trade');
    box.clock.set(2 * 3600_000 + 1000);
    await pay(b, 409);
    await pay(c, 409);
    box.clock.set(3 * 3600_000 + 1000);
    assert.equal((await query(c)).tradeStatus, 'TRADE_CLOSED');
  });
  for (const change of [{ outTradeNo: 'with-dash' }, { outTradeNo: 'x'.repeat(65) }, { totalAmount: '0.00' },
    { totalAmount: '1.001' }, { totalAmount: '-1.00' }, { totalAmount: '100000001' }, { subject: 'a/b' }, { subject: '' },
    { timeExpire: '2020-01-01 00:00:00' }, { timeoutExpress: '16d' }, { timeoutExpress: '30s' }, { sellerId: '2088000000000001' }])
    test(`refused: ${JSON.stringify(change).slice(0, 50)}`, async () => {
      assert.deepEqual(says(await place(order(change))), ['40004', 'ACQ.INVALID_PARAMETER']);
    });
});

describe('who calls', () => {
  // Signed by hand; anything can be changed after signing.
  function signed({ change = {}, at = box.clock.now(), key = fs.readFileSync(ali.app_key_file) } = {}) {
    const all = { app_id: ali.app_id, method: 'alipay.trade.query', format: 'JSON', charset: 'utf-8', sign_type: 'RSA2',
      timestamp: beijing(at), version: '1.0', biz_content: '{"out_trade_no":"nothing/here"}', ...change };
    const text = Object.keys(all).sort().filter((k) => all[k]).map((k) => `${k}=${all[k]}`).join('&');
    return { ...all, sign: crypto.sign('sha256', Buffer.from(text), key).toString('base64') };
  }
  const send = async (all, { inQuery = Object.keys(all).filter((k) => k !== 'biz_content') } = {}) => {
    const pick = (yes) => new URLSearchParams(Object.entries(all).filter(([k]) => inQuery.includes(k) === yes)).toString();
    const answer = await raw(box.port, { path: `/gateway.do?${pick(true)}`, body: pick(false),
      headers: { Host: `alipay.localhost:${box.port}`, 'Content-Type': 'application/x-www-form-urlencoded;charset=utf-8' } });
    assert.equal(answer.status, 200);
    const [inner] = Object.values(JSON.parse(answer.text));
    return inner.sub_code ?? inner.code;
  };
  test('over the union of query and body, however they are divided', async () => {
    const all = signed();
    for (const inQuery of [undefined, [], Object.keys(all), ['method', 'sign']])
      assert.equal(await send(all, inQuery && { inQuery }), 'ACQ.TRADE_NOT_EXIST');
  });
  test('anything changed, added or taken away', async () => {
    const all = signed();
    for (const change of [{ biz_content: '{"out_trade_no":"other"}' }, { extra: '1' }, { notify_url: 'http://evil' }, { version: '1.1' }])
      assert.equal(await send({ ...all, ...change }), 'isv.invalid-signature', JSON.stringify(change));
    const { format, ...less } = all;
    assert.equal(await send(less), 'isv.invalid-signature');
    assert.equal(await send({ ...all, sign: all.sign.replace(/^./, (c) => (c === 'A' ? 'B' : 'A')) }), 'isv.invalid-signature');
    const { privateKey } = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
    assert.equal(await send(signed({ key: privateKey })), 'isv.invalid-signature');
  });
  test('missing parameters, another application, another algorithm, no such method', async () => {
    for (const [name, code] of [['app_id', 'isv.missing-app-id'], ['sign', 'isv.missing-signature'], ['timestamp', 'isv.missing-timestamp']])
      assert.equal(await send({ ...signed(), [name]: '' }), code);
    for (const [change, code] of [[{ app_id: '2021999999999999' }, 'isv.invalid-app-id'], [{ sign_type: 'RSA' }, 'isv.invalid-signature-type'],
      [{ method: 'alipay.nothing' }, 'isv.invalid-method'], [{ charset: 'GBK' }, 'isv.invalid-charset'],
      [{ app_cert_sn: 'a'.repeat(32), alipay_root_cert_sn: 'b'.repeat(32) }, 'isv.invalid-cert'], [{ biz_content: '{' }, 'isv.invalid-parameter']])
      assert.equal(await send(signed({ change })), code, JSON.stringify(change));
  });
  test('more than 15 minutes off, by Beijing time', async () => {
    const now = box.clock.now();
    for (const off of [-16 * 60_000, 16 * 60_000, -8 * 3600_000]) assert.equal(await send(signed({ at: now + off })), 'isv.invalid-timestamp');
    for (const off of [-14 * 60_000, 14 * 60_000]) assert.equal(await send(signed({ at: now + off })), 'ACQ.TRADE_NOT_EXIST');
    assert.equal(await send(signed({ change: { timestamp: 'now' } })), 'isv.invalid-timestamp');
  });
  test('what is signed are the octets, with their escapes', async () => {
    const o = order();
    await place(o);
    const all = signed({ change: { method: 'alipay.trade.precreate', biz_content: JSON.stringify({ out_trade_no: o.outTradeNo, total_amount: '1.00', subject: 'x' }) } });
    const { text } = await raw(box.port, { path: `/gateway.do?${new URLSearchParams(all)}`, headers: { Host: `alipay.localhost:${box.port}` } });
    assert.match(text, /^\{"alipay_trade_precreate_response":\{.*https:\\\/\\\/qr\.alipay\.com\\\/.*\},"sign":"/);
    const inner = text.slice(text.indexOf(':') + 1, text.indexOf(',"sign"'));
    const good = (s) => crypto.verify('sha256', Buffer.from(s), fs.readFileSync(ali.alipay_public_key_file), Buffer.from(JSON.parse(text).sign, 'base64'));
    assert.ok(good(inner));
    assert.ok(!good(JSON.stringify(JSON.parse(inner))), 'a re-serialiser fails');
  });
});

describe('faults of calls', () => {
  const odd = (kind, action = 'query', more) => box.fault('alipay', action, kind, more);
  test('busy, doubtful, too often; each as Alipay says it', async () => {
    const o = await bought();
    for (const [kind, code, sub] of [['fail', '20000', 'isp.unknow-error'], ['busy', '40004', 'ACQ.SYSTEM_ERROR'],
      ['rate_limited', '40005', 'isv.app-call-limited'], ['doubtful', '40004', 'ACQ.SYSTEM_ERROR']]) {
      await odd(kind);
      assert.deepEqual(says(await query(o)), [code, sub]);
    }
    assert.equal((await query(o)).code, '10000');
  });
  test('an answer that is a stranger\'s, that is not signed, or that was written anew: the SDK refuses it', async () => {
    const o = order();
    for (const kind of ['bad_signature', 'unsigned', 'reserialised']) {
      await odd(kind, 'precreate');
      await assert.rejects(place(o), kind === 'unsigned' ? /./ : /验签失败/, kind);
    }
    assert.equal((await place(o)).code, '10000');
  });
  test('lost before and after it took effect; garbage; late', async () => {
    const o = await bought();
    const back = { outTradeNo: o.outTradeNo, refundAmount: '1.00', outRequestNo: 'r1' };
    for (const [kind, refunds] of [['lose_request', 0], ['lose_answer', 1]]) {
      await odd(kind, 'refund', { count: 2 }); // the SDK tries a broken connection again
      await assert.rejects(exec('trade.refund', back));
      assert.equal((await box.get('alipay/refunds')).refunds.length, refunds);
    }
    await odd('garbage', 'refund');
    await assert.rejects(exec('trade.refund', back));
    assert.equal((await exec('trade.refund', back)).fundChange, 'N', 'the same number is the same refund');
    await odd('slow', 'query', { ms: 30 });
    assert.equal((await query(o)).code, '10000');
  });
});

describe('notifications', () => {
  test('come before the answer to precreate, when somebody is that quick', async () => {
    const o = order();
    await box.fault('alipay', 'precreate', 'paid_first', { ms: 400 });
    let answered = false;
    const placing = place(o).then((r) => ((answered = true), r));
    const told = form(await ear.nth(where(o)));
    assert.ok(!answered, 'the answer is still under way');
    assert.equal(told.trade_status, 'TRADE_SUCCESS');
    assert.match((await placing).qrCode, /^https/);
  });
  test('twice; never; late; changed, and properly signed', async () => {
    await box.fault('alipay', 'callback', 'twice');
    const a = await bought();
    const [one, two] = [form(await ear.nth(where(a))), form(await ear.nth(where(a), 2))];
    assert.deepEqual(one, two);
    await box.fault('alipay', 'callback', 'never');
    const b = await bought();
    await box.fault('alipay', 'callback', 'late', { ms: 3600_000 });
    const c = await bought();
    for (const [kind, field, value] of [['wrong_amount', 'total_amount', '0.01'], ['wrong_app', 'app_id', '2021000000000000'], ['wrong_seller', 'seller_id', '2088000000000000'], ['extra', 'zzz_new_field', '100%+1']]) {
      await box.fault('alipay', 'callback', kind);
      const told = form(await ear.nth(where(await bought())));
      assert.equal(told[field], value);
      assert.ok(sdk.checkNotifySignV2(told), kind);
    }
    assert.equal(ear.got.filter((r) => [where(b), where(c)].includes(r.url)).length, 0);
    box.clock.advance(3600_000);
    await ear.nth(where(c));
  });
  test('in GBK, signed over GBK', async () => {
    await box.fault('alipay', 'callback', 'gbk');
    const { body, headers } = await ear.nth(where(await bought()));
    assert.match(headers['content-type'], /charset=GBK/);
    const octets = (s) => Buffer.from(s.replace(/\+/g, ' ').replace(/%([0-9A-Fa-f]{2})/g, (_, h) => String.fromCharCode(parseInt(h, 16))), 'latin1');
    const pairs = body.split('&').map((p) => [p.slice(0, p.indexOf('=')), octets(p.slice(p.indexOf('=') + 1))]);
    const sign = pairs.find(([k]) => k === 'sign')[1].toString();
    const rest = pairs.filter(([k]) => k !== 'sign' && k !== 'sign_type').sort(([a], [b]) => (a < b ? -1 : 1));
    const text = Buffer.concat(rest.flatMap(([k, v], i) => [Buffer.from(`${i ? '&' : ''}${k}=`), v]));
    assert.ok(crypto.verify('sha256', text, fs.readFileSync(ali.alipay_public_key_file), Buffer.from(sign, 'base64')));
    const subject = pairs.find(([k]) => k === 'subject')[1];
    assert.equal(new TextDecoder('gbk').decode(subject), '数字证书 一年');
  });
  test('a forgery, one without a signature, one signed over other octets: refused, and the true one follows', async () => {
    for (const kind of ['forged_signature', 'unsigned', 'other_charset']) {
      ear.answers.push([500, 'fail']);
      await box.fault('alipay', 'callback', kind);
      const o = await bought();
      assert.ok(!sdk.checkNotifySignV2(form(await ear.nth(where(o)))), kind);
      assert.ok(sdk.checkNotifySignV2(form(await ear.nth(where(o), 2))), kind);
    }
  });
  test('come again on schedule until the answer is success and nothing else: 4 m, 10 m, 10 m, 1 h', async () => {
    ear.answers.push([500, 'success'], [200, 'SUCCESS'], [200, 'success\n'], [200, 'fail']);
    const o = await bought();
    const { notify_id: id } = form(await ear.nth(where(o)));
    for (const [n, pause] of [[2, 240], [3, 600], [4, 600], [5, 3600]]) {
      const { due_ms } = await until('it is put off', async () =>
        (await box.get('deliveries')).deliveries.find((d) => d.attempt === n - 1));
      assert.ok(Math.abs(due_ms - box.clock.now() - pause * 1000) < 2000, `pause ${n}`);
      box.clock.advance(pause * 1000);
      assert.equal(form(await ear.nth(where(o), n)).notify_id, id);
    }
    await until('it is done', async () => (await box.get('deliveries')).deliveries.length === 0);
  });
});

describe('refunds and bills', () => {
  const refund = (o, no, yuan = '280.00') => exec('trade.refund', { outTradeNo: o.outTradeNo, refundAmount: yuan, outRequestNo: no });
  const ask = (o, no) => exec('trade.fastpay.refund.query', { outTradeNo: o.outTradeNo, outRequestNo: no, queryOptions: ['gmt_refund_pay'] });

  test('in parts, told with their sum; the whole closes the trade; a number is one refund', async () => {
    const o = await bought();
    const first = await refund(o, 'r1', '100.05');
    assert.deepEqual([first.code, first.fundChange, first.refundFee], ['10000', 'Y', '100.05']);
    const told = form(await ear.nth(where(o), 2));
    assert.deepEqual([told.refund_fee, told.out_biz_no, told.trade_status], ['100.05', 'r1', 'TRADE_SUCCESS']);
    assert.ok(sdk.checkNotifySignV2(told));
    assert.deepEqual(says(await refund(o, 'r1', '1.00')), ['40004', 'ACQ.DISCORDANT_REPEAT_REQUEST']);
    assert.equal((await refund(o, 'r1', '100.05')).fundChange, 'N');
    assert.deepEqual(says(await refund(o, 'r2', '179.96')), ['40004', 'ACQ.REFUND_AMT_NOT_EQUAL_TOTAL']);
    assert.equal((await refund(o, 'r2', '179.95')).refundFee, '280.00');
    assert.equal((await query(o)).tradeStatus, 'TRADE_CLOSED');
    assert.equal((await refund(o, 'r2', '179.95')).code, '10000', 'a repeat is harmless on a closed trade, too');
    const seen = await ask(o, 'r2');
    assert.deepEqual([seen.refundStatus, seen.refundAmount, seen.totalAmount], ['REFUND_SUCCESS', '179.95', '280.00']);
    assert.match(seen.gmtRefundPay, /^\d{4}-/);
  });
  test('later, when the bank takes its time; forgotten; unknown', async () => {
    await box.post('config', { alipay_refund_ms: 5000 });
    const o = await bought();
    assert.equal((await refund(o, 'r1')).fundChange, 'N');
    assert.deepEqual([(await ask(o, 'r1')).refundStatus, (await ask(o, 'r1')).refundAmount], [undefined, '280.00']);
    box.clock.advance(5000);
    assert.equal((await ask(o, 'r1')).refundStatus, 'REFUND_SUCCESS');
    const p = await bought();
    await box.fault('alipay', 'refund', 'closed');
    assert.equal((await refund(p, 'r1')).fundChange, 'N');
    const nothing = await ask(p, 'r1');
    assert.deepEqual([nothing.code, nothing.outRequestNo], ['10000', undefined]);
    assert.deepEqual(says(await ask({ outTradeNo: 'nothing' }, 'r1')), ['40004', 'ACQ.TRADE_NOT_EXIST']);
    const unpaid = order();
    await place(unpaid);
    await scan(unpaid);
    assert.deepEqual(says(await refund(unpaid, 'r1')), ['40004', 'ACQ.TRADE_STATUS_ERROR']);
  });
  test('the day\'s bill: a ZIP of GBK tables at an address that lives 30 s', async () => {
    const day = box.clock.noon();
    const o = await bought({ subject: '证书, "一年"' });
    await refund(o, 'r1', '10.05');
    const bill = (date) => exec('data.dataservice.bill.downloadurl.query', { billType: 'trade', billDate: date });
    assert.deepEqual(says(await bill(day)), ['40004', 'isp.bill_not_exist']);
    box.clock.advance(2 * 86400_000);
    assert.deepEqual(says(await bill('2020-01-01')), ['40004', 'isp.bill_not_exist']);
    assert.deepEqual(says(await bill('yesterday')), ['40002', 'isv.invalid-arguments']);
    const { billDownloadUrl } = await bill(day);
    const zip = Buffer.from(await (await fetch(billDownloadUrl)).arrayBuffer());
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'certdesk-bill-'));
    fs.writeFileSync(path.join(dir, 'bill.zip'), zip);
    const python = 'import zipfile,sys,json\nz=zipfile.ZipFile(sys.argv[1])\nprint(json.dumps([z.read(n).decode("gbk") for n in z.namelist()]))';
    const tables = JSON.parse(execFileSync('python3', ['-c', python, path.join(dir, 'bill.zip')], { encoding: 'utf8' }));
    fs.rmSync(dir, { recursive: true });
    const lines = tables.find((t) => t.startsWith('#支付宝业务明细查询')).trim().split('\r\n');
    const at = lines.findIndex((l) => l.startsWith('支付宝交易号'));
    assert.match(lines[at + 1], new RegExp(`\\t,${o.outTradeNo}\\t,交易\\t,"证书, ""一年""",.*\\t,280\\.00\\t,`));
    assert.match(lines[at + 2], new RegExp(`\\t,${o.outTradeNo}\\t,退款\\t,.*\\t,-10\\.05\\t,.*\\t,r1\\t,`));
    assert.match(lines.at(-3), /^#交易合计：1笔，商家实收共280\.00元/);
    box.clock.advance(31_000);
    assert.equal((await fetch(billDownloadUrl)).status, 403);
  });
});
test('a person can scan and pay on the page', async () => {
  const o = order({ subject: '<证书>' });
  await place(o);
  const page = async () => (await fetch(`http://127.0.0.1:${box.port}/`)).text();
  assert.match(await page(), /支付宝[\s\S]*&lt;证书&gt;[\s\S]*待扫码[\s\S]*\/sim\/alipay\/scan/);
  const press = (button) => fetch(`http://127.0.0.1:${box.port}/sim/alipay/${button}`, { method: 'POST', redirect: 'manual', body: new URLSearchParams({ out_trade_no: o.outTradeNo }) });
  assert.equal((await press('scan')).status, 303);
  assert.match(await page(), /已扫码，待支付/);
  assert.equal((await press('pay')).status, 303);
  assert.equal((await query(o)).tradeStatus, 'TRADE_SUCCESS');
});
