// Everybody sends every method everything that is wrong: missing, empty, huge, foreign, malformed. Whatever comes, the
// server answers with a clear status, lives, and shows nobody what is not theirs.
//   HOSTILE_SEED=n repeats a run's bytes.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import grpc from '@grpc/grpc-js';
import { Desk, api, explain, totp, until } from '../lib/desk.mjs';
import { ChannelWalk } from './channel_walk.mjs';
import { YUNQI, importChannel } from './channels.mjs';
import { company } from './people.mjs';
import { Walk } from './walk.mjs';

const SEED = Number(process.env.HOSTILE_SEED || Date.now() % 1e9);
const AT_ONCE = 16;
const BROKEN = new Set([grpc.status.UNKNOWN, grpc.status.INTERNAL, grpc.status.DATA_LOSS]);
const REFUSED = new Set([grpc.status.NOT_FOUND, grpc.status.PERMISSION_DENIED, grpc.status.UNAUTHENTICATED, grpc.status.INVALID_ARGUMENT]);

let desk;
let world; // ids of real objects, and who may use them
let methods; // every method that is built, by name

// mulberry32
let seed = SEED >>> 0;
function random() {
  seed = (seed + 0x6d2b79f5) >>> 0;
  let t = Math.imul(seed ^ (seed >>> 15), seed | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}
const below = (n) => Math.floor(random() * n);

// -- calling ---------------------------------------------------------------------------------------------------------------

let client;
function call(m, bytes, token) {
  const metadata = new grpc.Metadata();
  if (token) metadata.set('authorization', `Bearer ${token}`);
  const same = (x) => x;
  return new Promise((resolve) => {
    const options = { deadline: Date.now() + 15000 };
    if (!m.responseStream) {
      client.makeUnaryRequest(m.path, same, m.responseDeserialize, bytes, metadata, options, (error, value) => resolve({ error, value }));
      return;
    }
    const stream = client.makeServerStreamRequest(m.path, same, m.responseDeserialize, bytes, metadata, options);
    let value;
    stream.on('data', (d) => { value = d; resolve({ error: null, value }); stream.cancel(); });
    stream.on('error', (error) => resolve({ error, value }));
    stream.on('end', () => resolve({ error: null, value }));
  });
}

async function inParallel(list, fn) {
  const left = [...list];
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (let next; (next = left.shift()) !== undefined;) await fn(next);
  }));
}

// What went wrong is collected: one run shows all of it.
const broken = (list, name, what, error) => {
  if (error && BROKEN.has(error.code)) list.push(`${name} with ${what}: ${grpc.status[error.code]} ${explain(error).reason || error.details}`);
};

// -- values that are wrong ---------------------------------------------------------------------------------------------------

const STRINGS = {
  empty: '', blank: ' \t\u3000', long: 'x'.repeat(5000), huge: '9'.repeat(300000), cjk: '证'.repeat(3000), control: 'a\u0001\u001b[2J\r\n.\r\n',
  bidi: '\u202egpj.exe\u200b', astral: '𠮷😀'.repeat(500), sql: "' OR '1'='1' -- ", format: '%s%n%99999d', json: '"},{"a":"\\', markup: '<script>',
  path: '../../../../etc/passwd', number: '-1', unknown: 'ord_00000000000000000000000000', almost: 'ord_', nan: 'ſİ',
};
const NUMBERS = { none: 0, minus: -1, large: 2147483647, small: -2147483648, some: 100000 };

// Every way to spoil one field, by its descriptor.
function wrongs(field) {
  const many = field.label === 'LABEL_REPEATED';
  const out = many ? { none: [] } : { missing: undefined };
  const one = (v) => (many ? [v] : v);
  if (field.type === 'TYPE_STRING') for (const [k, v] of Object.entries(STRINGS)) out[k] = one(v);
  if (field.type === 'TYPE_STRING' && many) out.many = Array(5000).fill('x');
  if (field.type === 'TYPE_ENUM') Object.assign(out, { beyond: one(99), minus: one(-1), largest: one(2147483647) });
  if (/INT/.test(field.type)) for (const [k, v] of Object.entries(NUMBERS)) out[k] = one(v);
  if (field.type === 'TYPE_BYTES') Object.assign(out, { empty: one(Buffer.alloc(0)), zeros: one(Buffer.alloc(5000)), huge: one(Buffer.alloc(400000, 0x30)), der: one(Buffer.from('308400ffffff', 'hex')) });
  if (field.type === 'TYPE_MESSAGE') out.empty = one({});
  if (field.type === 'TYPE_MESSAGE' && many) out.many = Array(3000).fill({});
  return out;
}

