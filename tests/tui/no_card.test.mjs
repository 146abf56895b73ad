// no_card.test.mjs - what is said when a UKEY cannot be had: no daemon, no reader, no card; by the commands of the desk
// and by certdesk-ukey, in both languages.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { start } from './desk-stub.mjs';
import { reader } from './reader.mjs';
import { program } from './screen.mjs';

const NOT_YET = 4;
const ukey = join(dirname(program), 'certdesk-ukey');
const nowhere = { PCSCLITE_CSOCK_NAME: '/nowhere/pcscd.comm' };

// {code, out, err, ms}; with `saw`, it is killed when it has said that, or has not for a minute.
function run(file, args, env, saw) {
  const began = Date.now();
  return new Promise((resolve) => {
    const p = spawn(file, args, { env: { ...process.env, ...env } });
    const said = { out: '', err: '' };
    for (const [k, s] of [['out', p.stdout], ['err', p.stderr]]) s.setEncoding('utf8').on('data', (b) => { said[k] += b; if (saw?.test(said.err)) p.kill(); });
    p.on('close', (code) => resolve({ code, ...said, ms: Date.now() - began }));
    p.stdin.end('stub-token');
    if (saw) setTimeout(() => p.kill(), 60000).unref();
  });
}

const LANGUAGES = [
  ['en', { service: /the smart card service \(pcscd\) does not run; start it: sudo systemctl start pcscd\.socket/, reader: /no reader/, card: /^plug in the UKEY$/m, named: /there is no reader Nobody/ }],
  ['zh_CN', { service: /智能卡服务（pcscd）未运行，请先启动：sudo systemctl start pcscd\.socket/, reader: /未检测到读卡器/, card: /^请插入UKEY$/m, named: /没有读卡器 Nobody/ }],
];

for (const [lang, words] of LANGUAGES) describe(lang, () => {
  test('without the daemon that is said at once, and how to start it', async () => {
    const env = { CERTDESK_LANG: lang, CERTDESK_SERVER: '127.0.0.1:1', ...nowhere };
    for (const [file, ...args] of [[program, '--token-stdin', 'issue', 'ord_1'], [program, '--token-stdin', '--reader', 'Nobody', 'issue', 'ord_1'], [program, 'readers'],
      [ukey, 'info'], [ukey, '--reader', 'Nobody', 'info'], [ukey, 'list']]) {
      const r = await run(file, args, env);
      assert.match(r.err, words.service, args.join(' '));
      assert.deepEqual([r.code, r.out], [NOT_YET, ''], args.join(' '));
      assert.ok(r.ms < 30000, `${args.join(' ')}: ${r.ms} ms`);
    }
  });

  test('without a reader, and with an empty one, it is asked for', async () => {
    for (const [card, word] of [[null, 'reader'], ['--out', 'card']]) {
      const r = await reader(card);
      const env = { CERTDESK_LANG: lang, CERTDESK_SERVER: '127.0.0.1:1', ...r.env };
      try {
        assert.match((await run(program, ['--token-stdin', 'issue', 'ord_1'], env, words[word])).err, words[word]);
        assert.match((await run(ukey, ['info'], env, words[word])).err, words[word]);
        const named = await run(ukey, ['--reader', 'Nobody', 'info'], env);
        assert.match(named.err, words.named);
        assert.equal(named.code, NOT_YET);
        for (const [file, command] of [[program, 'readers'], [ukey, 'list']]) {
          const list = await run(file, [command], env);
          assert.equal(list.code, 0);
          if (card === null) assert.match(list.err, words.reader);
          else assert.match(list.out, /Virtual PCD 00 00/);
        }
      } finally { await r.stop(); }
    }
  });
});

test('the screen that writes a UKEY says how to start the daemon', async () => {
  const { Screen } = await import('./screen.mjs');
  const { login } = await import('./at-the-desk.mjs');
  const peer = await start();
  const s = await Screen.start({ cols: 132, env: { CERTDESK_SERVER: peer.address, ...nowhere } });
  try {
    await login(s);
    await s.see('已连接');
    await s.key('2');
    await s.see('寄出期限');
    await s.key('Enter');
    await s.see('sudo systemctl start pcscd.socket');
  } finally { s.stop(); peer.stop(); }
});
