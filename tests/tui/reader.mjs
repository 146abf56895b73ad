// reader.mjs - a private PC/SC daemon with a simulated UKEY, for as long as a test needs it.
import { execFileSync, spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const build = process.env.CERTDESK_BUILD ?? fileURLToPath(new URL('../../build', import.meta.url));
const sim = process.env.UKEY_SIM ?? join(build, 'tests/ukey-sim');

// A reader with a card: {env, tell, stop}; without one (null) there is no reader, either.
export async function reader(card) {
  const child = spawn(fileURLToPath(new URL('../lib/with-reader', import.meta.url)), [...(card === null ? ['--no-reader'] : ['--card', card]), 'sh', '-c',
    'echo "$PCSCLITE_CSOCK_NAME $UKEY_CONTROL"; cat'], { env: { ...process.env, UKEY_SIM: sim }, stdio: ['pipe', 'pipe', 'inherit'] });
  const line = await new Promise((resolve, reject) => {
    let text = '';
    child.stdout.on('data', (b) => { text += b; if (text.includes('\n')) resolve(text.trim()); });
    child.on('close', (c) => reject(new Error(`with-reader ended: ${c}`)));
  });
  const [socket, control] = line.split(' ');
  return { env: { PCSCLITE_CSOCK_NAME: socket }, tell: (...order) => execFileSync(sim, ['--tell', control, order.join(' ')], { encoding: 'utf8' }),
    stop: () => new Promise((r) => { child.on('close', r); child.stdin.end(); }) };
}
