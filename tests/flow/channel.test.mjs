// Channels by the command line, in force in the server that runs (S1, S5): two that differ in everything.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { Desk, certdeskd, root } from '../lib/desk.mjs';
import { company } from './people.mjs';
import { refused } from './refused.mjs';
import { Walk } from './walk.mjs';

const YUNQI = path.join(root, 'tests/flow/channels/yunqi.yaml');
const text = fs.readFileSync(YUNQI, 'utf8');
const short = (enums, prefix) => enums.map((e) => e.replace(prefix, ''));

let desk;
let anyone;
let next = 1;

before(async () => {
  desk = await new Desk({ clock: true }).start();
  anyone = desk.caller();
});
after(async () => {
  assert.equal(desk.server.exitCode, null); // one server served all of it
  await desk?.stop();
});

function channel(...args) {
  const r = spawnSync(certdeskd, ['--config', desk.config, 'channel', ...args], { encoding: 'utf8', env: desk.env });
  return { code: r.status, out: r.stdout, err: r.stderr };
}

function written(name, content) {
  const file = path.join(desk.dir, name);
  fs.writeFileSync(file, content);
  return file;
}

describe('a file', () => {
  test('says what it would change, and changes nothing', async () => {
    const r = channel('import', YUNQI);
    assert.deepEqual([r.code, r.err], [3, '']);
    assert.match(r.out, /^\+ products\[enterprise\]\.prices\[24 months with seal\]\.price_fen: 19900$/m);
    assert.match(r.out, /^\+ offers\[renew organization ukey\]\.methods: bank_four_factor, face$/m);
    assert.match(r.out, /^yunqi: \d+ changes; nothing was stored; --apply makes it version 1$/m);
    await refused(anyone.GetChannel({ channel: 'yunqi' }), 'NOT_FOUND', 'NOT_FOUND');
  });

  test('is in force at once, in the server that runs', async () => {
    const r = channel('import', '--apply', YUNQI);
    assert.match(r.out, /^yunqi: version 1 is in force$/m);
    const { channel: c } = await anyone.GetChannel({ channel: 'yunqi' });
    assert.deepEqual([c.name, c.version, c.review_days_from, c.review_days, c.invoice_offered], ['云启采购平台', 1, 0, 3, false]);
    const { channel: z } = await anyone.GetChannel({ channel: 'zheneng' });
    assert.deepEqual([z.review_days_from, z.review_days], [3, 5]);
    assert.deepEqual(c.payment_providers, ['PAYMENT_PROVIDER_ALIPAY']);
    assert.deepEqual(short(c.calendar.weekend, 'WEEKDAY_'), ['SUNDAY']);
    assert.deepEqual(c.calendar.office_hours, [{ from: '08:30', to: '18:00' }]);
    assert.deepEqual(c.calendar.holidays, ['2026-10-01', '2026-10-02', '2026-10-03']);
    assert.deepEqual(c.calendar.working_days, ['2026-10-11']);
    const kinds = c.offers.map((o) => [o.kind, o.subject_kind, o.medium, o.delivery].map((s) => s.split('_').pop()).join(' '));
    assert.deepEqual(kinds, ['NEW ORGANIZATION UKEY DOWNLOAD', 'RENEW ORGANIZATION UKEY DOWNLOAD', 'NEW INDIVIDUAL CLOUD DOWNLOAD']);
    assert.deepEqual(c.offers.map((o) => [o.review, o.address_asked, o.paper_route, o.materials.length]), [[true, false, false, 2], [true, false, false, 2], [false, false, false, 0]]);
    assert.deepEqual(short(c.offers[0].methods, 'VERIFICATION_METHOD_'), ['BANK_FOUR_FACTOR', 'FACE']);
    assert.deepEqual(short(c.offers[0].agent_methods, 'VERIFICATION_METHOD_'), ['FACE']);
  });

  test('twice is no new version; another price is, and what changes is said', async () => {
    assert.match(channel('import', '--apply', YUNQI).out, /^yunqi: nothing changes; version 1 is this file$/m);
    const dearer = written('dearer.yaml', text.replace('19900', '20900').replace('text: 请妥善保管介质。', 'text: 请妥善保管介质和密码。'));
    const dry = channel('import', dearer);
    assert.deepEqual(dry.out.trim().split('\n'), [
      '~ agreements[terms].text: 请妥善保管介质。 -> 请妥善保管介质和密码。',
      '~ agreements[terms].version: 1 -> 2',
      '~ products[enterprise].prices[24 months with seal].price_fen: 19900 -> 20900',
      'yunqi: 3 changes; nothing was stored; --apply makes it version 2',
    ]);
    const price = async () => (await anyone.ListProducts({ channel: 'yunqi' })).products.find((p) => p.name === '企业证书').options[0].price_fen;
    assert.equal(await price(), 19900);
    assert.equal(channel('import', dearer, '--apply').code, 0);
    assert.equal(await price(), 20900);
    assert.equal((await anyone.ListAgreements({ channel: 'yunqi' })).agreements[0].version, 2);
  });

  test('is kept, with its history', () => {
    assert.equal(channel('show', 'yunqi', '--version', '1').out, text);
    assert.equal(channel('show', 'yunqi').out, fs.readFileSync(path.join(desk.dir, 'dearer.yaml'), 'utf8'));
    assert.equal(desk.channel('yunqi').products[0].prices[0].price_fen, 20900);
    const history = channel('history', 'yunqi').out.trim().split('\n');
    assert.equal(history.length, 2);
    assert.match(history[0], /^yunqi +version 2 +\d{4}-\d\d-\d\d \d\d:\d\d +\S+ +[0-9a-f]{16} +in force$/);
    assert.match(channel('list').out, /^yunqi +version 2 .*云启采购平台$/m);
    assert.match(channel('list').out, /^zheneng +version 1 /m);
    for (const args of [['show', 'nobody'], ['show', 'yunqi', '--version', '7'], ['history', 'nobody'], ['import', '/nowhere'], ['import'], ['drop', 'yunqi'], []]) {
      const r = channel(...args);
      assert.deepEqual([r.code, r.out], [2, ''], args.join(' '));
      assert.match(r.err, /^(certdeskd|usage): /);
    }
  });

  test('that is bad is refused with every fault and its line', async () => {
    const bad = text.replace('price_fen: 990', 'price_fen: 9.90').replace('methods: [bank_four_factor, face]', 'methods: [bank_four_factor, fax]').replace('payments:', 'payment:').replace('"2012"', '2012');
    const r = channel('import', '--apply', written('bad.yaml', bad));
    assert.deepEqual([r.code, r.out], [2, '']);
    const line = (s) => bad.split('\n').findIndex((l) => l.includes(s)) + 1;
    for (const [s, what] of [['fax', 'offers[0].methods[1] is one of'], ['9.90', 'products[1].prices[0].price_fen is a whole number'], ['payment:', 'payment is not a key'], ['2012', 'profile is a word: put it in quotes']])
      assert.ok(r.err.includes(`bad.yaml:${line(s)}: ${what}`), `${s}: ${r.err}`);
    assert.match(r.err, /^certdeskd: the file has 4 faults$/m);
    assert.equal((await anyone.GetChannel({ channel: 'yunqi' })).channel.version, 2);
  });
});

