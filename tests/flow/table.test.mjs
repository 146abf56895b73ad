// Every way through an application that the channels offer (S6-S17), walked through the RPCs up to the paid order, and
// where the holder downloads to the certificate (S25): subject x medium x method x agent's method or in person x way to
// pay x online or by paper x given up at each step or not. The table is made from what the channels say of themselves, so that a new channel is covered by itself.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { Desk } from '../lib/desk.mjs';
import { YUNQI, importGenerous } from './channels.mjs';
import { company } from './people.mjs';
import { ChannelWalk } from './channel_walk.mjs';
import { Walk } from './walk.mjs';
import { refused } from './refused.mjs';

const AT_ONCE = 10;
const CHANNELS = ['server/catalog/zheneng.yaml', YUNQI];
const PROVES_PHONE = ['PHONE_THREE_FACTOR', 'BANK_FOUR_FACTOR'];
const word = (s) => s.replace(/^[A-Z_]+?_(METHOD|KIND|PROVIDER)_|^MEDIUM_/, '');

let desk, rows;

// How far each choice is made before a step: what a walk that ends there has not chosen does not tell it from others.
const ONLINE = ['SUBJECT', 'SUBJECT_VERIFYING', 'AGENT', 'AGENT_VERIFYING', 'PURCHASE', 'CONFIRM', 'MATERIALS', 'SIGNATURE', 'PAYMENT'];
const PAPER = ['SUBJECT', 'AGENT', 'PURCHASE', 'CONFIRM', 'PAYMENT', 'PAPERS'];
const downloads = (offer) => offer.delivery === 'DELIVERY_WAY_DOWNLOAD';
const statesOf = (offer, paper) => [...(paper ? PAPER : ONLINE), ...(paper || offer.review ? ['REVIEW'] : []), ...(downloads(offer) ? ['DOWNLOAD'] : [])];

function* ways(channel) {
  const pays = channel.payment_providers.map(word);
  for (const offer of channel.offers.filter((o) => o.kind === 'ORDER_KIND_NEW')) {
    const subject = word(offer.subject_kind), individual = subject === 'INDIVIDUAL';
    const agents = offer.agent_methods.map(word);
    // In person: at once when the method proved the phone, else verified by each of the agent's methods that do.
    const inPerson = (method) => (PROVES_PHONE.includes(method) ? ['IN_PERSON'] : agents.filter((a) => PROVES_PHONE.includes(a)).map((a) => `IN_PERSON ${a}`));
    for (const method of offer.methods.map(word))
      for (const paper of offer.paper_route ? [false, true] : [false])
        for (const agent of individual ? [''] : paper ? ['IN_PERSON', 'COLLECTED'] : [...inPerson(method), ...agents])
          for (const pay of pays)
            for (const end of [...statesOf(offer, paper), 'NONE']) {
              if (individual && end.startsWith('AGENT')) continue;
              if (agent === 'IN_PERSON' && end === 'AGENT_VERIFYING') continue;
              const states = statesOf(offer, paper), at = end === 'NONE' ? states.length : states.indexOf(end);
              const known = (state) => at > states.indexOf(state);
              yield { channel: channel.code, subject, medium: word(offer.medium), method, paper, agent: known('AGENT') ? agent : '', pay: at >= states.indexOf('PAYMENT') ? pay : '', end,
                offer, invoice: channel.invoice_offered };
            }
  }
}

before(async () => {
  desk = await new Desk({ clock: true, logLevel: 'warn' }).start();
  await desk.sim('/sim/config', { callback_scale: 0.001 });
  const anyone = desk.caller(), seen = new Map();
  for (const file of CHANNELS) {
    const { channel } = await anyone.GetChannel({ channel: importGenerous(desk, file) });
    for (const way of ways(channel)) seen.set(JSON.stringify(way), way);
  }
  rows = [...seen.values()];
  for (const person of ['li', 'zhao']) await new Walk(desk, { who: company(999) }).staff(person); // before ten ask at once
});
after(async () => desk?.stop());

