import { type ImageFrame, imageFrames } from '../../src/dicom/geometry/image-frame.ts';
import type { DicomDataset } from '../../src/dicom/reading/dataset.ts';

let serial = 0;

/** An axial image of 4 x 4 pixels of 1 mm, without pixel data; each has a UID of its own. */
export function axialImage(z: number, attributes: DicomDataset = {}): ImageFrame[] {
  const dataset = {
    SOPInstanceUID: `1.${serial++}`,
    SOPClassUID: '1.2.840.10008.5.1.4.1.1.2',
    Rows: 4,
    Columns: 4,
    PixelSpacing: ['1', '1'],
    ImageOrientationPatient: ['1', '0', '0', '0', '1', '0'],
    ImagePositionPatient: ['0', '0', String(z)],
    ...attributes,
  };
  return imageFrames({ dataset, transferSyntaxUid: '', frames: [], source: dataset.SOPInstanceUID });
}
