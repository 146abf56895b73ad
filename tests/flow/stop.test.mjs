// Starting and stopping when things are not as they should be: a frozen database, none at all, a second server, a folder or
// port that cannot be had. What is wrong is said in words, and a stop is a stop.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { Desk, certdeskd, freePort, until } from '../lib/desk.mjs';

let desk;
before(async () => {
  desk = new Desk();
  desk.port = await freePort();
  desk.callbackPort = await freePort();
  await desk.startSandbox();
  desk.writeConfig();
  await desk.startServer();
});
const others = [];
after(async () => {
  for (const child of others) child.kill('SIGKILL');
  await desk?.stop();
});

// Another certdeskd with settings of its own; resolves when it has ended.
function other(settings, command = 'serve') {
  const file = path.join(desk.dir, `other-${Math.random()}.ini`);
  fs.writeFileSync(file, settings);
  const child = spawn(certdeskd, ['--config', file, command], { stdio: ['ignore', 'pipe', 'pipe'], env: desk.env });
  others.push(child);
  const out = { child, text: '' };
  child.stdout.on('data', (d) => { out.text += d; });
  child.stderr.on('data', (d) => { out.text += d; });
  out.ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal, text: out.text })));
  return out;
}

const mariadbd = () => Number(fs.readFileSync(path.join(desk.state, 'db/mariadbd.pid'), 'utf8'));

async function within(ms, promise) {
  let timer;
  const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error(`not within ${ms} ms`)), ms); });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

test('/healthz says whether the database answers', async () => {
  const healthz = () => fetch(`http://127.0.0.1:${desk.callbackPort}/healthz`).then((r) => r.status);
  assert.equal(await healthz(), 200);
  process.kill(mariadbd(), 'SIGSTOP');
  try {
    await until('503', async () => (await healthz()) === 503);
  } finally {
    process.kill(mariadbd(), 'SIGCONT');
  }
  await until('200 again', async () => (await healthz()) === 200);
});

test('a stop while the database is frozen ends well', async () => {
  process.kill(mariadbd(), 'SIGSTOP');
  desk.server.kill('SIGTERM');
  const ended = await within(60000, desk.ended);
  assert.deepEqual(ended, { code: 0, signal: null }, desk.log().split('\n').slice(-40).join('\n'));
  assert.doesNotMatch(desk.log(), /AddressSanitizer/);
  await desk.startServer();
});

test('a terminal that is closed ends it as well as SIGTERM does', async () => {
  desk.asked = desk.server;
  desk.server.kill('SIGHUP');
  assert.deepEqual(await within(60000, desk.ended), { code: 0, signal: null });
  await desk.startServer();
});

test('a second server on the same folder is refused', async () => {
  const second = other(fs.readFileSync(desk.config, 'utf8').replace(/listen = .*/, `listen = 127.0.0.1:${await freePort()}`).replace(/callback_listen = .*/, `callback_listen = 127.0.0.1:${await freePort()}`));
  const { code, text } = await within(60000, second.ended);
  assert.equal(code, 1, text);
  assert.match(text, /another certdeskd/);
  assert.equal(desk.server.exitCode, null);
});

test('a server that waits for its database can be stopped', async () => {
  const waiting = other(`[server]\nstate_dir = ${path.join(desk.dir, 'waiting')}\n[database]\nsocket = ${path.join(desk.dir, 'nobody.sock')}\n`);
  await until('it to wait', () => /Can't connect|database/.test(waiting.text));
  waiting.child.kill('SIGTERM');
  const { code, signal } = await within(60000, waiting.ended);
  assert.deepEqual({ code, signal }, { code: 0, signal: null }, waiting.text);
});

test('settings that cannot work are named', async () => {
  const base = `[server]\nstate_dir = ${path.join(desk.dir, 'wrong')}\nlisten = 127.0.0.1:0\ncallback_listen = 127.0.0.1:0\n[database]\nsocket = ${path.join(desk.state, 'db/db.sock')}\n`;
  const wrong = {
    'server.no_such_thing': `${base}[server]\nno_such_thing = 1\n`,
    'server.workers': `${base}[server]\nworkers = many\n`,
    'sms.tencent.secret_key': `${base}[sms.tencent]\nsecret_key_file = /nowhere\n`,
    'sms.tencent.secret_id': `${base}[sms.tencent]\nsms_sign_name = x\n`,
    'sms.nobody': `${base}[sms.nobody]\nsecret_id = x\n`,
    'nowhere.pem': `${base}[server]\ntls_certificate = /nowhere.pem\ntls_key = /nowhere.pem\n`,
    'state_dir': '[server]\nlisten = 127.0.0.1:0\n',
    'folder /proc/none': '[server]\nstate_dir = /proc/none\n',
    'callback_listen': `${base}[server]\ncallback_listen = 127.0.0.1:${desk.callbackPort}\n`,
    [`127.0.0.1:${desk.port}`]: `${base}[server]\nlisten = 127.0.0.1:${desk.port}\n`,
    '0.0.0.0': `${base}[server]\nlisten = 0.0.0.0:0\n`,
  };
  for (const [name, settings] of Object.entries(wrong)) {
    const { code, signal, text } = await within(60000, other(settings).ended);
    assert.deepEqual({ code, signal }, { code: 1, signal: null }, `${name}: ${text}`);
    assert.ok(text.includes(name), `${name}: ${text}`);
    assert.doesNotMatch(text, /Sanitizer/);
  }
});
