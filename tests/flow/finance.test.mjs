// Money at the desk in the real console in Chinese at 80x24 (S6, S15): a refund that the payer's account could not take is
// settled by hand, a day is held against its bill again, the bank's files go out and come in, a refused invoice is
// corrected; and what a reviewer is not shown. The same from scripts.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { Desk, until } from '../lib/desk.mjs';
import { columns, program } from '../tui/screen.mjs';
import { Console } from './console.mjs';
import { Sql } from './database.mjs';
import { Walk } from './walk.mjs';
import { company } from './people.mjs';

const HOUR = 3600000, DAY = 24 * HOUR;
const looks = [];
let desk, tui, cancelled, refused, waiting, date;

const look = async (title) => looks.push([title, await tui.screen.text()]);
const erase = (n) => tui.key(...Array(n).fill('BSpace'));
const here = (name) => path.join(desk.dir, name);

before(async () => {
  desk = await new Desk({ clock: true }).start();
  await desk.sim('/sim/config', { callback_scale: 0.01, refund_ms: 0, nuonuo_ms: 10 });
  const beijing = Date.now() + 8 * HOUR;
  desk.setClock(DAY + 12 * HOUR - beijing % DAY); // noon: what happens now is of one day
  date = new Date(beijing + desk.clockOffset).toISOString().slice(0, 10);
  cancelled = new Walk(desk, { who: company(301) });
  refused = new Walk(desk, { who: company(302) });
  waiting = new Walk(desk, { who: company(303), method: 'MICRO_DEPOSIT' });
  await cancelled.to('ISSUE'); // what waits for review is only seen (S20)
  await cancelled.invoiced();
  await desk.sim('/sim/fault', { provider: 'nuonuo', action: 'result', kind: 'refused', count: 1 });
  await refused.to('REVIEW');
  await desk.sim('/sim/fault', { provider: 'wechat', action: 'refund', kind: 'abnormal', count: 1 });
  await cancelled.call.CancelOrder({ order_id: cancelled.order.id });
  await waiting.to('SUBJECT');
  await waiting.submitOrganization();
  tui = await new Console(desk).open();
  await tui.login('fang');
});
after(async () => {
  tui?.close();
  await desk?.stop();
});

test('finance sees its own queues, with what needs a person', async () => {
  const text = await tui.see(/7 款项 +1 [^]*8 对账 +0 [^]*9 打款 +1 [^]*0 发票 +1 /);
  assert.doesNotMatch(text, /待审核|待制证|待邮寄|UKEY 库存/);
  await look('home');
});

test('a reviewer is not shown them, and may not', async () => {
  const li = await new Console(desk).open();
  desk.setClock(desk.clockOffset + 30000); // his code of these seconds approved an order
  try {
    await li.login('li');
    const text = await li.see(/1 待审核/);
    assert.doesNotMatch(text, /款项|对账|打款|待邮寄/);
    await li.key('7', '1'); // 1 is a key of the first screen alone: 7 has not left it
    await li.see(/^ 待审核/);
    const state = li.screen.own;
    assert.throws(() => command(['captures', 'list'], { state }), (e) => e.status === 1 && /DENIED/.test(e.stderr));
    assert.throws(() => command(['remittance', 'export', here('li.csv')], { state }), (e) => e.status === 1 && /DENIED/.test(e.stderr));
    assert.ok(!fs.existsSync(here('li.csv')));
  } finally { li.close(); }
});

// From a script, in the session of a console.
function command(args, { state = tui.screen.own } = {}) {
  return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...desk.env, CERTDESK_SERVER: desk.address, XDG_STATE_HOME: state, CERTDESK_LANG: 'en' } });
}

test('a refund that the payer cannot take is settled by hand; its order ends', async () => {
  await tui.key('7');
  await tui.see(/380\.00 元 微信支付 +退款异常/);
  await look('captures');
  await tui.key('Enter');
  await tui.see(/付款人账户无法入账 {2}\[ABNORMAL\]/);
  await look('capture');
  await tui.key('h');
  await tui.see(/我方支付 +380\.00/);
  await erase(6);
  await tui.screen.type('379.99');
  await tui.key('Tab', 'Tab');
  await tui.answer('工行 20261128', '销户，电汇');
  await tui.see('应退380.00元（款项380.00元，机构已退0.00元）'); // a fen is missing
  await look('by hand');
  await tui.key('Tab');
  await erase(6);
  await tui.screen.type('380');
  await tui.key('C-s');
  await tui.see((t) => /状态 +人工退款[^]*已登记：付款人已收到退款。[^]*v 订单/.test(t) && !/h 人工|t 重试/.test(t)); // there is nothing left to do
  await cancelled.reach('CANCELLED');
  await tui.key('End');
  assert.match(await tui.see(/登记人工退款（方财务）/), /发起支付（申请人）/);
  await look('history');
  await tui.key('Escape');
  await tui.see(/^ 款项/);
  await tui.home();
  await tui.see(/7 款项 +0 /);
  const [capture] = JSON.parse(command(['captures', 'list', 'all', '-o', 'json'])).filter((c) => c.refund);
  assert.deepEqual([capture.refund.state, capture.refund.hand_fen], ['REFUND_STATE_DONE', '38000']);
  assert.match(command(['captures', 'show', capture.id]), /Reference +工行 20261128/);
  assert.throws(() => command(['captures', 'record', capture.id, '380', '0', 'x', '--reason', 'again']), /this money was given back/);
});

