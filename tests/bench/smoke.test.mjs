// The programs of ./dev bench work, every call is answered OK, and the bare SQL is the server's own.
// Nothing here is timed.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const bench = fileURLToPath(new URL('bench.mjs', import.meta.url));
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'bench-'));
after(() => fs.rmSync(dir, { recursive: true }));

let said, all;
before(async () => {
  const json = path.join(dir, 'bench.json');
  ({ stdout: said } = await promisify(execFile)(process.execPath,
    [bench, '--trace', '--calls', '200', '--in-flight', '1,64', '--json', json]));
  all = JSON.parse(fs.readFileSync(json));
});

test('200 calls of every figure are answered', () => {
  assert.deepEqual(Object.keys(all.results),
    ['echo, minimal core', 'echo, api/rpc', 'GetOrder', 'GetOrder, bare SQL', 'CreateOrder', 'CreateOrder, bare SQL']);
  for (const [name, by] of Object.entries(all.results))
    for (const n of ['1', '64']) {
      const [r, ...more] = by[n];
      assert.equal(more.length, 0, name);
      assert.ok(r.calls >= 200 && r.non_ok === 0 && r.p99_us >= r.p50_us, `${name}, ${n}`);
      assert.ok(r.server_cpu_us > 0 || r.database_cpu_us > 0, `${name}, ${n}`);
    }
  assert.match(all.issue, /^p256 .*ratio/m);
  assert.match(all.issue, /^sm2 .*ratio/m);
});

test('every bar is told, and the database is durable', () => {
  assert.equal(all.bars.length, 7);
  for (const b of all.bars) assert.ok(said.includes(`${b.holds ? 'holds' : 'MISSES'}  ${b.text}`), b.text);
  assert.match(all.durable, /^1\t/);
});

test('bare SQL is what a lone call of the server sends', () => {
  for (const op of ['create', 'get']) {
    const { server, direct } = all.statements[op];
    assert.ok(server.some((s) => / orders /.test(s)), server.join('\n'));
    assert.deepEqual(direct, server, op);
  }
});
