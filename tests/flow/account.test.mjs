// The user centre and the ways in (S2-S4): a UKEY that is bound, and all that is not; both codes of a change of phone;
// passwords; what the machinery throws away.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { Desk, api, totp, until } from '../lib/desk.mjs';
import { Sql } from './database.mjs';
import { company } from './people.mjs';
import { refused } from './refused.mjs';
import { SoftKey, verifySignature } from './softkey.mjs';
import { CHANNEL, Walk } from './walk.mjs';

const MINUTE = 60 * 1000;
const DAY = 24 * 60 * MINUTE;
let desk, sql, anyone;
const later = (ms) => desk.setClock((desk.clockOffset || 0) + ms);
const reason = (promise) => promise.then(() => 'OK', (e) => e.info?.reason || e.message);
const both = (a, b) => Promise.all([reason(a()), reason(b())]);

before(async () => {
  desk = await new Desk({ clock: true, database: '[server]\naddress_header = x-real-ip' }).start();
  sql = new Sql(`${desk.state}/db/db.sock`);
  anyone = desk.caller();
});
after(async () => {
  await sql?.close();
  await desk?.stop();
});

// A code by SMS, asked for by `caller`; time goes on so that the phone may have one.
async function codeFor(phone, purpose, caller = anyone) {
  later(61000);
  const { captcha_id } = await anyone.CreateCaptcha();
  const seen = (await desk.messages(phone)).length;
  await caller.SendSmsCode({ channel: CHANNEL, phone, purpose: `SMS_PURPOSE_${purpose}`, captcha_id, captcha_text: 'abcd' });
  const sent = await desk.sms(phone, /验证码/, seen);
  return /\d{6}/.exec(sent.text)[0];
}

async function logIn(phone) {
  return anyone.LoginBySms({ channel: CHANNEL, phone, code: await codeFor(phone, 'LOGIN') });
}

// Somebody with an account: {phone, call, account}.
async function person(phone) {
  const { session, account } = await logIn(phone);
  return { phone, account, token: session.token, call: desk.caller(session.token) };
}

// An answer to a challenge by the key of a walk.
const proof = (w, challenge, more = {}) => ({
  challenge_id: challenge.challenge_id, certificate_der: w.issued.certificate_der, signature: w.key.sign(challenge.to_be_signed), ...more,
});
const login = async (w, more) => anyone.LoginByUkey(proof(w, await anyone.CreateLoginChallenge({ channel: CHANNEL }), more));
const bind = async (w, who = w, more) => who.call.BindCertificate(proof(w, await who.call.CreateBindChallenge(), more));

let sm2, p256, other; // two holders of certificates, and a third person

