// A small model of the spec (S6-S20, S27): what each verb does to an order, by itself, written from the requirements and
// not from the server. Plain data that can be cloned, so that a test can ask "what if the other came first".
//
//   model = { orders: {id: order}, open: {key: id} }
//   order = { id, account, channel, subject: 'organization' | 'individual', method, state, paper, key, check, agentCheck, outcome, honest, code, sign,
//     have, approved, refused, replaced, total, pays: {id: {provider, state}}, key0, look, agent, verification, f }
//   outcome: what a check that is under way will end with; honest: its data match; verification: the newest one's id, once it was seen
//   look: how the person gets at the face's session; key0: which key its certificate was downloaded for; agent: who that is; f: what the walker remembers, phones
//
// What a channel sells is in OFFERS, what a method asks of the person in PROOF; where each verb leads in ONLINE and PAPER.
//
// expect(model, step) -> { reason } when it must be refused, or { apply(model, response) }.

export const EVERY = ['MICRO_DEPOSIT', 'PHONE_THREE_FACTOR', 'BANK_FOUR_FACTOR', 'FACE'];
export const PROOF = { MICRO_DEPOSIT: 'DEPOSIT', PHONE_THREE_FACTOR: 'CODE_SENT', BANK_FOUR_FACTOR: 'CODE_SENT', FACE: 'FACE' };

// The manual's channel, but that individuals download without a review; and channels/yunqi.yaml.
export const OFFERS = {
  zheneng: {
    organization: { medium: 'UKEY', methods: EVERY, agents: EVERY.slice(1), paper: true, review: true, download: false, required: ['business_license', 'agent_id_front', 'agent_id_back'],
      optional: ['other'], ofAgent: ['agent_id_front', 'agent_id_back'], months: 12, seal: false, pays: ['WECHAT', 'ALIPAY'], invoice: true },
    individual: { medium: 'UKEY', methods: EVERY, agents: [], paper: true, review: false, download: true, required: ['id_front', 'id_back'],
      optional: [], months: 12, seal: false, pays: ['WECHAT', 'ALIPAY'], invoice: true },
  },
  yunqi: {
    organization: { medium: 'UKEY', methods: ['BANK_FOUR_FACTOR', 'FACE'], agents: ['FACE'], paper: false, review: true, download: true, required: ['power_of_attorney'],
      optional: ['seal_picture'], months: 24, seal: true, pays: ['ALIPAY'], invoice: false },
    individual: { medium: 'CLOUD', methods: ['PHONE_THREE_FACTOR'], agents: [], paper: false, review: false, download: true, required: [],
      optional: [], months: 12, seal: false, pays: ['ALIPAY'], invoice: false },
  },
};
export const offer = (o) => OFFERS[o.channel][o.subject];
export const kinds = (o) => [...offer(o).required, ...offer(o).optional];

