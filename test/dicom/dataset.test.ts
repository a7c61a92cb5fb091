import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { deflateRawSync } from 'node:zlib';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DicomError } from '../../src/dicom/dicom-error.ts';
import { decodeFrame } from '../../src/dicom/pixels/pixels.ts';
import {
  type DicomDataset,
  fromDicomJson,
  number,
  numbers,
  readInstance,
  requiredNumber,
  requiredNumbers,
  requiredText,
  sequence,
  text,
  texts,
  verbatim,
} from '../../src/dicom/reading/dataset.ts';
import { TRANSFER_SYNTAX } from '../../src/dicom/reading/transfer-syntaxes.ts';
import { ctAttributes, part10, words } from '../support/part10.ts';
import { describeWith, shared } from '../support/requires.ts';

const EXPLICIT = TRANSFER_SYNTAX.explicitLittleEndian;

function read(bytes: Uint8Array) {
  return readInstance(bytes, 'slice.dcm');
}

/** The DicomError that work throws, or its result; other errors go on. */
function outcome<T>(work: () => T): T | DicomError {
  try {
    return work();
  } catch (error) {
    if (error instanceof DicomError) return error;
    throw error;
  }
}

function refusal(work: () => unknown): DicomError {
  const result = outcome(work);
  if (result instanceof DicomError) return result;
  throw new Error('nothing was refused');
}

describe('readInstance', () => {
  it('keeps text as it was written, numbers of DS and IS included', () => {
    const { dataset } = read(
      part10(ctAttributes({ PixelSpacing: ['0.70', '1.500000'], InstanceNumber: '007' })),
    );
    expect(verbatim(dataset, 'PixelSpacing')).toEqual(['0.70', '1.500000']);
    expect(numbers(dataset, 'PixelSpacing')).toEqual([0.7, 1.5]);
    expect(text(dataset, 'InstanceNumber')).toBe('007');
    expect(number(dataset, 'InstanceNumber')).toBe(7);
    expect(text(dataset, 'PatientName')).toBe('Doe^Jane');
    expect(dataset['Rows']).toBe(3);
    expect('PixelData' in dataset).toBe(false);
  });

  it('gives null for empty attributes and an array for every sequence', () => {
    const codes = [{ CodeValue: '1', CodingSchemeDesignator: 'X', CodeMeaning: 'one' }];
    const attributes = ctAttributes({
      AccessionNumber: '',
      ProcedureCodeSequence: codes,
      AcquisitionMatrix: null,
    });
    const { dataset } = read(part10(attributes));
    expect(dataset['AccessionNumber']).toBeNull();
    expect(dataset['AcquisitionMatrix']).toBeNull();
    expect(text(dataset, 'AccessionNumber')).toBeUndefined();
    expect(dataset['ProcedureCodeSequence']).toEqual(codes);
    expect(sequence(dataset, 'ProcedureCodeSequence').map((item) => text(item, 'CodeMeaning'))).toEqual([
      'one',
    ]);
  });

  it.each([EXPLICIT, TRANSFER_SYNTAX.implicitLittleEndian, TRANSFER_SYNTAX.explicitBigEndian])(
    'reads the same data set under transfer syntax %s',
    (syntax) => {
      const { dataset, transferSyntaxUid } = read(part10(ctAttributes(), syntax));
      expect(dataset).toEqual(read(part10(ctAttributes())).dataset);
      expect(transferSyntaxUid).toBe(syntax);
    },
  );

  it('reads a view of a larger buffer, as multipart bodies are', () => {
    const file = part10(ctAttributes());
    const body = new Uint8Array(file.length + 20).fill(7);
    body.set(file, 11);
    expect(read(body.subarray(11, 11 + file.length)).dataset).toEqual(read(file).dataset);
  });

  it('leaves bulk values out of the header', () => {
    const overlay = { OverlayRows: 1, OverlayData: new ArrayBuffer(70_000), ICCProfile: new ArrayBuffer(10) };
    const { dataset } = read(part10(ctAttributes(overlay)));
    expect('OverlayData' in dataset).toBe(false);
    expect(dataset['ICCProfile']).toBeInstanceOf(ArrayBuffer);
  });

  it('reads a sequence that was written as UN of undefined length', () => {
    const un = [0x09, 0x00, 0x10, 0x10, 0x55, 0x4e, 0, 0, 0xff, 0xff, 0xff, 0xff];
    const item = [
      0xfe, 0xff, 0x00, 0xe0, 0xff, 0xff, 0xff, 0xff, 0x08, 0x00, 0x60, 0x00, 2, 0, 0, 0, 0x43, 0x54,
    ];
    const ends = [0xfe, 0xff, 0x0d, 0xe0, 0, 0, 0, 0, 0xfe, 0xff, 0xdd, 0xe0, 0, 0, 0, 0];
    const file = part10(ctAttributes());
    const at = elementOffset(file, 0x0010, 0x0010);
    const { dataset, frames } = read(
      Uint8Array.from([...file.subarray(0, at), ...un, ...item, ...ends, ...file.subarray(at)]),
    );
    expect(dataset).toEqual({ ...read(file).dataset, '00091010': [{ Modality: 'CT' }] });
    expect(frames).toHaveLength(1);
  });

  it('takes zeros behind the data set for padding', () => {
    const { PixelData: _, ...header } = ctAttributes();
    const file = part10(header);
    expect(read(Uint8Array.from([...file, ...new Uint8Array(20)])).dataset).toEqual(read(file).dataset);
  });

  it('cuts native pixel data into frames', () => {
    const attributes = ctAttributes({
      NumberOfFrames: '2',
      PixelData: words(Array.from({ length: 24 }, (_, i) => i)),
    });
    const { frames } = read(part10(attributes));
    expect(frames.map((frame) => frame[0])).toEqual([0, 12]);
  });

  it('joins the fragments of a single frame and keeps one fragment per frame otherwise', () => {
    const fragments = [Uint8Array.of(1, 2).buffer, Uint8Array.of(3, 4).buffer];
    const one = read(part10(ctAttributes({ PixelData: fragments }), TRANSFER_SYNTAX.rleLossless));
    expect(one.frames.map((frame) => [...frame])).toEqual([[1, 2, 3, 4]]);
    const attributes = ctAttributes({ PixelData: fragments, NumberOfFrames: '2' });
    const two = read(part10(attributes, TRANSFER_SYNTAX.rleLossless));
    expect(two.frames.map((frame) => [...frame])).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });

  it('puts frames of several fragments together by their offset table', () => {
    const frames = [7, 8, 9].map((value) => new Uint8Array(30_000).fill(value));
    const attributes = ctAttributes({ PixelData: frames.map(({ buffer }) => buffer), NumberOfFrames: '3' });
    expect(read(part10(attributes, TRANSFER_SYNTAX.rleLossless)).frames).toEqual(frames);
  });

  it('refuses fragments that no frame can be told from', () => {
    const fragments = [1, 2, 3].map((value) => Uint8Array.of(value, value).buffer);
    const attributes = ctAttributes({ PixelData: fragments, NumberOfFrames: '2' });
    const file = part10(attributes, TRANSFER_SYNTAX.rleLossless);
    expect(refusal(() => read(file)).message).toMatch(/slice\.dcm: PixelData has 3 fragments for 2 frames/);
  });
});