test('channels are listed a page at a time', async () => {
  const first = await anyone.ListChannels({ page_size: 1 });
  assert.deepEqual(first.channels.map((c) => [c.code, c.offers.length]), [['yunqi', 0]]);
  const second = await anyone.ListChannels({ page_size: 1, page_token: first.next_page_token });
  assert.deepEqual([second.channels[0].code, second.next_page_token], ['zheneng', '']);
  assert.deepEqual(short(second.channels[0].payment_providers, 'PAYMENT_PROVIDER_'), ['WECHAT', 'ALIPAY']);
  await refused(anyone.ListChannels({ page_token: 'x' }), 'INVALID_ARGUMENT', 'PAGE_TOKEN');
  assert.equal((await anyone.ListChannels({})).channels.length, 2);
});

describe('a channel decides', () => {
  const person = { document_type: 'DOCUMENT_TYPE_RESIDENT_ID', email: 'p@example.com' };

  test('the first password: random, and another each time (S2)', async () => {
    const passwords = [];
    for (let i = 0; i < 2; i++) {
      const w = new Walk(desk, { channel: 'yunqi', who: company(next++) });
      await w.register();
      const [, name, password] = /用户名(\w+)，初始密码(\d{10})，/.exec(await w.read(w.who.account.phone, /账号已创建/));
      await refused(w.anyone.LoginByPassword({ channel: 'yunqi', login: name, password }), 'FAILED_PRECONDITION', 'MUST_CHANGE_PASSWORD');
      passwords.push(password);
    }
    assert.notEqual(passwords[0], passwords[1]);
  });

  test('what may be ordered, and how: a cloud certificate, without an address and without an invoice', async () => {
    const w = new Walk(desk, { channel: 'yunqi', who: company(next++) });
    await w.register();
    await refused(w.createOrder(), 'FAILED_PRECONDITION', 'METHOD_NOT_OFFERED'); // an organization by phone
    await refused(w.createOrder({ medium: 'MEDIUM_CLOUD' }), 'FAILED_PRECONDITION', 'METHOD_NOT_OFFERED');
    await w.createOrder({ subject_kind: 'SUBJECT_KIND_INDIVIDUAL', medium: 'MEDIUM_CLOUD' });
    const { name, idNumber, phone } = w.who.legalRep;
    w.take(await w.call.SubmitPerson({ order_id: w.order.id, person: { ...person, name, id_number: idNumber, phone } }));
    await w.confirmSubject();
    const { products } = await w.anyone.ListProducts({ channel: 'yunqi', medium: 'MEDIUM_CLOUD' });
    const purchase = { product_id: products[0].id, term_months: 1, quantity: 1 };
    const wrong = await refused(w.call.SetPurchase({ order_id: w.order.id, purchase: { ...purchase, invoice: { wanted: true, email: 'p@example.com' } } }), 'INVALID_ARGUMENT', 'INVALID');
    assert.deepEqual(wrong.fields, ['purchase.invoice.wanted']);
    w.take(await w.call.SetPurchase({ order_id: w.order.id, purchase }));
    assert.deepEqual([w.state, w.order.quote.total_fen], ['CONFIRM', 990]);
  });

  test('a new price for who has not confirmed; a confirmed quote stays (S12)', async () => {
    const w = new Walk(desk, { who: company(next++), inPerson: true });
    await w.to('CONFIRM');
    const late = new Walk(desk, { who: company(next++), inPerson: true });
    await late.to('CONFIRM');
    const { total_fen } = await w.confirmPurchase().then((o) => o.quote);
    const shipped = desk.channel('zheneng', 1);
    for (const p of shipped.products[0].prices) p.price_fen += 500;
    shipped.posting.fee_fen = 1200;
    desk.importChannel(shipped);
    assert.equal((await w.refresh()).quote.total_fen, total_fen);
    const quote = (await late.refresh()).quote;
    assert.equal(quote.total_fen, total_fen + 500 + 1200);
    assert.deepEqual(quote.lines.map((l) => l.title), ['单位证书（UKEY）', '邮寄费']);
    await refused(late.call.ConfirmPurchase({ order_id: late.order.id, total_fen }), 'ABORTED', 'PRICE_CHANGED');
    desk.importChannel(desk.channel('zheneng', 1));
  });

  test('a method that is withdrawn stops the order that chose it, and says so', async () => {
    const w = new Walk(desk, { who: company(next++), inPerson: true });
    await w.to('SUBJECT');
    const without = desk.channel('zheneng', 1);
    for (const o of without.offers) o.methods = o.methods.filter((m) => m !== 'phone_three_factor');
    desk.importChannel(without);
    const info = await refused(w.submitOrganization(), 'FAILED_PRECONDITION', 'METHOD_NOT_OFFERED');
    assert.match(info.zh, /已不支持该核验方式/);
    const change = async (method) => w.take(await w.call.ChangeMethod({ order_id: w.order.id, method: `VERIFICATION_METHOD_${method}` }));
    await change('MICRO_DEPOSIT');
    await refused(change('PHONE_THREE_FACTOR'), 'FAILED_PRECONDITION', 'METHOD_NOT_OFFERED');
    desk.importChannel(desk.channel('zheneng', 1));
    await change('PHONE_THREE_FACTOR');
    await w.submitOrganization();
    assert.equal(w.state, 'SUBJECT_VERIFYING');
  });

  test('what it withdraws while orders stand before it is not listed, is refused, and what there is instead is said', async () => {
    const people = {};
    for (const state of ['SUBJECT', 'AGENT', 'PURCHASE', 'CONFIRM', 'PAYMENT']) {
      people[state] = new Walk(desk, { who: company(next++) });
      await people[state].to(state);
    }
    const { SUBJECT: s, AGENT: a, PURCHASE: p, CONFIRM: q, PAYMENT: m } = people;
    const listed = async (w, verb) => { await w.refresh(); return w.order.actions.includes(verb); };
    const bought = await p.purchase();
    const buy = () => p.call.SetPurchase({ order_id: p.order.id, purchase: bought });
    const pay = (provider) => m.call.CreatePayment({ order_id: m.order.id, provider: `PAYMENT_PROVIDER_${provider}` });
    const all = [[s, 'SubmitOrganization'], [s, 'ChangeMethod'], [a, 'SubmitAgent'], [p, 'SetPurchase'], [q, 'ConfirmPurchase'], [m, 'CreatePayment']];
    for (const [w, verb] of all) assert.ok(await listed(w, verb), verb);

    const less = desk.channel('zheneng', 1);
    for (const o of less.offers.filter((x) => x.subject === 'organization')) [o.methods, o.agent_methods] = [['micro_deposit', 'face'], ['face']];
    const sold = less.products.find((x) => x.subject === 'organization' && x.medium === 'ukey');
    less.products.push({ ...sold, code: 'other-product', name: '另一种证书' });
    less.products = less.products.filter((x) => x !== sold);
    less.payments = ['alipay'];
    desk.importChannel(less);
    const not = async (promise, status, reason, en, zh) => {
      const e = await promise.then(() => assert.fail(`not refused: ${en}`), (x) => x);
      await refused(Promise.reject(e), status, reason);
      assert.match(e.details, en);
      assert.match(e.info.zh, zh);
      return e;
    };
    assert.equal(await listed(s, 'SubmitOrganization'), false);
    await not(s.submitOrganization(), 'FAILED_PRECONDITION', 'METHOD_NOT_OFFERED', /no longer offers this method; choose another one: micro-deposit, face$/, /请更换核验方式：对公打款、刷脸$/);
    await not(s.call.ChangeMethod({ order_id: s.order.id, method: 'VERIFICATION_METHOD_BANK_FOUR_FACTOR' }), 'FAILED_PRECONDITION', 'METHOD_NOT_OFFERED', /it offers: micro-deposit, face$/, /：对公打款、刷脸$/);
    await not(a.submitAgent(), 'FAILED_PRECONDITION', 'METHOD_NOT_OFFERED', /it offers: face, the legal representative in person$/, /：刷脸、法定代表人本人办理$/);
    const field = await not(buy(), 'INVALID_ARGUMENT', 'INVALID', /./, /./);
    assert.deepEqual(field.info.fields, ['purchase.product_id']);
    assert.equal(await listed(q, 'ConfirmPurchase'), false);
    await not(q.call.ConfirmPurchase({ order_id: q.order.id, total_fen: 28000 }), 'ABORTED', 'PRICE_CHANGED', /go back and choose again: 另一种证书$/, /请返回重新选择：另一种证书$/);
    await not(pay('WECHAT'), 'FAILED_PRECONDITION', 'METHOD_NOT_OFFERED', /choose: Alipay$/, /可选：支付宝$/);
    assert.ok(await listed(m, 'CreatePayment'));
    assert.ok((await pay('ALIPAY')).payment.id);
    assert.ok(await listed(p, 'SetPurchase'));

    // The whole kind of order: who has not bought can only give up; who has confirmed goes on.
    const none = desk.channel('zheneng', 1);
    none.offers = none.offers.filter((o) => o.subject !== 'organization');
    none.products = none.products.filter((x) => x.subject !== 'organization');
    desk.importChannel(none);
    for (const [w, verb] of all) assert.equal(await listed(w, verb), ['SubmitAgent', 'CreatePayment'].includes(verb), verb);
    for (const call of [() => s.submitOrganization(), () => s.call.ChangeMethod({ order_id: s.order.id, method: 'VERIFICATION_METHOD_FACE' }), buy])
      await not(call(), 'FAILED_PRECONDITION', 'METHOD_NOT_OFFERED', /does not offer this kind of order/, /不办理/);
    assert.ok(await listed(s, 'CancelOrder'));
    desk.importChannel(desk.channel('zheneng', 1));
    assert.ok(await listed(s, 'SubmitOrganization'));
  });

  test('codes of a verification keep to the limits of its channel, too', async () => {
    const often = desk.channel('zheneng', 1);
    often.sms_limits = { ...often.sms_limits, phone_minute: 60 };
    desk.importChannel(often);
    const w = new Walk(desk, { who: company(next++) });
    for (const at of [0, 2000]) {
      desk.setClock((desk.clockOffset || 0) + at);
      if (at === 0) await w.to('SUBJECT_VERIFYING');
      else await w.submitOrganization();
      assert.equal(await w.verified(), 'CODE_SENT');
      assert.match(w.order.verification.sent_to, /^138\*{4}/, `after ${at} ms`);
    }
    desk.importChannel(desk.channel('zheneng', 1));
  });

  test('its codes of a day are all codes, those of verifications among them', async () => {
    const w = new Walk(desk, { who: company(next++) });
    await w.to('SUBJECT');
    const few = desk.channel('zheneng', 1);
    few.sms_limits = { ...few.sms_limits, channel_day: 1 };
    desk.importChannel(few);
    await w.submitOrganization();
    assert.equal(await w.verified(), 'CODE_HELD');
    const { id, code_available_time: at } = w.order.verification;
    const wait = Number(at.seconds) * 1000 - Date.now() - (desk.clockOffset || 0);
    assert.ok(wait > 60000 && wait <= 24 * 3600 * 1000, `${wait} ms`);
    desk.importChannel(desk.channel('zheneng', 1));
    await w.call.ResendVerificationCode({ verification_id: id }); // a larger budget is in force at once
    await w.confirmSubject();
    assert.equal(w.state, 'AGENT');
  });
});
