// The sandbox as Tencent Cloud: accepted by Tencent's own SDK, and refusing what Tencent refuses.

import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { createRequire } from 'node:module';
import { after, before, beforeEach, describe, test } from 'node:test';
import { Sandbox, raw, vectors } from './sandbox.mjs';

const require = createRequire(import.meta.url);
const { CommonClient } = require('tencentcloud-sdk-nodejs-common');
const Sign = require('tencentcloud-sdk-nodejs-common/tencentcloud/common/sign').default;
const { sms } = require('tencentcloud-sdk-nodejs-sms');
const { ocr } = require('tencentcloud-sdk-nodejs-ocr');

const person = { Name: '张三', IdCard: '110101199003070134', Phone: '13800000000' };
const company = { EntName: '测试科技有限公司', CreditCode: '91350100M000100Y43', LrName: '张三',
  IdNum: '110101199003070134' };

let box;
before(async () => (box = await Sandbox.start()));
after(() => box.stop());
beforeEach(() => (box.clock.set(0), box.post('reset')));

function config(service, credential = {}) {
  return {
    credential: { secretId: box.conf.tencent.secret_id, secretKey: box.conf.tencent.secret_key, ...credential },
    region: 'ap-guangzhou',
    profile: { httpProfile: { endpoint: `${service}.localhost:${box.port}`, protocol: 'http://', reqTimeout: 5 } },
  };
}

const faceid = (credential) => new CommonClient('', '2018-03-01', config('faceid', credential));
const company4 = (more) => new ocr.v20181119.Client(config('ocr')).VerifyBizLicenseEnterprise4({ ...company, ...more });
const smsClient = () => new sms.v20210111.Client(config('sms'));
const phone3 = (more) => faceid().request('PhoneVerification', { ...person, ...more });
const message = (more) => ({ PhoneNumberSet: ['+8613800000000'], SmsSdkAppId: box.conf.tencent.sms_sdk_app_id,
  TemplateId: '1001', SignName: '证书服务', TemplateParamSet: ['123456', '5'], SessionContext: 'outbox-1', ...more });

// A request signed by the SDK's own code, of which anything can then be changed.
function signed({ service = 'faceid', action = 'PhoneVerification', version = '2018-03-01', payload = person,
  at = box.clock.now(), secretId = box.conf.tencent.secret_id, secretKey = box.conf.tencent.secret_key } = {}) {
  const timestamp = Math.round(at / 1000);
  const host = `${service}.localhost:${box.port}`;
  const headers = { 'Content-Type': 'application/json' };
  headers.Authorization = Sign.sign3({ url: `http://${host}/`, payload, timestamp, service, secretId, secretKey, headers });
  return { body: JSON.stringify(payload), headers: { ...headers, Host: host, 'X-TC-Action': action,
    'X-TC-Version': version, 'X-TC-Timestamp': String(timestamp), 'X-TC-Region': 'ap-guangzhou' } };
}

async function code(request) {
  const answer = await raw(box.port, request);
  assert.equal(answer.status, 200, 'HTTP is 200 whatever happens');
  const said = JSON.parse(answer.text).Response;
  assert.match(said.RequestId, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-/);
  return said.Error?.Code ?? said.Result;
}

