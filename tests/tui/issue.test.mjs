// issue.test.mjs - writing a UKEY from the console, on a real PC/SC daemon with a simulated card.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { start, world } from './desk-stub.mjs';
import { reader } from './reader.mjs';
import { Screen, program } from './screen.mjs';

async function desk(r, w = world()) {
  const peer = await start(w);
  const s = await Screen.start({ rows: 30, env: { CERTDESK_SERVER: peer.address, ...r.env } });
  await s.see('动态验证码');
  for (const text of ['zhangsan', 'correct horse', '123456']) {
    await s.type(text);
    await s.key('Enter');
  }
  await s.see('已连接');
  await s.key('2');
  await s.see('寄出期限');
  await s.key('Enter');
  return { s, peer, stop: () => { s.stop(); peer.stop(); } };
}

test('waits for the UKEY, shows its number, asks once, writes it step by step', async () => {
  const r = await reader('--serial 30000009 --out');
  const d = await desk(r);
  try {
    await d.s.see('请插入空白 UKEY');
    r.tell('insert');
    await d.s.see(/读卡器 +30000009/);
    await d.s.key('Enter');
    await d.s.see(/写入 UKEY 30000009/);
    await d.s.key('Enter', 'n'); // Enter is no yes: there is still a question that n answers
    await d.s.gone('写入 UKEY 30000009');
    await d.s.key('Enter');
    await d.s.see(/写入 UKEY 30000009/);
    assert.equal(d.peer.calls.filter((c) => c.method === 'BeginPersonalisation').length, 0);
    await d.s.key('y');
    const t = await d.s.see('UKEY 制证完成', 60000);
    assert.match(t, /完成 +11 +完成/);
    assert.doesNotMatch(t, /486210|73920164/);
    const steps = d.peer.calls.filter((c) => c.method === 'RecordStep').map((c) => c.request.step);
    assert.equal(steps.length, 9);
    assert.equal(d.peer.calls.filter((c) => c.method === 'FinishPersonalisation').length, 1);
    await d.s.key('Escape');
    await d.s.see((x) => x.includes('待制证') && !x.includes('示范科技'));
  } finally {
    d.stop();
    await r.stop();
  }
});

test('pulled while it is written: said in words, gone on with when it is back', async () => {
  const r = await reader('--serial 30000010');
  const d = await desk(r);
  try {
    await d.s.see(/读卡器 +30000010/);
    // the first answer about the certificate is lost: the card goes while the server thinks
    d.peer.hold.add('IssueCertificate');
    await d.s.key('Enter');
    await d.s.see(/写入 UKEY 30000010/);
    await d.s.key('y');
    await d.s.see(/进行中 +7 +签发证书/, 60000);
    await d.s.key('Escape');
    await d.s.see('确定中断');
    await d.s.key('n');
    r.tell('pull');
    d.peer.release('IssueCertificate');
    await d.s.see('操作未成功', 60000);
    await d.s.see('请插入空白 UKEY');
    r.tell('insert');
    await d.s.see(/读卡器 +30000010/, 20000);
    await d.s.key('Enter'); // going on asks nothing
    await d.s.see('UKEY 制证完成', 60000);
    assert.equal(d.peer.calls.filter((c) => c.method === 'FinishPersonalisation').length, 1);
  } finally {
    d.stop();
    await r.stop();
  }
});

test('a UKEY that hangs: the console lives on, and can break off', async () => {
  const r = await reader('--serial 30000013 --fault hang-after:47');
  const d = await desk(r);
  try {
    await d.s.see(/读卡器 +30000013/);
    await d.s.key('Enter');
    await d.s.see(/写入 UKEY 30000013/);
    await d.s.key('y');
    await d.s.see(/进行中 +6 +/, 30000);
    await d.s.key('?'); // the console lives on meanwhile
    await d.s.see('显示本按键说明');
    await d.s.key('Enter');
    await d.s.gone('显示本按键说明');
    await d.s.key('Escape');
    await d.s.see('确定中断');
    await d.s.key('y');
    await d.s.see('寄出期限');
  } finally {
    d.stop();
    await r.stop();
  }
});

