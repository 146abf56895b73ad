// screens_lists.test.mjs - what lists say of themselves: which of two ways is on, titles in whole, words in the console's
// language, and that they are live.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { desk, login, open } from './at-the-desk.mjs';
import { start, world } from './desk-stub.mjs';
import { Screen } from './screen.mjs';

const line = (t, n) => t.split('\n')[n];
const footer = (t) => t.trimEnd().split('\n').at(-1);

describe('money and invoices: what needs a person, or all', () => {
  for (const [key, title, some, all] of [['7', '款项', '1/3', '1/4'], ['0', '发票', '1/1', '1/2']])
    test(`${title}: the title says which is on, the footer what the key will do`, async () => {
      const d = await desk();
      try {
        let t = await open(d.s, key, new RegExp(some));
        for (let i = 0; i < 2; i++) {
          assert.match(line(t, 0), new RegExp(`^ ${title} - 待处理 `));
          assert.match(footer(t), /f 全部/);
          await d.s.key('f');
          t = await d.s.see(all);
          assert.match(line(t, 0), new RegExp(`^ ${title} - 全部 `));
          assert.match(footer(t), /f 待处理/);
          await d.s.key('?');
          await d.s.see(/f +只显示/);
          await d.s.key('Enter');
          await d.s.key('f');
          t = await d.s.see(new RegExp(some));
        }
      } finally { d.stop(); }
    });

  test('in English', async () => {
    const d = await desk({ env: { CERTDESK_LANG: 'en' }, login: false });
    try {
      await login(d.s, undefined, undefined, 'Authenticator code');
      await d.s.see('connected');
      assert.match(line(await open(d.s, '7', '1/3'), 0), /^ Money - needs a person /);
      assert.match(footer(await d.s.text()), /f All/);
      assert.match(line(await open(d.s, 'f', '1/4'), 0), /^ Money - all /);
      assert.match(footer(await d.s.text()), /f Needs a person/);
    } finally { d.stop(); }
  });
});

test('an empty list says what is true of what was chosen, in both languages', async () => {
  const w = { ...world(), captures: [], invoices: [], tokens: [] };
  for (const [lang, totp, said] of [['zh_CN', '动态验证码', [['7', '没有需要人工处理的款项', '尚无款项'], ['0', '没有需要人工处理的发票', '尚未申请开票'], ['6', '库存中还没有 UKEY', '没有该状态的 UKEY']]],
    ['en', 'Authenticator code', [['7', 'No money needs a person.', 'No money has come yet.'], ['0', 'No invoice needs a person.', 'No invoice was asked for yet.'], ['6', 'No UKEYs yet', 'No UKEYs in this state.']]]]) {
    const d = await desk({ world: w, env: { CERTDESK_LANG: lang }, login: false });
    try {
      await login(d.s, undefined, undefined, totp);
      await d.s.see(/已连接|connected/);
      for (const [key, first, other] of said) {
        assert.doesNotMatch(await open(d.s, key, first), new RegExp(other));
        assert.doesNotMatch(await open(d.s, 'f', other), new RegExp(first));
        await d.s.key('Escape');
        await d.s.see(/证书工作台|Certificate desk/);
      }
    } finally { d.stop(); }
  }
});

// Every screen of the home page and what Enter opens there.
const way = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '0'];
async function english(visit, { w, within } = {}) {
  const peer = await start(w);
  const s = await Screen.start({ env: { CERTDESK_SERVER: peer.address, CERTDESK_LANG: 'en' } });
  try {
    await login(s, undefined, undefined, 'Authenticator code');
    await s.see('connected');
    await visit(await s.text(), 'home');
    for (const key of way) {
      await s.key(key);
      await visit(await s.see((t) => !/Loading|Certificate desk/.test(t) && t.includes('Esc')), key);
      if (within) {
        await s.key('Enter');
        await visit(await s.see((t) => !/Loading/.test(t) && t.includes('Esc')), `${key} Enter`);
      }
      for (let i = 0; i < 2 && !/Certificate desk/.test(await s.text()); i++) {
        await s.key('Escape');
        await s.see((t) => !/Loading/.test(t));
      }
      await s.see('Certificate desk');
    }
  } finally { s.stop(); peer.stop(); }
}

test('English titles, of screens and of columns, and the home page are in whole at 80 columns', async () => {
  const cut = [];
  await english((t, key) => cut.push(...t.split('\n').slice(0, key === 'home' ? 24 : 3).filter((l) => l.includes('…'))));
  assert.deepEqual(cut, []);
});

test('an English console has no Chinese word of its own', async () => {
  const w = JSON.parse(JSON.stringify(world(), (k, v) => (typeof v === 'string' && /[\u4e00-\u9fff]/.test(v) && k !== 'kind_text' ? 'data' : v)));
  w.bytes = world().bytes;
  await english((t, key) => assert.doesNotMatch(t.replace(/张三/, ''), /[\u3000-\u9fff\uff00-\uffef]/, key), { w, within: true });
});

test('in a wide window the list of money says in words why a refund did not go', async () => {
  const d = await desk({ cols: 160 });
  try {
    await open(d.s, '7', /退款未成 .* 支付机构拒绝/);
  } finally { d.stop(); }
});

test('the business of an order is said in both languages', async () => {
  for (const [lang, word, totp] of [['zh_CN', /单位新办/, '动态验证码'], ['en', /new organization/, 'Authenticator code']]) {
    const d = await desk({ env: { CERTDESK_LANG: lang }, login: false });
    try {
      await login(d.s, undefined, undefined, totp);
      await d.s.see(/已连接|connected/);
      await open(d.s, '1', word);
    } finally { d.stop(); }
  }
});