describe('a UKEY', () => {
  before(async () => {
    [sm2, p256] = [new Walk(desk, { who: company(61) }), new Walk(desk, { who: company(62) })];
    await sm2.to('ISSUE');
    await sm2.issue({ sm2: true });
    await p256.to('SHIP');
    other = await person('13700000063');
  });

  test('that is not bound does not log in, and hears why in both languages', async () => {
    const { zh } = await refused(login(sm2), 'FAILED_PRECONDITION', 'UKEY_NOT_BOUND');
    assert.match(zh, /未绑定/);
    assert.equal(await sql.count('SELECT COUNT(*) FROM session WHERE how = 3'), 0);
  });

  test('that is no certificate of ours hears the same, when its key has signed', async () => {
    const key = new SoftKey(desk.dir, 'stranger');
    const cert = key.selfSigned();
    const challenge = await anyone.CreateLoginChallenge({ channel: CHANNEL });
    await refused(anyone.LoginByUkey({ challenge_id: challenge.challenge_id, certificate_der: cert, signature: key.sign(challenge.to_be_signed) }), 'FAILED_PRECONDITION', 'UKEY_NOT_BOUND');
  });

  test('the challenge says what is signed', async () => {
    const { challenge_id: id, to_be_signed: text } = await anyone.CreateLoginChallenge({ channel: CHANNEL });
    const channel = (await anyone.GetChannel({ channel: CHANNEL })).channel.id;
    assert.match(text.toString(), new RegExp(`^certdesk login\nchannel: ${channel}\nchallenge: ${id}\ntime: \\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z\nnonce: [0-9a-f]{64}\n$`));
    const mine = await sm2.call.CreateBindChallenge();
    assert.match(mine.to_be_signed.toString(), /^certdesk bind\nchannel: chn_\w+\naccount: acc_\w+\nchallenge: chg_\w+\n/);
    assert.match(verifySignature(desk.dir, p256.issued.certificate_der, text, p256.key.sign(text)), /OK/);
  });

  test('is bound by its signature, and the phone is told once', async () => {
    const { phone } = sm2.who.account;
    const seen = (await desk.messages(phone)).length;
    const { binding } = await bind(sm2);
    assert.equal(binding.medium_number, sm2.medium);
    assert.equal(binding.certificate_id, sm2.issued.certificate_id);
    assert.match((await desk.sms(phone, /已绑定/, seen)).text, new RegExp(sm2.medium));
    assert.deepEqual((await bind(sm2)).binding, binding, 'again');
    assert.deepEqual((await sm2.call.ListBindings()).bindings, [binding]);
    assert.equal(await sql.count("SELECT COUNT(*) FROM audit WHERE action = 'account.bind'"), 1);
  });

  test('then logs in, with SM2 and with P-256', async () => {
    await bind(p256);
    for (const w of [sm2, p256]) {
      const { account, session } = await login(w);
      const mine = (await w.call.GetAccount()).account;
      assert.deepEqual(account, mine);
      assert.deepEqual((await desk.caller(session.token).GetAccount()).account, mine);
    }
  });

  test('is not bound to two accounts, by whoever has it', async () => {
    const { zh } = await refused(bind(sm2, other), 'ALREADY_EXISTS', 'EXISTS');
    assert.match(zh, /已绑定其他账号/);
    assert.deepEqual((await other.call.ListBindings()).bindings, []);
  });

  test('with nothing but its number and its certificate is not bound', async () => {
    const fields = (await refused(other.call.BindCertificate({ challenge_id: '', certificate_der: Buffer.alloc(0), signature: Buffer.alloc(0) }), 'INVALID_ARGUMENT', 'INVALID')).fields;
    assert.deepEqual(fields.sort(), ['certificate_der', 'challenge_id', 'signature']);
    await refused(bind(p256, other, { signature: new SoftKey(desk.dir, 'thief').sign('x') }), 'UNAUTHENTICATED', 'SIGNATURE_BAD');
  });

  test('a challenge serves once, right or wrong', async () => {
    const challenge = await anyone.CreateLoginChallenge({ channel: CHANNEL });
    await refused(anyone.LoginByUkey(proof(p256, challenge, { signature: p256.key.sign('certdesk login') })), 'UNAUTHENTICATED', 'SIGNATURE_BAD');
    await refused(anyone.LoginByUkey(proof(p256, challenge)), 'FAILED_PRECONDITION', 'CHALLENGE_EXPIRED');
    const good = proof(p256, await anyone.CreateLoginChallenge({ channel: CHANNEL })), request = { request_id: randomUUID(), ...good };
    const answer = await anyone.LoginByUkey(request);
    assert.deepEqual(await anyone.LoginByUkey(request), answer, 'the same call repeated');
    await refused(anyone.LoginByUkey(good), 'FAILED_PRECONDITION', 'CHALLENGE_EXPIRED');
  });

  test('a challenge is good for its purpose and its account alone', async () => {
    const toLogIn = await anyone.CreateLoginChallenge({ channel: CHANNEL });
    await refused(p256.call.BindCertificate(proof(p256, toLogIn)), 'FAILED_PRECONDITION', 'CHALLENGE_EXPIRED');
    const toBind = await p256.call.CreateBindChallenge();
    await refused(anyone.LoginByUkey(proof(p256, toBind)), 'FAILED_PRECONDITION', 'CHALLENGE_EXPIRED');
    await refused(other.call.BindCertificate(proof(p256, toBind)), 'FAILED_PRECONDITION', 'CHALLENGE_EXPIRED');
    assert.equal((await p256.call.BindCertificate(proof(p256, toBind))).binding.medium_number, p256.medium, 'nobody else used it up');
    assert.ok((await anyone.LoginByUkey(proof(p256, toLogIn))).session.token);
  });

  test('a challenge is good for two minutes', async () => {
    const now = () => Math.floor((Date.now() + desk.clockOffset) / 1000) + 120, from = now();
    const challenge = await anyone.CreateLoginChallenge({ channel: CHANNEL }), at = Number(challenge.expire_time.seconds);
    assert.ok(at >= from && at <= now(), `${at}`);
    later(2 * MINUTE);
    await refused(anyone.LoginByUkey(proof(p256, challenge)), 'FAILED_PRECONDITION', 'CHALLENGE_EXPIRED');
  });

  test('of two logins with one challenge at once one wins', async () => {
    for (let i = 0; i < 5; i++) {
      const answer = proof(p256, await anyone.CreateLoginChallenge({ channel: CHANNEL }));
      assert.deepEqual((await both(() => anyone.LoginByUkey(answer), () => anyone.LoginByUkey(answer))).sort(), ['CHALLENGE_EXPIRED', 'OK']);
    }
  });

  test('of two accounts that bind one UKEY at once one gets it', async () => {
    for (let i = 0; i < 5; i++) {
      await p256.call.UnbindCertificate({ certificate_id: p256.issued.certificate_id }).catch(() => other.call.UnbindCertificate({ certificate_id: p256.issued.certificate_id }));
      assert.deepEqual((await both(() => bind(p256), () => bind(p256, other))).sort(), ['EXISTS', 'OK']);
      assert.equal(await sql.count(`SELECT COUNT(*) FROM binding WHERE certificate_id = '${p256.issued.certificate_id}'`), 1);
    }
  });

  test('a stolen channel: the certificate is looked for in its own', async () => {
    await sql.rows(`UPDATE certificate SET channel_id = 'chn_another' WHERE id = '${sm2.issued.certificate_id}'`);
    assert.equal(await reason(login(sm2)), 'UKEY_NOT_BOUND');
    assert.equal(await reason(bind(sm2)), 'NOT_FOUND');
    await sql.rows(`UPDATE certificate SET channel_id = (SELECT id FROM channel WHERE code = '${CHANNEL}') WHERE id = '${sm2.issued.certificate_id}'`);
    assert.equal(await reason(login(sm2)), 'OK');
  });

  test('unbound, it does not log in any more, and what it opened is closed', async () => {
    const { session } = await login(sm2), opened = desk.caller(session.token);
    assert.ok((await opened.GetAccount()).account);
    const request = { certificate_id: sm2.issued.certificate_id };
    await refused(other.call.UnbindCertificate(request), 'NOT_FOUND', 'NOT_FOUND');
    await sm2.call.UnbindCertificate(request);
    await refused(opened.GetAccount(), 'UNAUTHENTICATED', 'UNAUTHENTICATED');
    assert.ok((await sm2.call.GetAccount()).account, 'a session by SMS goes on');
    await refused(login(sm2), 'FAILED_PRECONDITION', 'UKEY_NOT_BOUND');
    await refused(sm2.call.UnbindCertificate(request), 'NOT_FOUND', 'NOT_FOUND');
    assert.equal(await sql.count(`SELECT COUNT(*) FROM audit WHERE action = 'account.unbind' AND detail LIKE '%${request.certificate_id}%'`), 1);
    await bind(sm2);
  });

  test('bindings come in pages, the caller\'s own', async () => {
    const ids = [sm2.issued.certificate_id, p256.issued.certificate_id];
    await p256.call.UnbindCertificate({ certificate_id: ids[1] }).catch(() => other.call.UnbindCertificate({ certificate_id: ids[1] }));
    await bind(p256, sm2);
    const first = await sm2.call.ListBindings({ page_size: 1 });
    assert.deepEqual(first.bindings.map((b) => b.certificate_id), [ids[1]]);
    const second = await sm2.call.ListBindings({ page_size: 1, page_token: first.next_page_token });
    assert.deepEqual(second.bindings.map((b) => b.certificate_id), [ids[0]]);
    await refused(other.call.ListBindings({ page_token: first.next_page_token }), 'INVALID_ARGUMENT', 'PAGE_TOKEN');
    await sm2.call.UnbindCertificate({ certificate_id: ids[1] });
    await bind(p256);
  });

  test('whose certificate is revoked neither logs in nor is bound', async () => {
    await sql.rows(`UPDATE certificate SET revoked_ms = 1 WHERE id = '${p256.issued.certificate_id}'`);
    await refused(login(p256), 'FAILED_PRECONDITION', 'CERTIFICATE_ENDED');
    await refused(bind(p256), 'FAILED_PRECONDITION', 'CERTIFICATE_ENDED');
    await sql.rows(`UPDATE certificate SET revoked_ms = 0 WHERE id = '${p256.issued.certificate_id}'`);
    assert.equal(await reason(login(p256)), 'OK');
  });
});

