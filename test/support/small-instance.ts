import { writeObject } from '../../src/results/write-object.ts';

export interface SmallInstanceUids {
  readonly study: string;
  readonly series: string;
  readonly sop: string;
}

/**
 * A CT instance of 2 x 2 pixels, as Part 10 bytes in Explicit VR Little Endian; `attributes` are added or
 * replaced.
 */
export function smallInstance(
  { study, series, sop }: SmallInstanceUids,
  attributes: Readonly<Record<string, unknown>> = {},
): Uint8Array {
  return writeObject({
    SOPClassUID: '1.2.840.10008.5.1.4.1.1.2',
    SOPInstanceUID: sop,
    StudyInstanceUID: study,
    SeriesInstanceUID: series,
    StudyDate: '20260301',
    StudyTime: '101500',
    Modality: 'CT',
    PatientName: 'Doe^Jane',
    PatientID: 'P-1',
    InstanceNumber: '1',
    SamplesPerPixel: 1,
    PhotometricInterpretation: 'MONOCHROME2',
    Rows: 2,
    Columns: 2,
    BitsAllocated: 16,
    BitsStored: 16,
    HighBit: 15,
    PixelRepresentation: 1,
    PixelData: Int16Array.of(-1000, 0, 40, 300).buffer,
    _vrMap: { PixelData: 'OW' },
    ...attributes,
  });
}
