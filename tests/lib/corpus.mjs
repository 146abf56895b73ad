// Files as strangers upload them: good ones, and a corpus of those that are made to break a decoder, a reviewer or a
// server. Everything is made here, from the formats' own texts (PNG 1.2, T.81, ISO 32000-1, APPNOTE), so that each is
// broken in exactly one way.
import zlib from 'node:zlib';

// -- PNG -------------------------------------------------------------------------------------------------------------

const crcs = Uint32Array.from({ length: 256 }, (_, n) => { for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1; return n; });
const crc32 = (bytes) => { let c = 0xffffffff; for (const b of bytes) c = crcs[(c ^ b) & 255] ^ (c >>> 8); return (c ^ 0xffffffff) >>> 0; };

const PNG = Buffer.from('89504e470d0a1a0a', 'hex');
export function chunk(type, data = Buffer.alloc(0), { crc } = {}) {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const out = Buffer.alloc(12 + data.length);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc ?? crc32(body), 8 + data.length);
  return out;
}
function ihdr(width, height, { depth = 8, colour = 2, interlace = 0 } = {}) {
  const b = Buffer.alloc(13);
  b.writeUInt32BE(width, 0);
  b.writeUInt32BE(height, 4);
  b.set([depth, colour, 0, 0, interlace], 8);
  return b;
}
// A picture whose colours follow from the seed, so that two seeds have two digests. parts: chunks before and after.
export function png({ width = 40, height = 30, seed = 1, pixel, before = [], after = [], tail = Buffer.alloc(0), crc, cut } = {}) {
  const rows = Buffer.alloc(height * (1 + width * 3));
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) {
    const [r, g, b] = pixel ? pixel(x, y) : [(x * 5 + seed) & 255, (y * 7 + seed * 3) & 255, (seed * 11) & 255];
    rows.set([r, g, b], y * (1 + width * 3) + 1 + x * 3);
  }
  let data = zlib.deflateSync(rows, { level: 6 });
  if (cut) data = data.subarray(0, data.length - cut);
  return Buffer.concat([PNG, chunk('IHDR', ihdr(width, height)), ...before, chunk('IDAT', data, { crc }), ...after, chunk('IEND'), tail]);
}
// Noise does not compress: a picture of about this many bytes.
export function noise(bytes, seed = 1) {
  const width = 600, height = Math.max(1, Math.ceil(bytes / (width * 3)));
  let x = seed * 2654435761 >>> 0 || 1;
  const next = () => { x ^= x << 13; x >>>= 0; x ^= x >>> 17; x ^= x << 5; x >>>= 0; return x & 255; };
  return png({ width, height, pixel: () => [next(), next(), next()] });
}
// width x height pixels of nothing: a few hundred of them a byte.
export function bomb(width, height, options = { colour: 0 }) {
  const line = 1 + (options.colour === 2 ? width * 3 : options.depth === 1 ? Math.ceil(width / 8) : width);
  const parts = [];
  const z = zlib.deflateSync(Buffer.alloc(line * height), { level: 1 });
  parts.push(PNG, chunk('IHDR', ihdr(width, height, options)), chunk('IDAT', z), chunk('IEND'));
  return Buffer.concat(parts);
}

// -- JPEG ------------------------------------------------------------------------------------------------------------

// Where segment `marker` (0xC0, 0xC2: frame; 0xDA: scan) begins.
export function segment(jpeg, ...markers) {
  for (let at = 2; at < jpeg.length;) {
    if (jpeg[at] !== 0xff) throw new Error('not a JPEG');
    if (markers.includes(jpeg[at + 1])) return at;
    at += 2 + jpeg.readUInt16BE(at + 2);
  }
  throw new Error('no such segment');
}
export function resized(jpeg, width, height) {
  const out = Buffer.from(jpeg), at = segment(out, 0xc0, 0xc1, 0xc2);
  out.writeUInt16BE(height, at + 5);
  out.writeUInt16BE(width, at + 7);
  return out;
}
export function withSegment(jpeg, marker, data) {
  const head = Buffer.alloc(4);
  head.set([0xff, marker]);
  head.writeUInt16BE(data.length + 2, 2);
  return Buffer.concat([jpeg.subarray(0, 2), head, data, jpeg.subarray(2)]);
}
// EXIF 2.3 with one tag: how the camera was held.
export function turned(jpeg, orientation) {
  const tiff = Buffer.from('4d4d002a00000008000101120003000000010000000000000000', 'hex');
  tiff.writeUInt16BE(orientation, 18);
  return withSegment(jpeg, 0xe1, Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), tiff]));
}

