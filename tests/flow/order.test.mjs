// One organization's certificate from the first call to the received UKEY, through the public RPCs alone (S2-S29); then
// everything that must be true afterwards, each looked at by somebody who is not us where there is one.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { X509Certificate, createHash } from 'node:crypto';
import { Desk, until } from '../lib/desk.mjs';
import { company } from './people.mjs';
import { openssl, pem, verifyChain } from './softkey.mjs';
import { CHANNEL, DESK_STEPS, MATERIALS, STEPS, Walk } from './walk.mjs';

let desk;
let walk;
const seen = []; // what WatchOrder told

before(async () => { desk = await new Desk().start(); });
after(async () => { await desk?.stop(); });

function watch(w) {
  const stream = w.call.WatchOrder({ order_id: w.order.id });
  stream.on('data', ({ order }) => seen.push(order));
  return new Promise((resolve) => { stream.on('end', () => resolve('end')); stream.on('error', resolve); });
}

test('the order goes through every state to FINISHED', async () => {
  walk = new Walk(desk);
  const login = await walk.register();
  assert.equal(login.registered, true);
  assert.equal(login.account.phone, '136****0001');
  await walk.createOrder();
  const ended = watch(walk);
  await until('the stream to begin', () => seen.length);
  for (const [step, state] of [...STEPS.slice(2), ...DESK_STEPS]) {
    await walk[step]();
    assert.equal(walk.state, state, `after ${step}`);
    await until(`the stream to tell ${state}`, () => Number(seen.at(-1)?.version) >= Number(walk.order.version)); // it tells what is, not what was
  }
  walk.done = STEPS.length + DESK_STEPS.length;
  assert.equal(await ended, 'end'); // of itself: nothing more can happen to a finished order
});

test('the stream told every change once, in order', () => {
  const versions = seen.map((o) => o.version);
  assert.deepEqual(versions, [...new Set(versions)].sort((a, b) => a - b));
  assert.equal(seen.at(-1).state, 'ORDER_STATE_FINISHED');
  for (const state of ['SUBJECT', 'AGENT', 'REVIEW', 'SHIPPED']) assert.ok(seen.some((o) => o.state === `ORDER_STATE_${state}`), state);
});

test('every event was told by SMS once, to whom it belongs', async () => {
  const texts = async (phone) => (await desk.messages(phone)).map((m) => m.text.replace(/^【证书受理】/, ''));
  const { id } = walk.order;
  const expect = {
    [walk.who.account.phone]: [/^您的登录验证码为\d{6}/, /^您的账号已创建，用户名\w+，初始密码111111/],
    [walk.who.legalRep.phone]: [/^您正在核验王\*\*的身份信息，验证码\d{6}/, new RegExp(`^您的证书（介质号${walk.medium}）密码为\\d{8}`)],
    [walk.who.agent.phone]: [/^您正在核验李\*的身份信息，验证码\d{6}/, new RegExp(`签署证书申请（订单${id}），验证码\\d{6}`),
      new RegExp(`订单${id}已支付380\\.00元，我们将在3-5个工作日内完成审核`), new RegExp(`订单${id}已审核通过`), new RegExp(`UKEY已寄出，顺丰速运单号${walk.parcel}`),
      new RegExp(`订单${id}已签收`)],
  };
  for (const [phone, patterns] of Object.entries(expect)) {
    const all = await until(`${patterns.length} SMS on ${phone}`, async () => {
      const t = await texts(phone);
      return t.length >= patterns.length && t;
    });
    assert.equal(all.length, patterns.length, `${phone}:\n${all.join('\n')}`);
    for (const p of patterns) assert.equal(all.filter((t) => p.test(t)).length, 1, `${p} in\n${all.join('\n')}`);
  }
});

test('every event was told by mail once', async () => {
  const { mails } = await until('five mails', async () => {
    const r = await desk.sim(`/sim/mails?to=${walk.who.agent.email}`);
    return r.mails.length >= 5 && r;
  });
  assert.deepEqual(mails.map((m) => m.subject).sort(), ['UKEY 已寄出', '证书订单审核通过', '证书订单已支付', '证书订单已签收', '证书订单电子发票'].sort());
  for (const m of mails) assert.match(m.text, new RegExp(walk.order.id));
});

test('the reviewer saw evidence that the providers know of', async () => {
  const { evidence } = walk.review;
  assert.deepEqual(evidence.map((e) => e.check).sort(), ['enterprise4', 'phone3', 'phone3']);
  const { calls } = await desk.sim('/sim/log?provider=tencent');
  for (const e of evidence) assert.ok(calls.some((c) => c.request_id === e.provider_request_id), `${e.check} ${e.provider_request_id}`);
});

test('what was signed holds the materials, and its digest is right', async () => {
  const { signed_digest: digest, materials } = walk.review;
  const { value: text } = await (await walk.staff('li')).RevealField({ order_id: walk.order.id, field: 'signed_text', reason: '核对签署内容' });
  assert.equal(createHash('sha256').update(text).digest('hex'), digest);
  const said = JSON.parse(text);
  assert.deepEqual(said.materials.map((m) => m.kind), Object.keys(MATERIALS).sort()); // signed by kind, shown as the channel has them
  const asked = (await walk.anyone.GetChannel({ channel: CHANNEL })).channel.offers.find((x) => x.subject_kind === 'SUBJECT_KIND_ORGANIZATION').materials.map((m) => m.kind);
  assert.deepEqual(materials.map((m) => m.kind), asked.filter((kind) => kind in MATERIALS));
  for (const m of said.materials) assert.equal(m.sha256, materials.find((x) => x.kind === m.kind).digest);
  assert.equal(said.subject.uscc, walk.who.uscc);
  assert.equal(said.price_fen, 38000);
});

