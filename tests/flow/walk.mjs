// The one walk: an organization's certificate from the first call to the received UKEY (issue of S2-S29). Every step is a
// method, so that a test can stop before it, repeat it, or do something else in its place. The tests and the
// demonstration walk the same steps.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { explain, until } from '../lib/desk.mjs';
import { company } from './people.mjs';
import { SoftKey } from './softkey.mjs';

export const CHANNEL = 'zheneng';
export const SCANS = path.join(path.dirname(fileURLToPath(import.meta.url)), 'scans');
const PERSONAL = { id_front: 'agent_id_front.jpg', id_back: 'agent_id_back.png' };
export const MATERIALS = { business_license: 'business_license.jpg', agent_id_front: 'agent_id_front.jpg', agent_id_back: 'agent_id_back.png' };
const CARD = '6222020200000000006';
const ACCOUNT = { number: '33050161823500001234', bank: '中国建设银行', branch: '杭州西湖支行', cnaps_code: '105331000019' };
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
const six = (text) => /(?<!\d)\d{6}(?!\d)/.exec(text)[0];

// kuaidi100's states.
const COURIER = { 在途: '0', 揽收: '1', 疑难: '2', 签收: '3', 退签: '4', 派件: '5', 退回: '6' };

// Steps of the applicant in their order, with the state that each leads to.
export const STEPS = [
  ['register', null],
  ['createOrder', 'SUBJECT'],
  ['submitOrganization', 'SUBJECT_VERIFYING'],
  ['confirmSubject', 'AGENT'],
  ['submitAgent', 'AGENT_VERIFYING'],
  ['confirmAgent', 'PURCHASE'],
  ['setPurchase', 'CONFIRM'],
  ['confirmPurchase', 'MATERIALS'],
  ['uploadAll', 'MATERIALS'],
  ['requestSignature', 'SIGNATURE'],
  ['sign', 'PAYMENT'],
  ['createPayment', 'PAYMENT'],
  ['pay', 'REVIEW'],
];
// Steps of the desk; each by the person whose role it is.
export const DESK_STEPS = [['approve', 'ISSUE'], ['issue', 'SHIP'], ['ship', 'SHIPPED'], ['deliver', 'FINISHED']];

export class Walk {
  // who: a company of people.mjs. individual: its agent applies for a certificate of their own. method, agentMethod: words of
  // VerificationMethod. inPerson: the legal representative is the agent (S11), verified by agentMethod when the phone was not. tell(kind, detail) hears what a person would
  // see: "sms" {phone, text}, "payment" payment, "upload" material, "face" url, "deposit" cells of the bank's file.
  constructor(desk, { who = company(1), individual = false, method = 'PHONE_THREE_FACTOR', agentMethod = 'PHONE_THREE_FACTOR', inPerson = false,
    channel = CHANNEL, medium = 'UKEY', payBy = 'WECHAT', seal = !individual, months = 12, quantity = 1, tell = () => {} } = {}) {
    Object.assign(this, { desk, who, individual, method, agentMethod, inPerson, channel, kindOfMedium: medium, payBy, seal, months, quantity, tell, order: null });
  }

  // Who is verified first: legal representative or applicant.
  get subject() {
    return this.individual ? this.who.agent : this.who.legalRep;
  }

  get kind() {
    return this.individual ? 'SUBJECT_KIND_INDIVIDUAL' : 'SUBJECT_KIND_ORGANIZATION';
  }

  get materials() {
    return this.individual ? PERSONAL : MATERIALS;
  }

  // Somebody without a session.
  get anyone() {
    return (this.nobody ??= this.desk.caller());
  }

  get state() {
    return this.order?.state.replace('ORDER_STATE_', '');
  }

  take(response) {
    this.order = response.order;
    return this.order;
  }

  async refresh() {
    return this.take(await this.call.GetOrder({ order_id: this.order.id }));
  }