describe('the phone', () => {
  let who, walk;
  before(async () => {
    walk = new Walk(desk, { who: company(64) });
    await walk.to('AGENT');
    who = { phone: walk.who.account.phone, call: walk.call };
  });

  const ticket = async (caller = who) => (await caller.call.ConfirmOldPhone({ code: await codeFor(caller.phone, 'OLD_PHONE', caller.call) })).ticket;
  const change = (new_phone, code, t, caller = who) => caller.call.ChangePhone({ ticket: t, new_phone, code });

  test('codes for it are for who is logged in, and for their own phone', async () => {
    const { captcha_id } = await anyone.CreateCaptcha();
    const send = (caller, phone, purpose) => caller.SendSmsCode({ channel: CHANNEL, phone, purpose: `SMS_PURPOSE_${purpose}`, captcha_id, captcha_text: 'abcd' });
    await refused(send(anyone, who.phone, 'OLD_PHONE'), 'UNAUTHENTICATED', 'UNAUTHENTICATED');
    await refused(send(anyone, '13700000066', 'NEW_PHONE'), 'UNAUTHENTICATED', 'UNAUTHENTICATED');
    assert.deepEqual((await refused(send(who.call, '13700000066', 'OLD_PHONE'), 'INVALID_ARGUMENT', 'INVALID')).fields, ['phone']);
    assert.deepEqual((await refused(send(who.call, who.phone, 'NEW_PHONE'), 'INVALID_ARGUMENT', 'INVALID')).fields, ['phone']);
    assert.match((await desk.messages('13700000066')).join(), /^$/);
  });

  test('changes by both codes; the other sessions end, the old phone is told, the order stays', async () => {
    const away = await logIn(who.phone), old = who.phone, fresh = '13700000065';
    const t = await ticket();
    const code = await codeFor(fresh, 'NEW_PHONE', who.call);
    await refused(change(fresh, String((Number(code) + 1) % 1e6).padStart(6, '0'), t), 'FAILED_PRECONDITION', 'CODE_WRONG');
    assert.deepEqual((await refused(change('1', '', ''), 'INVALID_ARGUMENT', 'INVALID')).fields.sort(), ['code', 'new_phone', 'ticket']);
    const seen = (await desk.messages(old)).length;
    const { account } = await change(fresh, code, t);
    assert.equal(account.phone, '137****0065');
    assert.match((await desk.sms(old, /已变更/, seen)).text, /137\*\*\*\*0065/);
    await refused(desk.caller(away.session.token).GetAccount(), 'UNAUTHENTICATED', 'UNAUTHENTICATED');
    assert.equal((await who.call.GetOrder({ order_id: walk.order.id })).order.id, walk.order.id);
    who.phone = fresh;
    const again = await logIn(fresh);
    assert.deepEqual([again.registered, again.account.id], [false, account.id]);
    assert.equal((await logIn(old)).registered, true, 'the old phone is somebody new');
    await refused(change('13700000067', code, t), 'FAILED_PRECONDITION', 'PRECONDITION');
  });

  test('is not changed with a code of another purpose, another\'s ticket, another session\'s, or an old one', async () => {
    const fresh = '13700000068';
    const login_ = await codeFor(fresh, 'LOGIN');
    const t = await ticket();
    assert.equal(await reason(change(fresh, login_, t)), 'CODE_EXPIRED');
    const code = await codeFor(fresh, 'NEW_PHONE', who.call);
    await refused(change(fresh, code, t, { call: other.call }), 'FAILED_PRECONDITION', 'PRECONDITION');
    const second = await person(who.phone); // the same account in another place
    await refused(change(fresh, code, t, second), 'FAILED_PRECONDITION', 'PRECONDITION');
    later(10 * MINUTE);
    const late = await codeFor(fresh, 'NEW_PHONE', who.call);
    await refused(change(fresh, late, t), 'FAILED_PRECONDITION', 'PRECONDITION');
    assert.equal((await who.call.GetAccount()).account.phone, '137****0065');
  });

  test('does not become one that has an account in the channel', async () => {
    const t = await ticket();
    const code = await codeFor(other.phone, 'NEW_PHONE', who.call);
    const { zh } = await refused(change(other.phone, code, t), 'ALREADY_EXISTS', 'EXISTS');
    assert.match(zh, /已被其他账号使用/);
    assert.equal((await who.call.GetAccount()).account.phone, '137****0065');
  });

  test('two changes under way at once: one is made, and the other\'s ticket is worth nothing', async () => {
    later(60 * MINUTE); // the phone has had its codes of an hour
    const second = await person(who.phone);
    const [ta, tb] = [await ticket(), await ticket(second)];
    const [a, b] = ['13700000071', '13700000072'];
    const [ca, cb] = [await codeFor(a, 'NEW_PHONE', who.call), await codeFor(b, 'NEW_PHONE', second.call)];
    const got = await both(() => change(a, ca, ta), () => change(b, cb, tb, second));
    assert.equal(got.filter((g) => g === 'OK').length, 1, got.join());
    assert.ok(got.every((g) => ['OK', 'PRECONDITION', 'UNAUTHENTICATED', 'CONFLICT'].includes(g)), got.join());
    assert.equal(await sql.count('SELECT COUNT(*) FROM phone_ticket WHERE used = 0'), 0);
    const winner = got[0] === 'OK' ? who : second, loser = got[0] === 'OK' ? second : who;
    await refused(loser.call.GetAccount(), 'UNAUTHENTICATED', 'UNAUTHENTICATED');
    who = { ...winner, phone: got[0] === 'OK' ? a : b };
    const t = await ticket();
    const code = await codeFor('13700000073', 'NEW_PHONE', who.call);
    assert.deepEqual((await both(() => change('13700000073', code, t), () => change('13700000073', code, t))).filter((g) => g === 'OK').length, 1);
  });
});

