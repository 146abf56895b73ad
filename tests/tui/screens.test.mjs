// screens.test.mjs - keys in, screens as text out, against a peer with canned data (desk-stub.mjs).
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { longName, start, world } from './desk-stub.mjs';
import { Screen, columns, program } from './screen.mjs';

const zh = { home: '证书工作台', login: '动态验证码', review: '待审核', away: '服务器无应答', connected: '已连接' };

async function login(s, password = 'correct horse', totp = '123456') {
  await s.see('动态验证码');
  await s.type('zhangsan');
  await s.key('Enter');
  await s.type(password);
  await s.key('Enter');
  await s.type(totp);
  await s.key('Enter');
}

// A console that is logged in, against a peer of its own.
async function desk(options = {}) {
  const peer = options.peer ?? (await start(options.world));
  const s = await Screen.start({ ...options, env: { CERTDESK_SERVER: peer.address, ...options.env } });
  if (options.login !== false) {
    await login(s);
    await s.see(zh.connected);
  }
  return { s, peer, stop: () => { s.stop(); peer.stop(); } };
}

async function open(s, key, text) {
  await s.key(key);
  return s.see(text);
}

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
        ['5', '没有需要处理的任务'], ['6', '没有该状态的 UKEY'], ['7', '没有需要人工处理的款项'], ['8', '尚无对账记录'], ['9', '尚未生成文件'], ['0', '没有需要人工处理的发票']]) {
        await open(d.s, key, text);
        await d.s.key('Enter'); // nothing is selected: nothing happens
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

describe('review', () => {
  const toReview = async (d) => {
    await open(d.s, '1', '示范科技');
    await d.s.key('Enter');
    await d.s.see('[未审核]');
  };

  test('everything entered, verified and uploaded is there', async () => {
    const d = await desk({ cols: 100, rows: 70 });
    try {
      await toReview(d);
      const t = await d.s.text();
      for (const text of ['营业执照', '91350100M000100Y43', '王建国', '110105********002X', '李小红', '天目山路152号', '200.00 元', '手机实名三要素',
        '一致', 'abababab', '扫描件.pdf'])
        assert.ok(t.includes(text), text);
    } finally { d.stop(); }
  });

  test('approve: every material first, then a question that Enter does not answer', async () => {
    const d = await desk();
    try {
      await toReview(d);
      await d.s.key('d');
      await d.s.see('还有 4 项资料未审核');
      await d.s.key('A');
      await d.s.key('d');
      await d.s.see('所有资料均已通过');
      await d.s.key('Enter');
      await d.s.key('y');
      await d.s.see(/审核通过。/);
      await d.s.see('3');
      const q = d.peer.calls.filter((c) => c.method === 'DecideReview');
      assert.equal(q.length, 1);
      assert.equal(q[0].request.approve, true);
      assert.equal(q[0].request.etag, 'r1');
      assert.equal(q[0].request.decisions.length, 4);
      assert.ok(q[0].request.decisions.every((x) => x.verdict === 'MATERIAL_VERDICT_APPROVED'));
    } finally { d.stop(); }
  });

  test('refuse one material with a reason, send back', async () => {
    const d = await desk();
    try {
      await toReview(d);
      await d.s.key('Tab');
      await d.s.key('x');
      await d.s.see('资料不通过');
      await d.s.key('Enter');
      await d.s.see('请填写原因'); // no refusal without one
      await d.s.type('照片模糊');
      await d.s.key('Enter');
      await d.s.see('[不通过]');
      await d.s.key('A');
      await d.s.key('d');
      await d.s.see('退回订单');
      await d.s.type('请重新拍照');
      await d.s.key('Enter');
      await d.s.see('已退回申请人');
      const r = d.peer.calls.find((c) => c.method === 'DecideReview').request;
      assert.equal(r.approve, false);
      assert.equal(r.comment, '请重新拍照');
      assert.deepEqual(r.decisions.map((x) => [x.verdict, x.reason]), [['MATERIAL_VERDICT_APPROVED', ''], ['MATERIAL_VERDICT_REFUSED', '照片模糊'],
        ['MATERIAL_VERDICT_APPROVED', ''], ['MATERIAL_VERDICT_APPROVED', '']]);
    } finally { d.stop(); }
  });

  test('marks stay when the order is left for a moment, and are gone once it is decided', async () => {
    const d = await desk();
    try {
      await toReview(d);
      await d.s.key('x');
      await d.s.see('资料不通过');
      await d.s.type('照片模糊');
      await d.s.key('Enter');
      await d.s.see('[不通过]');
      await d.s.key('Escape');
      await d.s.see((t) => !t.includes('[不通过]'));
      await d.s.key('Enter');
      await d.s.see('之前的审核标记已恢复');
      assert.match(await d.s.see('照片模糊'), /\[不通过\]/);
      await d.s.key('A');
      await d.s.key('d');
      await d.s.see('退回订单');
      await d.s.key('Enter');
      await d.s.see('已退回申请人');
      assert.equal(d.peer.calls.find((c) => c.method === 'DecideReview').request.decisions[0].reason, '照片模糊');
    } finally { d.stop(); }
  });

  test('papers are sent back with what is wrong with them', async () => {
    const w = world();
    for (const o of w.orders) o.paper_route = true;
    const d = await desk({ world: w });
    try {
      await toReview(d);
      await d.s.key('b');
      await d.s.see('退回纸质材料');
      await d.s.key('Enter');
      await d.s.see('请填写原因');
      await d.s.type('未盖公章');
      await d.s.key('Enter');
      await d.s.see('已退回申请人');
      const r = d.peer.calls.find((c) => c.method === 'DecideReview').request;
      assert.deepEqual([r.approve, r.comment, r.decisions], [false, '未盖公章', []]);
    } finally { d.stop(); }
  });

  test('somebody else was faster: said, loaded again, marks of changed materials gone', async () => {
    const d = await desk();
    try {
      await toReview(d);
      await d.s.key('A');
      await d.s.see((t) => !t.includes('[未审核]'));
      d.peer.w.etag = 'r2';
      d.peer.w.materials = d.peer.w.materials.map((m, i) => (i ? m : { ...m, digest: 'ff'.repeat(32) }));
      await d.s.key('d');
      await d.s.see('所有资料均已通过');
      await d.s.key('y');
      await d.s.see('已被他人修改');
      await d.s.key('Enter');
      await d.s.see(/营业执照 +\[未审核\]/);
      await d.s.see(/申请表 +\[通过\]/);
      await d.s.key('a');
      await d.s.key('d');
      await d.s.see('所有资料均已通过');
      await d.s.key('y');
      await d.s.see('审核通过。');
      assert.equal(d.peer.calls.filter((c) => c.method === 'DecideReview').at(-1).request.etag, 'r2');
    } finally { d.stop(); }
  });

  test('after UNAVAILABLE the same action has the same request_id; every violation is shown', async () => {
    const d = await desk();
    try {
      await toReview(d);
      await d.s.key('A');
      d.peer.trouble.push({ method: 'DecideReview', code: 14, reason: 'UNKNOWN_OUTCOME', message: 'unknown', zh: '结果未知' });
      await d.s.key('d');
      await d.s.see('所有资料均已通过');
      await d.s.key('y');
      await d.s.see('不会重复执行');
      await d.s.key('Enter');
      d.peer.trouble.push({ method: 'DecideReview', code: 3, reason: 'INVALID', message: 'bad', zh: '部分信息有误',
        fields: [{ field: 'decisions[0].reason', text: 'one', zh: '第一处错误' }, { field: 'comment', text: 'two', zh: '第二处错误' }] });
      await d.s.key('d');
      await d.s.see('所有资料均已通过');
      await d.s.key('y');
      const t = await d.s.see('第二处错误');
      assert.match(t, /部分信息有误/);
      assert.match(t, /第一处错误/);
      await d.s.key('Enter');
      await d.s.key('d');
      await d.s.see('所有资料均已通过');
      await d.s.key('y');
      await d.s.see('审核通过。');
      const ids = d.peer.calls.filter((c) => c.method === 'DecideReview').map((c) => c.request.request_id);
      assert.equal(ids[0], ids[1]);
      assert.notEqual(ids[1], ids[2]); // a refusal settles it
    } finally { d.stop(); }
  });

  test('a masked number is shown only with a reason', async () => {
    const d = await desk();
    try {
      await toReview(d);
      for (let i = 0; i < 5; i++) await d.s.key('Tab');
      await d.s.see('m 查看原文');
      await d.s.key('m');
      await d.s.see('审计记录');
      await d.s.type('电话核实');
      await d.s.key('Enter');
      await d.s.see('11010519491231002X');
      const r = d.peer.calls.find((c) => c.method === 'RevealField').request;
      assert.equal(r.field, 'organization.legal_rep_id_number');
      assert.equal(r.reason, '电话核实');
      await d.s.key('Escape');
      await d.s.key('Enter');
      await d.s.see('[未审核]');
      assert.doesNotMatch(await d.s.text(), /11010519491231002X/);
    } finally { d.stop(); }
  });

  test('the signed text is shown on the record only, and scrolls', async () => {
    const d = await desk();
    try {
      await toReview(d);
      await d.s.key('BTab');
      await d.s.see('（已脱敏）');
      await d.s.key('m');
      await d.s.see('审计记录');
      d.peer.trouble.push({ method: 'RevealField', code: 3, reason: 'INVALID', message: 'bad', zh: '部分信息有误',
        fields: [{ field: 'reason', text: 'say why', zh: '请填写查看原因' }] });
      await d.s.key('Enter');
      await d.s.see('请填写查看原因'); // under its field; the question stays
      await d.s.type('核对');
      await d.s.key('Enter');
      await d.s.see('签'.repeat(20));
      await d.s.key('End');
      await d.s.see('"}');
      assert.equal(d.peer.calls.filter((c) => c.method === 'RevealField').at(-1).request.field, 'signed_text');
    } finally { d.stop(); }
  });

  test('a scan in the terminal, with zoom and pan; a PDF by its pages; rubbish is named', async () => {
    const d = await desk();
    try {
      await toReview(d);
      await d.s.key('Enter');
      const whole = await d.s.see(/1240 x 1754 +100%/);
      assert.match(whole, /[▀-▟]/);
      await d.s.key('+');
      await d.s.key('+');
      const part = await d.s.see('225%');
      assert.notEqual(part, whole);
      await d.s.key('Down');
      await d.s.see((t) => t.includes('225%') && t !== part);
      await d.s.key('0');
      await d.s.see((t) => t === whole);
      await d.s.key('Escape');
      await d.s.see('[未审核]');
      await d.s.key('Tab');
      await d.s.key('Tab');
      await d.s.key('Enter');
      await d.s.see('第 1 页，共 2 页');
      await d.s.key('n');
      await d.s.see('第 2 页，共 2 页');
      await d.s.key('n');
      await d.s.key('p');
      await d.s.see('第 1 页，共 2 页');
      assert.deepEqual(d.peer.calls.filter((c) => c.method === 'GetMaterialPreview').map((c) => c.request.page), [1, 1, 2, 1]);
      await d.s.key('Escape');
      await d.s.see('[未审核]');
      await d.s.key('Tab');
      await d.s.key('Enter');
      await d.s.see('文件已损坏');
      await d.s.see('certdesk material save');
      assert.ok(!d.peer.calls.some((c) => c.method === 'DownloadMaterial'));
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
      await open(d.s, '5', 'notice.sms');
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
        await d.s.key('Enter'); // does nothing
        await d.s.see('审核期限自现在起算');
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
      await d.s.see(/状态 +挂账，已处理[^]*处理结果 +他店收款[^]*已归置/);
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
      await d.s.key('BSpace', 'BSpace', 'BSpace', 'BSpace');
      await d.s.type('1.5.');
      await d.s.key('Tab');
      await d.s.type('投诉补偿');
      await d.s.key('C-s');
      await d.s.see('金额请按');
      await d.s.key('Tab', 'BSpace');
      await d.s.key('C-s');
      await d.s.see(/部分已退[^]*部分已退 +1\.50 元[^]*已登记：订单照常办理/);
      assert.deepEqual(d.peer.calls.filter((c) => c.method === 'RecordPartialRefund').map((c) => [c.request.provider_fen, c.request.reason]), [[150, '投诉补偿']]);
      await d.s.see(/p 部分已退/);
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
      await d.s.see('无法写入');
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
    r = await certdesk(['orders', 'list', '北仑港', '-o', 'json']);
    assert.equal(JSON.parse(r.out)[0].subject_name, '宁波北仑港机电设备有限公司');
    r = await certdesk(['stock', 'list']);
    assert.equal(r.out.trim().split('\n').length, 61);
    r = await certdesk(['captures', 'list']);
    assert.match(r.out, /Refund refused[^]*Refund abnormal[^]*Held: of no payment of ours/);
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
    r = await certdesk(['captures', 'record', peer.w.captures[0].id, '2,79.5.', '1', 'B-1', '--reason', 'wired']);
    assert.deepEqual([r.status, r.err], [2, 'certdesk: an amount is written 279.00\n']);
    r = await certdesk(['reconciliations', 'show', 'wechat', '2026-11-21']);
    assert.match(r.out, /Strange refund +desk_1/);
    r = await certdesk(['remittance', 'export', `${env.XDG_STATE_HOME}/bank.csv`, '-o', 'json']);
    assert.deepEqual(JSON.parse(r.out), { number: '3', deposits: 3 });
    r = await certdesk(['remittance', 'import', `${env.XDG_STATE_HOME}/bank.csv`]);
    assert.deepEqual([r.status, r.err], [0, 'line 3, column 3, refused: this deposit failed before\n']);
    r = await certdesk(['invoices', 'save', peer.w.invoices[1].order_id, `${env.XDG_STATE_HOME}/invoice.pdf`]);
    assert.deepEqual([r.status, r.out], [0, 'OK\n'], r.err);
    r = await certdesk(['review', 'show', peer.w.orders[0].id]);
    assert.match(r.out, /110105\*{8}002X/);
    r = await certdesk(['-o', 'json', 'review', 'approve', peer.w.orders[0].id]);
    assert.equal(JSON.parse(r.out).order.id, peer.w.orders[0].id);
    r = await certdesk(['orders', 'show', 'ord_none']);
    assert.equal(r.status, 1);
    assert.match(r.err, /NOT_FOUND/);
    r = await certdesk(['no', 'such']);
    assert.equal(r.status, 2);
    r = await certdesk(['material', 'save', peer.w.materials[2].id, `${env.XDG_STATE_HOME}/saved`]);
    assert.equal(r.status, 0, r.err);
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
  });
});

test('the Chinese catalogue is complete: every text of the sources, none fuzzy', () => {
  const root = new URL('../../tui', import.meta.url).pathname;
  const sh = (script) => execFileSync('sh', ['-c', script], { cwd: root, encoding: 'utf8', env: { ...process.env, OUT: `/tmp/certdesk-${process.pid}.pot` } });
  assert.equal(sh('msgattrib --untranslated po/zh_CN.po; msgattrib --only-fuzzy po/zh_CN.po').trim(), '');
  sh('msgfmt --check -o /dev/null po/zh_CN.po');
  // msgcmp fails for a text of the sources that the catalogue lacks
  sh('xgettext -L C --from-code=UTF-8 -k_ -kN_ --no-location --omit-header -o - ui/*.c screen/*.c command/*.c main.c > "$OUT"; msgcmp po/zh_CN.po "$OUT"; rm "$OUT"');
});
