// Uploads (S13): what is refused and why, what it costs the server, uploads in single calls that break off and go on,
// what is carried over from earlier orders, previews, and the picture of an account (S4).
import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import grpc from '@grpc/grpc-js';
import { Desk, until } from '../lib/desk.mjs';
import { bomb, hostileFiles, noise, pdf, png, turned, wildFiles, withSegment } from '../lib/corpus.mjs';
import { Sql } from './database.mjs';
import { company } from './people.mjs';
import { SCANS, Walk } from './walk.mjs';

const KIND = 'business_license';
const MIB = 1 << 20;
const sanitized = /sanitize/.test(process.env.CERTDESK_BUILD || '');
const jpeg = fs.readFileSync(path.join(SCANS, 'business_license.jpg'));
const sha256 = (b) => createHash('sha256').update(b).digest('hex');

let desk, sql, people = 200;
before(async () => {
  desk = await new Desk({ clock: true }).start();
  sql = new Sql(`${desk.state}/db/db.sock`);
});
after(async () => {
  await sql?.close();
  await desk?.stop();
});

async function walk(state = 'SUBJECT') {
  const w = new Walk(desk, { who: company(people++) });
  await w.to(state);
  return w;
}

async function refused(promise, code, reason) {
  const e = await promise.then((v) => assert.fail(`not refused: ${JSON.stringify(v).slice(0, 200)}`), (error) => error);
  assert.equal(grpc.status[e.code], code, e.message);
  if (reason) assert.equal(e.info.reason, reason, e.message);
  assert.doesNotMatch(e.info.zh || '', /^[\x20-\x7e]*$/, `${e.message}: no Chinese`);
  return { text: e.details, ...e.info, why: e.info.violations[0]?.reason || e.info.violations[0]?.description };
}