test('openssl accepts the certificate; subject, USCC and key are right', () => {
  const { certificate_der: der, chain_der: chain } = walk.issued;
  assert.match(verifyChain(desk.dir, der, chain, false), /: OK/);
  const cert = new X509Certificate(der);
  assert.match(cert.subject, new RegExp(`CN=${walk.who.name}`));
  const dump = openssl(['asn1parse', '-inform', 'DER'], der).toString();
  assert.match(dump, /1\.2\.156\.10260\.4\.4/);
  const value = /1\.2\.156\.10260\.4\.4\n.*OCTET STRING +\[HEX DUMP\]:(\w+)/.exec(dump)[1];
  assert.ok(Buffer.from(value, 'hex').toString('latin1').includes(walk.who.uscc));
  assert.deepEqual(cert.publicKey.export({ type: 'spki', format: 'der' }), openssl(['pkey', '-in', walk.key.file, '-pubout', '-outform', 'DER']));
  assert.equal(walk.order.certificates[0].serial_number.toLowerCase(), cert.serialNumber.toLowerCase());
  assert.ok(cert.serialNumber.length >= 16);
  const months = (Date.parse(cert.validTo) - Date.parse(cert.validFrom)) / 86400000;
  assert.ok(months > 363 && months <= 366, `${months} days`);
});

test('the finished order left the open list; the certificate is in the caller\'s', async () => {
  const list = async (finished) => (await walk.call.ListOrders({ finished })).orders.map((o) => o.id);
  assert.deepEqual(await list(false), []);
  assert.deepEqual(await list(true), [walk.order.id]);
  assert.deepEqual(walk.order.actions, []);
  const { certificates } = await walk.call.ListCertificates({});
  assert.equal(certificates.length, 1);
  assert.equal(certificates[0].order_id, walk.order.id);
  assert.equal(certificates[0].medium_number, walk.medium);
  assert.equal(certificates[0].state, 'CERTIFICATE_STATE_VALID');
  assert.deepEqual(certificates[0].der, walk.issued.certificate_der);
  const whole = await walk.call.GetCertificate({ certificate_id: certificates[0].id });
  assert.deepEqual(whole.chain_der.map(pem), walk.issued.chain_der.map(pem));
});

test('the UKEY is booked as posted, the parcel has its history', async () => {
  const operator = await walk.staff('wang');
  const { token } = await operator.GetToken({ medium_number: walk.medium });
  assert.equal(token.state, 'TOKEN_STATE_POSTED');
  const { shipment } = await walk.call.GetShipment({ order_id: walk.order.id });
  assert.equal(shipment.state, 'SHIPMENT_STATE_RECEIVED');
  assert.match(shipment.events[0].text, /已签收/); // newest first
  assert.equal(shipment.events.length, 3);
});

test('the queues are empty again, and nothing is left undone', async () => {
  const chief = await walk.staff('chen');
  const now = await new Promise((resolve, reject) => {
    const s = chief.WatchQueues({});
    s.once('data', (d) => { resolve(d); s.cancel(); });
    s.once('error', reject);
  });
  assert.deepEqual([now.review, now.issue, now.ship, now.in_transit, now.exhausted_jobs], [0, 0, 0, 0, 0]);
  assert.deepEqual((await chief.ListJobs({})).jobs, []);
});

test('every provider was asked once for each thing', async () => {
  const { counts } = await desk.sim('/sim/log');
  assert.equal(counts['wechat.order'], 1);
  assert.equal(counts['tencent.SendSms'], 10);
  assert.equal(counts['kuaidi100.subscribe'], 1);
});

test('the scans come back as they were sent', async () => {
  const reviewer = await walk.staff('li');
  for (const material of walk.review.materials) {
    const bytes = await new Promise((resolve, reject) => {
      const parts = [];
      const s = reviewer.DownloadMaterial({ material_id: material.id });
      s.on('data', (d) => parts.push(d.chunk)).on('end', () => resolve(Buffer.concat(parts))).on('error', reject);
    });
    assert.equal(createHash('sha256').update(bytes).digest('hex'), material.digest);
  }
});

test('neither database, stored files nor log have a person in clear', () => {
  const { legalRep, agent } = walk.who;
  const secrets = [legalRep.phone, legalRep.idNumber, legalRep.name, agent.phone, agent.idNumber, agent.email];
  const places = [desk.state, path.join(desk.dir, 'certdeskd.log')];
  const found = spawnSync('grep', ['-rlaF', ...secrets.flatMap((s) => ['-e', s]), ...places], { encoding: 'utf8' });
  assert.equal(found.status, 1, found.stdout + found.stderr);
  assert.equal(spawnSync('grep', ['-rlaFq', '-e', walk.order.id, ...places]).status, 0); // it would have been found
});

test('an order in person, on an SM2 key: the chain holds link by link', async () => {
  const w = new Walk(desk, { who: company(2), inPerson: true, seal: false, months: 36 });
  await w.to('ISSUE');
  assert.equal(w.order.quote.total_fen, 68000);
  assert.equal(w.order.agent.legal_rep_in_person, true);
  await w.issue({ medium: '20000002', sm2: true });
  assert.equal(w.state, 'SHIP');
  assert.match(verifyChain(desk.dir, w.issued.certificate_der, w.issued.chain_der, true), /issuing.pem: OK[^]*leaf.pem: OK/);
  const text = openssl(['x509', '-inform', 'DER', '-noout', '-text'], w.issued.certificate_der).toString();
  assert.match(text, /SM2/);
  await w.ship();
  await w.deliver();
  assert.equal(w.state, 'FINISHED');
});

test('the audit trail is intact', () => {
  assert.match(desk.command(['audit', 'verify']), /^\d\d+ rows, .*: intact/m);
});
