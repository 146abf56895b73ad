// screens_money.test.mjs - money, invoices and the bank: keys in, screens as text out, against a peer with canned data.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { desk, open } from './at-the-desk.mjs';
import { world } from './desk-stub.mjs';

describe('money', () => {
  const as = async (...roles) => {
    const w = world();
    w.roles = roles.map((r) => `STAFF_ROLE_${r}`);
    return desk({ world: w });
  };

  test('each sees what is theirs', async () => {
    for (const [roles, seen, not] of [[['FINANCE'], /7 款项 +3 [^]*8 对账 +1 [^]*9 打款 +4 [^]*0 发票 +1 /, /待审核|待制证|UKEY 库存/], [['REVIEWER'], /1 待审核 +4 /, /款项|对账|打款|待制证|发票/],
      [['OPERATOR', 'AUDITOR'], /2 待制证[^]*6 UKEY 库存[^]*7 款项[^]*0 发票/, /待审核/]]) {
      const d = await as(...roles);
      try {
        assert.doesNotMatch(await d.s.see(seen), not);
      } finally { d.stop(); }
    }
  });

  test('an auditor looks, and has no key that changes anything', async () => {
    const d = await as('AUDITOR');
    try {
      for (const [key, text, keys] of [['7', '退款未成', /t 重试|h 人工|r 退款/], ['8', '有差异', /a 重对/], ['9', /待提交银行 +3/, /x 导出|w 重写|i 导入|s 重新打款/]]) {
        await open(d.s, key, text);
        await d.s.key('Enter');
        const t = await d.s.see((x) => x.includes('Esc 返回') && !x.includes('正在加载'));
        assert.doesNotMatch(t.split('\n')[23], keys);
        for (const k of ['t', 'h', 'r', 'a', 'x', 'w', 'i', 's']) await d.s.key(k);
        assert.doesNotMatch(await d.s.text(), /Esc 取消/);
        await d.s.key('Escape');
        await d.s.see((x) => x.includes('? 帮助') && x.split('\n')[0] !== t.split('\n')[0]);
        if (!/^ 证书工作台/.test(await d.s.text())) await d.s.key('Escape');
        await d.s.see(/^ 证书工作台/);
      }
      assert.ok(d.peer.calls.every((c) => /^(List|Get|Login)/.test(c.method)), JSON.stringify(d.peer.calls.map((c) => c.method)));
    } finally { d.stop(); }
  });

  test('a refund by hand: the form knows what is owed, the same press has the same id until an answer comes', async () => {
    const d = await as('FINANCE');
    try {
      await open(d.s, '7', '退款未成');
      await d.s.key('Enter');
      await d.s.see(/账单显示已退 +1\.00 元/);
      await d.s.key('h');
      await d.s.see(/我方支付 +279\.00[^]*机构后台已退 1\.00/);
      await d.s.key('BSpace', 'Tab', 'Tab');
      await d.s.type('B-1');
      await d.s.key('Tab');
      await d.s.type('电汇');
      d.peer.trouble.push({ method: 'RecordRefund', code: 14, reason: 'UNAVAILABLE', message: 'away', zh: '服务暂不可用' });
      await d.s.key('C-s');
      await d.s.see('服务暂不可用');
      await d.s.key('C-s');
      await d.s.see(/状态 +人工退款[^]*已登记：付款人已收到退款。/);
      const asked = d.peer.calls.filter((c) => c.method === 'RecordRefund').map((c) => c.request);
      assert.equal(asked.length, 2);
      assert.equal(asked[0].request_id, asked[1].request_id);
      assert.deepEqual([asked[1].amount_fen, asked[1].provider_fen, asked[1].reference, asked[1].reason], [27900, 100, 'B-1', '电汇']);
      assert.doesNotMatch(await d.s.text(), /h 人工/);
    } finally { d.stop(); }
  });

  test('a refund that is not accepted is stopped; it is recorded by hand when the provider does not have it', async () => {
    const w = world(), [c] = w.captures;
    w.roles = ['STAFF_ROLE_FINANCE'];
    Object.assign(c.refund, { state: 'REFUND_STATE_REQUESTED', error: 'PROVIDER_CONFIG' });
    const d = await desk({ world: w });
    try {
      await open(d.s, '7', '已申请退款');
      await d.s.key('Enter');
      assert.doesNotMatch(await d.s.see(/x 停止/), /h 人工|t 重试/);
      await d.s.key('x');
      await d.s.see('在此之前请勿付款');
      await d.s.key('C-s');
      await d.s.see('请填写');
      await d.s.type('余额不足');
      await d.s.key('C-s');
      assert.doesNotMatch(await d.s.see(/状态 +正在停止退款[^]*已停止/), /x 停止|h 人工|t 重试/);
      assert.deepEqual(d.peer.calls.filter((x) => x.method === 'StopRefund').map((x) => [x.request.capture_id, x.request.reason]), [[c.id, '余额不足']]);
      Object.assign(c.refund, { state: 'REFUND_STATE_CLOSED', error: 'STOPPED' });
      d.peer.change();
      await d.s.see(/支付机构没有该笔退款[^]*t 重试[^]*h 人工/);
    } finally { d.stop(); }
  });

  test('what differs names the order, the capture and the payment, where they are known', async () => {
    const d = await as('FINANCE');
    try {
      await open(d.s, '8', '有差异');
      await d.s.key('Enter');
      const [, , , c] = d.peer.w.captures;
      await d.s.see('账单中的退款');
      await d.s.key('End');
      await d.s.see((t) => t.includes('desk_1') && [`订单 ${c.order_id}`, `款项 ${c.id}`, `支付 ${c.payment_id}`].every((x) => t.includes(x)));
    } finally { d.stop(); }
  });

  test('money that needs nobody is put aside, with a word; what has not ended has no such key', async () => {
    const d = await as('FINANCE');
    try {
      await open(d.s, '7', '退款未成');
      await d.s.key('Enter');
      assert.doesNotMatch(await d.s.see(/h 人工/), /s 已处理/);
      await d.s.key('Escape');
      await d.s.see(/挂账：无对应支付/);
      await d.s.key('End', 'Enter');
      await d.s.see(/s 已处理/);
      await d.s.key('s');
      await d.s.see('不属本系统，或已另行处理');
      await d.s.key('C-s');
      await d.s.see('请填写处理结果');
      await d.s.type('他店收款');
      await d.s.key('C-s');
      await d.s.see(/状态 +挂账，已处理[^]*处理结果 +他店收款[^]*已标记为处理完毕/);
      assert.doesNotMatch(await d.s.text(), /s 已处理/);
      assert.deepEqual(d.peer.calls.filter((c) => c.method === 'ResolveCapture').map((c) => c.request.reason), ['他店收款']);
      await d.s.key('Escape');
      await d.s.see((t) => /^ 款项/.test(t) && !t.includes('无对应支付'));
      await d.s.key('f');
      await d.s.see(/已处理：无对应支付/);
    } finally { d.stop(); }
  });

  test('a part of what pays for an order is recorded, once more when it was wrong', async () => {
    const d = await as('FINANCE');
    try {
      await open(d.s, '7', '退款未成');
      await d.s.key('f');
      await d.s.see('已支付订单');
      await d.s.key('End', 'Enter');
      await d.s.see(/p 部分已退/);
      await d.s.key('p');
      await d.s.see('请填写累计金额');
      await d.s.key('BSpace', 'BSpace', 'BSpace', 'BSpace', 'Tab');
      await d.s.type('投诉补偿');
      await d.s.key('C-s');
      await d.s.see('未退请填 0'); // an emptied field takes nothing back
      await d.s.key('Tab');
      await d.s.type('1.5.');
      await d.s.key('C-s');
      await d.s.see('金额请按');
      await d.s.key('BSpace');
      await d.s.key('C-s');
      await d.s.see(/部分已退[^]*部分已退 +1\.50 元[^]*已登记：订单照常办理/);
      assert.deepEqual(d.peer.calls.filter((c) => c.method === 'RecordPartialRefund').map((c) => [c.request.provider_fen, c.request.reason]), [[150, '投诉补偿']]);
      await d.s.see(/p 部分已退/);
      await d.s.key('r'); // what is back already does not go back again
      await d.s.see(/已退1\.50 元[^]*余款278\.50 元/);
      await d.s.key('Escape');
    } finally { d.stop(); }
  });

  test('a file that is there already is not begun; nothing was asked of the server', async () => {
    const d = await as('FINANCE');
    try {
      await open(d.s, '9', /待提交银行 +3/);
      await d.s.key('x');
      await d.s.see('remittance-3.csv');
      await d.s.key(...Array(20).fill('BSpace'));
      await d.s.type(d.s.log);
      await d.s.key('Enter');
      await d.s.see('已存在');
      await d.s.key(...Array(80).fill('BSpace'));
      await d.s.type('/no/such/folder/x.csv');
      await d.s.key('Enter');
      await d.s.see(/无法写入.*没有该文件或目录/);
      assert.ok(!d.peer.calls.some((c) => c.method === 'ExportRemittance'));
      await d.s.key('Escape');
      await d.s.see(/待提交银行 +3/);
      await d.s.key('s'); // the chosen line is a PIN that came back
      await d.s.see('将该证书密码放入下一个银行文件吗');
      await d.s.key('y');
      await d.s.see('将以新编号随下一文件发出');
    } finally { d.stop(); }
  });
});
