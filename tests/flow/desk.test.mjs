// What goes wrong at the desk and in the post (S18, S27-S29), and who may do what.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { Desk, until } from '../lib/desk.mjs';
import { Sql } from './database.mjs';
import { company } from './people.mjs';
import { refused } from './refused.mjs';
import { SoftKey, verifyChain } from './softkey.mjs';
import { CHANNEL, Walk } from './walk.mjs';

let desk, sql;
let next = 1;
let offset = 0;
const walker = (options = {}) => new Walk(desk, { who: company(next++), inPerson: true, ...options });
const later = (ms) => desk.setClock(offset += ms);

before(async () => {
  desk = await new Desk({ clock: true }).start();
  sql = new Sql(`${desk.state}/db/db.sock`);
});
after(async () => {
  await sql?.close();
  await desk?.stop();
});

describe('review (S18)', () => {
  let w;
  before(async () => {
    w = walker();
    await w.to('REVIEW');
  });

  test('a decision on what another reviewer decided meanwhile is refused', async () => {
    const li = await w.staff('li');
    const { review } = await li.GetReview({ order_id: w.order.id });
    const verdict = (m) => ({ material_id: m.id, verdict: 'MATERIAL_VERDICT_APPROVED' });
    const decide = (more) => li.DecideReview({ order_id: w.order.id, etag: review.etag, approve: true, decisions: review.materials.map(verdict), ...more });
    await refused(decide({ etag: String(Number(review.etag) - 1) }), 'ABORTED', 'CONFLICT');
    const undecided = await refused(decide({ decisions: review.materials.slice(1).map(verdict) }), 'INVALID_ARGUMENT', 'INVALID');
    assert.deepEqual(undecided.fields, ['decisions']);
    const silent = review.materials.map((m) => ({ material_id: m.id, verdict: 'MATERIAL_VERDICT_REFUSED' }));
    const said = await refused(decide({ approve: false, decisions: silent }), 'INVALID_ARGUMENT', 'INVALID');
    assert.deepEqual(said.fields.sort(), silent.map((_, i) => `decisions[${i}].reason`));
    assert.equal((await w.refresh()).state, 'ORDER_STATE_REVIEW');
  });

  test('sent back with the reason: only the refused material is asked for again, then it is approved', async () => {
    await w.decide({ business_license: '公章不清晰' }, '请在三日内更正');
    assert.equal(w.state, 'CORRECTION');
    assert.deepEqual(w.order.reasons.map((r) => [r.kind, r.title, r.reason]), [['business_license', '营业执照', '公章不清晰']]);
    assert.equal(w.order.refusal.comment, '请在三日内更正');
    assert.ok(Number(w.order.refusal.refuse_time.seconds) > 1.7e9);
    await w.read(w.signer, /资料需要修改：营业执照：公章不清晰（共1项）。请登录后重新提交/);
    await until('the mail with the reason', async () => (await desk.sim(`/sim/mails?to=${w.who.agent.email}`)).mails
      .find((m) => m.subject === '证书订单资料需要修改' && /^营业执照：公章不清晰$/m.test(m.text) && m.text.includes('请在三日内更正')));
    assert.deepEqual((await (await w.staff('li')).ListReviews({})).items, []);
    assert.ok(w.order.actions.includes('UploadMaterial'));
    assert.deepEqual((await w.call.ListMaterials({ order_id: w.order.id })).missing_kinds, ['business_license']);
    await refused(w.requestSignature(), 'FAILED_PRECONDITION', 'MATERIAL_MISSING');
    await refused(w.uploadScan('agent_id_front', { request_id: 'again' }), 'FAILED_PRECONDITION', 'ORDER_STATE');
    await w.uploadScan('business_license', { request_id: 'better' });
    later(61000); // a phone gets one code a minute
    await w.requestSignature();
    await w.sign();
    assert.equal(w.state, 'REVIEW');
    assert.deepEqual([w.order.reasons, w.order.refusal], [[], null]);
    const { payments } = await w.call.ListPayments({ order_id: w.order.id });
    assert.equal(payments.length, 1); // paid once is paid
    await w.approve();
    assert.equal(w.state, 'ISSUE');
  });

  test('a masked number is shown for a reason, and not without', async () => {
    const li = await w.staff('li');
    const ask = (more) => li.RevealField({ order_id: w.order.id, field: 'organization.legal_rep_id_number', reason: '与身份证核对', ...more });
    assert.deepEqual((await refused(ask({ reason: '' }), 'INVALID_ARGUMENT', 'INVALID')).fields, ['reason']);
    assert.deepEqual((await refused(ask({ field: 'organization.password' }), 'INVALID_ARGUMENT', 'INVALID')).fields, ['field']);
    assert.equal((await ask()).value, w.who.legalRep.idNumber);
  });
});