// -- PDF -------------------------------------------------------------------------------------------------------------

// Objects in order, the first is the catalogue.
export function pdfOf(objects, trailer = '') {
  let text = '%PDF-1.7\n';
  const at = objects.map((o, i) => {
    const where = text.length;
    text += `${i + 1} 0 obj\n${o}\nendobj\n`;
    return where;
  });
  const xref = text.length;
  text += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${at.map((n) => `${String(n).padStart(10, '0')} 00000 n \n`).join('')}`;
  return Buffer.from(`${text}trailer\n<</Size ${objects.length + 1}/Root 1 0 R${trailer}>>\nstartxref\n${xref}\n%%EOF\n`, 'latin1');
}
const stream = (data, dict = '') => `<<${dict}/Length ${data.length}>>\nstream\n${data}\nendstream`;
export function pdf({ pages = 1, catalogue = '', trailer = '', content = '1 0 0 rg 72 72 200 300 re f', count = pages, seed = 1, more = [] } = {}) {
  const kids = Array.from({ length: pages }, (_, i) => 4 + i);
  return pdfOf([
    `<</Type/Catalog/Pages 2 0 R${catalogue}>>`,
    `<</Type/Pages/Count ${count}/Kids[${kids.map((k) => `${k} 0 R`).join(' ')}]>>`,
    stream(`${content} % ${seed}`),
    ...kids.map((_, i) => `<</Type/Page/Parent 2 0 R/MediaBox[0 0 ${595 + i} 842]/Contents 3 0 R/Resources<<>>>>`),
    ...more,
  ], trailer);
}

// -- others ----------------------------------------------------------------------------------------------------------

// An archive with one stored file (APPNOTE 4.3), with a comment behind it.
export function zip(name = 'a.html', data = Buffer.from('<script>alert(1)</script>'), { at = 0, comment = Buffer.alloc(0) } = {}) {
  const n = Buffer.from(name), crc = crc32(data);
  const local = Buffer.alloc(30);
  local.write('PK\x03\x04', 'latin1');
  local.writeUInt32LE(crc, 14);
  local.writeUInt32LE(data.length, 18);
  local.writeUInt32LE(data.length, 22);
  local.writeUInt16LE(n.length, 26);
  const central = Buffer.alloc(46);
  central.write('PK\x01\x02', 'latin1');
  central.writeUInt32LE(crc, 16);
  central.writeUInt32LE(data.length, 20);
  central.writeUInt32LE(data.length, 24);
  central.writeUInt16LE(n.length, 28);
  central.writeUInt32LE(at, 42);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(central.length + n.length, 12);
  end.writeUInt32LE(at + local.length + n.length + data.length, 16);
  end.writeUInt16LE(comment.length, 20);
  return Buffer.concat([local, n, data, central, n, end, comment]);
}

// -- the corpus ------------------------------------------------------------------------------------------------------

const text = (s) => Buffer.from(s, 'utf8');
const animation = () => [chunk('acTL', Buffer.from('0000000200000000', 'hex')), chunk('fcTL', Buffer.alloc(26))];
const levels = (n) => Array.from({ length: n }, (_, i) => `<</Type/Pages/Count 1/Kids[${i + 3} 0 R]>>`);

// [name, bytes, reason the refusal gives]. jpeg: any good one.
export function* hostileFiles(jpeg) {
  const half = jpeg.subarray(0, jpeg.length >> 1), good = png();
  yield ['nothing', Buffer.alloc(0), 'REQUIRED'];
  yield ['one byte', Buffer.from([0xff]), 'TYPE'];
  yield ['a PNG signature alone', PNG, 'TYPE'];
  yield ['a GIF called .png', Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64'), 'TYPE'];
  yield ['a BMP', Buffer.concat([text('BM'), Buffer.alloc(200)]), 'TYPE'];
  yield ['an SVG that reads files', text('<?xml version="1.0"?><!DOCTYPE s [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg xmlns="http://www.w3.org/2000/svg"><text>&x;</text></svg>'), 'TYPE'];
  yield ['a page called .jpg', text('<!doctype html><script>alert(1)</script>'), 'TYPE'];
  yield ['an archive', zip(), 'TYPE'];
  yield ['a program', Buffer.concat([Buffer.from('7f454c46', 'hex'), Buffer.alloc(400)]), 'TYPE'];
  yield ['a PNG that says 60000 x 60000', Buffer.concat([PNG, chunk('IHDR', ihdr(60000, 60000)), chunk('IDAT', zlib.deflateSync(Buffer.alloc(1 << 20))), chunk('IEND')]), 'PIXELS'];
  yield ['a PNG bomb, 60000 x 4000 of zeros', bomb(60000, 4000, { colour: 0, depth: 1 }), 'PIXELS'];
  yield ['a PNG of 2^31-1 a side', Buffer.concat([PNG, chunk('IHDR', ihdr(0x7fffffff, 0x7fffffff)), chunk('IDAT'), chunk('IEND')]), 'PIXELS'];
  yield ['a PNG without width', Buffer.concat([PNG, chunk('IHDR', ihdr(0, 10)), chunk('IDAT'), chunk('IEND')]), 'DAMAGED'];
  yield ['a PNG cut off in its data', good.subarray(0, good.length - 40), 'TRUNCATED'];
  yield ['a PNG whose data end too soon', png({ cut: 20 }), 'DAMAGED'];
  yield ['a PNG with a wrong CRC', png({ crc: 1 }), 'DAMAGED'];
  yield ['a PNG without its end', Buffer.concat([PNG, chunk('IHDR', ihdr(40, 30)), chunk('IDAT', zlib.deflateSync(Buffer.alloc(121 * 30)))]), 'TRUNCATED'];
  yield ['a PNG of random bytes', Buffer.concat([PNG, Buffer.alloc(3000, 0x5a)]), 'TRUNCATED'];
  yield ['a PNG whose palette is missing', Buffer.concat([PNG, chunk('IHDR', ihdr(4, 4, { colour: 3 })), chunk('IDAT', zlib.deflateSync(Buffer.alloc(20))), chunk('IEND')]), 'DAMAGED'];
  yield ['an animated PNG', png({ before: animation() }), 'ANIMATED'];
  yield ['a PNG and an archive', png({ tail: zip('a', undefined, { at: good.length }) }), 'POLYGLOT'];
  yield ['a PNG in an archive\'s comment', Buffer.concat([png({ before: [chunk('teXt', zip('a', undefined, { comment: Buffer.alloc(0) }).subarray(0, -2))] }).subarray(0, -12), chunk('IEND'), text('<script>alert(1)</script>')]), 'TRAILING'];
  yield ['a PNG with a page behind it', png({ tail: text('<html><script>alert(1)</script>') }), 'TRAILING'];
  yield ['a PNG that is a PDF, too', png({ before: [chunk('tEXt', text('Comment\0%PDF-1.4\n1 0 obj'))] }), 'POLYGLOT'];
  yield ['a JPEG cut in half', half, 'TRUNCATED'];
  yield ['a JPEG cut before its end', jpeg.subarray(0, jpeg.length - 2), 'TRUNCATED'];
  yield ['a JPEG of its first 20 bytes', jpeg.subarray(0, 20), 'TRUNCATED'];
  yield ['a JPEG that says 65535 x 65535', resized(jpeg, 65535, 65535), 'PIXELS'];
  yield ['a JPEG that says 19000 x 19000', resized(jpeg, 19000, 19000), 'PIXELS'];
  yield ['a JPEG larger than its data', resized(jpeg, 4000, 4000), 'DAMAGED'];
  yield ['a JPEG with its scan overwritten', (() => { const b = Buffer.from(jpeg), at = segment(b, 0xda); b.fill(0xff, at + 20, at + 400); return b; })(), 'DAMAGED'];
  yield ['a JPEG and an archive', Buffer.concat([jpeg, zip('a', undefined, { at: jpeg.length })]), 'POLYGLOT'];
  yield ['a JPEG with a film behind it', Buffer.concat([jpeg, text('\0\0\0\x18ftypmp42'), Buffer.alloc(5000, 7)]), 'TRAILING'];
  yield ['a JPEG with half a JPEG behind it', Buffer.concat([jpeg, half]), 'TRAILING'];
  yield ['a JPEG that is a PDF, too', withSegment(jpeg, 0xfe, text('%PDF-1.4\n1 0 obj')), 'POLYGLOT'];
  yield ['a PDF of its first line', text('%PDF-1.7\n'), 'TRUNCATED'];
  yield ['a PDF cut in half', (() => { const b = pdf({ pages: 3 }); return b.subarray(0, b.length >> 1); })(), 'TRUNCATED'];
  yield ['a PDF of nothing', text('%PDF-1.7\n%%EOF\n'), 'DAMAGED'];
  yield ['a PDF without pages', pdf({ pages: 0 }), 'PAGES'];
  yield ['a PDF of 101 pages', pdf({ pages: 101 }), 'PAGES'];
  yield ['a PDF that says a million pages', pdf({ count: 1000000 }), 'PAGES'];
  yield ['a PDF that asks for a password', pdf({ trailer: `/Encrypt<</Filter/Standard/V 1/R 2/O<${'5a'.repeat(32)}>/U<${'a5'.repeat(32)}>/P -4>>/ID[<00><00>]` }), 'ENCRYPTED'];
  yield ['a PDF with a program', pdf({ catalogue: '/Names<</JavaScript<</Names[(a)<</S/JavaScript/JS(app.alert\\(1\\))>>]>>>>' }), 'SCRIPT'];
  yield ['a PDF that carries a file', pdf({ catalogue: '/Names<</EmbeddedFiles<</Names[(a)5 0 R]>>>>', more: ['<</Type/Filespec/F(a.exe)/EF<</F 6 0 R>>>>', stream('MZ')] }), 'ATTACHMENT'];
  yield ['a PDF and an archive', (() => { const b = pdf(); return Buffer.concat([b, zip('a', undefined, { at: b.length })]); })(), 'POLYGLOT'];
  yield ['a PDF with a page of another kind behind it', Buffer.concat([pdf(), text('<script>alert(1)</script>'.repeat(100))]), 'TRAILING'];
}

// Whatever becomes of these, the server must live and answer within its limits: [name, bytes].
export function* wildFiles(jpeg) {
  yield ['a PNG of 39 million pixels', bomb(6240, 6240, { colour: 2 })];
  yield ['an interlaced PNG that is not', Buffer.concat([PNG, chunk('IHDR', ihdr(6000, 6000, { colour: 0, interlace: 1 })), chunk('IDAT', zlib.deflateSync(Buffer.alloc(6001 * 6000))), chunk('IEND')])];
  yield ['a compressed text of a gigabyte', png({ before: [chunk('zTXt', Buffer.concat([text('x\0\0'), zlib.deflateSync(Buffer.alloc(64 << 20), { level: 9 })]))] })];
  yield ['a colour profile of junk', png({ before: [chunk('iCCP', Buffer.concat([text('x\0\0'), zlib.deflateSync(Buffer.alloc(20000, 0xab))]))] })];
  yield ['a JPEG with a colour profile of junk', withSegment(jpeg, 0xe2, Buffer.concat([text('ICC_PROFILE\0\x01\x01'), Buffer.alloc(3000, 0xab)]))];
  yield ['a JPEG with EXIF of junk', withSegment(jpeg, 0xe1, Buffer.concat([text('Exif\0\0MM\0*'), Buffer.alloc(3000, 0xff)]))];
  yield ['a PDF whose pages are their own parents', pdfOf(['<</Type/Catalog/Pages 2 0 R>>', '<</Type/Pages/Count 1/Kids[2 0 R]>>'])];
  yield ['a PDF of ten thousand levels', pdfOf(['<</Type/Catalog/Pages 2 0 R>>', ...levels(10000), '<</Type/Page/MediaBox[0 0 9 9]>>'])];
  yield ['a PDF of a page of 10^9 points', pdf({ content: '0 0 m 1000000000 1000000000 l S' }).subarray(0)];
  yield ['a PDF that draws for ever', pdf({ content: '0 0 1 rg 0 0 600 800 re f '.repeat(40000) })];
  yield ['a PDF that draws itself', pdfOf(['<</Type/Catalog/Pages 2 0 R>>', '<</Type/Pages/Count 1/Kids[3 0 R]>>', '<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Contents 4 0 R/Resources<</XObject<</X 5 0 R>>>>>>',
    stream('/X Do '.repeat(20)), stream('/X Do '.repeat(20), '/Type/XObject/Subtype/Form/BBox[0 0 99 99]/Resources<</XObject<</X 5 0 R>>>>')])];
  yield ['a PDF of nested streams', pdfOf(['<</Type/Catalog/Pages 2 0 R>>', '<</Type/Pages/Count 1/Kids[3 0 R]>>', '<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Contents 4 0 R>>',
    stream(deep(Buffer.alloc(64 << 20, 0x20)).toString('latin1'), '/Filter[/FlateDecode/FlateDecode]')])];
}
function deep(data) {
  return zlib.deflateSync(zlib.deflateSync(data, { level: 9 }), { level: 9 });
}
