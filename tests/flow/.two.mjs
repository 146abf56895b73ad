import fs from 'node:fs';
import path from 'node:path';
import { Desk as One, freePort, until } from '../lib/desk.mjs';
import { Mariadb } from './database.mjs';
export { explain, until, freePort, api, details, root, build, certdeskd, totp } from '../lib/desk.mjs';

export class Desk extends One {
  constructor(options = {}) {
    const mariadb = new Mariadb();
    super({ ...options, database: `${options.database || ''}\n[database]\nsocket = ${mariadb.socket}` });
    this.mariadb = mariadb;
    fs.mkdirSync(path.join(this.state, 'db'), { recursive: true });
    fs.symlinkSync(mariadb.socket, path.join(this.state, 'db/db.sock'));
    this.turn = 0;
  }
  async startServer(env) {
    if (!this.other) {
      await this.mariadb.start({ 'max-connections': '400' });
      this.command(['migrate']);
    }
    const r = await super.startServer(env);
    if (!this.other) {
      this.other = Object.assign(new One({ clock: false }), { sandbox: this.sandbox });
      this.other.options = { ...this.options };
      this.other.clockFile = this.clockFile;
      this.other.port = await freePort();
      this.other.callbackPort = await freePort();
      this.other.writeConfig();
      for (const f of ['keys', 'ca']) fs.cpSync(path.join(this.state, f), path.join(this.other.state, f), { recursive: true });
      fs.mkdirSync(path.join(this.state, 'materials'), { mode: 0o700, recursive: true });
      for (const f of ['materials']) if (fs.existsSync(path.join(this.state, f))) fs.symlinkSync(path.join(this.state, f), path.join(this.other.state, f));
      await this.other.startServer(env);
      console.log('# two servers', this.port, this.other.port);
    }
    return r;
  }
  caller(token, more) {
    const a = super.caller(token, more);
    if (!this.other) return a;
    const b = this.other.caller(token, more);
    return new Proxy(a, { get: (t, name) => (this.turn++ % 2 ? a : b)[name] });
  }
  async stop(o) {
    try { await this.other?.stop(); } finally { await super.stop(o); await this.mariadb.remove(); }
  }
}
