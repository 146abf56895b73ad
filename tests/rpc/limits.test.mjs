// Bad, big and hostile input: a clear status, nothing left behind, and the server goes on.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import zlib from 'node:zlib';
import grpc from '@grpc/grpc-js';
import { TestServer, collect, load, unary, until } from './harness.mjs';
import { END_STREAM, RESET_STREAM, field, frame, openStream, rawCall } from './raw.mjs';
import { details } from './details.mjs';

const { TestService } = load('grpc/testing/test.proto').grpc.testing;
const UNARY = '/grpc.testing.TestService/UnaryCall';
const STREAM = '/grpc.testing.TestService/StreamingOutputCall';
const INPUT = '/grpc.testing.TestService/StreamingInputCall';
let server, client;

before(async () => {
  server = await TestServer.start();
  client = new TestService(server.address, grpc.credentials.createInsecure());
});
after(async () => {
  client.close();
  assert.equal(await server.stop(), 0, server.stderr);
});
const stillServes = async () => assert.deepEqual((await unary(client, 'EmptyCall', {})).response, {});

for (const path of [UNARY, STREAM, INPUT]) {
  test(`truncated message is INVALID_ARGUMENT, ${path}`, async () => {
    // payload of 100 bytes announced, 3 there
    const r = await rawCall(server.address, path, frame(Buffer.from([0x1a, 100, 0x12, 1, 0])));
    assert.equal(r.status, grpc.status.INVALID_ARGUMENT);
    assert.equal(details(r.details).info.reason, 'INVALID');
    await stillServes();
  });
}

test('garbage is INVALID_ARGUMENT', async () => {
  const r = await rawCall(server.address, UNARY, frame(Buffer.alloc(300, 0xff)));
  assert.equal(r.status, grpc.status.INVALID_ARGUMENT);
});

test('a call without a message is INVALID_ARGUMENT', async () => {
  for (const path of [UNARY, STREAM]) {
    const r = await rawCall(server.address, path, Buffer.alloc(0));
    assert.equal(r.status, grpc.status.INVALID_ARGUMENT, path);
  }
});

const badStatus = text => field(7, field(2, text)); // response_status.message

test('a NUL in a string names the field', async () => {
  const r = await rawCall(server.address, UNARY, frame(badStatus('ab\0cd')));
  assert.equal(r.status, grpc.status.INVALID_ARGUMENT);
  const d = details(r.details);
  assert.deepEqual(d.violations.map(v => [v.field, v.reason]), [['response_status.message', 'NUL']]);
  const last = await rawCall(server.address, UNARY, frame(badStatus('ab\0')));
  assert.equal(last.status, grpc.status.INVALID_ARGUMENT, 'at the end of the string');
});

test('invalid UTF-8 names the field', async () => {
  for (const bytes of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xe4, 0xb8], [0xf5, 0x80, 0x80, 0x80]]) {
    const r = await rawCall(server.address, UNARY, frame(badStatus(Buffer.from(bytes))));
    assert.equal(r.status, grpc.status.INVALID_ARGUMENT);
    assert.deepEqual(details(r.details).violations.map(v => [v.field, v.reason]),
      [['response_status.message', 'UTF8']]);
  }
  const good = await rawCall(server.address, UNARY, frame(badStatus('中文 😈')));
  assert.equal(good.status, grpc.status.OK);
});

test('the last of two values of a field is the one that is checked', async () => {
  const both = Buffer.concat([badStatus('fine'), badStatus('a\0b')]);
  assert.equal((await rawCall(server.address, UNARY, frame(both))).status, grpc.status.INVALID_ARGUMENT);
});

test('oversized message is RESOURCE_EXHAUSTED', async () => {
  await assert.rejects(unary(client, 'UnaryCall', { payload: { body: Buffer.alloc(2 << 20) } }),
    { code: grpc.status.RESOURCE_EXHAUSTED });
  await assert.rejects(unary(client, 'CacheableUnaryCall', { payload: { body: Buffer.alloc(3000) } }),
    { code: grpc.status.RESOURCE_EXHAUSTED, details: /larger than this method takes/ });
  await stillServes();
});

test('a message that grows when unpacked is RESOURCE_EXHAUSTED and costs no memory', async () => {
  const empty = Buffer.alloc(1000000 & ~1);
  for (let i = 0; i < empty.length; i += 2) empty[i] = 0x12; // 500 000 empty ResponseParameters
  const before = server.rss();
  const r = await rawCall(server.address, STREAM, frame(empty));
  assert.equal(r.status, grpc.status.RESOURCE_EXHAUSTED);
  assert.ok(server.rss() - before < 24 * 1024, `${server.rss() - before} KiB more`);
  await stillServes();
});

test('a compressed bomb is refused uninflated', async () => {
  const bomb = zlib.gzipSync(Buffer.alloc(200 << 20));
  const before = server.rss();
  const r = await rawCall(server.address, UNARY, frame(bomb, { compressed: 1 }),
    { headers: { 'grpc-encoding': 'gzip' } });
  assert.equal(r.status, grpc.status.UNIMPLEMENTED);
  // the flag without the header is as bad
  const lying = await rawCall(server.address, UNARY, frame(bomb, { compressed: 1 }));
  assert.notEqual(lying.status ?? grpc.status.INTERNAL, grpc.status.OK);
  assert.ok(server.rss() - before < 16 * 1024, `${server.rss() - before} KiB more`);
  await stillServes();
});