describe('name and password', () => {
  test('a user name is one in whatever case, and logs in', async () => {
    const who = await person('13700000081');
    assert.match(who.account.user_name, /^user\d{10}$/);
    await who.call.UpdateAccount({ user_name: 'Zhang_San' });
    await refused(other.call.UpdateAccount({ user_name: 'zhang_san' }), 'ALREADY_EXISTS', 'EXISTS');
    assert.equal((await who.call.UpdateAccount({ user_name: 'ZHANG_SAN' })).account.user_name, 'ZHANG_SAN');
  });

  test('a password is not the phone, the name, the initial one, digits or short', async () => {
    const who = await person('13700000082');
    await who.call.UpdateAccount({ user_name: 'Wang_Wu_82' });
    const code = await codeFor(who.phone, 'CHANGE_PASSWORD');
    const change = (p, call = who.call) => call.ChangePassword({ channel: CHANNEL, phone: who.phone, new_password: p, new_password_again: p, code });
    for (const p of ['111111', '12345678', who.phone, 'seven77', 'wang_wu_82'])
      assert.deepEqual((await refused(change(p), 'INVALID_ARGUMENT', 'INVALID')).fields, ['new_password'], p);
    const elsewhere = await person(who.phone);
    const fresh = await codeFor(who.phone, 'CHANGE_PASSWORD');
    await who.call.ChangePassword({ channel: CHANNEL, phone: who.phone, new_password: 'a-Better-1', new_password_again: 'a-Better-1', code: fresh });
    assert.ok((await who.call.GetAccount()).account, 'who asked stays');
    await refused(elsewhere.call.GetAccount(), 'UNAUTHENTICATED', 'UNAUTHENTICATED');
    for (const login_ of [who.phone, 'WANG_wu_82']) assert.ok((await anyone.LoginByPassword({ channel: CHANNEL, login: login_, password: 'a-Better-1' })).session.token);
  });

  test('the initial password makes no session at all (S2)', async () => {
    const who = await person('13700000083');
    const sessions = () => sql.count(`SELECT COUNT(*) FROM session WHERE owner_id = '${who.account.id}'`);
    const had = await sessions();
    for (const login_ of [who.phone, who.account.user_name]) await refused(anyone.LoginByPassword({ channel: CHANNEL, login: login_, password: '111111' }), 'FAILED_PRECONDITION', 'MUST_CHANGE_PASSWORD');
    assert.equal(await sessions(), had);
    assert.equal((await who.call.GetAccount()).account.must_change_password, true);
    assert.equal(await sql.count('SELECT COUNT(*) FROM session s JOIN account a ON a.id = s.owner_id WHERE s.how = 2 AND s.created_ms < a.created_ms'), 0);
    assert.equal(await sql.count(`SELECT COUNT(*) FROM account WHERE id = '${who.account.id}' AND password LIKE '%111111%'`), 0);
  });

  test('nor does one made by password live on when the password becomes an initial one: no call of any service knows it', async () => {
    const who = await person('13700000085');
    const code = await codeFor(who.phone, 'CHANGE_PASSWORD');
    await who.call.ChangePassword({ channel: CHANNEL, phone: who.phone, new_password: 'a-Better-1', new_password_again: 'a-Better-1', code });
    const { session } = await anyone.LoginByPassword({ channel: CHANNEL, login: who.phone, password: 'a-Better-1' });
    const call = desk.caller(session.token);
    assert.ok((await call.GetAccount()).account);
    await sql.rows(`UPDATE account SET initial_password = 1 WHERE id = '${who.account.id}'`);
    const open = /^(CreateCaptcha|SendSmsCode|LoginBy\w+|LoginStaff|ChangePassword|CreateLoginChallenge|GetChannel|ListChannels|ListProducts|ListAgreements|QuotePrice)$/;
    let asked = 0;
    for (const Service of Object.values(api.certdesk.v1).filter((s) => s.service)) {
      for (const [method, d] of Object.entries(Service.service)) {
        if (open.test(method) || d.requestStream || d.responseStream) continue;
        const got = await reason(call[method]());
        if (got === 'UNIMPLEMENTED' || /^12 /.test(got)) continue;
        assert.equal(got, 'UNAUTHENTICATED', method);
        asked++;
      }
    }
    assert.ok(asked > 40, `${asked} methods`);
    assert.ok((await who.call.GetAccount()).account, 'a session by SMS lives');
    await refused(anyone.LoginByPassword({ channel: CHANNEL, login: who.phone, password: 'a-Better-1' }), 'FAILED_PRECONDITION', 'MUST_CHANGE_PASSWORD');
  });

  test('a wrong password at the same moment is counted too: five, and no sixth', async () => {
    const who = await person('13700000084');
    const code = await codeFor(who.phone, 'CHANGE_PASSWORD');
    await anyone.ChangePassword({ channel: CHANNEL, phone: who.phone, new_password: 'a-Better-1', new_password_again: 'a-Better-1', code });
    const guess = (password) => reason(anyone.LoginByPassword({ channel: CHANNEL, login: who.phone, password }));
    const got = [];
    while (got.filter((g) => g !== 'EXHAUSTED').length < 12) got.push(...await Promise.all(Array.from({ length: 4 }, () => guess('not this one'))));
    // On a slow machine some are answered UNAVAILABLE before their check ends; they are counted all the same.
    assert.ok(got.filter((g) => g === 'LOGIN_FAILED').length <= 5, got.join());
    assert.ok(got.every((g) => ['LOGIN_FAILED', 'RATE_LIMITED', 'EXHAUSTED', 'UNAVAILABLE'].includes(g)), got.join());
    assert.equal(await sql.count('SELECT MAX(taken) FROM allowance WHERE kind = 6'), 5);
    assert.equal(await guess('a-Better-1'), 'RATE_LIMITED');
  });

  test('a name that nobody has is answered as any other; its holder is not kept out', async () => {
    const who = await person('13700000086');
    const change = async () => anyone.ChangePassword({ channel: CHANNEL, phone: who.phone, new_password: 'a-Better-1', new_password_again: 'a-Better-1', code: await codeFor(who.phone, 'CHANGE_PASSWORD') });
    await change();
    const tell = (login_, password, ip) => anyone.LoginByPassword({ channel: CHANNEL, login: login_, password }, { metadata: { 'x-real-ip': ip } })
      .then(() => 'OK', (e) => [e.info.reason, e.details, e.info.zh, Math.ceil((e.info.retryMs || 0) / 60000)].join(' | '));
    const user = who.account.user_name, nobody = user.replace(/\d$/, (d) => String((Number(d) + 1) % 10));
    const series = async (name, ip) => {
      const said = [], took = [];
      for (const password of ['111111', ...Array(5).fill('not this one'), 'not this one', 'a-Better-1']) {
        const at = performance.now();
        said.push(await tell(name, password, ip));
        took.push(performance.now() - at);
      }
      return { said, took };
    };
    const [known, unknown] = [await series(user, '198.51.100.1'), await series(nobody, '198.51.100.1')];
    assert.deepEqual(known.said, unknown.said);
    assert.deepEqual(known.said.map((s) => s.split(' ')[0]), ['MUST_CHANGE_PASSWORD', ...Array(5).fill('LOGIN_FAILED'), 'RATE_LIMITED', 'RATE_LIMITED']);
    assert.match(known.said.at(-1), /短信/);
    // Of one kind: a check of a password costs many times what a refusal does, for both.
    for (const { took } of [known, unknown]) assert.ok(Math.min(...took.slice(1, 6)) > Math.min(...took.slice(6)), took.join());
    assert.equal(await tell(user.toUpperCase(), 'a-Better-1', '198.51.100.1'), known.said.at(-1), 'in whatever case');
    assert.equal(await tell(`${user}  `, 'a-Better-1', '198.51.100.1'), known.said.at(-1), 'with blanks behind it');
    assert.equal(await tell(user, 'a-Better-1', '198.51.100.2'), 'OK', 'the holder, from elsewhere');
    assert.equal((await logIn(who.phone)).account.id, who.account.id, 'and by SMS');
    // From everywhere at once: an hour at most, or a new password.
    for (let n = 0; n < 15; n++) await tell(user, 'not this one', `198.51.100.${10 + n}`);
    assert.match(await tell(user, 'a-Better-1', '198.51.100.3'), /^RATE_LIMITED/);
    await change();
    assert.equal(await tell(user, 'a-Better-1', '198.51.100.3'), 'OK', 'a changed password forgets the tries');
    later(15 * MINUTE);
    assert.equal(await tell(user, 'a-Better-1', '198.51.100.1'), 'OK', 'a quarter of an hour later');
  });

  // A login and a change of the same password meet where the test wants them to: each forgets wrong tries from its own
  // address at a known place of its transaction, and a connection of the test's own holds that count. Yields
  // {logIn, change} as calls not yet made, and {held(), letGo()} of the one that is to wait.
  async function meeting(phone, waiting, body) {
    const who = await person(phone), at = { login: '198.51.100.41', change: '198.51.100.42' };
    const from = (ip) => ({ metadata: { 'x-real-ip': ip } });
    const change = async (password) => {
      const code = await codeFor(who.phone, 'CHANGE_PASSWORD');
      return () => reason(anyone.ChangePassword({ channel: CHANNEL, phone: who.phone, new_password: password, new_password_again: password, code }, from(at.change)));
    };
    const logIn_ = (password, ip) => reason(anyone.LoginByPassword({ channel: CHANNEL, login: who.phone, password }, from(ip)));
    assert.equal(await (await change('a-Better-0'))(), 'OK');
    const next = await change('a-Better-1');
    const counts = async () => (await sql.rows('SELECT HEX(who) FROM allowance WHERE kind = 6')).flat();
    const had = new Set(await counts());
    assert.equal(await logIn_('not this one', at[waiting]), 'LOGIN_FAILED');
    const [count, ...more] = (await counts()).filter((c) => !had.has(c));
    assert.deepEqual(more, []);
    const holder = new Sql(`${desk.state}/db/db.sock`);
    try {
      await holder.rows('BEGIN');
      assert.equal((await holder.rows(`SELECT taken FROM allowance WHERE kind = 6 AND who = X'${count}' FOR UPDATE`)).length, 1);
      await body({ logIn: () => logIn_('a-Better-0', at.login), change: next, letGo: () => holder.rows('ROLLBACK') });
    } finally {
      await holder.close();
    }
    assert.equal(await sql.count(`SELECT COUNT(*) FROM session WHERE owner_id = '${who.account.id}' AND how = 2 AND ended_ms = 0`), 0, 'no session outlives the password');
  }
  const stands = (statement) => sql.count(`SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID <> CONNECTION_ID() AND INFO LIKE '${statement}%'`);
  const standing = (statement) => until(`${statement} to wait`, () => stands(statement));

  test('a login that has looked at the password when it changes leaves no session behind', () => meeting('13700000088', 'login', async ({ logIn, change, letGo }) => {
    const login_ = logIn();
    await standing('DELETE FROM allowance');
    let changed = '';
    const changing = change().then((r) => (changed = r));
    await until('the change to wait, or to be made', async () => changed || await stands('UPDATE account SET password'));
    assert.equal(changed, '', 'the change waits for the login, whose session it then ends');
    await letGo();
    assert.deepEqual([await login_, await changing], ['OK', 'OK']);
  }));

  test('a login that comes while the password is being changed waits, and is told that its own is wrong', () => meeting('13700000085', 'change', async ({ logIn, change, letGo }) => {
    const changing = change();
    await standing('DELETE FROM allowance');
    let said = '';
    const login_ = logIn().then((r) => (said = r));
    await until('the login to wait, or to be answered', async () => said || await stands('SELECT 1 FROM account'));
    await letGo();
    assert.deepEqual([await login_, await changing], ['LOGIN_FAILED', 'OK']);
  }));

  test('a right password makes the tries anew', async () => {
    const who = await person('13700000087');
    await anyone.ChangePassword({ channel: CHANNEL, phone: who.phone, new_password: 'a-Better-1', new_password_again: 'a-Better-1', code: await codeFor(who.phone, 'CHANGE_PASSWORD') });
    const guess = (password) => reason(anyone.LoginByPassword({ channel: CHANNEL, login: who.phone, password }));
    for (const [n, want] of [[4, 'OK'], [4, 'OK'], [5, 'RATE_LIMITED']]) {
      for (let i = 0; i < n; i++) assert.equal(await guess('not this one'), 'LOGIN_FAILED');
      assert.equal(await guess('a-Better-1'), want);
    }
  });
});

