/**
 * What systems write where nothing is known of a patient. A site may name its own: `patients.placeholderIds`.
 */
export const PLACEHOLDER_IDS: readonly string[] = [
  '0',
  'X',
  'NA',
  'NIL',
  'NONE',
  'NULL',
  'NO ID',
  'NO NAME',
  'UNK',
  'UNKNOWN',
  'UNDEFINED',
  'UNIDENTIFIED',
  'UNASSIGNED',
  'MISSING',
  'REMOVED',
  'ANON',
  'ANONYM',
  'ANONYMOUS',
  'ANONYMIZED',
  'ANONYMISED',
  'DEIDENTIFIED',
  'TEST',
  'DUMMY',
  'DEFAULT',
  'PATIENT',
  'PATIENT ID',
];

/** Letters and digits alone, whatever the case, width, space and punctuation. */
const wordsOf = (value: string): string[] =>
  value
    .normalize('NFKC')
    .toUpperCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '');

/**
 * Tells whether a text stands for nobody: nothing but punctuation, a listed word, words that are all listed
 * (`Unknown^Patient`), or a listed letter or digit again and again (`000`, `xxx`).
 */
export function placeholderTest(listed: readonly string[]): (value: string) => boolean {
  const known = new Set(listed.map((one) => wordsOf(one).join('')));
  return (value) => {
    const words = wordsOf(value);
    const whole = words.join('');
    const [first = ''] = whole;
    return (
      known.has(whole) ||
      words.every((word) => known.has(word)) ||
      (known.has(first) && whole === first.repeat(whole.length))
    );
  };
}