  async reach(state, ms) {
    return until(`the order in ${state}, now in ${this.state}`, async () => (await this.refresh()) && this.state === state && this.order, ms);
  }

  // The newest SMS on a phone like the pattern, beyond `after` messages that were there.
  async read(phone, pattern, after = 0) {
    const m = await this.desk.sms(phone, pattern, after);
    this.tell('sms', { phone, text: m.text });
    return m.text;
  }

  get steps() {
    return [...STEPS, ...DESK_STEPS];
  }

  // Walks the applicant's steps, then the desk's, until one has led to this state.
  async to(state) {
    const all = this.steps;
    const last = all.findLastIndex(([, s]) => s === state);
    for (const [step] of all.slice(this.done || 0, last + 1)) {
      await this[step]();
      this.done = all.findIndex(([name]) => name === step) + 1;
    }
    return this;
  }

  // -- the applicant ---------------------------------------------------------------------------------------------------

  // S2, S3: captcha, SMS code; an unknown phone gets an account.
  async register() {
    const { phone } = this.who.account;
    const captcha = await this.anyone.CreateCaptcha();
    const seen = (await this.desk.messages(phone)).length;
    await this.anyone.SendSmsCode({ channel: this.channel, phone, purpose: 'SMS_PURPOSE_LOGIN', captcha_id: captcha.captcha_id, captcha_text: 'abcd' });
    const code = six(await this.read(phone, /登录验证码/, seen));
    const login = await this.anyone.LoginBySms({ channel: this.channel, phone, code });
    this.token = login.session.token;
    this.call = this.desk.caller(this.token);
    return login;
  }

  async consents() {
    const { channel } = await this.anyone.GetChannel({ channel: this.channel });
    const { agreements } = await this.anyone.ListAgreements({ channel: channel.id });
    return agreements.map((a) => ({ agreement_id: a.id, agreement_version: a.version }));
  }

  async createOrder(more = {}) {
    return this.take(await this.call.CreateOrder({
      channel: this.channel, kind: 'ORDER_KIND_NEW', subject_kind: this.kind, medium: `MEDIUM_${this.kindOfMedium}`,
      method: `VERIFICATION_METHOD_${this.method}`, consents: await this.consents(), ...more,
    }));
  }

  organization(more = {}) {
    const { name, uscc, legalRep } = this.who;
    return { name, uscc, legal_rep_name: legalRep.name, legal_rep_id_number: legalRep.idNumber, legal_rep_phone: legalRep.phone,
      ...(this.method === 'BANK_FOUR_FACTOR' && { legal_rep_card_number: CARD }), ...(this.method === 'MICRO_DEPOSIT' && { account: ACCOUNT }), ...more };
  }

  person(more = {}) {
    const { name, idNumber, phone, email } = this.who.agent;
    return { name, document_type: 'DOCUMENT_TYPE_RESIDENT_ID', id_number: idNumber, phone, email,
      ...(this.method === 'BANK_FOUR_FACTOR' && { card_number: CARD }), ...(this.method === 'MICRO_DEPOSIT' && { account: ACCOUNT }), ...more };
  }

  async submitOrganization(more = {}) {
    if (this.individual) return this.take(await this.call.SubmitPerson({ order_id: this.order.id, person: this.person(more) }));
    return this.take(await this.call.SubmitOrganization({ order_id: this.order.id, organization: this.organization(more) }));
  }

  // Waits for what the provider said: CODE_SENT, MISMATCH or FAILED.
  async verified() {
    return until('the outcome of a verification', async () => {
      const v = (await this.refresh()).verification;
      return v && v.state !== 'VERIFICATION_STATE_PENDING' && v.state.replace('VERIFICATION_STATE_', '');
    });
  }

