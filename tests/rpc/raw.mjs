// gRPC by hand over node's own HTTP/2: for what no proper client would send.
import http2 from 'node:http2';
import net from 'node:net';

// The five bytes in front of a message, and the message.
export function frame(message, { compressed = 0, length = message.length } = {}) {
  const head = Buffer.alloc(5);
  head[0] = compressed;
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, message]);
}

// Protobuf: one length-delimited field.
export function field(number, value) {
  const bytes = Buffer.from(value);
  return Buffer.concat([varint(number << 3 | 2), varint(bytes.length), bytes]);
}

function varint(n) {
  const out = [];
  for (; n > 0x7f; n >>>= 7) out.push(n & 0x7f | 0x80);
  out.push(n);
  return Buffer.from(out);
}

// Sends the bytes as the body of a call; resolves to {status, message, headers, messages: bytes, ended}.
export function rawCall(address, path, body, { headers = {}, end = true, timeout = 8000 } = {}) {
  return new Promise((resolve, reject) => {
    const session = http2.connect(`http://${address}`);
    session.on('error', reject);
    const stream = session.request({
      ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers', ...headers,
    });
    const out = { data: [], headers: {} };
    stream.setTimeout(timeout, () => { session.destroy(); reject(new Error('no answer')); });
    stream.on('response', h => { out.headers = h; });
    stream.on('trailers', t => { out.trailers = t; });
    stream.on('data', d => out.data.push(d));
    stream.on('error', e => { out.error = e; });
    stream.on('close', () => {
      const last = out.trailers ?? out.headers;
      out.status = last['grpc-status'] === undefined ? undefined : Number(last['grpc-status']);
      out.message = decodeURIComponent(last['grpc-message'] ?? '');
      out.details = last['grpc-status-details-bin'];
      session.close();
      resolve(out);
    });
    stream.write(body);
    if (end) stream.end();
  });
}

// HTTP/2 by hand: node's own client ends a stream (END_STREAM) before it resets it.
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

function http2Frame(type, flags, stream, payload) {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

// A header that the compression table never sees.
function literal(key, value) {
  return Buffer.concat([Buffer.from([0, key.length]), Buffer.from(key), Buffer.from([value.length]), Buffer.from(value)]);
}

// Opens stream 1 with a call of that path and one message, without ending it. Resolves to the socket.
export function openStream(port, path, message) {
  const headers = Buffer.concat([[':method', 'POST'], [':scheme', 'http'], [':path', path], [':authority', 'x'],
    ['content-type', 'application/grpc'], ['te', 'trailers']].map(([k, v]) => literal(k, v)));
  const socket = net.connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(Buffer.concat([PREFACE, http2Frame(4, 0, 0, Buffer.alloc(0)), http2Frame(4, 1, 0, Buffer.alloc(0)),
    http2Frame(1, 4, 1, headers), http2Frame(0, 0, 1, frame(message))]));
  return socket;
}

export const RESET_STREAM = http2Frame(3, 0, 1, Buffer.from([0, 0, 0, 8]));
export const END_STREAM = http2Frame(0, 1, 1, Buffer.alloc(0));