class TableWalk extends ChannelWalk {
  constructor(n, way) {
    const who = company(1000 + n), own = String.fromCodePoint(0x5200 + n); // a face is steered by its name: everybody has one
    who.agent.name = `李${own}`;
    who.legalRep.name = `王${own}国`;
    if (way.paper && !(way.subject === 'INDIVIDUAL' && way.method === 'FACE')) who[way.subject === 'INDIVIDUAL' ? 'agent' : 'legalRep'].name = '王不一致'; // what the register does not know
    const [, inPerson, agentMethod] = /^(IN_PERSON)? ?(.*)$/.exec(way.agent);
    super(desk, { who, individual: way.subject === 'INDIVIDUAL', method: way.method, agentMethod: agentMethod || 'PHONE_THREE_FACTOR', inPerson: !!inPerson,
      channel: way.channel, medium: way.medium, payBy: way.pay || 'WECHAT', offer: way.offer, invoice: way.invoice });
    this.way = way;
    this.n = n;
    this.rpcs = 0;
  }

  // Goes on from where it stopped, on another device each time (S10): what may be done next is among what the order says.
  async at(state, verb) {
    this.call = desk.caller(this.token);
    await this.refresh();
    assert.equal(this.state, state, JSON.stringify(this.way));
    assert.ok(this.order.actions.includes(verb), `${verb} is not among ${this.order.actions} in ${state}: ${JSON.stringify(this.way)}`);
    if (this.way.end !== state) return false;
    await this.giveUp();
    return true;
  }

  async giveUp() {
    if (this.state === 'REVIEW') { // what waits for review is only seen (S20)
      assert.deepEqual(this.order.actions, [], JSON.stringify(this.way));
      await refused(this.call.CancelOrder({ order_id: this.order.id }), 'FAILED_PRECONDITION', 'ORDER_STATE');
      await this.approve();
      await this.refresh();
    }
    const paid = ['ISSUE', 'PAPERS', 'DOWNLOAD'].includes(this.state), { payment } = this;
    assert.ok(this.order.actions.includes('CancelOrder'), `no CancelOrder in ${this.state}: ${this.order.actions}`);
    this.take(await this.call.CancelOrder({ order_id: this.order.id }));
    if (paid) {
      await this.reach('CANCELLED');
      const { refunds } = await desk.sim(`/sim/${this.payBy.toLowerCase()}/refunds`);
      assert.equal(refunds.filter((r) => r.out_trade_no === payment.id).length, 1, JSON.stringify(this.way));
    }
    assert.equal(this.state, 'CANCELLED');
    await this.refresh();
    assert.deepEqual(this.order.actions, []);
    if (this.submitted) { // the number is free again (S10)
      await this.createOrder();
      await this.submitOrganization();
      this.take(await this.call.CancelOrder({ order_id: this.order.id }));
    }
  }

  async purchase(more) {
    const asked = await super.purchase(more), { products } = await this.anyone.ListProducts({ channel: this.channel });
    const product = products.find((p) => p.id === asked.product_id), [option] = product.options;
    const quantity = this.downloads ? 1 : 1 + this.n % product.max_quantity;
    this.costs = quantity * option.price_fen;
    return { ...asked, quantity };
  }

  async online() {
    const submit = this.individual ? 'SubmitPerson' : 'SubmitOrganization';
    if (await this.at('SUBJECT', submit)) return;
    await this.submitOrganization();
    this.submitted = true;
    await this.verified();
    const prove = { FACE: 'StartFace', MICRO_DEPOSIT: submit }[this.method] ?? 'ConfirmVerification'; // the deposit is not on its way yet
    if (await this.at('SUBJECT_VERIFYING', prove)) return;
    await this.confirmSubject();
    if (!this.individual) {
      if (await this.at('AGENT', 'SubmitAgent')) return;
      await this.submitAgent();
      if (!this.inPersonAtOnce) {
        await this.verified();
        if (await this.at('AGENT_VERIFYING', this.agentMethod === 'FACE' ? 'StartFace' : 'ConfirmVerification')) return;
        await this.confirmAgent();
      }
    }
    if (await this.buy()) return;
    if (await this.at('MATERIALS', this.way.offer.materials.length ? 'UploadMaterial' : 'RequestApplicationSignature')) return;
    await this.uploadAll();
    await this.requestSignature();
    if (await this.at('SIGNATURE', 'SignApplication')) return;
    await this.sign();
    if (await this.at('PAYMENT', 'CreatePayment')) return;
    await this.createPayment();
    assert.equal(this.payment.amount_fen, this.costs, JSON.stringify(this.way));
    await this.pay();
    await this.afterwards();
  }