  // The rest of a verification, whatever its method asks of this person.
  async confirm({ phone, name }) {
    const outcome = await this.verified();
    if (outcome === 'FACE') return this.face(name);
    if (outcome === 'DEPOSIT') return this.deposit();
    if (outcome !== 'CODE_SENT') throw new Error(`verification ended with ${outcome}: ${this.order.verification.mismatched_fields}`);
    const code = six(await this.read(phone, /正在核验/));
    this.verification = this.order.verification.id;
    return this.take(await this.call.ConfirmVerification({ verification_id: this.verification, code }));
  }

  // S8: a session, by SMS or on site; the person looks into the phone, and the order moves on by itself.
  async openFace({ bySms = false } = {}) {
    const verification_id = this.verification = this.order.verification.id;
    await this.call.StartFace({ verification_id, by_sms: bySms });
    return until('an open session', async () => {
      const { face } = (await this.refresh()).verification;
      return face?.open && face;
    });
  }

  async look(name, outcome = 'pass') {
    await this.desk.sim('/sim/face', { name, outcome });
    if (this.desk.clockFile) this.desk.setClock((this.desk.clockOffset || 0) + 4000); // else the next look is 3 s away
  }

  async face(name, options) {
    const { state } = this;
    const { url } = await this.openFace(options);
    this.tell('face', url);
    await this.look(name);
    return until('the face believed', async () => (await this.refresh()) && this.state !== state && this.order);
  }

  // S6: the finance desk's file, and the line in it that is this walk's.
  async remitted() {
    const lines = (this.desk.remitted ??= []);
    return until('a deposit in a file', async () => {
      lines.push(...this.desk.exported().split('\r\n').slice(1).filter(Boolean).map((l) => l.slice(1, -1).split('","')));
      return lines.findLast((l) => l[2] === (this.individual ? this.who.agent.name : this.who.name));
    });
  }

  async deposit() {
    const line = await this.remitted();
    this.tell('deposit', line);
    this.verification = this.order.verification.id;
    return this.take(await this.call.ConfirmVerification({ verification_id: this.verification, code: line.at(-1) }));
  }

  async confirmSubject() {
    return this.confirm(this.subject);
  }

  // Nothing of who signs is left to verify (S11): with the order's method a code went to the phone, or papers are signed by hand.
  get inPersonAtOnce() {
    return this.inPerson && (!!this.order?.paper_route || ['PHONE_THREE_FACTOR', 'BANK_FOUR_FACTOR'].includes(this.method));
  }

  async submitAgent(more = {}) {
    if (this.individual) return this.order;
    const { name, idNumber, phone, email } = this.who.agent;
    const how = !this.inPersonAtOnce && { method: `VERIFICATION_METHOD_${this.agentMethod}`, ...(this.agentMethod === 'BANK_FOUR_FACTOR' && { card_number: CARD }) };
    const agent = this.inPerson ? { legal_rep_in_person: true, email, ...how, ...more } : { ...how, name, id_number: idNumber, phone, email, ...more };
    return this.take(await this.call.SubmitAgent({ order_id: this.order.id, agent }));
  }

  async confirmAgent() {
    return this.inPersonAtOnce || this.individual ? this.order : this.confirm(this.inPerson ? this.who.legalRep : this.who.agent);
  }

  async purchase(more = {}) {
    const { products } = await this.anyone.ListProducts({ channel: this.channel });
    return {
      product_id: products.find((p) => p.subject_kind === this.kind).id, term_months: this.months, seal: this.seal, quantity: this.quantity,
      invoice: { wanted: true }, delivery: { province: '浙江省', city: '杭州市', district: '西湖区', street: '样本路1号', postal_code: '310007' }, ...more,
    };
  }

  async setPurchase(more = {}) {
    return this.take(await this.call.SetPurchase({ order_id: this.order.id, purchase: await this.purchase(more) }));
  }

  async confirmPurchase() {
    return this.take(await this.call.ConfirmPurchase({ order_id: this.order.id, total_fen: this.order.quote.total_fen }));
  }

