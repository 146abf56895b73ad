// screens_keys.test.mjs - every screen in both sizes and languages, every key of its footer; few colours, none.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { desk, open } from './at-the-desk.mjs';
import { start } from './desk-stub.mjs';
import { Screen, columns } from './screen.mjs';

// Every screen in both sizes and both languages: no line too wide, columns of the title over those of the rows,
// every key of the footer pressed.
describe('every key of every footer', () => {
  const way = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '0'];
  for (const [lang, help, ok] of [['zh_CN', '? 帮助', '已连接'], ['en', '? Help', 'connected']]) {
    for (const [cols, rows] of [[80, 24], [132, 40]]) {
      test(`${lang} ${cols}x${rows}`, async () => {
        const peer = await start();
        const s = await Screen.start({ cols, rows, env: { CERTDESK_SERVER: peer.address, CERTDESK_LANG: lang } });
        try {
          await s.see(/动态验证码|Authenticator code/);
          await s.type('z');
          await s.key('Enter');
          await s.type('correct horse');
          await s.key('Enter');
          await s.type('123456');
          await s.key('Enter');
          await s.see(ok);
          for (const k of way) {
            for (const depth of [0, 1]) {
              await s.key(k);
              await s.see((t) => !/正在加载|Loading/.test(t) && t.includes('Esc'));
              if (depth) {
                await s.key('Enter');
                await s.see((t) => t.includes(help));
              }
              const t = await s.see((x) => x.includes(help) && !/正在加载|Loading/.test(x));
              const lines = t.replace(/\n$/, '').split('\n');
              for (const line of lines) assert.ok(columns(line) <= cols, `${columns(line)} > ${cols}: ${line}`);
              assert.equal(columns(lines[rows - 1].trimEnd()), cols - 2, lines[rows - 1]); // the help ends at its place
              if (lang === 'en') assert.doesNotMatch(lines[rows - 1], /[\u4e00-\u9fff]/);
              const keys = [...lines[rows - 1].matchAll(/(?:^| )(Enter|Tab|F5|Arrows|[^ ]) (?=\S)/g)].map((m) => m[1])
                .filter((x) => !['Enter', 'y'].includes(x));
              for (const key of new Set(keys)) {
                await s.key(key === 'Arrows' || key === '方向键' ? 'Right' : key);
                await s.see((x) => x.includes(help));
                await s.key('Escape'); // leaves a question, or the screen
                const now = await s.see((x) => x.includes(help) && !/Esc 取消|Esc Leave|Enter 关闭|Enter Close/.test(x));
                if (/证书工作台|Certificate desk/.test(now)) break;
              }
              for (let i = 0; i < 5 && !/证书工作台|Certificate desk/.test(await s.text()); i++) {
                await s.key('Escape');
                await s.see((x) => x.includes(help));
              }
              await s.see(/证书工作台|Certificate desk/);
            }
          }
          await s.key('q');
          await s.see(/y 是|y Yes/);
          await s.key('y');
          assert.equal(await s.ended(), 0);
          assert.equal(s.stderr(), ''); // no sanitizer has anything to say, no leak
        } finally {
          s.stop();
          peer.stop();
        }
      });
    }
  }

  for (const [name, env, term] of [['NO_COLOR', { NO_COLOR: '1' }, 'tmux-256color'], ['vt100', {}, 'vt100'], ['xterm (8 colours)', {}, 'xterm']]) {
    test(`works with ${name}`, async () => {
      const d = await desk({ env, term });
      try {
        await open(d.s, '1', '示范科技');
        await d.s.key('Enter');
        await d.s.see('[未审核]');
        await d.s.key('Enter');
        await d.s.see('1240 x 1754');
        const escapes = await d.s.tmux('capture-pane', '-t', 't', '-p', '-e');
        if (name !== 'xterm (8 colours)') assert.doesNotMatch(escapes, /\x1b\[[0-9;]*(3[0-7]|4[0-7]|38|48)[;m]/); // no colours
      } finally { d.stop(); }
    });
  }
});
