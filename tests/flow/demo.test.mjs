// ./dev demo and ./dev server as a person runs them: to their end, and nothing is left running.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { freePort, root, until } from '../lib/desk.mjs';

// A program whose output is looked at while it runs.
function start(command, args, env = {}) {
  const child = spawn(command, args, { cwd: root, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const p = { text: '', child };
  for (const s of [child.stdout, child.stderr]) s.on('data', (d) => { p.text += d; });
  p.ended = new Promise((resolve) => { child.once('close', (code, signal) => resolve(signal ?? code)); });
  p.see = (what, ms) => Promise.race([until(`${what} in\n${p.text}`, () => what.test(p.text) && what.exec(p.text), ms),
    p.ended.then((code) => what.exec(p.text) || assert.fail(`ended with ${code}\n${p.text}`))]);
  return p;
}

const alive = (mark) => spawnSync('pgrep', ['-af', mark], { encoding: 'utf8' }).stdout;

test('the demonstration shows every step, stays up while asked to, and leaves nothing', { timeout: 120000 }, async () => {
  const p = start('tests/lib/with-reader', ['--card', '--serial 10000001', '--card', '--serial 10000002 --out', process.execPath, 'tests/flow/demo.mjs', '--keep']);
  let dir;
  try {
    await p.see(/Ctrl-C ends it/, 100000);
    for (const what of [/state +SUBJECT -> SUBJECT_VERIFYING/, /SMS +138\*{4}0001 .*验证码/, /mail +.*证书订单已支付/, /weixin:\/\//, /▄▄▄/, /│.*待审核 +1 /, /资料 - 营业执照/,
      /完成 +11 +完成/, /快递单号 +SF1000000001/, /state +SHIPPED -> FINISHED/, /ukey\.pem: OK/, /Verified/, /intact/, /ORDER_STATE_FINISHED/, /is FINISHED/, /console .*CERTDESK_SERVER=/, /buf curl/])
      assert.match(p.text, what);
    assert.ok(!p.text.includes('\x1b'), 'no colours into a pipe');
    const pin = /密码为(\d{8})/.exec(p.text)[1];
    for (const line of p.text.split('\n').filter((l) => l.includes('│'))) assert.ok(!line.includes(pin), line); // told by SMS alone
    dir = /log +(\S+)\/certdeskd\.log/.exec(p.text)[1];
    assert.match(alive(dir), /mariadbd/);
  } finally {
    p.child.kill('SIGINT');
  }
  assert.equal(await p.ended, 0, p.text);
  assert.equal(alive(dir), '');
  assert.ok(!fs.existsSync(dir));
});

test('a server of one\'s own keeps its state and its people from one start to the next', { timeout: 120000 }, async () => {
  const state = fs.mkdtempSync(path.join(os.tmpdir(), 'serve-'));
  const [port, callback, sandbox] = [await freePort(), await freePort(), await freePort()];
  const said = [];
  try {
    for (let i = 0; i < 2; i++) {
      const p = start(process.execPath, ['tests/lib/serve.mjs', '--port', port, '--callback-port', callback, '--sandbox-port', sandbox].map(String), { CERTDESK_STATE: state });
      try {
        const [, login, password, secret] = await p.see(/login (\S+) +password (\S+)[^]*totp\.mjs ([A-Z2-7]+)[^]*Ctrl-C ends it/, 60000);
        const code = spawnSync(process.execPath, ['tests/lib/totp.mjs', secret], { cwd: root, encoding: 'utf8' }).stdout.trim();
        const env = { ...process.env, CERTDESK_SERVER: `127.0.0.1:${port}`, CERTDESK_LANG: 'en', XDG_STATE_HOME: path.join(state, `home${i}`) };
        const tui = path.join(process.env.CERTDESK_BUILD || path.join(root, 'build'), 'tui/certdesk');
        if (i === 0) assert.equal(spawnSync(tui, ['login', '--user', login, '--totp', code], { env, input: `${password}\n`, encoding: 'utf8' }).stderr, '');
        said.push([login, password, secret].join());
      } finally {
        p.child.kill('SIGINT');
      }
      assert.equal(await p.ended, 0, p.text);
      assert.equal(alive(state), '');
    }
    assert.equal(said[0], said[1]);
  } finally {
    fs.rmSync(state, { recursive: true, force: true });
  }
});
