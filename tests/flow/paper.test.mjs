// The paper route (S9, S16, S17): data that do not match, the agent's data collected, the form printed, paid, the papers
// posted and recorded at the desk, reviewed, sent back once, approved, issued and posted like any other order.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { Desk, until } from '../lib/desk.mjs';
import { company, residentId } from './people.mjs';
import { refused } from './refused.mjs';
import { CHANNEL, Walk } from './walk.mjs';

const HOUR = 3600_000;
let desk;
before(async () => { desk = await new Desk({ clock: true }).start(); });
after(async () => desk?.stop());

// A company whose name the register knows otherwise.
const unknown = (n) => ({ ...company(n), name: `杭州不一致第${n}有限公司` });

class PaperWalk extends Walk {
  async mismatch() {
    await this.register();
    await this.createOrder();
    await this.submitOrganization();
    assert.equal(await this.verified(), 'MISMATCH');
    return this.refresh();
  }

  async toPaper() {
    return this.take(await this.call.SwitchToPaperRoute({ order_id: this.order.id }));
  }

  async toPayment() {
    await this.mismatch();
    await this.toPaper();
    await this.submitAgent();
    await this.setPurchase();
    return this.confirmPurchase();
  }

  async pdf() {
    return (await this.call.GetApplicationForm({ order_id: this.order.id })).pdf;
  }

  async payForPapers() {
    await this.createPayment();
    await this.capture();
    return this.reach('PAPERS');
  }

  async arrive() {
    return this.take(await (await this.staff('zhao')).RecordPaperArrival({ order_id: this.order.id }));
  }
}

function text(pdf) {
  const file = path.join(desk.dir, 'form.pdf');
  fs.writeFileSync(file, pdf);
  return execFileSync('pdftotext', ['-layout', file, '-'], { encoding: 'utf8' });
}

// Logs in once more: sessions end with the days.
async function again(w) {
  const { order, who } = w;
  await w.register();
  Object.assign(w, { order, who });
}

let walk;
test('what does not match may go by paper; nothing else may', async () => {
  walk = new PaperWalk(desk, { who: unknown(1), quantity: 2 });
  await walk.register();
  await walk.createOrder();
  assert.ok(!walk.order.actions.includes('SwitchToPaperRoute'));
  await refused(walk.toPaper(), 'FAILED_PRECONDITION', 'PRECONDITION');
  await walk.submitOrganization();
  assert.equal(await walk.verified(), 'MISMATCH');
  await walk.refresh();
  assert.ok(walk.order.actions.includes('SwitchToPaperRoute'), walk.order.actions.join());
  assert.equal(walk.state, 'SUBJECT');
  await walk.toPaper();
  assert.deepEqual([walk.state, walk.order.paper_route], ['AGENT', true]);
  await refused(walk.toPaper(), 'FAILED_PRECONDITION', 'ORDER_STATE');
});

test('the agent is collected, with every bad field named, and not verified', async () => {
  const e = await refused(walk.submitAgent({ id_number: '1', email: 'x' }), 'INVALID_ARGUMENT', 'INVALID');
  assert.deepEqual(e.fields.sort(), ['agent.email', 'agent.id_number']);
  assert.ok(!walk.order.actions.includes('UploadMaterial'), walk.order.actions.join()); // all comes by post
  await refused(walk.uploadScan('business_license'), 'FAILED_PRECONDITION', 'ORDER_STATE');
  await walk.submitAgent({ method: 'VERIFICATION_METHOD_UNSPECIFIED' }); // none to be verified by
  assert.equal(walk.state, 'PURCHASE');
  assert.equal((await desk.messages(walk.who.agent.phone)).length, 0);
});

