// certdesk-ukey as its holder uses it: a simulated UKEY behind a real PC/SC daemon is bound to an account, logs in, and is
// unbound (S3, S4).
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { Desk, build, totp } from '../lib/desk.mjs';
import { reader } from './console.mjs';
import { CHANNEL, Walk } from './walk.mjs';

const MEDIUM = '30000077';

// Style a has SM2 on the card; style b has P-256 alone.
for (const style of ['a', 'b']) describe(`a UKEY of style ${style}`, () => {
  let card, desk, walk, pin, file;

  // Beside the server, which this process talks to meanwhile: {code, out, err}.
  function run(program, args, input = '', lang = 'C') {
    const child = spawn(path.join(build, 'tui', program), args, { env: { ...process.env, LC_ALL: lang, CERTDESK_SERVER: desk.address, ...card.env } });
    const said = { out: '', err: '' };
    child.stdout.on('data', (d) => { said.out += d; });
    child.stderr.on('data', (d) => { said.err += d; });
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    return new Promise((resolve) => child.once('close', (code) => resolve({ code, ...said })));
  }
  const holder = (...args) => run('certdesk-ukey', ['--pin-fd', '0', ...args], `${pin}\n`);
  const chinese = (...args) => run('certdesk-ukey', ['--pin-fd', '0', ...args], `${pin}\n`, 'zh_CN.UTF-8');
  const good = (r) => { assert.equal(r.code, 0, r.err); return r.out; };

  before(async () => {
    card = await reader(`--serial ${MEDIUM} --style ${style}`);
    desk = await new Desk().start();
    const { login, password, secret } = desk.staff.wang;
    const { token } = await desk.caller().LoginStaff({ login, password, totp: totp(secret) });
    desk.sessions = { wang: desk.caller(token) };
    walk = new Walk(desk);
    await walk.to('ISSUE');
    await desk.sessions.wang.RegisterTokens({ medium_numbers: [MEDIUM], model: 'sim' });
    good(await run('certdesk', ['--token-stdin', 'issue', walk.order.id], token));
    await walk.reach('SHIP');
    pin = /密码为(\d+)/.exec(await walk.read(walk.who.legalRep.phone, /密码为/))[1];
    file = path.join(desk.dir, 'session');
    fs.writeFileSync(file, `${walk.token}\n`, { mode: 0o600 });
  });
  after(async () => {
    await desk?.stop();
    await card?.stop();
  });

  test('not bound, it does not log in', async () => {
    const r = await holder('--channel', CHANNEL, 'login');
    assert.equal(r.code, 1);
    assert.match(r.err, /this UKEY is not bound to an account/);
    assert.equal(r.out, '');
  });

  test('it is bound with its PIN and the session of its holder', async () => {
    const said = good(await holder('--session', file, 'bind'));
    assert.match(said, new RegExp(`^${walk.order.certificates[0].certificate_id}\t${MEDIUM}\t20`));
    assert.equal(good(await holder('--session', file, 'bindings')), said);
    assert.match((await desk.sms(walk.who.account.phone, /已绑定/)).text, new RegExp(MEDIUM));
  });

  test('it logs in; the session is printed, or kept where its owner alone can read it', async () => {
    const r = await holder('--channel', CHANNEL, 'login');
    const token = good(r).trim();
    assert.match(r.err, /^logged in as user\d{10} until 20/m);
    assert.equal((await desk.caller(token).GetAccount()).account.phone, '136****0001');
    const kept = path.join(desk.dir, 'kept');
    const again = await chinese('--channel', CHANNEL, '--session', kept, 'login');
    assert.equal(good(again), '');
    assert.match(again.err, /^已登录：user\d{10}，有效期至 20[\d: +-]+$/m);
    assert.equal(fs.statSync(kept).mode & 0o777, 0o600);
    assert.equal((await desk.caller(fs.readFileSync(kept, 'utf8').trim()).ListOrders({})).orders[0].id, walk.order.id);
    fs.rmSync(kept);
  });

  test('a wrong PIN logs nobody in', async () => {
    const r = await run('certdesk-ukey', ['--pin-fd', '0', '--channel', CHANNEL, 'login'], '00000000\n');
    assert.equal(r.code, 1);
    assert.match(r.err, /the PIN is wrong; \d+ tries left/);
  });

  test('what is missing is said', async () => {
    assert.match((await holder('login')).err, /say --channel/);
    assert.match((await holder('bindings')).err, /say --session/);
    assert.match((await holder('--session', '/dev/null', 'bindings')).err, /holds no session/);
    assert.match((await chinese('login')).err, /请用 --channel/);
    assert.match((await chinese('--session', '/dev/null', 'bindings')).err, /\/dev\/null 中没有会话$/m);
    assert.match((await run('certdesk-ukey', ['--session', '-', 'bindings'], 'not-a-session\n')).err, /log in first/);
    assert.equal((await holder('unbind')).code, 2);
  });

  test('unbound, it does not log in any more', async () => {
    const { certificate_id } = walk.order.certificates[0];
    assert.match((await holder('--session', file, 'unbind', 'crt_nothing')).err, /no such certificate/);
    assert.equal(good(await holder('--session', file, 'unbind', certificate_id)), '');
    assert.equal(good(await holder('--session', file, 'bindings')), '');
    assert.match((await holder('--channel', CHANNEL, 'login')).err, /not bound/);
  });
});
