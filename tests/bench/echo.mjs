// The bare echo of api/rpc against the smallest echo server that the core allows: pairs of short runs, one
// after the other, so that what else the machine does hits both. Prints a JSON line per number in flight.
//   node tests/bench/echo.mjs [pairs] [seconds of a run]
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const here = path.dirname(fileURLToPath(import.meta.url));
const bin = name => path.join(path.resolve(here, process.env.CERTDESK_BUILD ?? '../../build'), 'tests', name);
const pairs = Number(process.argv[2] ?? 5);
const seconds = process.argv[3] ?? '1';
const request = '1a221220' + 'ab'.repeat(32); // SimpleRequest with a payload of 32 bytes

async function start(name) {
  const child = spawn(bin(name), { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(child.stdout, 'data');
  return { child, port: /port (\d+)/.exec(line)[1] };
}

async function load(server, inFlight) {
  const { stdout } = await promisify(execFile)(bin('bench-load'), ['-t', `127.0.0.1:${server.port}`,
    '-m', '/grpc.testing.TestService/UnaryCall', '-n', inFlight, '-s', seconds, '-w', '0.2', '-x', request,
    '-P', server.child.pid]);
  return JSON.parse(stdout);
}

const median = list => list.toSorted((a, b) => a - b)[list.length >> 1];

const [min, rpc] = [await start('bench-echo-min'), await start('bench-echo-rpc')];
for (const inFlight of [1, 16, 64, 256]) {
  const runs = [];
  for (let i = 0; i < pairs; i++) runs.push({ min: await load(min, inFlight), rpc: await load(rpc, inFlight) });
  const of = f => Math.round(median(runs.map(f)) * 1000) / 1000;
  console.log(JSON.stringify({
    name: 'echo', in_flight: inFlight,
    per_second: of(r => r.rpc.per_second), p50_us: of(r => r.rpc.p50_us), p99_us: of(r => r.rpc.p99_us),
    server_cpu_us: of(r => r.rpc.server_cpu_us), min_per_second: of(r => r.min.per_second),
    min_cpu_us: of(r => r.min.server_cpu_us), rate_ratio: of(r => r.rpc.per_second / r.min.per_second),
    cpu_ratio: of(r => r.min.server_cpu_us / r.rpc.server_cpu_us),
    non_ok: runs.reduce((n, r) => n + r.rpc.non_ok + r.min.non_ok, 0), server_rss_kib: of(r => r.rpc.server_rss_kib),
  }));
}
for (const s of [min, rpc]) {
  s.child.kill('SIGTERM');
  await once(s.child, 'exit');
}
