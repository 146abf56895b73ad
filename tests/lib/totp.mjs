// node tests/lib/totp.mjs SECRET: the one-time code of this moment, for whoever has no authenticator at hand.
import { totp } from './desk.mjs';

if (!/^[A-Z2-7]{16,}$/.test(process.argv[2] || '')) {
  process.stderr.write('usage: totp.mjs SECRET   (base32, as certdeskd staff add printed it)\n');
  process.exit(2);
}
console.log(totp(process.argv[2]));