// One request a wrong value: [what, request].
function* spoilt(type, good, types, prefix = '') {
  for (const field of type.field) {
    for (const [what, value] of Object.entries(wrongs(field))) yield [`${prefix}${field.name} ${what}`, { ...good, [field.name]: value }];
    const inner = field.type === 'TYPE_MESSAGE' && types[field.type_name?.split('.').pop() || field.typeName?.split('.').pop()];
    if (!inner || /Timestamp/.test(inner.name)) continue;
    const many = field.label === 'LABEL_REPEATED';
    const before = many ? good[field.name]?.[0] : good[field.name];
    for (const [what, v] of spoilt(inner, before || {}, types, `${prefix}${field.name}.`)) yield [what, { ...good, [field.name]: many ? [v] : v }];
  }
}

// -- the world ---------------------------------------------------------------------------------------------------------------

// One order in each state that requests are made for, and what belongs to it.
async function makeWorld() {
  const states = ['SUBJECT', 'SUBJECT_VERIFYING', 'AGENT', 'PURCHASE', 'CONFIRM', 'MATERIALS', 'PAYMENT', 'REVIEW', 'ISSUE', 'SHIP', 'SHIPPED'];
  const walks = {};
  const tokens = { false: 'x'.repeat(43) };
  desk.sessions = {};
  for (const { login, password, secret } of Object.values(desk.staff)) {
    tokens[login] = (await desk.caller().LoginStaff({ login, password, totp: totp(secret) })).token;
    desk.sessions[login] = desk.caller(tokens[login]);
  }
  const stranger = new Walk(desk, { who: company(99) });
  await stranger.register();
  for (const [i, state] of states.entries()) { // one by one: each makes a password, which is work
    walks[state] = new Walk(desk, { who: company(100 + i) });
    await walks[state].to('SUBJECT');
  }
  await Promise.all(states.map((state) => walks[state].to(state)));
  walks.GIVEN_UP = new Walk(desk, { who: company(140) }); // for whoever cancels what is paid
  await walks.GIVEN_UP.to('ISSUE');
  importChannel(desk, YUNQI);
  walks.DOWNLOAD = await ChannelWalk.of(desk, { channel: 'yunqi', who: company(141), individual: true });
  await walks.DOWNLOAD.to('DOWNLOAD');
  await walks.ISSUE.begin('70000001');
  await walks.PAYMENT.createPayment();
  await walks.SUBJECT_VERIFYING.verified();
  walks.SUBJECT.upload = (await walks.SUBJECT.call.StartUpload({ header: { request_id: 'world', order_id: walks.SUBJECT.order.id, kind: 'agent_id_back', file_name: 'x.png', size_bytes: 3000, digest: 'ab'.repeat(32) } })).upload_id;
  walks.CONFIRM.bought = await walks.CONFIRM.purchase();
  const { materials } = await walks.REVIEW.call.ListMaterials({ order_id: walks.REVIEW.order.id });
  for (const [state, walk] of Object.entries(walks)) tokens[state] = walk.token;
  tokens.stranger = stranger.token;
  const invoice = await walks.REVIEW.invoiced();
  walks.SHIP.capture = (await walks.SHIP.call.GetPayment({ payment_id: walks.SHIP.payment.id })).payment.captures[0].id;
  return { walks, stranger, material: materials[0], invoice, tokens };
}

