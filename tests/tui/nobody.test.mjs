// nobody.test.mjs - a server that is not there: the console, its commands and certdesk-ukey say which address, and what is
// the matter with it, in both languages, with gRPC's own words behind.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import net from 'node:net';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { login } from './at-the-desk.mjs';
import { Screen, program } from './screen.mjs';

const NOT_YET = 4;
const ukey = join(dirname(program), 'certdesk-ukey');
const CASES = [
  ['127.0.0.1:1', /nobody answers at 127\.0\.0\.1:1 \(.*Connection refused/, /127\.0\.0\.1:1 无人应答（.*Connection refused/],
  ['unix:/nowhere/certdesk.sock', /nobody answers at unix:\/nowhere\/certdesk\.sock \(.*No such file/, /unix:\/nowhere\/certdesk\.sock 无人应答（/],
  ['certdesk.invalid:8443', /there is no host of the name in certdesk\.invalid:8443 \(/, /找不到 certdesk\.invalid:8443 中的主机（/],
];

function run(file, args, server, lang) {
  return new Promise((resolve) => {
    const p = spawn(file, args, { env: { ...process.env, CERTDESK_SERVER: server, CERTDESK_LANG: lang } });
    let err = '';
    p.stderr.setEncoding('utf8').on('data', (b) => { err += b; });
    p.on('close', (code) => resolve({ code, err }));
    p.stdin.end('token\n');
  });
}

for (const [server, en, zh] of CASES) test(`the commands: ${server}`, async () => {
  for (const [lang, words] of [['en', en], ['zh_CN', zh]])
    for (const [file, ...args] of [[program, '--token-stdin', 'whoami'], [program, '--token-stdin', 'queues'], [ukey, '--session', '-', 'bindings']]) {
      const r = await run(file, args, server, lang);
      assert.match(r.err, words);
      assert.equal(r.code, NOT_YET);
      assert.doesNotMatch(r.err, /cannot happen twice|不会重复执行/); // a command asks under a new id each time
    }
});

// The box of the console breaks lines, so blanks are not looked at.
for (const [lang, asks, words] of [['en', 'Authenticator code', 'nobody answers at 127.0.0.1:1'], ['zh_CN', '动态验证码', '127.0.0.1:1 无人应答']])
  for (const [cols, rows] of [[80, 24], [132, 40]]) test(`the console: ${lang} ${cols}x${rows}`, async () => {
    const s = await Screen.start({ cols, rows, env: { CERTDESK_SERVER: '127.0.0.1:1', CERTDESK_LANG: lang } });
    try {
      await login(s, undefined, undefined, asks);
      await s.see((t) => t.replace(/[\s│]/g, '').includes(words.replaceAll(' ', '')));
      await s.see((t) => t.replace(/[\s│]/g, '').includes('Connectionrefused'));
    } finally { s.stop(); }
  });

test('who hangs up, and who speaks something else, is named too', async () => {
  const server = net.createServer((c) => { c.on('error', () => {}); c.end('HTTP/1.1 400 Bad Request\r\n\r\n'); });
  await new Promise((r) => server.listen(0, '127.0.0.1', r));
  const address = `127.0.0.1:${server.address().port}`;
  try {
    const r = await run(program, ['--token-stdin', 'whoami'], address, 'en');
    assert.match(r.err, new RegExp(`(what is at|nobody answers at|broke off:) ${address.replaceAll('.', '\\.')} `));
    assert.equal(r.code, NOT_YET);
  } finally { server.close(); }
});
