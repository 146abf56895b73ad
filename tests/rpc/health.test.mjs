// grpc.health.v1 by grpc-js.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import grpc from '@grpc/grpc-js';
import { TestServer, load, unary, until } from './harness.mjs';

const { Health } = load('grpc/health/v1/health.proto').grpc.health.v1;
let server, client;

before(async () => {
  server = await TestServer.start();
  client = new Health(server.address, grpc.credentials.createInsecure());
});
after(async () => {
  client.close();
  assert.equal(await server.stop(), 0, server.stderr);
});

const watch = service => {
  const call = client.Watch({ service });
  const heard = [];
  call.on('data', m => heard.push(m.status));
  call.on('error', () => {});
  call.on('status', s => heard.push(s.code));
  return { call, heard };
};

test('Check knows the server and its services', async () => {
  for (const service of ['', 'grpc.testing.TestService', 'grpc.health.v1.Health'])
    assert.equal((await unary(client, 'Check', { service })).response.status, 'SERVING', service);
});

test('Check of an unknown service is NOT_FOUND', async () => {
  await assert.rejects(unary(client, 'Check', { service: 'no.Such' }), { code: grpc.status.NOT_FOUND });
});

test('Watch tells every change, and only changes', async () => {
  const { call, heard } = watch('grpc.testing.TestService');
  const other = watch('');
  await until(() => heard.length && other.heard.length, 'the first states');
  server.child.kill('SIGUSR1');
  await until(() => heard.length === 2, 'the change');
  server.child.kill('SIGUSR1');
  server.child.kill('SIGUSR2');
  await until(() => heard.length === 3, 'the way back');
  assert.deepEqual(heard, ['SERVING', 'NOT_SERVING', 'SERVING']);
  assert.deepEqual(other.heard, ['SERVING']);
  call.cancel();
  other.call.cancel();
});

test('Watch of an unknown service goes on', async () => {
  const { call, heard } = watch('no.Such');
  await until(() => heard.length, 'the state');
  assert.deepEqual(heard, ['SERVICE_UNKNOWN']);
  call.cancel();
});

test('draining says NOT_SERVING, ends the watch and lets calls finish', async () => {
  const { TestService } = load('grpc/testing/test.proto').grpc.testing;
  const own = await TestServer.start([], { TESTSERVER_GRACE: '60000' });
  const credentials = grpc.credentials.createInsecure();
  const [health, slow] = [new Health(own.address, credentials), new TestService(own.address, credentials)];
  const heard = [];
  const call = health.Watch({ service: '' });
  call.on('data', m => heard.push(m.status));
  call.on('error', () => {});
  call.on('status', s => heard.push(s.code));
  const m = new grpc.Metadata();
  m.set('x-test-delay-ms', '400');
  const answer = unary(slow, 'UnaryCall', { response_size: 5 }, m);
  await until(() => heard.length && own.lines.some(l => l.startsWith('opened')), 'both calls');
  const begin = Date.now();
  const stopped = own.stop();
  assert.equal((await answer).response.payload.body.length, 5);
  assert.equal(await stopped, 0, own.stderr);
  assert.ok(Date.now() - begin < 30000, 'it waited for the grace');
  await until(() => heard.length === 3, 'the end of the watch');
  assert.deepEqual(heard, ['SERVING', 'NOT_SERVING', grpc.status.UNAVAILABLE]);
  assert.equal(own.lines.at(-1), 'closed ');
  health.close();
  slow.close();
});
