import { data } from 'dcmjs';
import { type TextDecoding, textDecoding } from './character-sets.ts';

/** Text that may not be split at a backslash (PS3.5 table 6.2-1). */
const UNSPLIT_TEXT = new Set(['ST', 'LT', 'UT', 'UR']);
const TEXT = new Set('AE AS CS DA DS DT IS LO PN SH TM UC UI ST LT UT UR'.split(' '));
/** Text whose characters SpecificCharacterSet governs (PS3.5 6.1.2.3). */
const ENCODED_TEXT = new Set(['LO', 'LT', 'PN', 'SH', 'ST', 'UC', 'UT']);

export const SPECIFIC_CHARACTER_SET = '00080005';

/** Nesting that no real data set reaches; deeper JSON is a mistake or an attack. */
const MAX_DEPTH = 32;

/** The keyword of a tag of eight hexadecimal digits; the tag itself where the dictionary has none. */
export function keywordOf(tag: string): string {
  const upper = tag.toUpperCase();
  return dictionaryEntry(upper)?.name ?? upper;
}

/** The VR that the dictionary gives a tag. */
export function vrOf(tag: string): string | undefined {
  return dictionaryEntry(tag.toUpperCase())?.vr;
}

function dictionaryEntry(tag: string): { name: string; vr: string } | undefined {
  const isPrivate = Number.parseInt(tag.slice(3, 4), 16) % 2 === 1;
  if (isPrivate) return undefined;
  return data.DicomMetaDictionary.dictionary[`(${tag.slice(0, 4)},${tag.slice(4)})`];
}

/** One value alone, several as an array, none as null. */
function simplify(values: readonly unknown[]): unknown {
  if (values.length === 0 || (values.length === 1 && values[0] === '')) return null;
  return values.length === 1 ? values[0] : values;
}

function asArray(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  return value === undefined || value === null ? [] : [value];
}

function splitText(vr: string, value: string): string[] {
  const values = UNSPLIT_TEXT.has(vr) ? [value] : value.split('\\');
  // Padding is a space, or a zero byte for UI and for writers who mix them up.
  return values.map((item) => item.replaceAll(/[\0 ]+$/g, '').replace(UNSPLIT_TEXT.has(vr) ? '' : /^ +/, ''));
}

/** The value of an element that dcmjs read, in the form of `DicomDataset`. */
export function naturalizeValue(
  vr: string,
  value: unknown,
  rawValue: unknown,
  decode: TextDecoding,
  source: string,
): unknown {
  if (vr === 'SQ') {
    return asArray(value).map((item) => naturalizeItem(item, decode, source));
  }
  if (TEXT.has(vr)) {
    const raw = asArray(rawValue).map(String).join('\\');
    return simplify(splitText(vr, ENCODED_TEXT.has(vr) ? decode(raw) : raw));
  }
  if (vr === 'AT') {
    return simplify(asArray(value).map((tag) => Number(tag).toString(16).toUpperCase().padStart(8, '0')));
  }
  return simplify(asArray(value));
}

function naturalizeItem(item: unknown, inherited: TextDecoding, source: string): Record<string, unknown> {
  const elements = Object.entries(isRecord(item) ? item : {}).filter(
    (entry): entry is [string, Record<string, unknown>] => isRecord(entry[1]),
  );
  const characterSet = elements.find(([tag]) => tag === SPECIFIC_CHARACTER_SET)?.[1];
  // dcmjs decodes the text of an item that names its own character set, but not what is nested in it.
  const decode: TextDecoding = characterSet ? (raw) => raw : inherited;
  const nested = characterSet
    ? textDecoding(asArray(characterSet['_rawValue']).map(String), source)
    : inherited;
  const dataset: Record<string, unknown> = {};
  for (const [tag, element] of elements) {
    const vr = String(element['vr']);
    const { Value: value, _rawValue: rawValue } = element;
    dataset[keywordOf(tag)] = naturalizeValue(vr, value, rawValue, vr === 'SQ' ? nested : decode, source);
  }
  return dataset;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A data set of the DICOM JSON model (PS3.18 annex F), or undefined where it isn't one. Elements that make no sense are left out. */
export function naturalizeJson(json: unknown, depth = 0): Record<string, unknown> | undefined {
  if (!isRecord(json) || depth > MAX_DEPTH) return undefined;
  const dataset: Record<string, unknown> = {};
  for (const [tag, element] of Object.entries(json)) {
    if (!/^[\dA-F]{8}$/i.test(tag) || !isRecord(element)) continue;
    if ('BulkDataURI' in element) continue;
    const vr = typeof element['vr'] === 'string' ? element['vr'] : (vrOf(tag) ?? 'UN');
    dataset[keywordOf(tag)] = jsonValue(vr, element, depth);
  }
  return dataset;
}

function jsonValue(vr: string, element: Record<string, unknown>, depth: number): unknown {
  const inline = element['InlineBinary'];
  if (typeof inline === 'string') return Uint8Array.from(Buffer.from(inline, 'base64')).buffer;
  const values = asArray(element['Value']);
  if (vr === 'SQ') return values.map((item) => naturalizeJson(item, depth + 1) ?? {});
  if (vr === 'PN') return simplify(values.map(personName));
  return simplify(TEXT.has(vr) ? values.map(plainText) : values);
}

/** Numbers of text VRs become text, as in a file; null stands for an empty one among several values. */
function plainText(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

/** PS3.18 F.2.2: component groups as an object; older servers send the name as text. */
function personName(value: unknown): string {
  if (!isRecord(value)) return typeof value === 'string' ? value : '';
  const groups = [value['Alphabetic'], value['Ideographic'], value['Phonetic']];
  return groups
    .map((group) => (typeof group === 'string' ? group : ''))
    .join('=')
    .replace(/=+$/, '');
}
