// The tree's own rules as tests: layers, the contract's style, formatting, nothing of one machine.
import { spawnSync } from 'node:child_process';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, '../..');
const run = (command, args, cwd = root) => spawnSync(command, args, { cwd, encoding: 'utf8' });

test('every include and every statement stands in its layer', () => {
  const r = run('node', [path.join(here, 'layers.mjs')]);
  assert.equal(r.status, 0, r.stdout + r.stderr);
});

test('the contract is clean by buf lint, STANDARD', () => {
  const r = run(path.join(root, 'tests/lib/buf'), ['lint'], path.join(root, 'proto'));
  assert.equal(r.status, 0, r.stdout + r.stderr);
});

test('the C sources are formatted', () => {
  const files = run('git', ['ls-files', '*.c', '*.h']).stdout.trim().split('\n');
  const r = run('clang-format', ['--dry-run', '--Werror', ...files]);
  assert.equal(r.status, 0, r.stderr.slice(0, 4000));
});

test('nothing committed belongs to one machine or one registry', () => {
  const r = run('git', ['grep', '-nIE', `(/home/[a-z]+/|${root}/|https?://registry\\.)`, '--', '.', ':!tests/lint', ':!*.md']);
  assert.equal(r.stdout, '');
});

test('each kind of job has its words at the console', () => {
  const files = run('git', ['ls-files', '--cached', '--others', '--exclude-standard', 'server/*.c']).stdout.trim().split('\n').map((f) => path.join(root, f));
  const kinds = files.filter((f) => fs.existsSync(f)).flatMap((f) => [...fs.readFileSync(f, 'utf8').matchAll(/struct job_kind \w+ = \{\s*(?:\.name = )?"([a-z_.]+)"/g)].map((m) => m[1])).sort();
  assert.ok(kinds.length > 20, kinds.join());
  const words = fs.readFileSync(path.join(root, 'tui/screen/jobs.c'), 'utf8');
  assert.deepEqual([...words.matchAll(/\{"([a-z]+\.[a-z_]+)"/g)].map((m) => m[1]).sort(), kinds);
});

test('each kind of difference of a reconciliation has its line in the contract and its words at the console', () => {
  const read = (file) => fs.readFileSync(path.join(root, file), 'utf8');
  const kinds = (text, pattern) => [...new Set([...text.matchAll(pattern)].map((m) => m[1]))].sort();
  const emitted = kinds(read('server/payment/reconcile.c'), /differs\(&?x, "([A-Z_]+)"/g);
  assert.ok(emitted.length > 5, emitted.join());
  const comment = read('proto/certdesk/v1/payment_service.proto').match(/message ReconciliationDifference \{\n([^]*?)string kind/)[1];
  assert.deepEqual(kinds(comment, /"([A-Z_]+)"/g), emitted);
  const words = read('tui/screen/money.c').match(/struct named differences\[\] = \{([^]*?)\n\};/)[1];
  assert.deepEqual(kinds(words, /\{"([A-Z_]+)"/g), emitted);
});
