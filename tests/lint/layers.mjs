// Holds the tree against its own rules (README: the layers): who may include what, which file may contain what.
// Prints one line a breach and exits 1; nothing is built or run.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.c', '*.h'], { cwd: root, encoding: 'utf8' })
  .split('\n').filter((f) => f && fs.existsSync(path.join(root, f)));

// Third-party headers and where they may live.
const homes = [
  [/^grpc\//, /^(api\/rpc\/|tests\/bench\/)/],
  [/^mysql/, /^(server\/core\/db\w*\.[ch]|tests\/bench\/direct\w*\.c|tests\/core\/)/],
  [/^(ncurses|curses)/, /^tui\/ui\//],
  [/^winscard|^PCSC|^pcsclite/, /^tui\/token\/\w+\.c$/, 1],
  [/^openssl\//, /^(server\/pki\/|server\/core\/(crypt|keyring)\w*\.c|server\/provider\/sign(_cert)?\.[ch]|server\/sandbox\/|tui\/token\/|tests\/)/],
  [/^curl\//, /^(server\/provider\/(http|transport|mail_smtp)\.[ch]|server\/sandbox\/)/],
  [/^microhttpd/, /^(server\/callback\.c|server\/sandbox\/|server\/web\/|tests\/)/],
  [/^(chafa|gdk-pixbuf)/, /^tui\/ui\//],
  [/^liboath/, /^server\/staff\//],
  [/^cairo/, /^server\/(account|order|decode|sandbox)\//],
  [/^(png\.h|jpeglib|jerror|libexif\/|poppler|seccomp)/, /^server\/decode\//],
  [/^pango\//, /^server\/order\/form_pdf\.c$/],
  [/^yaml\.h/, /^server\/catalog\/yaml_tree\.c$/],
  [/^ini\.h/, /^server\/config\.c$/],
  [/^archive/, /^server\/(provider\/unzip|sandbox\/zip)\.c$|^tests\//],
  [/^csv\.h/, /^server\/(identity\/remittance_csv|provider\/bill|sandbox\/alipay_bill)\.c$/],
];

// Own headers: a folder may include these and its own. Arrows point down only.
const features = ['account', 'notice', 'catalog', 'order', 'identity', 'material', 'payment', 'invoice', 'review', 'issue', 'certificate', 'shipment', 'staff', 'convert'];
const may = {
  'api/base': ['base'],
  'api/rpc': ['base', 'rpc'],
  'server/pki': ['base', 'pki'],
  'server/core': ['base', 'core'],
  'server/provider': ['base', 'provider'],
  'server/sandbox': ['base', 'sandbox'],
  'server/decode': ['decode'],
  'tui/token': ['base', 'token'],
  'tui/tr': ['tr'],
  'tui/ui': ['base', 'tr', 'ui'],
  'tui/screen': ['base', 'rpc', 'tr', 'ui', 'token', 'screen'],
  'tui/command': ['base', 'rpc', 'tr', 'ui', 'token', 'screen', 'command'],
  'tui/ukey': ['base', 'rpc', 'tr', 'token', 'ukey'],
};
for (const f of features) may[`server/${f}`] = ['base', 'core', 'rpc', 'pki', 'provider', 'decode', ...features];
const serverTop = ['app.h', 'callback_route.h', 'config.h', 'dispatch.h', 'providers.h', 'start.h'];

// What may stand in which file of a feature.
const contents = [
  { what: 'SQL outside *_store.c', pattern: /\bSQL\(/, where: /^server\/(?!core\/)/, except: /_store\.[ch]$/ },
  { what: 'protobuf outside *_rpc.c, *_wire.c, dispatch and convert', pattern: /pb-c\.h|\bPB\(/, where: /^server\//, except: /(_rpc|_wire)\.[ch]$|^server\/(dispatch\w*|convert\/\w+)\.[ch]$|^server\/core\// },
  { what: 'a provider called outside *_jobs.c', pattern: /->ops->(?!push_verify|callback_verify|callback_read|close\b)\w+\(/, where: new RegExp(`^server/(${features.join('|')})/`), except: /_jobs\.c$/ },
  { what: 'BEGIN, COMMIT or a transaction opened by a handler', pattern: /\b(tx_run|db_begin|db_commit)\(/, where: new RegExp(`^server/(${features.join('|')})/\\w+_rpc\\.c`), except: /$^/ },
  { what: 'an applicant told past order_tell(): by one way alone, or nowhere listed', pattern: /\bnotice_(sms|mail)\(/, where: /^server\//, except: /^server\/(notice\/|account\/|order\/order_tell\.c|identity\/face\.c|issue\/issue\.c)/ },
  { what: 'an unsafe call', pattern: /\b(strcpy|strcat|sprintf|gets|strtok)\(/, where: /^(?!tests\/)/, except: /$^/ },
  { what: 'a sleep in a test', pattern: /\b(sleep|usleep)\(/, where: /^tests\//, except: /$^/ },
  { what: 'a mark of unfinished work', pattern: /\b(TODO|FIXME|XXX|HACK)\b/, where: /./, except: /$^/ },
];

const breaches = [];
const told = new Set();
const once = new Map();
for (const file of files) {
  const text = fs.readFileSync(path.join(root, file), 'utf8');
  const folder = path.dirname(file);
  for (const [, kind, header] of text.matchAll(/^\s*#\s*include\s+([<"])([^>"]+)[>"]/gm)) {
    if (kind === '<') {
      if (header.endsWith('.pb-c.h')) continue;
      for (const [name, home, single] of homes) {
        if (!name.test(header)) continue;
        if (!home.test(file)) breaches.push(`${file}: <${header}> does not belong here`);
        if (single && file.startsWith('tui/')) once.set(name.source, [...(once.get(name.source) || []), file]);
      }
      continue;
    }
    const allowed = may[folder];
    if (!allowed) continue;
    const [first] = header.split('/');
    const top = !header.includes('/');
    if (fs.existsSync(path.join(root, folder, header))) continue; // a neighbour by its bare name
    if (first === 'po') continue;
    if (top && folder.startsWith('server/') && features.includes(folder.slice(7)) && serverTop.includes(header)) continue;
    if (top || !allowed.includes(first)) breaches.push(`${file}: "${header}" points the wrong way`);
  }
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/\/\/.*$/gm, '');
  for (const c of contents)
    if (c.where.test(file) && !c.except.test(file) && c.pattern.test(c.what.startsWith('a mark') ? text : code)) breaches.push(`${file}: ${c.what}`);
  if (file.startsWith('server/') && !file.endsWith('order_tell.c')) for (const [, news] of code.matchAll(/\bNEWS_(\w+)/g)) told.add(news);
  const lines = text.split('\n').length;
  if (lines > 700) breaches.push(`${file}: ${lines} lines; split it by noun`);
}
for (const [, news] of fs.readFileSync(path.join(root, 'server/order/order_tell.h'), 'utf8').matchAll(/^ +X\((\w+),\s+\w+,[\s\\]+\w+\)/gm))
  if (!told.has(news)) breaches.push(`server/order/order_tell.h: nothing tells ${news}`);
for (const [name, where] of once) if (new Set(where).size > 1) breaches.push(`${name} is included in ${where.join(', ')}: one file only`);

for (const b of breaches) console.log(b);
process.exit(breaches.length ? 1 : 0);