  // As a native client does it: header, then chunks.
  upload(kind, bytes, more = {}) {
    return new Promise((resolve, reject) => {
      const stream = this.call.UploadMaterial((e, v) => (e ? reject(Object.assign(e, { info: explain(e) })) : resolve(v.material)));
      stream.on('error', () => {});
      stream.write({ header: { request_id: `up-${kind}-${this.order.id}-${sha256(bytes).slice(0, 8)}`, order_id: this.order.id, kind, file_name: `${kind}.jpg`,
        size_bytes: bytes.length, digest: sha256(bytes), ...more } });
      for (let at = 0; at < bytes.length; at += 128 * 1024) stream.write({ chunk: bytes.subarray(at, at + 128 * 1024) });
      stream.end();
    });
  }

  async uploadScan(kind, more) {
    const material = await this.upload(kind, fs.readFileSync(path.join(SCANS, this.materials[kind])), { file_name: this.materials[kind], ...more });
    this.tell('upload', material);
    return material;
  }

  async uploadAll() {
    for (const kind of Object.keys(this.materials)) await this.uploadScan(kind);
    return this.refresh();
  }

  get signer() {
    return this.inPerson ? this.who.legalRep.phone : this.who.agent.phone;
  }

  async requestSignature() {
    this.signSeen = (await this.desk.messages(this.signer)).length;
    return this.take(await this.call.RequestApplicationSignature({ order_id: this.order.id }));
  }

  async sign() {
    const code = six((await this.read(this.signer, /正在签署/, this.signSeen)).replace(this.order.id, ''));
    return this.take(await this.call.SignApplication({ order_id: this.order.id, code, consents: await this.consents() }));
  }

  async createPayment() {
    const { payment } = await this.call.CreatePayment({ order_id: this.order.id, provider: `PAYMENT_PROVIDER_${this.payBy}` });
    this.payment = await until('the QR code', async () => {
      const p = (await this.call.GetPayment({ payment_id: payment.id })).payment;
      return p.state !== 'PAYMENT_STATE_CREATING' && p;
    });
    this.tell('payment', this.payment);
    return this.payment;
  }

  // A thumb on the phone that scanned the code.
  async capture() {
    return this.desk.sim(`/sim/${this.payBy.toLowerCase()}/pay`, { out_trade_no: this.payment.id });
  }

  // Where a paid order waits.
  get paidState() {
    return 'REVIEW';
  }

  async pay() {
    await this.capture();
    return this.reach(this.paidState);
  }

  // S25: the certificate on the holder's own machine, with a key in a file in the place of a UKEY or a key service.
  async download({ medium = String(50000000 + Math.floor(Math.random() * 1e7)), sm2 = false, ...more } = {}) {
    this.key ??= new SoftKey(this.desk.dir, `of-${this.order.id}`, { sm2 });
    this.medium ??= this.kindOfMedium === 'UKEY' ? medium : '';
    this.issued = await this.call.DownloadCertificate({ order_id: this.order.id, csr_der: this.key.csr(), medium_number: this.medium, ...more });
    return this.refresh();
  }

  // S15: the invoice, issued and mailed; within moments, of the 24 hours that there are.
  async invoiced() {
    return until('the invoice', async () => {
      const { invoice } = await this.call.GetInvoice({ order_id: this.order.id });
      return invoice.mail_time && invoice;
    }, 120000);
  }

  // -- the desk --------------------------------------------------------------------------------------------------------

  // One session a person and desk: a TOTP code serves once.
  async staff(login) {
    const here = (this.desk.sessions ??= {});
    here[login] ??= this.desk.staffCaller(login);
    return here[login];
  }

