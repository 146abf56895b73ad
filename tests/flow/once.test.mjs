// What serves once serves once, also for two at the same moment: captchas, codes, TOTP codes, tokens of the stock, decisions;
// and what is counted stays counted when the call that counts it fails (S2-S4, S27, S28).
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { AlipaySdk } from 'alipay-sdk';
import grpc from '@grpc/grpc-js';
import { Desk, totp, until } from '../lib/desk.mjs';
import { Sql } from './database.mjs';
import { company } from './people.mjs';
import { CHANNEL, Walk } from './walk.mjs';

let desk;
let anyone;
let first;
let second;
before(async () => {
  desk = await new Desk({ logLevel: 'warn' }).start();
  anyone = desk.caller();
  first = new Walk(desk, { who: company(201) });
  second = new Walk(desk, { who: company(202) });
  for (const login of ['li', 'wang', 'zhao']) await first.staff(login);
  for (const walk of [first, second]) await walk.to('SUBJECT'); // one by one: a password is work
  await Promise.all([first.to('ISSUE'), second.to('ISSUE')]);
});
after(async () => { await desk?.stop(); });

// Outcomes of calls made at once: "OK" or the reason.
const outcomes = (calls) => Promise.all(calls.map((p) => p.then(() => 'OK', (e) => e.info?.reason || grpc.status[e.code]))).then((all) => all.sort());
const eight = (fn) => Array.from({ length: 8 }, (_, i) => fn(i));

test('a captcha serves one of eight', async () => {
  const { captcha_id } = await anyone.CreateCaptcha();
  const got = await outcomes(eight((i) => anyone.SendSmsCode({ channel: CHANNEL, phone: `1350000000${i}`, purpose: 'SMS_PURPOSE_LOGIN', captcha_id, captcha_text: 'ABCD ' })));
  assert.deepEqual(got, [...Array(7).fill('CAPTCHA_WRONG'), 'OK']);
});

test('a wrong answer uses a captcha up', async () => {
  const { captcha_id } = await anyone.CreateCaptcha();
  const ask = (captcha_text) => anyone.SendSmsCode({ channel: CHANNEL, phone: '13500000011', purpose: 'SMS_PURPOSE_LOGIN', captcha_id, captcha_text });
  assert.deepEqual(await outcomes([ask('dcba')]), ['CAPTCHA_WRONG']);
  assert.deepEqual(await outcomes([ask('abcd')]), ['CAPTCHA_WRONG']);
});

async function codeFor(phone, purpose = 'SMS_PURPOSE_LOGIN') {
  const { captcha_id } = await anyone.CreateCaptcha();
  const seen = (await desk.messages(phone)).length;
  await anyone.SendSmsCode({ channel: CHANNEL, phone, purpose, captcha_id, captcha_text: 'abcd' });
  return /\d{6}/.exec((await desk.sms(phone, /验证码/, seen)).text)[0];
}

test('a code serves one login of eight, and one account is made', async () => {
  const phone = '13500000021';
  const code = await codeFor(phone);
  const got = await outcomes(eight(() => anyone.LoginBySms({ channel: CHANNEL, phone, code })));
  assert.equal(got.filter((x) => x === 'OK').length, 1, got.join());
  assert.ok(got.every((x) => x === 'OK' || x === 'CODE_EXPIRED'), got.join());
  const told = await until('the account told', async () => { const m = (await desk.messages(phone)).filter((x) => /账号已创建/.test(x.text)); return m.length && m; });
  assert.equal(told.length, 1);
});

test('a code dies of five wrong tries, and is bound to its purpose', async () => {
  const phone = '13500000031';
  const code = await codeFor(phone);
  const wrong = String((Number(code) + 1) % 1e6).padStart(6, '0');
  const change = { channel: CHANNEL, phone, new_password: 'long enough 1', new_password_again: 'long enough 1', code };
  assert.deepEqual(await outcomes([anyone.ChangePassword(change)]), ['CODE_EXPIRED']);
  for (let i = 0; i < 5; i++) assert.deepEqual(await outcomes([anyone.LoginBySms({ channel: CHANNEL, phone, code: wrong })]), ['CODE_WRONG'], `try ${i}`);
  assert.deepEqual(await outcomes([anyone.LoginBySms({ channel: CHANNEL, phone, code })]), ['CODE_EXPIRED']);
});