test('a small compressed message is refused as well', async () => {
  const call = unary(client, 'UnaryCall', { response_size: 1 }, new grpc.Metadata(),
    { interceptors: [] });
  await call; // plain is fine
  const gz = zlib.gzipSync(Buffer.from([0x10, 1]));
  const r = await rawCall(server.address, UNARY, frame(gz, { compressed: 1 }), { headers: { 'grpc-encoding': 'gzip' } });
  assert.equal(r.status, grpc.status.UNIMPLEMENTED);
});

test('metadata over the limit does not reach a handler', async () => {
  const m = new grpc.Metadata();
  m.set('x-long', 'a'.repeat(20000));
  const opened = server.count('opened /grpc.testing.TestService/EmptyCall');
  await assert.rejects(unary(client, 'EmptyCall', {}, m));
  assert.equal(server.count('opened /grpc.testing.TestService/EmptyCall'), opened);
  await until(() => stillServes().then(() => true, () => false), 'a new connection');
});

// A call whose work is elsewhere; its route ends it after 2 s (testservice.h), which is no answer to what is asked here.
const ELSEWHERE = '/grpc.testing.TestService/CacheableUnaryCall';

test('cancel is seen by the server while the work is elsewhere', async () => {
  const opened = server.count(`opened ${ELSEWHERE}`), seen = server.count(`cancelled ${ELSEWHERE}`);
  const call = client.CacheableUnaryCall({}, () => {});
  await until(() => server.count(`opened ${ELSEWHERE}`) > opened, 'the call');
  call.cancel();
  await until(() => server.count(`cancelled ${ELSEWHERE}`) > seen, 'the cancel', 1500);
});

// A deadline that is over before the call is there is none that the server could see: then a longer one.
test('the deadline of the client is seen by the server', async () => {
  const seen = server.count(`cancelled ${ELSEWHERE}`), cancelled = () => server.count(`cancelled ${ELSEWHERE}`) > seen;
  for (let ms = 60; !cancelled() && ms < 1000; ms *= 2) {
    await assert.rejects(unary(client, 'CacheableUnaryCall', {}, new grpc.Metadata(), { deadline: Date.now() + ms }), { code: grpc.status.DEADLINE_EXCEEDED });
    await until(cancelled, 'the cancel', 1000).catch(() => {});
  }
  assert.ok(cancelled());
});

test('without a deadline the route has one', async () => {
  await assert.rejects(unary(client, 'CacheableUnaryCall', {}), { code: grpc.status.DEADLINE_EXCEEDED });
});

// An upload that broke off must never look like a whole one.
for (const how of ['reset', 'cut', 'ended and reset at once']) {
  test(`an upload that is ${how} is a cancel`, async () => {
    const opened = server.count(`opened ${INPUT}`);
    const cancelled = server.count(`cancelled ${INPUT}`);
    for (let i = 0; i < 50; i++) {
      const socket = openStream(server.port, INPUT, field(1, field(2, 'abc')));
      await until(() => server.count(`opened ${INPUT}`) === opened + i + 1, 'the stream');
      if (how === 'reset') socket.write(RESET_STREAM);
      if (how === 'ended and reset at once') socket.write(Buffer.concat([END_STREAM, RESET_STREAM]));
      if (how === 'cut') socket.destroy();
      await until(() => server.count(`cancelled ${INPUT}`) === cancelled + i + 1, 'the cancel');
      socket.destroy();
    }
  });
}

test('a client that does not read holds no memory', async () => {
  const call = client.StreamingOutputCall({
    response_parameters: Array.from({ length: 2000 }, () => ({ size: 100000 })),
  });
  call.on('error', () => {});
  call.pause();
  const before = server.rss();
  await until(() => server.lines.some(l => l.startsWith('opened') && l.endsWith('StreamingOutputCall')), 'the stream');
  for (let i = 0; i < 20; i++) await stillServes();
  assert.ok(server.rss() - before < 16 * 1024, `${server.rss() - before} KiB more`);
  call.cancel();
});

test('1000 calls in flight', async () => {
  const m = new grpc.Metadata();
  m.set('x-test-delay-ms', '300');
  const clients = Array.from({ length: 4 }, (_, i) => new TestService(server.address,
    grpc.credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1, 'test.channel': i }));
  const begin = Date.now();
  const all = await Promise.all(Array.from({ length: 1000 }, (_, i) =>
    unary(clients[i % 4], 'UnaryCall', { response_size: i }, m)));
  all.forEach(({ response }, i) => assert.equal(response.payload.body.length, i));
  assert.ok(Date.now() - begin < 4000, 'they waited for one another');
  clients.forEach(c => c.close());
});

test('1000 streams opened and cancelled leave no call behind', async () => {
  const ended = () => server.lines.filter(l => l.startsWith('ended')).length;
  const opened = () => server.lines.filter(l => l.startsWith('opened')).length;
  const all = Array.from({ length: 1000 }, () => {
    const call = client.StreamingOutputCall({ response_parameters: [{ size: 1 }, { size: 1, interval_us: 5000000 }] });
    call.once('data', () => call.cancel());
    return collect(call);
  });
  for (const { status } of await Promise.all(all)) assert.equal(status.code, grpc.status.CANCELLED);
  await until(() => opened() === ended(), 'all ends');
});
