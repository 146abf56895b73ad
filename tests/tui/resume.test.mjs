// resume.test.mjs - the console's writer killed after every step, on the real server with a real PC/SC daemon: the order goes
// on each time, with one certificate, and the UKEY signs for it.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { join } from 'node:path';
import { Desk, build, until } from '../lib/desk.mjs';
import { Walk } from '../flow/walk.mjs';
import { reader } from './reader.mjs';
import { program } from './screen.mjs';

const STEPS = ['IDENTIFIED', 'ADMIN_AUTHENTICATED', 'PIN_SET', 'PUK_SET', 'KEY_GENERATED', 'ISSUED', 'CERTIFICATE_WRITTEN', 'READ_BACK',
  'ADMIN_KEY_SET'];

function run(args, env, input) {
  return new Promise((resolve) => {
    const p = spawn(program, args, { env: { ...process.env, CERTDESK_LANG: 'en', ...env } });
    let out = '';
    for (const s of [p.stdout, p.stderr]) s.on('data', (b) => (out += b));
    p.on('close', (code, signal) => resolve({ code, signal, out }));
    p.stdin.end(input);
  });
}

test('killed after every step, the writer goes on to one certificate and one UKEY', async () => {
  const desk = await new Desk().start();
  const r = await reader('--serial 30000020');
  try {
    const env = { ...r.env, CERTDESK_SERVER: desk.address, XDG_STATE_HOME: desk.dir };
    const { chen } = desk.staff;
    const { totp } = await import('../lib/desk.mjs');
    let x = await run(['--user', 'chen', '--totp', totp(chen.secret), 'login'], env, `${chen.password}\n`);
    assert.equal(x.code, 0, x.out);
    const w = new Walk(desk);
    await w.to('ISSUE');
    const order = w.order.id;
    for (const said of [order, w.who.uscc]) {
      x = await run(['orders', 'list', said, '-o', 'json'], env);
      assert.deepEqual(JSON.parse(x.out).map((o) => o.order_id), [order], x.out);
    }
    x = await run(['issue', order], env);
    assert.equal(x.code, 2);
    assert.match(x.out, /30000020 is not in the stock/);
    x = await run(['stock', 'add', 'PIV-A', '30000020'], env);
    assert.equal(x.code, 0, x.out);
    for (const step of STEPS) {
      x = await run(['issue', order], { ...env, CERTDESK_CRASH: `token.${step}` });
      assert.equal(x.signal, 'SIGKILL', `${step}: ${x.out}`);
    }
    x = await run(['issue', order], env);
    assert.equal(x.code, 0, x.out);
    await w.refresh();
    assert.equal(w.state, 'SHIP');
    assert.equal(w.order.certificates[0].medium_number, '30000020');
    const seen = spawnSync(join(build, 'tui/certdesk-ukey'), ['info'], { env: { ...process.env, ...r.env, LC_ALL: 'C' }, encoding: 'utf8' });
    assert.match(seen.stdout, /certificate +\d+ bytes/);
    await until('the order in the ship list', async () => (await run(['ship', 'list'], env)).out.includes('30000020'));
    x = await run(['ship', order, '30000021', 'shunfeng', 'SF1234567890'], env);
    assert.equal(x.code, 2, 'another UKEY is not this order\'s');
    x = await run(['ship', order, '30000020', 'shunfeng', 'SF1234567890'], env);
    assert.equal(x.code, 0, x.out);
  } finally {
    await r.stop();
    await desk.stop();
  }
});