describe('a login at the desk', () => {
  const say = (login_, password, code) => anyone.LoginStaff({ login: login_, password, totp: code })
    .then(() => 'OK', (e) => [e.info.reason, e.details, e.info.zh, Math.ceil((e.info.retryMs || 0) / 60000)].join(' | '));
  const now = (login_) => totp(desk.staff[login_].secret, Date.now() + (desk.clockOffset || 0));
  const lock = async (name) => { for (let i = 0; i < 5; i++) assert.match(await say(name, 'not this one', '000000'), /^LOGIN_FAILED/); };

  test('of a name that nobody has is answered as any other, all the way to the lock and behind it', async () => {
    const { password } = desk.staff.li;
    const series = async (name) => {
      const said = [], took = [];
      const step = async (p) => {
        const at = performance.now();
        said.push(await say(name, p, '000000'));
        took.push(performance.now() - at);
      };
      // wrong in the password, in the code alone; the fifth, the sixth, with the right password; in whatever case, with blanks
      for (const p of ['not this one', password, 'not this one', password, 'not this one', 'not this one', password]) await step(p);
      for (const typed of [name.toUpperCase(), `${name}  `]) said.push(await say(typed, 'not this one', '000000'));
      return { said, took };
    };
    const all = [await series('li'), await series('lu')];
    assert.deepEqual(all[0].said, all[1].said);
    assert.deepEqual(all[0].said.map((s) => s.split(' ')[0]), [...Array(5).fill('LOGIN_FAILED'), ...Array(4).fill('RATE_LIMITED')]);
    assert.match(all[0].said.at(-1), /try again in 15 minutes, or have the administrator .*15分钟后再试，或联系管理员/);
    for (const { took } of all) assert.ok(Math.min(...took.slice(0, 5)) > Math.min(...took.slice(5)), took.join());
    later(15 * MINUTE);
    const after_ = [];
    for (const name of ['li', 'lu']) after_.push(await say(name, 'not this one', '000000'));
    assert.match(after_[0], /^LOGIN_FAILED/);
    assert.equal(after_[0], after_[1]);
    assert.equal(await say('li', password, now('li')), 'OK', 'a quarter of an hour later');
    await lock('li'); // it had made the tries anew
  });

  test('at the same moment is counted too, whoever has the name', async () => {
    for (const name of ['wang', 'weng']) {
      const got = [];
      while (got.filter((g) => g !== 'EXHAUSTED').length < 12)
        got.push(...await Promise.all(Array.from({ length: 4 }, () => say(name, 'not this one', '000000').then((s) => s.split(' ')[0]))));
      // On a slow machine some are answered UNAVAILABLE before their check ends; they are counted all the same.
      assert.ok(got.filter((g) => g === 'LOGIN_FAILED').length <= 5, got.join());
      assert.ok(got.every((g) => ['LOGIN_FAILED', 'RATE_LIMITED', 'EXHAUSTED', 'UNAVAILABLE'].includes(g)), got.join());
      assert.match(await say(name, desk.staff.wang.password, now('wang')), /^RATE_LIMITED/);
    }
  });

  test('from where the person logged in before, is not closed by who guesses elsewhere', async () => {
    const from = (ip) => ({ metadata: { 'x-real-ip': ip } }), { name, password } = desk.staff.fang;
    const sayFrom = (ip, p, code) => anyone.LoginStaff({ login: 'fang', password: p, totp: code }, from(ip)).then(() => 'OK', (e) => e.info.reason);
    const guess = async (ip, times) => { for (let i = 0; i < times; i++) assert.equal(await sayFrom(ip, 'not this one', '000000'), 'LOGIN_FAILED', `${ip} ${i}`); };
    const right = async (ip, p = password) => { later(60_000); return sayFrom(ip, p, now('fang')); };
    assert.equal(await right('10.1.1.1'), 'OK');
    await guess('198.51.100.1', 5);
    assert.equal(await right('198.51.100.2'), 'RATE_LIMITED', 'elsewhere it is closed');
    assert.equal(await right('10.1.1.1'), 'OK', 'the desk is open');
    await guess('10.1.1.1', 5);
    assert.equal(await right('10.1.1.1'), 'RATE_LIMITED', 'five there, too');
    later(20 * DAY);
    assert.equal(await right('10.1.1.1'), 'OK');
    later(20 * DAY);
    await guess('198.51.100.3', 5);
    assert.equal(await right('10.1.1.1'), 'OK', 'a month from the last login');
    later(31 * DAY);
    await guess('198.51.100.3', 5);
    assert.equal(await right('10.1.1.1'), 'RATE_LIMITED', 'and no longer');
    desk.addStaff('fang', name, 'finance');
    await guess('198.51.100.3', 5);
    assert.equal(await right('10.1.1.1', desk.staff.fang.password), 'RATE_LIMITED', 'another login has no home yet');
  });

  test('is open again when the administrator makes it anew, under whatever case it was guessed', async () => {
    await lock('ZHAO');
    assert.match(await say('zhao', desk.staff.zhao.password, now('zhao')), /^RATE_LIMITED/);
    desk.addStaff('zhao', desk.staff.zhao.name, 'shipper');
    assert.equal(await say('zhao', desk.staff.zhao.password, now('zhao')), 'OK');
  });
});