const ONLINE = {
  SUBJECT: { submit: 'SUBJECT_VERIFYING', method: 'SUBJECT', cancel: 'CANCELLED', paper: 'AGENT' },
  SUBJECT_VERIFYING: { submit: 'SUBJECT_VERIFYING', method: 'SUBJECT', cancel: 'CANCELLED' },
  AGENT: { agent: 'AGENT_VERIFYING', inPerson: 'PURCHASE', cancel: 'CANCELLED' },
  AGENT_VERIFYING: { agent: 'AGENT_VERIFYING', inPerson: 'PURCHASE', cancel: 'CANCELLED' },
  PURCHASE: { agent: 'AGENT_VERIFYING', inPerson: 'PURCHASE', purchase: 'CONFIRM', cancel: 'CANCELLED' },
  CONFIRM: { confirm: 'MATERIALS', back: 'PURCHASE', cancel: 'CANCELLED' },
  MATERIALS: { back: 'PURCHASE', request: 'SIGNATURE', cancel: 'CANCELLED' },
  SIGNATURE: { back: 'PURCHASE', request: 'SIGNATURE', sign: 'PAYMENT', cancel: 'CANCELLED' },
  PAYMENT: { pay: 'REVIEW', back: 'PURCHASE', cancel: 'CANCELLED' },
  REVIEW: { approve: 'ISSUE', refuse: 'CORRECTION' }, // only seen (S20)
  CORRECTION: { request: 'CORRECTION', sign: 'REVIEW', cancel: 'REFUNDING' },
  ISSUE: { cancel: 'REFUNDING' },
  DOWNLOAD: { download: 'FINISHED', cancel: 'REFUNDING' },
};
const PAPER = {
  AGENT: { submit: 'AGENT', agent: 'PURCHASE', inPerson: 'PURCHASE', cancel: 'CANCELLED' },
  PURCHASE: { submit: 'PURCHASE', agent: 'PURCHASE', inPerson: 'PURCHASE', purchase: 'CONFIRM', cancel: 'CANCELLED' }, // the papers prove it
  CONFIRM: { confirm: 'PAYMENT', back: 'PURCHASE', cancel: 'CANCELLED' },
  PAYMENT: { pay: 'PAPERS', back: 'PURCHASE', cancel: 'CANCELLED' },
  PAPERS: { arrive: 'REVIEW', cancel: 'REFUNDING' },
  REVIEW: { approve: 'ISSUE', refuse: 'PAPERS' },
  ISSUE: ONLINE.ISSUE,
  DOWNLOAD: ONLINE.DOWNLOAD,
};
export const OVER = ['FINISHED', 'CANCELLED'];
export const isOpen = (o) => !OVER.includes(o.state);

const individual = (o) => o.subject === 'individual';
// Where a verb leads from where the order is; undefined: nowhere.
export function next(o, verb) {
  const to = (o.paper ? PAPER : ONLINE)[o.state]?.[verb];
  if (individual(o) && (verb === 'agent' || verb === 'inPerson')) return undefined;
  const { review, download } = offer(o), after = individual(o) && to === 'AGENT' ? 'PURCHASE' : to;
  if (after === 'REVIEW' && verb === 'pay' && !review) return download ? 'DOWNLOAD' : 'ISSUE';
  return after === 'ISSUE' && download ? 'DOWNLOAD' : after;
}

// What the check that is under way waits for; and what of it a code ends.
export const awaited = (o) => ({ SUBJECT_VERIFYING: o.check, AGENT_VERIFYING: o.agentCheck })[o.state];
export const codeAwaited = (o) => ['CODE_SENT', 'DEPOSIT'].includes(awaited(o));
const mismatched = (o) => o.state === 'SUBJECT' && ['MISMATCH', 'FAILED'].includes(o.check);

const good = (code) => code && code.tries < 5;
const UPLOADS = ['SUBJECT', 'SUBJECT_VERIFYING', 'AGENT', 'AGENT_VERIFYING', 'PURCHASE', 'CONFIRM', 'MATERIALS', 'SIGNATURE'];
const takes = (o, kind) => (!o.paper && UPLOADS.includes(o.state)) || (o.state === 'CORRECTION' && !o.approved.includes(kind));
const missing = (o) => offer(o).required.filter((k) => !o.have.includes(k) || (o.state === 'CORRECTION' && o.refused.includes(k) && !o.replaced.includes(k)));

