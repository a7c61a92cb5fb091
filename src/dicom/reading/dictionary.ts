import { data } from 'dcmjs';

/** The keyword of a tag of eight hexadecimal digits; the tag itself where the dictionary has none. */
export function keywordOf(tag: string): string {
  const upper = tag.toUpperCase();
  return dictionaryEntry(upper)?.name ?? upper;
}

/** The VR that the dictionary gives a tag; in small letters where it leaves a choice (ox, xs). */
export function vrOf(tag: string): string | undefined {
  if (isPrivate(tag)) return PRIVATE_CREATOR.test(tag) ? 'LO' : undefined;
  return dictionaryEntry(tag.toUpperCase())?.vr;
}

/** Names who uses a block of private elements (PS3.5 7.8.1). */
const PRIVATE_CREATOR = /00(?!0)[\dA-F]{2}$/i;

function isPrivate(tag: string): boolean {
  return Number.parseInt(tag.slice(3, 4), 16) % 2 === 1;
}

function dictionaryEntry(tag: string): { name: string; vr: string } | undefined {
  if (isPrivate(tag)) return undefined;
  return data.DicomMetaDictionary.dictionary[`(${tag.slice(0, 4)},${tag.slice(4)})`];
}