test('a file for the bank goes out, its answer comes in: wrong lines named, contradictions alone', async () => {
  await tui.key('9');
  await tui.see(/待提交银行 1/);
  await tui.key('x');
  await tui.see('remittance-1.csv');
  await erase(20);
  await tui.answer(here('bank.csv'));
  await tui.see('第 1 批已写入');
  await look('remittance');
  assert.equal(fs.statSync(here('bank.csv')).mode & 0o777, 0o600);
  const [, row] = fs.readFileSync(here('bank.csv'), 'utf8').trim().split('\r\n');
  const [batch, deposit, name, , , , , , code] = row.slice(1, -1).split('","');
  assert.equal(name, waiting.who.name);
  const answer = (file, ...lines) => fs.writeFileSync(here(file), ['批次,编号,结果,银行流水号,原因', ...lines, ''].join('\r\n'));
  answer('bad.csv', '', `${batch},${deposit},好,F1,`, `${batch},dep_x,成功,F1,`);
  answer('good.csv', `${batch},${deposit},成功,F1,`);
  answer('late.csv', `${batch},${deposit},失败,F1,账号不存在`);
  const take = async (file) => {
    await tui.key('i');
    await tui.see('含五列回执');
    await tui.answer(here(file));
  };
  await take('bad.csv');
  assert.doesNotMatch(await tui.see(/有2行错误[^]*- 第3行第3列[^]*- 第4行第2列/), /file/);
  await look('a bad file');
  await tui.key('Escape');
  await take('good.csv');
  await tui.see('共 1 行：成功 1，失败 0');
  await waiting.call.ConfirmVerification({ verification_id: waiting.order.verification.id, code });
  await waiting.reach('AGENT');
  await take('late.csv');
  await tui.see(/矛盾[^]*第 2 行第 3 列：该笔打款的附言已被正确填写/);
  await look('a contradiction');
  await tui.key('Enter');
  await waiting.reach('AGENT');
  await tui.home();
  assert.match(command(['remittance', 'list']), /batch 1 .*1 deposits: 1 sent, 0 failed, 0 unanswered/);
  assert.throws(() => command(['remittance', 'export', here('bank.csv')]), /is there already/);
  assert.throws(() => command(['remittance', 'export', here('next.csv')]), /no deposit waits/);
  assert.throws(() => command(['remittance', 'import', here('bad.csv')]), /line 3, column 3: the result is ok or failed/);
});

test('a refused invoice is asked for again with what was wrong; its file is kept, its mail sent again', async () => {
  await tui.key('0');
  await tui.see(new RegExp(`${refused.who.name} +开票被拒`));
  await look('invoices');
  await tui.key('Enter');
  await tui.see('购方税号校验不通过');
  await tui.key('r');
  await tui.see(new RegExp(`税号 +${refused.who.uscc}`));
  await tui.key('Tab');
  await erase(30);
  await tui.screen.type('not an address');
  await tui.key('C-s');
  await tui.see(/邮箱.*格式/);
  await look('corrections');
  await erase(14);
  await tui.screen.type('books@example.org');
  await tui.key('C-s');
  await tui.see('已重新申请开票');
  const { invoice } = await until('the invoice', async () => {
    const r = await refused.call.GetInvoice({ order_id: refused.order.id });
    return r.invoice.mail_time && r;
  });
  assert.equal(invoice.email, 'books@example.org');
  await tui.key('F5');
  await tui.see(new RegExp(`号码 +${invoice.number}[^]*PDF`));
  await look('invoice');
  await tui.key('s');
  await tui.see(`${invoice.number}.pdf`);
  await erase(40);
  await tui.answer(here('invoice.pdf'));
  await tui.see('已保存为');
  assert.equal(createHash('sha256').update(fs.readFileSync(here('invoice.pdf'))).digest('hex'), invoice.files[0].digest);
  await tui.key('m');
  await tui.see(/电子邮箱 +books@example.org/);
  await tui.key('Enter');
  await tui.see('已重新发送邮件');
  await tui.key('v');
  await tui.see(/^ 订单[^]*i 发票/);
  await tui.key('End');
  await tui.see(/电子发票[^]*已开具/);
  await look('order');
  for (const title of ['发票信息', '发票']) {
    await tui.key('Escape');
    await tui.see(new RegExp(`^ ${title}`));
  }
  await tui.home();
  await tui.see(/0 发票 +0 /);
  command(['invoices', 'save', refused.order.id, here('again.ofd'), 'ofd']);
  assert.equal(createHash('sha256').update(fs.readFileSync(here('again.ofd'))).digest('hex'), invoice.files[1].digest);
});