  // verdicts: {kind: reason} refuses those; none approves all.
  async decide(refused = {}, comment = '') {
    const reviewer = await this.staff('li');
    const { review } = await reviewer.GetReview({ order_id: this.order.id });
    const decisions = review.materials.map((m) => (refused[m.kind]
      ? { material_id: m.id, verdict: 'MATERIAL_VERDICT_REFUSED', reason: refused[m.kind] }
      : { material_id: m.id, verdict: 'MATERIAL_VERDICT_APPROVED' }));
    const approve = Object.keys(refused).length === 0;
    await reviewer.DecideReview({ order_id: this.order.id, etag: review.etag, approve, decisions, comment });
    this.review = review;
    return this.refresh();
  }

  async approve() {
    return this.decide();
  }

  // A token of the stock with a key in a file.
  async begin(medium = String(40000000 + Math.floor(Math.random() * 1e7)), { sm2 = false } = {}) {
    const operator = await this.staff('wang');
    await operator.RegisterTokens({ medium_numbers: [medium], model: 'soft' });
    this.key = new SoftKey(this.desk.dir, medium, { sm2 });
    this.medium = medium;
    this.personalisation = (await operator.BeginPersonalisation({ order_id: this.order.id, medium_number: medium, algorithms: [this.key.algorithm] })).personalisation;
    return this.personalisation;
  }

  async record(...steps) {
    const operator = await this.staff('wang');
    for (const step of steps) await operator.RecordStep({ personalisation_id: this.personalisation.id, step: `PERSONALISATION_STEP_${step}` });
  }

  async issueCertificate() {
    this.issued = await (await this.staff('wang')).IssueCertificate({ personalisation_id: this.personalisation.id, csr_der: this.key.csr() });
    return this.issued;
  }

  async finishIssue(more = {}) {
    const { id } = this.personalisation;
    return this.take(await (await this.staff('wang')).FinishPersonalisation({
      personalisation_id: id, certificate_der: this.issued.certificate_der, signature: this.key.sign(`certdesk personalisation ${id}`), ...more,
    }));
  }

  // Every UKEY of the order.
  async issue(options) {
    await this.issueOne(options);
    while (this.state === 'PERSONALISING') await this.issueOne();
    return this.order;
  }

  // The saga of a UKEY, with a key in a file in its place.
  async issueOne(options) {
    await this.begin(options?.medium, options);
    await this.record('IDENTIFIED', 'ADMIN_AUTHENTICATED', 'PIN_SET', 'PUK_SET', 'KEY_GENERATED');
    await this.issueCertificate();
    await this.record('ISSUED', 'CERTIFICATE_WRITTEN', 'READ_BACK', 'ADMIN_KEY_SET');
    return this.finishIssue();
  }

  async ship({ courier = 'shunfeng', number = `SF${this.medium}${(this.parcels = (this.parcels || 0) + 1)}` } = {}) {
    this.parcel = number;
    this.shipment = (await (await this.staff('zhao')).CreateShipment({ order_id: this.order.id, medium_numbers: this.order.certificates.map((c) => c.medium_number), courier, tracking_number: number })).shipment;
    await until('the courier asked to report', async () => Object.keys((await this.desk.sim('/sim/kuaidi100/parcels')).subscriptions).some((k) => k.includes(number)));
    return this.refresh();
  }

  // News from the courier, in the words of COURIER.
  async courier(state, context, location = '杭州市') {
    return this.desk.sim('/sim/kuaidi100/advance', { number: this.parcel, state: COURIER[state], context, location });
  }

  async tracked(state) {
    return until(`a parcel ${state}`, async () => {
      const { shipment } = await this.call.GetShipment({ order_id: this.order.id });
      return shipment.state === `SHIPMENT_STATE_${state}` && shipment;
    });
  }

  async deliver() {
    await this.courier('在途', '快件已到达【杭州转运中心】');
    await this.tracked('IN_TRANSIT');
    await this.courier('派件', '快递员正在派件');
    await this.tracked('OUT_FOR_DELIVERY');
    await this.courier('签收', '已签收，签收人：本人');
    return this.reach('FINISHED');
  }
}
