import { data, log, type TagDict } from 'dcmjs';

// dcmjs prints values that it finds odd to the console: they may be a patient's.
log.setLevel('silent', false);
log.getLogger('validation.dcmjs').setLevel('silent', false);

const { DicomDict, DicomMetaDictionary } = data;

const EXPLICIT_VR_LITTLE_ENDIAN = '1.2.840.10008.1.2.1';

/** The program that writes a file (PS3.10 table 7.1-1). */
export interface Implementation {
  readonly classUid: string;
  /** SH: at most 16 characters. */
  readonly versionName: string;
}

/**
 * What is written: keyword -> value; sequences are arrays of the same; null is an empty value; undefined
 * isn't written.
 */
export type WritableDataset = { readonly [keyword: string]: unknown };

/**
 * A data set as Part 10 bytes (PS3.10 section 7): explicit VR little endian, ISO_IR 192, file meta of its
 * own. The data set must hold SOPClassUID and SOPInstanceUID. The same data set gives the same bytes. Throws
 * TypeError for a keyword that the dictionary doesn't have: left out silently, it would make a wrong object.
 */
export function writePart10(dataset: WritableDataset, implementation: Implementation): Uint8Array {
  const complete = { ...dataset, SpecificCharacterSet: 'ISO_IR 192' };
  assertKnownKeywords(complete, '');
  const meta = {
    FileMetaInformationVersion: Uint8Array.of(0, 1).buffer,
    MediaStorageSOPClassUID: dataset['SOPClassUID'],
    MediaStorageSOPInstanceUID: dataset['SOPInstanceUID'],
    TransferSyntaxUID: EXPLICIT_VR_LITTLE_ENDIAN,
    ImplementationClassUID: implementation.classUid,
    ImplementationVersionName: implementation.versionName,
  };
  const file = new DicomDict(DicomMetaDictionary.denaturalizeDataset(meta));
  file.dict = wholeValues(DicomMetaDictionary.denaturalizeDataset(complete), complete);
  // A patient's attributes are kept even where they are longer than their VR allows: identity comes first.
  return new Uint8Array(file.write({ allowInvalidVRLength: true }));
}

/**
 * dcmjs cuts text that is longer than its VR allows, without a word: an identifier that was cut is another
 * one. Puts back what was cut, at any depth.
 */
function wholeValues(written: TagDict, dataset: WritableDataset): TagDict {
  for (const [keyword, value] of Object.entries(dataset)) {
    const entry = DicomMetaDictionary.nameMap[keyword];
    const element = entry && written[entry.tag.replaceAll(/[(),]/g, '')];
    const kept = element?.Value;
    if (!Array.isArray(kept)) continue;
    const given: readonly unknown[] = Array.isArray(value) ? value : [value];
    for (const [i, one] of given.entries()) {
      if (isItem(one)) wholeValues(kept[i] as TagDict, one);
      else if (typeof one === 'string' && String(kept[i]).length < one.length) kept[i] = one;
    }
  }
  return written;
}

function assertKnownKeywords(dataset: WritableDataset, path: string): void {
  for (const [keyword, value] of Object.entries(dataset)) {
    if (keyword === '_vrMap') continue;
    if (!DicomMetaDictionary.nameMap[keyword]) throw new TypeError(`${path}${keyword} is no DICOM keyword`);
    if (!Array.isArray(value)) continue;
    for (const item of value) if (isItem(item)) assertKnownKeywords(item, `${path}${keyword}.`);
  }
}

function isItem(value: unknown): value is WritableDataset {
  return (
    typeof value === 'object' &&
    value !== null &&
    !ArrayBuffer.isView(value) &&
    !(value instanceof ArrayBuffer)
  );
}

/**
 * Cuts a text to what its VR holds (PS3.5 table 6.2-1), at a word where possible; the cut is shown by "...".
 */
export function fitted(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  const cut = text.slice(0, maxLength - 3);
  const word = cut.lastIndexOf(' ');
  return `${word > maxLength / 2 ? cut.slice(0, word) : cut}...`;
}