describe('phone three-factor (faceid PhoneVerification)', () => {
  test('data that match', async () => {
    const said = await phone3();
    assert.deepEqual([said.Result, said.Isp, typeof said.RequestId], ['0', '移动', 'string']);
  });
  for (const [what, change, result] of [
    ['a name that the register says does not match', { Name: '张不一致' }, '-4'],
    ['a name without a record', { Name: '张查无' }, '-9'],
    ['a malformed phone', { Phone: '1380000000' }, '-6'],
    ['a wrong check digit', { IdCard: '110101199003070135' }, '-7'],
    ['a malformed name', { Name: '3' }, '-8'],
    ['a number range of nobody', { Phone: '14400000000' }, '-13'],
  ]) test(`${what} is ${result}`, async () => assert.equal((await phone3(change)).Result, result));

  test('people who are defined are the truth, with the detail of what differs', async () => {
    await box.post('people', [{ name: '李四', id_number: '11010519491231002X', phone: '13900000001' },
      { name: '王五', id_number: '110101199003070134', phone: '13900000002' }]);
    const li = { Name: '李四', IdCard: '11010519491231002X', Phone: '13900000001', VerifyMode: '1' };
    assert.equal((await phone3(li)).Result, '0');
    for (const [change, detail] of [
      [{ Name: '李五' }, 'PhoneNameMismatch'],
      [{ Phone: '13900000002' }, 'PhoneNameIdCardMismatch'],
      [{ IdCard: '110101199003070134' }, 'NameIdCardMismatch'],
    ]) {
      const said = await phone3({ ...li, ...change });
      assert.deepEqual([said.Result, said.ResultDetail], ['-4', detail]);
    }
    assert.equal((await phone3({ ...li, VerifyMode: '0', Name: '李五' })).ResultDetail, '', 'only in detail mode');
  });
  test('two-factor (IdCardVerification)', async () => {
    const ask = (Name, IdCard = person.IdCard) => faceid().request('IdCardVerification', { Name, IdCard });
    assert.equal((await ask('张三')).Result, '0');
    assert.equal((await ask('张不一致')).Result, '-1');
    assert.equal((await ask('张三', '110101199003070130')).Result, '-2');
    assert.equal((await ask('张查无')).Result, '-5');
  });
});

describe('enterprise (ocr VerifyBizLicenseEnterprise4 and 3)', () => {
  test('data that match', async () => {
    const said = await company4();
    assert.deepEqual([said.StatusCode, said.VerifyResult, said.IsCreditCodeConsistent, said.OperatingStatus],
      [0, 1, true, '1']);
  });
  test('which field differs', async () => {
    const said = await company4({ LrName: '李不一致' });
    assert.deepEqual([said.VerifyResult, said.IsEntNameConsistent, said.IsLrNameConsistent, said.IsIdNumConsistent],
      [0, true, false, true]);
  });
  test('a company without a record, one cancelled, one defined', async () => {
    assert.equal((await company4({ EntName: '查无公司' })).OperatingStatus, '/');
    assert.equal((await company4({ EntName: '注销公司' })).OperatingStatus, '3');
    await box.post('companies', { credit_code: company.CreditCode, name: '真名公司', legal_rep: '张三',
      legal_rep_id: company.IdNum, operating_status: '4' });
    const said = await company4({ EntName: '真名公司' });
    assert.deepEqual([said.VerifyResult, said.OperatingStatus], [1, '4']);
    assert.equal((await company4()).IsEntNameConsistent, false);
  });
  test('three-factor', async () => {
    const client = new CommonClient('', '2018-11-19', config('ocr'));
    const ask = (more) => client.request('VerifyBizLicenseEnterprise3',
      { CreditCode: company.CreditCode, EntName: company.EntName, ...more });
    const said = await ask({ LrName: company.LrName, VerifyType: 'ENT_3META' });
    assert.deepEqual([said.StatusCode, said.VerifyResult], [0, 1]);
    assert.equal((await ask({ LrName: '李不一致' })).VerifyResult, 0);
    assert.equal((await ask({ EntName: '查无公司' })).StatusCode, 2);
    await assert.rejects(ask({ VerifyType: 'ENT_9META' }), { code: 'InvalidParameterValue' });
  });
  test('busy is StatusCode 1', async () => {
    await box.fault('tencent', 'VerifyBizLicenseEnterprise4', 'busy');
    assert.equal((await company4()).StatusCode, 1);
  });
});