// The request that would be right, whoever may make it, and in which order's state.
function rightRequests({ walks: w, material, invoice }) {
  const id = (state) => ({ order_id: w[state].order.id });
  const who = w.SUBJECT.who;
  const staff = (login) => desk.staff[login];
  const phone = '13700000001';
  return {
    SendSmsCode: [null, { channel: 'zheneng', phone, purpose: 'SMS_PURPOSE_LOGIN', captcha_id: 'cpt_x', captcha_text: 'abcd' }],
    LoginBySms: [null, { channel: 'zheneng', phone, code: '123456' }],
    LoginByPassword: [null, { channel: 'zheneng', login: who.account.phone, password: 'not this one' }],
    ChangePassword: [null, { channel: 'zheneng', phone, new_password: 'long enough 1', new_password_again: 'long enough 1', code: '123456' }],
    CreateLoginChallenge: [null, { channel: 'zheneng' }],
    LoginByUkey: [null, { challenge_id: 'chg_00000000000000000000000000', certificate_der: w.SHIP.issued.certificate_der, signature: Buffer.from('3006020101020101', 'hex') }],
    ConfirmOldPhone: ['SUBJECT', { code: '123456' }],
    ChangePhone: ['SUBJECT', { ticket: 'x'.repeat(43), new_phone: phone, code: '123456' }],
    CreateBindChallenge: ['SUBJECT', {}],
    BindCertificate: ['SUBJECT', { challenge_id: 'chg_00000000000000000000000000', certificate_der: w.SHIP.issued.certificate_der, signature: Buffer.from('3006020101020101', 'hex') }],
    UnbindCertificate: ['SUBJECT', { certificate_id: w.SHIP.issued.certificate_id }],
    ListBindings: ['SUBJECT', { page_size: 10 }],
    LoginStaff: [null, { login: 'nobody', password: staff('li').password, totp: '123456' }],
    UpdateAccount: ['SUBJECT', { user_name: 'hostile_name' }],
    GetChannel: [null, { channel: 'zheneng' }],
    ListChannels: [null, { page_size: 1 }],
    ListProducts: [null, { channel: 'zheneng' }],
    ListAgreements: [null, { channel: 'zheneng' }],
    CreateOrder: ['SUBJECT', { channel: 'zheneng', kind: 'ORDER_KIND_NEW', subject_kind: 'SUBJECT_KIND_ORGANIZATION', medium: 'MEDIUM_UKEY',
      method: 'VERIFICATION_METHOD_PHONE_THREE_FACTOR', consents: [{ agreement_id: 'agr_x', agreement_version: 1 }] }],
    SubmitOrganization: ['SUBJECT', { ...id('SUBJECT'), organization: w.SUBJECT.organization({ uscc: '91350100M000100Y44' }) }],
    SubmitPerson: ['SUBJECT', { ...id('SUBJECT'), person: { name: '王五' } }],
    ChangeMethod: ['SUBJECT', { ...id('SUBJECT'), method: 'VERIFICATION_METHOD_PHONE_THREE_FACTOR' }],
    SubmitAgent: ['AGENT', { ...id('AGENT'), agent: { method: 'VERIFICATION_METHOD_PHONE_THREE_FACTOR', name: '李四', id_number: '1', phone: '1', email: 'a@example.com' } }],
    // A quantity that is not offered keeps the order where it is, whatever else is right.
    SetPurchase: ['PURCHASE', { ...id('PURCHASE'), purchase: { ...w.CONFIRM.bought, quantity: 101 } }],
    ConfirmPurchase: ['CONFIRM', { ...id('CONFIRM'), total_fen: 1 }],
    ReturnToPurchase: ['PURCHASE', id('PURCHASE')],
    RequestApplicationSignature: ['SUBJECT', id('SUBJECT')],
    SignApplication: ['MATERIALS', { ...id('MATERIALS'), code: '000000', consents: [{ agreement_id: 'agr_x', agreement_version: 1 }] }],
    SwitchToPaperRoute: ['SUBJECT', id('SUBJECT')],
    GetApplicationForm: ['PAYMENT', id('PAYMENT')],
    CancelOrder: ['GIVEN_UP', id('GIVEN_UP')],
    GetOrder: ['REVIEW', id('REVIEW')],
    WatchOrder: ['REVIEW', id('REVIEW')],
    ConfirmVerification: ['SUBJECT_VERIFYING', { verification_id: w.SUBJECT_VERIFYING.order.verification.id, code: '000000' }],
    ResendVerificationCode: ['SUBJECT_VERIFYING', { verification_id: w.SUBJECT_VERIFYING.order.verification.id }],
    StartFace: ['SUBJECT_VERIFYING', { verification_id: w.SUBJECT_VERIFYING.order.verification.id, by_sms: true }],
    GetVerification: ['SUBJECT_VERIFYING', { verification_id: w.SUBJECT_VERIFYING.order.verification.id }],
    CreatePayment: ['PAYMENT', { ...id('PAYMENT'), provider: 'PAYMENT_PROVIDER_WECHAT' }],
    GetPayment: ['PAYMENT', { payment_id: w.PAYMENT.payment.id }],
    ListPayments: ['PAYMENT', id('PAYMENT')],
    RefundPayment: ['chen', { payment_id: w.SHIP.payment.id, reason: 'asked for', capture_id: '' }], // too late: it is on a UKEY
    ListCaptures: ['chen', { attention: true }],
    ListReconciliations: ['chen', { provider: 'PAYMENT_PROVIDER_WECHAT', date: '2026-11-21' }],
    StopRefund: ['fang', { capture_id: w.SHIP.capture, reason: 'asked for' }], // nobody asked it back
    RecordRefund: ['fang', { capture_id: w.SHIP.capture, amount_fen: 38000, reference: 'bank 1', reason: 'asked for' }], // it pays for its order
    RecordPartialRefund: ['fang', { capture_id: w.SHIP.capture, provider_fen: 38000, reason: 'asked for' }], // that is all of it
    ResolveCapture: ['fang', { capture_id: w.SHIP.capture, reason: 'asked for' }], // it needs nobody
    GetCapture: ['fang', { capture_id: w.SHIP.capture }],
    ReconcileDay: ['fang', { provider: 'PAYMENT_PROVIDER_WECHAT', date: '2999-01-01' }],
    ListRemittances: ['fang', {}],
    ExportRemittance: ['fang', {}],
    DownloadRemittance: ['fang', { number: 1 }],
    ImportRemittance: ['fang', { file: Buffer.from('批次,编号,结果,银行流水号,原因\n1,dep_00000000000000000000000000,ok,F1,\n') }],
    RepeatDeposit: ['fang', { deposit_id: 'dep_00000000000000000000000000' }],
    ListInvoices: ['li', { attention: true }],
    ListMaterials: ['REVIEW', id('REVIEW')],
    DownloadMaterial: ['REVIEW', { material_id: material.id }],
    GetMaterialPreview: ['REVIEW', { material_id: material.id, max_side: 200, page: 1 }],
    TakeOverMaterial: ['SUBJECT', { ...id('SUBJECT'), material_id: material.id }],
    StartUpload: ['SUBJECT', { header: { request_id: 'hostile-start', ...id('SUBJECT'), kind: 'other', file_name: 'x.png', size_bytes: 100, digest: 'ab'.repeat(32) } }],
    UploadChunk: ['SUBJECT', { upload_id: w.SUBJECT.upload, offset: 0, chunk: Buffer.from('\x89PNG\r\n\x1a\n', 'latin1') }],
    GetUpload: ['SUBJECT', { upload_id: w.SUBJECT.upload }],
    FinishUpload: ['SUBJECT', { upload_id: w.SUBJECT.upload }],
    SetPicture: ['SUBJECT', { image: Buffer.from('\x89PNG\r\n\x1a\n', 'latin1') }],
    GetPicture: ['SUBJECT', {}],
    DeleteMaterial: ['REVIEW', { material_id: material.id }],
    GetInvoice: ['REVIEW', id('REVIEW')],
    DownloadInvoice: ['REVIEW', { invoice_id: invoice.id, kind: 'INVOICE_FILE_KIND_PDF' }],
    ResendInvoice: ['REVIEW', { invoice_id: invoice.id, email: 'a@example.com' }],
    RetryInvoice: ['REVIEW', { invoice_id: invoice.id, correction: { email: 'a@example.com' } }],
    GetReview: ['li', id('REVIEW')],
    DecideReview: ['li', { ...id('REVIEW'), etag: '0', approve: false, decisions: [{ material_id: material.id, verdict: 'MATERIAL_VERDICT_REFUSED', reason: 'blurred' }], comment: '' }],
    RevealField: ['li', { ...id('REVIEW'), field: 'agent.phone', reason: 'calling back' }],
    BeginPersonalisation: ['wang', { ...id('ISSUE'), medium_number: '70000001', algorithms: ['KEY_ALGORITHM_P256'] }],
    RecordStep: ['wang', { personalisation_id: w.ISSUE.personalisation.id, step: 'PERSONALISATION_STEP_IDENTIFIED', detail: Buffer.from('x') }],
    IssueCertificate: ['wang', { personalisation_id: w.ISSUE.personalisation.id, csr_der: Buffer.from('3000', 'hex') }],
    FinishPersonalisation: ['wang', { personalisation_id: w.ISSUE.personalisation.id, certificate_der: Buffer.from('x'), signature: Buffer.from('x') }],
    QuarantineToken: ['wang', { personalisation_id: 'per_00000000000000000000000000', reason: 'bent' }],
    DownloadCertificate: ['DOWNLOAD', { ...id('DOWNLOAD'), csr_der: Buffer.from('3000', 'hex'), medium_number: '' }],
    RegisterTokens: ['wang', { medium_numbers: ['70000002', '70000003'], model: 'soft' }],
    GetToken: ['wang', { medium_number: '70000001' }],
    GetCertificate: ['SHIP', { certificate_id: w.SHIP.issued.certificate_id }],
    CreateShipment: ['zhao', { ...id('SHIP'), medium_numbers: ['another'], courier: 'shunfeng', tracking_number: 'SF00000001' }],
    GetShipment: ['SHIPPED', id('SHIPPED')],
    ResolveShipment: ['zhao', { shipment_id: 'shp_00000000000000000000000000', post_again: true, reason: 'came back' }],
    RecordPaperArrival: ['zhao', id('PAYMENT')],
    RetryJob: ['chen', { job_id: 'job_00000000000000000000000000' }],
    FindOrders: ['li', { query: w.REVIEW.order.id }],
    Logout: ['stranger', null], // its own test: it ends the session
    LogoutStaff: ['nobody', null],
  };
}