test('the form holds what was entered, and its QR code is the order', async () => {
  await refused(walk.pdf(), 'FAILED_PRECONDITION', 'ORDER_STATE');
  await walk.setPurchase();
  await walk.confirmPurchase();
  assert.equal(walk.state, 'PAYMENT');
  assert.ok(walk.order.actions.includes('GetApplicationForm'), walk.order.actions.join());
  const form = await walk.pdf();
  assert.equal(form.subarray(0, 5).toString(), '%PDF-');
  const said = text(form).replace(/\s+/g, '');
  const { name, uscc, legalRep, agent } = walk.who;
  for (const part of [name, uscc, legalRep.name, legalRep.idNumber, legalRep.phone, agent.name, agent.idNumber, agent.email, walk.order.id,
    '单位数字证书申请表', '浙能集团', '760.00元', '数量2', '营业执照', '受理地址1号', '单位公章', '样本路1号', '收到材料后3-5个工作日内完成审核']) assert.ok(said.includes(part), `${part}: ${said}`);
  fs.writeFileSync(path.join(desk.dir, 'form.pdf'), form);
  if (process.env.PAPER_PDF) fs.copyFileSync(path.join(desk.dir, 'form.pdf'), process.env.PAPER_PDF);
  const info = execFileSync('pdfinfo', [path.join(desk.dir, 'form.pdf')], { encoding: 'utf8' });
  assert.match(info, /Pages: +1\n/);
  assert.match(info, /A4/);
  assert.equal(await readQr(), walk.order.id);
});

// What a scanner reads of the printed page, by a library that is not ours.
async function readQr() {
  const { default: jsQR } = await import('jsqr');
  const ppm = execFileSync('pdftoppm', ['-r', '150', path.join(desk.dir, 'form.pdf')], { maxBuffer: 64 << 20 });
  const [head, w, h] = /^P6\s+(\d+)\s+(\d+)\s+255\s/.exec(ppm.subarray(0, 40).toString('latin1'));
  const rgba = new Uint8ClampedArray(w * h * 4).fill(255);
  for (let i = 0; i < w * h; i++) for (let k = 0; k < 3; k++) rgba[i * 4 + k] = ppm[head.length + i * 3 + k];
  return jsQR(rgba, Number(w), Number(h))?.data;
}

test('others do not get the form', async () => {
  const stranger = new Walk(desk, { who: company(2) });
  await stranger.register();
  await refused(stranger.call.GetApplicationForm({ order_id: walk.order.id }), 'NOT_FOUND', 'NOT_FOUND');
  await refused(stranger.call.SwitchToPaperRoute({ order_id: walk.order.id }), 'NOT_FOUND', 'NOT_FOUND');
  const { pdf } = await (await walk.staff('li')).GetApplicationForm({ order_id: walk.order.id });
  assert.ok(pdf.length > 1000);
});

test('after payment the order waits for its papers, and says where they go', async () => {
  await walk.payForPapers();
  assert.match(await walk.read(walk.who.agent.phone, /已支付/), /连同材料邮寄/);
  const mail = await until('the mail', async () => (await desk.sim(`/sim/mails?to=${encodeURIComponent(walk.who.agent.email)}`)).mails.find((m) => /邮寄/.test(m.subject)));
  assert.match(JSON.stringify(mail), /受理地址1号/);
  const reviewer = await walk.staff('li');
  const { items } = await reviewer.ListReviews({});
  assert.deepEqual(items.filter((i) => i.order_id === walk.order.id), []);
  assert.ok((await walk.pdf()).length > 1000); // once more, for who lost it
});

test('it is invoiced when it is paid, as any other order', async () => {
  const invoice = await until('the invoice', async () => {
    const { invoice: v } = await walk.call.GetInvoice({ order_id: walk.order.id });
    return v.state === 'INVOICE_STATE_ISSUED' && v;
  });
  assert.equal(invoice.amount_fen, 76000);
});