describe('time goes on', () => {
  test('a certificate that is over opens nothing', async () => {
    assert.equal(await reason(login(sm2)), 'OK');
    later(366 * DAY);
    await refused(login(sm2), 'FAILED_PRECONDITION', 'CERTIFICATE_ENDED');
  });

  test('what has served is thrown away, what has not stays', async () => {
    const rows = async () => Object.fromEntries(await Promise.all(['captcha', 'sms_code', 'challenge', 'phone_ticket', 'session', 'idempotency', 'sms_allowance']
      .map(async (t) => [t, await sql.count(`SELECT COUNT(*) FROM ${t}`)])));
    // One of each now: what the tests before left may be gone, the server looks every minute and they moved the clock.
    const seed = await person('13700000090');
    await anyone.CreateLoginChallenge({ channel: CHANNEL });
    await seed.call.ConfirmOldPhone({ code: await codeFor('13700000090', 'OLD_PHONE', seed.call) });
    const had = await rows(), accounts = await sql.count('SELECT COUNT(*) FROM account');
    for (const [t, n] of Object.entries(had)) assert.ok(n > 0, `${t} is empty before`);
    later(40 * DAY);
    const who = await person('13700000091');
    await desk.terminate(); // its database ends with it
    await desk.startServer();
    await sql.close();
    sql = new Sql(`${desk.state}/db/db.sock`);
    await until('the old rows gone', async () => { const n = await rows(); return Object.keys(n).every((t) => n[t] < 5); });
    assert.ok((await who.call.GetAccount()).account, 'a session of today');
    const left = await rows();
    assert.deepEqual([left.session, left.sms_code, left.captcha, left.phone_ticket], [1, 1, 1, 0]);
    assert.equal(await sql.count('SELECT COUNT(*) FROM account'), accounts + 1);
    assert.match(desk.command(['audit', 'verify']), /: intact/);
  });
});