describe('text messages (sms)', () => {
  test('a message arrives on the phone and is reported', async () => {
    const said = await smsClient().SendSms(message());
    assert.equal(said.SendStatusSet[0].Code, 'Ok');
    const { sms: got } = await box.get('sms?phone=13800000000');
    assert.equal(got.length, 1);
    assert.match(got[0].text, /^【证书服务】.*123456，5$/);
    const pull = { Limit: 10, SmsSdkAppId: box.conf.tencent.sms_sdk_app_id };
    const { PullSmsSendStatusSet: reports } = await smsClient().PullSmsSendStatus(pull);
    assert.deepEqual(reports.map((r) => [r.SerialNo, r.ReportStatus, r.SessionContext]),
      [[said.SendStatusSet[0].SerialNo, 'SUCCESS', 'outbox-1']]);
    assert.equal((await smsClient().PullSmsSendStatus(pull)).PullSmsSendStatusSet.length, 0, 'each report once');
  });
  test('templates that are defined are the only ones, with their number of parameters', async () => {
    await box.post('sms/templates', { templates: { 1001: '您的验证码是{1}，{2}分钟内有效。' } });
    const send = async (more) => (await smsClient().SendSms(message(more))).SendStatusSet[0].Code;
    assert.equal(await send(), 'Ok');
    assert.equal((await box.get('sms')).sms[0].text, '【证书服务】您的验证码是123456，5分钟内有效。');
    assert.equal(await send({ TemplateId: '1002' }), 'FailedOperation.TemplateIncorrectOrUnapproved');
    assert.equal(await send({ TemplateParamSet: ['1'] }), 'FailedOperation.TemplateParamSetNotMatchApprovedTemplate');
    assert.equal(await send({ SignName: '' }), 'FailedOperation.SignatureIncorrectOrUnapproved');
  });
  test('each number has its own outcome', async () => {
    const said = await smsClient().SendSms(message({ PhoneNumberSet: ['13800000001', '+86138', '008613800000002'] }));
    assert.deepEqual(said.SendStatusSet.map((s) => [s.PhoneNumber, s.Code]), [['+8613800000001', 'Ok'],
      ['+86138', 'InvalidParameterValue.IncorrectPhoneNumber'], ['+8613800000002', 'Ok']]);
  });
  test('a lost answer: the message is there, and is found by its SessionContext', async () => {
    await box.fault('tencent', 'SendSms', 'lose_answer');
    await assert.rejects(smsClient().SendSms(message({ SessionContext: 'outbox-7' })));
    const { PullSmsSendStatusSet: found } = await smsClient().PullSmsSendStatusByPhoneNumber({
      BeginTime: Math.floor(box.clock.now() / 1000) - 60, Offset: 0, Limit: 100, PhoneNumber: '+8613800000000',
      SmsSdkAppId: box.conf.tencent.sms_sdk_app_id });
    assert.deepEqual(found.map((r) => r.SessionContext), ['outbox-7']);
  });
  test('a lost request: nothing is there, and the very same bytes may be sent again', async () => {
    const request = signed({ service: 'sms', action: 'SendSms', version: '2021-01-11', payload: message() });
    await box.fault('tencent', 'SendSms', 'lose_request');
    await assert.rejects(raw(box.port, request), { code: 'ECONNRESET' });
    assert.equal((await box.get('sms')).sms.length, 0);
    assert.equal(await code(request), undefined);
    assert.equal((await box.get('sms')).sms.length, 1);
  });
  test('the same signature sends once', async () => {
    const request = signed({ service: 'sms', action: 'SendSms', version: '2021-01-11', payload: message() });
    assert.equal(await code(request), undefined);
    assert.equal(await code(request), 'AuthFailure.SignatureFailure');
    assert.equal((await box.get('sms')).sms.length, 1);
  });
  test('limits of a number, empty package, undelivered', async () => {
    for (const [kind, want] of [['number_limit', 'LimitExceeded.PhoneNumberThirtySecondLimit'],
      ['no_balance', 'FailedOperation.InsufficientBalanceInSmsPackage']]) {
      await box.fault('tencent', 'SendSms', kind);
      assert.equal((await smsClient().SendSms(message())).SendStatusSet[0].Code, want);
    }
    await box.fault('tencent', 'SendSms', 'undelivered');
    await smsClient().SendSms(message({ SessionContext: 'outbox-2' }));
    const { PullSmsSendStatusSet: reports } = await smsClient().PullSmsSendStatus(
      { Limit: 100, SmsSdkAppId: box.conf.tencent.sms_sdk_app_id });
    assert.deepEqual(reports.map((r) => r.ReportStatus), ['FAIL']);
  });
  test('the region is compulsory here', async () => {
    const request = signed({ service: 'sms', action: 'SendSms', version: '2021-01-11', payload: message() });
    delete request.headers['X-TC-Region'];
    assert.equal(await code(request), 'MissingParameter');
  });
});