const tokenOf = (who) => (who === null ? undefined : world.tokens[who]);

before(async () => {
  console.log(`# HOSTILE_SEED=${SEED}`);
  desk = new Desk({ logLevel: 'warn', env: {} });
  // fontconfig keeps what it once read for cairo, and never gives it back.
  const known = path.join(desk.dir, 'lsan');
  fs.writeFileSync(known, 'leak:libfontconfig\n');
  desk.options.env.LSAN_OPTIONS = `suppressions=${known}:print_suppressions=0`;
  await desk.start();
  world = await makeWorld();
  client = new grpc.Client(desk.address, grpc.credentials.createInsecure(), { 'grpc.enable_retries': 0 });
  const types = {};
  methods = {};
  for (const [name, Service] of Object.entries(api.certdesk.v1)) {
    if (Service.type) types[Service.type.name || name] = Service.type;
    for (const [method, m] of Object.entries(Service.service || {})) methods[method] = { ...m, method };
  }
  const right = rightRequests(world);
  for (const [method, m] of Object.entries(methods)) {
    [m.who, m.right] = right[method] || ['chen', {}];
    m.types = types;
    m.hasId = m.requestType.type.field.some((f) => f.name === 'request_id');
    const { error } = m.requestStream ? {} : await call(m, m.requestSerialize({}));
    if (m.requestStream || error?.code === grpc.status.UNIMPLEMENTED) delete methods[method];
  }
});

