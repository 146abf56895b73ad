// several.test.mjs - an order for three UKEYs at the desk: the console in Chinese at 80x24, the real server, a real PC/SC daemon
// in whose reader one simulated UKEY follows another. One of them is written by command; one parcel holds all.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, test } from 'node:test';
import { Desk, totp, until } from '../lib/desk.mjs';
import { Console } from '../flow/console.mjs';
import { company } from '../flow/people.mjs';
import { Walk } from '../flow/walk.mjs';
import { reader } from './reader.mjs';
import { program } from './screen.mjs';

const MEDIA = ['30000031', '30000032', '30000033'];

let card, desk, walk, tui;
before(async () => {
  card = await reader(`--serial ${MEDIA[0]}`);
  desk = await new Desk().start();
  walk = new Walk(desk, { who: company(3), quantity: MEDIA.length });
  await walk.to('ISSUE');
  const { password, secret } = desk.staff.wang;
  for (const [args, input] of [[['--user', 'wang', '--totp', totp(secret), 'login'], `${password}\n`], [['stock', 'add', 'sim', ...MEDIA]]]) {
    const { code, out } = await command(args, input);
    assert.equal(code, 0, out);
  }
  tui = await new Console(desk, { env: card.env }).open();
  await tui.login('chen');
});
after(async () => {
  tui?.close();
  await desk?.stop();
  await card?.stop();
});

// As slowly as a hand: the daemon must see that one is out before the next is in.
async function swap(number) {
  const reader = (state) => until(`the reader to say ${state}`, async () => (await command(['readers'])).out.startsWith(`${state}\t`));
  card.tell('pull');
  await reader('-');
  card.tell(`factory ${number}`);
  card.tell('insert');
  await reader('card');
}
const command = (args, input) => new Promise((resolve) => {
  const env = { ...process.env, ...card.env, CERTDESK_SERVER: desk.address, CERTDESK_LANG: 'en', XDG_STATE_HOME: desk.dir };
  const p = spawn(program, args, { env });
  let out = '';
  for (const s of [p.stdout, p.stderr]) s.on('data', (b) => (out += b));
  p.on('close', (code) => resolve({ code, out }));
  p.stdin.end(input);
});

async function write(medium) {
  await tui.see(new RegExp(`读卡器 +${medium}  `), 20000);
  await tui.key('Enter');
  await tui.see(`写入 UKEY ${medium}`);
  await tui.key('y');
}

test('the first one is written: the screen asks for the next, and does not take the same again', async () => {
  await tui.openQueue('2', '待制证', walk.who.name);
  await tui.see('已制证 0 个，本订单共 3 个');
  await write(MEDIA[0]);
  await tui.see('第 1 个 UKEY（共 3 个）已写好', 60000);
  const text = await tui.see(`${MEDIA[0]} 已写好，请取下并插入下一个空白 UKEY`, 20000);
  assert.match(text, /已制证 1 个，本订单共 3 个/);
  assert.doesNotMatch(text, /Enter 写入/);
  assert.equal((await walk.refresh()).state, 'ORDER_STATE_PERSONALISING');
});

test('opened again with that one still in the reader: refused by the server, nothing is changed', async () => {
  await tui.key('Escape');
  await tui.see(/1\/3/);
  await tui.key('Enter');
  await write(MEDIA[0]);
  await tui.see('已写好，请插入下一个介质', 20000);
  assert.deepEqual((await walk.refresh()).certificates.map((c) => c.medium_number), [MEDIA[0]]);
  await tui.key('Escape');
  await tui.see(/1\/3/);
});

test('the second one by command', async () => {
  await swap(MEDIA[1]);
  const { code, out } = await command(['issue', walk.order.id]);
  assert.equal(code, 0, out);
  assert.match(out, /UKEY 2 of 3 of this order/);
  await tui.see(/2\/3/); // the list is live
});

test('the last one: the order waits to be shipped with all of them', async () => {
  await swap(MEDIA[2]);
  await tui.key('Enter');
  await tui.see('已制证 2 个，本订单共 3 个');
  await write(MEDIA[2]);
  await tui.see('本订单的 UKEY 已全部制证完成', 60000);
  await walk.reach('SHIP');
  assert.deepEqual(walk.order.certificates.map((c) => c.medium_number), MEDIA);
  const pins = await until('three PINs', async () => {
    const all = (await desk.messages(walk.who.legalRep.phone)).filter((m) => /密码为/.test(m.text));
    return all.length === MEDIA.length && all;
  });
  assert.ok(MEDIA.every((m) => pins.some((p) => p.text.includes(m))));
});

test('one parcel with all of them, which the tracking screen shows', async () => {
  await tui.key('Escape');
  await tui.see((t) => t.startsWith(' 待制证'));
  await tui.home();
  await tui.openQueue('3', '待邮寄', walk.who.name);
  await tui.see('本包裹共 3 个 UKEY');
  for (const [i, m] of MEDIA.entries()) {
    await tui.screen.type(m);
    await tui.key('Enter');
    if (i < 2) await tui.see(`还有 ${2 - i} 个（共 3 个）待扫描`);
  }
  await tui.key('Enter');
  await tui.screen.type('SF30000031');
  await tui.key('Enter');
  await tui.see('已登记寄出');
  await tui.home();
  await tui.track(walk.who.name, 'SF30000031');
  await tui.see(MEDIA.join(' '));
  await walk.reach('SHIPPED');
});
