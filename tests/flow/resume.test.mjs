// "Continue" (S9, S10, S20): what was filled in is read on another device and sent back as it is read, masks and all; one
// field is corrected and the others stay; and what was entered wrong is corrected later, until it is paid.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { Desk, until } from '../lib/desk.mjs';
import { company } from './people.mjs';
import { refused } from './refused.mjs';
import { Walk } from './walk.mjs';

let desk, next = 700, reviewer;
before(async () => {
  desk = await new Desk({ clock: true }).start();
  reviewer = await new Walk(desk, { who: company(next++) }).staff('li');
});
after(async () => desk?.stop());

const later = (ms) => desk.setClock((desk.clockOffset || 0) + ms);

// As the page shows it, on another device each time.
class Page extends Walk {
  async onAnotherDevice() {
    this.call = desk.caller(this.token);
    return this.refresh();
  }

  async again(more = {}) {
    await this.onAnotherDevice();
    const { id: order_id, organization, person } = this.order;
    if (this.individual) return this.take(await this.call.SubmitPerson({ order_id, person: { ...person, ...more } }));
    return this.take(await this.call.SubmitOrganization({ order_id, organization: { ...organization, ...more } }));
  }

  async agentAgain(more = {}) {
    await this.onAnotherDevice();
    return this.take(await this.call.SubmitAgent({ order_id: this.order.id, agent: { ...this.order.agent, ...more } }));
  }

  async purchaseAgain(more = {}) {
    await this.onAnotherDevice();
    return this.take(await this.call.SetPurchase({ order_id: this.order.id, purchase: { ...this.order.purchase, ...more } }));
  }

  async back() {
    return this.take(await this.call.ReturnToPurchase({ order_id: this.order.id }));
  }

  // Everything in clear, as it was signed.
  async signedText() {
    const { value } = await reviewer.RevealField({ order_id: this.order.id, field: 'signed_text', reason: '核对签署内容' });
    return JSON.parse(value);
  }
}

const page = (options = {}) => new Page(desk, { who: company(next++), ...options });
const WRONG = '王不一致', BANK_ACCOUNT = '33050161823500009876';