after(async () => {
  client?.close();
  const log = desk && path.join(desk.dir, 'certdeskd.log');
  const text = log && fs.existsSync(log) ? fs.readFileSync(log, 'utf8') : '';
  if (process.env.HOSTILE_LOG) fs.writeFileSync(process.env.HOSTILE_LOG, text);
  await desk?.stop();
  assert.doesNotMatch(text, /AddressSanitizer|runtime error|LeakSanitizer/);
});

let n = 0;
const withId = (m, request) => (m.hasId && !('request_id' in request) ? { request_id: `hostile-${SEED}-${n++}`, ...request } : request);

test('one wrong field at a time, by those who may', async () => {
  const all = [];
  for (const [name, m] of Object.entries(methods)) {
    if (!m.right) continue;
    for (const [what, request] of spoilt(m.requestType.type, m.right, m.types)) all.push([name, m, what, request]);
  }
  assert.ok(all.length > 1500, `${all.length} requests`);
  const bad = [];
  await inParallel(all, async ([name, m, what, request]) => {
    const { error } = await call(m, m.requestSerialize(withId(m, request)), tokenOf(m.who));
    broken(bad, name, what, error);
    if (error?.code === grpc.status.INVALID_ARGUMENT && !explain(error).reason) bad.push(`${name} with ${what}: refused without a reason`);
  });
  assert.equal(bad.join('\n'), '');
});

test('bytes that are no message, and messages with bytes changed', async () => {
  const all = [];
  for (const [name, m] of Object.entries(methods)) {
    if (!m.right) continue;
    const good = m.requestSerialize(withId(m, m.right));
    for (let i = 0; i < 24; i++) {
      const bytes = Buffer.from(good);
      for (let k = below(4); k >= 0 && bytes.length; k--) bytes[below(bytes.length)] = below(256);
      all.push([name, m, bytes.subarray(0, random() < 0.3 ? below(bytes.length + 1) : bytes.length)]);
    }
    all.push([name, m, Buffer.concat([good, good])], [name, m, Buffer.alloc(200, 0xff)]);
  }
  const bad = [];
  await inParallel(all, async ([name, m, bytes]) => {
    const { error } = await call(m, bytes, tokenOf(m.who));
    broken(bad, name, bytes.toString('hex').slice(0, 400), error);
  });
  assert.equal(bad.join('\n'), '');
});

