// TLS and mutual TLS, right and wrong, with certificates made here by openssl.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import grpc from '@grpc/grpc-js';
import { TestServer, load, unary, until } from './harness.mjs';

const { TestService } = load('grpc/testing/test.proto').grpc.testing;
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'rpc-tls-'));
const file = name => path.join(dir, name);
const read = name => fs.readFileSync(file(name));
const openssl = (...args) => execFileSync('openssl', args, { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'] });

function ca(name) {
  openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
    '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.pem`);
}

function leaf(name, issuer, san, days = '2') {
  openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', `/CN=${name}`,
    '-keyout', `${name}.key`, '-out', `${name}.csr`);
  fs.writeFileSync(file(`${name}.ext`), `subjectAltName=${san}\n`);
  openssl('x509', '-req', '-in', `${name}.csr`, '-CA', `${issuer}.pem`, '-CAkey', `${issuer}.key`, '-days', days,
    '-CAcreateserial', '-extfile', `${name}.ext`, '-out', `${name}.pem`);
}

let plainTls, mutual;
before(async () => {
  ca('ca');
  ca('stranger-ca');
  leaf('server', 'ca', 'DNS:localhost,IP:127.0.0.1');
  leaf('partner', 'ca', 'DNS:partner.example');
  leaf('stranger', 'stranger-ca', 'DNS:stranger.example');
  leaf('expired', 'ca', 'DNS:partner.example', '-1');
  const own = ['-c', file('server.pem'), '-k', file('server.key')];
  plainTls = await TestServer.start(own);
  mutual = await TestServer.start([...own, '-C', file('ca.pem')]);
});
after(async () => {
  for (const s of [plainTls, mutual]) assert.equal(await s?.stop(), 0, s?.stderr);
  fs.rmSync(dir, { recursive: true });
});

async function ask(server, credentials, options = {}) {
  const client = new TestService(server.address, credentials, options);
  const m = new grpc.Metadata();
  m.set('x-test-peer', '1');
  try {
    return (await unary(client, 'UnaryCall', {}, m, { deadline: Date.now() + 5000 })).response.username;
  } finally {
    client.close();
  }
}
const refused = promise => assert.rejects(promise, { code: grpc.status.UNAVAILABLE });
const ssl = (root, key, cert) => grpc.credentials.createSsl(read(root), key && read(key), cert && read(cert));

test('TLS: the server proves itself', async () => {
  assert.equal(await ask(plainTls, ssl('ca.pem')), 'none');
});
test('TLS: a server of another CA is refused by the client', () => refused(ask(plainTls, ssl('stranger-ca.pem'))));
test('TLS: a wrong name is refused by the client', () => refused(ask(plainTls, ssl('ca.pem'),
  { 'grpc.ssl_target_name_override': 'elsewhere.example' })));
test('TLS: a plain client gets nothing', async () => {
  await assert.rejects(ask(plainTls, grpc.credentials.createInsecure()));
});

test('mutual TLS: the handler sees the certificate', async () => {
  const pem = await ask(mutual, ssl('ca.pem', 'partner.key', 'partner.pem'));
  fs.writeFileSync(file('seen.pem'), pem);
  assert.deepEqual(openssl('x509', '-in', 'seen.pem', '-outform', 'DER'),
    openssl('x509', '-in', 'partner.pem', '-outform', 'DER'));
  await until(() => mutual.lines.some(l => l.startsWith('opened')), 'the line about it'); // those below count lines
});
for (const [what, name] of [['a certificate of another CA', 'stranger'], ['an expired certificate', 'expired'],
  ['no certificate', null]]) {
  test(`mutual TLS: ${what} is refused`, async () => {
    const runs = () => mutual.lines.filter(l => l.startsWith('opened')).length;
    const opened = runs();
    await assert.rejects(ask(mutual, ssl('ca.pem', name && `${name}.key`, name && `${name}.pem`)));
    assert.equal(runs(), opened, 'a handler ran');
  });
}
test('mutual TLS: the right one still gets in', async () => {
  assert.match(await ask(mutual, ssl('ca.pem', 'partner.key', 'partner.pem')), /BEGIN CERTIFICATE/);
});

test('a key that does not fit is refused at the start', async () => {
  await assert.rejects(TestServer.start(['-c', file('server.pem'), '-k', file('partner.key')]), /did not start/);
  await assert.rejects(TestServer.start(['-c', file('server.pem')]), /needs both/);
});