// What the applicant may do next, in the API's words (S20).
export function actions(o) {
  const verbs = {
    [individual(o) ? 'SubmitPerson' : 'SubmitOrganization']: 'submit', ChangeMethod: 'method', SubmitAgent: 'agent', SetPurchase: 'purchase',
    ConfirmPurchase: 'confirm', ReturnToPurchase: 'back', CreatePayment: 'pay', DownloadCertificate: 'download', CancelOrder: 'cancel',
  };
  const out = Object.entries(verbs).filter(([, verb]) => next(o, verb)).map(([name]) => name);
  if (mismatched(o) && offer(o).paper) out.push('SwitchToPaperRoute');
  if (o.paper && ['PAYMENT', 'PAPERS'].includes(o.state)) out.push('GetApplicationForm');
  if (awaited(o) === 'CODE_SENT') out.push('ResendVerificationCode');
  if (awaited(o) === 'FACE') out.push('StartFace');
  if (codeAwaited(o) && good(o.code)) out.push('ConfirmVerification');
  if (kinds(o).some((k) => takes(o, k))) out.push('UploadMaterial');
  if (next(o, 'request') && !missing(o).length) out.push('RequestApplicationSignature');
  if (next(o, 'sign') && !missing(o).length && good(o.sign)) out.push('SignApplication');
  return out.sort();
}

const no = (reason) => ({ reason });
const yes = (apply = () => {}, says = () => '') => ({ apply, says }); // says: what is wrong with the answer

// What is under way ends: a check at what it asks of the person, or back at its step; a refund with the order cancelled; a code to pay
// with there, or closed. Alipay does not close what nobody has scanned: that goes on.
const SETTLED = { CREATING: () => 'WAITING', DROPPED: () => 'CLOSED', CLOSING: (p) => (p.provider === 'ALIPAY' ? 'WAITING' : 'CLOSED') };
export function settle(m, o, refunds = true) {
  if (o.state === 'REFUNDING' && refunds) move(m, o.id, 'CANCELLED');
  for (const p of Object.values(o.pays)) p.state = SETTLED[p.state]?.(p) ?? p.state;
  if (awaited(o) !== 'PENDING') return;
  o[o.state === 'AGENT_VERIFYING' ? 'agentCheck' : 'check'] = o.outcome;
  o.code = { tries: 0, nth: 1 };
  if (o.outcome === 'CODE_SENT') told(o);
  if (o.outcome === 'MISMATCH') back(m, o);
}

// One more code went to who is verified: of two checks of the legal representative both go to one phone.
function told(o) {
  o.f.told = { ...o.f.told, [o.f.phone]: (o.f.told?.[o.f.phone] || 0) + 1 };
}

// The check failed: the step is taken again, and the number is nobody's any more.
export function back(m, o, check = 'MISMATCH') {
  const agent = o.state === 'AGENT_VERIFYING';
  if (!agent) release(m, o);
  Object.assign(o, { state: agent ? 'AGENT' : 'SUBJECT', [agent ? 'agentCheck' : 'check']: check });
}

// The check passed.
export function passed(m, o) {
  Object.assign(move(m, o.id, o.state === 'AGENT_VERIFYING' || individual(o) ? 'PURCHASE' : 'AGENT'), { code: null, look: null });
}

// A check begins. A face of a person has none before it.
function begins(o, which, method, matches, unchecked) {
  const outcome = matches || unchecked ? PROOF[method] : 'MISMATCH';
  Object.assign(o, { [which]: unchecked ? 'FACE' : 'PENDING', outcome, honest: matches, code: null, look: null, verification: null });
}

function release(m, o) {
  if (o.key && m.open[o.key] === o.id) delete m.open[o.key];
}

function move(m, id, to) {
  const o = m.orders[id];
  o.state = to;
  if (!isOpen(o)) release(m, o);
  return o;
}

// Which code a guess would be compared with; five wrong ones spend it.
function guess(o, which, step, then) {
  const code = o[which];
  if (!good(code)) return no('CODE_EXPIRED');
  if (step.right) return then();
  return { reason: 'CODE_WRONG', anyway: (m) => {
    const x = m.orders[o.id];
    if (++x[which].tries === 5 && which === 'code' && awaited(x) === 'DEPOSIT') back(m, x, 'FAILED'); // the account's owner would know
  } };
}

// Named to its owner alone (S10).
const open = (m, key, step) => ({ reason: 'ORDER_OPEN', names: m.orders[m.open[key]].account === step.account ? m.open[key] : '' });