test('others see nothing: no session, a false one, another account, staff without the role', async () => {
  const open = new Set(['CreateCaptcha', 'SendSmsCode', 'LoginBySms', 'LoginByPassword', 'LoginStaff', 'ChangePassword', 'CreateLoginChallenge', 'LoginByUkey', 'GetChannel', 'ListChannels', 'ListProducts', 'ListAgreements', 'QuotePrice']);
  const own = new Set(['GetAccount', 'UpdateAccount', 'SetPicture', 'GetPicture', 'ConfirmOldPhone', 'ChangePhone', 'CreateBindChallenge', 'BindCertificate', 'UnbindCertificate', 'ListBindings', 'ListOrders', 'ListCertificates', 'CreateOrder', 'GetStaff', 'WatchQueues', 'FindOrders']); // the caller's own, or any staff's
  const money = ['fang', 'chen'];
  const roles = { ListInvoices: money, RefundPayment: money, StopRefund: money, RecordRefund: money, RecordPartialRefund: money, ResolveCapture: money, GetCapture: money, ListCaptures: money, ListReconciliations: money, ReconcileDay: money,
    ListRemittances: money, ExportRemittance: money, DownloadRemittance: money, ImportRemittance: money, RepeatDeposit: money, DecideReview: ['li', 'chen'], RevealField: ['li', 'chen'], ListReviews: ['li', 'chen'], ListShips: ['zhao', 'chen'], CreateShipment: ['zhao', 'chen'], ResolveShipment: ['zhao', 'chen'], RecordPaperArrival: ['zhao', 'chen'],
    ListShipments: ['zhao', 'chen'], ListJobs: ['wang', 'chen'], RetryJob: ['wang', 'chen'], GetShipment: ['zhao', 'chen'], GetReview: ['li', 'wang', 'zhao', 'chen'],
    ListMaterials: ['li', 'wang', 'chen'], DownloadMaterial: ['li', 'wang', 'chen'], GetMaterialPreview: ['li', 'wang', 'chen'], ResendInvoice: ['li', 'wang', 'chen', 'fang'], RetryInvoice: ['li', 'wang', 'chen', 'fang'] };
  const anyStaff = new Set(['GetOrder', 'WatchOrder', 'GetVerification', 'GetPayment', 'ListPayments', 'GetCertificate', 'GetApplicationForm', 'GetInvoice', 'DownloadInvoice']);
  const all = [];
  for (const [name, m] of Object.entries(methods)) {
    if (open.has(name) || !m.right) continue;
    const strangers = [null, 'false'];
    if (!own.has(name)) strangers.push('stranger');
    const allowed = roles[name] || (/Token|Personalisation|RecordStep|Issue/.test(name) ? ['wang', 'chen'] : []);
    if (!own.has(name) && !anyStaff.has(name)) strangers.push(...['li', 'wang', 'zhao', 'chen', 'fang'].filter((s) => !allowed.includes(s)));
    for (const who of strangers) all.push([name, m, who]);
  }
  await inParallel(all, async ([name, m, who]) => {
    const { error, value } = await call(m, m.requestSerialize(withId(m, m.right)), tokenOf(who));
    assert.ok(error && REFUSED.has(error.code), `${name} for ${who}: ${error ? grpc.status[error.code] : JSON.stringify(value).slice(0, 300)}`);
    if (who === null || who === 'false') assert.equal(error.code, grpc.status.UNAUTHENTICATED, `${name} for ${who}`);
  });
});

test('what is not there is named, and what is somebody else\'s is told in the same words', async () => {
  const never = (request) => JSON.parse(JSON.stringify(request, (k, v) => (k !== 'request_id' && /_id$/.test(k) && /^[a-z]{3}_[0-9a-z]{26}$/.test(v) ? `${v.slice(0, 4)}${'0'.repeat(26)}` : Buffer.isBuffer(v) ? undefined : v)));
  const said = async (m, request, who) => {
    const { error } = await call(m, m.requestSerialize(withId(m, request)), tokenOf(who));
    return error ? { code: grpc.status[error.code], en: error.details, zh: explain(error).zh } : {};
  };
  const named = new Set();
  for (const [name, m] of Object.entries(methods)) {
    if (!m.right || m.who === null || !Object.keys(m.right.header || m.right).some((k) => /_id$/.test(k) && k !== 'request_id')) continue;
    const kept = { ...never(m.right), ...Object.fromEntries(Object.entries(m.right).filter(([, v]) => Buffer.isBuffer(v))) };
    const person = /^[A-Z]/.test(m.who); // an account's call; the others are the desk's, which sees everything
    const nothing = await said(m, kept, person ? 'stranger' : m.who);
    if (person) assert.deepEqual(await said(m, m.right, 'stranger'), nothing, name);
    if (nothing.code !== 'NOT_FOUND') continue;
    named.add(name);
    assert.doesNotMatch(nothing.en + nothing.zh, /object|对象/, `${name}: ${JSON.stringify(nothing)}`);
    assert.doesNotMatch(nothing.zh, /[a-z]{3}/, name);
  }
  assert.ok(named.size > 40, [...named].join());
  const one = async (method, who, request) => { const { en, zh } = await said(methods[method], request, who); return `${en} ${zh}`; };
  assert.equal(await one('GetOrder', 'SUBJECT', { order_id: 'ord_1' }), 'there is no such order 未找到该订单');
  assert.equal(await one('RefundPayment', 'fang', { payment_id: 'pay_1', capture_id: 'cap_1', reason: 'asked for' }), 'there is no such payment or capture 未找到该支付单或收款');
  assert.equal(await one('StartUpload', 'stranger', methods.StartUpload.right), 'there is no such order 未找到该订单');
  assert.equal(await one('GetInvoice', 'SUBJECT', { order_id: world.walks.SUBJECT.order.id }), 'this order has no invoice 该订单没有发票');
});

