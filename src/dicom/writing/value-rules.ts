import { data } from 'dcmjs';
import { type DicomDataset, sequence, verbatim } from '../reading/dataset.ts';

const { nameMap } = data.DicomMetaDictionary;

/** Longest values in characters (PS3.5 table 6.2-1). */
const MAX_LENGTH: Readonly<Record<string, number>> = {
  SH: 16,
  LO: 64,
  ST: 1024,
  LT: 10_240,
  UI: 64,
  PN: 64 * 3,
};

/** Forms of the values of strictly formatted VRs (PS3.5 table 6.2-1). */
const FORM: Readonly<Record<string, RegExp>> = {
  AS: /^(?!000)\d{3}[DWMY]$/,
  CS: /^[A-Z0-9 _]{1,16}$/,
  DA: /^\d{4}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])$/,
  TM: /^([01]\d|2[0-3])([0-5]\d(([0-5]\d|60)(\.\d{1,6})?)?)?$/,
  DS: /^(?=.{1,16}$)[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/,
  IS: /^[+-]?\d{1,12}$/,
  UI: /^(0|[1-9]\d*)(\.(0|[1-9]\d*))+$/,
};

/** Measures of a patient that can't be zero; validators warn of such values. */
const POSITIVE = new Set(['PatientWeight', 'PatientSize']);

/** SNOMED's old code strings: withdrawn from DICOM, and warned of by validators. */
const WITHDRAWN_SCHEMES = new Set(['SRT', 'SNM3', '99SDM']);

/** The VR that the dictionary gives a keyword. */
function vrOf(keyword: string): string | undefined {
  return nameMap[keyword]?.vr;
}

/** Whether each value of an attribute has the form that its VR asks for. Absent and empty ones do not. */
export function isValid(dataset: DicomDataset, keyword: string): boolean {
  const vr = vrOf(keyword);
  if (vr === undefined) return false;
  if (vr === 'SQ') return isValidSequence(sequence(dataset, keyword));
  const values = verbatim(dataset, keyword).map((value) => value.trim());
  return values.length > 0 && values.every((value) => hasForm(keyword, vr, value));
}

function hasForm(keyword: string, vr: string, value: string): boolean {
  if (value === '' || value.length > (MAX_LENGTH[vr] ?? Number.POSITIVE_INFINITY)) return false;
  if (POSITIVE.has(keyword) && !(Number(value) > 0)) return false;
  return FORM[vr]?.test(value) ?? true;
}

function isValidSequence(items: readonly DicomDataset[]): boolean {
  return items.length > 0 && items.every(isValidItem);
}

/**
 * An item counts as valid when it says something, every value in it has its VR's form, and no code in it is
 * withdrawn.
 */
function isValidItem(item: DicomDataset): boolean {
  const keywords = Object.keys(item).filter((keyword) => vrOf(keyword) !== undefined);
  const scheme = verbatim(item, 'CodingSchemeDesignator')[0];
  if (scheme !== undefined && (WITHDRAWN_SCHEMES.has(scheme) || !isValid(item, 'CodeMeaning'))) return false;
  return keywords.length > 0 && keywords.every((keyword) => isValid(item, keyword));
}

/** An attribute's value, ready to be written again; undefined where it is absent or empty. */
export function copied(dataset: DicomDataset, keyword: string): unknown {
  if (vrOf(keyword) === 'SQ') {
    const items = sequence(dataset, keyword);
    return items.length > 0 ? items.map(copiedItem) : undefined;
  }
  const values = verbatim(dataset, keyword);
  return values.some((value) => value.trim() !== '') ? values : undefined;
}

/** Nested elements without a keyword (private ones) are not copied. */
function copiedItem(item: DicomDataset): Record<string, unknown> {
  const keywords = Object.keys(item).filter((keyword) => vrOf(keyword) !== undefined);
  return Object.fromEntries(keywords.map((keyword) => [keyword, copied(item, keyword)]));
}
