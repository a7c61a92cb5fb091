import { z } from 'zod';
import type { JsonElement } from './dicom-json.ts';

/** Separators of a list of values; neither may be part of a UID or a code string. */
const LIST = /[,\\]/;
const DATES = new Set(['DA', 'TM', 'DT']);
const NUMBERS = new Set(['IS', 'DS', 'US']);

const nameGroups = z.record(z.string(), z.string());

/**
 * Attribute matching of PS3.4 C.2.2.2 as QIDO-RS takes it over: single value, list of UIDs, wild card, range,
 * universal. Names match whatever their case, in any of their component groups.
 */
export function matches(element: JsonElement | undefined, query: string): boolean {
  if (query === '') return true;
  const values = (element?.Value ?? []).flatMap(textsOf);
  const vr = element?.vr ?? '';
  if (vr === 'UI') return query.split(LIST).some((uid) => values.includes(uid.trim()));
  if (DATES.has(vr)) return values.some((value) => matchesRange(value, query));
  if (NUMBERS.has(vr)) return values.some((value) => Number(value) === Number(query));
  if (vr === 'CS') {
    const wanted = query.split(LIST); // several modalities, as viewers ask for them
    return values.some((value) => wanted.some((code) => matchesWildCard(value, code.trim())));
  }
  if (vr !== 'PN') return values.some((value) => matchesWildCard(value, query));
  return values.some((value) => matchesWildCard(value.toLowerCase(), query.toLowerCase()));
}

function textsOf(value: unknown): string[] {
  if (typeof value === 'string' || typeof value === 'number') return [String(value)];
  const groups = nameGroups.safeParse(value);
  return groups.success ? Object.values(groups.data) : [];
}

/** `a-b`, `a-`, `-b` or `a`; both ends are included, and a shorter end stands for all that begins with it. */
function matchesRange(value: string, query: string): boolean {
  const [from = '', to] = query.split('-');
  if (to === undefined) return value.startsWith(from);
  return value >= from && (to === '' || value.slice(0, to.length) <= to);
}

/**
 * `*` stands for any text, `?` for any one character. Not done by a regular expression: many stars in a
 * hostile query would keep it busy for hours.
 */
function matchesWildCard(value: string, pattern: string): boolean {
  let at = 0;
  let star = -1; // place in the pattern of the latest star, and how much of the value it has taken
  let starTook = 0;
  for (let i = 0; i < value.length; ) {
    if (pattern[at] === '*') {
      star = at++;
      starTook = i;
    } else if (at < pattern.length && (pattern[at] === '?' || pattern[at] === value[i])) {
      at++;
      i++;
    } else if (star >= 0) {
      at = star + 1;
      i = ++starTook;
    } else {
      return false;
    }
  }
  return /^\**$/.test(pattern.slice(at));
}
