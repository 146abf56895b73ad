// The sandbox as a mail server: a real client's message arrives, is kept as it came, and is refused as ordered.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import nodemailer from 'nodemailer';
import { Sandbox, until } from './sandbox.mjs';

let box;
before(async () => (box = await Sandbox.start()));
after(() => box.stop());
beforeEach(() => box.post('reset'));

const client = (more) => nodemailer.createTransport({ host: '127.0.0.1', port: box.ready.smtp_port, secure: false,
  ignoreTLS: true, socketTimeout: 3000, auth: { user: box.conf.smtp.user, pass: box.conf.smtp.password }, ...more });
const mail = (more) => ({ from: 'notice@certdesk.test', to: '经办人 <agent@example.com>', subject: '资料审核通过',
  text: '您的订单已通过审核。', html: '<p>您的订单已通过审核。</p>', messageId: '<outbox-1@certdesk.test>',
  attachments: [{ filename: 'form.pdf', content: Buffer.from('%PDF-1.7') }], ...more });
const mails = async () => (await box.get('mails')).mails;

test('a message with text, page and attachment arrives', async () => {
  const sent = await client().sendMail(mail());
  assert.match(sent.response, /^250 /);
  const [got] = await mails();
  assert.deepEqual([got.from, got.to, got.subject, got.message_id, got.attachments],
    ['notice@certdesk.test', ['agent@example.com'], '资料审核通过', '<outbox-1@certdesk.test>', ['form.pdf']]);
  assert.match(got.text, /已通过审核/);
  const file = fs.readFileSync(path.join(box.dir, 'state', 'mail', got.file), 'utf8');
  assert.match(file, /^Message-ID: <outbox-1@certdesk\.test>/m);
  assert.equal((await box.get('mails?to=agent@example.com')).mails.length, 1);
  assert.equal((await box.get('mails?to=other@example.com')).mails.length, 0);
});

test('a wrong password is refused', async () => {
  await assert.rejects(client({ auth: { user: box.conf.smtp.user, pass: 'wrong' } }).sendMail(mail()), { responseCode: 535 });
  assert.equal((await mails()).length, 0);
});

describe('faults', () => {
  for (const [action, kind, code] of [['DATA', 'fail', 550], ['DATA', 'busy', 451], ['DATA', 'full', 552],
    ['RCPT', 'fail', 550], ['RCPT', 'rate_limited', 452]])
    test(`${kind} at ${action} is ${code}, and nothing is kept`, async () => {
      await box.fault('smtp', action, kind);
      await assert.rejects(client().sendMail(mail()), { responseCode: code });
      assert.equal((await mails()).length, 0);
      await client().sendMail(mail());
      assert.equal((await mails()).length, 1);
    });
  test('a lost answer: the mail is there', async () => {
    await box.fault('smtp', 'DATA', 'lose_answer');
    await assert.rejects(client().sendMail(mail()));
    assert.equal((await mails()).length, 1);
  });
  test('a lost request: it is not', async () => {
    await box.fault('smtp', 'DATA', 'lose_request');
    await assert.rejects(client().sendMail(mail()));
    assert.equal((await mails()).length, 0);
  });
  test('slow', async () => {
    await box.fault('smtp', 'DATA', 'slow', { ms: 300 });
    const start = performance.now();
    await client().sendMail(mail());
    assert.ok(performance.now() - start >= 299);
  });
});

test('the mail server lives and dies with the sandbox', async () => {
  const children = () => fs.readFileSync(`/proc/${box.child.pid}/task/${box.child.pid}/children`, 'utf8').trim();
  const alive = (pid) => fs.existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(fs.readFileSync(`/proc/${pid}/status`, 'utf8'));
  await client().sendMail(mail());
  const first = children();
  assert.match(first, /^\d+$/);
  await until('it has lived for a second', async () => {
    const ticks = Number(fs.readFileSync(`/proc/${first}/stat`, 'utf8').split(') ')[1].split(' ')[19]);
    return Number(fs.readFileSync('/proc/uptime', 'utf8').split(' ')[0]) - ticks / 100 > 1.1;
  });
  process.kill(Number(first), 'SIGKILL');
  const second = await until('it is started again', async () => children() !== first && children());
  await client().sendMail(mail());
  await box.kill();
  await until('it is gone', async () => !alive(second));
  await box.run();
  await client().sendMail(mail());
  assert.equal((await mails()).length, 3, 'and what came before is remembered');
});
