import { data } from 'dcmjs';
import type { DicomDataset } from '../dicom/reading/dataset.ts';

/** One attribute of the DICOM JSON model (PS3.18 annex F). */
export interface JsonElement {
  readonly vr: string;
  readonly Value?: readonly unknown[];
  readonly InlineBinary?: string;
  readonly BulkDataURI?: string;
}

/** A data set of the DICOM JSON model: eight upper-case hexadecimal digits -> attribute. */
export type JsonDataset = Readonly<Record<string, JsonElement>>;

const NUMERIC_VRS = new Set(['DS', 'IS', 'FL', 'FD', 'SL', 'SS', 'SV', 'UL', 'US', 'UV']);
const BINARY_VRS = new Set(['OB', 'OD', 'OF', 'OL', 'OV', 'OW', 'UN']);
const SPECIFIC_CHARACTER_SET = '00080005';

/** Tag (eight hexadecimal digits) and VR of a keyword. dcmjs writes open choices of VR in small letters. */
export function attributeOf(keyword: string): { tag: string; vr: string } | undefined {
  const { nameMap } = data.DicomMetaDictionary;
  const entry = Object.hasOwn(nameMap, keyword) ? nameMap[keyword] : undefined;
  return entry && { tag: entry.tag.replaceAll(/[(),]/g, ''), vr: entry.vr };
}

/**
 * A data set in the DICOM JSON model, in UTF-8 and in the order of its tags. Private attributes are left out:
 * the reader keeps no VR of them. So is bulk data, which the reader leaves out.
 */
export function toDicomJson(
  dataset: DicomDataset,
  signed = dataset['PixelRepresentation'] === 1,
): JsonDataset {
  const elements: [string, JsonElement][] = [];
  for (const [keyword, value] of Object.entries(dataset)) {
    const attribute = attributeOf(keyword);
    if (!attribute || attribute.tag.startsWith('0002')) continue;
    const vr = chosenVr(attribute.vr, value, signed);
    if (vr) elements.push([attribute.tag, element(vr, value, signed)]);
  }
  if (SPECIFIC_CHARACTER_SET in Object.fromEntries(elements)) {
    elements.push([SPECIFIC_CHARACTER_SET, { vr: 'CS', Value: ['ISO_IR 192'] }]);
  }
  const sorted = Object.entries(Object.fromEntries(elements)).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(sorted);
}

/** PS3.5 annex A.2: what the dictionary leaves open, implicit VR decides by the sign of the pixels. */
function chosenVr(vr: string, value: unknown, signed: boolean): string | undefined {
  if (isBinary(value)) return BINARY_VRS.has(vr) ? vr : 'OW';
  if (vr === 'xs') return signed ? 'SS' : 'US';
  if (vr === 'up') return 'UL';
  if (vr === 'ox' || vr === 'lt') return 'US'; // values that were read as numbers
  return /^[A-Z]{2}$/.test(vr) ? vr : undefined;
}

function element(vr: string, value: unknown, signed: boolean): JsonElement {
  const binary = isBinary(value) ? value : undefined;
  if (binary) return { vr, InlineBinary: toBase64(binary) };
  const values: unknown[] = Array.isArray(value) ? value : [value];
  const json = values.map((item) => jsonValue(vr, item, signed));
  return json.every((item) => item === null) ? { vr } : { vr, Value: json };
}

function jsonValue(vr: string, value: unknown, signed: boolean): unknown {
  if (value === null || value === undefined || value === '') return null;
  if (vr === 'SQ') return isItem(value) ? toDicomJson(value, signed) : {};
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'bigint') return null;
  if (NUMERIC_VRS.has(vr)) return jsonNumber(value);
  return vr === 'PN' ? personName(String(value)) : String(value);
}

/** Numbers that JSON cannot hold exactly, or at all, stay text, as PS3.18 table F.2.3-1 allows. */
function jsonNumber(value: string | number | bigint): number | string {
  const number = Number(value);
  const exact = Number.isFinite(number) && (!Number.isInteger(number) || Number.isSafeInteger(number));
  return exact ? number : String(value);
}

/** PS3.18 F.2.2: the component groups, without those that are empty. */
function personName(name: string): Record<string, string> {
  const [Alphabetic = '', Ideographic = '', Phonetic = ''] = name.split('=');
  return Object.fromEntries(
    Object.entries({ Alphabetic, Ideographic, Phonetic }).filter(([, group]) => group !== ''),
  );
}

function isBinary(value: unknown): value is ArrayBuffer | ArrayBufferView {
  return value instanceof ArrayBuffer || ArrayBuffer.isView(value);
}

function isItem(value: unknown): value is DicomDataset {
  return typeof value === 'object' && value !== null;
}

function toBase64(value: ArrayBuffer | ArrayBufferView): string {
  const bytes = ArrayBuffer.isView(value)
    ? Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    : Buffer.from(value);
  return bytes.toString('base64');
}
