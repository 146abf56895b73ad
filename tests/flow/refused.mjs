// That a call was refused, and how.
import assert from 'node:assert/strict';
import grpc from '@grpc/grpc-js';

// status: a name of grpc.status; reason: of google.rpc.ErrorInfo. Resolves to what explain() made of the error.
export async function refused(promise, status, reason) {
  const e = await promise.then((v) => assert.fail(`not refused with ${reason}: ${JSON.stringify(v).slice(0, 300)}`), (x) => x);
  if (!('code' in e) || !e.info) throw e;
  assert.deepEqual([grpc.status[e.code], e.info.reason], [status, reason], e.message);
  return e.info;
}