describe('writing UKEYs (S28)', () => {
  let w;
  before(async () => {
    w = walker();
    await w.to('ISSUE');
  });

  test('only a blank UKEY of the stock, and one for one order', async () => {
    const wang = await w.staff('wang');
    const begin = (order_id, medium_number) => wang.BeginPersonalisation({ order_id, medium_number, algorithms: ['KEY_ALGORITHM_P256'] });
    await refused(begin(w.order.id, '99999999'), 'NOT_FOUND', 'NOT_FOUND');
    await w.begin('50000001');
    await wang.RegisterTokens({ medium_numbers: ['50000002'], model: 'soft' });
    await refused(begin(w.order.id, '50000002'), 'FAILED_PRECONDITION', 'PRECONDITION'); // another was begun
    const other = walker();
    await other.to('ISSUE');
    await refused(begin(other.order.id, '50000001'), 'FAILED_PRECONDITION', 'PRECONDITION');
    assert.equal((await begin(w.order.id, '50000001')).personalisation.id, w.personalisation.id); // the same pair goes on
  });

  test('one certificate, whatever is asked; a CSR is believed only with its key', async () => {
    const wang = await w.staff('wang');
    const issue = (csr_der) => wang.IssueCertificate({ personalisation_id: w.personalisation.id, csr_der });
    const forged = Buffer.from(w.key.csr());
    forged[forged.length - 3] ^= 1;
    await refused(issue(forged), 'INVALID_ARGUMENT', 'CSR_BAD');
    await refused(issue(Buffer.from('0000')), 'INVALID_ARGUMENT', 'CSR_BAD');
    const first = await w.issueCertificate();
    assert.deepEqual((await w.issueCertificate()).certificate_der, first.certificate_der);
    const stranger = new SoftKey(desk.dir, 'stranger');
    await refused(issue(stranger.csr()), 'FAILED_PRECONDITION', 'PRECONDITION');
    const finish = (more) => w.finishIssue(more);
    await refused(finish({ signature: stranger.sign(`certdesk personalisation ${w.personalisation.id}`) }), 'FAILED_PRECONDITION', 'CARD_DOUBTFUL');
    await refused(finish({ signature: w.key.sign('something else') }), 'FAILED_PRECONDITION', 'CARD_DOUBTFUL');
    await refused(finish({ certificate_der: first.chain_der[0] }), 'FAILED_PRECONDITION', 'CARD_DOUBTFUL');
    assert.equal((await w.refresh()).state, 'ORDER_STATE_PERSONALISING');
  });

  test('a doubtful UKEY is put aside, its certificate revoked; the order goes on with another', async () => {
    const wang = await w.staff('wang');
    const old = w.issued.certificate_id;
    const put = (reason) => wang.QuarantineToken({ personalisation_id: w.personalisation.id, reason });
    assert.deepEqual((await refused(put(''), 'INVALID_ARGUMENT', 'INVALID')).fields, ['reason']);
    w.take(await put('插口损坏'));
    assert.equal(w.state, 'ISSUE');
    await refused(w.finishIssue(), 'FAILED_PRECONDITION', 'PRECONDITION');
    await refused(w.issueCertificate(), 'FAILED_PRECONDITION', 'PRECONDITION');
    const { token } = await wang.GetToken({ medium_number: '50000001' });
    assert.deepEqual([token.state, token.reason], ['TOKEN_STATE_QUARANTINED', '插口损坏']);
    await refused(w.begin('50000001'), 'FAILED_PRECONDITION', 'PRECONDITION');
    await w.issue({ medium: '50000003' });
    assert.equal(w.state, 'SHIP');
    const state = Object.fromEntries((await w.call.ListCertificates({})).certificates.map((c) => [c.id, c.state]));
    assert.deepEqual(state, { [old]: 'CERTIFICATE_STATE_REVOKED', [w.order.certificates[0].certificate_id]: 'CERTIFICATE_STATE_VALID' });
    assert.match(verifyChain(desk.dir, w.issued.certificate_der, w.issued.chain_der, false, Date.now() + offset), /OK/);
    await w.read(w.who.legalRep.phone, /密码为/);
    const pins = (await desk.messages(w.who.legalRep.phone)).filter((m) => /密码为/.test(m.text));
    assert.equal(pins.length, 1); // of the one that goes out
    assert.match(pins[0].text, /50000003/);
  });
});