test('a password is changed by its code, ends the sessions, and five wrong ones lock', async () => {
  const { phone } = second.who.account;
  const logIn = (password) => anyone.LoginByPassword({ channel: CHANNEL, login: phone, password });
  assert.deepEqual(await outcomes([logIn('111111')]), ['MUST_CHANGE_PASSWORD']);
  const code = await codeFor(phone, 'SMS_PURPOSE_CHANGE_PASSWORD');
  const change = (p, again = p) => anyone.ChangePassword({ channel: CHANNEL, phone, new_password: p, new_password_again: again, code });
  for (const bad of ['111111', '1234567890', 'short', '长'.repeat(129)]) assert.deepEqual(await outcomes([change(bad)]), ['INVALID'], bad);
  assert.deepEqual(await outcomes([change('a good password', 'another one')]), ['INVALID']);
  const old = second.call;
  assert.deepEqual(await outcomes([change('a good password')]), ['OK']);
  assert.deepEqual(await outcomes([old.GetAccount({})]), ['UNAUTHENTICATED']);
  const { session } = await logIn('a good password');
  second.call = desk.caller(session.token);
  assert.equal((await second.call.GetAccount({})).account.must_change_password, false);
  for (let i = 0; i < 5; i++) assert.deepEqual(await outcomes([logIn('a bad password')]), ['LOGIN_FAILED']);
  assert.deepEqual(await outcomes([logIn('a good password')]), ['RATE_LIMITED']);
  await second.call.Logout();
  assert.deepEqual(await outcomes([second.call.GetAccount({})]), ['UNAUTHENTICATED']);
});

test('a TOTP code serves once; five failures lock, whatever was wrong', async () => {
  const { login, password, secret } = desk.staff.chen;
  const code = totp(secret);
  const got = await outcomes([1, 2].map(() => anyone.LoginStaff({ login, password, totp: code })));
  assert.deepEqual(got, ['LOGIN_FAILED', 'OK']);
  for (let i = 0; i < 4; i++) assert.deepEqual(await outcomes([anyone.LoginStaff({ login, password: i % 2 ? password : 'no', totp: '000000' })]), ['LOGIN_FAILED']);
  assert.deepEqual(await outcomes([anyone.LoginStaff({ login, password, totp: totp(secret, Date.now() + 30000) })]), ['RATE_LIMITED']);
  assert.deepEqual(await outcomes([anyone.LoginStaff({ login: 'nobody', password, totp: code })]), ['LOGIN_FAILED']);
});

test('one token goes to one of two orders', async () => {
  const operator = await first.staff('wang');
  await operator.RegisterTokens({ medium_numbers: ['60000001'], model: 'soft' });
  const begin = (walk) => operator.BeginPersonalisation({ order_id: walk.order.id, medium_number: '60000001', algorithms: ['KEY_ALGORITHM_P256'] });
  const got = await outcomes([begin(first), begin(second), begin(first), begin(second)]);
  assert.deepEqual(got, ['OK', 'OK', 'PRECONDITION', 'PRECONDITION']);
  const { token } = await operator.GetToken({ medium_number: '60000001' });
  assert.ok([first.order.id, second.order.id].includes(token.order_id));
});

test('two reviewers: one decides', async () => {
  const third = new Walk(desk, { who: company(203) });
  await third.to('REVIEW');
  const reviewer = await third.staff('li');
  const { review } = await reviewer.GetReview({ order_id: third.order.id });
  const decisions = (verdict) => review.materials.map((m) => ({ material_id: m.id, verdict: `MATERIAL_VERDICT_${verdict}`, reason: '不清楚' }));
  const got = await outcomes([...eight(() => reviewer.DecideReview({ order_id: third.order.id, etag: review.etag, approve: true, decisions: decisions('APPROVED') })),
    ...eight(() => reviewer.DecideReview({ order_id: third.order.id, etag: review.etag, approve: false, decisions: decisions('REFUSED') }))]);
  assert.equal(got.filter((x) => x === 'OK').length, 1, got.join());
  assert.ok(got.every((x) => x === 'OK' || x === 'CONFLICT'), got.join());
});

// Both have read the order and wait for it: a connection of the test's own has its row. Whoever loses looks again.
test('of two steps at the same moment the second is told what the first made of the order, or is done', async () => {
  const walks = Object.fromEntries(['SUBJECT', 'PURCHASE', 'CONFIRM', 'MATERIALS', 'SIGNATURE', 'ISSUE'].map((state, i) => [state, new Walk(desk, { who: company(210 + i), inPerson: true })]));
  for (const [state, w] of Object.entries(walks)) await w.to(state);
  const bought = await walks.PURCHASE.purchase();
  const operator = await first.staff('wang');
  await operator.RegisterTokens({ medium_numbers: ['60000002'], model: 'soft' });
  const step = {
    SUBJECT: (w, o) => w.call.SubmitOrganization({ ...o, organization: w.organization() }),
    PURCHASE: (w, o) => w.call.SetPurchase({ ...o, purchase: bought }),
    CONFIRM: (w, o) => w.call.ConfirmPurchase({ ...o, total_fen: w.order.quote.total_fen }),
    MATERIALS: (w, o) => w.call.CancelOrder(o), // another device's
    SIGNATURE: (w, o) => w.call.ReturnToPurchase(o),
    ISSUE: (w, o) => operator.BeginPersonalisation({ ...o, medium_number: '60000002', algorithms: ['KEY_ALGORITHM_P256'] }),
  };
  const [holder, watcher] = [new Sql(`${desk.state}/db/db.sock`), new Sql(`${desk.state}/db/db.sock`)];
  const waiting = () => watcher.count("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE 'UPDATE orders SET state%'");
  try {
    for (const [state, w] of Object.entries(walks)) {
      const order_id = w.order.id;
      await w.refresh();
      await holder.rows('BEGIN');
      await holder.rows(`SELECT 1 FROM orders WHERE id = '${order_id}' FOR UPDATE`);
      const said = [];
      for (const call of [() => w.call.CancelOrder({ order_id }), () => step[state](w, { order_id })]) {
        const n = said.push(call().then(() => 'OK', (e) => `${e.info.reason}: ${e.details}`));
        await until(`${n} to wait in ${state}`, async () => (await waiting()) === n);
      }
      await holder.rows('ROLLBACK');
      const [cancelled, stepped] = await Promise.all(said);
      const late = 'ORDER_STATE: the order does not allow this now: it is ';
      const ways = [['OK', `${late}cancelled: begin another one`], ['OK', 'OK']]; // who came second is refused, or cancels what was made
      if (state === 'MATERIALS') ways[1] = [`${late}cancelled: begin another one`, 'OK'];
      if (state === 'ISSUE') ways.splice(0, 2, ['OK', `${late}cancelled and its money is on the way back: wait for that`], [`${late.slice(0, -6)}its certificate is being written to a UKEY`, 'OK']);
      assert.ok(ways.some((way) => way[0] === cancelled && way[1] === stepped), `${state}: ${cancelled} | ${stepped}`);
    }
  } finally {
    await holder.close();
    await watcher.close();
  }
});

