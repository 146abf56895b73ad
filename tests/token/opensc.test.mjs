// The simulated card is judged by programs that we did not write: OpenSC and yubico-piv-tool use it through a
// real PC/SC daemon as they would use a token from a shop.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, dirname } from 'node:path';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const build = process.env.CERTDESK_BUILD || join(here, '../../build');
const READER = 'Virtual';
const FACTORY_ADMIN = '01:02:03:04:05:06:07:08:01:02:03:04:05:06:07:08:01:02:03:04:05:06:07:08';
let dir;

before(() => {
  dir = mkdtempSync(join(tmpdir(), 'opensc.'));
  writeFileSync(join(dir, 'admin.txt'), FACTORY_ADMIN);
  writeFileSync(join(dir, 'digest'), Buffer.alloc(32, 0x5a));
  run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout',
    'ca.key', '-out', 'ca.pem', '-subj', '/CN=tool CA', '-days', '2']);
});
after(() => rmSync(dir, { recursive: true, force: true }));

function run(argv) {
  const r = spawnSync(argv[0], argv.slice(1), {
    cwd: dir, encoding: 'latin1', timeout: 60000,
    env: { ...process.env, UKEY_SIM: join(build, 'tests/ukey-sim'), PIV_EXT_AUTH_KEY: join(dir, 'admin.txt') },
  });
  return { code: r.status, out: `${r.stdout}${r.stderr}` };
}

// Runs the commands of a shell script one after another on a card with this style and state file. The answer: for
// each command its exit code and output.
function onCard(style, commands, options = '') {
  const script = commands.map((c, i) => `( ${c} ) >out.${i} 2>&1; echo $? >code.${i}`).join('\n');
  const r = run([join(here, '../lib/with-reader'), '--card', `--style ${style} --state ${dir}/card-${style} ${options}`,
    'sh', '-c', script]);
  assert.equal(r.code, 0, r.out);
  return commands.map((c, i) => ({
    command: c,
    code: Number(readFileSync(join(dir, `code.${i}`), 'latin1')),
    out: readFileSync(join(dir, `out.${i}`), 'latin1'),
  }));
}

function allOk(results) {
  for (const r of results) assert.equal(r.code, 0, `${r.command}: ${r.out}`);
  return results.map((r) => r.out);
}

const CERTIFY = 'openssl x509 -new -force_pubkey pub.pem -CA ca.pem -CAkey ca.key -subj /CN=holder -days 1 -out cert.pem';
const ypt = (rest) => `yubico-piv-tool -r ${READER} ${rest}`;

test('yubico-piv-tool makes a key, loads a certificate and verifies a signature', () => {
  const out = allOk(onCard('a', [
    ypt('-a generate -s 9a -A ECCP256 -o pub.pem'),
    CERTIFY,
    ypt('-a import-certificate -s 9a -i cert.pem'),
    ypt('-a verify-pin -P 123456 -a test-signature -s 9a -i cert.pem'),
    ypt('-a status'),
    ypt('-a read-certificate -s 9a -o read.pem'),
  ]));
  assert.match(out[3], /Successful ECDSA verification/);
  assert.match(out[4], /Serial Number:\s+10000001/);
  assert.match(out[4], /Slot 9a:[^]*ECCP256[^]*CN=holder[^]*PIN tries left:\s+3/);
  const der = (file) => run(['openssl', 'x509', '-in', file, '-outform', 'DER']).out;
  assert.equal(der('read.pem'), der('cert.pem'));
});

test('OpenSC finds the card, lists what is on it and reads the certificate', () => {
  const out = allOk(onCard('a', [
    'opensc-tool -n',
    'pkcs11-tool -O',
    'pkcs11-tool --read-object --type cert --id 01 -o read.der',
    'openssl x509 -inform DER -in read.der -noout -subject',
    'pkcs15-tool --list-certificates',
  ]));
  assert.match(out[0], /Personal Identity Verification Card/);
  assert.match(out[1], /Certificate Object; type = X.509 cert[^]*CN=holder/);
  assert.match(out[3], /CN = holder/);
  assert.match(out[4], /Certificate for PIV Authentication/);
});

test('OpenSC logs in and signs; OpenSSL verifies', () => {
  const out = allOk(onCard('a', [
    'pkcs11-tool --login --pin 123456 --sign -m ECDSA --id 01 -i digest -o sig --signature-format openssl',
    'openssl pkeyutl -verify -pubin -inkey pub.pem -in digest -sigfile sig',
    'pkcs11-tool --login --pin 123456 --test',
  ]));
  assert.match(out[1], /Verified Successfully/);
  assert.match(out[2], /No errors/);
});