// These mails came about the order, each as often as it stands here.
async function mailsOf(w, subjects) {
  const wanted = new Set(subjects);
  const mails = await until(`mails ${subjects}`, async () => {
    const all = (await desk.sim(`/sim/mails?to=${w.who.agent.email}`)).mails.filter((m) => wanted.has(m.subject));
    return all.length >= subjects.length && all;
  });
  assert.deepEqual(mails.map((m) => m.subject).sort(), [...subjects].sort());
  return mails;
}

// What was told to the signer that fits, once so many are there and no job is left to tell more.
async function told(w, pattern, n) {
  const texts = async () => (await desk.messages(w.signer)).map((m) => m.text).filter((t) => pattern.test(t));
  await until(`${n} SMS like ${pattern}`, async () => (await texts()).length >= n);
  await until('all SMS sent', async () => await sql.value("SELECT COUNT(*) FROM outbox WHERE kind = 'sms.send' AND state IN (1, 2)") === '0');
  return texts();
}

describe('the post (S29)', () => {
  let w;
  before(async () => {
    w = walker();
    await w.to('SHIP');
  });
  const post = async (more) => (await w.staff('zhao')).CreateShipment({ order_id: w.order.id, medium_numbers: [w.medium], courier: 'shunfeng', tracking_number: 'SF00000001', ...more });

  test('not another order\'s UKEY, not an unknown courier, not a wrong number: all said at once', async () => {
    const said = await refused(post({ medium_numbers: ['50000003'], courier: 'pigeon', tracking_number: 'x' }), 'INVALID_ARGUMENT', 'INVALID');
    assert.deepEqual(said.fields.sort(), ['courier', 'medium_numbers', 'medium_numbers[0]', 'tracking_number']);
    assert.equal((await w.refresh()).state, 'ORDER_STATE_SHIP');
  });

  test('a parcel that comes back is posted again; news of the old one changes nothing', async () => {
    await w.ship({ number: 'SF00000001' });
    await refused(post({ tracking_number: 'SF00000002' }), 'FAILED_PRECONDITION', 'ORDER_STATE');
    await w.courier('在途', '快件在途中');
    await w.tracked('IN_TRANSIT');
    await w.courier('退回', '收件人拒收，快件退回');
    await w.tracked('PROBLEM');
    await w.courier('退签', '退件已由寄件人签收');
    await w.tracked('RETURNED');
    const zhao = await w.staff('zhao');
    const id = w.shipment.id;
    const before = Date.now();
    await sql.value(`UPDATE orders SET due_ms = 1 WHERE id = '${w.order.id}'`); // the first promise is past
    assert.deepEqual((await refused(zhao.ResolveShipment({ shipment_id: id, post_again: true }), 'INVALID_ARGUMENT', 'INVALID')).fields, ['reason']);
    await zhao.ResolveShipment({ shipment_id: id, post_again: true, reason: '地址有误，已与经办人确认' });
    assert.equal((await w.refresh()).state, 'ORDER_STATE_SHIP');
    const due = Number(await sql.value(`SELECT due_ms FROM orders WHERE id = '${w.order.id}'`));
    assert.ok(due > before + 24 * 3600_000, `${due} is of the first parcel`); // promised anew, from when it came back
    await refused(zhao.ResolveShipment({ shipment_id: id, post_again: true, reason: '再次' }), 'FAILED_PRECONDITION', 'PRECONDITION');
    assert.deepEqual((await refused(post(), 'INVALID_ARGUMENT', 'INVALID')).fields, ['tracking_number']); // the number was used
    await desk.sim('/sim/kuaidi100/advance', { number: 'SF00000001', state: '3', context: '已签收（旧单）', location: '杭州市' });
    await w.ship({ number: 'SF00000009' });
    await w.deliver();
    assert.equal(w.state, 'FINISHED');
    // Each was told once, in whatever order the jobs ran. What went wrong is told by both ways: the courier's own words by
    // mail alone.
    const texts = await told(w, /已寄出|已签收|派送异常|已被退回/, 5);
    assert.deepEqual(texts.map((t) => (/已寄出/.test(t) ? /SF\d+/ : /已签收|派送异常|已被退回/).exec(t)[0]).sort(),
      ['SF00000001', 'SF00000009', '已签收', '派送异常', '已被退回'].sort());
    const trouble = texts.filter((t) => /派送异常|已被退回/.test(t));
    for (const t of trouble) assert.match(t, /顺丰速运单号SF00000001/);
    const mails = await mailsOf(w, ['UKEY 派送异常', 'UKEY 已被退回', 'UKEY 已寄出', 'UKEY 已寄出', '证书订单已签收']);
    assert.match(mails.find((m) => m.subject === 'UKEY 派送异常').text, /快递公司说明：收件人拒收，快件退回/);
  });

  test('one that is lost is told, too', async () => {
    const lost = walker();
    await lost.to('SHIP');
    await lost.ship({ number: 'SF00000077' });
    const resolve = { shipment_id: lost.shipment.id, post_again: false, reason: '快递公司确认遗失' };
    await (await lost.staff('zhao')).ResolveShipment(resolve);
    assert.match(await lost.read(lost.signer, /已确认遗失/), /SF00000077/);
    await mailsOf(lost, ['UKEY 邮寄遗失']);
  });
});

