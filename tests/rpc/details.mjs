// google.rpc.Status out of grpc-status-details-bin, by protobufjs and our proto files.
import path from 'node:path';
import protobuf from 'protobufjs';
import { root } from './harness.mjs';

const types = new protobuf.Root();
types.resolvePath = (_, file) => file.startsWith('google/protobuf/')
  ? path.join('/usr/include', file) : path.isAbsolute(file) ? file : path.join(root, 'proto', file);
types.loadSync(['google/rpc/status.proto', 'google/rpc/error_details.proto']);

// value: base64 text or bytes. Returns {status, info, retry, violations, resource, localized}; absent ones null.
export function details(value) {
  const bytes = typeof value === 'string' ? Buffer.from(value, 'base64') : value;
  const status = types.lookupType('google.rpc.Status').decode(bytes);
  const get = name => {
    const any = status.details.find(d => d.type_url === `type.googleapis.com/google.rpc.${name}`);
    return any ? types.lookupType(`google.rpc.${name}`).decode(any.value) : null;
  };
  return {
    status, info: get('ErrorInfo'), retry: get('RetryInfo')?.retryDelay ?? null,
    violations: get('BadRequest')?.fieldViolations ?? null,
    resource: get('ResourceInfo'), localized: get('LocalizedMessage'),
    names: status.details.map(d => (d.typeUrl ?? d.type_url).split('.').at(-1)),
  };
}
