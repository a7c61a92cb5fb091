import { DicomError } from '../dicom-error.ts';
import { type DicomDataset, number, requiredNumber, sequence, text } from '../reading/dataset.ts';
import { modalityOf } from './image-checks.ts';

/** How stored values become real ones (PS3.3 C.11.1), and what stands for "no image here" (C.7.5.1.1.2). */
export interface Rescale {
  readonly slope: number;
  readonly intercept: number;
  /** Stored values from low to high are padding and become `fill`. */
  readonly padding?: { readonly low: number; readonly high: number; readonly fill: number };
}

/**
 * Air on the usual CT scale; the padding around a round field of view is often far below any tissue (-2000,
 * -32768).
 */
const CT_PADDING_HU = -1024;
/**
 * Padding above this is not believed in CT: writers that fill the attribute with 0 would turn water into air.
 */
const MAX_CT_PADDING_HU = -500;
/** No signal. */
const MR_PADDING = 0;

/**
 * Reads the rescaling of one CT or MR image or frame. Without it CT numbers would be a guess, so CT must have
 * it; the values of MR have no unit, and most MR images have none. In MONOCHROME1 the lowest value is shown
 * white (C.7.6.3.1.2): that changes no Hounsfield unit, but MR is inverted within its stored bits, as it is
 * displayed. Throws DICOM_ATTRIBUTE.
 */
export function readRescale(dataset: DicomDataset, source: string): Rescale {
  const isCt = modalityOf(dataset) === 'CT';
  const stated = (keyword: string, otherwise: number) =>
    isCt ? requiredNumber(dataset, keyword, source) : (number(dataset, keyword) ?? otherwise);
  if (sequence(dataset, 'ModalityLUTSequence').length > 0) {
    const what = 'ModalityLUTSequence gives real values by a table, which is not read';
    throw new DicomError('DICOM_ATTRIBUTE', `${source}: ${what}`);
  }
  const slope = stated('RescaleSlope', 1);
  const intercept = stated('RescaleIntercept', 0);
  if (slope === 0)
    throw new DicomError('DICOM_ATTRIBUTE', `${source}: RescaleSlope is 0: the image would be empty`);
  const padding = paddingOf(dataset);
  const believed = padding && !(isCt && padding.high * slope + intercept > MAX_CT_PADDING_HU);
  const inverted = !isCt && text(dataset, 'PhotometricInterpretation') === 'MONOCHROME1';
  return {
    slope: inverted ? -slope : slope,
    intercept: inverted ? intercept + slope * highestStored(dataset) : intercept,
    ...(believed ? { padding: { ...padding, fill: isCt ? CT_PADDING_HU : MR_PADDING } } : {}),
  };
}

/**
 * Counting down from this value mirrors all stored ones: the highest unsigned, or -1 where they have a sign.
 */
function highestStored(dataset: DicomDataset): number {
  if (number(dataset, 'PixelRepresentation') === 1) return -1;
  return 2 ** (number(dataset, 'BitsStored') ?? number(dataset, 'BitsAllocated') ?? 16) - 1;
}

function paddingOf(dataset: DicomDataset): { low: number; high: number } | undefined {
  const value = storedNumber(dataset, 'PixelPaddingValue');
  if (value === undefined) return undefined;
  const limit = storedNumber(dataset, 'PixelPaddingRangeLimit') ?? value;
  return { low: Math.min(value, limit), high: Math.max(value, limit) };
}

/**
 * Attributes that are signed where the pixels are; implicit VR and careless writers give them as unsigned.
 */
function storedNumber(dataset: DicomDataset, keyword: string): number | undefined {
  const value = number(dataset, keyword);
  if (value === undefined) return undefined;
  const range = 2 ** (number(dataset, 'BitsAllocated') ?? 16);
  const signed = number(dataset, 'PixelRepresentation') === 1;
  if (signed && value >= range / 2) return value - range;
  return !signed && value < 0 ? value + range : value;
}