// Every file below a folder.
const files = (dir) => (fs.existsSync(dir) ? fs.readdirSync(dir, { recursive: true }).filter((f) => fs.statSync(path.join(dir, f)).isFile()) : []);
const blobs = () => files(path.join(desk.state, 'materials')).sort();
const memory = (pid, what) => Number(new RegExp(`${what}:\\s+(\\d+)`).exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024;
// The most that the server held while work ran, above what it held before. Asked all the time: beginning VmHWM anew is
// for root alone, since a server that cannot be dumped is nobody else's to look into (proc(5), prctl(2)).
const growth = async (work) => {
  const rss = memory(server(), 'VmRSS');
  let over = false, most = rss;
  const asking = (async () => { while (!over) { most = Math.max(most, memory(server(), 'VmRSS')); await new Promise((r) => setTimeout(r, 2)); } })();
  try { await work(); } finally { over = true; await asking; }
  return { peak: most - rss, grown: memory(server(), 'VmRSS') - rss };
};
// setpriv becomes the server: the process is the server's own.
const server = () => desk.server.pid;
const decoders = () => fs.readdirSync('/proc').filter((p) => /^\d+$/.test(p)).filter((p) => {
  try {
    const status = fs.readFileSync(`/proc/${p}/status`, 'utf8');
    return /^Name:\tcertdesk-decode/.test(status) && status.includes(`PPid:\t${server()}\n`);
  } catch { return false; } // it has ended
});

// -- what is refused ---------------------------------------------------------------------------------------------------

describe('files that are made to break something', () => {
  let w;
  before(async () => { w = await walk(); });

  test('each is refused with its reason, and nothing of it stays', async () => {
    const before_ = blobs();
    let n = 0;
    for (const [what, bytes, reason] of hostileFiles(jpeg)) {
      const said = await refused(w.upload(KIND, bytes, { request_id: randomUUID() }), 'INVALID_ARGUMENT', 'MATERIAL_BAD').catch((e) => { throw new Error(`${what}: ${e.message}`); });
      assert.equal(said.why, reason, `${what}: ${said.text}`);
      n++;
    }
    assert.ok(n > 40, `${n} files`);
    assert.deepEqual(blobs(), before_);
    assert.equal(await sql.value(`SELECT COUNT(*) FROM material WHERE order_id = '${w.order.id}'`), '0');
    await until('the decoders to be gone', () => decoders().length === 0);
    assert.deepEqual(files(path.join(desk.state, 'uploads')), []);
  });

  test('the numbers of a picture that is too large are told', async () => {
    const [, bytes] = [...hostileFiles(jpeg)].find(([what]) => /60000 x 60000/.test(what));
    assert.match((await refused(w.upload(KIND, bytes), 'INVALID_ARGUMENT')).text, /60000 x 60000/);
  });

  test('the wildest are answered, and the server goes on', async () => {
    const pid = server();
    for (const [what, bytes] of wildFiles(jpeg)) {
      const e = await w.upload(KIND, bytes, { request_id: randomUUID() }).then(() => null, (error) => error);
      assert.ok(!e || e.code === grpc.status.INVALID_ARGUMENT, `${what}: ${e?.message}`);
    }
    assert.equal(server(), pid);
    await until('the decoders to be gone', () => decoders().length === 0);
  });

  test('what photographs and scanners make is taken', async () => {
    for (const [what, bytes, type] of [
      ['a photograph', jpeg, 'image/jpeg'], ['a photograph held sideways', turned(jpeg, 6), 'image/jpeg'], ['a photograph with its preview behind it', Buffer.concat([jpeg, jpeg]), 'image/jpeg'],
      ['a picture', png(), 'image/png'], ['a picture of 16 bits of grey', bomb(500, 500, { colour: 0 }), 'image/png'], ['a document', pdf({ pages: 3 }), 'application/pdf'],
      ['a document with a blank line behind it', Buffer.concat([pdf(), Buffer.from('\r\n\0')]), 'application/pdf']]) {
      const m = await w.upload(KIND, bytes, { request_id: randomUUID() }).catch((e) => assert.fail(`${what}: ${e.message}`));
      assert.equal(m.content_type, type, what);
      assert.equal(m.digest, sha256(bytes));
    }
  });

  test('the log names no file and shows no byte of one', () => {
    const log = desk.log();
    assert.doesNotMatch(log, /business_license\.jpg|alert\(1\)/);
  });
});

// -- what it costs -----------------------------------------------------------------------------------------------------

test('two hundred uploads leave the server\'s memory flat, and others are answered meanwhile', { timeout: 120000 }, async () => {
  const walks = await Promise.all([1, 2, 3, 4].map(() => walk()));
  const big = [noise(3 * MIB, 1), bomb(6000, 6000)];
  const [, aBomb] = [...hostileFiles(jpeg)].find(([what]) => /bomb/.test(what));
  const bad = [aBomb, jpeg.subarray(0, jpeg.length - 2), png({ crc: 1 })];
  const one = (w, i) => {
    const bytes = i % 25 === 0 ? big[(i / 25) % 2] : i % 3 ? png({ seed: i % 200 }) : bad[i % bad.length];
    const request_id = randomUUID();
    const again = (e) => { // a machine whose disk stands still for seconds answers so; the same call may come again
      if (e.code !== grpc.status.UNAVAILABLE || !e.info.retryMs) throw e;
      return new Promise((r) => setTimeout(r, e.info.retryMs)).then(() => w.upload(KIND, bytes, { request_id }));
    };
    return w.upload(KIND, bytes, { request_id }).catch(again).catch((e) => {
      // Busy is an answer: it says when to come again.
      assert.ok([grpc.status.INVALID_ARGUMENT, grpc.status.ABORTED, grpc.status.RESOURCE_EXHAUSTED].includes(e.code), e.message);
    });
  };
  const rounds = async (from, to) => Promise.all(walks.map(async (w, k) => { for (let i = from + k; i < to; i += walks.length) await one(w, i); }));
  await rounds(0, 60); // what is allocated once
  let over = false;
  const waits = [], most = { decoders: 0 };
  const asking = (async () => {
    const { call, order } = walks[0];
    while (!over) {
      const began = performance.now();
      await call.GetOrder({ order_id: order.id });
      waits.push(performance.now() - began);
      most.decoders = Math.max(most.decoders, decoders().length);
    }
  })();
  const { grown, peak } = await growth(() => rounds(60, 260));
  over = true;
  await asking;
  waits.sort((a, b) => a - b);
  console.log(`# grown ${(grown / MIB).toFixed(1)} MiB, peak ${(peak / MIB).toFixed(1)} MiB above; GetOrder median ${waits[waits.length >> 1].toFixed(1)} ms, worst ${waits.at(-1).toFixed(1)} ms of ${waits.length}; decoders ${most.decoders}`);
  if (!sanitized) assert.ok(grown < 24 * MIB && peak < 64 * MIB, `grown ${grown}, peak ${peak}`);
  assert.ok(waits[waits.length >> 1] < 100 && waits.at(-1) < 2500, `GetOrder took ${waits[waits.length >> 1]} ms, at worst ${waits.at(-1)}`);
  assert.ok(most.decoders <= 2, `${most.decoders} decoders at a time`);
});

test('a picture that needs the decoder\'s whole memory does not reach the server\'s', async () => {
  const w = await walk();
  const { peak } = await growth(() => w.upload(KIND, bomb(6240, 6240, { colour: 2, interlace: 0 })));
  if (!sanitized) assert.ok(peak < 16 * MIB, `peak ${peak}`);
});

test('more at once than can be looked into are told when to come again', async () => {
  const w = await walk(), bytes = png();
  const all = await Promise.all(Array.from({ length: 80 }, () => w.call.SetPicture({ image: bytes }).then(() => 'OK', (e) => {
    assert.ok([grpc.status.RESOURCE_EXHAUSTED, grpc.status.UNAVAILABLE, grpc.status.ABORTED].includes(e.code), e.message);
    if (e.code === grpc.status.RESOURCE_EXHAUSTED) assert.ok(e.info.retryMs > 0, e.message);
    return grpc.status[e.code];
  })));
  const count = (what) => all.filter((x) => x === what).length;
  assert.ok(count('OK') >= 30 && count('RESOURCE_EXHAUSTED') > 0, JSON.stringify(all));
});

// -- in single calls ---------------------------------------------------------------------------------------------------

describe('uploads in single calls', () => {
  const bytes = noise(700 * 1024, 3), SIZE = 200 * 1024;
  const header = (w, b = bytes, more = {}) => ({ request_id: randomUUID(), order_id: w.order.id, kind: KIND, file_name: 'C:\\scan\\licence.png', size_bytes: b.length, digest: sha256(b), ...more });
  const start = async (w, b, more) => (await w.call.StartUpload({ header: header(w, b, more) })).upload_id;
  const send = async (w, upload_id, from, to, b = bytes) => (await w.call.UploadChunk({ upload_id, offset: from, chunk: b.subarray(from, to) })).received_bytes;
  async function sendAll(w, id, b = bytes) {
    for (let at = 0; at < b.length; at += SIZE) await send(w, id, at, Math.min(b.length, at + SIZE), b);
  }
  const rows = (table) => sql.value(`SELECT COUNT(*) FROM ${table}`);
  let w;
  before(async () => { w = await walk(); });

  test('they end as others do', async () => {
    const id = await start(w);
    await sendAll(w, id);
    const request = { request_id: randomUUID(), upload_id: id };
    const { material } = await w.call.FinishUpload(request);
    assert.equal(material.digest, sha256(bytes));
    assert.equal(material.content_type, 'image/png');
    assert.equal(material.file_name, 'licence.png');
    assert.deepEqual(await w.call.FinishUpload(request), { material });
    assert.deepEqual(await w.call.FinishUpload({ upload_id: id }), { material });
    assert.equal((await w.call.GetUpload({ upload_id: id })).material_id, material.id);
    assert.deepEqual((await w.call.ListMaterials({ order_id: w.order.id })).materials, [material]);
    assert.equal(await rows('material_chunk'), '0');
    await refused(send(w, id, 0, 10), 'FAILED_PRECONDITION');
    const started = { header: header(w) };
    assert.deepEqual(await w.call.StartUpload(started), await w.call.StartUpload(started));
  });

  test('they may be cut anywhere, also in what says of which type the file is', async () => {
    const small = noise(3000, 5);
    for (const cuts of [[0, 1, small.length], [0, 1, 2, 3, 7, 9, 15, 16, 17, small.length], [0, small.length - 1, small.length]]) {
      const id = await start(w, small);
      for (let i = 1; i < cuts.length; i++) await send(w, id, cuts[i - 1], cuts[i], small);
      assert.equal((await w.call.FinishUpload({ upload_id: id })).material.content_type, 'image/png', String(cuts));
    }
  });

  test('gaps, overlaps, other bytes and what lies beyond are refused; the same again is not', async () => {
    const id = await start(w);
    assert.equal(await send(w, id, 0, SIZE), SIZE);
    assert.equal(await send(w, id, 0, SIZE), SIZE);
    assert.equal(await send(w, id, 1000, 3000), SIZE);
    assert.equal(await send(w, id, SIZE, 2 * SIZE), 2 * SIZE);
    assert.equal(await send(w, id, SIZE - 1000, SIZE + 1000), 2 * SIZE, 'cut otherwise');
    const gap = await refused(send(w, id, 2 * SIZE + 1, 2 * SIZE + 10), 'INVALID_ARGUMENT', 'INVALID');
    assert.match(gap.violations[0].description, new RegExp(`${2 * SIZE}`));
    await refused(send(w, id, SIZE, 2 * SIZE + 1), 'INVALID_ARGUMENT');
    const other = Buffer.from(bytes);
    other[SIZE + 5] ^= 1;
    assert.deepEqual((await refused(send(w, id, SIZE, SIZE + 100, other), 'INVALID_ARGUMENT')).fields, ['chunk']);
    await refused(w.call.UploadChunk({ upload_id: id, offset: bytes.length - 5, chunk: Buffer.alloc(6) }), 'INVALID_ARGUMENT');
    await refused(w.call.UploadChunk({ upload_id: id, offset: -1, chunk: Buffer.alloc(6) }), 'INVALID_ARGUMENT');
    await refused(w.call.UploadChunk({ upload_id: id, offset: 2 * SIZE, chunk: Buffer.alloc(0) }), 'INVALID_ARGUMENT');
    await refused(w.call.UploadChunk({ upload_id: id, offset: 2 * SIZE, chunk: Buffer.alloc(256 * 1024 + 1) }), 'INVALID_ARGUMENT');
    const early = await refused(w.call.FinishUpload({ upload_id: id }), 'FAILED_PRECONDITION', 'PRECONDITION');
    assert.match(early.text, new RegExp(`${2 * SIZE}`));
    assert.equal((await w.call.GetUpload({ upload_id: id })).received_bytes, 2 * SIZE);
  });

  test('eight devices send one chunk at once: it counts once', async () => {
    const id = await start(w);
    const all = await Promise.all(Array.from({ length: 8 }, () => send(w, id, 0, SIZE)));
    assert.deepEqual(new Set(all), new Set([SIZE]));
    assert.equal(await sql.value(`SELECT COUNT(*) FROM material_chunk WHERE upload_id = '${id}'`), '1');
  });

  test('a killed server goes on where it was', async () => {
    const id = await start(w);
    await send(w, id, 0, SIZE);
    const gone = desk.ended;
    desk.asked = desk.server;
    desk.server.kill('SIGKILL');
    await gone;
    await desk.startServer();
    sql.child.kill(); // its database ended with the server
    sql = new Sql(`${desk.state}/db/db.sock`);
    const at = await until('the upload', () => w.call.GetUpload({ upload_id: id }).then((r) => r.received_bytes, () => 0));
    assert.equal(at, SIZE);
    await sendAll(w, id);
    assert.equal((await w.call.FinishUpload({ upload_id: id })).material.digest, sha256(bytes));
  });

  test('another account has no such upload', async () => {
    const id = await start(w), other = await walk();
    for (const call of [() => other.call.GetUpload({ upload_id: id }), () => other.call.UploadChunk({ upload_id: id, offset: 0, chunk: Buffer.alloc(9) }),
      () => other.call.FinishUpload({ upload_id: id }), () => other.call.StartUpload({ header: header(w) })]) await refused(call(), 'NOT_FOUND', 'NOT_FOUND');
    await refused(w.call.GetUpload({ upload_id: 'upl_00000000000000000000000000' }), 'NOT_FOUND');
  });

  test('what is announced wrong is refused at once, what comes wrong at the end', async () => {
    await refused(w.call.StartUpload({ header: header(w, bytes, { size_bytes: 0 }) }), 'INVALID_ARGUMENT');
    const both = await refused(w.call.StartUpload({ header: header(w, bytes, { size_bytes: 0, digest: 'x' }) }), 'INVALID_ARGUMENT');
    assert.deepEqual(both.fields, ['header.size_bytes', 'header.digest']);
    await refused(w.call.StartUpload({ header: header(w, bytes, { size_bytes: 11 * MIB }) }), 'INVALID_ARGUMENT', 'MATERIAL_BAD');
    await refused(w.call.StartUpload({ header: header(w, bytes, { kind: 'passport' }) }), 'INVALID_ARGUMENT', 'MATERIAL_BAD');
    await refused(w.call.StartUpload({}), 'INVALID_ARGUMENT');
    const id = await start(w, bytes, { digest: '00'.repeat(32) });
    await sendAll(w, id);
    assert.deepEqual((await refused(w.call.FinishUpload({ upload_id: id }), 'INVALID_ARGUMENT', 'MATERIAL_BAD')).fields, ['digest']);
    await refused(w.call.GetUpload({ upload_id: id }), 'NOT_FOUND');
    assert.equal(await sql.value(`SELECT COUNT(*) FROM material_chunk WHERE upload_id = '${id}'`), '0');
  });

  test('the corpus is refused here, too, and its bytes go', async () => {
    const was = blobs();
    for (const [what, b, reason] of hostileFiles(jpeg)) {
      if (b.length < 1 || b.length > 40000 || !/PNG|JPEG/.test(what)) continue;
      const id = await start(w, b);
      await sendAll(w, id, b);
      assert.equal((await refused(w.call.FinishUpload({ upload_id: id }), 'INVALID_ARGUMENT', 'MATERIAL_BAD')).why, reason, what);
    }
    assert.deepEqual(blobs(), was);
    assert.equal(await rows('material_chunk'), '0');
  });

  test('the bytes of an unfinished one are sealed', async () => {
    const text = png();
    const id = await start(w, text);
    await sendAll(w, id, text);
    const [[hex]] = await sql.rows(`SELECT HEX(bytes) FROM material_chunk WHERE upload_id = '${id}'`);
    assert.ok(!Buffer.from(hex, 'hex').includes('IHDR'));
  });

  test('an account has a limited number and size of them', async () => {
    const many = new Walk(desk, { who: company(people++) });
    await many.register();
    const kinds = [KIND, 'agent_id_front', 'agent_id_back', 'other'], orders = [];
    for (let i = 0; i < 3; i++) orders.push((await many.createOrder()).id);
    const open = (i, size) => many.call.StartUpload({ header: header(many, bytes, { order_id: orders[i >> 2], kind: kinds[i & 3], size_bytes: size }) });
    for (let i = 0; i < 10; i++) await open(i, 1000);
    await refused(open(10, 1000), 'RESOURCE_EXHAUSTED', 'RATE_LIMITED');
    await open(9, 2000); // in the place of the other
    for (let i = 0; i < 6; i++) await open(i, 10 * MIB);
    await refused(open(6, 10 * MIB), 'RESOURCE_EXHAUSTED', 'RATE_LIMITED');
  });

  test('after a day they are gone, and so are their bytes', async () => {
    const id = await start(w);
    await send(w, id, 0, SIZE);
    desk.setClock((desk.clockOffset || 0) + 24 * 3600 * 1000 + 1000);
    const again = await walk();
    // What is over is not shown; others' calls do not pay for it, a server's first round does, and each minute's.
    await start(again, bytes);
    assert.equal(await sql.value(`SELECT COUNT(*) FROM material_chunk WHERE upload_id = '${id}'`), '1');
    await desk.terminate();
    await desk.startServer();
    sql.child.kill(); // its database ended with the server
    sql = new Sql(`${desk.state}/db/db.sock`);
    await until('the first round', async () => (await sql.value(`SELECT COUNT(*) FROM material_chunk WHERE upload_id = '${id}'`)) === '0');
    assert.equal(await sql.value(`SELECT COUNT(*) FROM material_upload WHERE id = '${id}'`), '0');
  });
});

// -- what is there already -----------------------------------------------------------------------------------------------

describe('carried over', () => {
  const list = async (w) => w.call.ListMaterials({ order_id: w.order.id });

  test('what was uploaded at the first step is there at the last, through every way back', async () => {
    const w = new Walk(desk, { who: company(people++) });
    await w.to('SUBJECT');
    const first = await w.uploadScan(KIND);
    await w.to('CONFIRM');
    await w.uploadScan('agent_id_front');
    w.take(await w.call.ReturnToPurchase({ order_id: w.order.id }));
    await w.setPurchase();
    await w.confirmPurchase();
    assert.deepEqual((await list(w)).materials.map((m) => m.kind), [KIND, 'agent_id_front']);
    assert.equal((await list(w)).materials.find((m) => m.kind === KIND).id, first.id);
    await w.uploadScan('agent_id_back');
    await w.requestSignature();
    await w.read(w.signer, /正在签署/, w.signSeen); // or it could come after the next one
    const again = await w.upload(KIND, png({ seed: 9 }));
    assert.equal((await w.refresh()).state, 'ORDER_STATE_MATERIALS', 'a signature that was asked for is for what was there');
    assert.deepEqual((await list(w)).materials.filter((m) => m.kind === KIND), [again]);
    desk.setClock((desk.clockOffset || 0) + 61000); // another code may be asked for
    await w.requestSignature();
    await w.sign();
    await refused(w.upload(KIND, png({ seed: 10 })), 'FAILED_PRECONDITION', 'ORDER_STATE');
    await refused(w.call.StartUpload({ header: { request_id: randomUUID(), order_id: w.order.id, kind: KIND, file_name: 'a', size_bytes: 10, digest: 'a'.repeat(64) } }), 'FAILED_PRECONDITION', 'ORDER_STATE');
  });

  test('from an order that is over to the next of the same identity, each with an id of its own', async () => {
    const who = company(people++);
    const old = new Walk(desk, { who });
    await old.to('SUBJECT');
    await old.uploadAll();
    await old.submitOrganization();
    await old.call.CancelOrder({ order_id: old.order.id });
    const w = new Walk(desk, { who });
    Object.assign(w, { call: old.call, token: old.token });
    await w.createOrder();
    assert.deepEqual((await list(w)).carried_over, [], 'whose it is, is not known yet');
    await w.submitOrganization();
    const { carried_over, materials } = await list(w);
    assert.deepEqual(materials, []);
    assert.deepEqual(carried_over.map((m) => m.kind), [KIND], 'whose the others are, was not known');
    const was = blobs(), from = carried_over.find((m) => m.kind === KIND);
    const { material } = await w.call.TakeOverMaterial({ order_id: w.order.id, material_id: from.id });
    assert.notEqual(material.id, from.id);
    assert.equal(material.digest, from.digest);
    assert.deepEqual(blobs(), was);
    assert.deepEqual((await list(w)).carried_over, []);
    await refused(w.call.TakeOverMaterial({ order_id: w.order.id, material_id: from.id }), 'NOT_FOUND', 'NOT_FOUND');
    // Dropped here, it is still there.
    await w.call.DeleteMaterial({ material_id: material.id });
    assert.equal((await w.call.GetMaterialPreview({ material_id: from.id })).full_width, 720);
    const stranger = await walk();
    assert.deepEqual((await list(stranger)).carried_over, []);
    await refused(stranger.call.TakeOverMaterial({ order_id: stranger.order.id, material_id: from.id }), 'NOT_FOUND');
  });

  test('what shows the agent, to an order with the same agent alone', async () => {
    const who = company(people++), old = new Walk(desk, { who });
    await old.to('MATERIALS');
    await old.uploadAll();
    await old.call.CancelOrder({ order_id: old.order.id });
    for (const [{ idNumber }, kinds] of [[who.agent, [KIND, 'agent_id_front', 'agent_id_back']], [company(people++).agent, [KIND]]]) {
      const { agent, legalRep } = company(people++); // phones that got no code yet
      const w = new Walk(desk, { who: { ...who, agent: { ...agent, idNumber }, legalRep: { ...who.legalRep, phone: legalRep.phone } } });
      Object.assign(w, { call: old.call, token: old.token });
      await w.createOrder();
      w.done = 2;
      await w.to('AGENT');
      assert.deepEqual((await list(w)).carried_over.map((m) => m.kind), [KIND], 'nobody is the agent yet');
      await w.to('PURCHASE');
      assert.deepEqual((await list(w)).carried_over.map((m) => m.kind), kinds);
      await w.call.CancelOrder({ order_id: w.order.id });
    }
  });

  test('sent back, only what was not approved is asked for again', async () => {
    const w = new Walk(desk, { who: company(people++) });
    await w.to('REVIEW');
    delete desk.sessions; // the clock moved
    await w.decide({ [KIND]: '不清晰' });
    await refused(w.uploadScan('agent_id_front', { request_id: randomUUID() }), 'FAILED_PRECONDITION', 'ORDER_STATE');
    assert.equal((await w.upload(KIND, png({ seed: 3 }))).verdict, 'MATERIAL_VERDICT_UNSPECIFIED');
  });
});

// -- previews and pictures ---------------------------------------------------------------------------------------------

describe('previews', () => {
  test('are drawn for the applicant and the desk, for nobody else', async () => {
    const w = await walk();
    const said = withSegment(turned(jpeg, 6), 0xfe, Buffer.from('WHERE-IT-WAS-TAKEN'));
    const { id } = await w.upload(KIND, said);
    for (const call of [w.call, await w.staff('li')]) {
      const p = await call.GetMaterialPreview({ material_id: id, max_side: 300 });
      assert.deepEqual([p.width, p.height, p.full_width, p.full_height, p.page_count], [213, 300, 720, 512, 0]);
      assert.equal(p.image.readUInt16BE(0), 0xffd8);
      assert.ok(!p.image.includes('WHERE-IT-WAS-TAKEN'));
    }
    const document = await w.upload('other', pdf({ pages: 2 }));
    const page = await w.call.GetMaterialPreview({ material_id: document.id, page: 2 });
    assert.deepEqual([page.page_count, page.height], [2, 1024]);
    assert.deepEqual((await refused(w.call.GetMaterialPreview({ material_id: document.id, page: 3 }), 'INVALID_ARGUMENT')).fields, ['page']);
    assert.deepEqual((await refused(w.call.GetMaterialPreview({ material_id: document.id, page: -1, max_side: 5000 }), 'INVALID_ARGUMENT')).fields, ['max_side', 'page']);
    const stranger = await walk();
    await refused(stranger.call.GetMaterialPreview({ material_id: id }), 'NOT_FOUND');
    await refused(desk.caller().GetMaterialPreview({ material_id: id }), 'UNAUTHENTICATED');
    await refused((await w.staff('zhao')).GetMaterialPreview({ material_id: id }), 'PERMISSION_DENIED');
  });
});

describe('the picture of an account', () => {
  test('is drawn anew, small, square, sealed', async () => {
    const w = await walk();
    const has = async () => (await w.call.GetAccount()).account.has_picture;
    assert.equal(await has(), false);
    await refused(w.call.GetPicture(), 'NOT_FOUND');
    const request = { request_id: randomUUID(), image: withSegment(jpeg, 0xfe, Buffer.from('WHERE-IT-WAS-TAKEN')) };
    await w.call.SetPicture(request);
    await w.call.SetPicture(request);
    assert.equal(await has(), true);
    const { image } = await w.call.GetPicture();
    assert.equal(image.readUInt16BE(0), 0xffd8);
    assert.ok(image.length < 60000 && !image.includes('WHERE-IT-WAS-TAKEN') && !image.includes('Exif'));
    const [[hex]] = await sql.rows(`SELECT HEX(picture) FROM account_picture WHERE account_id = '${(await w.call.GetAccount()).account.id}'`);
    assert.ok(!Buffer.from(hex, 'hex').includes('JFIF'));
    await w.call.SetPicture({ image: png({ width: 900, height: 300 }) });
    assert.ok(!(await w.call.GetPicture()).image.equals(image));
    for (const [bytes, why] of [[pdf(), 'TYPE'], [Buffer.from('GIF89a'), 'TYPE'], [jpeg.subarray(0, 9000), 'TRUNCATED'], [bomb(30000, 30000, { colour: 0, depth: 1 }), 'PIXELS'], [Buffer.alloc(5 * MIB + 1), null]]) {
      const said = await refused(w.call.SetPicture({ image: bytes }), 'INVALID_ARGUMENT');
      assert.deepEqual(said.fields, ['image']);
      if (why) assert.equal(said.why, why);
    }
    await w.call.SetPicture({ image: noise(4 * MIB) });
    await w.call.SetPicture({}); // empty: none any more
    assert.equal(await has(), false);
    await refused(w.call.GetPicture(), 'NOT_FOUND');
    await w.call.SetPicture({ image: Buffer.alloc(0) });
    const removed = await sql.rows("SELECT 1 FROM audit WHERE action = 'account.picture_removed'");
    assert.equal(removed.length, 1); // who removes nothing did nothing
    const other = await walk();
    await refused(other.call.GetPicture(), 'NOT_FOUND');
  });
});

// -- the program is not there --------------------------------------------------------------------------------------------

test('without its decoder the server takes nothing in, and says so', async () => {
  const w = await walk();
  const config = fs.readFileSync(desk.config, 'utf8');
  fs.writeFileSync(desk.config, config.replace('[server]\n', '[server]\ndecoder = /etc/hostname\n'));
  await sql.close();
  sql = null;
  await desk.terminate();
  await desk.startServer();
  const said = await refused(w.upload(KIND, jpeg), 'UNAVAILABLE', 'UNAVAILABLE');
  assert.ok(said.retryMs > 0);
  fs.writeFileSync(desk.config, config);
});
