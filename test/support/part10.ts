import { data } from 'dcmjs';
import { TRANSFER_SYNTAX } from '../../src/dicom/reading/transfer-syntaxes.ts';

const CT_IMAGE = '1.2.840.10008.5.1.4.1.1.2';
export const MR_IMAGE = '1.2.840.10008.5.1.4.1.1.4';

/**
 * Attributes by keyword. `PixelData` is the native value, or the fragments of each frame for compressed
 * syntaxes.
 */
export type Attributes = Readonly<Record<string, unknown>>;

/**
 * A complete little CT image of 3 rows and 4 columns at the origin; `over` replaces attributes, undefined
 * leaves one out.
 */
export function ctAttributes(over: Attributes = {}): Attributes {
  const attributes: Attributes = {
    SpecificCharacterSet: 'ISO_IR 192',
    ImageType: ['ORIGINAL', 'PRIMARY', 'AXIAL'],
    SOPClassUID: CT_IMAGE,
    SOPInstanceUID: '2.25.1001',
    Modality: 'CT',
    PatientName: 'Doe^Jane',
    PatientID: 'P1',
    StudyInstanceUID: '2.25.1',
    SeriesInstanceUID: '2.25.2',
    FrameOfReferenceUID: '2.25.3',
    ImagePositionPatient: ['0', '0', '0'],
    ImageOrientationPatient: ['1', '0', '0', '0', '1', '0'],
    SamplesPerPixel: 1,
    PhotometricInterpretation: 'MONOCHROME2',
    Rows: 3,
    Columns: 4,
    PixelSpacing: ['2', '1.5'],
    BitsAllocated: 16,
    BitsStored: 16,
    HighBit: 15,
    PixelRepresentation: 1,
    RescaleIntercept: '0',
    RescaleSlope: '1',
    PixelData: words(Array.from({ length: 12 }, (_, i) => i)),
    ...over,
  };
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined));
}

/** Little endian 16-bit words. */
export function words(values: readonly number[]): ArrayBuffer {
  return Uint16Array.from(values).buffer;
}

/** Writes a DICOM file. Compressed frames above 20 kB become several fragments behind an offset table. */
export function part10(
  attributes: Attributes,
  transferSyntaxUid: string = TRANSFER_SYNTAX.explicitLittleEndian,
): Uint8Array<ArrayBuffer> {
  const file = new data.DicomDict({
    '00020002': { vr: 'UI', Value: [attributes['SOPClassUID'] ?? CT_IMAGE] },
    '00020003': { vr: 'UI', Value: [attributes['SOPInstanceUID'] ?? '2.25.1001'] },
    '00020010': { vr: 'UI', Value: [transferSyntaxUid] },
  });
  const bits = attributes['BitsAllocated'] === 8 ? 'OB' : 'OW';
  file.dict = data.DicomMetaDictionary.denaturalizeDataset({
    _vrMap: { PixelData: bits, PixelPaddingValue: 'SS', PixelPaddingRangeLimit: 'SS' },
    ...attributes,
  });
  return new Uint8Array(file.write());
}
