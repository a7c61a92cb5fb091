import { z } from 'zod';

/** One group of components of a name (PS3.5 section 6.2.1), its words as keyed hashes. */
const nameGroup = z.object({
  family: z.array(z.string()).readonly(),
  /** Given and middle names; empty where the name was written without components. */
  given: z.array(z.string()).readonly(),
  /** Of the letters alone: `Anne-Marie` is `Annemarie`. */
  letters: z.string(),
});
/** Alphabetic, ideographic, phonetic; null where the name has none of the kind. */
export const nameKeysForm = z.array(nameGroup.nullable()).length(3).readonly();
export type NameKeys = z.output<typeof nameKeysForm>;
type NameGroup = z.output<typeof nameGroup>;

/** Letters of Latin scripts that no decomposition reduces to plain ones. */
const PLAIN: Readonly<Record<string, string>> = { Æ: 'AE', Œ: 'OE', Ø: 'O', Ð: 'D', Đ: 'D', Þ: 'TH', Ł: 'L' };
/** From katakana to hiragana. */
const KANA_DISTANCE = 0x60;

/**
 * Without case, width, diacritics and the ways to write them (`Müller`, `Mueller`, `MULLER`). Marks of other
 * scripts than Latin, Greek and Cyrillic are letters, and stay.
 */
function folded(text: string): string {
  return text
    .normalize('NFKD')
    .replaceAll(/[\u0300-\u036f'’`´]/g, '')
    .normalize('NFC')
    .toUpperCase()
    .replaceAll(/[ÆŒØÐĐÞŁ]/g, (letter) => PLAIN[letter] ?? letter)
    .replaceAll(/([AOU])E/g, '$1')
    .replaceAll(/[\u30a1-\u30f6]/g, (kana) =>
      String.fromCodePoint((kana.codePointAt(0) ?? 0) - KANA_DISTANCE),
    );
}

const wordsOf = (text: string): string[] =>
  folded(text)
    .split(/[^\p{L}\p{M}\p{N}]+/u)
    .filter((word) => word !== '');

/**
 * What names are compared by.
 * @param name as DICOM has it: components separated by ^, groups by =
 * @param digest hides a word
 * @param isPlaceholder tells names of nobody
 * @returns undefined where the name says nothing
 */
export function nameKeysOf(
  name: string | undefined,
  digest: (parts: readonly string[]) => string,
  isPlaceholder: (text: string) => boolean,
): NameKeys | undefined {
  const groups: (NameGroup | null)[] = [null, null, null];
  for (const [place, text] of (name ?? '').split('=').slice(0, 3).entries()) {
    if (isPlaceholder(text)) continue;
    const [family = '', given = '', middle = ''] = text.split('^');
    const words = { family: wordsOf(family), given: wordsOf(`${given} ${middle}`) };
    if (words.family.length + words.given.length === 0) continue;
    const hidden = (word: string) => digest(['name', word]).slice(0, 16);
    groups[kindOf(text, place)] ??= {
      family: words.family.map(hidden).sort(),
      given: words.given.map(hidden).sort(),
      letters: hidden(`${words.family.join('')}^${words.given.join('')}`),
    };
  }
  return groups.some((group) => group !== null) ? groups : undefined;
}

/** Some systems write ideographic or phonetic names where the alphabetic one belongs. */
function kindOf(text: string, place: number): number {
  if (place > 0) return place;
  if (/\p{Script=Han}/u.test(text)) return 1;
  return /[\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u.test(text) ? 2 : 0;
}

/**
 * `equal`: the same words in any order. `given`: the given names agree, one of them perhaps with more names,
 * and the rest does not. `unknown`: nothing that both have.
 */
export type NameComparison = 'equal' | 'given' | 'differ' | 'unknown';

export function compareNames(a: NameKeys | undefined, b: NameKeys | undefined): NameComparison {
  const found = new Set<NameComparison>();
  for (const [kind, one] of (a ?? []).entries()) {
    const other = b?.[kind];
    if (one && other) found.add(compareGroups(one, other));
  }
  return (['differ', 'given', 'equal'] as const).find((result) => found.has(result)) ?? 'unknown';
}

function compareGroups(a: NameGroup, b: NameGroup): NameComparison {
  const all = ({ family, given }: NameGroup) => [...family, ...given].sort().join(' ');
  if (a.letters === b.letters || all(a) === all(b)) return 'equal';
  const [fewer, more] = a.given.length <= b.given.length ? [a.given, b.given] : [b.given, a.given];
  return fewer.length > 0 && fewer.every((word) => more.includes(word)) ? 'given' : 'differ';
}
