import { keywordOf, vrOf } from './dictionary.ts';
import { areTooMany, effectiveVr, isText, readValue, simplify } from './values.ts';

/** Nesting that no real data set reaches; deeper JSON is a mistake or an attack. */
const MAX_DEPTH = 32;
/** Headers have some hundred elements, with a vendor's own ones a few thousand. */
const MAX_ELEMENTS = 10_000;

/**
 * A data set of the DICOM JSON model (PS3.18 annex F), or undefined where it isn't one, or has more elements
 * than any. Elements that make no sense are left out.
 */
export function naturalizeJson(json: unknown, depth = 0): Record<string, unknown> | undefined {
  if (!isRecord(json) || depth > MAX_DEPTH) return undefined;
  const dataset: Record<string, unknown> = {};
  const elements = Object.entries(json);
  if (elements.length > MAX_ELEMENTS) return undefined;
  for (const [tag, element] of elements) {
    if (!/^[\dA-F]{8}$/i.test(tag) || !isRecord(element)) continue;
    if ('BulkDataURI' in element) continue;
    const vr = typeof element['vr'] === 'string' ? element['vr'] : (vrOf(tag) ?? 'UN');
    const value = jsonValue(tag, vr, element, depth);
    if (value !== undefined) dataset[keywordOf(tag)] = value;
  }
  return dataset;
}

/** VRs of short values: in a header, not in bulk data. */
const SHORT_VRS: ReadonlySet<unknown> = new Set('AE AS AT CS DA DS DT FD FL IS LO PN SH TM UI'.split(' '));

/**
 * Whether a data set of the DICOM JSON model gives an address in place of a value that belongs into a header;
 * private elements aside.
 */
export function hasValuesElsewhere(json: unknown, depth = 0): boolean {
  if (!isRecord(json) || depth > MAX_DEPTH) return false;
  return Object.entries(json).some(([tag, element]) => {
    if (!/^[\dA-F]{3}[02468ACE][\dA-F]{4}$/i.test(tag) || !isRecord(element)) return false;
    if ('BulkDataURI' in element) return SHORT_VRS.has(element['vr'] ?? vrOf(tag));
    const { Value: value } = element;
    return Array.isArray(value) && value.some((item) => hasValuesElsewhere(item, depth + 1));
  });
}

function jsonValue(tag: string, vr: string, element: Record<string, unknown>, depth: number): unknown {
  const inline = element['InlineBinary'];
  if (typeof inline === 'string') {
    // JSON is UTF-8, but what stands in Base64 is bytes as a file has them, little endian.
    const bytes = Uint8Array.from(Buffer.from(inline, 'base64'));
    return readValue(bytes, effectiveVr(tag, vr), true, (raw) => raw);
  }
  const values = asArray(element['Value']);
  if (vr === 'SQ') return values.map((item) => naturalizeJson(item, depth + 1) ?? {});
  if (areTooMany(values, vr)) return undefined;
  if (vr === 'PN') return simplify(values.map(personName));
  return simplify(isText(vr) ? values.map(plainText) : values);
}

function asArray(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  return value === undefined || value === null ? [] : [value];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
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