describe('what GetOrder shows may be sent back', () => {
  for (const individual of [false, true])
    for (const method of ['PHONE_THREE_FACTOR', 'BANK_FOUR_FACTOR', 'MICRO_DEPOSIT'])
      test(`${individual ? 'individual' : 'organization'}, ${method}`, async () => {
        const w = page({ individual, method, agentMethod: 'BANK_FOUR_FACTOR' });
        const subject = () => (individual ? w.order.person : w.order.organization), field = individual ? 'name' : 'legal_rep_name';
        await w.register();
        await w.createOrder();
        await w.submitOrganization({ [field]: WRONG });
        assert.equal(await w.verified(), 'MISMATCH');
        const shown = subject();
        await w.again();
        assert.deepEqual(subject(), shown);
        assert.equal(await w.verified(), 'MISMATCH'); // the same data, so the same answer
        const right = w.subject.name;
        await w.again({ [field]: right });
        assert.deepEqual({ ...subject(), [field]: '' }, { ...shown, [field]: '' });
        await w.confirmSubject(); // the code goes to the phone that was masked
        if (!individual) {
          await w.submitAgent({ name: '李不一致' });
          assert.equal(await w.verified(), 'MISMATCH');
          await w.agentAgain();
          assert.equal(await w.verified(), 'MISMATCH');
          await w.agentAgain({ name: w.who.agent.name });
          await w.confirmAgent();
        }
        assert.equal(w.state, 'PURCHASE');
        await w.setPurchase({ invoice: { wanted: true, bank: '中国建设银行', bank_account: BANK_ACCOUNT, address: '样本路1号', phone: '0571-88888888' } });
        const { purchase } = w.order;
        await w.back();
        await w.purchaseAgain();
        assert.equal(w.state, 'CONFIRM');
        assert.deepEqual(w.order.purchase, purchase);
        w.done = w.steps.findIndex(([name]) => name === 'confirmPurchase');
        await w.to('REVIEW');
        const said = await w.signedText(), { agent } = w.who;
        assert.equal(said.subject[field], right);
        assert.equal(said.subject.id_number, w.subject.idNumber);
        assert.equal(said.subject.phone, w.subject.phone);
        if (method === 'BANK_FOUR_FACTOR') assert.match(said.subject.card_number, /^\d{19}$/);
        if (method === 'MICRO_DEPOSIT') assert.match(said.subject.account.number, /^\d{20}$/);
        if (!individual) assert.deepEqual([said.agent.name, said.agent.id_number, said.agent.phone], [agent.name, agent.idNumber, agent.phone]);
        assert.equal(said.purchase.invoice_bank_account, BANK_ACCOUNT);
        assert.deepEqual([said.purchase.delivery.recipient, said.purchase.delivery.phone], [agent.name, agent.phone]);
      });

  test('a legal representative in person, with the card', async () => {
    const w = page({ inPerson: true, method: 'MICRO_DEPOSIT', agentMethod: 'BANK_FOUR_FACTOR' });
    await w.to('PURCHASE');
    assert.match(w.order.agent.card_number, /\*/);
    const wrong = { ...w.order.agent, card_number: '6222***********0000' };
    assert.deepEqual((await refused(w.call.SubmitAgent({ order_id: w.order.id, agent: wrong }), 'INVALID_ARGUMENT', 'INVALID')).fields, ['agent.card_number']);
    const { agent } = w.order;
    later(61000);
    await w.agentAgain({ email: 'other@example.com' });
    assert.equal(w.state, 'AGENT_VERIFYING');
    assert.deepEqual(w.order.agent, { ...agent, email: 'other@example.com' });
    assert.equal(await w.verified(), 'CODE_SENT');
  });

  test('the card of an agent is none of the legal representative\'s', async () => {
    const w = page({ method: 'MICRO_DEPOSIT', agentMethod: 'BANK_FOUR_FACTOR' });
    await w.to('PURCHASE');
    assert.match(w.order.agent.card_number, /\*/);
    const e = await refused(w.agentAgain({ legal_rep_in_person: true }), 'INVALID_ARGUMENT', 'INVALID');
    assert.deepEqual(e.fields, ['agent.card_number']);
    assert.equal(e.violations[0].reason, 'REQUIRED', JSON.stringify(e.violations));
  });

  test('one changed letter of the purchase changes that alone', async () => {
    const w = page({ inPerson: true });
    await w.to('CONFIRM');
    const { delivery, ...rest } = w.order.purchase;
    await w.back();
    await w.purchaseAgain({ delivery: { ...delivery, recipient: '钱六' } });
    assert.deepEqual(w.order.purchase, { ...rest, delivery: { ...delivery, recipient: '钱*' } });
  });
});

describe('a mask that is not the field\'s own is refused, with the field named', () => {
  let w, other;
  const invalid = async (call, ...fields) => {
    const e = await refused(call, 'INVALID_ARGUMENT', 'INVALID');
    assert.deepEqual(e.fields, fields);
    return e;
  };
  before(async () => {
    w = page();
    other = page();
    await Promise.all([w.to('PURCHASE'), other.to('PURCHASE')]);
  });

  test('of the purchase', async () => {
    const buy = async (more) => w.call.SetPurchase({ order_id: w.order.id, purchase: await w.purchase(more) });
    const to = { province: '浙江省', city: '杭州市', street: '样本路1号' };
    for (const recipient of ['李*', '＊四', '*']) await invalid(buy({ delivery: { ...to, recipient } }), 'purchase.delivery.recipient'); // nothing is held yet
    await w.setPurchase({ delivery: { ...to, recipient: '李四' } });
    await w.back();
    await invalid(buy({ delivery: { ...to, recipient: '王*', phone: '139****0000' } }), 'purchase.delivery.recipient', 'purchase.delivery.phone');
    await invalid(buy({ invoice: { wanted: true, bank_account: '3305************1111' } }), 'purchase.invoice.bank_account');
    await w.setPurchase({ delivery: { ...to, recipient: '李*' } });
    assert.equal(w.state, 'CONFIRM');
  });

  test('of the agent, and of another order', async () => {
    const { agent } = await other.refresh();
    await w.back();
    const e = await invalid(w.call.SubmitAgent({ order_id: w.order.id, agent: { ...agent, name: '王**' } }), 'agent.name', 'agent.id_number', 'agent.phone');
    assert.match(JSON.stringify(e.violations[0]), /masked/);
    assert.equal((await w.refresh()).agent.name, '李*'); // nothing changed
  });

  test('of the subject', async () => {
    const s = page();
    await s.to('SUBJECT');
    const shown = (await other.refresh()).organization;
    await invalid(s.call.SubmitOrganization({ order_id: s.order.id, organization: shown }), 'organization.legal_rep_name', 'organization.legal_rep_id_number', 'organization.legal_rep_phone');
  });
});

