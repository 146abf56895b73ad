// The official gRPC interoperability cases, driven by grpc-js (grpc/doc/interop-test-descriptions.md).
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import grpc from '@grpc/grpc-js';
import { TestServer, collect, load, unary } from './harness.mjs';

const { TestService, UnimplementedService } = load('grpc/testing/test.proto').grpc.testing;
let server, client;

before(async () => {
  server = await TestServer.start();
  client = new TestService(server.address, grpc.credentials.createInsecure());
});
after(async () => {
  client.close();
  assert.equal(await server.stop(), 0, server.stderr);
});

const body = n => ({ body: Buffer.alloc(n) });

test('empty_unary', async () => {
  const { response } = await unary(client, 'EmptyCall', {});
  assert.deepEqual(response, {});
});

test('large_unary', async () => {
  const { response } = await unary(client, 'UnaryCall', { response_size: 314159, payload: body(271828) });
  assert.equal(response.payload.body.length, 314159);
  assert.ok(response.payload.body.every(b => b === 0));
});

test('client_streaming', async () => {
  const sum = await new Promise((resolve, reject) => {
    const call = client.StreamingInputCall((e, r) => (e ? reject(e) : resolve(r)));
    for (const n of [27182, 8, 1828, 45904]) call.write({ payload: body(n) });
    call.end();
  });
  assert.equal(sum.aggregated_payload_size, 74922);
});

const sizes = [31415, 9, 2653, 58979];

test('server_streaming', async () => {
  const { messages, status } = await collect(
    client.StreamingOutputCall({ response_parameters: sizes.map(size => ({ size })) }));
  assert.equal(status.code, grpc.status.OK);
  assert.deepEqual(messages.map(m => m.payload.body.length), sizes);
});

test('ping_pong', async () => {
  const call = client.FullDuplexCall();
  const requests = [27182, 8, 1828, 45904];
  const got = [];
  const ended = new Promise(resolve => call.on('status', resolve));
  const say = () => (got.length < sizes.length
    ? call.write({ response_parameters: [{ size: sizes[got.length] }], payload: body(requests[got.length]) })
    : call.end());
  call.on('data', m => { got.push(m.payload.body.length); say(); });
  say();
  assert.equal((await ended).code, grpc.status.OK);
  assert.deepEqual(got, sizes);
});

test('empty_stream', async () => {
  const call = client.FullDuplexCall();
  const done = collect(call);
  call.end();
  const { messages, status } = await done;
  assert.equal(status.code, grpc.status.OK);
  assert.equal(messages.length, 0);
});

test('cancel_after_begin', async () => {
  const error = await new Promise(resolve => {
    const call = client.StreamingInputCall(resolve);
    call.cancel();
  });
  assert.equal(error.code, grpc.status.CANCELLED);
});

test('cancel_after_first_response', async () => {
  const call = client.FullDuplexCall();
  const done = collect(call);
  call.write({ response_parameters: [{ size: 31415 }], payload: body(27182) });
  call.once('data', () => call.cancel());
  const { messages, status } = await done;
  assert.equal(messages.length, 1);
  assert.equal(status.code, grpc.status.CANCELLED);
});

test('timeout_on_sleeping_server', async () => {
  const call = client.FullDuplexCall(new grpc.Metadata(), { deadline: Date.now() + 1 });
  const done = collect(call);
  call.write({ payload: body(27182) });
  assert.equal((await done).status.code, grpc.status.DEADLINE_EXCEEDED);
});

test('status_code_and_message', async () => {
  const response_status = { code: 2, message: 'test status message' };
  await assert.rejects(unary(client, 'UnaryCall', { response_status }),
    { code: 2, details: 'test status message' });
  const call = client.FullDuplexCall();
  const done = collect(call);
  call.write({ response_status });
  call.end();
  const { status } = await done;
  assert.equal(status.code, 2);
  assert.equal(status.details, 'test status message');
});

test('special_status_message', async () => {
  const message = '\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n';
  await assert.rejects(unary(client, 'UnaryCall', { response_status: { code: 2, message } }),
    { code: 2, details: message });
});

test('unimplemented_method', async () => {
  await assert.rejects(unary(client, 'UnimplementedCall', {}), { code: grpc.status.UNIMPLEMENTED });
});

test('unimplemented_service', async () => {
  const other = new UnimplementedService(server.address, grpc.credentials.createInsecure());
  await assert.rejects(unary(other, 'UnimplementedCall', {}), { code: grpc.status.UNIMPLEMENTED });
  other.close();
});

const echoed = () => {
  const m = new grpc.Metadata();
  m.set('x-grpc-test-echo-initial', 'test_initial_metadata_value');
  m.set('x-grpc-test-echo-trailing-bin', Buffer.from([0xab, 0xab, 0xab]));
  return m;
};
const assertEchoed = (initial, trailing) => {
  assert.deepEqual(initial.get('x-grpc-test-echo-initial'), ['test_initial_metadata_value']);
  assert.deepEqual(trailing.get('x-grpc-test-echo-trailing-bin'), [Buffer.from([0xab, 0xab, 0xab])]);
};

test('custom_metadata, unary', async () => {
  const { initial, status } = await unary(client, 'UnaryCall', { response_size: 314159, payload: body(271828) },
    echoed());
  assertEchoed(initial, status.metadata);
});

test('custom_metadata, full duplex', async () => {
  const call = client.FullDuplexCall(echoed());
  let initial;
  call.on('metadata', m => { initial = m; });
  const done = collect(call);
  call.write({ response_parameters: [{ size: 314159 }], payload: body(271828) });
  call.end();
  assertEchoed(initial ?? (await done, initial), (await done).status.metadata);
});
