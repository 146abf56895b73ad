// ./dev demo: one organization's certificate from the first call to the received UKEY, shown as it happens. The applicant
// calls the public RPCs by a client that is not ours; the desk works in the real console; the UKEY is a simulated card
// behind a real PC/SC daemon. Runs inside tests/lib/with-reader.
//
//   --keep     the desk stays up until Ctrl-C (on a terminal it does so anyway)
//   --no-keep  it does not
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { Desk, build, root, totp, until } from '../lib/desk.mjs';
import { Console, ukey } from './console.mjs';
import { company } from './people.mjs';
import { SM2_ID, pem } from './softkey.mjs';
import { Story } from './story.mjs';
import { Walk } from './walk.mjs';

const MEDIUM = '10000001';
const NEXT_MEDIUM = '10000002';
const PARCEL = 'SF1000000001';
const keep = process.argv.includes('--keep') || (process.stdin.isTTY && process.stdout.isTTY && !process.argv.includes('--no-keep'));
const story = new Story();
const desk = new Desk();
let tui;
let stream;

// title, who acts, by which calls
const TITLES = {
  register: ['Quick registration by SMS', 'applicant', 'LoginBySms'],
  createOrder: ['A new certificate for an organization', 'applicant', 'CreateOrder'],
  submitOrganization: ['The organization and its legal representative', 'applicant', 'SubmitOrganization'],
  confirmSubject: ['The legal representative confirms by SMS code', 'applicant', 'ConfirmVerification'],
  submitAgent: ['The agent', 'applicant', 'SubmitAgent'],
  confirmAgent: ['The agent confirms by SMS code', 'applicant', 'ConfirmVerification'],
  setPurchase: ['Certificate, invoice and delivery', 'applicant', 'SetPurchase'],
  confirmPurchase: ['The quote is confirmed', 'applicant', 'ConfirmPurchase'],
  uploadAll: ['The materials', 'applicant', 'UploadMaterial'],
  requestSignature: ['A code for the application signature', 'applicant', 'RequestApplicationSignature'],
  sign: ['The application is signed', 'applicant', 'SignApplication'],
  createPayment: ['Payment by WeChat', 'applicant', 'CreatePayment'],
  pay: ['The code is scanned and paid', 'applicant', 'WeChat Pay'],
};

// What a person would see at each step, besides SMS and state.
const SHOW = {
  createOrder: (w) => story.line('order', w.order.id),
  submitOrganization: (w) => story.line('data', `${w.who.name}  ${w.who.uscc}`),
  submitAgent: (w) => story.line('data', `${w.order.agent.name}  ${w.order.agent.id_number}  ${w.order.agent.phone}`),
  setPurchase: (w) => story.line('quote', `${w.order.quote.product_name}  ${w.order.purchase.term_months} months${w.order.purchase.seal ? ', with seal' : ''}: `
    + `${(w.order.quote.total_fen / 100).toFixed(2)} yuan`),
  createPayment: (w) => story.qr(w.payment.code_url),
};

const mask = (phone) => `${phone.slice(0, 3)}****${phone.slice(-4)}`;

function tell(kind, detail) {
  if (kind === 'sms') story.line('SMS', `${mask(detail.phone)}  ${detail.text}`);
  if (kind === 'upload') story.line('upload', `${detail.title}  ${detail.content_type}, ${detail.size_bytes} bytes, SHA-256 ${detail.digest.slice(0, 16)}…`);
  if (kind === 'payment') story.line('code', detail.code_url);
}

// The order's state as WatchOrder tells it.
function watch(walk) {
  let state;
  walk.seen = 0;
  stream = walk.call.WatchOrder({ order_id: walk.order.id });
  stream.on('data', ({ order }) => {
    walk.seen = order.version;
    const now = order.state.replace('ORDER_STATE_', '');
    if (now !== state) story.line('state', `${state ? `${state} -> ` : ''}${now}`, '32');
    state = now;
  });
  stream.on('error', () => {});
}

