// ./dev server: certdeskd with its private MariaDB and the simulated providers on ./.state, at fixed ports, until Ctrl-C.
// The first start makes the channel, a stock of UKEYs and one person of the desk.
//
//   --port, --callback-port, --sandbox-port N   other ports
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Desk, certdeskd, root, totp } from './desk.mjs';

const text = { type: 'string' };
const { values } = (() => {
  try {
    return parseArgs({ options: { port: text, 'callback-port': text, 'sandbox-port': text } });
  } catch (e) {
    process.stderr.write(`${e.message}\nusage: ./dev server [--port N] [--callback-port N] [--sandbox-port N]\n`);
    process.exit(2);
  }
})();
const PORTS = { grpc: Number(values.port || 8443), callback: Number(values['callback-port'] || 8444), sandbox: Number(values['sandbox-port'] || 8090) };
const ROLES = 'reviewer,operator,shipper,admin,auditor,finance';
const dir = process.env.CERTDESK_STATE || path.join(root, '.state');
const note = path.join(dir, 'desk.json'); // whom the first start made

class Server extends Desk {
  // ./dev sandbox may run already: then that one.
  async startSandbox() {
    const there = await fetch(`http://127.0.0.1:${PORTS.sandbox}/sim/health`).catch(() => null);
    if (!there?.ok) return super.startSandbox();
    const ours = path.join(this.dir, 'sandbox/sandbox.json');
    if (!fs.existsSync(ours)) throw new Error(`port ${PORTS.sandbox} has a sandbox of another state: end it, or give --sandbox-port N`);
    this.sandbox = JSON.parse(fs.readFileSync(ours));
    return this.sim('/sim/sms/templates', { templates: JSON.parse(execFileSync(certdeskd, ['notices'])) });
  }

  add(login, password) {
    const url = this.command(['staff', 'add', login, '值班员', ROLES], `${password}\n`);
    this.staff = { [login]: { login, password, secret: /secret=([A-Z2-7]+)/.exec(url)[1] } };
    return this.staff[login];
  }

  async firstStart() {
    this.command(['channel', 'import', '--apply', path.join(root, 'server/catalog/zheneng.yaml')]);
    const password = randomBytes(9).toString('base64url');
    this.add('desk', password);
    const { RegisterTokens } = await this.staffCaller('desk');
    await RegisterTokens({ medium_numbers: ['10000001', '10000002', '10000003'], model: 'simulated' });
    const made = this.add('desk', password); // with a new secret, so that no code of this half minute is used up
    fs.writeFileSync(note, `${JSON.stringify(made, null, 1)}\n`, { mode: 0o600 });
  }

  async start() {
    Object.assign(this, { port: PORTS.grpc, callbackPort: PORTS.callback, sandboxPort: PORTS.sandbox });
    await this.startSandbox();
    this.writeConfig();
    await this.startServer();
    if (!fs.existsSync(note)) await this.firstStart();
  }
}

const here = (file) => path.relative(process.cwd(), file) || '.';

function tell() {
  const { login, password, secret } = JSON.parse(fs.readFileSync(note));
  const buf = 'tests/lib/buf curl --http2-prior-knowledge --protocol grpc';
  console.log(`certdeskd    127.0.0.1:${PORTS.grpc}, state in ${here(dir)}
console      ${PORTS.grpc === 8443 ? '' : `CERTDESK_SERVER=127.0.0.1:${PORTS.grpc} `}./dev console     (tests/lib/with-reader ./dev console: with the simulated UKEY 10000001 in a reader)
             login ${login}   password ${password}   one-time code ${totp(secret)} now, later by
             node tests/lib/totp.mjs ${secret}
API          ${buf} -d '{"channel":"zheneng"}' \\
                 http://127.0.0.1:${PORTS.grpc}/certdesk.v1.ChannelService/GetChannel
outside      http://127.0.0.1:${PORTS.sandbox}/     phones, mails, payments, parcels
captcha      always abcd here
commands     ${here(certdeskd)} --config ${here(desk.config)} channel list     (likewise all others)
log          ${here(path.join(dir, 'certdeskd.log'))}
Ctrl-C ends it.`);
}

const desk = new Server({ dir, listen: `127.0.0.1:${PORTS.grpc}` });
const interrupted = new Promise((resolve) => { for (const s of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(s, () => resolve('asked')); });

async function main() {
  const ended = await Promise.race([desk.start(), interrupted]);
  if (ended !== 'asked') {
    tell();
    const why = await Promise.race([interrupted, desk.ended]);
    if (why !== 'asked') throw new Error(`certdeskd ended: ${why.signal ?? why.code}; its log is ${path.join(dir, 'certdeskd.log')}`);
  }
}

main().then(() => desk.stop({ keep: true }), async (e) => {
  process.stderr.write(`${e.message}\n`);
  process.exitCode = 1;
  await desk.stop({ keep: true });
}).finally(() => process.exit());
