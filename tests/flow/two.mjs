// A desk whose callers find two servers on one database, and one folder of materials: call after call goes to the other one.
import fs from 'node:fs';
import path from 'node:path';
import { Desk, freePort } from '../lib/desk.mjs';
import { Mariadb } from './database.mjs';

export class TwoServers extends Desk {
  constructor(options = {}) {
    const mariadb = new Mariadb();
    super({ ...options, database: `${options.database || ''}\n[database]\nsocket = ${mariadb.socket}` });
    Object.assign(this, { mariadb, turn: 0 });
  }

  // The second has the first's keys, as a second machine would.
  async startServer(env) {
    if (this.other) return super.startServer(env);
    await this.mariadb.start();
    this.command(['migrate']);
    const ready = await super.startServer(env);
    this.other = Object.assign(new Desk(this.options), { sandbox: this.sandbox, clockFile: this.clockFile, port: await freePort(), callbackPort: await freePort() });
    for (const folder of ['keys', 'ca']) fs.cpSync(path.join(this.state, folder), path.join(this.other.state, folder), { recursive: true });
    fs.mkdirSync(path.join(this.state, 'materials'), { recursive: true, mode: 0o700 });
    fs.symlinkSync(path.join(this.state, 'materials'), path.join(this.other.state, 'materials'));
    this.other.writeConfig();
    await this.other.startServer(env);
    return ready;
  }

  caller(token, more) {
    const one = super.caller(token, more);
    if (!this.other) return one;
    const other = this.other.caller(token, more);
    return new Proxy(one, { get: (_, method) => (this.turn++ % 2 ? other : one)[method] });
  }

  async stop(options) {
    try {
      await this.other?.stop();
    } finally {
      await super.stop(options).finally(() => this.mariadb.remove());
    }
  }
}