describe('signature (TC3)', () => {
  for (const [name, v, headers] of [
    ['old', vectors.tc3_published_old, 'content-type:application/json; charset=utf-8\nhost:cvm.tencentcloudapi.com\n'],
    ['new', vectors.tc3_published_new,
      'content-type:application/json; charset=utf-8\nhost:cvm.tencentcloudapi.com\nx-tc-action:describeinstances\n'],
  ]) test(`the published example (${name}) is what this file's own signer makes`, () => {
    assert.equal(tc3(v.secret_key, 'cvm', v.ts, headers, v.signed_headers, v.payload), v.signature);
  });

  // providers.md 3.1, written out once more: the judge of requests that the SDK cannot make
  function tc3(key, service, ts, headers, names, body) {
    const hash = (text) => crypto.createHash('sha256').update(text).digest('hex');
    const mac = (k, text) => crypto.createHmac('sha256', k).update(text).digest();
    const date = new Date(ts * 1000).toISOString().slice(0, 10);
    const canonical = `POST\n/\n\n${headers}\n${names}\n${hash(body)}`;
    const text = `TC3-HMAC-SHA256\n${ts}\n${date}/${service}/tc3_request\n${hash(canonical)}`;
    return mac(mac(mac(mac(`TC3${key}`, date), service), 'tc3_request'), text).toString('hex');
  }

  // As providers.md tells: charset in the type, action signed, host with its port.
  function byHand(change = {}) {
    const host = `faceid.localhost:${box.port}`, type = 'application/json; charset=utf-8';
    const ts = Math.floor(box.clock.now() / 1000), body = JSON.stringify(person);
    const names = 'content-type;host;x-tc-action';
    const signature = tc3(box.conf.tencent.secret_key, 'faceid', ts,
      `content-type:${type}\nhost:${host}\nx-tc-action:phoneverification\n`, names, body);
    const date = new Date(ts * 1000).toISOString().slice(0, 10);
    return { body, headers: { Host: host, 'Content-Type': type, 'X-TC-Action': 'PhoneVerification',
      'X-TC-Version': '2018-03-01', 'X-TC-Timestamp': String(ts),
      Authorization: `TC3-HMAC-SHA256 Credential=${box.conf.tencent.secret_id}/${date}/faceid/tc3_request, ` +
        `SignedHeaders=${names}, Signature=${signature}`, ...change } };
  }
  test('the documents\' own form is accepted, by name and by path', async () => {
    assert.equal(await code(byHand()), '0');
    const request = signed();
    assert.equal(await code({ ...request, path: '/' }), '0');
  });
  test('a signed action cannot be exchanged', async () => {
    assert.equal(await code(byHand({ 'X-TC-Action': 'IdCardVerification' })), 'AuthFailure.SignatureFailure');
    assert.equal(await code(byHand({ 'Content-Type': 'application/json' })), 'AuthFailure.SignatureFailure');
  });
  test('one bit changed in the body', async () => {
    const request = signed();
    for (const at of [0, 10, request.body.length - 1]) {
      const bytes = Buffer.from(request.body);
      bytes[at] ^= 1;
      assert.equal(await code({ ...request, body: bytes }), 'AuthFailure.SignatureFailure', `byte ${at}`);
    }
  });
  test('one digit changed anywhere in the signature', async () => {
    const request = signed(), good = request.headers.Authorization;
    for (const back of [1, 30, 64]) {
      const digit = good.at(-back);
      const bad = good.slice(0, good.length - back) + (digit === '0' ? '1' : '0') + good.slice(good.length - back + 1);
      assert.equal(await code({ ...request, headers: { ...request.headers, Authorization: bad } }),
        'AuthFailure.SignatureFailure');
    }
  });
  test('300 s of difference are allowed, 301 are not, either way', async () => {
    const base = Math.floor(box.clock.now() / 1000) * 1000;
    for (const off of [301, -301, 100000])
      assert.equal(await code(signed({ at: base + off * 1000 + (off > 0 ? 2000 : 0) })), 'AuthFailure.SignatureExpire');
    for (const off of [298, -298]) assert.equal(await code(signed({ at: base + off * 1000 })), '0');
  });
  test('the sandbox\'s clock is the one that can be moved', async () => {
    box.clock.set(86400_000);
    assert.equal(await code(signed({ at: Date.now() })), 'AuthFailure.SignatureExpire');
    assert.equal(await code(signed()), '0');
  });
  test('unknown id, another key, no signature, another house', async () => {
    await assert.rejects(faceid({ secretId: 'AKIDnobody' }).request('PhoneVerification', person),
      { code: 'AuthFailure.SecretIdNotFound' });
    await assert.rejects(faceid({ secretKey: 'wrong' }).request('PhoneVerification', person),
      { code: 'AuthFailure.SignatureFailure' });
    const request = signed();
    delete request.headers.Authorization;
    assert.equal(await code(request), 'AuthFailure.InvalidAuthorization');
    const other = signed({ service: 'ocr' });
    other.headers.Host = `faceid.localhost:${box.port}`;
    assert.match(await code(other), /^AuthFailure/);
  });
});