describe('who may do what', () => {
  let w;
  let other;
  before(async () => {
    w = walker();
    await w.to('PAYMENT');
    other = walker();
    await other.register();
  });

  // Every call about an order, as somebody makes it to whom it does not belong.
  const calls = (c) => {
    const order_id = w.order.id;
    return {
      GetOrder: () => c.GetOrder({ order_id }), CancelOrder: () => c.CancelOrder({ order_id }), SetPurchase: () => c.SetPurchase({ order_id, purchase: {} }),
      SubmitOrganization: () => c.SubmitOrganization({ order_id, organization: w.organization() }), SubmitAgent: () => c.SubmitAgent({ order_id, agent: { email: 'a@example.com', legal_rep_in_person: true } }),
      ConfirmPurchase: () => c.ConfirmPurchase({ order_id, total_fen: 1 }), SignApplication: () => c.SignApplication({ order_id, code: '000000' }),
      RequestApplicationSignature: () => c.RequestApplicationSignature({ order_id }), CreatePayment: () => c.CreatePayment({ order_id, provider: 'PAYMENT_PROVIDER_WECHAT' }),
      GetPayment: () => c.GetPayment({ payment_id: w.payment.id }), ListPayments: () => c.ListPayments({ order_id }), ListMaterials: () => c.ListMaterials({ order_id }),
      GetVerification: () => c.GetVerification({ verification_id: w.verification }), GetShipment: () => c.GetShipment({ order_id }),
      UploadMaterial: () => Object.assign(Object.create(w), { call: c }).upload('other', Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0]), { request_id: 'x' }),
    };
  };

  test('another account, and the same phone at another channel, find nothing', async () => {
    const { version } = await w.refresh();
    desk.importChannel({ ...desk.channel(), code: 'other', name: '另一渠道' });
    const { phone } = w.who.account;
    later(61000);
    const seen = (await desk.messages(phone)).length;
    const captcha = await w.anyone.CreateCaptcha();
    await w.anyone.SendSmsCode({ channel: 'other', phone, purpose: 'SMS_PURPOSE_LOGIN', captcha_id: captcha.captcha_id, captcha_text: 'abcd' });
    const there = await w.anyone.LoginBySms({ channel: 'other', phone, code: /\d{6}/.exec(await w.read(phone, /登录验证码/, seen))[0] });
    assert.equal(there.registered, true); // an account of its own
    for (const [who, caller] of [['another account', other.call], ['another channel', desk.caller(there.session.token)]])
      for (const [name, call] of Object.entries(calls(caller)))
        await refused(call().catch((e) => { throw Object.assign(e, { message: `${who}, ${name}: ${e.message}` }); }), 'NOT_FOUND', 'NOT_FOUND');
    assert.equal((await w.refresh()).version, version);
    const stream = other.call.WatchOrder({ order_id: w.order.id });
    const e = await new Promise((resolve) => { stream.on('data', resolve); stream.on('error', resolve); });
    assert.equal(e.code, 5);
  });

  test('without a session nothing but the front page answers', async () => {
    for (const call of Object.values(calls(w.anyone))) await refused(call(), 'UNAUTHENTICATED', 'UNAUTHENTICATED');
    await refused(desk.caller('made up').GetAccount({}), 'UNAUTHENTICATED', 'UNAUTHENTICATED');
    await refused(w.anyone.ListReviews({}), 'UNAUTHENTICATED', 'UNAUTHENTICATED');
    assert.equal((await w.anyone.GetChannel({ channel: CHANNEL })).channel.code, CHANNEL);
  });

  test('each of the desk does their own work only; nobody of the desk applies, nobody else is of the desk', async () => {
    const order_id = w.order.id;
    const work = {
      li: (c) => [() => c.ListReviews({}), () => c.DecideReview({ order_id, approve: true }), () => c.RevealField({ order_id, field: 'agent.phone', reason: 'x' })],
      wang: (c) => [() => c.ListIssues({}), () => c.BeginPersonalisation({ order_id, medium_number: '1' }), () => c.IssueCertificate({ personalisation_id: 'per_x' }),
        () => c.RegisterTokens({ medium_numbers: ['1'] }), () => c.QuarantineToken({ personalisation_id: 'per_x', reason: 'x' })],
      zhao: (c) => [() => c.ListShips({}), () => c.CreateShipment({ order_id }), () => c.ResolveShipment({ shipment_id: 'shp_x', reason: 'x' })],
    };
    for (const [owner, list] of Object.entries(work)) {
      for (const login of Object.keys(work).filter((l) => l !== owner))
        for (const call of list(await w.staff(login))) await refused(call(), 'PERMISSION_DENIED', 'DENIED');
      for (const call of list(w.call)) await refused(call(), 'PERMISSION_DENIED', 'DENIED');
    }
    const li = await w.staff('li');
    await refused(li.CreateOrder({ channel: CHANNEL }), 'PERMISSION_DENIED', 'DENIED');
    await refused(li.ListJobs({}), 'PERMISSION_DENIED', 'DENIED');
    await refused(desk.caller().LoginStaff({ login: 'li', password: 'wrong password', totp: '000000' }), 'UNAUTHENTICATED', 'LOGIN_FAILED');
  });

  test('a page token that we did not make is refused', async () => {
    const chief = await w.staff('chen');
    for (const call of [() => w.call.ListOrders({ page_token: 'nonsense' }), () => w.call.ListCertificates({ page_token: 'nonsense' }),
      () => chief.ListReviews({ page_token: 'nonsense' }), () => chief.ListShipments({ page_token: 'nonsense' }),
      () => chief.ListIssues({ page_token: 'nonsense' }), () => chief.ListShips({ page_token: 'nonsense' }), () => chief.ListJobs({ page_token: 'nonsense' })])
      await refused(call(), 'INVALID_ARGUMENT', 'PAGE_TOKEN');
  });

  test('pages of one are a list; a token of another list or caller is not ours', async () => {
    for (let i = 0; i < 2; i++) await w.call.CreateOrder({ channel: CHANNEL, kind: 'ORDER_KIND_NEW', subject_kind: 'SUBJECT_KIND_ORGANIZATION', medium: 'MEDIUM_UKEY',
      method: 'VERIFICATION_METHOD_PHONE_THREE_FACTOR', consents: await w.consents() });
    const whole = (await w.call.ListOrders({})).orders.map((o) => o.id);
    assert.equal(whole.length, 3);
    const paged = [];
    let page_token = '';
    do {
      const page = await w.call.ListOrders({ page_size: 1, page_token });
      paged.push(...page.orders.map((o) => o.id));
      if (!page_token) {
        await refused(w.call.ListOrders({ finished: true, page_token: page.next_page_token }), 'INVALID_ARGUMENT', 'PAGE_TOKEN');
        await refused(other.call.ListOrders({ page_token: page.next_page_token }), 'INVALID_ARGUMENT', 'PAGE_TOKEN');
      }
      page_token = page.next_page_token;
    } while (page_token);
    assert.deepEqual(paged, whole);
  });

  test('the queues of the desk have pages too', async () => {
    const chief = await w.staff('chen');
    for (let i = 0; i < 2; i++) await walker().to('SHIP');
    await walker().to('ISSUE');
    for (const list of [(r) => chief.ListIssues(r), (r) => chief.ListShips(r)]) {
      const whole = await list({});
      assert.ok(whole.items.length >= 2 && whole.items.length === whole.total, `${whole.items.length} of ${whole.total}`);
      const paged = [];
      for (let page_token = ''; ;) {
        const page = await list({ page_size: 1, page_token });
        paged.push(...page.items);
        page_token = page.next_page_token;
        if (!page_token) break;
      }
      assert.deepEqual(paged.map((x) => x.order_id), whole.items.map((x) => x.order_id));
    }
  });

  test('what is not built yet says so', async () => {
    const chief = await w.staff('chen');
    for (const call of [() => chief.ListAuditEntries({}), () => chief.ListStaff({}), () => w.call.IdentifyUkey({})]) {
      const e = await call().then(() => assert.fail('answered'), (x) => x);
      assert.equal(e.code, 12, e.message);
    }
  });

  test('the audit trail is intact after all that', () => {
    assert.match(desk.command(['audit', 'verify']), /: intact/);
  });
});
