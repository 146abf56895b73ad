// What a channel says of each method before it is chosen (S6, S7) is what then happens: the fields that are asked for, and
// where the PIN comes. For every offer of both channels, and for who sends deposits: the desk's bank, a supplier, both.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Desk, explain, until } from '../lib/desk.mjs';
import { ChannelWalk } from './channel_walk.mjs';
import { YUNQI, importGenerous } from './channels.mjs';
import { company } from './people.mjs';

const word = (s) => s.replace(/^[A-Z_]+?_(METHOD|KIND|WAY)_|^MEDIUM_/, '');
const ZHENENG = 'server/catalog/zheneng.yaml';
const sending = (code, suppliers) => (text) => text.replace(/^code: .*/m, `code: ${code}`).replace(/(micro_deposit: )\[remittance\]/, `$1[${suppliers}]`);

let desk, next = 700;
before(async () => {
  desk = await new Desk({ clock: true, logLevel: 'warn' }).start();
});
after(async () => desk?.stop());

class PromiseWalk extends ChannelWalk {
  async deposit() {
    const known = () => this.order.verification.deposit?.secret !== 'DEPOSIT_SECRET_UNSPECIFIED';
    await until('who sends the deposit', async () => known() || ((await this.refresh()) && known()));
    if (this.order.verification.deposit?.secret !== 'DEPOSIT_SECRET_AMOUNT') return super.deposit();
    await until('the amount asked for', async () => (await this.refresh()).actions.includes('ConfirmVerification'));
    const { transfers } = await desk.sim('/sim/esign/transfers');
    const fen = transfers.at(-1).transfer.amount_fen, { state } = this;
    await this.call.ConfirmVerification({ verification_id: this.order.verification.id, code: `0.${String(fen).padStart(2, '0')}` });
    this.amounts = true;
    return until('the amount believed', async () => (await this.refresh()) && this.state !== state && this.order);
  }

  // Every field that an empty form lacks.
  async asked() {
    const [call, key] = this.individual ? ['SubmitPerson', 'person'] : ['SubmitOrganization', 'organization'];
    const { violations } = await this.call[call]({ order_id: this.order.id, [key]: {} }).then(() => ({ violations: [] }), (e) => e.info || explain(e));
    return violations.map((v) => v.field.replace(`${key}.`, '')).sort();
  }

  async pins() {
    const { name } = this.individual ? this.who.agent : this.who;
    (desk.remitted ??= []).push(...desk.exported().split('\r\n').slice(1).filter(Boolean).map((l) => l.slice(1, -1).split('","')));
    const texts = async (phone) => (await desk.messages(phone)).filter((m) => /密码为/.test(m.text)).length;
    return {
      SMS_TO_LEGAL_REP: this.individual ? 0 : await texts(this.who.legalRep.phone),
      SMS_TO_APPLICANT: this.individual ? await texts(this.who.agent.phone) : 0,
      DEPOSIT_REMARK: desk.remitted.filter((l) => l[2] === name && /^密码\d{8}$/.test(l[8])).length,
    };
  }
}

async function kept(channel, offer, terms) {
  const who = company(next), own = String.fromCodePoint(0x5200 + next++); // a face is steered by its name
  who.agent.name = `李${own}`;
  who.legalRep.name = `王${own}国`;
  const individual = offer.subject_kind === 'SUBJECT_KIND_INDIVIDUAL', method = word(terms.method);
  const w = new PromiseWalk(desk, { who, individual, method, agentMethod: word(offer.agent_methods.at(0) ?? ''), channel: channel.code, medium: word(offer.medium),
    payBy: channel.payment_providers[0].replace('PAYMENT_PROVIDER_', ''), offer, invoice: channel.invoice_offered });
  await w.to('SUBJECT');
  assert.deepEqual(await w.asked(), [...terms.fields].sort(), method);
  if (offer.delivery === 'DELIVERY_WAY_DESK') {
    await w.to('ISSUE');
    await w.issue();
  } else {
    await w.to('FINISHED');
  }
  const way = word(terms.pin), want = { SMS_TO_LEGAL_REP: 0, SMS_TO_APPLICANT: 0, DEPOSIT_REMARK: 0, ...(way !== 'UNSPECIFIED' && { [way]: 1 }) };
  let had;
  await until('the PIN', async () => { had = await w.pins(); return way === 'UNSPECIFIED' || had[way]; }, 60000).catch(() => {});
  assert.deepEqual(had, want, `${channel.code}, ${individual ? 'individual' : 'organization'}, ${method}`);
  return w;
}

const cases = [
  ['zheneng', ZHENENG, undefined, () => true],
  ['yunqi', YUNQI, undefined, () => true],
  ['esign', ZHENENG, sending('esign', 'esign'), (t) => word(t.method) === 'MICRO_DEPOSIT'],
  ['both', ZHENENG, sending('both', 'esign, remittance'), (t) => word(t.method) === 'MICRO_DEPOSIT'],
];
const walked = {};
for (const [code, file, change, wanted] of cases)
  test(`${code}: what is promised of a method happens`, { timeout: 240_000 }, async () => {
    const { channel } = await desk.caller().GetChannel({ channel: importGenerous(desk, file, change) });
    assert.equal(channel.code, code);
    for (const offer of channel.offers) {
      assert.deepEqual(offer.method_terms.map((t) => t.method), offer.methods);
      const key = offer.medium === 'MEDIUM_UKEY';
      for (const t of offer.method_terms) {
        assert.equal(t.unlock_code !== 'SECRET_WAY_UNSPECIFIED', key);
        assert.equal(t.pin, offer.delivery === 'DELIVERY_WAY_DESK' && offer.kind !== 'ORDER_KIND_UNLOCK' ? t.unlock_code : 'SECRET_WAY_UNSPECIFIED');
      }
      if (offer.kind !== 'ORDER_KIND_NEW') continue;
      for (const t of offer.method_terms.filter(wanted)) {
        const w = await kept(channel, offer, t);
        walked[`${code} ${word(offer.subject_kind)} ${word(t.method)}`] = [word(t.pin), !!w.amounts];
      }
    }
  });

test('the ways are those of the manual', () => {
  const of = (subject, sms) => ['PHONE_THREE_FACTOR', 'BANK_FOUR_FACTOR', 'FACE'].map((m) => [`zheneng ${subject} ${m}`, [sms, false]]);
  assert.deepEqual(walked, Object.fromEntries([
    ['zheneng ORGANIZATION MICRO_DEPOSIT', ['DEPOSIT_REMARK', false]], ...of('ORGANIZATION', 'SMS_TO_LEGAL_REP'),
    ['zheneng INDIVIDUAL MICRO_DEPOSIT', ['DEPOSIT_REMARK', false]], ...of('INDIVIDUAL', 'SMS_TO_APPLICANT'),
    ['yunqi ORGANIZATION BANK_FOUR_FACTOR', ['UNSPECIFIED', false]], ['yunqi ORGANIZATION FACE', ['UNSPECIFIED', false]], ['yunqi INDIVIDUAL PHONE_THREE_FACTOR', ['UNSPECIFIED', false]],
    ['esign ORGANIZATION MICRO_DEPOSIT', ['SMS_TO_LEGAL_REP', true]], ['esign INDIVIDUAL MICRO_DEPOSIT', ['DEPOSIT_REMARK', false]],
    ['both ORGANIZATION MICRO_DEPOSIT', ['DEPOSIT_REMARK', true]], ['both INDIVIDUAL MICRO_DEPOSIT', ['DEPOSIT_REMARK', false]],
  ]));
});
