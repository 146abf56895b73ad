// screens.test.mjs - log in, queues, parcels and the rest: keys in, screens as text out, against a peer with canned data.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { desk, login, open, zh } from './at-the-desk.mjs';
import { longName, start, world } from './desk-stub.mjs';
import { Screen } from './screen.mjs';

describe('log in', () => {
  test('a wrong password is said in words and may be typed again', async () => {
    const d = await desk({ login: false });
    try {
      await login(d.s, 'wrong');
      await d.s.see('用户名、密码或验证码错误');
      assert.doesNotMatch(await d.s.text(), /wrong|123456/);
      await d.s.type('correct horse');
      assert.doesNotMatch(await d.s.see('*****'), /correct/); // never shown
      await d.s.key('Enter');
      await d.s.type('123456');
      await d.s.key('Enter');
      const t = await d.s.see(zh.connected);
      assert.match(t, /张三/);
      assert.match(t, /模拟环境/);
      const ids = d.peer.calls.filter((c) => c.method === 'LoginStaff').map((c) => c.request.request_id);
      assert.equal(new Set(ids).size, 2);
    } finally { d.stop(); }
  });

  test('no banner without simulator; the session is kept for the next start', async () => {
    const w = world();
    w.simulator = false;
    const d = await desk({ world: w });
    try {
      assert.doesNotMatch(await d.s.text(), /模拟环境/);
      const second = await Screen.start({ env: { CERTDESK_SERVER: d.peer.address }, state: d.s.own });
      try {
        await second.see(zh.connected);
      } finally { second.stop(); }
    } finally { d.stop(); }
  });

  test('a session that ran out asks again, over the screen where one was', async () => {
    const d = await desk();
    try {
      await open(d.s, '1', longName.slice(0, 12));
      d.peer.trouble.push({ method: 'ListReviews', code: 16, reason: 'UNAUTHENTICATED', message: 'log in first', zh: '请先登录' });
      await d.s.key('F5');
      await d.s.see('请先登录');
      await d.s.see('zhangsan'); // the name stands there already
      await d.s.type('correct horse');
      await d.s.key('Enter');
      await d.s.type('123456');
      await d.s.key('Enter');
      await d.s.see((t) => t.includes(zh.connected) && t.includes('示范科技') && !t.includes('动态验证码'));
    } finally { d.stop(); }
  });

  test('server away: it says so, and connects by itself when it is there', async () => {
    const s = await Screen.start({ env: { CERTDESK_SERVER: '127.0.0.1:1' } });
    try {
      await login(s);
      await s.see(/服务暂不可用|unavailable|connect/i, 30000);
    } finally { s.stop(); }
  });
});

describe('queues', () => {
  test('counts are live, and come back after the server was away', async () => {
    const d = await desk();
    try {
      await d.s.see(/1 待审核 +4 /);
      d.peer.w.reviews.push({ ...d.peer.w.reviews[0], order_id: 'ord_x' });
      d.peer.change();
      await d.s.see(/1 待审核 +5 /);
      const address = d.peer.address;
      d.peer.stop();
      await d.s.see(zh.away);
      const again = await start(world(), address);
      try {
        await d.s.see(/1 待审核 +4 /, 20000);
        await d.s.see(zh.connected);
      } finally { again.stop(); }
    } finally { d.stop(); }
  });

  test('empty queues say so', async () => {
    const w = world();
    w.reviews = w.issues = w.ships = w.shipments = w.tokens = w.jobs = w.captures = w.days = w.invoices = [];
    w.remittances = { waiting: 0, batches: [], stuck: [] };
    const d = await desk({ world: w });
    try {
      for (const [key, text] of [['1', '没有待审核的订单'], ['2', '没有待制证的订单'], ['3', '没有待邮寄'], ['4', '没有运输中的快件'],
        ['5', '没有需要处理的任务'], ['6', '库存中还没有 UKEY'], ['7', '没有需要人工处理的款项'], ['8', '尚无对账记录'], ['9', '尚未生成文件'], ['0', '没有需要人工处理的发票']]) {
        await open(d.s, key, text);
        await d.s.key('Enter', 'Z'); // nothing is selected: nothing happens, and the next key finds the same screen
        await d.s.see((t) => t.includes('此处没有该按键的功能') && t.includes(text));
        await d.s.key('Escape');
        await d.s.see(zh.home);
      }
    } finally { d.stop(); }
  });

  test('a row stays selected while the queue moves', async () => {
    const d = await desk();
    try {
      await open(d.s, '1', 'ACME');
      await d.s.key('Down');
      await d.s.key('Down');
      await d.s.see('3/4');
      d.peer.w.reviews.shift();
      d.peer.change();
      await d.s.see('2/3');
      await d.s.key('Enter');
      await d.s.see(/审核 - ACME/);
    } finally { d.stop(); }
  });

  test('long lists are read on, page by page', async () => {
    const w = world();
    w.tokens = Array.from({ length: 120 }, (_, i) => ({ medium_number: `M${1000 + i}`, state: 'TOKEN_STATE_BLANK', model: 'A', reason: '' }));
    const d = await desk({ world: w });
    try {
      await open(d.s, '6', '1/50+');
      await d.s.key('End');
      await d.s.see('50/100+');
      await d.s.key('End');
      await d.s.see('100/120');
      await d.s.key('End');
      await d.s.see('M1119');
      await d.s.key('f');
      await d.s.see('UKEY 库存 - 空白');
    } finally { d.stop(); }
  });
});

