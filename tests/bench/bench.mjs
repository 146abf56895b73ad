// ./dev bench: throughput and latency of the server, next to what its parts cost alone, in one run on one machine
// with durable settings; then the ratios with their bars.
//
//   --rounds N     rounds (9); every figure is the median over them, every ratio is taken within a round
//   --seconds S    measured time of one figure in one round (0.7)
//   --in-flight L  1,16,64,256
//   --only L       echo,get,create,issue
//   --calls N      N calls a figure instead of a time, one round: proves that everything answers, says nothing of speed
//   --json FILE    the numbers
//   --trace        first the statements of one CreateOrder and one GetOrder, which direct.c has to send too
//
// A figure that misses its bar is said to miss it; the exit code tells of errors only.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import { parseArgs } from 'node:util';
import { World, run, startEcho } from './world.mjs';
import { bars, costs, table } from './report.mjs';

const { values: o } = parseArgs({ options: {
  rounds: { type: 'string', default: '9' }, seconds: { type: 'string', default: '0.7' }, calls: { type: 'string' },
  'in-flight': { type: 'string', default: '1,16,64,256' }, only: { type: 'string', default: 'echo,get,create,issue' },
  json: { type: 'string' }, trace: { type: 'boolean' },
} });
const wanted = new Set(o.only.split(','));
const inFlight = o['in-flight'].split(',').map(Number);
const rounds = o.calls ? 1 : Number(o.rounds);
const echoRequest = '1a221220' + 'ab'.repeat(32); // SimpleRequest with a payload of 32 bytes

// How long one figure runs, in the words of the two programs.
const loadTime = (n) => (o.calls ? ['-k', Math.max(o.calls, n), '-w', 0] : ['-s', o.seconds, '-w', 0.2]);
const directTime = () => (o.calls ? ['--calls', o.calls, '--warmup', 0] : ['--seconds', o.seconds, '--warmup', 0.2]);

function figures(world, echo) {
  const load = (args) => (n) => run('bench-load', ...args, '-n', n, ...loadTime(n));
  const direct = (op) => (n) => run('bench-direct', ...world.direct(op), '--threads', n, ...directTime());
  const one = (server) => load(['-t', server.target, '-m', '/grpc.testing.TestService/UnaryCall', '-x', echoRequest, '-P', server.pid]);
  return [
    { name: 'echo, minimal core', kind: 'echo', measure: one(echo.min) },
    { name: 'echo, api/rpc', kind: 'echo', also: ['get'], measure: one(echo.rpc) },
    { name: 'GetOrder', kind: 'get', measure: load(world.get()) },
    { name: 'GetOrder, bare SQL', kind: 'get', measure: direct('get') },
    { name: 'CreateOrder', kind: 'create', measure: load(world.create()) },
    { name: 'CreateOrder, bare SQL', kind: 'create', measure: direct('create') },
  ].filter((f) => [f.kind, ...(f.also ?? [])].some((k) => wanted.has(k)));
}

// One round: the figures of one number in flight follow one another, so that what else the machine does hits all.
async function measure(list, results) {
  for (const n of inFlight)
    for (const f of list) {
      const r = await f.measure(n);
      if (r.non_ok) throw new Error(`${f.name} with ${n} in flight: ${r.non_ok} calls failed: ${JSON.stringify(r.statuses)}`);
      (results[f.name] ??= {})[n] = [...(results[f.name][n] ?? []), r];
      if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${f.name}, ${n} in flight: ${r.per_second}/s`);
    }
}

// Certificates against openssl speed: bench-sign's own lines.
const issuance = () => execFileSync(`${process.env.CERTDESK_BUILD}/tests/bench-sign`, [String(o.calls ? 1 : 3)], { encoding: 'utf8' }).trimEnd();

async function bench(world) {
  const echo = { min: await startEcho('bench-echo-min'), rpc: await startEcho('bench-echo-rpc') };
  try {
    const results = {}, list = figures(world, echo), durable = world.sql('SELECT @@innodb_flush_log_at_trx_commit, @@version');
    for (let i = 0; i < rounds; i++) await measure(list, results);
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
    const machine = `${os.cpus().length} x ${os.cpus()[0].model}, load ${os.loadavg()[0].toFixed(1)}`;
    const issue = wanted.has('issue') ? issuance() : '';
    return { machine, durable, rounds, seconds: Number(o.seconds), results, issue };
  } finally {
    await Promise.all([echo.min.stop(), echo.rpc.stop()]);
  }
}

const world = new World(o.calls ? { people: 2, orders: 200 } : {});
try {
  await world.start();
  const statements = o.trace ? { create: await world.statements('create'), get: await world.statements('get') } : undefined;
  for (const [op, { server }] of Object.entries(statements ?? {})) console.log(`-- ${op}\n${server.join('\n')}\n`);
  const all = await bench(world);
  console.log(`${all.machine}; innodb_flush_log_at_trx_commit, MariaDB: ${all.durable.replace('\t', ', ')}; medians of ${rounds} rounds`);
  console.log(table(all.results));
  if (all.issue) console.log(`issuance, one thread, CPU time:\n${all.issue}\n`);
  const checks = bars(all.results);
  for (const b of checks) console.log(`${b.holds ? 'holds' : 'MISSES'}  ${b.text}`);
  for (const c of costs(all.results)) console.log(c);
  if (o.json) fs.writeFileSync(o.json, JSON.stringify({ ...all, bars: checks, statements }, null, 1));
} finally {
  await world.stop();
}