test('a UKEY that answers nonsense: called doubtful, put aside with a reason', async () => {
  const r = await reader('--serial 30000014 --fault garbage=300:47');
  const d = await desk(r);
  try {
    await d.s.see(/读卡器 +30000014/);
    await d.s.key('Enter');
    await d.s.see(/写入 UKEY 30000014/);
    await d.s.key('y');
    const t = await d.s.see('状态存疑', 30000);
    assert.match(t, /失败 +6 /);
    await d.s.key('Q');
    await d.s.see('UKEY 30000014 不再使用');
    await d.s.key('Enter');
    await d.s.see('请填写原因');
    await d.s.type('应答异常');
    await d.s.key('Enter');
    await d.s.see('UKEY 已隔离');
    assert.match(d.peer.calls.find((c) => c.method === 'QuarantineToken').request.personalisation_id, /^per_/);
  } finally {
    d.stop();
    await r.stop();
  }
});

test('another UKEY than the one begun with; putting that one aside with a reason', async () => {
  const w = world();
  w.issues.shift(); // the one that was begun with UKEY 10002 stays
  const r = await reader('--serial 30000011');
  const d = await desk(r, w);
  try {
    await d.s.see('这不是该订单已开始写入的 UKEY');
    await d.s.key('Q');
    await d.s.see('UKEY 10002 不再使用');
    await d.s.type('插口损坏');
    await d.s.key('Enter');
    await d.s.see('UKEY 已隔离');
    const q = d.peer.calls.find((c) => c.method === 'QuarantineToken').request;
    assert.equal(q.reason, '插口损坏');
    assert.equal(d.peer.calls.find((c) => c.method === 'BeginPersonalisation').request.medium_number, '10002');
  } finally {
    d.stop();
    await r.stop();
  }
});

// The writer died before it could say that it was done: the order goes on with the next one, and nobody looks for this one.
test('a UKEY that was finished unheard of is not asked for again', async () => {
  const w = world();
  w.issues.shift(); // begun with UKEY 10002, one of three written
  const r = await reader('--serial 10002');
  const d = await desk(r, w);
  try {
    await d.s.see(/读卡器 +10002/);
    assert.match(await d.s.see(/已制证 +1 个，本订单共 3 个/), /已开始的介质 +10002/);
    d.peer.trouble.push({ method: 'BeginPersonalisation', code: 9, reason: 'PRECONDITION', message: 'written already', zh: '介质已写好，请插入下一个' });
    await d.s.key('Enter');
    await d.s.see('介质已写好，请插入下一个');
    assert.doesNotMatch(await d.s.see(/读卡器 +10002/), /已开始的介质|这不是该订单已开始写入的/);
  } finally {
    d.stop();
    await r.stop();
  }
});

test('killed while writing, and finished from a script; nothing secret is printed', async () => {
  const r = await reader('--serial 30000012');
  const peer = await start();
  const run = (args, input) => new Promise((resolve) => {
    const p = spawn(program, args, { env: { ...process.env, ...r.env, CERTDESK_SERVER: peer.address, CERTDESK_LANG: 'en' } });
    let out = '';
    p.stdout.on('data', (b) => { out += b; if (/^step\t7/m.test(out) && peer.hold.has('IssueCertificate')) p.kill('SIGKILL'); });
    p.stderr.on('data', (b) => (out += b));
    p.on('close', (status) => resolve({ status, out }));
    p.stdin.end(input);
  });
  try {
    peer.hold.add('IssueCertificate');
    let x = await run(['--token-stdin', '--progress', 'issue', peer.w.issues[0].order_id], 'stub-token');
    assert.equal(x.status, null);
    peer.release('IssueCertificate');
    x = await run(['--token-stdin', 'issue', peer.w.issues[0].order_id], 'stub-token');
    assert.equal(x.status, 0, x.out);
    assert.match(x.out, /UKEY 30000012/);
    assert.match(x.out, /OK/);
    assert.doesNotMatch(x.out, /486210|73920164|10121416/);
  } finally {
    peer.stop();
    await r.stop();
  }
});
