// tests/lib/buf curl … 2>&1 | node tests/lib/details.mjs: what buf curl shows of an error, with its details readable. buf
// prints them as the packed bytes that came; an answer goes through as it is.
import fs from 'node:fs';
import { details } from './desk.mjs';

const text = fs.readFileSync(0, 'utf8');

function readable({ type, value }) {
  const kind = details.lookupType(type);
  return { type, ...kind.toObject(kind.decode(Buffer.from(value, 'base64')), { longs: Number }) };
}

try {
  const error = JSON.parse(text);
  process.stdout.write(`${JSON.stringify({ ...error, details: error.details.map(readable) }, null, 2)}\n`);
} catch {
  process.stdout.write(text);
}
