import { describe, expect, it } from 'vitest';
import { DicomError } from '../../src/dicom/dicom-error.ts';
import {
  type DicomDataset,
  fromDicomJson,
  number,
  numbers,
  readInstance,
  sequence,
  text,
  verbatim,
} from '../../src/dicom/reading/dataset.ts';
import { TRANSFER_SYNTAX } from '../../src/dicom/reading/transfer-syntaxes.ts';
import {
  explicit,
  implicit,
  joined,
  openSequence,
  rawFile,
  undefinedItems,
} from '../support/raw-elements.ts';

const EXPLICIT = TRANSFER_SYNTAX.explicitLittleEndian;
const IMPLICIT = TRANSFER_SYNTAX.implicitLittleEndian;

const SPECIFIC_CHARACTER_SET = 0x00080005;
const MODALITY = 0x00080060;
const PATIENT_NAME = 0x00100010;
const PATIENT_ID = 0x00100020;
const POSITION = 0x00200032;
const ROWS = 0x00280010;
const PIXEL_SPACING = 0x00280030;
const SHARED_GROUPS = 0x52009229;
const PIXEL_MEASURES = 0x00289110;

function read(file: Uint8Array): DicomDataset {
  return readInstance(file, 'slice.dcm').dataset;
}

function refusal(file: Uint8Array): DicomError {
  try {
    read(file);
  } catch (error) {
    if (error instanceof DicomError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('a file with wrong VRs', () => {
  it('gives UN attributes that the standard knows by their tags', () => {
    const dataset = read(
      rawFile(
        EXPLICIT,
        explicit(MODALITY, 'UN', 'CT'),
        explicit(POSITION, 'UN', '1\\-2.5\\3e1'),
        explicit(ROWS, 'UN', [0, 2]),
      ),
    );
    expect(text(dataset, 'Modality')).toBe('CT');
    expect(numbers(dataset, 'ImagePositionPatient')).toEqual([1, -2.5, 30]);
    expect(number(dataset, 'Rows')).toBe(512);
  });

  it('gives numbers whatever form they have', () => {
    const spacing = new Uint8Array(Float64Array.of(0.5, 0.75).buffer);
    const dataset = read(
      rawFile(EXPLICIT, explicit(ROWS, 'IS', '512'), explicit(PIXEL_SPACING, 'FD', spacing)),
    );
    expect(number(dataset, 'Rows')).toBe(512);
    expect(numbers(dataset, 'PixelSpacing')).toEqual([0.5, 0.75]);
  });

  it('gives text that was called bytes', () => {
    expect(text(read(rawFile(EXPLICIT, explicit(PATIENT_ID, 'OB', 'P1'))), 'PatientID')).toBe('P1');
  });

  it('passes over VRs that are not known yet', () => {
    const file = rawFile(EXPLICIT, explicit(0x00080050, 'ZZ', 'abcd'), explicit(MODALITY, 'CS', 'MR'));
    expect(text(read(file), 'Modality')).toBe('MR');
  });

  it('gives functional groups that were called UN, implicit inside', () => {
    const measures = joined(implicit(PIXEL_SPACING, '2\\3'));
    const group = joined(implicit(PIXEL_MEASURES, '', 0xffff_ffff), undefinedItems(measures));
    const file = rawFile(EXPLICIT, openSequence(SHARED_GROUPS, 'UN', group));
    const [shared] = sequence(read(file), 'SharedFunctionalGroupsSequence');
    const [item] = sequence(shared ?? {}, 'PixelMeasuresSequence');
    expect(numbers(item ?? {}, 'PixelSpacing')).toEqual([2, 3]);
  });
});

describe('a file in another VR encoding than it says', () => {
  it('is read as it is written: implicit', () => {
    const file = rawFile(EXPLICIT, implicit(MODALITY, 'CT'), implicit(ROWS, [0, 2]));
    expect(read(file)).toEqual({ Modality: 'CT', Rows: 512 });
  });

  it('is read as it is written: explicit', () => {
    const file = rawFile(IMPLICIT, explicit(MODALITY, 'CS', 'CT'), explicit(ROWS, 'US', [0, 2]));
    expect(read(file)).toEqual({ Modality: 'CT', Rows: 512 });
  });

  it('is read as it is written: implicit in the items of an explicit sequence', () => {
    const items = openSequence(PIXEL_MEASURES, 'SQ', implicit(PIXEL_SPACING, '2\\3'));
    const dataset = read(rawFile(EXPLICIT, explicit(MODALITY, 'CS', 'MR'), items));
    expect(sequence(dataset, 'PixelMeasuresSequence')).toEqual([{ PixelSpacing: ['2', '3'] }]);
  });
});

describe('private attributes', () => {
  it('are kept by tag, in both VR encodings, and are no obstacle', () => {
    const file = rawFile(
      EXPLICIT,
      explicit(0x00090010, 'LO', 'VENDOR'),
      explicit(0x00091001, 'UN', [1, 2]),
      explicit(0x00091002, 'DS', '1.5'),
      openSequence(0x00091003, 'UN', implicit(0x00091001, [1, 2])),
      explicit(MODALITY, 'CS', 'CT'),
    );
    const dataset = read(file);
    expect(dataset).toMatchObject({ '00090010': 'VENDOR', '00091002': '1.5', Modality: 'CT' });
    expect(sequence(dataset, '00091003')).toHaveLength(1);
    const unnamed = rawFile(IMPLICIT, implicit(0x00090010, 'VENDOR'), implicit(0x00091001, [1, 2]));
    expect(read(unnamed)['00090010']).toBe('VENDOR');
  });
});

describe('text in a character set', () => {
  const name = (terms: string, bytes: string) =>
    text(
      read(
        rawFile(EXPLICIT, explicit(SPECIFIC_CHARACTER_SET, 'CS', terms), explicit(PATIENT_NAME, 'PN', bytes)),
      ),
      'PatientName',
    );

  it.each(['ISO_IR 100', 'ISO-IR 100', 'iso_ir_100', 'ISO IR 100', 'ISOIR100', 'IR 100', 'ISO2022 IR 100'])(
    'is read whatever the spelling: %s',
    (terms) => expect(name(terms, 'M\xfcller')).toBe('Müller'),
  );

  it.each(['ISO_IR 192', 'UTF-8', 'ISO 2022 IR 192'])('is UTF-8 under %s', (terms) => {
    expect(name(terms, Buffer.from('山田').toString('latin1'))).toBe('山田');
  });

  it('that does not exist is read as far as it is ASCII, and shows what could not be read', () => {
    expect(name('ISO_IR 999', 'Doe^Jane')).toBe('Doe^Jane');
    expect(name('ISO_IR 999', 'M\xfcller')).toBe('M\ufffdller');
  });

  it('of several sets in an item is read there', () => {
    const item = joined(
      explicit(SPECIFIC_CHARACTER_SET, 'CS', '\\ISO 2022 IR 87'),
      explicit(PATIENT_NAME, 'PN', 'Yamada=\x1b$B;3ED\x1b(B'),
    );
    const file = rawFile(
      EXPLICIT,
      openSequence(0x00081032, 'SQ', item),
      explicit(PATIENT_NAME, 'PN', 'M\xfcller'),
    );
    const dataset = read(file);
    expect(text(sequence(dataset, 'ProcedureCodeSequence')[0] ?? {}, 'PatientName')).toBe('Yamada=山田');
    expect(text(dataset, 'PatientName')).toBe('Müller');
  });
});

describe('DICOM JSON', () => {
  it('keeps the place of null among several values', () => {
    const json = fromDicomJson({
      '00189087': { vr: 'FD', Value: [1, null, 3] },
      '00280030': { vr: 'DS', Value: [null, 2] },
    });
    expect(verbatim(json, 'DiffusionBValue')).toEqual(['1', '', '3']);
    expect(numbers(json, 'DiffusionBValue')).toEqual([]);
    expect(numbers(json, 'PixelSpacing')).toEqual([]);
  });

  it('gives attributes that a server sends as bytes', () => {
    const json = fromDicomJson({
      '00080060': { vr: 'UN', InlineBinary: Buffer.from('CT').toString('base64') },
      '00280010': { vr: 'UN', InlineBinary: Buffer.from([0, 2]).toString('base64') },
    });
    expect(json).toEqual({ Modality: 'CT', Rows: 512 });
  });
});

describe('hostile headers are refused', () => {
  it('nested deeper than any data set', () => {
    const nested = (depth: number): Uint8Array => {
      const open = joined(
        explicit(PIXEL_MEASURES, 'SQ', '', 0xffff_ffff),
        implicit(0xfffee000, '', 0xffff_ffff),
      );
      const close = joined(implicit(0xfffee00d), implicit(0xfffee0dd));
      return joined(...Array<Uint8Array>(depth).fill(open), ...Array<Uint8Array>(depth).fill(close));
    };
    expect(sequence(read(rawFile(EXPLICIT, nested(32))), 'PixelMeasuresSequence')).toHaveLength(1);
    expect(refusal(rawFile(EXPLICIT, nested(33))).message).toContain('nested deeper than 32');
    expect(refusal(rawFile(EXPLICIT, nested(20_000))).message).toContain('nested deeper than 32');
  });

  it('with more elements than any data set', () => {
    const element = explicit(MODALITY, 'CS', 'CT');
    const many = Buffer.alloc(element.length * 1_000_001, element);
    expect(refusal(rawFile(EXPLICIT, many)).message).toContain('more than 1000000 elements');
  });

  it('with an item that ends behind its sequence', () => {
    const item = joined(implicit(0xfffee000, '', 200), explicit(MODALITY, 'CS', 'CT'));
    const file = rawFile(EXPLICIT, explicit(PIXEL_MEASURES, 'SQ', item), new Uint8Array(400).fill(0x41));
    expect(refusal(file)).toMatchObject({
      code: 'DICOM_UNREADABLE',
      message: 'slice.dcm: cut off or corrupt: Item (FFFE,E000) says 200 bytes, but 10 are left',
    });
  });

  it('with a sequence that holds no items', () => {
    const file = rawFile(EXPLICIT, explicit(PIXEL_MEASURES, 'SQ', explicit(MODALITY, 'CS', 'CT')));
    expect(refusal(file).message).toContain('PixelMeasuresSequence (0028,9110) holds Modality (0008,0060)');
  });

  it.each([
    ['NumberOfFrames', '2000000000'],
    ['NumberOfFrames', '0'],
    ['NumberOfFrames', '1.5'],
  ])('with %s %s', (keyword, value) => {
    const words = (tag: number, number_: number) => explicit(tag, 'US', [number_ & 255, number_ >> 8]);
    const file = rawFile(
      EXPLICIT,
      explicit(0x00280008, 'IS', value),
      words(ROWS, 1),
      words(0x00280011, 1),
      words(0x00280100, 8),
      explicit(0x7fe00010, 'OW', [0, 0]),
    );
    expect(refusal(file).message).toContain(keyword);
  });
});