test('the clocks run from the arrival', async () => {
  desk.setClock(24 * HOUR * 10);
  desk.sessions = {}; // all are over by now
  await again(walk);
  await refused((await walk.staff('li')).RecordPaperArrival({ order_id: walk.order.id }), 'PERMISSION_DENIED', 'DENIED');
  await walk.arrive();
  assert.equal(walk.state, 'REVIEW');
  await refused(walk.arrive(), 'FAILED_PRECONDITION', 'ORDER_STATE');
  const { items } = await (await walk.staff('li')).ListReviews({});
  const item = items.find((i) => i.order_id === walk.order.id);
  assert.ok(Math.abs(Number(item.submit_time.seconds) * 1000 - (Date.now() + 240 * HOUR)) < HOUR);
  assert.ok(item.due_time.seconds - item.submit_time.seconds >= 5 * 24 * 3600 - 24 * 3600);
  assert.match(await walk.read(walk.who.agent.phone, /纸质材料已收到/), new RegExp(walk.order.id));
  await refused(walk.pdf(), 'FAILED_PRECONDITION', 'ORDER_STATE');
});

test('papers with a fault are sent back with the reason, and come again', async () => {
  const reviewer = await walk.staff('li');
  const { review } = await reviewer.GetReview({ order_id: walk.order.id });
  assert.equal(review.order.paper_route, true);
  assert.match(review.signed_digest, /^[0-9a-f]{64}$/);
  const decide = (more) => reviewer.DecideReview({ order_id: walk.order.id, etag: review.etag, approve: false, ...more });
  assert.deepEqual((await refused(decide({}), 'INVALID_ARGUMENT', 'INVALID')).fields, ['comment']);
  assert.equal(walk.order.refusal, null);
  await decide({ comment: '营业执照复印件未盖章' });
  await walk.refresh();
  assert.equal(walk.state, 'PAPERS');
  assert.equal(walk.order.refusal.comment, '营业执照复印件未盖章');
  const at = Number(walk.order.refusal.refuse_time.seconds) * 1000;
  assert.ok(Math.abs(at - (Date.now() + 240 * HOUR)) < HOUR);
  assert.deepEqual((await (await walk.staff('li')).GetReview({ order_id: walk.order.id })).review.order.refusal, walk.order.refusal);
  // It is posted again, not handed in on a screen.
  const said = await walk.read(walk.who.agent.phone, /需要修改/);
  assert.match(said, /纸质材料需要修改：营业执照复印件未盖章。请更正后重新邮寄/);
  assert.doesNotMatch(said, /登录/);
  const mail = await until('the mail', async () => (await desk.sim(`/sim/mails?to=${encodeURIComponent(walk.who.agent.email)}`)).mails.find((m) => /需要修改/.test(m.subject)));
  assert.match(mail.text, /营业执照复印件未盖章[^]*受理地址1号/);
  await walk.arrive();
  assert.equal(walk.order.refusal, null);
});

test('approved, it goes on like any other order', async () => {
  await walk.approve();
  assert.equal(walk.state, 'ISSUE');
  await walk.issue();
  await walk.ship();
  await walk.deliver();
  assert.equal(walk.state, 'FINISHED');
});