  // From the paid order, with its papers there, to the certificate where the holder downloads it.
  async afterwards() {
    if (this.way.end === 'REVIEW') return this.giveUp();
    if (!downloads(this.offer)) return undefined;
    if (this.state === 'REVIEW') await this.decide();
    if (await this.at('DOWNLOAD', 'DownloadCertificate')) return undefined;
    return this.download();
  }

  async buy() {
    if (await this.at('PURCHASE', 'SetPurchase')) return true;
    await this.setPurchase();
    assert.equal(this.order.quote.total_fen, this.costs, JSON.stringify(this.way));
    if (await this.at('CONFIRM', 'ConfirmPurchase')) return true;
    await this.confirmPurchase();
    return false;
  }

  async byPaper() {
    await this.submitOrganization();
    this.submitted = true;
    if (await this.verified() === 'FACE') { // nothing is checked before: the face is somebody else's
      await this.openFace();
      await this.look(this.subject.name, 'other_person');
      await this.reach('SUBJECT');
    }
    assert.equal(await this.verified(), 'MISMATCH', JSON.stringify(this.way));
    if (await this.at('SUBJECT', 'SwitchToPaperRoute')) return;
    this.take(await this.call.SwitchToPaperRoute({ order_id: this.order.id }));
    if (!this.individual) {
      if (await this.at('AGENT', 'SubmitAgent')) return;
      this.agentMethod = 'PHONE_THREE_FACTOR';
      await this.submitAgent();
    }
    if (await this.buy()) return;
    if (await this.at('PAYMENT', 'GetApplicationForm')) return;
    assert.ok((await this.call.GetApplicationForm({ order_id: this.order.id })).pdf.length > 1000);
    await this.createPayment();
    await this.capture();
    await this.reach('PAPERS');
    if (await this.at('PAPERS', 'GetApplicationForm')) return;
    this.take(await (await this.staff('zhao')).RecordPaperArrival({ order_id: this.order.id }));
    await this.refresh();
    await this.afterwards();
  }

  async go() {
    await this.register();
    await this.createOrder();
    await (this.way.paper ? this.byPaper() : this.online());
    assert.equal(this.state, this.way.end !== 'NONE' ? 'CANCELLED' : downloads(this.offer) ? 'FINISHED' : 'REVIEW', JSON.stringify(this.way));
  }
}

test('every way that the channels offer leads to a paid order, where the holder downloads to the certificate, or to one given up', { timeout: 900_000 }, async () => {
  const left = rows.map((way, n) => [n, way]), failed = [];
  const began = Date.now();
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (let next; failed.length < 5 && (next = left.shift());) {
      const [n, way] = next;
      await new TableWalk(n, way).go().catch((e) => failed.push(`${JSON.stringify({ ...way, offer: undefined })}: ${e.stack}`));
    }
  }));
  assert.deepEqual(failed, []);
  const by = (key) => Object.entries(Object.groupBy ? Object.groupBy(rows, (r) => r[key]) : rows.reduce((o, r) => ({ ...o, [r[key]]: [...(o[r[key]] || []), r] }), {})).map(([k, v]) => `${k || '-'} ${v.length}`).join(', ');
  console.log(`# ${rows.length} walks in ${Math.round((Date.now() - began) / 1000)} s; by channel: ${by('channel')}; by method: ${by('method')}; by end: ${by('end')}`);
  assert.ok(rows.length > 100);
});
