import { type DicomDataset, number, requiredNumber, text } from '../dataset.ts';
import { DicomError } from '../errors.ts';
import type { StoredValues } from '../pixels/pixels.ts';

/** How stored values become real ones (PS3.3 C.11.1), and what stands for "no image here" (C.7.5.1.1.2). */
export interface Rescale {
  readonly slope: number;
  readonly intercept: number;
  /** Stored values from low to high are padding and become `fill`. */
  readonly padding?: { readonly low: number; readonly high: number; readonly fill: number };
}

/** Air on the usual CT scale; the padding around a round field of view is often far below any tissue (-2000, -32768). */
const CT_PADDING_HU = -1024;
/** No signal. */
const MR_PADDING = 0;

/**
 * Reads the rescaling of one CT or MR image. Without it CT numbers would be a guess, so CT must have it;
 * the values of MR have no unit, and most MR images have none. Throws DICOM_ATTRIBUTE.
 */
export function readRescale(dataset: DicomDataset, source: string): Rescale {
  const isCt = text(dataset, 'Modality') === 'CT';
  const slope = isCt
    ? requiredNumber(dataset, 'RescaleSlope', source)
    : (number(dataset, 'RescaleSlope') ?? 1);
  const intercept = isCt
    ? requiredNumber(dataset, 'RescaleIntercept', source)
    : (number(dataset, 'RescaleIntercept') ?? 0);
  if (slope === 0)
    throw new DicomError('DICOM_ATTRIBUTE', `${source}: RescaleSlope is 0: the image would be empty`);
  const value = storedNumber(dataset, 'PixelPaddingValue');
  if (value === undefined) return { slope, intercept };
  const limit = storedNumber(dataset, 'PixelPaddingRangeLimit') ?? value;
  const fill = isCt ? CT_PADDING_HU : MR_PADDING;
  return { slope, intercept, padding: { low: Math.min(value, limit), high: Math.max(value, limit), fill } };
}

/** Attributes that are signed where the pixels are; implicit VR and careless writers give them as unsigned. */
function storedNumber(dataset: DicomDataset, keyword: string): number | undefined {
  const value = number(dataset, keyword);
  if (value === undefined) return undefined;
  const range = 2 ** (number(dataset, 'BitsAllocated') ?? 16);
  const signed = number(dataset, 'PixelRepresentation') === 1;
  if (signed && value >= range / 2) return value - range;
  return !signed && value < 0 ? value + range : value;
}

/**
 * Writes the real values of one frame into a volume, from `offset` on.
 * Returns false where a value is no Int16 and the target is: then the target is left half-written.
 */
export function rescaleInto(
  target: Int16Array | Float32Array,
  offset: number,
  stored: StoredValues,
  { slope, intercept, padding }: Rescale,
): boolean {
  const low = padding?.low ?? Number.POSITIVE_INFINITY;
  const high = padding?.high ?? Number.NEGATIVE_INFINITY;
  const fill = padding?.fill ?? 0;
  const isInteger = target instanceof Int16Array;
  for (let i = 0; i < stored.length; i += 1) {
    const value = stored[i] ?? 0;
    const real = value >= low && value <= high ? fill : value * slope + intercept;
    if (isInteger && (real < -32_768 || real > 32_767)) return false;
    target[offset + i] = real;
  }
  return true;
}
