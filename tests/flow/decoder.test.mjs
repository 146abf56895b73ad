// certdesk-decode by itself: what it says of files, and that nothing gets out of it, whatever has taken it over.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { build } from '../lib/desk.mjs';
import { pdf, png, turned, withSegment } from '../lib/corpus.mjs';
import { SCANS } from './walk.mjs';

const [CHECK, PREVIEW, SQUARE] = [1, 2, 3];
const [OK, , , , , TRAILING] = [0, 1, 2, 3, 4, 5];
const sanitized = /sanitize/.test(build);
const jpeg = fs.readFileSync(path.join(SCANS, 'business_license.jpg'));
let dir;

before(() => { dir = fs.mkdtempSync(path.join(os.tmpdir(), 'decoder-')); });
after(() => fs.rmSync(dir, { recursive: true, force: true }));

function decode(bytes, want = CHECK, side = 0, page = 0) {
  const names = ['in', 'out'].map((n) => path.join(dir, n));
  fs.writeFileSync(names[0], bytes);
  const [from, to] = [fs.openSync(names[0], 'r'), fs.openSync(names[1], 'w+')];
  const r = spawnSync(path.join(build, 'server/certdesk-decode'), [want, side, page].map(String), { stdio: [from, to, 'ignore'], env: {} });
  const out = fs.readFileSync(names[1]);
  fs.closeSync(from);
  fs.closeSync(to);
  const answer = { status: r.status ?? r.signal };
  if (Number(want)) assert.equal(answer.status, 0);
  if (out.length >= 40) ['verdict', 'type', 'width', 'height', 'pages', 'outWidth', 'outHeight', 'bytes'].forEach((k, i) => { answer[k] = out.readInt32LE(8 + 4 * i); });
  return { ...answer, jpeg: out.subarray(40) };
}
const size = ({ outWidth, outHeight }) => `${outWidth}x${outHeight}`;

test('previews fit, stand upright, and never grow', () => {
  const plain = decode(jpeg, PREVIEW, 300, 1);
  assert.equal(size(plain), '300x213');
  assert.equal(plain.jpeg.length, plain.bytes);
  assert.equal(plain.jpeg.readUInt16BE(0), 0xffd8);
  assert.equal(size(decode(jpeg, PREVIEW, 4000, 1)), '720x512');
  for (const o of [1, 2, 3, 4]) assert.equal(size(decode(turned(jpeg, o), PREVIEW, 300, 1)), '300x213', `orientation ${o}`);
  for (const o of [5, 6, 7, 8]) assert.equal(size(decode(turned(jpeg, o), PREVIEW, 300, 1)), '213x300', `orientation ${o}`);
  // Turned and turned back.
  assert.ok(!decode(turned(jpeg, 3), PREVIEW, 300, 1).jpeg.equals(plain.jpeg));
  assert.equal(size(decode(pdf({ pages: 3 }), PREVIEW, 842, 2)), '596x842');
  assert.equal(decode(pdf({ pages: 3 }), PREVIEW, 842, 4).verdict, 12);
});

test('what is said in the file is not in the preview', () => {
  const said = withSegment(turned(jpeg, 1), 0xfe, Buffer.from('SECRET-PLACE'));
  assert.ok(said.includes('SECRET-PLACE'));
  const { jpeg: out } = decode(said, PREVIEW, 600, 1);
  assert.ok(!out.includes('SECRET-PLACE') && !out.includes('Exif'));
});

test('squares are cut from the middle', () => {
  // Red left and right, blue in the middle.
  const wide = png({ width: 300, height: 100, pixel: (x) => (x >= 100 && x < 200 ? [0, 0, 255] : [255, 0, 0]) });
  const cut = decode(wide, SQUARE, 256);
  assert.equal(size(cut), '100x100');
  assert.ok(!cut.jpeg.equals(decode(png({ width: 100, height: 100, pixel: () => [255, 0, 0] }), SQUARE, 256).jpeg));
  assert.ok(cut.jpeg.equals(decode(png({ width: 100, height: 100, pixel: () => [0, 0, 255] }), SQUARE, 256).jpeg));
  assert.equal(size(decode(jpeg, SQUARE, 256)), '256x256');
});

test('a camera\'s second picture is a picture; what is none is not', () => {
  assert.equal(decode(Buffer.concat([jpeg, jpeg])).verdict, OK);
  assert.equal(decode(Buffer.concat([jpeg, Buffer.alloc(100), jpeg, Buffer.alloc(3, 0xff)])).verdict, OK);
  assert.equal(decode(Buffer.concat([jpeg, Buffer.from('x'), jpeg])).verdict, TRAILING);
  assert.equal(decode(Buffer.concat(Array(9).fill(jpeg))).verdict, TRAILING);
});

test('out of it there is no way', { skip: sanitized && 'a sanitizer needs more calls' }, () => {
  for (const [what, end] of [['open', 'SIGSYS'], ['socket', 'SIGSYS'], ['exec', 'SIGSYS'], ['fork', 'SIGSYS'], ['kill', 'SIGSYS'], ['read', 'SIGSYS'], ['code', 'SIGSYS'], ['memory', 0]])
    assert.equal(decode(jpeg, what).status, end, `${what}, in a picture`);
  // The documents' library looks for fonts: opening fails, and so does looking; the rest ends it.
  for (const [what, end] of [['open', 0], ['socket', 0], ['exec', 'SIGSYS'], ['fork', 'SIGSYS'], ['kill', 'SIGSYS'], ['read', 'SIGSYS'], ['code', 'SIGSYS'], ['memory', 0]])
    assert.equal(decode(pdf(), what).status, end, `${what}, in a document`);
});

test('it does not run for ever', { skip: sanitized && 'slow' }, () => {
  assert.equal(decode(jpeg, 'time').status, 'SIGKILL');
});
