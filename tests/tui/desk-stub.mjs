// desk-stub.mjs - a test peer for the console's screens: serves the staff side of the proto with canned data
// from memory. For screen tests only; the flow against the real server is tested in tests/flow.
//
// Every call is recorded in `calls`. `trouble.push({method, code, ...})` makes the next call of that method
// fail; `hold.add(method)` keeps calls of it open until release(method).
import { execFileSync } from 'node:child_process';
import { createHash, createPublicKey, verify, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import grpc from '@grpc/grpc-js';
import loader from '@grpc/proto-loader';

const root = fileURLToPath(new URL('../../proto', import.meta.url));
const options = { keepCase: true, longs: Number, enums: String, defaults: true, oneofs: true, includeDirs: [root] };
const files = ['staff', 'review', 'issuance', 'shipment', 'stock', 'job', 'order', 'material', 'payment', 'invoice', 'remittance'];
const proto = grpc.loadPackageDefinition(
  loader.loadSync(files.map((f) => `certdesk/v1/${f}_service.proto`), options)).certdesk.v1;
const detail = grpc.loadPackageDefinition(
  loader.loadSync(['google/rpc/status.proto', 'google/rpc/error_details.proto'], options)).google.rpc;

const T0 = 1795000000; // 2026-11-18T20:26:40Z
const at = (s) => ({ seconds: T0 + s, nanos: 0 });
const id = (prefix, n) => `${prefix}_01jd3x4k7m${String(n).padStart(16, '0')}`;

function any(type, value) {
  const t = detail[type].type ? detail[type] : null;
  const bytes = encode(type, value);
  return { type_url: `type.googleapis.com/google.rpc.${type}`, value: bytes, t };
}

// protobuf bytes of the few error details, by hand: proto-loader gives no encoder for bare messages
function varint(n) {
  const out = [];
  for (; n > 127; n = Math.floor(n / 128)) out.push((n % 128) | 128);
  return Buffer.from([...out, n]);
}
const lengthDelimited = (field, b) => Buffer.concat([varint(field * 8 + 2), varint(b.length), b]);
const text = (field, s) => (s ? lengthDelimited(field, Buffer.from(s)) : Buffer.alloc(0));
function encode(type, v) {
  if (type === 'ErrorInfo') return Buffer.concat([text(1, v.reason), text(2, 'certdesk.v1')]);
  if (type === 'LocalizedMessage') return Buffer.concat([text(1, 'zh-CN'), text(2, v)]);
  return Buffer.concat(v.map((x) => lengthDelimited(1, Buffer.concat([text(1, x.field), text(2, x.text), text(3, 'FORMAT'),
    lengthDelimited(4, Buffer.concat([text(1, 'zh-CN'), text(2, x.zh)]))]))));
}

// What the server would answer: {code, reason, message, zh, fields}
export function refusal(t) {
  const details = [['ErrorInfo', t], ['LocalizedMessage', t.zh ?? t.message], ...(t.fields ? [['BadRequest', t.fields]] : [])]
    .map(([type, v]) => lengthDelimited(3, Buffer.concat([text(1, any(type, v).type_url), lengthDelimited(2, any(type, v).value)])));
  const status = Buffer.concat([varint(8), varint(t.code), text(2, t.message), ...details]);
  const metadata = new grpc.Metadata();
  metadata.set('grpc-status-details-bin', status);
  return { code: t.code, message: t.message, metadata, details: t.message };
}

function order(n, state, name) {
  return {
    id: id('ord', n), channel_id: id('chn', 1), kind: 'ORDER_KIND_NEW', subject_kind: 'SUBJECT_KIND_ORGANIZATION', state,
    version: 3, etag: 'e3', method: 'VERIFICATION_METHOD_PHONE_THREE_FACTOR', medium: 'MEDIUM_UKEY',
    organization: { name, uscc: '91350100M000100Y43', legal_rep_name: '王建国', legal_rep_id_number: '110105********002X',
      legal_rep_phone: '138****5678' },
    agent: { method: 'VERIFICATION_METHOD_PHONE_THREE_FACTOR', name: '李小红', id_number: '330102********1234',
      email: 'lixiaohong@example.com', phone: '139****0001' },
    purchase: { product_id: 'prd_org_ukey', term_months: 12, seal: true, quantity: 1,
      invoice: { wanted: true, title: name, tax_number: '91350100M000100Y43', email: 'lixiaohong@example.com' },
      delivery: { recipient: '李小红', phone: '139****0001', province: '浙江省', city: '杭州市', district: '西湖区',
        street: '天目山路152号浙能大厦8楼', postal_code: '310007' } },
    quote: { total_fen: 20000 }, payment: { payment_id: id('pay', n), amount_fen: 20000, paid: true, pay_time: at(60) },
    create_time: at(0), update_time: at(120), actions: [], reasons: [],
  };
}

// A capture of an order, with a refund in this state or none.
function capture(n, held, state, error) {
  return { id: id('cap', n), provider: n % 2 ? 'PAYMENT_PROVIDER_WECHAT' : 'PAYMENT_PROVIDER_ALIPAY', transaction_id: `42000000000000000000000000${n}`, payment_id: id('pay', n),
    order_id: held === 'NO_PAYMENT' ? '' : id('ord', n), amount_fen: 28000, currency: 'CNY', state: held ? 'CAPTURE_STATE_HELD' : 'CAPTURE_STATE_SETTLED',
    held_reason: held ?? '', capture_time: at(60), billed_return_fen: n === 1 ? 100 : 0,
    refund: state ? { id: id('rfd', n), state: `REFUND_STATE_${state}`, amount_fen: 28000, reason: 'ORDER_CANCELLED', note: '客户来电', error, create_time: at(90) } : null };
}

export const longName = '浙江省能源集团智慧供应链一体化服务平台第二工程建设与运行维护管理有限责任公司杭州西湖分公司';

export function world() {
  const names = ['杭州市西湖区示范科技有限公司', longName, 'ACME Power (Zhejiang) Co., Ltd.', '宁波北仑港机电设备有限公司'];
  const png = readFileSync(new URL('./scan.png', import.meta.url));
  const bytes = { [id('mat', 1)]: png, [id('mat', 2)]: png, [id('mat', 3)]: Buffer.from('%PDF-1.7\n...'),
    [id('mat', 4)]: Buffer.from('this is no picture') };
  const kinds = [['business_license', '营业执照', 'image/png', 'license.png'], ['agent_id_front', '经办人身份证人像面', 'image/png', 'front.png'],
    ['agent_id_back', '经办人身份证国徽面', 'application/pdf', '扫描件.pdf'], ['application_form', '申请表', 'image/jpeg', 'bad.jpg']];
  const materials = kinds.map(([kind, title, content_type, file_name], i) => ({ id: id('mat', i + 1), kind, title, file_name,
    content_type, size_bytes: bytes[id('mat', i + 1)].length,
    digest: createHash('sha256').update(bytes[id('mat', i + 1)]).digest('hex'), create_time: at(30) }));
  return {
    password: 'correct horse', totp: '123456', simulator: true, etag: 'r1', bytes, materials,
    orders: names.map((n, i) => order(i + 1, 'ORDER_STATE_REVIEW', n)),
    reviews: names.map((n, i) => ({ order_id: id('ord', i + 1), subject_name: n, channel_name: '智慧供应链一体化平台',
      kind_text: '单位新办', kind: 'ORDER_KIND_NEW', subject_kind: 'SUBJECT_KIND_ORGANIZATION', submit_time: at(i * 3600), due_time: at(5 * 86400) })),
    issues: names.slice(0, 2).map((n, i) => ({ order_id: id('ord', i + 11), subject_name: n, channel_name: '智慧供应链一体化平台',
      product_name: '单位证书UKEY', term_months: 12, approve_time: at(7200), due_time: at(i ? 3600 : -86400), medium_number: i ? '10002' : '', quantity: i ? 3 : 1, written: i ? 1 : 0 })),
    ships: names.slice(0, 2).map((n, i) => ({ order_id: id('ord', i + 21), subject_name: n, medium_numbers: i ? ['10011', '10012', '10013'] : ['10010'],
      delivery: order(1, '', n).purchase.delivery, ready_time: at(9000), due_time: at(3600) })),
    shipments: [['SHIPMENT_STATE_IN_TRANSIT', 'SF1234567890'], ['SHIPMENT_STATE_RETURNED', 'EMS987654321CN']].map(([state, number], i) => ({
      id: id('shp', i + 1), order_id: id('ord', i + 31), courier: i ? 'ems' : 'shunfeng', tracking_number: number, state,
      delivery: order(1, '', '').purchase.delivery, medium_numbers: i ? ['10031', '10032', '10033'] : ['10030'], create_time: at(10000), update_time: at(20000),
      events: [{ event_time: at(20000), text: '快件已到达杭州转运中心', place: '杭州市' }, { event_time: at(10000), text: '顺丰已收件', place: '' }] })),
    tokens: Array.from({ length: 60 }, (_, i) => ({ medium_number: String(10001 + i), state: i % 7 === 3 ? 'TOKEN_STATE_QUARANTINED' : 'TOKEN_STATE_BLANK',
      model: 'PIV-A', update_time: at(0), reason: i % 7 === 3 ? '读卡失败' : '' })),
    jobs: [{ id: id('job', 1), kind: 'sms.send', object_id: id('ord', 1), state: 'JOB_STATE_EXHAUSTED', attempts: 9,
      last_error: 'PROVIDER_BUSY', create_time: at(0), run_time: at(1) }],
    captures: [capture(1, null, 'CLOSED', 'INVALID_REQUEST'), capture(2, null, 'ABNORMAL', 'ABNORMAL'), capture(3, 'NO_PAYMENT'), capture(4, null)],
    days: ['WECHAT', 'ALIPAY'].map((p, i) => ({ provider: `PAYMENT_PROVIDER_${p}`, date: '2026-11-21', state: `RECONCILIATION_STATE_${i ? 'CLEAN' : 'DIFFERENT'}`, runs: 2,
      captures: 3, captured_fen: 84000, settled_fen: 28000, refunded_fen: 56000, bill_captures: 3, bill_captured_fen: 84000, refunds: 2, refunds_fen: 56000, bill_refunds: 3,
      bill_refunds_fen: 56100, difference_count: i ? 0 : 1, differences: i ? [] : [{ kind: 'REFUND_UNKNOWN', number: 'desk_1', ours_fen: 0, bill_fen: 100, capture_id: id('cap', 4), payment_id: id('pay', 4), order_id: id('ord', 4) }], update_time: at(90000) })),
    remittances: { waiting: 3, batches: [{ number: 2, create_time: at(500), deposits: 12, sent: 10, failed: 1, open: 1 }, { number: 1, create_time: at(100), deposits: 5, sent: 5 }],
      stuck: [{ id: id('dep', 1), order_id: id('ord', 1), cause: 'PIN', supplier: 'remittance', update_time: at(700) }] },
    invoices: [longName, '杭州市西湖区示范科技有限公司'].map((title, i) => ({ id: id('inv', i + 1), order_id: id('ord', i + 1), title, amount_fen: 20000, email: 'a@example.com', create_time: at(70),
      state: i ? 'INVOICE_STATE_ISSUED' : 'INVOICE_STATE_FAILED', cause: i ? '' : '购方税号校验不通过', number: i ? '26472421606289077410' : '', tax_fen: i ? 1132 : 0, issue_time: i ? at(80) : null,
      files: i ? [{ kind: 'INVOICE_FILE_KIND_PDF', content_type: 'application/pdf', size_bytes: 8 }] : [],
      data: { tax_number: '91350100M000100Y43', email: 'a@example.com', bank: '中国建设银行', bank_account: '3305************1234' } })),
    roles: [],
    revision: 1,
  };
}

// A CA of openssl's for one request; the certificate as DER.
function certify(csr) {
  const dir = mkdtempSync(join(tmpdir(), 'certdesk-ca-'));
  try {
    writeFileSync(join(dir, 'csr'), csr);
    const sh = (...args) => execFileSync('openssl', args, { cwd: dir, stdio: ['ignore', 'pipe', 'ignore'] });
    sh('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=CA');
    return sh('x509', '-req', '-inform', 'DER', '-in', 'csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '1', '-outform', 'DER');
  } finally {
    rmSync(dir, { recursive: true });
  }
}

// Starts the peer; {address, w, calls, trouble, hold, release, change, stop}
export async function start(w = world(), address = '127.0.0.1:0') {
  const calls = [], trouble = [], held = new Map(), hold = new Set(), watchers = new Set();
  const queues = () => ({ review: w.reviews.length, issue: w.issues.length, ship: w.ships.length, in_transit: w.shipments.length,
    exhausted_jobs: w.jobs.length, captures: w.captures.filter(needsPerson).length, reconciliations: w.days.filter((d) => d.difference_count).length,
    remittances: w.remittances.waiting + w.remittances.stuck.length, invoices: w.invoices.filter((v) => /FAILED/.test(v.state)).length, roles: w.roles, revision: w.revision });
  const needsPerson = (c) => !c.resolve_time && (c.refund ? /CLOSED|ABNORMAL/.test(c.refund.state) || (/REQUESTED|STOPPING/.test(c.refund.state) && c.refund.error) || c.refund.error === 'PAID_TWICE' : c.state === 'CAPTURE_STATE_HELD');
  const change = () => { w.revision++; for (const c of watchers) c.write(queues()); };
  const loggedIn = (call) => call.metadata.get('authorization')[0] === 'Bearer stub-token';

  const unary = (name, f) => (call, callback) => {
    calls.push({ method: name, request: call.request });
    const i = trouble.findIndex((t) => t.method === name);
    if (i >= 0) {
      const t = trouble.splice(i, 1)[0];
      if (t.before) t.before();
      return callback(refusal(t));
    }
    if (name !== 'LoginStaff' && !loggedIn(call))
      return callback(refusal({ code: 16, reason: 'UNAUTHENTICATED', message: 'log in first', zh: '请先登录' }));
    const go = () => {
      try {
        callback(null, f(call.request));
      } catch (e) {
        callback(e.code ? refusal(e) : { code: 13, message: String(e) });
      }
    };
    if (hold.has(name)) held.set(name, [...(held.get(name) ?? []), go]);
    else go();
  };
  const release = (name) => { hold.delete(name); (held.get(name) ?? []).forEach((go) => go()); held.delete(name); };
  const list = (name, get, field) => unary(name, (q) => {
    const all = get(q), from = Number(q.page_token || 0), size = q.page_size || 50;
    return { [field]: all.slice(from, from + size), next_page_token: from + size < all.length ? String(from + size) : '', total: all.length };
  });
  const find = (rows, key, value) => {
    const row = rows.find((r) => r[key] === value);
    if (!row) throw { code: 5, reason: 'NOT_FOUND', message: 'there is no such object', zh: '未找到该对象' };
    return row;
  };

  const server = new grpc.Server();
  server.addService(proto.StaffService.service, {
    LoginStaff: unary('LoginStaff', (q) => {
      if (q.password !== w.password || q.totp !== w.totp)
        throw { code: 16, reason: 'LOGIN_FAILED', message: 'name, password or code is wrong', zh: '用户名、密码或验证码错误' };
      return { staff: { id: id('stf', 1), login: q.login, name: '张三', roles: ['STAFF_ROLE_ADMIN'] }, token: 'stub-token',
        expire_time: at(86400), simulator: w.simulator };
    }),
    LogoutStaff: unary('LogoutStaff', () => ({})),
    GetStaff: unary('GetStaff', () => ({ staff: { id: id('stf', 1), login: 'zhangsan', name: '张三', roles: [] } })),
    ListStaff: unary('ListStaff', () => ({})),
    FindOrders: list('FindOrders', (q) => w.orders.filter((o) => o.organization.name.includes(q.query) || o.id === q.query)
      .map((o) => ({ order_id: o.id, subject_name: o.organization.name, state: o.state, create_time: o.create_time })), 'orders'),
    WatchQueues: (call) => {
      if (!loggedIn(call)) return call.emit('error', refusal({ code: 16, reason: 'UNAUTHENTICATED', message: 'log in first', zh: '请先登录' }));
      watchers.add(call);
      call.on('cancelled', () => { watchers.delete(call); call.end(); });
      call.write(queues());
    },
  });
  server.addService(proto.ReviewService.service, {
    ListReviews: list('ListReviews', () => w.reviews, 'items'),
    GetReview: unary('GetReview', (q) => ({ review: { order: find(w.orders, 'id', q.order_id), materials: w.materials,
      evidence: [{ provider: 'tencent', check: 'phone3', outcome: 'MATCH', provider_request_id: 'r-0', check_time: at(9), of_earlier_data: true },
        { provider: 'tencent', check: 'phone3', outcome: 'MATCH', provider_request_id: 'r-1', check_time: at(10) }],
      signed_digest: 'ab'.repeat(32), etag: w.etag } })),
    DecideReview: unary('DecideReview', (q) => {
      if (q.etag !== w.etag)
        throw { code: 10, reason: 'CONFLICT', message: 'somebody else changed it meanwhile; read it again', zh: '数据已被他人修改，请刷新' };
      w.reviews = w.reviews.filter((r) => r.order_id !== q.order_id);
      setImmediate(change);
      return { order: find(w.orders, 'id', q.order_id) };
    }),
    RevealField: unary('RevealField', (q) => ({ value: q.field === 'signed_text' ? `{"text":"${'签'.repeat(900)}"}` : '11010519491231002X' })),
  });
  server.addService(proto.IssuanceService.service, {
    ListIssues: list('ListIssues', () => w.issues, 'items'),
    BeginPersonalisation: unary('BeginPersonalisation', (q) => {
      w.saga ??= { id: id('per', 1), order_id: q.order_id, medium_number: q.medium_number, step: 1, algorithm: 'KEY_ALGORITHM_P256', copy: 1, quantity: 1,
        management_key: Buffer.from(Array.from({ length: 24 }, (_, i) => 2 * i + 16)), puk: '73920164', pin: '486210' };
      if (w.saga.medium_number !== q.medium_number)
        throw { code: 9, reason: 'PRECONDITION', message: 'begun with another UKEY', zh: '该订单已开始写入另一个 UKEY' };
      return { personalisation: w.saga };
    }),
    RecordStep: unary('RecordStep', (q) => {
      w.saga.step = Math.max(w.saga.step, proto.PersonalisationStep.type.value.find((v) => v.name === q.step).number);
      return {};
    }),
    IssueCertificate: unary('IssueCertificate', (q) => {
      w.saga.certificate_der ??= certify(q.csr_der); // exactly one, however often it is called
      return { certificate_id: id('crt', 1), certificate_der: w.saga.certificate_der, chain_der: [] };
    }),
    FinishPersonalisation: unary('FinishPersonalisation', (q) => {
      const key = createPublicKey(new X509Certificate(q.certificate_der).publicKey.export({ type: 'spki', format: 'pem' }));
      if (!q.certificate_der.equals(w.saga.certificate_der) || !verify('sha256', Buffer.from(`certdesk personalisation ${w.saga.id}`), key, q.signature))
        throw { code: 9, reason: 'CARD_DOUBTFUL', message: 'not the token\'s signature', zh: '签名不符' };
      w.issues = w.issues.filter((i) => i.order_id !== w.saga.order_id);
      setImmediate(change);
      return { order: w.orders[0] };
    }),
    QuarantineToken: unary('QuarantineToken', () => ({ order: w.orders[0] })),
  });
  server.addService(proto.ShipmentService.service, {
    ListShips: list('ListShips', () => w.ships, 'items'),
    CreateShipment: unary('CreateShipment', (q) => { w.ships = w.ships.filter((s) => s.order_id !== q.order_id); setImmediate(change); return { shipment: w.shipments[0] }; }),
    GetShipment: unary('GetShipment', (q) => ({ shipment: find(w.shipments, 'order_id', q.order_id) })),
    ListShipments: list('ListShipments', () => w.shipments, 'shipments'),
    ResolveShipment: unary('ResolveShipment', () => ({ shipment: w.shipments[1] })),
    RecordPaperArrival: unary('RecordPaperArrival', () => ({})),
  });
  server.addService(proto.StockService.service, {
    ListTokens: list('ListTokens', (q) => w.tokens.filter((t) => q.state === 'TOKEN_STATE_UNSPECIFIED' || t.state === q.state), 'tokens'),
    RegisterTokens: unary('RegisterTokens', (q) => ({ added: q.medium_numbers.length, known_already: [] })),
    GetToken: unary('GetToken', (q) => ({ token: find(w.tokens, 'medium_number', q.medium_number) })),
  });
  server.addService(proto.JobService.service, {
    ListJobs: list('ListJobs', () => w.jobs, 'jobs'),
    RetryJob: unary('RetryJob', (q) => { w.jobs = w.jobs.filter((j) => j.id !== q.job_id); setImmediate(change); return { job: null }; }),
  });
  server.addService(proto.PaymentService.service, {
    ListCaptures: list('ListCaptures', (q) => w.captures.filter((c) => !q.attention || needsPerson(c)), 'captures'),
    GetCapture: unary('GetCapture', (q) => ({ capture: find(w.captures, 'id', q.capture_id), payment: null,
      events: [{ event_time: at(60), action: 'payment.settled', actor: 'system' }, { event_time: at(90), action: 'refund.requested', actor: id('stf', 1), actor_name: '张三' }] })),
    RefundPayment: unary('RefundPayment', (q) => {
      const c = find(w.captures, 'id', q.capture_id);
      c.refund = { ...c.refund, amount_fen: 28000, state: 'REFUND_STATE_REQUESTED', error: '' };
      setImmediate(change);
      return { capture: c };
    }),
    StopRefund: unary('StopRefund', (q) => {
      const c = find(w.captures, 'id', q.capture_id);
      c.refund = { ...c.refund, state: 'REFUND_STATE_STOPPING' };
      setImmediate(change);
      return { capture: c };
    }),
    RecordRefund: unary('RecordRefund', (q) => {
      const c = find(w.captures, 'id', q.capture_id);
      if (q.amount_fen + q.provider_fen !== c.amount_fen)
        throw { code: 3, reason: 'INVALID', message: 'bad', fields: [{ field: 'amount_fen', text: '279.00 owed: 280.00 - 1.00 by the provider', zh: '应退279.00元（款项280.00元，机构已退1.00元）' }] };
      c.refund = { ...c.refund, amount_fen: 28000, state: 'REFUND_STATE_DONE', error: '', by_hand: true, hand_fen: q.amount_fen, reference: q.reference };
      setImmediate(change);
      return { capture: c };
    }),
    RecordPartialRefund: unary('RecordPartialRefund', (q) => {
      const c = Object.assign(find(w.captures, 'id', q.capture_id), { partial_fen: q.provider_fen });
      setImmediate(change);
      return { capture: c };
    }),
    ResolveCapture: unary('ResolveCapture', (q) => {
      const c = find(w.captures, 'id', q.capture_id);
      Object.assign(c, { resolve_time: at(95), resolved_by: id('stf', 1), resolve_note: q.reason });
      setImmediate(change);
      return { capture: c };
    }),
    ListReconciliations: list('ListReconciliations', (q) => w.days.filter((d) => !q.date || (d.date === q.date && d.provider === q.provider)), 'reconciliations'),
    ReconcileDay: unary('ReconcileDay', () => ({})),
  });
  server.addService(proto.InvoiceService.service, {
    ListInvoices: list('ListInvoices', (q) => w.invoices.filter((v) => !q.attention || /FAILED/.test(v.state)), 'invoices'),
    GetInvoice: unary('GetInvoice', (q) => ({ invoice: find(w.invoices, 'order_id', q.order_id) })),
    DownloadInvoice: unary('DownloadInvoice', () => ({ file: Buffer.from('%PDF-1.7'), content_type: 'application/pdf' })),
    ResendInvoice: unary('ResendInvoice', () => ({})),
    RetryInvoice: unary('RetryInvoice', (q) => ({ invoice: Object.assign(find(w.invoices, 'id', q.invoice_id), { state: 'INVOICE_STATE_REQUESTED', cause: '' }) })),
  });
  server.addService(proto.RemittanceService.service, {
    ListRemittances: unary('ListRemittances', () => w.remittances),
    ExportRemittance: unary('ExportRemittance', () => ({ number: 3, deposits: 3, file: Buffer.from('a file') })),
    DownloadRemittance: unary('DownloadRemittance', () => ({ file: Buffer.from('a file') })),
    ImportRemittance: unary('ImportRemittance', () => ({ lines: 2, sent: 1, problems: [{ line: 3, column: 3, text: 'this deposit failed before', text_zh: '该笔打款此前已登记为失败' }] })),
    RepeatDeposit: unary('RepeatDeposit', () => ({ deposit_id: id('dep', 2) })),
  });
  server.addService(proto.OrderService.service, { GetOrder: unary('GetOrder', (q) => ({ order: find(w.orders, 'id', q.order_id) ?? null })),
    CancelOrder: unary('CancelOrder', (q) => ({ order: Object.assign(find(w.orders, 'id', q.order_id), { state: 'ORDER_STATE_CANCELLED', actions: [] }) })) });
  server.addService(proto.MaterialService.service, {
    // 1 and 2 are pictures, 3 a document of two pages, 4 one that cannot be drawn.
    GetMaterialPreview: unary('GetMaterialPreview', (q) => {
      const m = find(w.materials, 'id', q.material_id), pages = m.content_type === 'application/pdf' ? 2 : 0;
      if (m === w.materials[3]) throw { code: 3, reason: 'MATERIAL_BAD', message: 'the file is damaged', zh: '文件已损坏' };
      return { image: w.bytes[w.materials[0].id], width: 1240, height: 1754, full_width: pages ? 0 : 1240, full_height: pages ? 0 : 1754, page_count: pages };
    }),
    DownloadMaterial: (call) => {
      calls.push({ method: 'DownloadMaterial', request: call.request });
      const b = w.bytes[call.request.material_id] ?? Buffer.alloc(0);
      for (let i = 0; i < b.length; i += 65536) call.write({ chunk: b.subarray(i, i + 65536) });
      call.end();
    },
  });
  const port = await new Promise((resolve, reject) =>
    server.bindAsync(address, grpc.ServerCredentials.createInsecure(), (e, p) => (e ? reject(e) : resolve(p))));
  return { address: `127.0.0.1:${port}`, w, calls, trouble, hold, release, change,
    stop: () => { for (const c of watchers) c.end(); server.forceShutdown(); } };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const s = await start(world(), process.argv[2] ?? '127.0.0.1:0');
  console.log(s.address);
}
