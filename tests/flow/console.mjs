// The desk's part of the order in the real console, as a person at 80x24 does it; and the UKEY in the reader.
import { spawn, spawnSync } from 'node:child_process';
import path from 'node:path';
import { build, root, totp } from '../lib/desk.mjs';
import { Screen } from '../tui/screen.mjs';

const NO_LOOK = async () => {};

export class Console {
  // look(title, screen) is shown the key moments.
  constructor(desk, { look = NO_LOOK, env = {}, ...options } = {}) {
    Object.assign(this, { desk, look: (title) => look(title, this.screen), options: { ...options, env } });
  }

  async open() {
    const { CERTDESK_CLOCK } = this.desk.env;
    this.screen = await Screen.start({ ...this.options,
      env: { CERTDESK_SERVER: this.desk.address, ...(CERTDESK_CLOCK ? { CERTDESK_CLOCK } : {}), ...this.options.env } });
    return this;
  }

  close() {
    this.screen?.stop();
  }

  see(what, ms) {
    return this.screen.see(what, ms);
  }

  key(...keys) {
    return this.screen.key(...keys);
  }

  async answer(...texts) {
    for (const text of texts) {
      if (text) await this.screen.type(text);
      await this.key('Enter');
    }
  }

  // Password and a TOTP code (design 7).
  async login(login) {
    const { password, secret } = this.desk.staff[login];
    await this.see('动态验证码');
    await this.answer(login, password, totp(secret, Date.now() + (this.desk.clockOffset || 0)));
    await this.see('已连接');
    await this.look('队列');
  }

  // Opens a queue by its key, and the order of this subject in it.
  async openQueue(key, title, subject) {
    await this.key(key);
    await this.see((t) => t.startsWith(` ${title}`) && t.includes(subject));
    await this.look(title);
    await this.key('Enter');
  }

  async home() {
    await this.key('Escape');
    await this.see((t) => t.startsWith(' 证书工作台'));
  }

  async openReview(subject) {
    await this.openQueue('1', '待审核', subject);
    await this.see(/审核 - [^]*营业执照 +\[未审核\]/);
    await this.look('审核');
  }

  // Puts the cursor on a material and shows its picture.
  async picture(title) {
    for (let i = 0; i < 8; i++) {
      await this.key('Enter');
      const text = await this.see(/^ 资料 - [^]*100%/);
      if (text.startsWith(` 资料 - ${title}`)) break;
      await this.key('Escape');
      await this.see(/^ 审核 - /);
      await this.key('Tab');
    }
    const text = await this.see((t) => t.startsWith(` 资料 - ${title}`));
    await this.look(`资料：${title}`);
    await this.key('Escape');
    await this.see(/^ 审核 - /);
    return text;
  }

  async approve() {
    await this.key('A');
    await this.see((t) => !t.includes('[未审核]'));
    await this.key('d');
    await this.see('确定后即可制证');
    await this.look('提交审核');
    await this.key('y');
    await this.see('审核通过。');
  }

  // Onto the UKEY in the reader, with this medium number.
  async issue(subject, medium) {
    await this.openQueue('2', '待制证', subject);
    await this.see(new RegExp(`读卡器 +${medium}`), 20000);
    await this.key('Enter');
    await this.see(`写入 UKEY ${medium}`);
    await this.look('写入 UKEY：确认');
    await this.key('y');
    await this.see(/完成 +7 +签发证书/, 60000);
    await this.see('UKEY 制证完成', 60000);
    await this.look('写入 UKEY');
    await this.key('Escape');
    await this.see((t) => t.startsWith(' 待制证') && !t.includes(subject));
  }

  async ship(subject, medium, number) {
    await this.openQueue('3', '待邮寄', subject);
    await this.see('快递单号');
    await this.screen.type(medium);
    await this.key('Enter', 'Enter');
    await this.screen.type(number);
    await this.see(number);
    await this.look('邮寄');
    await this.key('Enter');
    await this.see('已登记寄出');
  }

  // The parcel's own screen; stays open and live.
  async track(subject, number) {
    await this.openQueue('4', '运输中', number);
    await this.see((t) => t.startsWith(` 物流跟踪 - ${number}`) && t.includes('物流信息'));
  }
}

// A reader with a simulated UKEY: {env, tell, stop}. env is what programs need to find it.
export async function reader(card) {
  const child = spawn(path.join(root, 'tests/lib/with-reader'), ['--card', card, 'sh', '-c', 'echo "$PCSCLITE_CSOCK_NAME $UKEY_CONTROL"; cat'],
    { stdio: ['pipe', 'pipe', 'inherit'] });
  const line = await new Promise((resolve, reject) => {
    let text = '';
    child.stdout.on('data', (d) => {
      text += d;
      if (text.includes('\n')) resolve(text.trim());
    });
    child.once('close', (code) => reject(new Error(`with-reader ended: ${code}`)));
  });
  const [PCSCLITE_CSOCK_NAME, UKEY_CONTROL] = line.split(' ');
  return {
    env: { PCSCLITE_CSOCK_NAME, UKEY_CONTROL },
    stop: () => new Promise((resolve) => {
      child.once('close', resolve);
      child.stdin.end();
    }),
  };
}

// certdesk-ukey, as the holder runs it.
export function ukey(args, { input, env = {} } = {}) {
  const r = spawnSync(path.join(build, 'tui/certdesk-ukey'), args, { input, env: { ...process.env, LC_ALL: 'C', ...env }, timeout: 60000 });
  if (r.status !== 0) throw new Error(`certdesk-ukey ${args.join(' ')}: ${r.stderr}`);
  return r.stdout;
}
