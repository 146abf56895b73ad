// certdeskd's commands as whoever runs the server at night meets them: what may make a state folder, usage without a
// database, ends that a script can tell apart, files that are never half there.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { Desk, certdeskd, root, until } from '../lib/desk.mjs';
import { Sql } from './database.mjs';
import { company } from './people.mjs';
import { Walk } from './walk.mjs';

const DONE = 0, FAILED = 1, MISUSED = 2, DIFFERS = 3, NOT_YET = 4;
const HOUR = 3600000, DAY = 24 * HOUR;
const ZHENENG = path.join(root, 'server/catalog/zheneng.yaml');

let desk;
before(async () => {
  desk = await new Desk({ clock: true }).start();
  const beijing = Date.now() + 8 * HOUR;
  desk.setClock(DAY + 12 * HOUR - beijing % DAY); // noon: today is one day
});
after(() => desk?.stop());

const started = (args, options = {}) => {
  const r = spawnSync(certdeskd, args, { encoding: 'utf8', env: desk.env, timeout: 60000, ...options });
  return { code: r.status, out: r.stdout, err: r.stderr };
};
const run = (...args) => started(['--config', desk.config, ...args]);

// Every command that wants a state, well said.
const COMMANDS = [
  ['migrate'], ['channel', 'list'], ['channel', 'import', ZHENENG], ['channel', 'show', 'zheneng'], ['channel', 'history', 'zheneng'],
  ['staff', 'add', 'li', '李审核', 'reviewer'], ['audit', 'verify'], ['remittance', 'list'], ['remittance', 'export'],
  ['remittance', 'batch', '1'], ['remittance', 'import', '/dev/null'], ['remittance', 'again', 'dep_1'], ['identity', 'costs'],
  ['identity', 'costs', '2026-11-27'], ['reconcile', 'wechat', '2026-11-27'],
];

describe('a folder without a state', () => {
  test('is left as it is: only serve and init make one', () => {
    const nowhere = path.join(desk.dir, 'nowhere');
    for (const command of COMMANDS) {
      const r = started(['--state', nowhere, ...command], { input: 'a-long-password\n' });
      assert.deepEqual([r.code, r.out], [FAILED, ''], `${command.join(' ')}: ${r.err}`);
      assert.match(r.err, /^certdeskd: there is no state in .*nowhere; .*serve.*$/m, command.join(' '));
      assert.ok(!fs.existsSync(nowhere), command.join(' '));
    }
    fs.mkdirSync(nowhere);
    assert.equal(started(['--state', nowhere, 'channel', 'list']).code, FAILED);
    assert.deepEqual(fs.readdirSync(nowhere), []);
  });

  test('init makes one that the commands work on, and makes it once', () => {
    const fresh = path.join(desk.dir, 'n');
    const first = started(['--state', fresh, 'init']);
    assert.equal(first.code, DONE, first.err);
    const key = fs.readFileSync(path.join(fresh, 'keys/master.1.key'));
    assert.equal(started(['--state', fresh, 'init']).code, DONE);
    assert.equal(started(['--state', fresh, 'channel', 'import', '--apply', ZHENENG]).code, DONE);
    assert.deepEqual(fs.readFileSync(path.join(fresh, 'keys/master.1.key')), key);
  });
});

describe('usage', () => {
  const nowhere = () => ['--state', path.join(desk.dir, 'not-there')];

  test('of a command is shown without settings, keys or database', () => {
    for (const name of ['serve', 'init', 'migrate', 'channel', 'staff', 'audit', 'remittance', 'identity', 'reconcile', 'config', 'notices'])
      for (const args of [[name, '--help'], [name, '-h'], ['help', name]]) {
        const r = started([...nowhere(), ...args]);
        assert.deepEqual([r.code, r.err], [DONE, ''], args.join(' '));
        assert.match(r.out, new RegExp(`^usage: certdeskd.* ${name}\\b`), args.join(' '));
      }
    assert.match(started(['help']).out, /reconcile .*\n[\s\S]*\n +3 .*differ/);
    assert.equal(started(['--help']).out, started(['help']).out);
  });

  test('is what wrong words get, before anything is opened', () => {
    const wrong = [[], ['no-such-command'], ['help', 'no-such-command'], ['serve', 'now'], ['migrate', 'x'], ['channel'], ['channel', 'drop', 'x'], ['channel', 'list', 'x'],
      ['channel', 'import'], ['channel', 'import', 'a', 'b'], ['channel', 'show'], ['channel', 'show', 'x', '--version', 'y'],
      ['channel', 'show', 'x', '--version'], ['staff'], ['staff', 'add', 'li', '李'], ['staff', 'add', 'li', '李', 'king'], ['audit'], ['audit', 'verify', 'a', 'b'],
      ['remittance'], ['remittance', 'list', 'x'], ['remittance', 'batch'], ['remittance', 'batch', '1x'], ['remittance', 'batch', '0'], ['remittance', 'import'], ['remittance', 'export', '--force'],
      ['remittance', 'again'], ['identity'], ['identity', 'costs', '2026-02-30'], ['reconcile'], ['reconcile', 'wechat'], ['reconcile', 'cash', '2026-11-27'],
      ['reconcile', 'wechat', '2026-02-30'], ['reconcile', 'wechat', '2026-11-27', '-o', 'xml'], ['config', 'x'], ['notices', 'x']];
    for (const args of wrong) {
      const r = started([...nowhere(), ...args]);
      assert.deepEqual([r.code, r.out], [MISUSED, ''], `${args.join(' ')}: ${r.err}`);
      assert.match(r.err, /^usage: certdeskd/m, args.join(' '));
    }
    assert.match(started([...nowhere(), 'reconcile', 'cash', '2026-11-27']).err, /no provider cash/);
    assert.match(started([...nowhere(), 'staff', 'add', 'li', '李', 'king']).err, /king/);
    assert.ok(!fs.existsSync(nowhere()[1]));
  });
});