test('a person goes by paper, too', async () => {
  const who = { ...company(3), person: { name: '王不一致', idNumber: residentId('33010619900101123'), phone: '13700000003' } };
  const person = new PaperWalk(desk, { who });
  // What a channel promises is one number of its file (S16): on the form, in what is told, and when the desk's time is up.
  const file = desk.channel(CHANNEL, 1);
  desk.importChannel({ ...file, review_days: 2, posting: { ...file.posting, days: 4 }, calendar: { ...file.calendar, holidays: [] } });
  await person.register();
  await person.createOrder({ subject_kind: 'SUBJECT_KIND_INDIVIDUAL' });
  const { name, idNumber, phone } = who.person;
  await person.call.SubmitPerson({ order_id: person.order.id, person: { name, document_type: 'DOCUMENT_TYPE_RESIDENT_ID', id_number: idNumber, phone, email: 'p@example.com' } });
  assert.equal(await person.verified(), 'MISMATCH');
  await person.toPaper();
  assert.equal(person.state, 'PURCHASE');
  const { products } = await person.anyone.ListProducts({ channel: CHANNEL });
  await person.setPurchase({ product_id: products.find((p) => p.subject_kind === 'SUBJECT_KIND_INDIVIDUAL').id, seal: false });
  await person.confirmPurchase();
  const said = text(await person.pdf()).replace(/\s+/g, '');
  for (const part of ['个人数字证书申请表', name, idNumber, phone, '申请人签字', '身份证正面', '收到材料后2个工作日内完成审核', '审核通过后，UKEY在4个工作日内寄出']) assert.ok(said.includes(part), part);
  await person.payForPapers();
  await person.arrive();
  assert.equal(person.state, 'REVIEW');
  assert.match(await person.read(phone, /纸质材料已收到/), /将在2个工作日内完成审核/);
  const mails = await until('the mails', async () => {
    const m = (await desk.sim('/sim/mails?to=p%40example.com')).mails;
    return ['请邮寄证书申请材料', '证书申请材料已收到'].every((s) => m.some((x) => x.subject === s)) && m;
  });
  for (const m of mails.filter((x) => /材料/.test(x.subject))) assert.match(m.text, /2个工作日内完成审核/);
  const item = (await (await person.staff('li')).ListReviews({})).items.find((i) => i.order_id === person.order.id);
  const days = (item.due_time.seconds - item.submit_time.seconds) / 24 / 3600;
  assert.ok(days >= 2 && days <= 4, `${days} days`); // a weekend may lie between
  await person.approve();
  assert.match(await person.read(phone, /已审核通过/), /UKEY将在4个工作日内寄出/);
  const issue = (await (await person.staff('wang')).ListIssues({})).items.find((i) => i.order_id === person.order.id);
  const left = (issue.due_time.seconds - issue.approve_time.seconds) / 24 / 3600;
  assert.ok(left >= 4 && left <= 8, `${left} days`);
  await person.issue();
  const ship = (await (await person.staff('zhao')).ListShips({})).items.find((i) => i.order_id === person.order.id);
  assert.deepEqual(ship.due_time, issue.due_time);
  desk.importChannel(desk.channel(CHANNEL, 1));
});

// A person need not have an e-mail: what is needed comes by SMS, or goes to where the invoice goes.
test('who gave no e-mail reads the address in the SMS, or in a mail to where the invoice goes', async () => {
  const { products } = await walk.anyone.ListProducts({ channel: CHANNEL });
  const product_id = products.find((p) => p.subject_kind === 'SUBJECT_KIND_INDIVIDUAL').id;
  for (const [i, invoice] of [{ wanted: false }, { wanted: true, email: 'invoice5@example.com' }].entries()) {
    const phone = `1370000005${i}`;
    const person = new PaperWalk(desk, { who: company(25 + i) });
    await person.register();
    await person.createOrder({ subject_kind: 'SUBJECT_KIND_INDIVIDUAL' });
    await person.call.SubmitPerson({ order_id: person.order.id, person: { name: '王不一致', document_type: 'DOCUMENT_TYPE_RESIDENT_ID', id_number: residentId(`3301061990010155${i}`), phone } });
    assert.equal(await person.verified(), 'MISMATCH');
    await person.toPaper();
    await person.setPurchase({ product_id, seal: false, invoice });
    await person.confirmPurchase();
    await person.payForPapers();
    const said = await person.read(phone, /已支付/);
    if (!invoice.wanted) assert.match(said, /邮寄至北京市海淀区受理地址1号，收件人和电话见申请表/);
    else {
      assert.match(said, /详见邮件/);
      const mail = await until('the mail', async () => (await desk.sim(`/sim/mails?to=${encodeURIComponent(invoice.email)}`)).mails.find((m) => m.subject === '请邮寄证书申请材料'));
      assert.match(mail.text, /受理地址1号/);
    }
  }
});

