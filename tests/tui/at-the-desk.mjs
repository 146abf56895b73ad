// at-the-desk.mjs - a console that is logged in, against a peer with canned data: what the tests of screens share.
import { start } from './desk-stub.mjs';
import { Screen } from './screen.mjs';

export const zh = { home: '证书工作台', login: '动态验证码', review: '待审核', away: '服务器无应答', connected: '已连接' };

export async function login(s, password = 'correct horse', totp = '123456', asks = '动态验证码') {
  await s.see(asks);
  await s.type('zhangsan');
  await s.key('Enter');
  await s.type(password);
  await s.key('Enter');
  await s.type(totp);
  await s.key('Enter');
}

// A console that is logged in, against a peer of its own.
export async function desk(options = {}) {
  const peer = options.peer ?? (await start(options.world));
  const s = await Screen.start({ ...options, env: { CERTDESK_SERVER: peer.address, ...options.env } });
  if (options.login !== false) {
    await login(s);
    await s.see(zh.connected);
  }
  return { s, peer, stop: () => { s.stop(); peer.stop(); } };
}

export async function open(s, key, text) {
  await s.key(key);
  return s.see(text);
}
