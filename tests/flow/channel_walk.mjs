// A walk that buys, uploads and ends as its channel says (GetChannel): for channels that are not the manual's.
import fs from 'node:fs';
import path from 'node:path';
import { SCANS, STEPS, Walk } from './walk.mjs';

const PDF = fs.readFileSync(path.join(SCANS, 'form.pdf')), PNG = fs.readFileSync(path.join(SCANS, 'agent_id_back.png'));

export class ChannelWalk extends Walk {
  // offer: of the channel, for this subject and medium. invoice: whether the channel offers one.
  constructor(desk, { offer, invoice, ...options }) {
    super(desk, options);
    Object.assign(this, { offer, invoice });
  }

  // The walk for a channel's offer of new certificates to this kind of subject.
  static async of(desk, options) {
    const { channel } = await desk.caller().GetChannel({ channel: options.channel });
    const kind = `SUBJECT_KIND_${options.individual ? 'INDIVIDUAL' : 'ORGANIZATION'}`;
    const offer = channel.offers.find((o) => o.kind === 'ORDER_KIND_NEW' && o.subject_kind === kind && (!options.medium || o.medium === `MEDIUM_${options.medium}`));
    const [pay] = channel.payment_providers;
    return new this(desk, { medium: offer.medium.replace('MEDIUM_', ''), payBy: pay.replace('PAYMENT_PROVIDER_', ''), ...options, offer, invoice: channel.invoice_offered });
  }

  get downloads() {
    return this.offer.delivery === 'DELIVERY_WAY_DOWNLOAD';
  }

  get approvedState() {
    return this.downloads ? 'DOWNLOAD' : 'ISSUE';
  }

  get paidState() {
    return this.offer.review ? 'REVIEW' : this.approvedState;
  }

  get steps() {
    const paid = STEPS.map(([step, state]) => [step, step === 'pay' ? this.paidState : state]);
    return [...paid, ...(this.offer.review ? [['approve', this.approvedState]] : []), ...(this.downloads ? [['download', 'FINISHED']] : [])];
  }

  async purchase(more) {
    const { products } = await this.anyone.ListProducts({ channel: this.channel });
    const product = products.find((p) => p.subject_kind === this.kind && p.medium === `MEDIUM_${this.kindOfMedium}`), [option] = product.options;
    return { product_id: product.id, term_months: option.term_months, seal: option.seal, quantity: 1, invoice: { wanted: this.invoice },
      ...(this.offer.address_asked && { delivery: { province: '浙江省', city: '杭州市', street: '样本路1号' } }), ...more };
  }

  async uploadAll() {
    for (const m of this.offer.materials.filter((x) => x.required)) {
      const pdf = !m.content_types.some((t) => t.startsWith('image/'));
      await this.upload(m.kind, pdf ? PDF : PNG, { file_name: pdf ? 'a.pdf' : 'a.png' });
    }
    return this.refresh();
  }
}