describe('an agent that was entered wrong is corrected from the purchase', () => {
  test('online: verified anew, and the purchase stays', async () => {
    const w = page(), wrong = 'typo@example.com';
    await w.to('AGENT');
    await w.submitAgent({ email: wrong });
    await w.confirmAgent();
    await w.setPurchase({ invoice: { wanted: true, bank: '中国建设银行', bank_account: BANK_ACCOUNT } });
    await w.confirmPurchase();
    await w.uploadAll();
    await w.requestSignature();
    const { purchase } = w.order;
    await w.back();
    assert.ok(w.order.actions.includes('SubmitAgent'), w.order.actions.join());
    later(61000);
    const before = (await desk.messages(w.who.agent.phone)).length;
    await w.agentAgain({ email: w.who.agent.email });
    assert.equal(w.state, 'AGENT_VERIFYING');
    assert.equal(await w.verified(), 'CODE_SENT');
    const code = /(?<!\d)\d{6}(?!\d)/.exec(await w.read(w.who.agent.phone, /正在核验/, before))[0];
    w.take(await w.call.ConfirmVerification({ verification_id: w.order.verification.id, code }));
    assert.equal(w.state, 'PURCHASE');
    assert.deepEqual(w.order.purchase, { ...purchase, invoice: { ...purchase.invoice, email: w.who.agent.email } }); // it was the agent's, and is
    await w.purchaseAgain();
    w.done = w.steps.findIndex(([name]) => name === 'confirmPurchase');
    later(61000);
    await w.to('REVIEW');
    const mails = (to) => desk.sim(`/sim/mails?to=${encodeURIComponent(to)}`).then((r) => r.mails);
    await until('the mail', async () => (await mails(w.who.agent.email)).length);
    assert.deepEqual(await mails(wrong), []);
    assert.equal((await w.signedText()).purchase.invoice_bank_account, BANK_ACCOUNT);
  });

  test('online: one that does not match leaves the order at its agent', async () => {
    const w = page();
    await w.to('CONFIRM');
    await w.back();
    await w.agentAgain({ name: '李不一致' });
    assert.equal(await w.verified(), 'MISMATCH');
    assert.equal(w.state, 'AGENT');
    await w.agentAgain({ legal_rep_in_person: true });
    assert.equal(w.state, 'PURCHASE');
    assert.equal(w.order.agent.name, '王**');
    assert.equal(w.order.purchase.delivery.recipient, '王**'); // filled in from the agent
    await refused(w.call.SubmitOrganization({ order_id: w.order.id, organization: w.order.organization }), 'FAILED_PRECONDITION', 'ORDER_STATE'); // verified
  });
});

