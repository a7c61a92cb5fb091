import { randomBytes } from 'node:crypto';
import type { OutgoingHttpHeaders } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { deflateRawSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { TRANSFER_SYNTAX } from '../../src/dicom/reading/transfer-syntaxes.ts';
import type { AskedFor, HostileAnswer } from './hostile-archive.ts';
import { hostileFile, hostileInstances } from './hostile-instances.ts';
import { encodeHtj2k } from './htj2k-encoder.ts';
import { explicit, implicit, joined, rawFile } from './raw-elements.ts';

/** What an archive answers that means harm, or is broken. */
export interface HostileStudy {
  readonly name: string;
  readonly askedFor: AskedFor;
  readonly answer: (study: string) => HostileAnswer;
  /** The archive gives no metadata of it: its instances are looked at for their headers. */
  readonly hasNoMetadata?: boolean;
}

/** What an archive answers that has no such service. */
export const NOT_OFFERED: HostileAnswer = (_request, response) => void response.writeHead(501).end();

const JSON_TYPE = { 'Content-Type': 'application/dicom+json' };
const BOUNDARY = 'hostile';
const MULTIPART = { 'Content-Type': `multipart/related; type="application/dicom"; boundary=${BOUNDARY}` };
const PART = Buffer.from(`\r\n--${BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n`);
const END = Buffer.from(`\r\n--${BOUNDARY}--\r\n`);
const MIB = 2 ** 20;

const streamed =
  (
    headers: OutgoingHttpHeaders,
    chunks: () => Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>,
  ): HostileAnswer =>
  async (_request, response) => {
    response.writeHead(200, headers);
    await pipeline(Readable.from(chunks(), { objectMode: false }), response);
  };

function* repeated(count: number, text: string, first = '', last = ''): Generator<string> {
  yield first;
  const some = text.repeat(Math.max(1, Math.ceil(65_536 / text.length)));
  for (let left = count; left > 0; left -= some.length / text.length) yield some;
  yield last;
}

/** The header of one image, as DICOM JSON. */
function header(study: string, index: number, more: object = {}): string {
  return JSON.stringify({
    '00080016': { vr: 'UI', Value: ['1.2.840.10008.5.1.4.1.1.2'] },
    '00080018': { vr: 'UI', Value: [`${study}.1.${index + 1}`] },
    '00080060': { vr: 'CS', Value: ['CT'] },
    '0020000D': { vr: 'UI', Value: [study] },
    '0020000E': { vr: 'UI', Value: [`${study}.1`] },
    '00200032': { vr: 'DS', Value: [0, 0, index] },
    '00200037': { vr: 'DS', Value: [1, 0, 0, 0, 1, 0] },
    '00280010': { vr: 'US', Value: [16] },
    '00280011': { vr: 'US', Value: [16] },
    '00280030': { vr: 'DS', Value: [1, 1] },
    ...more,
  });
}

function* listOf(count: number, item: (index: number) => string): Generator<string> {
  yield '[';
  for (let index = 0; index < count; index += 1) yield (index === 0 ? '' : ',') + item(index);
  yield ']';
}

/** @param scale 1: as an attacker would; less: as much as shows that it is refused */
export function hostileStudies(scale = 1): HostileStudy[] {
  const of = (count: number) => Math.max(2, Math.ceil(count * scale));
  const metadata = (
    name: string,
    chunks: (study: string) => Iterable<string | Uint8Array>,
    headers = {},
  ) => ({
    name: `metadata: ${name}`,
    askedFor: 'metadata' as const,
    answer: (study: string) => streamed({ ...JSON_TYPE, ...headers }, () => chunks(study)),
  });
  const retrieved = (name: string, chunks: () => Iterable<string | Uint8Array>, headers = {}) => ({
    name: `instances: ${name}`,
    askedFor: 'retrieve' as const,
    answer: () => streamed({ ...MULTIPART, ...headers }, chunks),
  });
  const alone = (
    name: string,
    chunks: (study: string) => Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>,
  ) => ({
    name: `instances without metadata: ${name}`,
    askedFor: 'retrieve' as const,
    hasNoMetadata: true,
    answer: (study: string) => streamed(MULTIPART, () => chunks(study)),
  });
  const longText = 'x'.repeat(of(15 * MIB));
  return [
    ...hostileInstances(scale).map((instance) => ({
      name: `instances: ${instance.name}`,
      askedFor: 'retrieve' as const,
      answer: (study: string) =>
        streamed(MULTIPART, () => [PART, hostileFile(instance, `${study}.1.1`, study), END]),
    })),
    metadata('a list of 3 GB', () => repeated(of(1.5e9), '0,', '[', '0]')),
    metadata('empty data sets', () => repeated(of(1e9), '{},', '[', '{}]')),
    metadata('one data set of 3 GB', () =>
      repeated(of(1.5e9), '0,', '[{"00281101":{"vr":"US","Value":[', '0]}}]'),
    ),
    metadata('one data set of many numbers', () =>
      repeated(of(5.9e6), '0,', '[{"00281101":{"vr":"US","Value":[', '0]}}]'),
    ),
    metadata('one data set of many elements', function* () {
      yield '[{';
      for (let index = 0; index < of(400_000); index += 1) {
        yield `${index === 0 ? '' : ','}"${(0x10090000 + index).toString(16)}":{"vr":"SH"}`;
      }
      yield '}]';
    }),
    metadata('nested', (study) => [
      `[${header(study, 0).slice(0, -1)},"00081140":${'{"vr":"SQ","Value":[{"00081140":'.repeat(of(1e6))}`,
    ]),
    metadata('one long text', () => [`[{"00081030":{"vr":"LO","Value":["${longText}"]}}]`]),
    metadata('names in a list', () =>
      repeated(of(400_000), '{"Alphabetic":"A^B"},', '[{"00101001":{"vr":"PN","Value":[', '{}]}}]'),
    ),
    metadata('twenty thousand images, each turned another way', (study) =>
      listOf(of(20_000), (index) =>
        header(study, index, {
          '00200037': { vr: 'DS', Value: [Math.cos(index), Math.sin(index), 0, 0, 0, 1] },
        }),
      ),
    ),
    metadata('twenty thousand images of different kinds at one place', (study) =>
      listOf(of(20_000), (index) =>
        header(study, index, {
          '00200032': { vr: 'DS', Value: [0, 0, index % 7] },
          '00180081': { vr: 'DS', Value: [index] },
          '00080008': { vr: 'CS', Value: ['ORIGINAL', 'PRIMARY', `K${index}`] },
        }),
      ),
    ),
    metadata('an enhanced image of a hundred thousand frames', (study) => [
      `[${header(study, 0, {
        '00080016': { vr: 'UI', Value: ['1.2.840.10008.5.1.4.1.1.2.1'] },
        '00280008': { vr: 'IS', Value: [of(100_000)] },
        '52009230': {
          vr: 'SQ',
          Value: Array.from({ length: of(100_000) }, (_, index) => ({
            '00209113': { vr: 'SQ', Value: [{ '00200032': { vr: 'DS', Value: [0, 0, index] } }] },
          })),
        },
      })}]`,
    ]),
    metadata('zstd of gigabytes', () => zstdOf(of(4000)), { 'Content-Encoding': 'zstd' }),
    metadata('gzip of gigabytes', () => [gzipSync(Buffer.alloc(of(500 * MIB), '0,'))], {
      'Content-Encoding': 'gzip',
    }),
    {
      name: 'series: a hundred thousand of them',
      askedFor: 'series',
      answer: (study) =>
        streamed(JSON_TYPE, () =>
          listOf(of(100_000), (index) =>
            JSON.stringify({
              '00080060': { vr: 'CS', Value: ['OT'] },
              '0020000E': { vr: 'UI', Value: [`${study}.${index + 1}`] },
              '00201209': { vr: 'IS', Value: [1] },
            }),
          ),
        ),
    },
    retrieved('a part that does not end', () => repeated(of(3000), 'x'.repeat(MIB), PART.toString('latin1'))),
    retrieved('a million empty parts', function* () {
      for (let part = of(1e6); part > 0; part -= 1000) yield Buffer.concat(Array<Buffer>(1000).fill(PART));
      yield END;
    }),
    retrieved('a preamble that does not end', () => repeated(of(3000), 'x'.repeat(MIB))),
    retrieved('gzip of gigabytes', () => gzipOf(of(3000)), { 'Content-Encoding': 'gzip' }),
    {
      name: 'instances: pixels that do not end',
      askedFor: 'retrieve',
      answer: (study) =>
        streamed(MULTIPART, function* () {
          yield PART;
          yield imageFile({ study, index: 0, pixels: explicit(0x7fe00010, 'OW', '', 2 ** 31 - 2) });
          yield* repeated(of(3000), 'x'.repeat(MIB));
        }),
    },
    {
      name: 'instances: an enhanced image, many frames and a long header',
      askedFor: 'retrieve',
      answer: (study) => streamed(MULTIPART, () => [PART, manyFrames(study, of(3000), of(9000)), END]),
    },
    {
      name: 'instances: one after the other, each with a long header',
      askedFor: 'retrieve',
      answer: (study) =>
        streamed(MULTIPART, function* () {
          const more = elements(of(9000));
          for (let index = 0; index < of(20_000); index += 1)
            yield* [PART, imageFile({ study, index, more })];
          yield END;
        }),
    },
    alone('pixels that do not end', function* (study) {
      yield PART;
      yield imageFile({ study, index: 0, pixels: explicit(0x7fe00010, 'OW', '', 2 ** 31 - 2) });
      yield* repeated(of(3000), 'x'.repeat(MIB));
    }),
    alone('large images that take no bytes', async function* (study) {
      const side = Math.max(64, Math.round(2048 * scale));
      const image = { rows: side, columns: side, bits: 16, signed: true };
      const pixels = compressed(await encodeHtj2k(new Int16Array(side * side), image));
      for (let index = 0; index < 40; index += 1) {
        yield* [PART, imageFile({ study, index, side, pixels, syntax: TRANSFER_SYNTAX.htj2kLossless })];
      }
      yield END;
    }),
    alone('a deflated image of gigabytes', function* (study) {
      const zeros = new Uint8Array(of(100 * MIB));
      const pixels = joined(explicit(0x7fe00010, 'OW', '', zeros.length));
      const file = imageFile({ study, index: 0, side: 8192, pixels, syntax: TRANSFER_SYNTAX.deflated });
      const start = 132 + explicit(0x00020010, 'UI', `${TRANSFER_SYNTAX.deflated} `).length;
      // Random bytes, which do not shrink, keep it below a thirtieth.
      const rest = Buffer.concat([file.subarray(start), randomBytes(of(4 * MIB)), zeros]);
      yield* [PART, file.subarray(0, start), deflateRawSync(rest), END];
    }),
    retrieved('less than its Content-Length', () => [PART, Buffer.alloc(1000)], { 'Content-Length': 5000 }),
    retrieved('an empty body', () => []),
    {
      name: 'instances: pieces of one byte for ever',
      askedFor: 'retrieve',
      answer: () => async (_request, response) => {
        response.writeHead(200, MULTIPART);
        response.write(PART);
        const timer = setInterval(() => response.write('x'), 20);
        response.once('close', () => clearInterval(timer));
      },
    },
  ];
}

/** A part that begins; members of gzip may follow one another, too. */
function* gzipOf(mebibytes: number): Generator<Uint8Array> {
  yield gzipSync(PART);
  const member = gzipSync(Buffer.alloc(MIB));
  for (let left = mebibytes; left > 0; left -= 1) yield member;
}

interface ImageFile {
  readonly study: string;
  readonly index: number;
  readonly side?: number;
  readonly more?: Uint8Array;
  /** The whole element. */
  readonly pixels?: Uint8Array;
  readonly syntax?: string;
}

/** One slice of a series that is a volume. */
function imageFile({ study, index, side = 16, more, pixels, syntax }: ImageFile): Uint8Array {
  const words = (value: number) => [...new Uint8Array(Uint16Array.of(value).buffer)];
  return joined(
    rawFile(syntax ?? TRANSFER_SYNTAX.explicitLittleEndian),
    explicit(0x00080016, 'UI', '1.2.840.10008.5.1.4.1.1.2\0'),
    explicit(0x00080018, 'UI', `${study}.1.${index + 1}`),
    explicit(0x00080060, 'CS', 'CT'),
    explicit(0x0008103e, 'LO', 'abdomen portal venous'),
    more ?? '',
    explicit(0x00100020, 'LO', 'P1'),
    explicit(0x0020000d, 'UI', study),
    explicit(0x0020000e, 'UI', `${study}.1`),
    explicit(0x00200032, 'DS', `0\\0\\${index}`),
    explicit(0x00200037, 'DS', '1\\0\\0\\0\\1\\0'),
    explicit(0x00280010, 'US', words(side)),
    explicit(0x00280011, 'US', words(side)),
    explicit(0x00280030, 'DS', '1\\1'),
    explicit(0x00280100, 'US', words(16)),
    explicit(0x00280101, 'US', words(16)),
    explicit(0x00280102, 'US', words(15)),
    explicit(0x00280103, 'US', words(1)),
    explicit(0x00281052, 'DS', '0'),
    explicit(0x00281053, 'DS', '1'),
    pixels ?? explicit(0x7fe00010, 'OW', new Uint8Array(2 * side * side)),
  );
}

/** Elements of which each is kept. */
function elements(count: number): Uint8Array {
  return new Uint8Array(
    Buffer.concat(
      Array.from({ length: count }, (_, index) => explicit(0x00091001 + index, 'SH', `${index}`)),
    ),
  );
}

function compressed(codestream: Uint8Array): Uint8Array {
  return joined(
    explicit(0x7fe00010, 'OB', '', 0xffff_ffff),
    implicit(0xfffee000),
    implicit(0xfffee000, codestream),
    implicit(0xfffee0dd),
  );
}

function manyFrames(study: string, frames: number, attributes: number): Uint8Array {
  const text = (value: string) => (value.length % 2 === 0 ? value : `${value} `);
  const place = explicit(0x00209113, 'SQ', implicit(0xfffee000, explicit(0x00200032, 'DS', '0\\0\\0')));
  const item = implicit(0xfffee000, place);
  return joined(
    rawFile(TRANSFER_SYNTAX.explicitLittleEndian),
    explicit(0x00080016, 'UI', '1.2.840.10008.5.1.4.1.1.2.1\0'),
    explicit(0x00080018, 'UI', `${study}.1.1`),
    elements(attributes),
    explicit(0x0020000d, 'UI', study),
    explicit(0x0020000e, 'UI', `${study}.1`),
    explicit(0x00280008, 'IS', text(`${frames}`)),
    explicit(0x00280010, 'US', [2, 0]),
    explicit(0x00280011, 'US', [2, 0]),
    explicit(0x00280100, 'US', [16, 0]),
    explicit(0x52009230, 'SQ', Buffer.alloc(item.length * frames, item)),
    explicit(0x7fe00010, 'OW', new Uint8Array(8 * frames)),
  );
}

/** Frames of zstd may follow one another: each of these takes a few dozen bytes. */
function* zstdOf(mebibytes: number): Generator<Uint8Array> {
  const frame = zstdCompressSync(Buffer.alloc(MIB, '0,'));
  for (let left = mebibytes; left > 0; left -= 1) yield frame;
}