const caughtUp = (walk) => until('the stream of the order', () => walk.seen >= walk.order.version);

async function sms(walk, phone, pattern) {
  await walk.read(phone, pattern);
}

async function mail(walk, subject) {
  const m = await until(`the mail "${subject}"`, async () => (await desk.sim(`/sim/mails?to=${walk.who.agent.email}`)).mails.find((x) => x.subject === subject));
  story.line('mail', `${m.to}  ${m.subject}`);
}

async function applicant(walk) {
  for (const [step, [title, who, what]] of Object.entries(TITLES)) {
    story.step(title, who, what);
    await walk[step]();
    SHOW[step]?.(walk);
    if (step === 'createOrder') watch(walk);
    if (walk.order) await caughtUp(walk);
  }
  await sms(walk, walk.who.agent.phone, /已支付/);
  await mail(walk, '证书订单已支付');
}

// -- the desk ----------------------------------------------------------------------------------------------------------

const LOOKS = new Set(['队列', '审核', '资料：营业执照', '写入 UKEY', '邮寄', '物流']);

async function look(title, screen) {
  if (LOOKS.has(title)) story.screen(title, await screen.tmux('capture-pane', '-t', 't', '-p', ...(story.colour ? ['-e'] : [])));
}

async function atTheDesk(walk) {
  const { name } = walk.who;
  story.step('The desk logs in: password and one-time code', 'desk', 'certdesk');
  tui = await new Console(desk, { look }).open();
  await tui.login('chen');

  story.step('Review: everything entered, verified, uploaded', 'reviewer', 'certdesk');
  await tui.openReview(name);
  await tui.picture('营业执照');
  await tui.approve();
  await walk.reach('ISSUE');
  await caughtUp(walk);
  await sms(walk, walk.who.agent.phone, /已审核通过/);
  await mail(walk, '证书订单审核通过');
  await tui.home();

  story.step('The certificate is issued onto the UKEY in the reader', 'operator', 'certdesk');
  await tui.issue(name, MEDIUM);
  await walk.reach('SHIP');
  await caughtUp(walk);
  walk.pin = /密码为(\d+)/.exec(await walk.read(walk.who.legalRep.phone, /密码为/))[1];
  await tui.home();

  story.step('The UKEY is posted', 'shipper', 'certdesk');
  walk.parcel = PARCEL;
  await tui.ship(name, MEDIUM, PARCEL);
  await walk.reach('SHIPPED');
  await caughtUp(walk);
  await sms(walk, walk.who.agent.phone, /已寄出/);
  await until('the courier asked to report', async () => (await desk.sim('/sim/kuaidi100/parcels')).subscriptions[PARCEL]);
  await tui.home();
}

async function parcel(walk) {
  story.step('The parcel is followed to its receipt', 'courier', 'kuaidi100');
  await tui.track(walk.who.name, PARCEL);
  for (const [state, text] of [['揽收', '顺丰速运 已收取快件'], ['在途', '快件到达【杭州转运中心】'], ['签收', '已签收，签收人：李四']]) {
    await walk.courier(state, text);
    story.line('courier', text);
    await tui.see(text);
  }
  await walk.reach('FINISHED');
  await tui.see(/状态 +已签收/);
  await look('物流', tui.screen);
  await caughtUp(walk);
  await sms(walk, walk.who.agent.phone, /已签收/);
}

// -- proof -------------------------------------------------------------------------------------------------------------

// Runs a command and shows it with what it says.
function run(command, args, options = {}) {
  story.block(story.paint('1', `$ ${quoted([path.basename(command), ...args])}`));
  const r = spawnSync(command, args, { encoding: 'utf8', cwd: desk.dir, timeout: 60000, ...options });
  if (r.stdout || r.stderr) story.block(r.stdout + r.stderr);
  if (r.status !== 0) throw new Error(`${command} ended with ${r.status ?? r.signal ?? r.error}`);
  return r.stdout;
}