describe('ship', () => {
  test('only the order\'s own UKEY, then courier and number', async () => {
    const d = await desk();
    try {
      await open(d.s, '3', '10010');
      await d.s.key('Enter');
      await d.s.see('介质号（扫描）');
      await d.s.type('99999');
      await d.s.key('Enter');
      await d.s.see('99999 不是该订单的 UKEY'); // and the field is empty again
      await d.s.type('10010');
      await d.s.key('Enter', 'Right', 'Enter');
      await d.s.type('SF999');
      d.peer.trouble.push({ method: 'CreateShipment', code: 3, reason: 'INVALID', message: 'bad', zh: '部分信息有误',
        fields: [{ field: 'tracking_number', text: 'bad number', zh: '快递单号格式有误' }] });
      await d.s.key('Enter');
      await d.s.see('快递单号格式有误');
      await d.s.type('0');
      await d.s.key('Enter');
      await d.s.see('已登记寄出');
      const q = d.peer.calls.filter((c) => c.method === 'CreateShipment').map((c) => c.request);
      assert.equal(q.length, 2);
      assert.equal(q[1].courier, 'ems');
      assert.equal(q[1].tracking_number, 'SF9990');
      assert.deepEqual(q[1].medium_numbers, ['10010']);
    } finally { d.stop(); }
  });

  test('every UKEY of the order is scanned; what is missing is said, what is foreign does not stay', async () => {
    const d = await desk();
    try {
      await open(d.s, '3', /10011 \+2/);
      await d.s.key('Down', 'Enter');
      await d.s.see('本包裹共 3 个 UKEY');
      for (const [number, said] of [['10012', '还有 2 个（共 3 个）待扫描：10011 10013'], ['10012', '还有 2 个（共 3 个）待扫描：10011 10013'],
        ['10010', '10010 不是该订单的 UKEY'], ['10011', '还有 1 个（共 3 个）待扫描：10013']]) {
        await d.s.type(number);
        await d.s.key('Enter');
        await d.s.see(said);
      }
      await d.s.key('Tab', 'Tab');
      await d.s.type('SF999');
      await d.s.key('Enter'); // too early
      await d.s.see('还有 1 个（共 3 个）待扫描：10013');
      assert.equal(d.peer.calls.filter((c) => c.method === 'CreateShipment').length, 0);
      await d.s.type('10013');
      await d.s.key('Enter', 'Enter', 'Enter');
      await d.s.see('已登记寄出');
      const [q] = d.peer.calls.filter((c) => c.method === 'CreateShipment').map((c) => c.request);
      assert.deepEqual(q.medium_numbers, ['10012', '10011', '10013']);
    } finally { d.stop(); }
  });

  test('tracking with its events; a returned parcel is posted again with a reason', async () => {
    const d = await desk();
    try {
      await open(d.s, '4', 'SF1234567890');
      await d.s.key('Enter');
      const t = await d.s.see('快件已到达杭州转运中心');
      assert.doesNotMatch(t, /p 重新寄出/); // nothing is wrong with it
      await d.s.key('Escape');
      await d.s.see('EMS987654321CN');
      await d.s.key('Down', 'Enter');
      await d.s.see('p 重新寄出');
      await d.s.key('p');
      await d.s.see('待邮寄队列');
      await d.s.type('地址有误');
      await d.s.key('Enter');
      await d.s.see('已完成。');
      assert.deepEqual(d.peer.calls.filter((c) => c.method === 'ResolveShipment').map((c) => [c.request.post_again, c.request.reason]), [[true, '地址有误']]);
    } finally { d.stop(); }
  });
});

