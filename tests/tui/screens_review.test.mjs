// screens_review.test.mjs - an order is reviewed: keys in, screens as text out, against a peer with canned data.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { desk, open } from './at-the-desk.mjs';
import { world } from './desk-stub.mjs';

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
        '一致', '一致  此前填写的信息', 'abababab', '扫描件.pdf'])
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
      await d.s.key('Enter', 'n'); // what n closes is there still: Enter was no answer
      await d.s.gone('所有资料均已通过');
      await d.s.key('d');
      await d.s.see('所有资料均已通过');
      await d.s.key('y');
      await d.s.see(/审核通过。/);
      await d.s.see((t) => t.startsWith(' 待审核') && t.includes('ACME') && !t.includes('示范科技')); // the other three
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
      await d.s.key('Enter');
      await d.s.see('请填写原因');
      assert.ok(!d.peer.calls.some((c) => c.method === 'RevealField'));
      d.peer.trouble.push({ method: 'RevealField', code: 3, reason: 'INVALID', message: 'bad', zh: '部分信息有误',
        fields: [{ field: 'reason', text: 'say more', zh: '原因过短' }] });
      await d.s.type('核');
      await d.s.key('Enter');
      await d.s.see('原因过短'); // under its field; the question stays
      await d.s.type('对');
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
