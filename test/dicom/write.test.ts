import { expect, test } from 'vitest';
import { readInstance } from '../../src/dicom/reading/dataset.ts';
import { fitted, writePart10 } from '../../src/dicom/writing/write.ts';

const WRITER = { classUid: '1.2.3.4', versionName: 'A_WRITER' };
const LEAST = { SOPClassUID: '1.2.840.10008.5.1.4.1.1.2', SOPInstanceUID: '1.2.3' };

test('a keyword that DICOM does not have is refused, at any depth, with its path', () => {
  expect(() => writePart10({ ...LEAST, ReferringPhysiciansName: 'Roe' }, WRITER)).toThrow(
    /^ReferringPhysiciansName/,
  );
  const nested = { ...LEAST, SegmentSequence: [{ SegmentNumbers: 1 }] };
  expect(() => writePart10(nested, WRITER)).toThrow(/^SegmentSequence\.SegmentNumbers/);
});

test('values come back as they were written: text of numbers, empty values, sequences, any script', () => {
  const dataset = {
    ...LEAST,
    PatientName: 'Παπαδόπουλος^Νίκος',
    PatientBirthDate: null,
    PixelSpacing: ['0.9000', '+.8'],
    SegmentSequence: [{ SegmentNumber: 1 }],
    Rows: 512,
  };
  const { dataset: read, transferSyntaxUid } = readInstance(writePart10(dataset, WRITER), 'written');
  expect(transferSyntaxUid).toBe('1.2.840.10008.1.2.1');
  expect(read).toMatchObject({ ...dataset, SpecificCharacterSet: 'ISO_IR 192' });
});

test('the file says which program wrote it', () => {
  const start = Buffer.from(writePart10(LEAST, WRITER)).subarray(0, 400).toString('latin1');
  expect(start).toContain(WRITER.classUid);
  expect(start).toContain(WRITER.versionName);
});

test('a text is cut to fit at a word, and shows that it was', () => {
  expect(fitted('Pancreas report', 15)).toBe('Pancreas report');
  expect(fitted('Pancreas volume report', 20)).toBe('Pancreas volume...');
  expect(fitted('Pancreasvolumereport', 10)).toBe('Pancrea...');
});

test('no value is cut, of any VR and at any depth', () => {
  const long = 'x'.repeat(80);
  const dataset = {
    ...LEAST,
    PatientID: long,
    AccessionNumber: long,
    PatientName: `${long}^${long}`,
    StudyDescription: long,
    Manufacturer: long,
    ImageType: ['ORIGINAL', long],
    PatientAge: '0123Y',
    StudyInstanceUID: `1.${'2'.repeat(80)}`,
    PixelSpacing: ['0.12345678901234567890', '1'],
    SegmentSequence: [{ SegmentLabel: long, SegmentDescription: 'y'.repeat(2000) }],
  };
  const { dataset: read } = readInstance(writePart10(dataset, WRITER), 'written');
  expect(read).toMatchObject(dataset);
});
