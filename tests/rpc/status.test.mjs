// google.rpc.Status in grpc-status-details-bin, read by protobufjs.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import grpc from '@grpc/grpc-js';
import { TestServer, load, unary } from './harness.mjs';
import { details } from './details.mjs';

const { TestService } = load('grpc/testing/test.proto').grpc.testing;
let server, client;

before(async () => {
  server = await TestServer.start();
  client = new TestService(server.address, grpc.credentials.createInsecure());
});
after(async () => {
  client.close();
  assert.equal(await server.stop(), 0, server.stderr);
});

async function failure(kind) {
  const m = new grpc.Metadata();
  m.set('x-test-fail', kind);
  const error = await unary(client, 'UnaryCall', {}, m).then(() => assert.fail('it did not fail'), e => e);
  const [bytes] = error.metadata.get('grpc-status-details-bin');
  return { error, bytes, ...details(bytes) };
}

test('all violations at once, each with field, reason and both sentences', async () => {
  const f = await failure('violations');
  assert.equal(f.error.code, grpc.status.INVALID_ARGUMENT);
  assert.equal(f.status.code, grpc.status.INVALID_ARGUMENT);
  assert.equal(f.status.message, f.error.details);
  assert.deepEqual([f.info.reason, f.info.domain], ['INVALID', 'certdesk.v1']);
  assert.equal(f.localized.locale, 'zh-CN');
  assert.match(f.localized.message, /格式有误/);
  assert.deepEqual(f.violations.map(v => [v.field, v.reason, v.description, v.localizedMessage.message]), [
    ['items[0].name', 'REQUIRED', 'is needed', '此项必填'],
    ['items[1].name', 'FORMAT', 'is needed', '此项必填'],
    ['items[2].name', 'REQUIRED', 'is needed', '此项必填']]);
  assert.equal(f.retry, null);
  assert.equal(f.resource, null);
});

test('RetryInfo with seconds and nanoseconds', async () => {
  const f = await failure('retry');
  assert.equal(f.error.code, grpc.status.RESOURCE_EXHAUSTED);
  assert.equal(f.info.reason, 'RATE_LIMITED');
  assert.deepEqual([Number(f.retry.seconds), f.retry.nanos], [61, 500000000]);
});

test('ResourceInfo names the object', async () => {
  const f = await failure('resource');
  assert.equal(f.error.code, grpc.status.ALREADY_EXISTS);
  assert.equal(f.info.reason, 'ORDER_OPEN');
  assert.equal(f.resource.resourceName, 'ord_x');
  assert.equal(f.error.details, 'order ord_x is open');
});

test('more violations than fit: translations go first, and a client of the gRPC core can still read it', async () => {
  const f = await failure('big');
  assert.ok(f.bytes.length <= 5600, `${f.bytes.length} bytes`);
  assert.ok(f.violations.length >= 30, `${f.violations.length} violations`);
  assert.equal(f.violations.at(-1).localizedMessage ?? null, null);
  assert.equal(f.violations[0].field, 'items[0].name');
});

test('errors that the library itself answers have details too', async () => {
  const error = await unary(client, 'UnimplementedCall', {}).catch(e => e);
  assert.equal(details(error.metadata.get('grpc-status-details-bin')[0]).info.reason, 'UNIMPLEMENTED');
});
