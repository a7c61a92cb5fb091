import type { OutgoingHttpHeaders } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import type { AskedFor, HostileAnswer } from './hostile-archive.ts';
import { hostileFile, hostileInstances } from './hostile-instances.ts';

/** What an archive answers that means harm, or is broken. */
export interface HostileStudy {
  readonly name: string;
  readonly askedFor: AskedFor;
  readonly answer: (study: string) => HostileAnswer;
}

const JSON_TYPE = { 'Content-Type': 'application/dicom+json' };
const BOUNDARY = 'hostile';
const MULTIPART = { 'Content-Type': `multipart/related; type="application/dicom"; boundary=${BOUNDARY}` };
const PART = Buffer.from(`\r\n--${BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n`);
const END = Buffer.from(`\r\n--${BOUNDARY}--\r\n`);
const MIB = 2 ** 20;

const streamed =
  (headers: OutgoingHttpHeaders, chunks: () => Iterable<string | Uint8Array>): HostileAnswer =>
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

/** Frames of zstd may follow one another: each of these takes a few dozen bytes. */
function* zstdOf(mebibytes: number): Generator<Uint8Array> {
  const frame = zstdCompressSync(Buffer.alloc(MIB, '0,'));
  for (let left = mebibytes; left > 0; left -= 1) yield frame;
}
