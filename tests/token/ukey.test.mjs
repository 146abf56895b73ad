// certdesk-ukey at a real daemon, with a token that other programs prepared; and with-reader, which leaves nothing
// behind however it ends.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, dirname } from 'node:path';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { columns } from '../tui/screen.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const build = process.env.CERTDESK_BUILD || join(here, '../../build');
const withReader = join(here, '../lib/with-reader');
let dir;
const env = () => ({ ...process.env, LC_ALL: 'C', UKEY_SIM: join(build, 'tests/ukey-sim'), UKEY: join(build, 'tui/certdesk-ukey') });

before(() => { dir = mkdtempSync(join(tmpdir(), 'ukey.')); });
after(() => rmSync(dir, { recursive: true, force: true }));

function sh(script) {
  const r = spawnSync(withReader, ['--card', `--state ${dir}/card --serial 30000003`, '--card', '--out', 'sh', '-c', script],
    { cwd: dir, env: env(), encoding: 'latin1', timeout: 60000 });
  return { code: r.status, out: r.stdout, err: r.stderr };
}

test('an empty token says so', () => {
  const r = sh('$UKEY list; $UKEY info; $UKEY cert');
  assert.match(r.out, /^card\tVirtual PCD 00 00$/m);
  assert.match(r.out, /^empty\tVirtual PCD 00 01$/m);
  assert.match(r.out, /medium number +30000003/);
  assert.match(r.out, /PIN +3 tries left, factory value/);
  assert.match(r.out, /certificate +none/);
  assert.match(r.err, /no certificate on the UKEY/);
  assert.equal(r.code, 2);
});

test('a written token gives its certificate and signs; openssl agrees', () => {
  writeFileSync(join(dir, 'text'), 'what is signed\n');
  const r = sh(`set -e
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -subj /CN=CA 2>/dev/null
    yubico-piv-tool -r Virtual -a generate -s 9a -A ECCP256 -o pub.pem
    openssl x509 -new -force_pubkey pub.pem -CA ca.pem -CAkey ca.key -subj /CN=holder -days 1 -out cert.pem
    yubico-piv-tool -r Virtual -a import-certificate -s 9a -i cert.pem
    $UKEY cert >read.pem
    cmp cert.pem read.pem
    openssl verify -CAfile ca.pem read.pem
    echo 123456 | $UKEY sign text --pin-fd 0 >sig
    openssl x509 -in read.pem -noout -pubkey >read.pub
    openssl dgst -sha256 -verify read.pub -signature sig text
    $UKEY info`);
  assert.equal(r.code, 0, r.out + r.err);
  assert.match(r.out, /Verified OK/);
  assert.match(r.out, /certificate +\d+ bytes, P-256/);
});

test('a wrong PIN is tried once and counted', () => {
  const r = sh('echo 000000 | $UKEY sign text --pin-fd 0; echo 1234 | $UKEY sign text --pin-fd 0; $UKEY info');
  assert.match(r.err, /the PIN is wrong; 2 tries left/);
  assert.match(r.err, /a PIN has 6 to 8/);
  assert.match(r.out, /PIN +2 tries left/);
});

// What is left are names: of commands, options, readers, algorithms.
test('in Chinese all of it is Chinese, its columns one under the other', () => {
  const r = sh(`export LC_ALL=zh_CN.UTF-8
    $UKEY info; $UKEY --slot b cert; $UKEY --slot b info; echo 000000 | $UKEY sign text --pin-fd 0; echo 1234 | $UKEY sign text --pin-fd 0; $UKEY sign text --pin-fd 9
    echo 123456 | $UKEY sign /no/such --pin-fd 0; $UKEY --frob info; $UKEY login; echo x | $UKEY --server 127.0.0.1:1 --csr text --session - download ord_1; $UKEY --server x bindings`);
  const [out, err] = [r.out, r.err].map((t) => Buffer.from(t, 'latin1').toString());
  assert.match(out, /^介质号 +30000003$/m);
  assert.match(out, /^证书密码 +剩余\d次，出厂值$/m);
  assert.match(out, /^管理密钥 +出厂值$/m);
  assert.match(out, /^证书 +\d+ 字节，P-256$/m);
  assert.match(out, /^证书 +无$/m);
  assert.doesNotMatch(out.replace(/GUID|PUK|piv|P-256|[0-9a-f]{32}/g, ''), /[A-Za-z]{2}/);
  const at = (l) => columns(/^(\S+ +)/.exec(l)[1]);
  for (const l of out.trim().split('\n')) assert.equal(at(l), 18, l);
  for (const words of [/UKEY中没有证书/, /证书密码错误，还可尝试1次/, /证书密码还可尝试1次/, /证书密码为6至8位字母、数字或符号/, /未输入证书密码/, /\/no\/such 无法读取/, /选项有误，或缺少参数：--frob/, /请用 --server 指定服务器地址/, /请用 --session/])
    assert.match(err, words);
  const own = err.split('\n').filter((l) => l.startsWith('certdesk-ukey: '));
  assert.ok(own.length >= 9, err);
  for (const l of own) assert.doesNotMatch(l.replace(/certdesk-ukey|CERTDESK_SERVER|UKEY|PIV|MiB|--[a-z]+|\/no\/such|127\.0\.0\.1:1|（.*）/g, ''), /[A-Za-z]{2}/, l);
});

const alive = (mark) => readdirSync('/proc').filter((p) => /^\d+$/.test(p)).filter((p) => {
  try {
    return readFileSync(`/proc/${p}/cmdline`, 'latin1').includes(mark);
  } catch {
    return false;
  }
});

async function until(what) {
  for (const end = Date.now() + 10000; Date.now() < end;) {
    if (what()) return true;
    await new Promise((done) => { setTimeout(done, 20); });
  }
  return false;
}

for (const signal of ['SIGKILL', 'SIGTERM', 'SIGINT']) {
  test(`with-reader ended by ${signal} leaves neither process nor file`, async () => {
    const child = spawn(withReader, ['sh', '-c', 'echo $UKEY_DIR; exec cat'], { env: env(), stdio: ['pipe', 'pipe', 'inherit'] });
    const reader = await new Promise((done) => { child.stdout.once('data', (d) => done(d.toString().trim())); });
    assert.ok(existsSync(join(reader, 'run/pcscd.comm')));
    assert.ok(alive(reader).length >= 2); // pcscd and the card
    child.kill(signal);
    assert.ok(await until(() => alive(reader).length === 0 && !existsSync(reader)), `${alive(reader)} ${existsSync(reader)}`);
  });
}
