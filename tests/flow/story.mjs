// What the demonstration prints: numbered steps, labelled lines, screens in a frame. Colours on a terminal only, and not
// with NO_COLOR.
import { spawnSync } from 'node:child_process';
import { columns } from '../tui/screen.mjs';

const WIDTH = 80;
const SGR = /\x1b\[[0-9;:]*m|\x1b[()][0-9A-B]|[\x0e\x0f]/g;

export class Story {
  constructor(out = process.stdout) {
    this.out = out;
    this.colour = !!out.isTTY && !process.env.NO_COLOR && process.env.TERM !== 'dumb';
    this.steps = 0;
    this.began = Date.now();
  }

  paint(code, text) {
    return this.colour ? `\x1b[${code}m${text}\x1b[0m` : text;
  }

  print(text = '') {
    this.out.write(`${text}\n`);
  }

  // who acts, and by which calls
  step(title, who, what = '') {
    this.steps += 1;
    const left = `${String(this.steps).padStart(2)}  ${title}`;
    const right = `${who}${what ? ` · ${what}` : ''}`;
    const gap = Math.max(2, WIDTH - columns(left) - columns(right));
    this.print();
    this.print(this.paint('1', left) + ' '.repeat(gap) + this.paint('2', right));
  }

  line(label, text, code = '0') {
    this.print(`    ${this.paint('36', label.padEnd(8))} ${this.paint(code, text)}`);
  }

  // Text as it is, set in.
  block(text) {
    for (const l of text.replace(/\n+$/, '').split('\n')) this.print(`    ${l}`);
  }

  // A terminal's screen in a frame; text may carry its colours.
  screen(title, text) {
    const lines = text.replace(/\n$/, '').split('\n');
    const head = ` ${title} `;
    this.print(this.paint('2', `   ┌─${head}${'─'.repeat(Math.max(0, WIDTH - 1 - columns(head)))}┐`));
    for (const l of lines) {
      const bare = l.replace(SGR, '');
      const pad = ' '.repeat(Math.max(0, WIDTH - columns(bare)));
      this.print(`${this.paint('2', '   │')}${this.colour ? `${l}\x1b[0m` : bare}${pad}${this.paint('2', '│')}`);
    }
    this.print(this.paint('2', `   └${'─'.repeat(WIDTH)}┘`));
  }

  // A QR code of half blocks; qrencode draws what libqrencode makes.
  qr(text) {
    const r = spawnSync('qrencode', ['-t', 'UTF8', '-m', '1', text], { encoding: 'utf8' });
    this.block(r.status === 0 ? r.stdout : text);
  }

  get seconds() {
    return ((Date.now() - this.began) / 1000).toFixed(0);
  }
}
