// The same order with the desk's part done in the real console in Chinese at 80x24, onto a simulated UKEY behind a real
// PC/SC daemon; afterwards the UKEY signs, and openssl believes it (S18, S27-S29).
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { Desk, until } from '../lib/desk.mjs';
import { columns } from '../tui/screen.mjs';
import { Console, reader, ukey } from './console.mjs';
import { openssl, verifyChain, verifySignature } from './softkey.mjs';
import { Walk } from './walk.mjs';

const MEDIUM = '30000042';

// Style a has SM2 on the card; style b has P-256 alone.
for (const style of ['a', 'b']) describe(`on a UKEY of style ${style}`, () => {
  const looks = [];
  let card;
  let desk;
  let walk;
  let tui;
  let pin;

  before(async () => {
    card = await reader(`--serial ${MEDIUM} --style ${style}`);
    desk = await new Desk().start();
    walk = new Walk(desk);
    await walk.to('REVIEW');
    await (await walk.staff('wang')).RegisterTokens({ medium_numbers: [MEDIUM], model: 'sim' });
    tui = await new Console(desk, { env: card.env, look: async (title, screen) => looks.push([title, await screen.text()]) }).open();
  });
  after(async () => {
    tui?.close();
    await desk?.stop();
    await card?.stop();
  });

  test('log in with password and TOTP; the queue counts one to review', async () => {
    await tui.login('chen');
    await tui.see(/1 待审核 +1 /);
  });

  test('review: everything entered, the scans as pictures, approve', async () => {
    await tui.openReview(walk.who.name);
    const text = await tui.see('统一社会信用代码');
    assert.match(text, new RegExp(walk.who.uscc));
    assert.doesNotMatch(text, new RegExp(walk.who.legalRep.idNumber)); // masked until somebody says why
    const picture = await tui.picture('营业执照');
    assert.ok((picture.match(/[\u2580-\u259f]/g) || []).length > 100, picture); // drawn, in blocks
    await tui.approve();
    await walk.reach('ISSUE');
    await tui.home();
    await tui.see(/2 待制证 +1 /); // live
  });

  test('issue onto the UKEY in the reader', async () => {
    await tui.issue(walk.who.name, MEDIUM);
    await walk.reach('SHIP');
    assert.equal(walk.order.certificates[0].medium_number, MEDIUM);
    const said = await walk.read(walk.who.legalRep.phone, /密码为/);
    pin = /密码为(\d+)/.exec(said)[1];
    for (const [, screen] of looks) assert.doesNotMatch(screen, new RegExp(pin)); // set without being shown
    await tui.home();
  });

  test('ship, and follow the parcel until it is received', async () => {
    walk.parcel = 'SF1234567890';
    await tui.ship(walk.who.name, MEDIUM, walk.parcel);
    await walk.reach('SHIPPED');
    await until('the courier asked to report', async () => (await desk.sim('/sim/kuaidi100/parcels')).subscriptions[walk.parcel]);
    await tui.home();
    await tui.track(walk.who.name, walk.parcel);
    await walk.courier('在途', '快件已到达【杭州转运中心】');
    await tui.see('已到达【杭州转运中心】');
    await walk.courier('签收', '已签收，签收人：本人');
    await tui.see('已签收，签收人：本人');
    await walk.reach('FINISHED');
  });

  test('no screen was wider than 80 columns or higher than 24 lines', () => {
    assert.ok(looks.length >= 9, `${looks.length}`);
    for (const [title, screen] of looks) {
      const lines = screen.replace(/\n$/, '').split('\n');
      assert.ok(lines.length <= 24, title);
      for (const l of lines) assert.ok(columns(l) <= 80, `${title}: ${l}`);
    }
  });

  test('the UKEY holds the certificate and signs with the PIN from the SMS; openssl agrees', async () => {
    const { certificate, chain_der: chain } = await walk.call.GetCertificate({ certificate_id: walk.order.certificates[0].certificate_id });
    const der = new X509Certificate(ukey(['cert'], card)).raw;
    assert.deepEqual(der, certificate.der);
    const sm2 = style === 'a';
    assert.equal(openssl(['x509', '-inform', 'DER', '-noout', '-text'], der).toString().includes('SM2'), sm2);
    assert.match(verifyChain(desk.dir, der, chain, sm2), /leaf.pem: OK/);
    const file = path.join(desk.dir, 'letter');
    fs.writeFileSync(file, '投标文件\n');
    const signature = ukey(['sign', file, '--pin-fd', '0'], { ...card, input: `${pin}\n` });
    assert.match(verifySignature(desk.dir, der, fs.readFileSync(file), signature, sm2), /Verified OK|Signature Verified Successfully/);
    assert.throws(() => ukey(['sign', file, '--pin-fd', '0'], { ...card, input: '123456\n' }), /the PIN is wrong/); // not the factory's
  });

  test('the UKEY has nothing of the factory left', () => {
    const info = ukey(['info'], card).toString();
    assert.match(info, new RegExp(`medium number +${MEDIUM}`));
    assert.match(info, /management key +(set|not told)/);
    assert.doesNotMatch(info, /factory value/);
  });
});
