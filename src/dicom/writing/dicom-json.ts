import { data } from 'dcmjs';

const { nameMap } = data.DicomMetaDictionary;

/** An element in the DICOM JSON model (PS3.18 F.2.2). */
interface JsonElement {
  readonly vr: string;
  readonly Value?: readonly unknown[];
}
/** A data set in the DICOM JSON model: tags of eight hexadecimal digits. */
export type JsonDataset = Readonly<Record<string, JsonElement>>;

/** What is to be written: by keyword, one value or several; null and empty lists are empty elements. */
export type PlainDataset = Readonly<Record<string, unknown>>;

const NUMBERS: ReadonlySet<string> = new Set(['DS', 'IS']);

/**
 * A data set in the DICOM JSON model, from values of attributes that are in the dictionary; none is of the VR
 * PN or binary.
 * @throws TypeError for a keyword that the dictionary does not have: a mistake of the program
 */
export function toDicomJson(dataset: PlainDataset): JsonDataset {
  const elements = Object.entries(dataset).map(([keyword, given]): [string, JsonElement] => {
    const entry = nameMap[keyword];
    if (!entry) throw new TypeError(`there is no attribute ${keyword}`);
    const tag = entry.tag.replaceAll(/[^0-9A-F]/gi, '').toUpperCase();
    const { vr } = entry;
    const values = (Array.isArray(given) ? given : [given]).filter((value) => value != null);
    if (values.length === 0) return [tag, { vr }];
    if (vr === 'SQ') return [tag, { vr, Value: values.map((item: PlainDataset) => toDicomJson(item)) }];
    return [tag, { vr, Value: NUMBERS.has(vr) ? values.map(Number) : values }];
  });
  return Object.fromEntries(elements.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