// -- streams of bytes --------------------------------------------------------------------------------------------------------

function upload(messages, token) {
  const caller = desk.caller(token);
  return new Promise((resolve) => {
    const stream = caller.UploadMaterial((error, value) => resolve({ error, value }));
    stream.on('error', () => {});
    for (const m of messages) stream.write(m);
    stream.end();
  });
}

test('uploads that begin with nothing, with bytes, twice, or without end', async () => {
  const { MATERIALS: walk } = world.walks;
  const header = { request_id: `up-${SEED}`, order_id: walk.order.id, kind: 'business_license', file_name: 'x.jpg', size_bytes: 3, digest: '' };
  const chunk = Buffer.from('\xff\xd8\xff\xe0', 'latin1');
  const tries = { nothing: [], empty: [{}], 'empty, then bytes': [{}, { chunk }], 'bytes first': [{ chunk }], 'two headers': [{ header }, { header }], 'no bytes': [{ header }],
    'an empty header': [{ header: {} }, { chunk }], 'too much': [{ header }, ...Array(40).fill({ chunk: Buffer.alloc(1000000) })], 'one huge message': [{ header }, { chunk: Buffer.alloc(3000000) }],
    'a name with a path': [{ header: { ...header, file_name: '../\u0000x' } }, { chunk }], 'a text': [{ header }, { chunk: Buffer.from('<script>') }] };
  for (const [what, messages] of Object.entries(tries)) {
    const { error } = await upload(messages, walk.token);
    assert.ok(error, what);
    assert.ok(!BROKEN.has(error.code), `${what}: ${error.message}`);
    assert.notEqual(error.code, grpc.status.UNAVAILABLE, `${what}: ${error.message}`);
  }
  const { error } = await upload([{ header }, { chunk }], world.tokens.stranger);
  assert.equal(error.code, grpc.status.NOT_FOUND);
});

// -- what each rule says ---------------------------------------------------------------------------------------------------------

async function refused(promise) {
  const error = await promise.then((v) => assert.fail(JSON.stringify(v).slice(0, 200)), (e) => e);
  return { code: grpc.status[error.code], ...error.info };
}

test('free words of staff have a length and show, and go to the audit trail', async () => {
  const { walks, tokens } = world;
  const operator = desk.caller(tokens.wang);
  const reviewer = desk.caller(tokens.li);
  const { id } = walks.ISSUE.personalisation;
  for (const reason of ['坏'.repeat(201), 'a\u001b[2J', '']) {
    assert.deepEqual((await refused(operator.QuarantineToken({ personalisation_id: id, reason }))).fields, ['reason']);
    const { review } = await reviewer.GetReview({ order_id: walks.REVIEW.order.id });
    const decisions = [{ material_id: review.materials[0].id, verdict: 'MATERIAL_VERDICT_REFUSED', reason }];
    assert.deepEqual((await refused(reviewer.DecideReview({ order_id: walks.REVIEW.order.id, etag: review.etag, approve: false, decisions }))).fields, ['decisions[0].reason']);
  }
  assert.deepEqual((await refused(operator.RecordStep({ personalisation_id: id, step: 2, detail: Buffer.alloc(4097) }))).fields, ['detail']);
  assert.deepEqual((await refused(operator.RegisterTokens({ medium_numbers: ['70000009'], model: 'x'.repeat(81) }))).fields, ['model']);
  assert.equal((await refused(operator.GetToken({ medium_number: '70000009' }))).code, 'NOT_FOUND');
});

test('one material is not both refused and approved', async () => {
  const { walks, tokens } = world;
  const reviewer = desk.caller(tokens.li);
  const { review } = await reviewer.GetReview({ order_id: walks.REVIEW.order.id });
  const both = ['MATERIAL_VERDICT_REFUSED', 'MATERIAL_VERDICT_APPROVED'].map((verdict) => ({ material_id: review.materials[0].id, verdict, reason: '不清楚' }));
  assert.deepEqual((await refused(reviewer.DecideReview({ order_id: walks.REVIEW.order.id, etag: review.etag, approve: false, decisions: both }))).fields, ['decisions[1].material_id']);
});