async function holder(walk) {
  story.step('The holder signs with the UKEY; openssl verifies', 'holder', 'certdesk-ukey');
  const { certificate, chain_der: chain } = await walk.call.GetCertificate({ certificate_id: walk.order.certificates[0].certificate_id });
  fs.writeFileSync(path.join(desk.dir, 'issuing.pem'), pem(chain[0]));
  fs.writeFileSync(path.join(desk.dir, 'root.pem'), pem(chain[1]));
  fs.writeFileSync(path.join(desk.dir, 'tender.txt'), '投标文件\n');
  fs.writeFileSync(path.join(desk.dir, 'ukey.pem'), ukey(['cert']));
  fs.writeFileSync(path.join(desk.dir, 'tender.sig'), ukey(['sign', path.join(desk.dir, 'tender.txt'), '--pin-fd', '0'], { input: `${walk.pin}\n` }));
  story.block(`${story.paint('1', '$ certdesk-ukey cert >ukey.pem')}\n${story.paint('1', '$ certdesk-ukey sign tender.txt >tender.sig')}    # PIN from the SMS`);
  if (pem(certificate.der) !== fs.readFileSync(path.join(desk.dir, 'ukey.pem'), 'utf8')) throw new Error('the UKEY holds another certificate');
  const sm2 = /SM2/.test(spawnSync('openssl', ['x509', '-in', 'ukey.pem', '-noout', '-text'], { cwd: desk.dir, encoding: 'utf8' }).stdout);
  run('openssl', ['x509', '-in', 'ukey.pem', '-noout', '-subject', '-issuer', '-serial', '-enddate', '-nameopt', 'utf8']);
  const id = sm2 ? ['-vfyopt', `distid:${SM2_ID}`] : [];
  run('openssl', ['verify', ...id, '-CAfile', 'root.pem', 'issuing.pem']);
  run('openssl', ['verify', ...id, '-partial_chain', '-CAfile', 'issuing.pem', 'ukey.pem']);
  run('openssl', ['x509', '-in', 'ukey.pem', '-noout', '-pubkey', '-out', 'ukey.pub']);
  run('openssl', sm2
    ? ['pkeyutl', '-verify', '-pubin', '-inkey', 'ukey.pub', '-rawin', '-digest', 'sm3', '-pkeyopt', `distid:${SM2_ID}`, '-in', 'tender.txt', '-sigfile', 'tender.sig']
    : ['dgst', '-sha256', '-verify', 'ukey.pub', '-signature', 'tender.sig', 'tender.txt']);
}

const buf = path.join(root, 'tests/lib/buf');
const curl = (method, body, token) => ['curl', '--http2-prior-knowledge', '--protocol', 'grpc', ...(token ? ['-H', `authorization: Bearer ${token}`] : []),
  '-d', JSON.stringify(body), `http://${desk.address}/certdesk.v1.${method}`];

async function afterwards(walk) {
  story.step('What is left behind', 'auditor');
  run(path.join(build, 'server/certdeskd'), ['--config', desk.config, 'audit', 'verify'], { env: desk.env });
  const r = spawnSync(buf, curl('OrderService/GetOrder', { orderId: walk.order.id }, walk.token), { encoding: 'utf8', timeout: 60000 });
  if (r.status !== 0) throw new Error(`buf curl: ${r.stderr}`);
  const { order } = JSON.parse(r.stdout);
  story.line('API', 'buf curl, by reflection: OrderService/GetOrder');
  story.block(JSON.stringify({ id: order.id, state: order.state, certificates: order.certificates, shipment: order.shipment }, null, 2));
}

