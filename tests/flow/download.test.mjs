// Certificates that their holders download (S19, S20, S25), by the channel yunqi: an organization's to a UKEY of its own
// after the review, an individual's to a key service as soon as it is paid. Everything through the RPCs; certdesk-ukey does
// the same in ukey_download.test.mjs.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { Desk, until } from '../lib/desk.mjs';
import { ChannelWalk } from './channel_walk.mjs';
import { YUNQI, importGenerous } from './channels.mjs';
import { Sql } from './database.mjs';
import { company } from './people.mjs';
import { SoftKey, verifyChain, verifySignature } from './softkey.mjs';
import { Walk } from './walk.mjs';

let desk, sql, org, cloud;
before(async () => {
  desk = await new Desk().start();
  sql = new Sql(`${desk.state}/db/db.sock`);
  await desk.sim('/sim/config', { callback_scale: 0.001, alipay_refund_ms: 0 });
  importGenerous(desk, YUNQI);
});
after(async () => {
  await sql?.close();
  await desk?.stop();
});

const organization = (n) => ChannelWalk.of(desk, { channel: 'yunqi', who: company(n), method: 'BANK_FOUR_FACTOR', inPerson: true });
const individual = (n) => ChannelWalk.of(desk, { channel: 'yunqi', who: company(n), individual: true });
const refused = (promise) => promise.then(() => assert.fail('it passed'), (e) => e.info);
const ask = (w, more = {}) => w.call.DownloadCertificate({ order_id: w.order.id, csr_der: more.csr_der ?? w.key.csr(), medium_number: w.medium, ...more });
const rowsOf = async (w) => Object.fromEntries(await Promise.all(['certificate', 'issuance', 'serial_used', 'personalisation']
  .map(async (t) => [t, Number(await sql.value(`SELECT COUNT(*) FROM ${t} WHERE order_id = '${w.order.id}'`))])));
const ONCE = { certificate: 1, issuance: 1, serial_used: 1, personalisation: 1 };

test('a reviewed order is downloaded when it is approved, and not before', async () => {
  org = await organization(61);
  await org.to('REVIEW');
  Object.assign(org, { key: new SoftKey(desk.dir, 'org'), medium: '60000061' });
  assert.equal((await refused(ask(org))).reason, 'ORDER_STATE');
  assert.deepEqual(org.order.actions, []);
  await org.to('DOWNLOAD');
  assert.equal(org.order.delivery, 'DELIVERY_WAY_DOWNLOAD');
  assert.deepEqual(org.order.actions.sort(), ['CancelOrder', 'DownloadCertificate']);
  const { text } = await desk.sms(org.signer, /审核通过/);
  assert.ok(text.includes('请登录并下载证书'), text);
  assert.equal((await (await org.staff('wang')).ListIssues({})).total, 0, 'the desk has nothing to issue');
});

test('wrong requests are refused for their own reason', async () => {
  const stranger = await organization(62);
  await stranger.register();
  assert.equal((await refused(ask({ ...org, call: stranger.call, order: org.order, key: org.key }))).reason, 'NOT_FOUND');
  const e = await refused(ask(org, { csr_der: Buffer.from('3000', 'hex') }));
  assert.equal(e.reason, 'CSR_BAD');
  const wrong = async (medium_number) => {
    const info = await refused(ask(org, { medium_number }));
    assert.deepEqual(info.fields, ['medium_number'], `${medium_number}: ${JSON.stringify(info)}`);
    return info.violations[0];
  };
  assert.equal((await wrong('')).reason, 'REQUIRED');
  assert.equal((await wrong('no/number')).reason, 'FORMAT');
  assert.equal((await wrong('6'.repeat(65))).reason, 'FORMAT');
  // of the desk: in stock, and posted to somebody else
  await (await org.staff('wang')).RegisterTokens({ medium_numbers: ['60000001'], model: 'soft' });
  assert.equal((await wrong('60000001')).reason, 'CONFLICT');
  await sql.rows(`UPDATE token SET state = 3, order_id = '${org.order.id}' WHERE medium_number = '60000001'`); // its own, written and not yet posted
  assert.equal((await wrong('60000001')).reason, 'CONFLICT');
  const other = new Walk(desk, { who: company(63) });
  await other.to('SHIPPED');
  const said = await wrong(other.medium);
  assert.equal(said.reason, 'CONFLICT');
  for (const secret of [other.who.name, other.order.id]) assert.ok(!JSON.stringify(said).includes(secret));
  // the key of a certificate
  const used = await refused(org.call.DownloadCertificate({ order_id: org.order.id, csr_der: other.key.csr(), medium_number: '60000061' }));
  assert.equal(used.reason, 'KEY_USED');
  assert.deepEqual(await rowsOf(org), { certificate: 0, issuance: 0, serial_used: 0, personalisation: 0 });
});