// step: { verb, order, account, good, ... }; wrong: the reason that its own data deserve, "" for none.
export function expect(m, step) {
  const o = m.orders[step.order];
  if (step.verb === 'create') {
    if (step.wrong) return no(step.wrong);
    return yes((w, r) => {
      w.orders[r.order.id] = { id: r.order.id, account: step.account, channel: step.channel, subject: step.subject, method: step.method, state: 'SUBJECT', paper: false, key: null,
        have: [], approved: [], refused: [], replaced: [], pays: {}, check: null, f: {} };
    });
  }
  if (!o || o.account !== step.account) return no('NOT_FOUND');
  const to = next(o, step.verb);
  const go = (change = () => {}) => yes((w, r) => change(move(w, o.id, to), w, r));
  switch (step.verb) {
    case 'submit':
      if (step.subject !== o.subject) return no('ORDER_STATE');
      if (!to) return no('ORDER_STATE');
      if (step.wrong || step.lacks === o.method) return no(step.wrong || 'INVALID');
      if (m.open[step.key] && m.open[step.key] !== o.id) return open(m, step.key, step);
      return go((x, w) => {
        release(w, x);
        if (!x.paper) begins(x, 'check', x.method, step.matches, individual(x) && x.method === 'FACE');
        x.key = step.key;
        w.open[step.key] = x.id;
      });
    case 'method':
      if (!to) return no('ORDER_STATE');
      if (!offer(o).methods.includes(step.method)) return no('METHOD_NOT_OFFERED');
      return go((x, w) => {
        Object.assign(x, { method: step.method, check: null, code: null, look: null, verification: null });
        release(w, x);
      });
    case 'confirmCheck':
    case 'resend':
    case 'startFace': {
      if (step.verification === 'none') return no('NOT_FOUND');
      const takes = step.verb === 'confirmCheck' ? codeAwaited(o) : awaited(o) === (step.verb === 'resend' ? 'CODE_SENT' : 'FACE');
      if (!takes || step.verification !== o.verification) return no('PRECONDITION');
      if (step.verb === 'resend') return yes((w) => { const x = w.orders[o.id]; x.code = { tries: 0, nth: x.code.nth + 1 }; told(x); });
      if (step.verb === 'startFace') return yes((w) => { const x = w.orders[o.id]; x.look = step.by_sms && x.look !== 'site' ? 'sms' : 'site'; });
      return guess(o, 'code', { ...step, right: step.right && step.nth === o.code?.nth }, () => yes((w) => passed(w, w.orders[o.id])));
    }
    case 'agent':
    case 'inPerson': {
      if (!to) return no('ORDER_STATE');
      // Who signs has a phone that was proved as theirs: with the subject by a code, or now (S11). Papers are signed by hand.
      const proves = (method) => step.verb === 'agent' || PROOF[method] === 'CODE_SENT', at_once = o.paper || (step.verb === 'inPerson' && proves(o.method));
      if (!at_once && step.verb === 'inPerson' && !offer(o).agents.some(proves)) return no('METHOD_NOT_OFFERED');
      if (step.wrong) return no(step.wrong);
      if (!at_once) {
        if (!EVERY.slice(1).includes(step.method) || (step.verb === 'agent' && step.lacks === step.method)) return no('INVALID'); // table 3 has no deposit
        if (!offer(o).agents.includes(step.method) || !proves(step.method)) return no('METHOD_NOT_OFFERED');
      }
      return yes((w) => {
        const x = move(w, o.id, at_once ? to : 'AGENT_VERIFYING');
        if (at_once) Object.assign(x, { agentCheck: null, code: null, look: null });
        else begins(x, 'agentCheck', step.method, step.matches, step.method === 'FACE');
        x.agentMethod = step.method;
        // Of another person other papers are wanted (S13).
        if (x.agent && x.agent !== step.person) x.have = x.have.filter((k) => !offer(x).ofAgent?.includes(k));
        x.agent = step.person;
      });
    }
    case 'paper':
      if (!to) return no('ORDER_STATE');
      if (!mismatched(o)) return no('PRECONDITION');
      if (!offer(o).paper) return no('METHOD_NOT_OFFERED');
      if (m.open[o.key] && m.open[o.key] !== o.id) return open(m, o.key, step);
      return go((x, w) => { x.paper = true; w.open[x.key] = x.id; });
    case 'purchase':
      if (!to) return no('ORDER_STATE');
      if (step.wrong || step.quantity > step.most) return no(step.wrong || 'INVALID'); // as many as the channel sells at once (S12)
      if (step.masked && !o.bought && !offer(o).download) return no('INVALID'); // nothing is held that a mask could stand for (S10); what is downloaded has no address
      return go((x) => Object.assign(x, { bought: true, total: step.unit * step.quantity })); // what is confirmed and paid
    case 'confirm':
      if (!to) return no('ORDER_STATE');
      return step.total_fen === o.total ? go() : no('PRICE_CHANGED');
    case 'upload': {
      if (!kinds(o).includes(step.kind)) return no('MATERIAL_BAD');
      if (!takes(o, step.kind)) return no('ORDER_STATE');
      if (step.wrong) return no(step.wrong);
      return yes((w) => {
        const x = w.orders[o.id];
        if (x.state === 'SIGNATURE') x.state = 'MATERIALS';
        x.have = [...new Set([...x.have, step.kind])];
        x.replaced = [...new Set([...x.replaced, step.kind])];
      });
    }
    case 'request': {
      if (!to) return no('ORDER_STATE');
      return missing(o).length ? no('MATERIAL_MISSING') : go((x) => { x.sign = { tries: 0 }; });
    }
    case 'sign': {
      if (!to) return no('ORDER_STATE');
      if (missing(o).length) return no('MATERIAL_MISSING');
      return guess(o, 'sign', { ...step, right: step.right && step.nth === o.f.sentSign }, () => (step.wrong ? no(step.wrong) : go((x) => { x.sign = null; x.refused = []; })));
    }
    case 'createPayment': { // another way to pay closes the one before; the same gives the same code (S15)
      if (o.state !== 'PAYMENT') return no('ORDER_STATE');
      if (!offer(o).pays.includes(step.provider)) return no('METHOD_NOT_OFFERED');
      const [id, there] = Object.entries(o.pays).find(([, p]) => p.provider === step.provider && p.state !== 'CLOSED') || [];
      // Those that it had before it went back to the purchase may be closed by now, being closed, or good.
      if (o.left) return { ...yes((w, r) => { w.orders[o.id].pays[r.payment.id] = { provider: step.provider, state: 'WAITING' }; }), or: 'PAYMENT_STATE' };
      if (there && !['CREATING', 'WAITING'].includes(there.state)) return no('PAYMENT_STATE');
      return yes((w, r) => {
        const { pays } = w.orders[o.id];
        for (const p of Object.values(pays).filter((x) => x.provider !== step.provider)) p.state = { CREATING: 'DROPPED', WAITING: 'CLOSING' }[p.state] || p.state;
        pays[r.payment.id] ??= { provider: step.provider, state: 'CREATING' };
      }, (r) => ((there ? r.payment.id === id : !o.pays[r.payment.id]) ? '' : `${r.payment.id}, and not ${id || 'a new one'}`));
    }
    case 'download':
      if (!to && o.key0 === undefined) return no('ORDER_STATE');
      if (step.wrong) return no(step.wrong);
      if (o.key0 !== undefined) return o.key0 === step.key ? yes() : no('PRECONDITION');
      return go((x) => { x.key0 = step.key; });
    case 'back':
    case 'cancel':
      return to ? go((x) => { if (step.verb === 'back') Object.assign(x, { sign: null, left: x.left || Object.keys(x.pays).length > 0, pays: {} }); }) : no('ORDER_STATE');
    default:
      throw new Error(`the model knows no ${step.verb}`);
  }
}
