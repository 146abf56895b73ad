// scripts.test.mjs - the commands of the console, and its Chinese words, against a peer with canned data.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { start } from './desk-stub.mjs';
import { columns, program } from './screen.mjs';

describe('from scripts', () => {
  let peer, env;
  before(async () => {
    peer = await start();
    const { mkdtempSync } = await import('node:fs');
    env = { ...process.env, CERTDESK_SERVER: peer.address, CERTDESK_LANG: 'en', TZ: 'Asia/Shanghai', XDG_STATE_HOME: mkdtempSync('/tmp/certdesk-tui-') };
  });
  after(async () => {
    peer.stop();
    (await import('node:fs')).rmSync(env.XDG_STATE_HOME, { recursive: true });
  });
  // The peer lives in this process: it must go on while the program runs.
  const certdesk = async (args, input = '', more = {}) => {
    const { spawn } = await import('node:child_process');
    return new Promise((resolve) => {
      const p = spawn(program, args, { env: { ...env, ...more } });
      let out = '', err = '';
      p.stdout.on('data', (b) => (out += b));
      p.stderr.on('data', (b) => (err += b));
      p.on('close', (status) => resolve({ status, out, err }));
      p.stdin.end(input);
    });
  };

  test('log in, lists as text and JSON, one order, acts', async () => {
    let r = await certdesk(['queues']);
    assert.equal(r.status, 1);
    assert.match(r.err, /UNAUTHENTICATED/);
    r = await certdesk(['--user', 'zhangsan', '--totp', '123456', 'login'], 'correct horse\n');
    assert.deepEqual([r.status, r.out], [0, 'OK\n'], r.err);
    r = await certdesk(['-o', 'json', 'queues']);
    assert.equal(JSON.parse(r.out).review, 4);
    peer.w.roles = ['STAFF_ROLE_REVIEWER'];
    assert.equal((await certdesk(['queues'])).out, 'To review 4\n'); // the others are nothing to him, not 0
    assert.deepEqual(Object.keys(JSON.parse((await certdesk(['queues', '-o', 'json'])).out)), ['review', 'revision', 'roles']);
    peer.w.roles = [];
    assert.equal((await certdesk(['queues'])).out.trim().split('\n').length, 9);
    r = await certdesk(['orders', 'list', '北仑港', '-o', 'json']);
    assert.equal(JSON.parse(r.out)[0].subject_name, '宁波北仑港机电设备有限公司');
    r = await certdesk(['stock', 'list']);
    assert.equal(r.out.trim().split('\n').length, 61);
    r = await certdesk(['captures', 'list']);
    assert.match(r.out, /Refund not made[^]*Refund abnormal[^]*Held: of no payment of ours/);
    assert.equal(r.out.trim().split('\n').length, 4);
    r = await certdesk(['captures', 'list', 'all', '-o', 'json']);
    assert.equal(JSON.parse(r.out).length, 4);
    r = await certdesk(['captures', 'list', 'some']);
    assert.equal(r.status, 2);
    r = await certdesk(['captures', 'record', peer.w.captures[0].id, '279', '1.00', 'B-1', '--reason', 'wired', '-o', 'json']);
    assert.equal(JSON.parse(r.out).capture.refund.hand_fen, '27900');
    peer.w.captures[0].refund.error = 'PAID_TWICE';
    for (const [lang, words] of [['C.UTF-8', 'recorded by hand, and the provider gave back another part'], ['zh_CN', '已登记人工退款，但支付机构实际退回的金额与登记不符']]) {
      r = await certdesk(['captures', 'show', peer.w.captures[0].id], '', { CERTDESK_LANG: lang });
      assert.ok(r.out.includes(words), r.out + r.err);
    }
    r = await certdesk(['orders', 'close', peer.w.orders[0].id]);
    assert.deepEqual([r.status, r.err], [2, 'certdesk: a reason is needed: --reason TEXT\n']);
    r = await certdesk(['orders', 'close', peer.w.orders[0].id, '--reason', 'not theirs', '-o', 'json']);
    assert.equal(JSON.parse(r.out).order.state, 'ORDER_STATE_CANCELLED', r.err);
    r = await certdesk(['captures', 'partial', peer.w.captures[3].id, '1,00.5.', '--reason', 'a complaint']);
    assert.deepEqual([r.status, r.err], [2, 'certdesk: an amount is written 279.00\n']);
    r = await certdesk(['captures', 'partial', peer.w.captures[3].id, '1.00', '--reason', 'a complaint']);
    assert.deepEqual([r.status, r.out], [0, 'OK\n'], r.err);
    r = await certdesk(['captures', 'show', peer.w.captures[3].id]);
    assert.match(r.out, /Pays for its order, partly back[^]*Partly back +1\.00/);
    r = await certdesk(['captures', 'seen', peer.w.captures[0].id]);
    assert.deepEqual([r.status, r.err], [2, 'certdesk: a reason is needed: --reason TEXT\n']);
    r = await certdesk(['captures', 'seen', peer.w.captures[0].id, '--reason', 'sent back']);
    assert.deepEqual([r.status, r.out], [0, 'OK\n'], r.err);
    r = await certdesk(['captures', 'show', peer.w.captures[0].id]);
    assert.match(r.out, /Seen to +.*\n.*What became of it +sent back/);
    r = await certdesk(['captures', 'stop', peer.w.captures[1].id]);
    assert.deepEqual([r.status, r.err], [2, 'certdesk: a reason is needed: --reason TEXT\n']);
    r = await certdesk(['captures', 'stop', peer.w.captures[1].id, '--reason', 'no balance']);
    assert.deepEqual([r.status, r.out], [0, 'OK\n'], r.err);
    r = await certdesk(['captures', 'show', peer.w.captures[1].id]);
    assert.match(r.out, /State +Refund being stopped/);
    r = await certdesk(['captures', 'record', peer.w.captures[0].id, '2,79.5.', '1', 'B-1', '--reason', 'wired']);
    assert.deepEqual([r.status, r.err], [2, 'certdesk: an amount is written 279.00\n']);
    r = await certdesk(['reconciliations', 'show', 'wechat', '2026-11-21']);
    assert.match(r.out, new RegExp(`Strange refund +desk_1\\n.*1\\.00[^]*order ${peer.w.captures[3].order_id}\\n +capture ${peer.w.captures[3].id}\\n +payment ${peer.w.captures[3].payment_id}\\n`));
    assert.equal(r.status, 3);
    assert.equal((await certdesk(['reconciliations', 'show', 'alipay', '2026-11-21', '-o', 'json'])).status, 0);
    assert.equal((await certdesk(['reconciliations', 'show', 'alipay', '2026-11-20'])).status, 4);
    r = await certdesk(['remittance', 'export', `${env.XDG_STATE_HOME}/bank.csv`, '-o', 'json']);
    assert.deepEqual(JSON.parse(r.out), { number: '3', deposits: 3 });
    r = await certdesk(['remittance', 'import', `${env.XDG_STATE_HOME}/bank.csv`]);
    assert.deepEqual([r.status, r.err], [3, 'line 3, column 3, refused: this deposit failed before\n']);
    r = await certdesk(['invoices', 'save', peer.w.invoices[1].order_id, `${env.XDG_STATE_HOME}/invoice.pdf`]);
    assert.deepEqual([r.status, r.out], [0, 'OK\n'], r.err);
    r = await certdesk(['invoices', 'save', peer.w.invoices[1].order_id, `${env.XDG_STATE_HOME}/invoice.pdf`]);
    assert.deepEqual([r.status, r.out], [2, '']); // it is there
    assert.match(r.err, /is there already/);
    peer.trouble.push({ method: 'ExportRemittance', code: 9, reason: 'PRECONDITION', message: 'no deposit waits for the bank' });
    r = await certdesk(['remittance', 'export', `${env.XDG_STATE_HOME}/none.csv`]);
    assert.equal(r.status, 4);
    peer.trouble.push({ method: 'ListJobs', code: 14, reason: 'UNAVAILABLE', message: 'later' });
    assert.equal((await certdesk(['jobs', 'list'])).status, 4);
    r = await certdesk(['review', 'show', peer.w.orders[0].id]);
    assert.match(r.out, /110105\*{8}002X/);
    for (const [lang, words] of [['en', 'this order has no material passport; it has'], ['zh_CN', '该订单没有资料 passport，现有资料如下']]) {
      r = await certdesk(['review', 'refuse', peer.w.orders[0].id, 'passport', '--reason', 'blurred'], '', { CERTDESK_LANG: lang });
      assert.deepEqual([r.status, r.out], [2, '']);
      assert.ok(r.err.includes(words), r.err);
      for (const m of peer.w.materials) assert.ok(r.err.includes(`${m.id}  ${m.kind}  ${m.title}`), r.err);
    }
    assert.ok(!peer.calls.some((c) => c.method === 'DecideReview'));
    for (const said of [peer.w.materials[1].id, peer.w.materials[1].kind]) {
      r = await certdesk(['review', 'refuse', peer.w.orders[3].id, said, '--reason', 'blurred']);
      assert.equal(r.status, 0, r.err);
      assert.deepEqual(peer.calls.filter((c) => c.method === 'DecideReview').at(-1).request.decisions.map((x) => x.reason), ['', 'blurred', '', '']);
    }
    r = await certdesk(['-o', 'json', 'review', 'approve', peer.w.orders[0].id]);
    assert.equal(JSON.parse(r.out).order.id, peer.w.orders[0].id);
    r = await certdesk(['orders', 'show', 'ord_none']);
    assert.equal(r.status, 2);
    assert.match(r.err, /NOT_FOUND/);
    r = await certdesk(['no', 'such']);
    assert.equal(r.status, 2);
    r = await certdesk(['material', 'save', peer.w.materials[2].id, `${env.XDG_STATE_HOME}/saved`]);
    assert.equal(r.status, 0, r.err);
    r = await certdesk(['material', 'save', peer.w.materials[2].id, `${env.XDG_STATE_HOME}/saved`]);
    assert.equal(r.status, 2, r.err);
    r = await certdesk(['logout']);
    assert.equal(r.status, 0);
    r = await certdesk(['queues']);
    assert.equal(r.status, 1);
  });

  test('the help lists every command, in both languages', async () => {
    const en = (await certdesk(['--help'])).out;
    env.CERTDESK_LANG = 'zh_CN';
    const cn = (await certdesk(['--help'])).out;
    env.CERTDESK_LANG = 'en';
    const commands = (t) => t.split('\n').filter((l) => /^ {2}[a-z]/.test(l) && !l.startsWith('  certdesk')).map((l) => l.trim().split(/ {2,}/)[0]);
    assert.ok(commands(en).length >= 20);
    assert.deepEqual(commands(en), commands(cn));
    assert.match(cn, /待审核/);
    for (const t of [en, cn]) for (const code of [0, 1, 2, 3, 4]) assert.match(t, new RegExp(`^  ${code}  \\S`, 'm'));
  });
});