test('eight switches at once are one; an order by paper can be cancelled', async () => {
  const many = new PaperWalk(desk, { who: unknown(4) });
  await many.mismatch();
  const answers = await Promise.all(Array.from({ length: 8 }, () => many.call.SwitchToPaperRoute({ order_id: many.order.id, request_id: 'paper-same' })));
  assert.deepEqual(new Set(answers.map((a) => JSON.stringify(a.order))).size, 1);
  await many.submitAgent({ method: 'VERIFICATION_METHOD_UNSPECIFIED', legal_rep_in_person: true });
  assert.equal((await many.refresh()).agent.name, many.order.organization.legal_rep_name);
  assert.equal(many.order.agent.method, 'VERIFICATION_METHOD_UNSPECIFIED'); // nobody was verified
  many.take(await many.call.CancelOrder({ order_id: many.order.id }));
  assert.equal(many.state, 'CANCELLED');
});

// "信息有误请返回修改后重新打印": the form says so, and until something is paid it is so.
test('what was entered wrong is corrected from the purchase, and the form printed anew', async () => {
  const w = new PaperWalk(desk, { who: unknown(15) }), other = new PaperWalk(desk, { who: company(16) });
  const wrong = company(17), { who } = w;
  w.who = { ...who, uscc: wrong.uscc, legalRep: { ...who.legalRep, name: '王建民' } };
  await w.toPayment();
  await w.createPayment();
  const code = w.payment;
  assert.match(text(await w.pdf()).replace(/\s+/g, ''), /王建民/);
  assert.ok(w.order.actions.includes('ReturnToPurchase'), w.order.actions.join());
  w.take(await w.call.ReturnToPurchase({ order_id: w.order.id }));
  assert.equal(w.state, 'PURCHASE');
  await refused(w.pdf(), 'FAILED_PRECONDITION', 'ORDER_STATE');
  for (const verb of ['SubmitOrganization', 'SubmitAgent', 'SetPurchase']) assert.ok(w.order.actions.includes(verb), w.order.actions.join());
  await until('the code closed', async () => (await w.call.GetPayment({ payment_id: code.id })).payment.state === 'PAYMENT_STATE_CLOSED');

  const checks = async () => (await desk.sim('/sim/log')).counts, asked = await checks();
  const submit = (more) => w.call.SubmitOrganization({ order_id: w.order.id, organization: { ...w.order.organization, ...more } });
  assert.deepEqual((await refused(submit({ uscc: '1' }), 'INVALID_ARGUMENT', 'INVALID')).fields, ['organization.uscc']);
  w.take(await submit({ uscc: who.uscc, legal_rep_name: who.legalRep.name }));
  assert.deepEqual([w.state, w.order.organization.uscc, w.order.verification], ['PURCHASE', who.uscc, null]);
  assert.equal(w.order.purchase.invoice.tax_number, who.uscc); // filled in from the number before
  w.take(await w.call.SubmitAgent({ order_id: w.order.id, agent: { ...w.order.agent, email: 'right@example.com' } }));
  assert.deepEqual([w.state, w.order.purchase.invoice.email], ['PURCHASE', 'right@example.com']);
  const now = await checks();
  assert.deepEqual(Object.keys(now).filter((k) => /tencent|esign/.test(k) && k !== 'tencent.SendSms' && now[k] !== asked[k]), []); // no provider was asked

  // S10: the number that was wrong is free again, the right one is taken.
  other.who = { ...other.who, uscc: who.uscc };
  await other.register();
  await other.createOrder();
  await refused(other.submitOrganization(), 'ALREADY_EXISTS', 'ORDER_OPEN');
  other.who = { ...other.who, uscc: wrong.uscc };
  await other.submitOrganization();
  assert.equal(other.state, 'SUBJECT_VERIFYING');
  await refused(submit({ uscc: wrong.uscc }), 'ALREADY_EXISTS', 'ORDER_OPEN');

  w.take(await w.call.SetPurchase({ order_id: w.order.id, purchase: w.order.purchase }));
  await w.confirmPurchase();
  const said = text(await w.pdf()).replace(/\s+/g, '');
  for (const part of [who.uscc, who.legalRep.name, who.legalRep.idNumber, who.agent.phone, 'right@example.com']) assert.ok(said.includes(part), part);
  assert.ok(!said.includes('王建民') && !said.includes(wrong.uscc) && !said.includes(who.agent.email), said);
  await w.payForPapers();
  assert.ok(!w.order.actions.includes('ReturnToPurchase'), w.order.actions.join());
  for (const step of [() => w.call.ReturnToPurchase({ order_id: w.order.id }), submit, () => w.call.SubmitAgent({ order_id: w.order.id, agent: w.order.agent })])
    await refused(step(), 'FAILED_PRECONDITION', 'ORDER_STATE');
});

