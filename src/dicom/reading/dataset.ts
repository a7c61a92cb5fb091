import { DicomError } from '../dicom-error.ts';
import type { ReadingEffort } from './elements.ts';
import { naturalizeJson } from './naturalize.ts';
import { readPart10 } from './part10.ts';
import { type FrameLayout, splitFrames } from './pixel-data.ts';

/**
 * A data set: DICOM keyword -> value, the same whether it came from a file or from DICOM JSON.
 * Elements without a keyword (private ones) have their tag as eight hexadecimal digits.
 * One value stands alone, several are an array, none is null; a sequence is always an array of data sets.
 * Text is kept as it was written, without padding: numbers of the VRs DS and IS too, names as A=I=P.
 * Pixel data is not part of it.
 */
export type DicomDataset = Readonly<Record<string, unknown>>;

/** One SOP instance as read from Part 10 bytes. Frames are views of those bytes: nothing is copied. */
export interface Instance {
  readonly dataset: DicomDataset;
  readonly transferSyntaxUid: string;
  /**
   * One per frame, still encoded; native pixel data: the bytes of the frame. Empty where there is no pixel
   * data.
   */
  readonly frames: readonly Uint8Array[];
  /** Where it came from (a file name, an address), for messages. */
  readonly source: string;
}

/**
 * Reads one DICOM Part 10 file (PS3.10 section 7) that is complete in memory.
 * Throws DICOM_UNREADABLE for what is not DICOM, cut off or corrupt.
 * @param effort where given: TooMuchToRead beyond it
 * @param mostBytes see `readPart10`
 */
export function readInstance(
  bytes: Uint8Array,
  source: string,
  effort?: ReadingEffort,
  mostBytes?: number,
): Instance {
  const { dataset, transferSyntaxUid, pixelData } = readPart10(bytes, source, effort, mostBytes);
  if (!pixelData) return { dataset, transferSyntaxUid, frames: [], source };
  const frames = splitFrames(pixelData, frameLayout(dataset, source), transferSyntaxUid, source);
  return { dataset, transferSyntaxUid, frames, source };
}

/** What the header says about the size of the pixel data. Throws DICOM_ATTRIBUTE. */
export function frameLayout(dataset: DicomDataset, source: string): FrameLayout {
  const whole = (keyword: string, otherwise?: number) => {
    const value = number(dataset, keyword) ?? otherwise ?? requiredNumber(dataset, keyword, source);
    return Number.isInteger(value) && value > 0
      ? value
      : refuse(dataset, keyword, source, 'a number above 0');
  };
  const samples = whole('Rows') * whole('Columns') * whole('SamplesPerPixel', 1);
  return { numberOfFrames: whole('NumberOfFrames', 1), frameBits: samples * whole('BitsAllocated') };
}

/**
 * Takes one data set of the DICOM JSON model (PS3.18 annex F): an item of a QIDO-RS or WADO-RS metadata
 * answer.
 */
export function fromDicomJson(json: unknown): DicomDataset {
  const dataset = naturalizeJson(json);
  if (!dataset)
    throw new DicomError('DICOM_WEB_ANSWER', 'Expected a data set in DICOM JSON: an object of tags');
  return dataset;
}

/**
 * All values of an attribute as text, as they were written; empty where it is absent or empty.
 * What is no value among several (null in JSON) keeps its place as an empty one.
 */
export function verbatim(dataset: DicomDataset, keyword: string): string[] {
  const value = dataset[keyword];
  if (Array.isArray(value)) return value.map((item: unknown) => (isPlain(item) ? String(item) : ''));
  return isPlain(value) ? [String(value)] : [];
}

function isPlain(value: unknown): value is string | number {
  return typeof value === 'string' || typeof value === 'number';
}

/** All values that are not blank, trimmed. */
export function texts(dataset: DicomDataset, keyword: string): string[] {
  return verbatim(dataset, keyword)
    .map((value) => value.trim())
    .filter((value) => value !== '');
}

/** The first value that is not blank. */
export function text(dataset: DicomDataset, keyword: string): string | undefined {
  return texts(dataset, keyword)[0];
}

/** All values as numbers; none where any of them isn't one, so that no value moves to another's place. */
export function numbers(dataset: DicomDataset, keyword: string): number[] {
  const values = verbatim(dataset, keyword).map((value) =>
    value.trim() === '' ? Number.NaN : Number(value),
  );
  return values.every(Number.isFinite) ? values : [];
}

/** The first value as a number. */
export function number(dataset: DicomDataset, keyword: string): number | undefined {
  return numbers(dataset, keyword)[0];
}

/** The items of a sequence; empty where it is absent. */
export function sequence(dataset: DicomDataset, keyword: string): DicomDataset[] {
  const value = dataset[keyword];
  return Array.isArray(value) ? value.filter(isDataset) : [];
}

function isDataset(value: unknown): value is DicomDataset {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
}

/** As `text`; throws DICOM_ATTRIBUTE where the attribute is absent or empty. */
export function requiredText(dataset: DicomDataset, keyword: string, source: string): string {
  return text(dataset, keyword) ?? refuse(dataset, keyword, source, 'a value');
}

/** As `number`; throws DICOM_ATTRIBUTE where the attribute is absent, empty or not a number. */
export function requiredNumber(dataset: DicomDataset, keyword: string, source: string): number {
  return number(dataset, keyword) ?? refuse(dataset, keyword, source, 'a number');
}

/** As `numbers`; throws DICOM_ATTRIBUTE unless there are exactly `count`. */
export function requiredNumbers(
  dataset: DicomDataset,
  keyword: string,
  count: number,
  source: string,
): number[] {
  const values = numbers(dataset, keyword);
  return values.length === count ? values : refuse(dataset, keyword, source, `${count} numbers`);
}

function refuse(dataset: DicomDataset, keyword: string, source: string, wanted: string): never {
  const found = verbatim(dataset, keyword).join('\\');
  const problem =
    keyword in dataset ? (found.trim() === '' ? 'is empty' : `is "${found.slice(0, 80)}"`) : 'is missing';
  throw new DicomError('DICOM_ATTRIBUTE', `${source}: ${keyword} ${problem}, needs ${wanted}`);
}
