// The sandbox as Tencent Cloud's faceid product, for cards and faces: driven by Tencent's own SDK, and by a person's
// browser as far as forms go.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, before, beforeEach, describe, test } from 'node:test';
import { Sandbox, raw } from './sandbox.mjs';

const { CommonClient } = createRequire(import.meta.url)('tencentcloud-sdk-nodejs-common');

const person = { Name: '张三', IdCard: '110101199003070134', Phone: '13800000000', BankCard: '6222020200000000006' };
const hours = 3600 * 1000;

// The SDK signs with the time of its own clock: it goes with the sandbox's.
const RealDate = Date;
globalThis.Date = class extends RealDate {
  constructor(...given) {
    if (given.length) super(...given);
    else super(RealDate.now() + (box?.clock.offset ?? 0));
  }
};

let box;
before(async () => (box = await Sandbox.start()));
after(() => box.stop());
beforeEach(() => (box.clock.set(0), box.post('reset')));

const faceid = () => new CommonClient('', '2018-03-01', {
  credential: { secretId: box.conf.tencent.secret_id, secretKey: box.conf.tencent.secret_key },
  region: '',
  profile: { httpProfile: { endpoint: `faceid.localhost:${box.port}`, protocol: 'http://', reqTimeout: 5 } },
});
const card4 = (more) => faceid().request('BankCard4EVerification', { ...person, ...more });
const open = (more) => faceid().request('DetectAuth',
  { RuleId: box.conf.tencent.rule_id, IdCard: person.IdCard, Name: person.Name, Extra: 'our-1', ...more });
const info = (BizToken, more) => faceid().request('GetDetectInfoEnhanced',
  { BizToken, RuleId: box.conf.tencent.rule_id, InfoType: '1', ...more });
const act = (token, outcome) => box.post('face', { token, outcome });

describe('bank four-factor (BankCard4EVerification)', () => {
  for (const [what, change, result] of [
    ['data that match', {}, '0'],
    ['a holder whose name and number differ', { Name: '张不一致' }, '-1'],
    ['a card of no bank', { Name: '张查无' }, '-10'],
    ['a malformed name', { Name: '3' }, '-2'],
    ['a wrong check digit of the person', { IdCard: '110101199003070135' }, '-3'],
    ['a wrong check digit of the card', { BankCard: '6222020200000000005' }, '-4'],
    ['a malformed phone', { Phone: '1380000000' }, '-5'],
  ]) test(`${what} is ${result}`, async () => assert.equal((await card4(change)).Result, result));

  test('cards that are defined are the truth', async () => {
    const one = { card_number: '6228480402564890018', name: '李四', id_number: person.IdCard, phone: '13900000001' };
    const ask = (more) => card4({ BankCard: one.card_number, Name: '李四', Phone: one.phone, ...more }).then((r) => r.Result);
    await box.post('cards', one);
    assert.equal(await ask(), '0');
    assert.equal(await ask({ Name: '王五' }), '-6');
    assert.equal(await ask({ Phone: '13900000002' }), '-1');
    for (const [state, code] of [['lost', '-13'], ['expired', '-14'], ['frozen', '-15'], ['unused', '-11']]) {
      await box.post('cards', { ...one, state });
      assert.equal(await ask(), code);
    }
    await box.post('cards', { ...one, card_number: '1' }, 400);
  });
  test('another kind of document', () => assert.rejects(card4({ CertType: 1 }), { code: 'InvalidParameterValue' }));
  test('the card is masked in the log', async () => {
    await card4();
    assert.doesNotMatch(JSON.stringify(await box.calls('tencent', 'BankCard4EVerification')), /6222020200000000006|110101199003070134/);
  });
});

