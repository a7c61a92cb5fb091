import { type DicomDataset, sequence, verbatim } from '../dicom/reading/dataset.ts';
import { keywordOf } from '../dicom/reading/dictionary.ts';

/** Parameters of a search that match nothing (PS3.18 8.3.4). */
const NO_MATCH: ReadonlySet<string> = new Set([
  'includefield',
  'limit',
  'offset',
  'fuzzymatching',
  'accept',
  'charset',
]);
const RANGES = /(Date|Time|DateTime)$/;

/** One page of those that match. */
export function search<Item>(
  items: readonly Item[],
  datasetOf: (item: Item) => DicomDataset,
  parameters: URLSearchParams,
  most: number,
): Item[] {
  const keys = [...parameters].filter(([name, value]) => !NO_MATCH.has(name.toLowerCase()) && value !== '');
  const found = items.filter((item) => {
    const dataset = datasetOf(item);
    return keys.every(([name, value]) => matches(dataset, pathOf(name), value));
  });
  const offset = count(parameters.get('offset'), 0);
  return found.slice(offset, offset + Math.min(most, count(parameters.get('limit'), most)));
}

const count = (text: string | null, otherwise: number): number =>
  text !== null && /^\d{1,9}$/.test(text) ? Number(text) : otherwise;

/** Keywords or tags, with dots into sequences. */
const pathOf = (name: string): string[] =>
  name.split('.').map((part) => (/^[\dA-F]{8}$/i.test(part) ? keywordOf(part) : part));

function matches(
  dataset: DicomDataset,
  [keyword = '', ...below]: readonly string[],
  wanted: string,
): boolean {
  if (below.length > 0) return sequence(dataset, keyword).some((item) => matches(item, below, wanted));
  const values = verbatim(dataset, keyword).map((value) => value.trim());
  if (RANGES.test(keyword) && wanted.includes('-')) return values.some((value) => isWithin(value, wanted));
  return wanted.split(/[,\\]/).some((one) => values.some((value) => isLike(value, one)));
}

/** Both ends are part of it; either may be missing (PS3.4 C.2.2.2.5). */
function isWithin(value: string, range: string): boolean {
  const at = range.indexOf('-');
  const [from, to] = [range.slice(0, at), range.slice(at + 1)];
  return value.slice(0, from.length) >= from && (to === '' || value.slice(0, to.length) <= to);
}

/** With `*` for any text and `?` for one character. Step by step: no pattern takes longer than its length. */
function isLike(value: string, pattern: string): boolean {
  let [at, star, mark] = [0, -1, 0];
  let p = 0;
  while (at < value.length) {
    if (pattern[p] === '?' || (pattern[p] !== '*' && pattern[p] === value[at])) {
      at += 1;
      p += 1;
    } else if (pattern[p] === '*') {
      star = p;
      mark = at;
      p += 1;
    } else if (star >= 0) {
      p = star + 1;
      mark += 1;
      at = mark;
    } else return false;
  }
  return pattern.slice(p).replaceAll('*', '') === '';
}
