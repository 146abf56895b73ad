// A small model of the spec (S6-S20, S27): what each verb does to an order, by itself, written from the requirements and
// not from the server. Plain data that can be cloned, so that a test can ask "what if the other came first".
//
//   model = { orders: {id: order}, open: {key: id} }
//   order = { id, account, subject: 'organization' | 'individual', method, state, paper, key, check, agentCheck, have, refused, total, key0, f }
//   key0: which key its certificate was downloaded for; f: what the walker remembers of it, phones and ids
//
// All are verified by a code to the phone, so the legal representative in person goes on at once (S11).
// The desk reviews and issues what organizations apply for. Individuals download, without a review unless they go by paper.
//
// expect(model, step) -> { reason } when it must be refused, or { apply(model, response) }.

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
  if (!individual(o)) return to;
  if (to === 'ISSUE' || (verb === 'pay' && to === 'REVIEW')) return 'DOWNLOAD';
  return to === 'AGENT' ? 'PURCHASE' : to;
}

export const codeAwaited = (o) => (o.state === 'SUBJECT_VERIFYING' && o.check === 'CODE_SENT') || (o.state === 'AGENT_VERIFYING' && o.agentCheck === 'CODE_SENT');
const mismatched = (o) => o.state === 'SUBJECT' && o.check === 'MISMATCH';

const good = (code) => code && code.tries < 5;
const UPLOADS = ['SUBJECT', 'SUBJECT_VERIFYING', 'AGENT', 'AGENT_VERIFYING', 'PURCHASE', 'CONFIRM', 'MATERIALS', 'SIGNATURE'];
const takesMaterials = (o) => (!o.paper && UPLOADS.includes(o.state)) || o.state === 'CORRECTION';
const missing = (o) => kinds(o.subject).filter((k) => !o.have.includes(k) || (o.state === 'CORRECTION' && o.refused.includes(k) && !o.replaced.includes(k)));

// What the applicant may do next, in the API's words (S20).
export function actions(o) {
  const verbs = {
    [individual(o) ? 'SubmitPerson' : 'SubmitOrganization']: 'submit', ChangeMethod: 'method', SubmitAgent: 'agent', SetPurchase: 'purchase',
    ConfirmPurchase: 'confirm', ReturnToPurchase: 'back', CreatePayment: 'pay', DownloadCertificate: 'download', CancelOrder: 'cancel',
  };
  const out = Object.entries(verbs).filter(([, verb]) => next(o, verb)).map(([name]) => name);
  if (mismatched(o)) out.push('SwitchToPaperRoute');
  if (o.paper && ['PAYMENT', 'PAPERS'].includes(o.state)) out.push('GetApplicationForm');
  if (codeAwaited(o)) out.push('ResendVerificationCode');
  if (codeAwaited(o) && good(o.code)) out.push('ConfirmVerification');
  if (takesMaterials(o)) out.push('UploadMaterial');
  if (next(o, 'request') && !missing(o).length) out.push('RequestApplicationSignature');
  if (next(o, 'sign') && !missing(o).length && good(o.sign)) out.push('SignApplication');
  return out.sort();
}

const no = (reason) => ({ reason });
const yes = (apply = () => {}) => ({ apply });