test('an invoice that is not wanted brings nothing with it', async () => {
  const walk = world.walks.PURCHASE;
  await walk.setPurchase({ invoice: { wanted: false, address: '街'.repeat(60000), bank: '\u202e', email: 'no' } });
  assert.deepEqual(Object.values(walk.order.purchase.invoice || {}).filter((v) => v), []);
});

test('user names are letters, digits, _ and ideographs', async () => {
  const account = world.walks.PURCHASE.call;
  for (const user_name of ['某某科技有限公司的经办人王小明和李小红一共三十个字的名字', 'under_score9']) {
    assert.equal((await account.UpdateAccount({ user_name })).account.user_name, user_name);
  }
  for (const user_name of ['abc\u202ecba', 'abc\u200bd', 'abc😀', '13700000001', 'ab c', '王', 'ſtaff']) {
    assert.deepEqual((await refused(account.UpdateAccount({ user_name }))).fields, ['user_name'], user_name);
  }
});

test('one call\'s nonsense does not fail the others that wait beside it', async () => {
  const { REVIEW: walk } = world.walks;
  const all = await Promise.all(Array.from({ length: 200 }, (_, i) => (i % 4
    ? walk.call.GetOrder({ order_id: walk.order.id }).then((r) => r.order.id === walk.order.id)
    : refused(walk.call.GetOrder({ order_id: '订单' })).then((r) => r.code === 'NOT_FOUND'))));
  assert.ok(all.every((x) => x));
});

test('late news of a parcel change nothing', async () => {
  const { SHIPPED: walk } = world.walks;
  const pushes = async () => (await desk.sim('/sim/log?provider=kuaidi100')).calls.filter((c) => c.action === 'push' && JSON.stringify(c).includes(walk.parcel)).length;
  const before = await pushes();
  await desk.sim('/sim/fault', { provider: 'kuaidi100', action: 'push', kind: 'late', ms: 1500 });
  await walk.courier('在途', '快件已到达【杭州转运中心】');
  await walk.courier('派件', '快递员正在派件');
  await walk.tracked('OUT_FOR_DELIVERY');
  await until('the late push', async () => (await pushes()) === before + 2);
  const { shipment } = await walk.call.GetShipment({ order_id: walk.order.id });
  assert.equal(shipment.state, 'SHIPMENT_STATE_OUT_FOR_DELIVERY');
  assert.equal(shipment.events.length, 2);
});

// -- last: the end ---------------------------------------------------------------------------------------------------------------

test('why a field was shown in clear stands in the audit trail', async () => {
  const reviewer = desk.caller(world.tokens.li);
  const { id } = world.walks.REVIEW.order;
  await reviewer.RevealField({ order_id: id, field: 'agent.phone', reason: '回电"核实"' });
  assert.deepEqual((await refused(reviewer.RevealField({ order_id: id, field: 'agent.phone', reason: 'x'.repeat(201) }))).fields, ['reason']);
  const rows = execFileSync('mariadb', ['--no-defaults', '--default-character-set=utf8mb4', '-u', 'root', '-S', path.join(desk.state, 'db/db.sock'), '-N', '-r', 'certdesk', '-e',
    `SELECT detail FROM audit WHERE action = 'review.reveal' AND object = '${id}'`], { encoding: 'utf8' }).trim().split('\n').map((l) => JSON.parse(l));
  assert.ok(rows.some((r) => r.field === 'agent.phone' && r.reason === '回电"核实"'), JSON.stringify(rows));
});

test('stopped amid watches, downloads and calls, the server ends well', async () => {
  const { REVIEW: walk } = world.walks;
  let ended = 0;
  const streams = [];
  for (let i = 0; i < 100; i++) {
    streams.push(i % 2 ? walk.call.WatchOrder({ order_id: walk.order.id }) : walk.call.DownloadMaterial({ material_id: world.material.id }));
    streams.at(-1).on('data', () => {}).on('error', () => {}).on('close', () => { ended++; }).on('end', () => {});
  }
  const calls = Array.from({ length: 200 }, () => walk.call.GetOrder({ order_id: walk.order.id }).catch((e) => e));
  const end = desk.terminate();
  await Promise.all(calls);
  assert.deepEqual(await end, { code: 0, signal: null }, desk.log().split('\n').slice(-40).join('\n'));
});