test('a wrong PIN costs a try, a right one brings it back; PIN and PUK can be changed', () => {
  const r = onCard('a', [
    'pkcs11-tool --login --pin 000000 -O',
    ypt('-a status'),
    'pkcs11-tool --login --pin 123456 --change-pin --new-pin 654321',
    ypt('-a verify-pin -P 123456'),
    ypt('-a verify-pin -P 654321'),
    ypt('-a change-puk -P 12345678 -N 87654321'),
    ypt('-a verify-pin -P 999999'), ypt('-a verify-pin -P 999999'), ypt('-a verify-pin -P 999999'),
    ypt('-a verify-pin -P 654321'),
    ypt('-a unblock-pin -P 87654321 -N 123456'),
    ypt('-a verify-pin -P 123456'),
  ]);
  assert.match(r[0].out, /CKR_PIN_INCORRECT/);
  assert.match(r[1].out, /PIN tries left:\s+2/);
  assert.equal(r[2].code, 0, r[2].out);
  assert.match(r[3].out, /2 tries left/);
  assert.match(r[4].out, /Successfully verified/);
  assert.equal(r[5].code, 0, r[5].out);
  assert.match(r[8].out, /blocked/i);
  assert.notEqual(r[9].code, 0);
  allOk(r.slice(10));
});

test('the management key can be set, and the old one is worth nothing then', () => {
  const fresh = 'a1a2a3a4a5a6a7a8b1b2b3b4b5b6b7b8c1c2c3c4c5c6c7c8';
  const r = onCard('a', [
    'piv-tool -A M:9B:03',
    ypt(`-a set-mgm-key -n ${fresh}`),
    'piv-tool -A M:9B:03',
    ypt('-a delete-certificate -s 9a'),
    ypt(`-k${fresh} -a delete-certificate -s 9a`),
    ypt('-a status'),
  ]);
  allOk([r[0], r[1], r[4], r[5]]);
  assert.match(r[2].out, /admin_mode failed/);
  assert.notEqual(r[3].code, 0);
  assert.doesNotMatch(r[5].out, /CN=holder/);
});

test('style b: OpenSC authenticates with AES-192, loads and reads a certificate, signs', () => {
  const out = onCard('b', [
    'opensc-tool -n',
    'piv-tool -A M:9B:0A -G 9A:11 -o pub.der', // 0.23 cannot encode what it got: the key is read from the card's own
    'pkcs11-tool --read-object --type cert --id 01 -o self.der',
    'opensc-tool -s 00A4040005A00000030800 -s 00F7009A00',
  ]);
  assert.match(out[0].out, /Personal Identity Verification Card/);
  const bytes = [...out[3].out.matchAll(/^((?:[0-9A-F]{2} )+)/gm)].map((m) => m[1]).join('').replaceAll(' ', '');
  const point = bytes.match(/044386 ?4104([0-9A-F]{128})/);
  assert.ok(point, out[3].out);
  const spki = `3059301306072a8648ce3d020106082a8648ce3d03010703420004${point[1]}`;
  writeFileSync(join(dir, 'pub.der'), Buffer.from(spki, 'hex'));
  const signed = allOk(onCard('b', [
    'openssl pkey -pubin -inform DER -in pub.der -out pub.pem',
    CERTIFY,
    'piv-tool -A M:9B:0A -C 9A -i cert.pem; true', // its exit code counts bytes; what is read next is the proof
    'pkcs11-tool --read-object --type cert --id 01 -o read.der',
    'openssl x509 -inform DER -in read.der -noout -subject',
    'pkcs11-tool --login --pin 123456 --sign -m ECDSA --id 01 -i digest -o sig --signature-format openssl',
    'openssl pkeyutl -verify -pubin -inkey pub.pem -in digest -sigfile sig',
  ]));
  assert.match(signed[4], /CN = holder/);
  assert.match(signed[6], /Verified Successfully/);
});

test('style b: the answer to SELECT must be fetched, on which yubico-piv-tool 2.2.0 stumbles', () => {
  const [r] = onCard('b', [ypt('-a status')]);
  assert.notEqual(r.code, 0);
  assert.match(r.out, /Failed to connect/);
});

test('a card that insists on the exact length is as good to OpenSC', () => {
  const out = allOk(onCard('a', ['opensc-tool -n', 'pkcs11-tool --login --pin 123456 -O'], '--exact-le'));
  assert.match(out[0], /Personal Identity Verification Card/);
});
