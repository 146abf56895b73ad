// The database as a test sees it: a server of its own, questions in SQL, and whether anything has changed.
import { spawn, execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { until } from '../lib/desk.mjs';

const root = process.getuid() === 0 ? ['--user=root'] : [];

// What certdeskd asks of a database that is not its own; a test leaves one out to see it named.
export const SETTINGS = {
  'innodb-flush-log-at-trx-commit': '1', 'innodb-doublewrite': 'ON', 'innodb-snapshot-isolation': 'ON', 'innodb-rollback-on-timeout': 'ON',
  'sql-mode': 'STRICT_TRANS_TABLES,STRICT_ALL_TABLES', 'character-set-server': 'utf8mb4', 'collation-server': 'utf8mb4_bin',
};

// A MariaDB in a folder of its own, on a Unix socket, with data that outlive it.
export class Mariadb {
  constructor(dir = fs.mkdtempSync(path.join(os.tmpdir(), 'fault-db-'))) {
    this.dir = dir;
    this.socket = path.join(dir, 'db.sock');
    execFileSync('mariadb-install-db', ['--no-defaults', `--datadir=${dir}/data`, '--auth-root-authentication-method=normal', '--skip-test-db',
      '--innodb-log-file-size=10M', ...root], { stdio: 'ignore' });
  }

  async start(settings = {}) {
    if (this.process) throw new Error('this mariadbd is running');
    const all = { ...SETTINGS, ...settings };
    const log = fs.openSync(path.join(this.dir, 'log'), 'a');
    this.process = spawn('mariadbd', ['--no-defaults', `--datadir=${this.dir}/data`, `--socket=${this.socket}`, `--tmpdir=${this.dir}`,
      '--skip-networking', '--innodb-buffer-pool-size=64M', '--innodb-log-file-size=10M', '--max-connections=200', '--performance-schema=0', ...root,
      ...Object.entries(all).map(([k, v]) => `--${k}=${v}`)], { stdio: ['ignore', log, log] });
    fs.closeSync(log);
    this.gone = new Promise((resolve) => this.process.once('exit', resolve));
    await until('mariadbd', () => {
      if (this.process.exitCode !== null) throw new Error(fs.readFileSync(path.join(this.dir, 'log'), 'utf8').slice(-1000));
      try {
        execFileSync('mariadb-admin', ['--no-defaults', `--socket=${this.socket}`, '-uroot', 'ping'], { stdio: 'ignore' });
        return true;
      } catch {
        return false;
      }
    });
    return this;
  }

  async stop() {
    if (!this.process) return;
    this.process.kill('SIGTERM');
    await this.gone;
    this.process = null;
  }

  async remove() {
    await this.stop();
    fs.rmSync(this.dir, { recursive: true, force: true });
  }
}

// One connection by the mariadb command, which is not ours. Rows are arrays of text; NULL is "NULL".
export class Sql {
  constructor(socket, schema = 'certdesk') {
    this.child = spawn('mariadb', ['--no-defaults', '--default-character-set=utf8mb4', `--socket=${socket}`, '-uroot', '--batch', '--skip-column-names', '--unbuffered', '--force', schema],
      { stdio: ['pipe', 'pipe', 'pipe'] });
    this.text = '';
    this.said = '';
    this.number = 0;
    this.waiting = [];
    this.child.stdout.on('data', (d) => {
      this.text += d;
      this.settle();
    });
    this.child.stderr.on('data', (d) => (this.said += d));
    this.child.stdin.on('error', () => {});
    this.child.once('exit', () => this.waiting.splice(0).forEach((w) => w.reject(new Error(`the mariadb command ended: ${this.said}`))));
  }

  settle() {
    while (this.waiting.length) {
      const { mark, resolve } = this.waiting[0];
      const at = this.text.indexOf(mark);
      if (at < 0) return;
      const rows = this.text.slice(0, at).split('\n').slice(0, -1).map((line) => line.split('\t'));
      this.text = this.text.slice(at + mark.length);
      this.waiting.shift();
      resolve(rows);
    }
  }

  rows(statement) {
    const word = `end-${++this.number}-of-answer`;
    return new Promise((resolve, reject) => {
      this.waiting.push({ mark: `${word}\n`, resolve, reject });
      this.child.stdin.write(`${statement};\nSELECT '${word}';\n`);
    });
  }

  async value(statement) {
    return (await this.rows(statement))[0]?.[0];
  }

  async count(statement) {
    return Number(await this.value(statement));
  }

  async close() {
    const gone = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.stdin.end();
    await gone;
  }

  // A checksum per table, but for those where the machinery itself writes: seals once a minute, and who is running.
  async fingerprint() {
    this.tables ??= (await this.rows('SHOW TABLES')).map(([t]) => t).filter((t) => !['audit_seal', 'outbox_owner', 'schema_lock'].includes(t));
    return Object.fromEntries(await this.rows(`CHECKSUM TABLE ${this.tables.join(', ')}`));
  }

  // No job is running or due; those for later are put off, so that nothing stirs by itself.
  async quiet() {
    await until('the outbox to be quiet', async () => {
      await this.rows('UPDATE outbox SET run_at_ms = run_at_ms + 86400000 WHERE state = 1 AND run_at_ms > (UNIX_TIMESTAMP(NOW(3)) * 1000 + 500)');
      return (await this.count('SELECT COUNT(*) FROM outbox WHERE state = 2 OR (state = 1 AND run_at_ms < UNIX_TIMESTAMP(NOW(3)) * 1000 + 60000)')) === 0;
    });
  }
}

// Names of the tables whose checksums differ.
export function changed(before, after) {
  return Object.keys({ ...before, ...after }).filter((t) => before[t] !== after[t]).map((t) => t.replace('certdesk.', ''));
}