test('the certificate is for the key, on the holder\'s medium, and the order is finished', async () => {
  await org.download();
  assert.equal(org.state, 'FINISHED');
  assert.deepEqual(org.order.actions, []);
  const { certificate_der: der, chain_der: chain, certificate_id: id } = org.issued;
  assert.match(verifyChain(desk.dir, der, chain, false), /: OK/);
  assert.match(verifySignature(desk.dir, der, 'x', org.key.sign('x')), /OK/);
  const { certificates } = await org.call.ListCertificates({ medium: 'MEDIUM_UKEY' });
  assert.deepEqual(certificates.map((c) => [c.id, c.medium_number, c.state, c.subject_name]), [[id, '60000061', 'CERTIFICATE_STATE_VALID', org.who.name]]);
  assert.equal(org.order.certificates[0].certificate_id, id);
  const { text } = await desk.sms(org.signer, /已下载/);
  await until('the same by mail', async () => (await desk.sim(`/sim/mails?to=${encodeURIComponent(org.who.agent.email)}`)).mails
    .find((m) => m.subject === '证书已下载' && m.text.includes(org.order.id)));
  assert.ok(text.includes(org.order.certificates[0].serial_number) && text.includes(org.order.id), text);
});

test('asked again it is the same certificate; of another key it is refused', async () => {
  assert.deepEqual(await ask(org), org.issued);
  const other = new SoftKey(desk.dir, 'another');
  const e = await refused(ask(org, { csr_der: other.csr() }));
  assert.equal(e.reason, 'PRECONDITION');
  assert.equal(e.zh, '该订单的证书已对应另一密钥，请使用原UKEY（原密钥）继续下载');
  assert.deepEqual((await refused(ask(org, { medium_number: '60000099' }))).violations.map((v) => v.reason), ['MISMATCH']);
  assert.deepEqual(await rowsOf(org), ONCE);
  assert.equal(await sql.value(`SELECT secrets IS NULL AND operator_id = (SELECT account_id FROM orders WHERE id = '${org.order.id}') AND in_work IS NULL AND step = 11 FROM personalisation WHERE order_id = '${org.order.id}'`), '1');
});

test('the desk has no part in it', async () => {
  const w = await organization(64);
  await w.to('DOWNLOAD');
  const wang = await w.staff('wang');
  await wang.RegisterTokens({ medium_numbers: ['60000064'], model: 'soft' });
  assert.equal((await refused(wang.BeginPersonalisation({ order_id: w.order.id, medium_number: '60000064', algorithms: ['KEY_ALGORITHM_P256'] }))).reason, 'ORDER_STATE');
  // a download that stops between its intent and the signature
  const key = new SoftKey(desk.dir, 'stops');
  Object.assign(w, { key, medium: '60000065' });
  await sql.quiet();
  for (let k = 1; (await sql.count(`SELECT COUNT(*) FROM personalisation WHERE order_id = '${w.order.id}'`)) === 0; k++)
    await w.call.DownloadCertificate({ request_id: 'stops', order_id: w.order.id, csr_der: key.csr(), medium_number: w.medium }, { metadata: { 'x-certdesk-fail-statement': k } })
      .then(() => assert.fail('it did not stop'), () => {});
  const personalisation_id = await sql.value(`SELECT id FROM personalisation WHERE order_id = '${w.order.id}'`);
  assert.equal((await w.refresh()).state, 'ORDER_STATE_DOWNLOAD');
  for (const [method, more] of [['RecordStep', { step: 'PERSONALISATION_STEP_ISSUED' }], ['QuarantineToken', { reason: 'x' }], ['FinishPersonalisation', {}]])
    assert.equal((await refused(wang[method]({ personalisation_id, ...more }))).reason, 'PRECONDITION', method);
  const begin = (medium_number) => wang.BeginPersonalisation({ order_id: w.order.id, medium_number, algorithms: ['KEY_ALGORITHM_P256'] });
  for (const call of [() => wang.IssueCertificate({ personalisation_id, csr_der: key.csr() }), () => begin('60000064'), () => begin(w.medium)])
    assert.equal((await refused(call())).zh, '该证书由用户自行下载');
  // meanwhile no other order is written to the UKEY; given up, it is free again, and so is the key
  const other = await organization(66);
  await other.to('DOWNLOAD');
  Object.assign(other, { key, medium: w.medium });
  assert.equal((await refused(ask(other))).reason, 'KEY_USED');
  assert.deepEqual((await refused(ask(other, { csr_der: new SoftKey(desk.dir, 'fresh').csr() }))).violations.map((v) => v.reason), ['BUSY']);
  await w.call.CancelOrder({ order_id: w.order.id });
  await w.reach('CANCELLED');
  assert.equal(await sql.value(`SELECT state FROM issuance WHERE order_id = '${w.order.id}'`), '3');
  assert.equal((await refused(ask(w))).reason, 'ORDER_STATE');
  await other.download();
  assert.equal(other.state, 'FINISHED');
});

