// certdesk-ukey download, as its holder uses it: an organization's certificate onto a simulated UKEY behind a real PC/SC
// daemon, interrupted and run again; a cloud certificate for a key service's request (S25). openssl judges what came.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { Desk, build, until } from '../lib/desk.mjs';
import { ChannelWalk } from './channel_walk.mjs';
import { YUNQI, importGenerous } from './channels.mjs';
import { reader } from './console.mjs';
import { company } from './people.mjs';
import { SoftKey, openssl, verifyChain, verifySignature } from './softkey.mjs';
import { Walk } from './walk.mjs';

const PIN = '123456'; // as the card comes from its maker
let desk;
before(async () => {
  desk = await new Desk().start();
  await desk.sim('/sim/config', { callback_scale: 0.001 });
  importGenerous(desk, YUNQI);
});
after(async () => desk?.stop());

const ders = (pem) => pem.split(/(?<=-----END CERTIFICATE-----\n)/).map((p) => new X509Certificate(p).raw);

// Beside the server, which this process talks to meanwhile: {code, out, err}.
function run(args, { input = '', env = {}, lang = 'C' } = {}) {
  const child = spawn(path.join(build, 'tui/certdesk-ukey'), args, { env: { ...process.env, LC_ALL: lang, CERTDESK_SERVER: desk.address, XDG_STATE_HOME: path.join(desk.dir, 'home'), ...env } });
  const said = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (d) => { said.out += d; });
  child.stderr.setEncoding('utf8').on('data', (d) => { said.err += d; });
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, ...said })));
}
const good = (r) => { assert.equal(r.code, 0, r.err); return r; };
const bad = (r, pattern, code = 1) => { assert.equal(r.code, code, r.err); assert.match(r.err, pattern); return r; };

function session(w) {
  const file = path.join(desk.dir, `session-${w.order.id}`);
  fs.writeFileSync(file, `${w.token}\n`, { mode: 0o600 });
  return file;
}