const quoted = (words) => words.map((w) => (/[\s'{]/.test(w) ? `'${w}'` : w)).join(' ');

// How to go on: with this desk while it stays up, else with one of one's own.
function goodbye() {
  const dev = `${path.relative(process.cwd(), root) || '.'}/dev`;
  const curlAt = (address) => quoted([path.relative(process.cwd(), buf), ...curl('ChannelService/GetChannel', { channel: 'zheneng' })]).replace(desk.address, address);
  story.print();
  story.print(story.paint('1', 'To look around'));
  if (!keep) {
    story.line('stay', `${dev} demo --keep      this desk, up until Ctrl-C`);
    story.line('server', `${dev} server           a desk of your own; it prints how to log in`);
    story.line('console', `${dev} console          opens the console on that server`);
    story.line('API', curlAt('127.0.0.1:8443'));
    return;
  }
  const { login, password, secret } = desk.staff.demo;
  const env = { CERTDESK_SERVER: desk.address, PCSCLITE_CSOCK_NAME: process.env.PCSCLITE_CSOCK_NAME, ...(build === path.join(root, 'build') ? {} : { CERTDESK_BUILD: build }) };
  story.line('console', `${Object.entries(env).map(([k, v]) => `${k}=${v}`).join(' ')} ${dev} console`);
  story.line('', `login ${login}   password ${password}   one-time code ${totp(secret)} now, later by`);
  story.line('', `node ${path.relative(process.cwd(), path.join(root, 'tests/lib/totp.mjs'))} ${secret}`);
  story.line('API', curlAt(desk.address));
  story.line('outside', `${desk.sandbox.url}/   phones, mails, payments, parcels, for a browser`);
  story.line('log', path.join(desk.dir, 'certdeskd.log'));
}

// For whoever stays: the key is in the post, a blank one is in the reader, and another order waits for review.
async function second() {
  const sim = process.env.UKEY_SIM || path.join(build, 'tests/ukey-sim');
  spawnSync(sim, ['--tell', process.env.UKEY_CONTROL, 'pull']);
  if (process.env.UKEY_CONTROL_2) spawnSync(sim, ['--tell', process.env.UKEY_CONTROL_2, 'insert']);
  await new Walk(desk, { who: company(2), inPerson: true }).to('REVIEW');
  story.print();
  story.print(`A second order waits for review, and the blank UKEY ${NEXT_MEDIUM} is in the reader.`);
}

async function stop() {
  stream?.cancel();
  tui?.close();
  await desk.stop();
}

async function main() {
  const interrupted = new Promise((resolve) => { for (const s of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(s, () => resolve(s)); });
  story.print(story.paint('1', 'certdesk: one certificate, from the first call to the received UKEY'));
  story.print(`Starting certdeskd with its own MariaDB, the simulated providers, a reader with UKEY ${MEDIUM} ...`);
  const walk = new Walk(desk, { tell });
  const all = async () => {
    await desk.start();
    if (keep) desk.addStaff('demo', '演示', 'reviewer,operator,shipper,admin,auditor,finance');
    await (await walk.staff('wang')).RegisterTokens({ medium_numbers: [MEDIUM, NEXT_MEDIUM], model: 'simulated' });
    await applicant(walk);
    await atTheDesk(walk);
    await parcel(walk);
    await holder(walk);
    await afterwards(walk);
    story.print();
    story.print(story.paint('1;32', `Order ${walk.order.id} is ${walk.state}: the UKEY ${MEDIUM} was written, posted as ${PARCEL} and received. ${story.seconds} s.`));
    if (keep) await second();
    goodbye();
  };
  const ended = await Promise.race([all(), interrupted]);
  if (!ended && keep) {
    story.print();
    story.print('The desk stays up. Ctrl-C ends it.');
    await interrupted;
  }
  await stop();
}

if (!process.env.UKEY_CONTROL) {
  process.stderr.write('the demonstration needs a reader: ./dev demo\n');
  process.exit(2);
}
main().then(() => process.exit(0), async (e) => {
  process.stderr.write(`\n${e.stack}\n${e.info ? `${JSON.stringify(e.info)}\n` : ''}${fs.existsSync(path.join(desk.dir, 'certdeskd.log')) ? desk.log().split('\n').slice(-10).join('\n') : ''}\n`);
  await stop();
  process.exit(1);
});