describe('parameters and faults', () => {
  for (const [what, change, want] of [
    ['a missing parameter', { payload: { Name: '张三' } }, 'MissingParameter'],
    ['an unknown one', { payload: { ...person, Nme: 'x' } }, 'UnknownParameter'],
    ['a wrong type', { payload: { ...person, Phone: 13800000000 } }, 'InvalidParameter'],
    ['an unknown action', { action: 'PhoneVerify' }, 'InvalidAction'],
    ['an unknown version', { version: '2018-03-02' }, 'NoSuchVersion'],
    ['a body that is no object', { payload: [1] }, 'InvalidRequest'],
  ]) test(`${what} is ${want}`, async () => assert.equal(await code(signed(change)), want));

  for (const [kind, want] of [['busy', '-11'], ['daily_limit', '-12'], ['fail', 'InternalError'],
    ['rate_limited', 'RequestLimitExceeded'], ['bad_signature', 'AuthFailure.SignatureFailure'],
    ['arrears', 'UnauthorizedOperation.Arrears']])
    test(`fault ${kind} is ${want}, as often as ordered`, async () => {
      await box.fault('tencent', 'PhoneVerification', kind, { count: 2 });
      assert.equal(await code(signed()), want);
      assert.equal(await code(signed()), want);
      assert.equal(await code(signed()), '0');
    });
  test('slow, silent, garbage', async () => {
    await box.fault('tencent', 'PhoneVerification', 'slow', { ms: 300 });
    const start = performance.now();
    assert.equal(await code(signed()), '0');
    assert.ok(performance.now() - start >= 299, 'the answer took its time');
    await box.fault('tencent', 'PhoneVerification', 'timeout', { ms: 50 });
    await assert.rejects(raw(box.port, signed()));
    await box.fault('tencent', 'PhoneVerification', 'garbage');
    await assert.rejects(phone3());
  });
  test('the log tells every call, and no number in full', async () => {
    await phone3();
    await phone3({ Name: '张不一致' });
    const log = await box.get('log?provider=tencent');
    assert.deepEqual(log.calls.map((c) => [c.action, c.outcome]), [['PhoneVerification', '0'], ['PhoneVerification', '-4']]);
    assert.equal(log.counts['tencent.PhoneVerification'], 2);
    assert.deepEqual(log.calls[0].inputs, { name: '张*', id_number: '1101**********0134', phone: '138****0000' });
    assert.ok(!JSON.stringify(log).includes(person.IdCard));
  });
});