for (const [style, n] of [['a', 81], ['b', 85]]) describe(`a UKEY of style ${style}`, () => {
  const MEDIUM = `300000${n}`;
  let card, w, memory;
  const organization = (k) => ChannelWalk.of(desk, { channel: 'yunqi', who: company(k), method: 'BANK_FOUR_FACTOR', inPerson: true });
  const download = (o = w, { pin = PIN, lang, args = [] } = {}) => run(['--pin-fd', '0', '--session', session(o), ...args, 'download', o.order.id], { input: `${pin}\n`, env: card.env, lang });
  const tell = (order) => execFileSync(path.join(build, 'tests/ukey-sim'), ['--tell', card.env.UKEY_CONTROL, order], { encoding: 'utf8' });
  const info = async () => good(await run(['info'], { env: card.env })).out;

  before(async () => {
    card = await reader(`--serial ${MEDIUM} --style ${style}`);
    w = await organization(n);
    await w.to('REVIEW');
    memory = path.join(desk.dir, 'home/certdesk', `download-${w.order.id}`);
  });
  after(async () => card?.stop());

  test('before the review is done it says so, and makes nothing', async () => {
    bad(await download(), /cannot be downloaded now: it is in state REVIEW/);
    bad(await download(w, { lang: 'zh_CN.UTF-8' }), /订单当前不能下载证书（状态：待审核）/);
    assert.ok(!fs.existsSync(memory));
    await w.to('DOWNLOAD');
  });

  test('a wrong PIN makes nothing, and is counted', async () => {
    bad(await download(w, { pin: '999999' }), /the PIN is wrong; 2 tries left/);
    bad(await download(w, { pin: '888888', lang: 'zh_CN.UTF-8' }), /证书密码错误，还可尝试1次/);
    assert.ok(!fs.existsSync(memory));
  });

  // The daemon looks now and then: it has to see that the card was away, and that it is back.
  const shows = (word) => until(`the reader ${word}`, async () => (await run(['list'], { env: card.env })).out.startsWith(`${word}\t`));
  const insert = async () => {
    await shows('empty');
    tell('insert');
    await shows('card');
  };

  test('the card is pulled when its key was made: run again, it is that key', async () => {
    tell(`fault pull-after:47:${style === 'a' ? 1 : 2}`); // style b is asked for SM2 first, which it does not have
    bad(await download(), /making the key\n.*the UKEY went away in the middle of a command/);
    assert.match(fs.readFileSync(memory, 'latin1'), /^a [0-9a-f]+\n$/);
    assert.equal((await w.refresh()).state, 'ORDER_STATE_DOWNLOAD');
  });

  test('the card is pulled while the certificate is written: run again, it finishes with the same key', async () => {
    await insert();
    tell('fault pull-after:DB:2');
    const first = bad(await download(), /the UKEY went away in the middle of a command/);
    assert.doesNotMatch(first.err, /making the key/);
    assert.equal((await w.refresh()).state, 'ORDER_STATE_FINISHED');
    await shows('empty');
    bad(await download(w, { lang: 'zh_CN.UTF-8', args: ['--reader', 'Virtual PCD 00 00'] }), /UKEY 已拔出/);
    await insert();
    const r = good(await download());
    assert.match(r.err, new RegExp(`the certificate is on the UKEY: medium number ${MEDIUM}, slot a`));
    assert.doesNotMatch(r.err, /making the key/);
    assert.match(r.err, /the PIN is still the factory's/);
    assert.ok(!fs.existsSync(memory), 'nothing is left to be remembered');
    const { certificates } = await w.call.ListCertificates({});
    assert.deepEqual(certificates.map((c) => [c.medium, c.medium_number]), [['MEDIUM_UKEY', MEDIUM]]);
  });

  test('openssl verifies the certificate against the chain, and what it signs', async () => {
    const [der] = ders(good(await run(['cert'], { env: card.env })).out);
    const { certificate, chain_der: chain } = await w.call.GetCertificate({ certificate_id: w.order.certificates[0].certificate_id });
    assert.deepEqual(der, Buffer.from(certificate.der));
    const sm2 = style === 'a';
    assert.match(verifyChain(desk.dir, der, chain, sm2), /: OK/);
    const text = path.join(desk.dir, 'text'), sig = path.join(desk.dir, 'sig');
    fs.writeFileSync(text, 'what is signed');
    const signed = spawn('sh', ['-c', '"$0" --pin-fd 0 sign "$1" > "$2"', path.join(build, 'tui/certdesk-ukey'), text, sig], { env: { ...process.env, ...card.env }, stdio: ['pipe', 'ignore', 'inherit'] });
    signed.stdin.end(`${PIN}\n`);
    assert.equal(await new Promise((resolve) => signed.once('close', resolve)), 0);
    assert.match(verifySignature(desk.dir, der, 'what is signed', fs.readFileSync(sig), sm2), /OK|Success/);
  });

  test('run once more it proves the certificate, and changes nothing', async () => {
    const was = await info();
    assert.match(good(await download()).err, /the certificate was on the UKEY/);
    assert.match(good(await download(w, { lang: 'zh_CN.UTF-8' })).err, /证书已在UKEY中：介质号/);
    assert.equal(await info(), was);
  });

  test('it is bound, and logs in', async () => {
    good(await run(['--pin-fd', '0', '--session', session(w), 'bind'], { input: `${PIN}\n`, env: card.env }));
    good(await run(['--pin-fd', '0', '--channel', 'yunqi', 'login'], { input: `${PIN}\n`, env: card.env }));
  });

  test('another order of the account goes into the other slot; a third has no room', async () => {
    const [second, third] = [await organization(n + 1), await organization(n + 2)];
    for (const o of [second, third]) {
      Object.assign(o, { token: w.token, call: w.call, register: async () => {} });
      await o.to('DOWNLOAD');
    }
    assert.match(good(await download(second)).err, /slot b/);
    bad(await download(third, { lang: 'zh_CN.UTF-8' }), /UKEY中没有空闲的密钥槽/);
    assert.equal((await third.refresh()).state, 'ORDER_STATE_DOWNLOAD');
  });

  test('another account\'s order is none for this session', async () => {
    const other = await organization(n + 3);
    await other.to('DOWNLOAD');
    const r = await run(['--pin-fd', '0', '--session', session(w), 'download', other.order.id], { input: `${PIN}\n`, env: card.env });
    bad(r, /there is no such order/, 2);
  });
});

test('a cloud certificate is made for a request, and comes with its chain', async () => {
  const w = await ChannelWalk.of(desk, { channel: 'yunqi', who: company(91), individual: true });
  await w.to('DOWNLOAD');
  const key = new SoftKey(desk.dir, 'service'), csr = path.join(desk.dir, 'service.csr');
  fs.writeFileSync(csr, openssl(['req', '-inform', 'DER'], key.csr()));
  const download = (...args) => run(['--session', session(w), ...args, 'download', w.order.id]);
  bad(await download(), /say --csr FILE/, 2);
  bad(await run(['--session', session(w), 'download', w.order.id], { lang: 'zh_CN.UTF-8' }), /该订单为云证书/, 2);
  bad(await download('--csr', '/dev/null'), /a request has 1 to/, 2);
  const { out } = good(await download('--csr', csr));
  const [der, ...chain] = ders(out);
  assert.equal(chain.length, 2);
  assert.match(verifyChain(desk.dir, der, chain, false), /: OK/);
  assert.match(verifySignature(desk.dir, der, 'x', key.sign('x')), /OK/);
  assert.equal((await w.refresh()).state, 'ORDER_STATE_FINISHED');
  assert.equal(good(await download('--csr', csr)).out, out, 'again the same');
  const other = path.join(desk.dir, 'other.csr');
  fs.writeFileSync(other, new SoftKey(desk.dir, 'other').csr());
  bad(await download('--csr', other), /the order's certificate is for another key/);
});

test('what the desk posts is not downloaded', async () => {
  const w = new Walk(desk, { who: company(92) });
  await w.to('ISSUE');
  bad(await run(['--session', session(w), 'download', w.order.id]), /written and posted by the desk/);
});