describe('faces (DetectAuth, GetDetectInfoEnhanced)', () => {
  test('nothing is said until the person is done', async () => {
    const { Url, BizToken } = await open();
    assert.match(BizToken, /^[0-9A-F-]{36}$/);
    assert.equal(Url, `http://127.0.0.1:${box.port}/face/${BizToken}`);
    const before = await info(BizToken);
    assert.deepEqual([before.Text.ErrCode, before.Text.Sim, before.Text.Extra, before.IdCardData, before.BestFrame],
      [null, null, 'our-1', null, null]);
    await act(BizToken, 'pass');
    const after = await info(BizToken);
    assert.deepEqual([after.Text.ErrCode, after.Text.LiveStatus, after.Text.Comparestatus], [0, 0, 0]);
    assert.ok(Number(after.Text.Sim) >= 70);
  });
  for (const [outcome, name, code] of [['other_person', '张三', 2016], ['not_live', '张三', 1002],
    ['pass', '张不一致', 2006], ['pass', '张查无', 2005], ['abandon', '张三', null]])
    test(`${outcome} of ${name} is ${code}`, async () => {
      const { BizToken } = await open({ Name: name });
      await act(BizToken, outcome);
      assert.equal((await info(BizToken)).Text.ErrCode, code);
    });
  test('a session lives two hours, a result three days', async () => {
    const { BizToken: unused } = await open();
    const { BizToken: used } = await open();
    await act(used, 'pass');
    box.clock.set(2 * hours - 1000);
    assert.equal((await info(unused)).Text.ErrCode, null);
    box.clock.set(2 * hours + 1000);
    await assert.rejects(info(unused), { code: 'InvalidParameterValue.BizTokenExpired' });
    assert.equal((await info(used)).Text.ErrCode, 0);
    await box.post('face', { token: unused, outcome: 'pass' }, 409);
    box.clock.set(73 * hours);
    await assert.rejects(info(used), { code: 'InvalidParameterValue.BizTokenExpired' });
  });
  test('what is refused', async () => {
    await assert.rejects(info('00000000-0000-4000-8000-000000000000'), { code: 'InvalidParameterValue.BizTokenIllegal' });
    await assert.rejects(open({ RuleId: 'x' }), { code: 'InvalidParameterValue.RuleIdNotExist' });
    await assert.rejects(open({ IdCard: '1' }), { code: 'InvalidParameterValue' });
    await assert.rejects(open({ RedirectUrl: 'https://x/'.padEnd(1025, 'x') }), { code: 'InvalidParameter' });
    await assert.rejects(open({ Surprise: 1 }), { code: 'UnknownParameter' });
  });
  test('steered by name, once', async () => {
    await open();
    await box.post('face', { name: '张三', outcome: 'pass' });
    await box.post('face', { name: '张三', outcome: 'pass' }, 409);
    await box.post('face', { name: '李四', outcome: 'pass' }, 409);
  });
});

describe('the page of a session', () => {
  const page = (url, options) => fetch(url, { redirect: 'manual', ...options });
  const press = (url, outcome, headers) => page(url, { method: 'POST', body: new URLSearchParams({ outcome }), headers });

  test('shows whose face is asked for, masked, with three buttons', async () => {
    const { Url } = await open({ Name: '欧阳<i>娜' });
    const answer = await page(Url);
    const html = await answer.text();
    assert.equal(answer.status, 200);
    assert.match(answer.headers.get('content-security-policy'), /default-src 'none'/);
    for (const word of ['欧****', '1101**********0134', '通过', '不是本人', '放弃', 'name=viewport']) assert.ok(html.includes(word), word);
    assert.ok(!html.includes('<i>') && !html.includes(person.IdCard));
    assert.doesNotMatch(html, /(?:src|href)=["']?https?:/, 'nothing from elsewhere');
  });
  test('leads back where the business wants it', async () => {
    const { Url, BizToken } = await open({ RedirectUrl: 'https://desk.example/back?a=1&b=2' });
    const answer = await press(Url, 'pass');
    assert.deepEqual([answer.status, answer.headers.get('location')], [303, 'https://desk.example/back?a=1&b=2']);
    assert.equal((await info(BizToken)).Text.ErrCode, 0);
    assert.match(await (await page(Url)).text(), /核验已提交.*href="https:\/\/desk\.example\/back\?a=1&amp;b=2"/s);
  });
  test('is used once, and not by a form of another site', async () => {
    const { Url, BizToken } = await open();
    assert.equal((await press(Url, 'pass', { Origin: 'https://evil.example' })).status, 403);
    assert.equal((await press(Url, 'nonsense')).status, 400);
    assert.equal((await press(Url, 'other_person')).headers.get('location'), `/face/${BizToken}`);
    assert.equal((await press(Url, 'pass')).status, 303);
    assert.equal((await info(BizToken)).Text.ErrCode, 2016, 'the first one counts');
  });
  test('says when it is over, and when it never was', async () => {
    const { Url } = await open();
    box.clock.set(2 * hours + 1000);
    assert.match(await (await page(Url)).text(), /链接已失效/);
    const none = await page(`http://127.0.0.1:${box.port}/face/none`);
    assert.deepEqual([none.status, /链接无效/.test(await none.text())], [404, true]);
    const foreign = await raw(box.port, { method: 'GET', path: '/face/none', headers: { Host: 'evil.example' } });
    assert.equal(foreign.status, 421);
  });
});
