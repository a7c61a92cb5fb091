/** What people write about a series, and the vocabulary by which rules understand it. */

/** A concept (`arterial`) -> what people write for it, in several languages. */
export type Vocabulary = Readonly<Record<string, readonly string[]>>;

/** Letters that have no decomposition, so that taking marks away leaves them as they are. */
const LATIN_LETTERS: Readonly<Record<string, string>> = {
  ı: 'i',
  ß: 'ss',
  ø: 'o',
  ł: 'l',
  đ: 'd',
  æ: 'ae',
  œ: 'oe',
};
/** The asterisk of T2* and R2* means "star"; any other is decoration (Siemens writes *fl3d1). */
const STAR = /(?<=[rt][12]) ?\*/g;
/** Latin, Greek and Cyrillic accents; not the voicing marks of Japanese, which make another letter. */
const MARKS = /[\u0300-\u036f]+/g;
const NOT_A_WORD = /[^\p{L}\p{N}+]+/gu;
/** Where a description goes on without a space: InPhase, LeberArteriell; but not iDose, mDIXON. */
const INNER_CAPITAL = /(?<=\p{L}\p{Ll})(?=\p{Lu})/gu;
/** Between the two spellings of one text: as it is, and split at inner capitals. */
const OR = ' | ';

/**
 * Text as the vocabulary sees it: compatibility forms replaced (NFKC), lower case, without diacritics,
 * punctuation as single spaces. Where capitals stand inside a word, the text stands there twice: as it is and
 * with the word split.
 */
export function folded(text: string): string {
  const plain = text.normalize('NFKC');
  const spellings = [plain, plain.replaceAll(INNER_CAPITAL, ' ')].map(foldOne);
  return [...new Set(spellings)].join(OR);
}

function foldOne(text: string): string {
  return text
    .toLowerCase()
    .normalize('NFD')
    .replaceAll(MARKS, '')
    .normalize('NFC')
    .replaceAll(/[ıßøłđæœ]/g, (letter) => LATIN_LETTERS[letter] ?? letter)
    .replaceAll(STAR, 'star')
    .replaceAll(NOT_A_WORD, ' ')
    .trim();
}

/**
 * The concepts that a folded text speaks of, in the vocabulary's order. An entry matches whole words; `*`
 * stands for any letters and digits, `#` for digits, a space for a space or none, a final `$` for the end of
 * the text. In scripts that don't part words an entry matches anywhere.
 */
export function conceptsIn(text: string | undefined, vocabulary: Vocabulary): string[] {
  if (text === undefined) return [];
  return Object.keys(vocabulary).filter((concept) => pattern(vocabulary, concept).test(text));
}

const patterns = new WeakMap<Vocabulary, Map<string, RegExp>>();

function pattern(vocabulary: Vocabulary, concept: string): RegExp {
  const known = patterns.get(vocabulary) ?? new Map<string, RegExp>();
  patterns.set(vocabulary, known);
  const compiled = known.get(concept) ?? compile(vocabulary[concept] ?? []);
  known.set(concept, compiled);
  return compiled;
}

const WITHOUT_SPACES =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}]/u;

/** A folded text is words between single spaces. */
function compile(entries: readonly string[]): RegExp {
  const anywhere = entries.filter((entry) => WITHOUT_SPACES.test(entry));
  const words = entries.filter((entry) => !anywhere.includes(entry));
  const either = (some: readonly string[]) => `(?:${some.map(entryPattern).join('|') || NOTHING})`;
  return new RegExp(`${either(anywhere)}|(?<![^ ])${either(words)}(?![^ ])`, 'u');
}

const NOTHING = '(?!)';
const WILDCARDS: Readonly<Record<string, string>> = { '*': '[^ ]*', '#': '\\d+', ' ': ' ?' };

function entryPattern(entry: string): string {
  const body = entry
    .replace(/\$$/, '')
    .split(/([*# ])/)
    .map((piece) => WILDCARDS[piece] ?? escaped(foldOne(piece)))
    .join('');
  return entry.endsWith('$') ? `${body}(?= \\||$)` : body;
}

const escaped = (text: string): string => text.replaceAll(/[+|()[\]{}.?^\\/-]/g, '\\$&');
