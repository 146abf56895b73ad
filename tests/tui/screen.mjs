// screen.mjs - a terminal that a test can type into and look at: the console in a private tmux.
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export const program = process.env.CERTDESK ?? join(process.env.CERTDESK_BUILD ?? new URL('../../build', import.meta.url).pathname, 'tui/certdesk');

export class Screen {
  // Starts the program; `env` wins over what it inherits.
  static async start({ cols = 80, rows = 24, env = {}, args = [], term = 'tmux-256color', state } = {}) {
    const s = new Screen();
    s.own = mkdtempSync(join(tmpdir(), 'certdesk-tui-'));
    s.socket = join(s.own, 'tmux');
    s.log = join(s.own, 'stderr');
    const all = { XDG_STATE_HOME: state ?? s.own, LANG: 'C.UTF-8', TZ: 'Asia/Shanghai', CERTDESK_LANG: 'zh_CN', TERM: term, ...env };
    const words = ['env', '-u', 'LC_ALL', '-u', 'LANGUAGE', ...Object.entries(all).map(([k, v]) => `${k}=${v}`), program, ...args];
    const quoted = words.map((w) => `'${w.replaceAll("'", "'\\''")}'`).join(' ');
    await s.tmux('-f', '/dev/null', 'new-session', '-d', '-s', 't', '-x', String(cols), '-y', String(rows),
      `${quoted} 2>'${s.log}'; echo "ended with $?"; cat`);
    return s;
  }

  tmux(...args) {
    return run('tmux', ['-S', this.socket, ...args], { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C.UTF-8' } }).then((r) => r.stdout);
  }

  // The screen as text, one line a row, without spaces at the ends.
  async text() {
    return this.tmux('capture-pane', '-t', 't', '-p');
  }

  // Waits until the screen fits: a string, a RegExp, or a function of the text. Says what was there instead.
  async see(what, ms = 30000) {
    const fits = typeof what === 'string' ? (t) => t.includes(what) : what instanceof RegExp ? (t) => what.test(t) : what;
    const until = Date.now() + ms;
    let text = '', before, fitted = 0;
    do {
      before = text;
      text = await this.text();
      if (fits(text) && (text === before || ++fitted > 10)) return text; // whole: not while it is being drawn, but for what never rests
      await new Promise((r) => setTimeout(r, 20)); // between two looks, not instead of one
    } while (Date.now() < until);
    throw new Error(`not seen: ${what}\n${text}\n${this.stderr()}`);
  }

  async gone(what, ms) {
    return this.see((t) => !t.includes(what), ms);
  }

  // Keys by tmux's names; text literally.
  async key(...keys) {
    await this.tmux('send-keys', '-t', 't', ...keys);
  }

  async type(text) {
    await this.tmux('send-keys', '-t', 't', '-l', text);
  }

  async resize(cols, rows) {
    await this.tmux('resize-window', '-t', 't', '-x', String(cols), '-y', String(rows));
  }

  stderr() {
    try {
      return readFileSync(this.log, 'utf8');
    } catch {
      return '';
    }
  }

  // Process number of the program: the shell's one child.
  async pid() {
    const shell = (await this.tmux('list-panes', '-t', 't', '-F', '#{pane_pid}')).trim();
    return Number(readFileSync(`/proc/${shell}/task/${shell}/children`, 'utf8').trim().split(' ')[0]);
  }

  // After the program has ended by itself: its exit status.
  async ended() {
    const t = await this.see(/ended with \d+/);
    return Number(/ended with (\d+)/.exec(t)[1]);
  }

  stop() {
    try {
      execFileSync('tmux', ['-S', this.socket, 'kill-server'], { stdio: 'ignore' });
    } catch {
      // ended already
    }
    rmSync(this.own, { recursive: true, force: true });
  }
}

// Columns that a terminal gives a line: wide characters count two.
export function columns(line) {
  let n = 0;
  for (const c of line) {
    const k = c.codePointAt(0);
    n += (k >= 0x1100 && k <= 0x115f) || (k >= 0x2e80 && k <= 0xa4cf) || (k >= 0xac00 && k <= 0xd7a3) || (k >= 0xf900 && k <= 0xfaff) ||
      (k >= 0xfe30 && k <= 0xfe6f) || (k >= 0xff00 && k <= 0xff60) || (k >= 0xffe0 && k <= 0xffe6) || k >= 0x20000 ? 2 : 1;
  }
  return n;
}
