import { readInstance, sequence } from '../../src/dicom/reading/dataset.ts';
import { writeObject } from '../../src/results/write-object.ts';

/**
 * The node's binary SEG as a reader corrects it in a program of another make: without its last frame.
 * @param pixels of a frame
 */
export function correctedSeg(
  seg: Uint8Array,
  uids: { readonly SOPInstanceUID: string; readonly SeriesInstanceUID: string },
  pixels = 16 * 16,
): Uint8Array {
  const { dataset, frames } = readInstance(seg, 'SEG');
  const kept = sequence(dataset, 'PerFrameFunctionalGroupsSequence').slice(0, -1);
  return writeObject({
    ...dataset,
    ...uids,
    Manufacturer: 'Reader',
    ManufacturerModelName: 'Editor',
    NumberOfFrames: String(kept.length),
    PerFrameFunctionalGroupsSequence: kept,
    PixelData: Uint8Array.from(Buffer.concat(frames).subarray(0, (kept.length * pixels) / 8)).buffer,
    _vrMap: { PixelData: 'OB' },
  });
}