describe('ends that a script can tell apart', () => {
  test('channel import: a dry run says whether anything would change', () => {
    const dearer = path.join(desk.dir, 'dearer.yaml'), bad = path.join(desk.dir, 'bad.yaml'), text = fs.readFileSync(ZHENENG, 'utf8');
    fs.writeFileSync(dearer, text.replace(/price_fen: \d+/, 'price_fen: 77700'));
    fs.writeFileSync(bad, text.replace(/price_fen: \d+/, 'price_fen: 7.77'));
    assert.equal(run('channel', 'import', ZHENENG).code, DONE);
    assert.equal(run('channel', 'import', dearer).code, DIFFERS);
    assert.equal(run('channel', 'import', bad).code, MISUSED);
    assert.equal(run('channel', 'import', '/nowhere').code, MISUSED);
    assert.equal(run('channel', 'show', 'nobody').code, MISUSED);
    assert.equal(run('channel', 'import', '--apply', dearer).code, DONE);
    assert.equal(run('channel', 'import', dearer).code, DONE);
    assert.equal(run('channel', 'import', '--apply', ZHENENG).code, DONE);
  });

  test('reconcile: no bill yet, and a provider that is away', async () => {
    const today = new Date(Date.now() + desk.clockOffset + 8 * HOUR).toISOString().slice(0, 10);
    const yet = run('reconcile', 'wechat', today);
    assert.equal(yet.code, NOT_YET, yet.err);
    assert.match(yet.err, /no bill/);
    await desk.sim('/sim/fault', { provider: 'wechat', action: 'bill', kind: 'busy' });
    assert.equal(run('reconcile', 'wechat', '2026-11-01').code, NOT_YET);
    const none = path.join(desk.dir, 'no-provider.ini');
    fs.writeFileSync(none, fs.readFileSync(desk.config, 'utf8').replace(/\[payment\.alipay\][\s\S]*?\n(?=\[)/, ''));
    assert.equal(started(['--config', none, 'reconcile', 'alipay', '2026-11-01']).code, FAILED);
    fs.writeFileSync(none, fs.readFileSync(desk.config, 'utf8').replace(/mchid = .*/, ''));
    const unset = started(['--config', none, 'reconcile', 'wechat', '2026-11-01']);
    assert.equal(unset.code, FAILED, unset.err); // settings are not the command's words
    assert.match(unset.err, /mchid/);
  });

  test('a file of settings that is not there is named; what is wrong in one, too', () => {
    const missing = path.join(desk.dir, 'missing.ini'), bad = path.join(desk.dir, 'bad.ini');
    fs.writeFileSync(bad, '[server]\nprot = 1\n');
    for (const args of [['serve'], ['config'], ['channel', 'list']]) {
      for (const r of [started(['--config', missing, ...args]), started(args, { env: { ...desk.env, CERTDESK_CONFIG: missing } })]) {
        assert.deepEqual([r.code, r.out], [MISUSED, '']);
        assert.match(r.err, /^certdeskd: there is no file of settings .*missing\.ini .*: No such file/);
      }
      const r = started(['--config', bad, ...args]);
      assert.equal(r.code, FAILED);
      assert.match(r.err, /^certdeskd: the settings of .*bad\.ini cannot be used\n +server\.prot: is not a setting/);
    }
  });

  test('audit verify: the key is read whether or not there is a seal, and an altered row is not a failure to look', async (t) => {
    const bad = path.join(desk.dir, 'bad.pem'), own = path.join(desk.state, 'keys/seal.pub.pem');
    fs.writeFileSync(bad, '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n');
    const sql = new Sql(path.join(desk.state, 'db/db.sock'));
    t.after(() => sql.close());
    await sql.rows('TRUNCATE audit_seal'); // as before the first one: the server makes one a minute
    assert.equal(sql.said, '');
    for (const key of [bad, '/nowhere', ZHENENG]) {
      const r = run('audit', 'verify', key);
      assert.deepEqual([r.code, r.out], [MISUSED, ''], `${key}: ${r.err}`);
    }
    assert.equal(run('audit', 'verify').code, DONE);
    assert.equal(run('audit', 'verify', own).code, DONE);
    await sql.rows('DROP TRIGGER audit_keeps_rows');
    await sql.rows("UPDATE audit SET action = CONCAT(action, 'x') WHERE writer = (SELECT writer FROM audit_writer ORDER BY writer LIMIT 1) AND seq = 1");
    assert.equal(sql.said, '');
    const altered = run('audit', 'verify');
    assert.equal(altered.code, DIFFERS, altered.err);
    assert.match(altered.out, /row 1: was altered/);
  });

  test('remittance: nothing waits, no such batch, a file that is none', () => {
    const nothing = path.join(desk.dir, 'nothing.csv');
    assert.equal(run('remittance', 'export', nothing).code, NOT_YET);
    assert.ok(!fs.existsSync(nothing));
    assert.equal(run('remittance', 'batch', '77').code, MISUSED);
    assert.equal(run('remittance', 'import', ZHENENG).code, MISUSED);
    assert.equal(run('remittance', 'again', 'dep_0').code, MISUSED);
    assert.equal(run('remittance', 'list').code, DONE);
  });

  test('a database that does not answer, a folder that cannot be had', () => {
    const other = path.join(desk.dir, 'other.ini');
    fs.writeFileSync(other, fs.readFileSync(desk.config, 'utf8').replace(/state_dir = .*/, `state_dir = ${desk.state}`) + '[database]\nhost = 127.0.0.1\nport = 1\n');
    const r = started(['--config', other, 'channel', 'list'], { env: { ...desk.env, CERTDESK_DATABASE_PATIENCE_S: '1' } });
    assert.equal(r.code, NOT_YET, r.err);
    assert.match(r.err, /does not answer/);
  });
});

describe('a file of deposits', () => {
  const answered = (r) => assert.equal(r.code, DONE, r.err);
  const leftovers = (file) => fs.readdirSync(path.dirname(file)).filter((f) => f.startsWith(path.basename(file)) && f !== path.basename(file));

  test('is nobody else\'s, is not written over unless that is said, and is whole when several write it', async () => {
    const w = new Walk(desk, { who: company(1), individual: true, method: 'MICRO_DEPOSIT' });
    await w.to('SUBJECT_VERIFYING');
    await w.verified();
    const file = path.join(desk.dir, 'deposits.csv');
    fs.writeFileSync(file, 'precious');
    const refused = run('remittance', 'export', file);
    assert.equal(refused.code, MISUSED, refused.err);
    assert.match(refused.err, /deposits\.csv is there already/);
    assert.match(run('remittance', 'list').out, /^1 deposits wait/, 'no batch was made for it');
    assert.equal(fs.readFileSync(file, 'utf8'), 'precious');
    answered(run('remittance', 'export', '--force', file));
    const text = fs.readFileSync(file, 'utf8');
    assert.match(text, /"\d{6}"\r\n$/);
    assert.equal(fs.statSync(file).mode & 0o777, 0o600);
    assert.deepEqual(leftovers(file), []);
    fs.symlinkSync('/nowhere/else', `${file}.part`); // what another program left beside it is in nobody's way
    const batch = /^batch (\d+)/m.exec(run('remittance', 'list').out)[1];
    assert.equal(run('remittance', 'batch', batch, file).code, MISUSED);
    const many = await Promise.all(Array.from({ length: 6 }, () => new Promise((resolve) => {
      spawn(certdeskd, ['--config', desk.config, 'remittance', 'batch', batch, file, '--force'], { stdio: 'ignore', env: desk.env }).once('exit', resolve);
    })));
    assert.deepEqual(many, Array(6).fill(DONE));
    assert.equal(fs.readFileSync(file, 'utf8'), text);
    fs.unlinkSync(`${file}.part`);
    fs.unlinkSync(file);
    const race = await Promise.all(Array.from({ length: 6 }, () => new Promise((resolve) => {
      spawn(certdeskd, ['--config', desk.config, 'remittance', 'batch', batch, file], { stdio: 'ignore', env: desk.env }).once('exit', resolve);
    })));
    assert.deepEqual(race.sort(), [DONE, ...Array(5).fill(MISUSED)]);
    assert.equal(fs.readFileSync(file, 'utf8'), text);
    assert.deepEqual(leftovers(file), []);
    assert.equal(run('remittance', 'batch', batch, path.join(desk.dir, 'no/such/folder.csv')).code, FAILED);
  });
});

test('a server that starts while a command runs has a database of its own, and keeps it', async () => {
  await desk.terminate();
  const slow = spawn(certdeskd, ['--config', desk.config, 'staff', 'add', 'late', '夜班', 'reviewer'], { stdio: ['pipe', 'pipe', 'inherit'], env: desk.env });
  const gone = new Promise((resolve) => slow.once('exit', resolve));
  const socket = path.join(desk.state, 'db/db.sock');
  await until('the database that the command brought', () => spawnSync('mariadb-admin', ['--no-defaults', `--socket=${socket}`, '-uroot', 'ping']).status === 0, 30000);
  const ready = desk.startServer();
  slow.stdin.end('a-long-password\n');
  assert.equal(await gone, DONE);
  await ready;
  assert.equal((await desk.caller().ListChannels({})).channels.length, 1);
  assert.equal((await fetch(`http://127.0.0.1:${desk.callbackPort}/healthz`)).status, 200);
});
