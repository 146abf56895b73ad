// The numbers of ./dev bench as a table, and the bars that they are held against.

export const median = (list) => {
  const s = list.filter((v) => Number.isFinite(v)).sort((a, b) => a - b);
  return s.length ? s[s.length >> 1] : NaN;
};

const digits = (v, n = 0) => (Number.isFinite(v) ? v.toFixed(n) : '-');

// results: {figure: {in flight: [one result a round]}}
export function table(results) {
  const head = ['', 'in flight', 'calls/s', 'p50 us', 'p99 us', 'server us', 'database us', 'server MiB'];
  const rows = [];
  for (const [name, by] of Object.entries(results))
    for (const [n, runs] of Object.entries(by)) {
      const of = (key) => median(runs.map((r) => r[key]));
      rows.push([rows.at(-1)?.name === name ? '' : name, n, digits(of('per_second')), digits(of('p50_us')), digits(of('p99_us')),
        digits(of('server_cpu_us') || NaN, 1), digits(of('database_cpu_us') || NaN, 1), digits(of('server_rss_kib') / 1024, 1)]);
      rows.at(-1).name = name;
    }
  const width = head.map((h, i) => Math.max(h.length, ...rows.map((r) => r[i].length)));
  const line = (cells) => cells.map((c, i) => (i ? c.padStart(width[i]) : c.padEnd(width[i]))).join('  ');
  return `${[head, ...rows].map(line).join('\n')}\n(server us, database us: CPU time of the process per call)\n`;
}

// Ratio of two figures, taken within each round.
function ratio(results, a, b, n, key = 'per_second') {
  const x = results[a]?.[n], y = results[b]?.[n];
  return x && y ? median(x.map((r, i) => r[key] / y[i][key])) : NaN;
}

function bar(list, value, holds, text) {
  if (Number.isFinite(value)) list.push({ value, holds: holds(value), text: `${value.toFixed(2)}  ${text}` });
}

export function bars(results) {
  const list = [], at = 64;
  const least = (min) => (v) => v >= min, below = (max) => (v) => v < max;
  bar(list, ratio(results, 'CreateOrder', 'CreateOrder, bare SQL', at), least(0.75), 'CreateOrder / the same SQL without gRPC, 64 in flight (at least 0.75)');
  bar(list, ratio(results, 'GetOrder', 'echo, api/rpc', at), least(0.25), 'GetOrder / echo of api/rpc, 64 in flight (at least 0.25)');
  bar(list, ratio(results, 'echo, api/rpc', 'echo, minimal core', at), least(0.9), 'echo of api/rpc / smallest echo of the core, 64 in flight (at least 0.9)');
  for (const name of ['GetOrder', 'CreateOrder']) {
    const runs = results[name]?.[at];
    if (!runs) continue;
    bar(list, median(runs.map((r) => r.p99_us / r.p50_us)), below(10), `${name}: p99 / p50, 64 in flight (under 10)`);
    bar(list, Math.max(...runs.map((r) => r.server_rss_kib)) / 1024, below(64), `${name}: MiB of the server, most of all rounds, 64 in flight (under 64)`);
  }
  return list;
}

// The same comparisons by CPU time, which is steadier where other programs run: what the second spends, over what the
// first does. A call of bare SQL costs its client too; the load generator's own time is nobody's.
export function costs(results) {
  const list = [], at = 64;
  const own = (r) => (r.server_cpu_us || r.client_cpu_us) + (r.database_cpu_us || 0);
  for (const [a, b] of [['CreateOrder', 'CreateOrder, bare SQL'], ['GetOrder', 'GetOrder, bare SQL'], ['echo, api/rpc', 'echo, minimal core']]) {
    const x = results[a]?.[at], y = results[b]?.[at];
    if (x && y) list.push(`by CPU time  ${median(x.map((r, i) => own(y[i]) / own(r))).toFixed(2)}  ${b} / ${a}, ${at} in flight`);
  }
  return list;
}
