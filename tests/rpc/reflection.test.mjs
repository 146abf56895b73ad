// grpc.reflection, v1 and v1alpha: by a reflection client, and by `buf curl`, which has no proto files.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import grpc from '@grpc/grpc-js';
import reflection from 'grpc-js-reflection-client';
import { TestServer, load, root, until } from './harness.mjs';

const buf = (...args) => promisify(execFile)(path.join(root, 'tests/lib/buf'), args,
  { cwd: path.join(root, 'proto') });
let server;

before(async () => { server = await TestServer.start(); });
after(async () => { assert.equal(await server.stop(), 0, server.stderr); });

for (const version of ['v1', 'v1alpha']) {
  test(`${version}: services and methods with their kinds`, async () => {
    const client = new reflection.GrpcReflection(server.address, grpc.credentials.createInsecure(), {}, version);
    assert.deepEqual([...await client.listServices()].sort(), ['grpc.health.v1.Health',
      'grpc.reflection.v1.ServerReflection', 'grpc.reflection.v1alpha.ServerReflection', 'grpc.testing.TestService']);
    const methods = await client.listMethods('grpc.testing.TestService');
    const kinds = Object.fromEntries(methods.map(m => [m.name,
      [m.definition.requestStream, m.definition.responseStream]]));
    assert.deepEqual(kinds.UnaryCall, [false, false]);
    assert.deepEqual(kinds.StreamingOutputCall, [false, true]);
    assert.deepEqual(kinds.StreamingInputCall, [true, false]);
    assert.deepEqual(kinds.FullDuplexCall, [true, true]);
  });

  test(`${version}: one stream answers many questions, also wrong ones`, async () => {
    const { ServerReflection } = load(`grpc/reflection/${version}/reflection.proto`).grpc.reflection[version];
    const client = new ServerReflection(server.address, grpc.credentials.createInsecure());
    const call = client.ServerReflectionInfo();
    const answers = [];
    let status;
    call.on('data', m => answers.push(m));
    call.on('status', s => { status = s; });
    const questions = [
      { file_containing_symbol: 'grpc.testing.SimpleRequest' },
      { file_containing_symbol: 'grpc.testing.TestService.UnaryCall' },
      { file_containing_symbol: 'grpc.health.v1.HealthCheckResponse.ServingStatus' },
      { file_containing_symbol: 'google.rpc.BadRequest.FieldViolation.reason' },
      { file_by_filename: 'grpc/testing/test.proto' },
      { file_containing_symbol: 'grpc.testing.SimpleReques' },
      { file_containing_symbol: 'grpc.testing' },
      { file_containing_symbol: '' },
      { file_by_filename: 'no/such.proto' },
      { file_containing_extension: { containing_type: 'grpc.testing.Empty', extension_number: 5 } },
      { all_extension_numbers_of_type: 'grpc.testing.Empty' },
      { list_services: '*' },
    ];
    for (const q of questions) call.write({ host: 'here', ...q });
    call.end();
    await until(() => status, 'the end');
    assert.equal(status.code, grpc.status.OK);
    assert.deepEqual(answers.map(a => a.message_response),
      [...Array(5).fill('file_descriptor_response'), ...Array(6).fill('error_response'), 'list_services_response']);
    assert.deepEqual(answers.slice(5, 11).map(a => a.error_response.error_code), [5, 5, 5, 5, 5, 12]);
    assert.ok(answers.every(a => a.valid_host === 'here' && a.original_request.host === 'here'));
    assert.equal(answers[4].file_descriptor_response.file_descriptor_proto.length, 3, 'with what it imports');
    client.close();
  });
}

test('buf curl calls a method by reflection', async () => {
  const { stdout } = await buf('curl', '--protocol', 'grpc', '--http2-prior-knowledge', '-d', '{"responseSize": 3}',
    `http://${server.address}/grpc.testing.TestService/UnaryCall`);
  assert.deepEqual(JSON.parse(stdout), { payload: { body: 'AAAA' } });
});

test('buf curl reads a stream by reflection', async () => {
  const { stdout } = await buf('curl', '--protocol', 'grpc', '--http2-prior-knowledge', '-d',
    '{"responseParameters": [{"size": 1}, {"size": 2}]}',
    `http://${server.address}/grpc.testing.TestService/StreamingOutputCall`);
  assert.deepEqual(stdout.trim().split(/\n(?=\{)/).map(t => JSON.parse(t).payload.body), ['AA==', 'AAA=']);
});

test('buf curl shows the details of a failure', async () => {
  const error = await buf('curl', '--protocol', 'grpc', '--http2-prior-knowledge', '-H', 'x-test-fail: violations',
    '-d', '{}', `http://${server.address}/grpc.testing.TestService/UnaryCall`).then(() => null, e => e);
  assert.ok(error, 'it did not fail');
  const said = JSON.parse(error.stderr.slice(error.stderr.indexOf('{')));
  assert.equal(said.code, 'invalid_argument');
  assert.ok(said.details.some(d => d.type === 'google.rpc.ErrorInfo'));
});

test('buf lint', async () => {
  await buf('lint').catch(e => assert.fail(e.stdout));
});

test('a stream that is open while the server ends is ended, nothing leaks', async () => {
  const own = await TestServer.start([], { TESTSERVER_GRACE: '60000' });
  const { ServerReflection } = load('grpc/reflection/v1/reflection.proto').grpc.reflection.v1;
  const client = new ServerReflection(own.address, grpc.credentials.createInsecure());
  const ends = [];
  const answers = [];
  for (let i = 0; i < 10; i++) {
    const call = client.ServerReflectionInfo();
    call.on('data', m => answers.push(m));
    call.on('error', () => {});
    call.on('status', s => ends.push(s.code));
    call.write({ list_services: '' });
  }
  await until(() => answers.length === 10, 'ten answers');
  const begin = Date.now();
  assert.equal(await own.stop(), 0, own.stderr);
  assert.ok(Date.now() - begin < 15000, 'they held up the end');
  await until(() => ends.length === 10, 'ten ends');
  assert.ok(ends.every(c => c === grpc.status.UNAVAILABLE));
  client.close();
});