describe('other screens', () => {
  test('search, order, jobs, stock', async () => {
    const d = await desk();
    try {
      await d.s.key('/');
      await d.s.see('查询内容');
      await d.s.type('北仑港');
      await d.s.key('Enter');
      await d.s.see(/查询 - 北仑港/);
      await d.s.see('宁波北仑港机电设备有限公司');
      await d.s.key('Enter');
      await d.s.see('统一社会信用代码');
      await d.s.key('Escape');
      await d.s.see(/查询 - 北仑港/);
      await d.s.key('Escape');
      await open(d.s, '5', /短信 +9 .*第三方服务繁忙/);
      await d.s.key('Enter');
      await d.s.see(/第三方服务繁忙 \[PROVIDER_BUSY\][^]*待处理，已尝试 9 次[^]*\(sms\.send\)[^]*按 r/);
      await d.s.key('Enter');
      await d.s.key('r');
      await d.s.see('任务已重新执行');
      await d.s.see('没有需要处理的任务');
      await d.s.key('Escape');
      await open(d.s, '6', '10001');
      await d.s.key('n');
      await d.s.see('空白 UKEY 的介质号');
      await d.s.type('PIV-B');
      await d.s.key('Enter');
      await d.s.type('20001, 20002 20003');
      await d.s.key('Enter');
      await d.s.see('入库 3 个');
      assert.deepEqual(d.peer.calls.find((c) => c.method === 'RegisterTokens').request.medium_numbers, ['20001', '20002', '20003']);
    } finally { d.stop(); }
  });

  test('states are in the language of the console, times say their zone, and a key without a use says so', async () => {
    const d = await desk({ env: { CERTDESK_LANG: 'C', TZ: 'Asia/Shanghai' }, login: false });
    try {
      await d.s.see('Authenticator code');
      for (const text of ['zhangsan', 'correct horse', '123456']) { await d.s.type(text); await d.s.key('Enter'); }
      assert.match(await d.s.see('connected'), /UTC\+8/);
      await d.s.key('Z');
      await d.s.see(/does nothing here.*q leaves/);
      await d.s.key('/');
      await d.s.see('Search for');
      await d.s.type('北仑港');
      await d.s.key('Enter');
      assert.match(await d.s.see('宁波北仑港'), /To review|To issue|To ship|Shipped/);
      await d.s.key('Z');
      await d.s.see(/does nothing here.*Esc goes back/);
      await d.s.key('Down');
      await d.s.see((t) => !t.includes('does nothing here'));
    } finally { d.stop(); }
  });

  test('papers that came by post are recorded, and nobody else is asked', async () => {
    const w = world();
    Object.assign(w.orders[3], { state: 'ORDER_STATE_PAPERS', paper_route: true, actions: ['RecordPaperArrival'] });
    const d = await desk({ world: w });
    try {
      for (const [query, name] of [['北仑港', '宁波北仑港机电设备有限公司'], ['ACME', 'ACME Power']]) {
        await d.s.key('/');
        await d.s.see('查询内容');
        await d.s.type(query);
        await d.s.key('Enter');
        await d.s.see(name);
        await d.s.key('Enter');
        await d.s.see('统一社会信用代码');
        if (query === 'ACME') break;
        await d.s.see('纸质材料');
        await d.s.key('p');
        await d.s.see('审核期限自现在起算');
        await d.s.key('Enter', 'n'); // Enter is no yes: there is still a question that n answers
        await d.s.gone('审核期限自现在起算');
        await d.s.key('p');
        await d.s.see('审核期限自现在起算');
        assert.ok(!d.peer.calls.some((c) => c.method === 'RecordPaperArrival'));
        await d.s.key('y');
        await d.s.see('已登记收到纸质材料');
        await d.s.key('Escape');
        await d.s.key('Escape');
      }
      assert.doesNotMatch(await d.s.text(), /p 纸质材料/);
      await d.s.key('p');
      assert.deepEqual(d.peer.calls.filter((c) => c.method === 'RecordPaperArrival').map((c) => c.request.order_id), [w.orders[3].id]);
    } finally { d.stop(); }
  });

  test('an order that is not paid is closed, with a reason', async () => {
    const w = world();
    Object.assign(w.orders[3], { state: 'ORDER_STATE_AGENT', actions: ['CancelOrder'] });
    const d = await desk({ world: w });
    try {
      await d.s.key('/');
      await d.s.see('查询内容');
      await d.s.type('北仑港');
      await d.s.key('Enter');
      await d.s.see('宁波北仑港机电设备有限公司');
      await d.s.key('Enter');
      await d.s.see(/c 关闭订单/);
      await d.s.key('c');
      await d.s.see('证件号可用于新的订单');
      await d.s.key('C-s');
      await d.s.see('请填写原因');
      await d.s.type('单位来电：非本单位申请');
      await d.s.key('C-s');
      await d.s.see((t) => t.includes('已通知账号') && !t.includes('c 关闭订单'));
      const [q] = d.peer.calls.filter((c) => c.method === 'CancelOrder').map((c) => c.request);
      assert.deepEqual([q.order_id, q.reason], [w.orders[3].id, '单位来电：非本单位申请']);
    } finally { d.stop(); }
  });

  test('text from outside cannot steer the terminal', async () => {
    const w = world();
    w.reviews[0].subject_name = 'evil\u001b[2J\u001b]0;x\u0007\u202egnp.exe\u200b';
    const d = await desk({ world: w });
    try {
      await open(d.s, '1', 'evil\ufffd[2J\ufffd]0;x\ufffd\ufffdgnp.exe\ufffd');
    } finally { d.stop(); }
  });

  test('resize while loading, and very small', async () => {
    const d = await desk();
    try {
      d.peer.hold.add('ListReviews');
      await open(d.s, '1', '正在加载');
      await d.s.resize(160, 40);
      await d.s.see((t) => t.split('\n').length >= 40 && t.includes('正在加载'));
      d.peer.release('ListReviews');
      const t = await d.s.see(longName.slice(0, 30));
      assert.match(t, /ord_01jd3x4k7m/); // room for the order number
      await d.s.resize(30, 5);
      await d.s.see('窗口太小');
      await d.s.resize(80, 24);
      await d.s.see('示范科技');
    } finally { d.stop(); }
  });

  test('a signal ends it in order: the terminal is given back', async () => {
    for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT']) {
      const d = await desk();
      try {
        await open(d.s, '1', '示范科技');
        process.kill(await d.s.pid(), signal);
        assert.equal(await d.s.ended(), 0);
        const echo = await d.s.tmux('display-message', '-p', '-t', 't', '#{cursor_flag} #{alternate_on}');
        assert.equal(echo.trim(), '1 0'); // cursor shown, normal screen
      } finally { d.stop(); }
    }
  });

  test('Ctrl-C asks; a half-typed question can be left', async () => {
    const d = await desk();
    try {
      await d.s.key('C-c');
      await d.s.see('确定退出控制台');
      await d.s.key('n');
      await d.s.gone('确定退出控制台');
      await d.s.key('/');
      await d.s.see('查询内容');
      await d.s.type('x');
      await d.s.key('C-c');
      await d.s.gone('查询内容');
      assert.ok(!d.peer.calls.some((c) => c.method === 'FindOrders'));
    } finally { d.stop(); }
  });

  test('a key that is held does not hold the picture', async () => {
    const d = await desk();
    let held = true;
    const hold = async () => { while (held) await d.s.key('Escape', 'Escape'); };
    try {
      await open(d.s, '1', '示范科技');
      await d.s.key('Enter');
      await d.s.see('[未审核]');
      const holding = hold();
      try {
        await d.s.see(zh.home);
      } finally {
        held = false;
        await holding;
      }
      await d.s.key('2');
      await d.s.see('待制证');
    } finally { d.stop(); }
  });

  test('what was drawn piece by piece is what is drawn whole', async () => {
    const d = await desk();
    try {
      await open(d.s, '1', '示范科技');
      await d.s.key('Enter');
      await d.s.see('[未审核]');
      for (const k of ['?', 'Escape', 'x', 'Escape', 'PageDown', 'PageDown', '?', 'Escape', 'PageUp', 'Tab', 'x', 'Escape', 'Home']) {
        await d.s.key(k);
        await d.s.see((t) => /帮助|Esc 取消/.test(t));
      }
      await d.s.key('Z'); // the last word: everything before has been drawn
      const pieces = await d.s.see((t) => t.includes('此处没有该按键的功能') && !t.includes('Enter 关闭'));
      await d.s.key('C-l');
      await d.s.see((t) => t === pieces);
    } finally { d.stop(); }
  });
});