// What is under way ends: a check with a code sent or back at its step, a refund with the order cancelled.
export function settle(m, o, refunds = true) {
  if (o.state === 'REFUNDING' && refunds) move(m, o.id, 'CANCELLED');
  if (o.state === 'SUBJECT_VERIFYING' && o.check === 'PENDING') {
    o.check = o.matches ? 'CODE_SENT' : 'MISMATCH';
    o.code = { tries: 0 };
    if (!o.matches) {
      o.state = 'SUBJECT';
      release(m, o); // nobody's number any more
    }
  }
  if (o.state === 'AGENT_VERIFYING' && o.agentCheck === 'PENDING') {
    o.agentCheck = o.agentMatches ? 'CODE_SENT' : 'MISMATCH';
    o.code = { tries: 0 };
    if (!o.agentMatches) o.state = 'AGENT';
  }
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

const KINDS = { organization: ['business_license', 'agent_id_front', 'agent_id_back'], individual: ['id_front', 'id_back'] };
export const kinds = (subject) => KINDS[subject];

// Which code a guess would be compared with; five wrong ones spend it.
function guess(o, which, step, then) {
  const code = o[which];
  if (!good(code)) return no('CODE_EXPIRED');
  if (!step.right) return { reason: 'CODE_WRONG', anyway: (m) => { m.orders[o.id][which].tries++; } };
  return then();
}

// Named to its owner alone (S10).
const open = (m, key, step) => ({ reason: 'ORDER_OPEN', names: m.orders[m.open[key]].account === step.account ? m.open[key] : '' });

// step: { verb, order, account, good, ... }; wrong: the reason that its own data deserve, "" for none.
export function expect(m, step) {
  const o = m.orders[step.order];
  if (step.verb === 'create') {
    if (step.wrong) return no(step.wrong);
    return yes((w, r) => {
      w.orders[r.order.id] = { id: r.order.id, account: step.account, subject: step.subject, method: 'PHONE_THREE_FACTOR', state: 'SUBJECT', paper: false, key: null,
        have: [], refused: [], check: null, f: {} };
    });
  }
  if (!o || o.account !== step.account) return no('NOT_FOUND');
  const to = next(o, step.verb);
  const go = (change = () => {}) => yes((w, r) => change(move(w, o.id, to), w, r));
  switch (step.verb) {
    case 'submit':
      if (step.subject !== o.subject) return no('ORDER_STATE');
      if (!to) return no('ORDER_STATE');
      if (step.wrong) return no(step.wrong);
      if (m.open[step.key] && m.open[step.key] !== o.id) return open(m, step.key, step);
      return go((x, w) => {
        release(w, x);
        Object.assign(x, { key: step.key, check: x.paper ? null : 'PENDING', matches: step.matches, code: null });
        w.open[step.key] = x.id;
      });
    case 'method':
      if (!to) return no('ORDER_STATE');
      return step.wrong ? no(step.wrong) : go((x, w) => { x.check = null; x.code = null; release(w, x); });
    case 'confirmCheck': {
      const agent = o.state === 'AGENT_VERIFYING';
      if (step.verification === 'none') return no('NOT_FOUND');
      if (!codeAwaited(o)) return no('PRECONDITION');
      return guess(o, 'code', step, () => yes((w) => { move(w, o.id, agent || individual(o) ? 'PURCHASE' : 'AGENT').code = null; }));
    }
    case 'agent':
    case 'inPerson':
      if (!to) return no('ORDER_STATE');
      if (step.wrong) return no(step.wrong);
      return go((x) => Object.assign(x, { code: null, agentCheck: to === 'AGENT_VERIFYING' ? 'PENDING' : null, agentMatches: step.matches }));
    case 'paper':
      if (!to) return no('ORDER_STATE');
      if (!mismatched(o)) return no('PRECONDITION');
      if (m.open[o.key] && m.open[o.key] !== o.id) return open(m, o.key, step);
      return go((x, w) => { x.paper = true; w.open[x.key] = x.id; });
    case 'purchase':
      if (!to) return no('ORDER_STATE');
      if (step.wrong || step.quantity > step.most) return no(step.wrong || 'INVALID'); // as many as the channel sells at once (S12)
      if (step.masked && !o.bought && !individual(o)) return no('INVALID'); // nothing is held that a mask could stand for (S10); what is downloaded has no address
      return go((x) => Object.assign(x, { bought: true, total: step.unit * step.quantity })); // what is confirmed and paid
    case 'confirm':
      if (!to) return no('ORDER_STATE');
      return step.total_fen === o.total ? go() : no('PRICE_CHANGED');
    case 'upload': {
      if (step.wrong === 'KIND') return no('MATERIAL_BAD');
      if (!takesMaterials(o) || (o.state === 'CORRECTION' && !o.refused.includes(step.kind))) return no('ORDER_STATE');
      if (step.wrong) return no(step.wrong);
      return yes((w) => {
        const x = w.orders[o.id];
        if (x.state === 'SIGNATURE') x.state = 'MATERIALS';
        x.have = [...new Set([...x.have, step.kind])];
        x.replaced = [...new Set([...(x.replaced || []), step.kind])];
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
    case 'createPayment':
      if (o.state !== 'PAYMENT') return no('ORDER_STATE');
      return { ...yes((w, r) => { w.orders[o.id].payment = r.payment.id; }), or: o.left && 'PAYMENT_STATE' }; // one is being closed
    case 'download':
      if (!to && o.key0 === undefined) return no('ORDER_STATE');
      if (step.wrong) return no(step.wrong);
      if (o.key0 !== undefined) return o.key0 === step.key ? yes() : no('PRECONDITION');
      return go((x) => { x.key0 = step.key; });
    case 'back':
    case 'cancel':
      return to ? go((x) => { if (step.verb === 'back') Object.assign(x, { sign: null, payment: null, left: x.left || !!x.payment }); }) : no('ORDER_STATE');
    default:
      throw new Error(`the model knows no ${step.verb}`);
  }
}