describe('another agent brings other papers',() => {
  const kinds = (w) => w.call.ListMaterials({ order_id: w.order.id }).then(({ materials }) => materials.map((m) => m.kind));
  const uploaded = async () => {
    const w = page();
    await w.to('CONFIRM');
    await w.confirmPurchase();
    await w.uploadAll();
    assert.deepEqual((await kinds(w)).filter((k) => k !== 'other'), ['business_license', 'agent_id_front', 'agent_id_back']);
    await w.back();
    later(61000);
    return w;
  };

  test('those of the agent are asked for again, the others stay', async () => {
    const w = await uploaded();
    await w.agentAgain({ legal_rep_in_person: true });
    assert.equal(w.state, 'PURCHASE');
    assert.deepEqual((await kinds(w)).filter((k) => k !== 'other'), ['business_license']);
    await w.purchaseAgain();
    await w.confirmPurchase();
    const e = await refused(w.call.RequestApplicationSignature({ order_id: w.order.id }), 'FAILED_PRECONDITION', 'MATERIAL_MISSING');
    assert.deepEqual(e.fields, ['agent_id_front', 'agent_id_back']);
  });

  test('the same person with another e-mail brings none', async () => {
    const w = await uploaded(), had = await kinds(w);
    await w.agentAgain({ email: 'same@example.com' });
    assert.deepEqual(await kinds(w), had);
  });
});

describe('back from the payment', () => {
  test('the code is closed, and the application signed anew', async () => {
    const w = page();
    await w.to('PAYMENT');
    await w.createPayment();
    const old = w.payment;
    await w.back();
    assert.equal(w.order.payment, null);
    await until('the code closed', async () => (await w.call.GetPayment({ payment_id: old.id })).payment.state === 'PAYMENT_STATE_CLOSED');
    await refused(w.call.CreatePayment({ order_id: w.order.id, provider: 'PAYMENT_PROVIDER_WECHAT' }), 'FAILED_PRECONDITION', 'ORDER_STATE');
    later(61000);
    await w.purchaseAgain({ quantity: 2 });
    w.done = w.steps.findIndex(([name]) => name === 'confirmPurchase');
    await w.to('PAYMENT');
    assert.equal(w.order.payment, null); // of the price before
    await w.createPayment();
    assert.notEqual(w.payment.id, old.id);
    assert.equal(w.payment.amount_fen, 2 * old.amount_fen);
    await w.pay();
    assert.equal((await w.signedText()).purchase.quantity, 2);
    await refused(w.call.ReturnToPurchase({ order_id: w.order.id }), 'FAILED_PRECONDITION', 'ORDER_STATE');
  });

  // Alipay cannot close what nobody has scanned.
  test('a code that cannot be closed is shown again for the same price, and says until when for another', async () => {
    const w = page({ inPerson: true, payBy: 'ALIPAY' });
    const again = async (quantity) => {
      await w.back();
      await until('the code kept', async () => (await w.call.GetPayment({ payment_id: w.payment.id })).payment.state === 'PAYMENT_STATE_WAITING');
      later(61000);
      await w.purchaseAgain({ quantity });
      w.done = w.steps.findIndex(([name]) => name === 'confirmPurchase');
      await w.to('PAYMENT');
      return w.call.CreatePayment({ order_id: w.order.id, provider: 'PAYMENT_PROVIDER_ALIPAY' });
    };
    await w.to('PAYMENT');
    const { id } = await w.createPayment();
    assert.equal((await again(1)).payment.id, id);
    const e = await refused(again(2), 'FAILED_PRECONDITION', 'PAYMENT_STATE');
    assert.ok(e.retryMs > 60000, `${e.retryMs}`);
    w.payBy = 'WECHAT';
    await w.createPayment();
    await w.pay();
  });

  test('what is paid in the last moment is given back', async () => {
    const w = page();
    await w.to('PAYMENT');
    await w.createPayment();
    await desk.sim('/sim/fault', { provider: 'wechat', action: 'callback', kind: 'never' }); // found by looking
    await w.capture();
    await w.back();
    await until('the money seen', async () => ['HELD', 'REFUNDING'].includes((await w.call.GetPayment({ payment_id: w.payment.id })).payment.state.replace('PAYMENT_STATE_', '')));
    later(61000);
    await until('the money given back', async () => (await desk.sim('/sim/wechat/refunds')).refunds.some((r) => r.out_trade_no === w.payment.id));
    assert.equal((await w.refresh()) && w.state, 'PURCHASE');
  });
});