describe('readInstance refuses', () => {
  it('what is not DICOM, naming it', () => {
    for (const bytes of [new Uint8Array(), new Uint8Array(5000), new TextEncoder().encode('%PDF-1.4')]) {
      const { code, message } = refusal(() => read(bytes));
      expect(code).toBe('DICOM_UNREADABLE');
      expect(message).toMatch(/^slice\.dcm: not a DICOM file/);
    }
  });

  it.each([EXPLICIT, TRANSFER_SYNTAX.implicitLittleEndian, TRANSFER_SYNTAX.rleLossless])(
    'a file cut off at any byte, under transfer syntax %s',
    (syntax) => {
      const pixels =
        syntax === TRANSFER_SYNTAX.rleLossless ? [new ArrayBuffer(70)] : words(Array(12).fill(9));
      const sequenced = { ProcedureCodeSequence: [{ CodeValue: '1' }], PixelData: pixels };
      const file = part10(ctAttributes(sequenced), syntax);
      const outcomes = Array.from(file, (_, length) => outcome(() => read(file.subarray(0, length))));
      const refused = outcomes.filter((result) => result instanceof DicomError);
      expect(new Set(refused.map(({ code }) => code))).toEqual(new Set(['DICOM_UNREADABLE']));
      // Between two elements a cut cannot be seen, but then there are no pixels.
      const readable = outcomes.flatMap((result) => (result instanceof DicomError ? [] : [result]));
      expect(readable.every(({ frames }) => frames.length === 0)).toBe(true);
      expect(readable.length).toBeLessThanOrEqual(Object.keys(ctAttributes(sequenced)).length);
    },
  );

  it('pixel data shorter than the header says', () => {
    const { code, message } = refusal(() => read(part10(ctAttributes({ Rows: 4 }))));
    expect(code).toBe('DICOM_UNREADABLE');
    expect(message).toBe('slice.dcm: PixelData has 24 bytes, but 1 frame(s) need 32');
  });

  it('native pixel data under a compressed transfer syntax', () => {
    const file = part10(ctAttributes());
    const uid = Buffer.from(file).indexOf('1.2.840.10008.1.2.1');
    // The same file, but its meta information says JPEG 2000 in a longer value.
    const value = new TextEncoder().encode('1.2.840.10008.1.2.4.90');
    const [before, behind] = [file.subarray(0, uid - 2), file.subarray(uid + 20)];
    const claimed = Uint8Array.from([...before, value.length, 0, ...value, ...behind]);
    expect(refusal(() => read(claimed)).message).toMatch(
      /PixelData is not in fragments, which is wrong for JPEG 2000/,
    );
  });

  it('a deflated data set that would fill the memory', () => {
    const attributes = ctAttributes({ PixelData: undefined });
    const file = part10(attributes, TRANSFER_SYNTAX.deflated);
    const start = elementOffset(file, 0x0008, 0x0005);
    const bomb = deflateRawSync(Buffer.alloc(80 * 1024 * 1024));
    const { code, message } = refusal(() => read(Uint8Array.from([...file.subarray(0, start), ...bomb])));
    expect(code).toBe('DICOM_UNREADABLE');
    expect(message).toMatch(/deflated data set is corrupt/);
  });

  it('changed bytes with a DicomError or not at all, never otherwise', async () => {
    const file = part10(ctAttributes({ ProcedureCodeSequence: [{ CodeValue: '1' }] }));
    const change = fc.record({
      at: fc.integer({ min: 132, max: file.length - 1 }),
      to: fc.integer({ min: 0, max: 255 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 8 }), async (changes) => {
        const changed = Uint8Array.from(file);
        for (const { at, to } of changes) changed[at] = to;
        const instance = outcome(() => read(changed));
        if (instance instanceof DicomError) return;
        const error: unknown = await decodeFrame(instance, 0).then(
          () => undefined,
          (reason: unknown) => reason,
        );
        expect(error === undefined || error instanceof DicomError).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});

describe('fromDicomJson', () => {
  it('gives the values that the file gives', () => {
    const file = read(part10(ctAttributes({ ProcedureCodeSequence: [{ CodeValue: '1' }], PatientAge: '' })));
    const json = fromDicomJson({
      '00080005': { vr: 'CS', Value: ['ISO_IR 192'] },
      '00080008': { vr: 'CS', Value: ['ORIGINAL', 'PRIMARY', 'AXIAL'] },
      '00081032': { vr: 'SQ', Value: [{ '00080100': { vr: 'SH', Value: ['1'] } }] },
      '00100010': { vr: 'PN', Value: [{ Alphabetic: 'Doe^Jane' }] },
      '00101010': { vr: 'AS' },
      '00280010': { vr: 'US', Value: [3] },
      '00280030': { vr: 'DS', Value: [2, 1.5] },
      '7FE00010': { vr: 'OW', BulkDataURI: 'https://example.org/bulk' },
    });
    const same = Object.keys(json).map((keyword) => [keyword, file.dataset[keyword]]);
    expect(json).toEqual(Object.fromEntries(same));
    expect(same).toHaveLength(7);
  });

  it('reads what servers get wrong: null, numbers as text, missing VR, names as text', () => {
    const json = fromDicomJson({
      '00100010': { vr: 'PN', Value: ['Doe^Jane'] },
      '00100020': { vr: 'LO', Value: [null] },
      '00280010': { vr: 'US', Value: ['512'] },
      '00280030': { vr: 'DS', Value: ['0.5', null] },
      '00201209': { Value: ['60'] },
      '00081030': null,
      garbage: { vr: 'LO', Value: ['x'] },
    });
    expect(text(json, 'PatientName')).toBe('Doe^Jane');
    expect(text(json, 'PatientID')).toBeUndefined();
    expect(number(json, 'Rows')).toBe(512);
    expect(numbers(json, 'PixelSpacing')).toEqual([]);
    expect(texts(json, 'PixelSpacing')).toEqual(['0.5']);
    expect(number(json, 'NumberOfSeriesRelatedInstances')).toBe(60);
    expect(Object.keys(json)).toHaveLength(5);
  });

  it('keeps the groups of a name apart', () => {
    const Value = [{ Alphabetic: 'Yamada^Tarou', Phonetic: 'やまだ^たろう' }];
    expect(text(fromDicomJson({ '00100010': { vr: 'PN', Value } }), 'PatientName')).toBe(
      'Yamada^Tarou==やまだ^たろう',
    );
  });

  it('refuses what is no data set', () => {
    for (const json of [null, 'text', 3, []]) {
      expect(refusal(() => fromDicomJson(json)).code).toBe('DICOM_WEB_ANSWER');
    }
  });
});

describe('required values', () => {
  const dataset: DicomDataset = { Rows: 3, PatientID: null, PixelSpacing: ['1', 'x'] };

  it('are returned where they are there', () => {
    expect(requiredNumber(dataset, 'Rows', 'a.dcm')).toBe(3);
  });

  it('name the attribute, its place and what is wrong with it', () => {
    const messages = [
      () => requiredText(dataset, 'PatientID', 'a.dcm'),
      () => requiredNumber(dataset, 'Columns', 'a.dcm'),
      () => requiredNumbers(dataset, 'PixelSpacing', 2, 'a.dcm'),
    ].map((work) => refusal(work).message);
    expect(messages).toEqual([
      'a.dcm: PatientID is empty, needs a value',
      'a.dcm: Columns is missing, needs a number',
      'a.dcm: PixelSpacing is "1\\x", needs 2 numbers',
    ]);
  });
});

describeWith(['shared'], 'names in many character sets', () => {
  it.each([
    ['chrArab', 'قباني^لنزار'],
    ['chrFren', 'Buc^Jérôme'],
    ['chrFrenMulti', 'Buc^Jérôme'],
    ['chrGerm', 'Äneas^Rüdiger'],
    ['chrGreek', 'Διονυσιος'],
    ['chrH31', 'Yamada^Tarou=山田^太郎=やまだ^たろう'],
    ['chrH32', 'ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう'],
    ['chrHbrw', 'שרון^דבורה'],
    ['chrI2', 'Hong^Gildong=洪^吉洞=홍^길동'],
    ['chrJapMulti', 'やまだ^たろう'],
    ['chrJapMultiExplicitIR6', 'やまだ^たろう'],
    ['chrKoreanMulti', '김희중'],
    ['chrRuss', 'Люкceмбypг'],
    ['chrX1', 'Wang^XiaoDong=王^小東='],
    ['chrX2', 'Wang^XiaoDong=王^小东='],
  ])('%s is read right', (name, expected) => {
    const { dataset } = read(readFileSync(shared('data/charsets', `${name}.dcm`)));
    expect(text(dataset, 'PatientName')).toBe(expected);
  });

  it('several names are split after decoding', () => {
    const { dataset } = read(readFileSync(shared('data/charsets/chrJapMulti.dcm')));
    expect(texts(dataset, 'OtherPatientNames')).toEqual(['やまだ^たろう', 'やまだ^たろう']);
  });

  it.each([
    ['inherits the character set of the data set', 'chrSQEncoding1'],
    ['has one of its own', 'chrSQEncoding'],
  ])('a sequence that %s is read right', (_, name) => {
    const { dataset } = read(readFileSync(shared('data/charsets', `${name}.dcm`)));
    const [item] = sequence(dataset, 'RequestedProcedureCodeSequence');
    expect(item && text(item, 'PatientName')).toBe('ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう');
  });
});

describeWith(['shared'], 'objects that other projects wrote', () => {
  const folder = shared('data/by-others');
  it.each(readdirSync(folder).filter((file) => file.endsWith('.dcm')))('%s is read', (file) => {
    const { dataset } = read(readFileSync(path.join(folder, file)));
    expect(text(dataset, 'SOPInstanceUID')).toMatch(/^[\d.]+$/);
  });
});

/** Where an element of a little endian file begins. */
function elementOffset(file: Uint8Array, group: number, element: number): number {
  const tag = Uint16Array.of(group, element);
  return Buffer.from(file).indexOf(Buffer.from(tag.buffer));
}