test('a day is held against its bill, and again when somebody asks', async () => {
  desk.setClock(desk.clockOffset + DAY);
  await tui.close();
  tui = await new Console(desk).open();
  await tui.login('fang');
  await until('the day in the books', async () => command(['reconciliations', 'list']).split(`\n${date}`).length === 3);
  await tui.key('8');
  await tui.see(new RegExp(`${date} +微信支付 +一致`), 20000);
  await look('reconciliations');
  await tui.key('Enter');
  const text = await tui.see('当日收款');
  assert.match(text, /我方账目 +760\.00 元（2 笔）[^]*＝ 已结算 +380\.00 元[^]*＋ 已退款 +380\.00 元[^]*差异[^]*无。/);
  await look('reconciliation');
  const runs = () => JSON.parse(command(['reconciliations', 'show', 'wechat', date, '-o', 'json'])).runs;
  const was = runs();
  await tui.key('a');
  await tui.see(date);
  await tui.key('C-s');
  await tui.see('正在获取账单并核对');
  await until('the day made again', async () => runs() > was);
  assert.throws(() => command(['reconciliations', 'again', 'wechat', '2999-01-01']), /a day that is over/);
});

test('no screen was wider than 80 columns or higher than 24 lines', () => {
  assert.ok(looks.length >= 14, `${looks.length}`);
  for (const [title, screen] of looks) {
    const lines = screen.replace(/\n$/, '').split('\n');
    assert.ok(lines.length <= 24, title);
    for (const l of lines) assert.ok(columns(l) <= 80, `${title}: ${l}`);
  }
});

// On another desk, or by a supplier: no count moves, and the list shows it.
describe('a row that changes elsewhere is shown without a key', () => {
  let sql;
  const say = async (words) => {
    await sql.rows(words);
    assert.equal(sql.said, '');
  };
  const change = (table, set) => say(`UPDATE ${table} SET version = version + 1, updated_ms = updated_ms + 1, ${set}`);
  before(() => { sql = new Sql(path.join(desk.state, 'db/db.sock')); });
  after(() => sql.close());

  test('money', async () => {
    await tui.key('Escape'); // the day that was looked at
    await tui.see(/^ 对账/);
    for (const [key, title, all, table, set, was, is] of [
      ['7', '款项', true, 'payment_refund', 'state = 2, reference = NULL', /人工退款/, /退款中/],
      ['8', '对账', false, 'payment_reconciliation', 'state = 1', /微信支付 +一致/, /微信支付 +等待账单/],
      ['9', '打款', false, 'deposit', 'state = 4', /成功 1，失败 0/, /成功 1，失败 1/],
      ['0', '发票', true, 'invoice', 'state = 5', /已开具/, /开票中/]]) {
      await tui.home();
      await tui.key(key);
      await tui.see(new RegExp(`^ ${title}`));
      if (all)
        await tui.key('f');
      await tui.see(was);
      await change(table, set);
      await tui.see(is);
    }
  });

  test('the stock, and a job that is given up again', async () => {
    const chen = await new Console(desk).open();
    try {
      await chen.login('chen');
      await chen.key('6');
      await chen.see('库存中还没有 UKEY');
      await say("INSERT INTO token (medium_number, state, model, updated_ms) VALUES ('40000001', 1, 'sim', 1)");
      await chen.see(/40000001 +空白/);
      await change('token', "state = 5, reason = '读卡失败'");
      await chen.see(/40000001 +已隔离 .*读卡失败/);
      await say("INSERT INTO outbox (id, kind, object, payload, state, attempt, doubtful, fence, run_at_ms, lease_until_ms, created_ms, ended_ms, last_error) VALUES ('job_x', 'sms.send', 'ord_x', '', 4, 9, 0, 1, 0, 0, 0, 0, 'PROVIDER_BUSY')");
      await chen.home();
      await chen.see(/5 待处理任务 +1 /);
      await chen.key('5');
      await chen.see('第三方服务繁忙');
      await say("UPDATE outbox SET fence = fence + 2, last_error = 'PROVIDER_REFUSED' WHERE id = 'job_x'");
      await chen.see('第三方服务拒绝请求');
    } finally { chen.close(); }
  });
});