// A number that is found to be taken, or taken, without a check: as many as checks in a day, and no more of one number.
test('another number counts like a check, also when it is refused; the same data do not', async () => {
  const file = desk.channel(CHANNEL, 1), taken = new PaperWalk(desk, { who: company(12) });
  await taken.register();
  await taken.createOrder();
  await taken.submitOrganization();
  const w = new PaperWalk(desk, { who: unknown(10) }), v = new PaperWalk(desk, { who: unknown(11) });
  for (const x of [w, v]) {
    await x.mismatch();
    await x.toPaper();
  }
  const submit = (x, uscc) => x.call.SubmitOrganization({ order_id: x.order.id, organization: { ...x.order.organization, uscc } });
  const full = async (x, uscc, times) => {
    const e = await refused(submit(x, uscc), 'RESOURCE_EXHAUSTED', 'RATE_LIMITED');
    assert.ok(e.retryMs > 23 * HOUR, `${e.retryMs}`);
    assert.match(e.zh, new RegExp(`每天最多可核验${times}次`));
  };
  try {
    desk.importChannel({ ...file, account_checks: 4 }); // one was the check of what did not match
    for (let i = 0; i < 3; i++) await refused(submit(w, company(12).uscc), 'ALREADY_EXISTS', 'ORDER_OPEN');
    await full(w, company(12).uscc, 4);
    await full(w, company(13).uscc, 4);
    for (let i = 0; i < 6; i++) await submit(w, unknown(10).uscc); // what it says already
    desk.importChannel({ ...file, account_checks: 100 });
    for (let i = 0; i < 5; i++)
      for (const uscc of [company(14).uscc, unknown(11).uscc]) {
        if (uscc === unknown(11).uscc && i === 4) continue; // that one had a check
        await submit(v, uscc);
        await v.refresh();
      }
    await full(v, unknown(11).uscc, 5);
  } finally {
    desk.importChannel(file);
  }
});

test('a person corrects what they entered, too; who acts in person stays the legal representative', async () => {
  const p = new PaperWalk(desk, { who: company(8), individual: true });
  p.who.agent.name = '王不一致';
  await p.mismatch();
  await p.toPaper();
  await p.setPurchase();
  p.take(await p.call.ReturnToPurchase({ order_id: p.order.id }));
  p.take(await p.call.SubmitPerson({ order_id: p.order.id, person: { ...p.order.person, name: '赵一致', email: 'right@example.com' } }));
  assert.deepEqual([p.state, p.order.person.name, p.order.purchase.delivery.recipient], ['PURCHASE', '赵**', '赵**']);
  p.take(await p.call.SetPurchase({ order_id: p.order.id, purchase: p.order.purchase }));
  await p.confirmPurchase();
  assert.match(text(await p.pdf()).replace(/\s+/g, ''), /赵一致收/);

  const w = new PaperWalk(desk, { who: unknown(9), inPerson: true });
  await w.mismatch();
  await w.toPaper();
  const submit = async (name) => w.take(await w.call.SubmitOrganization({ order_id: w.order.id, organization: { ...w.order.organization, legal_rep_name: name } }));
  assert.equal((await submit('王建立')).state, 'ORDER_STATE_AGENT');
  await w.submitAgent();
  await w.setPurchase();
  w.take(await w.call.ReturnToPurchase({ order_id: w.order.id }));
  await submit('钱多');
  assert.deepEqual([w.state, w.order.agent.name, w.order.purchase.delivery.recipient], ['PURCHASE', '钱*', '钱*']);
});