test('without a review a paid order is downloaded at once; a key service sends its own request', async () => {
  cloud = await individual(67);
  await cloud.to('PAYMENT');
  await cloud.createPayment();
  await cloud.pay();
  assert.equal(cloud.state, 'DOWNLOAD');
  assert.ok((await desk.sms(cloud.signer, /已支付/)).text.includes('现在即可登录并下载证书'));
  assert.equal((await (await cloud.staff('li')).ListReviews({})).total, 0);
  cloud.key = new SoftKey(desk.dir, 'cloud', { sm2: true });
  assert.deepEqual((await refused(ask(cloud, { medium_number: '60000067' }))).fields, ['medium_number']);
  await cloud.download();
  assert.equal(cloud.state, 'FINISHED');
  assert.match(verifyChain(desk.dir, cloud.issued.certificate_der, cloud.issued.chain_der, true), /issuing.pem: OK[^]*leaf.pem: OK/);
  const { certificates } = await cloud.call.ListCertificates({ medium: 'MEDIUM_CLOUD' });
  assert.deepEqual(certificates.map((c) => [c.id, c.medium_number]), [[cloud.issued.certificate_id, '']]);
  const audit = await sql.rows(`SELECT action, caller FROM audit WHERE object = '${cloud.order.id}' AND action IN ('order.paid', 'order.approved') ORDER BY version`);
  assert.deepEqual(audit, [['order.paid', 'system'], ['order.approved', 'system']]);
});

test('one key has one certificate', async () => {
  const w = await individual(68);
  await w.to('DOWNLOAD');
  w.medium = '';
  const e = await refused(ask(w, { csr_der: cloud.key.csr() }));
  assert.equal(e.reason, 'KEY_USED');
  assert.equal(e.zh, '该密钥已签发过证书，请重新生成密钥');
  // two cloud orders are downloaded beside each other: neither has a medium
  await w.download();
  assert.equal(w.state, 'FINISHED');
});

test('what was downloaded is bound, and logs in', async () => {
  for (const [w, words] of [[org, /介质号为60000061的UKEY已绑定/], [cloud, new RegExp(`云证书（序列号${cloud.order.certificates[0].serial_number}）已绑定`)]]) {
    const proof = (c) => ({ challenge_id: c.challenge_id, certificate_der: w.issued.certificate_der, signature: w.key.sign(c.to_be_signed) });
    const { binding } = await w.call.BindCertificate(proof(await w.call.CreateBindChallenge({})));
    assert.equal(binding.certificate_id, w.issued.certificate_id);
    await desk.sms(w.who.account.phone, words);
    const { session } = await w.anyone.LoginByUkey(proof(await w.anyone.CreateLoginChallenge({ channel: 'yunqi' })));
    assert.equal((await desk.caller(session.token).ListCertificates({})).certificates.length, 1);
  }
});

test('a UKEY that holds another account\'s certificate is refused, and nobody is told whose', async () => {
  const w = await organization(69);
  await w.to('DOWNLOAD');
  w.key = new SoftKey(desk.dir, 'thief');
  const e = await refused(ask(w, { medium_number: '60000061' }));
  assert.deepEqual(e.violations.map((v) => v.reason), ['CONFLICT']);
  for (const secret of [org.who.name, org.order.id, org.issued.certificate_id]) assert.ok(!JSON.stringify(e).includes(secret));
  // what the desk posted to this account is its own
  await sql.rows(`UPDATE token SET state = 4, order_id = '${w.order.id}' WHERE medium_number = '60000001'`);
  await w.download({ medium: '60000001' });
  assert.equal(w.state, 'FINISHED');
  // its own account writes another order's certificate beside the first: the UKEY has two slots
  const again = Object.assign(await organization(70), { token: org.token, call: org.call });
  again.register = async () => {};
  await again.to('DOWNLOAD');
  await again.download({ medium: '60000061' });
  assert.equal(again.state, 'FINISHED');
});

test('the audit trail is intact, and nothing is left undone', async () => {
  await until('the audit trail', () => /: intact/.test(desk.command(['audit', 'verify'])));
  assert.equal(await sql.value('SELECT COUNT(*) FROM personalisation WHERE in_work = 1 AND secrets IS NULL'), '0');
});
