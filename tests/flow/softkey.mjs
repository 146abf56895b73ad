// A key in a file in place of a UKEY: what the issuing desk needs of one, by the openssl command, which is not ours.
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

export const SM2_ID = '1234567812345678'; // GM/T 0009: the distinguishing id that everybody uses

export const openssl = (args, input) => execFileSync('openssl', args, { input, stdio: ['pipe', 'pipe', 'pipe'] });

export class SoftKey {
  // sm2: else P-256. The files go into dir.
  constructor(dir, name, { sm2 = false } = {}) {
    this.sm2 = sm2;
    this.algorithm = sm2 ? 'KEY_ALGORITHM_SM2' : 'KEY_ALGORITHM_P256';
    this.file = path.join(dir, `${name}.key`);
    openssl(['genpkey', '-algorithm', 'EC', '-pkeyopt', `ec_paramgen_curve:${sm2 ? 'SM2' : 'P-256'}`,
      '-pkeyopt', 'ec_param_enc:named_curve', '-out', this.file]);
  }

  csr() {
    return openssl(['req', '-new', '-key', this.file, '-subj', '/CN=certdesk', '-outform', 'DER',
      ...(this.sm2 ? ['-sm3', '-sigopt', `distid:${SM2_ID}`] : ['-sha256'])]);
  }

  // A certificate that nobody issued.
  selfSigned() {
    return openssl(['req', '-x509', '-new', '-key', this.file, '-subj', '/CN=nobody', '-days', '30', '-outform', 'DER',
      ...(this.sm2 ? ['-sm3', '-sigopt', `distid:${SM2_ID}`] : ['-sha256'])]);
  }

  sign(text) {
    if (!this.sm2) return openssl(['dgst', '-sha256', '-sign', this.file], text);
    const file = `${this.file}.tbs`;
    fs.writeFileSync(file, text);
    return openssl(['pkeyutl', '-sign', '-inkey', this.file, '-rawin', '-digest', 'sm3', '-pkeyopt', `distid:${SM2_ID}`, '-in', file]);
  }
}

export const pem = (der) => `-----BEGIN CERTIFICATE-----\n${der.toString('base64').match(/.{1,64}/g).join('\n')}\n-----END CERTIFICATE-----\n`;

// What openssl says of a certificate against [issuing, root]. OpenSSL 3.0 takes one SM2 id for a whole chain only when it
// is told, and then link by link. at: the moment that counts, in ms.
export function verifyChain(dir, der, chain, sm2, at = Date.now()) {
  const [leaf, issuing, root] = ['leaf', 'issuing', 'root'].map((n) => path.join(dir, `${n}.pem`));
  fs.writeFileSync(leaf, pem(der));
  fs.writeFileSync(issuing, pem(chain[0]));
  fs.writeFileSync(root, pem(chain[1]));
  const said = (args) => openssl(['verify', '-attime', String(Math.ceil(at / 1000)), ...args]).toString();
  if (!sm2) return said(['-x509_strict', '-CAfile', root, '-untrusted', issuing, leaf]);
  const id = ['-vfyopt', `distid:${SM2_ID}`];
  return said([...id, '-CAfile', root, issuing]) + said([...id, '-partial_chain', '-CAfile', issuing, leaf]);
}

// Whether a signature over a text is by the certificate's key.
export function verifySignature(dir, der, text, signature, sm2 = false) {
  const file = (name, bytes) => {
    const f = path.join(dir, name);
    fs.writeFileSync(f, bytes);
    return f;
  };
  const key = file('signer.pub', new X509Certificate(der).publicKey.export({ type: 'spki', format: 'pem' }));
  const [sig, tbs] = [file('signature', signature), file('signed', text)];
  return (sm2
    ? openssl(['pkeyutl', '-verify', '-pubin', '-inkey', key, '-rawin', '-digest', 'sm3', '-pkeyopt', `distid:${SM2_ID}`, '-in', tbs, '-sigfile', sig])
    : openssl(['dgst', '-sha256', '-verify', key, '-signature', sig, tbs])).toString();
}
