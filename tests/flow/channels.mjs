// Channels for tests that ask for everything many times from one machine: their own files, with limits out of the way.
import fs from 'node:fs';
import path from 'node:path';
import { root } from '../lib/desk.mjs';

const METHODS = ['micro_deposit', 'phone_three_factor', 'bank_four_factor', 'face'];
const without = (text, key) => text.replace(new RegExp(`^${key}:.*(?:\\n +.*)*`, 'm'), '');

// A channel that downloads: cloud certificates and UKEYs of the holders' own.
export const YUNQI = 'tests/flow/channels/yunqi.yaml';

// Imports a channel's file of the tree as it is.
export const importChannel = (desk, file) => desk.command(['channel', 'import', path.join(root, file), '--apply']);

// Imports a channel's file of the tree, with what change makes of its text, into a running desk; gives its code.
export function importGenerous(desk, file, change = (text) => text) {
  const text = ['sms_limits', 'attempts', 'account_checks'].reduce(without, change(fs.readFileSync(path.join(root, file), 'utf8')))
    + '\naccount_checks: 1000000'
    + '\nsms_limits: {phone_minute: 100000, phone_hour: 1000, phone_day: 1000, address_hour: 1000000, channel_day: 1000000}'
    + `\nattempts: {${METHODS.map((m) => `${m}: 100`).join(', ')}}\n`;
  const copy = path.join(desk.dir, path.basename(file));
  fs.writeFileSync(copy, text);
  desk.command(['channel', 'import', copy, '--apply']);
  return /^code: (\S+)/m.exec(text)[1];
}