test('the help of certdesk-ukey is in both languages, with the same commands, options and codes', () => {
  const help = (lang) => execFileSync(program.replace(/certdesk$/, 'certdesk-ukey'), ['--help'], { encoding: 'utf8', env: { ...process.env, CERTDESK_LANG: lang } });
  const en = help('en'), cn = help('zh_CN');
  const words = (t) => [...t.matchAll(/^ {2}(-{0,2}[a-z0-9][a-z0-9-]*)/gm)].map((m) => m[1]);
  assert.deepEqual(words(cn), words(en));
  assert.deepEqual(words(en).filter((w) => /^\d$/.test(w)), ['0', '1', '2', '4']);
  assert.doesNotMatch(en, /[\u4e00-\u9fff]/);
  for (const line of cn.trim().split('\n')) if (/^\S|^ {2}\S/.test(line)) assert.match(line, /[\u4e00-\u9fff]/, line);
  for (const line of (cn + en).split('\n')) assert.ok(columns(line) <= 100, line);
});

test('the Chinese catalogue is complete: every text of the sources, none fuzzy', () => {
  const root = new URL('../../tui', import.meta.url).pathname;
  const sh = (script) => execFileSync('sh', ['-c', script], { cwd: root, encoding: 'utf8', env: { ...process.env, OUT: `/tmp/certdesk-${process.pid}.pot` } });
  assert.equal(sh('msgattrib --untranslated po/zh_CN.po; msgattrib --only-fuzzy po/zh_CN.po').trim(), '');
  sh('msgfmt --check -o /dev/null po/zh_CN.po');
  // msgcmp fails for a text of the sources that the catalogue lacks
  sh('xgettext -L C --from-code=UTF-8 -k_ -kN_ --no-location --omit-header -o - ui/*.c screen/*.c command/*.c ukey/*.c main.c > "$OUT"; msgcmp po/zh_CN.po "$OUT"; rm "$OUT"');
});
