import { type DicomDataset, number } from './dataset.ts';

/** Headers take some kilobytes; with overlays and what vendors put there, some megabytes. */
const HEADER_BYTES = 16 * 2 ** 20;
/** Functional groups of a frame. */
const FRAME_HEADER_BYTES = 4096;
/** What compression makes of noise is larger than the noise. */
const GROWTH = 1.1;
const LARGEST_BYTES = 2 ** 31 - 1;

/**
 * The most bytes that an instance with this header can have as a file: more is not what the header tells of.
 * @returns undefined where the header does not tell how many pixels there are
 */
export function mostBytesOf(header: DicomDataset): number | undefined {
  const count = (keyword: string, otherwise?: number): number => {
    const value = number(header, keyword) ?? otherwise ?? Number.NaN;
    return value >= 0 ? value : Number.NaN;
  };
  const frames = count('NumberOfFrames', 1);
  const samples = count('Rows') * count('Columns') * count('SamplesPerPixel', 1) * frames;
  const pixelBytes = (samples * count('BitsAllocated', 16)) / 8;
  if (Number.isNaN(pixelBytes)) return undefined;
  return Math.min(LARGEST_BYTES, HEADER_BYTES + frames * FRAME_HEADER_BYTES + Math.ceil(GROWTH * pixelBytes));
}