test('callbacks that nobody signed change nothing', async () => {
  const post = (where, body, headers = {}) => fetch(`http://127.0.0.1:${desk.callbackPort}${where}`, { method: 'POST', body, headers });
  const wechat = { 'content-type': 'application/json', 'wechatpay-timestamp': String(Math.floor(Date.now() / 1000)), 'wechatpay-nonce': 'x', 'wechatpay-signature': 'AAAA', 'wechatpay-serial': 'x' };
  assert.equal((await post('/callback/wechat', '{}', wechat)).status, 401);
  assert.equal((await post('/callback/wechat', '')).status, 401);
  assert.equal((await post('/callback/wechat', 'x'.repeat(2 << 20), wechat)).status, 413);
  for (const body of ['', 'sign_type=RSA2&sign=AAAA', 'out_trade_no=%00', `out_trade_no=${encodeURIComponent('订单')}&trade_status=TRADE_SUCCESS&sign=x`]) {
    const r = await post('/callback/alipay', body, { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' });
    assert.deepEqual([r.status >= 400, await r.text()], [true, 'fail'], body);
  }
  for (const key of ['', 'x', '0'.repeat(32), '%00', '订单', '../wechat', 'a'.repeat(5000)]) {
    const r = await post(`/callback/kuaidi100/${encodeURI(key)}`, 'param={}&sign=00', { 'content-type': 'application/x-www-form-urlencoded' }).catch(() => null);
    if (r) assert.ok(r.status >= 400 || (await r.json()).result === false, key);
  }
  assert.equal((await fetch(`http://127.0.0.1:${desk.callbackPort}/callback/wechat`)).status, 405);
  assert.equal((await post('/callback/other', '')).status, 404);
  assert.doesNotMatch(desk.log(), /"level":"error"|errno":1267/);
});

test('what Alipay tells twice is answered with success twice and booked once', async () => {
  const { alipay, port } = desk.sandbox;
  const sdk = new AlipaySdk({ appId: alipay.app_id, privateKey: fs.readFileSync(alipay.app_key_file, 'utf8'), keyType: 'PKCS8',
    gateway: `http://127.0.0.1:${port}/alipay/gateway.do`, alipayPublicKey: fs.readFileSync(alipay.alipay_public_key_file, 'utf8') });
  const timestamp = new Date(Date.now() + 8 * 3600_000).toISOString().replace('T', ' ').slice(0, 19);
  const placed = await sdk.exec('alipay.trade.precreate', { timestamp, notifyUrl: `http://127.0.0.1:${desk.callbackPort}/callback/alipay`,
    bizContent: { outTradeNo: 'pay_of_nobody', totalAmount: '280.00', subject: '数字证书' } }, { validateSign: true });
  assert.equal(placed.code, '10000');
  await desk.sim('/sim/fault', { provider: 'alipay', action: 'callback', kind: 'twice' });
  await desk.sim('/sim/alipay/pay', { out_trade_no: 'pay_of_nobody' });
  const { calls } = await until('both were told', async () => {
    const log = await desk.sim('/sim/log?provider=alipay&action=callback');
    return log.calls.length === 2 && log;
  });
  assert.deepEqual(calls.map((c) => c.outcome), ['200', '200']);
  await until('nothing more to tell', async () => (await desk.sim('/sim/deliveries')).deliveries.length === 0);
  const held = desk.log().split('\n').filter((l) => l.includes('payment.capture_held'));
  assert.equal(held.length, 1, 'money that is nobody\'s is held, once');
});
